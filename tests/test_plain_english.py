"""The words and phrases that CONTRIBUTING.md rules out, as far as a pattern can find them, in code and documents."""

import re
import tokenize
from pathlib import Path

from helpers import ROOT

PHRASES = re.compile(
    r"\b(return what|returns what|return of|returns of|so many|somebody|nobody|likewise|(?<!no[ -])such(?! as)"
    r"|files? (say|tell|know)s?"
    # words: metrics, a fraction, a string, held out for validation, bundled, memorised, next to or besides
    r"|(?<!Matplotlib )figures?|shares? (of|answered|right)"
    r"|texts|a text(?!\s(element|field|file|network|node|table|task))"
    r"|(pairs?|sources?|points?|tenth|them) (that |which )?validates?|(that|which) comes? with the program"
    r"|shipped networks?|errs|by heart|beside"
    # idioms
    r"|in (Windows|Linux|macOS|Debian)(?!')|those (of|with)|if there is one|if any|if it has one|mostly,|bring nothing"
    r"|(file|weights|function|pattern) of `?--?[a-z]"
    # spelling; `optimizer` is also an argument, an option and the path of an array
    r"|(?<!-)optimizers?(?![:=/])|(minim|synchron|recogn|normal)iz(e|es|ed|ing)(?!\()"
    # messages
    r"|expects no|exists already|(got|found) (none|both|neither|nothing|something else))\b"
    r"|\d %(?! \d)|[;(] ?None: "
    r'|"""(of|what|where)\b'  # as the first word of a docstring
    r"|^#+ .*\bof your own",  # in a heading
    re.IGNORECASE | re.MULTILINE,
)
EXCEPTIONS = re.compile(r"figure(?=\[hidden\]|'\))")  # JavaScript in a string
FOLDERS = "seq2seq_demo", "scripts", "tests", ".github", "trained_weights"
KINDS = ".py", ".md", ".js", ".html", ".toml", ".css", ".yml"
JAVASCRIPT = re.compile(r'/\*.*?\*/|//.*?$|"[^"\n]* [^"\n]*"|`[^`]* [^`]*`', re.DOTALL | re.MULTILINE)  # its prose
FILES = [ROOT / "README.md", *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]


def prose(path):
    """The comments and the strings of several words in code; the text of a document without code."""
    text = path.read_text()
    if path.suffix == ".py":
        tokens = tokenize.generate_tokens(iter(text.splitlines(keepends=True)).__next__)
        names = (tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", None))
        text = "\n".join(token.string for token in tokens if token.type in names and " " in token.string)
        text = re.sub(r"\{[^{}]*\}", "code", text)
    elif path.suffix in (".js", ".css"):  # where a figure is an HTML element
        text = "\n".join(re.sub(r"\$\{[^{}]*\}|\bfigure\b", "code", part) for part in JAVASCRIPT.findall(text))
    else:
        text = re.sub(r"^```.*?^```|<[^<>]*>", "", text, flags=re.DOTALL | re.MULTILINE)
    return EXCEPTIONS.sub("", re.sub(r"`[^`\n]+`", "code", text))


def test_no_file_contains_the_phrases():
    files = [path for path in FILES if path.suffix in KINDS and path != Path(__file__)]  # this file contains them
    found = [(str(path.relative_to(ROOT)), match[0]) for path in files for match in PHRASES.finditer(prose(path))]
    assert found == []
