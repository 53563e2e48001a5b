"""The phrases that CONTRIBUTING.md rules out, as far as a pattern can find them, in code and documents."""

import ast
import io
import re
import tokenize

import pytest
from helpers import ROOT

PHRASES = re.compile(
    r"\b(return what|returns what|return of|returns of|so many|somebody|nobody|likewise|such(?! as)"
    r"|files? (say|tell|know)s?)\b",
    re.IGNORECASE,
)
OPENINGS = re.compile(r"(Of|What|Where)\b", re.IGNORECASE)
ENDINGS = re.compile(r"\b(of it|of them|with|there|for it|with it)\.$")
FOLDERS = "seq2seq_demo", "scripts", "tests", ".github", "trained_weights"
FILES = [ROOT / "README.md", *(path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")))]
PYTHON = [path for path in FILES if path.suffix == ".py"]
OTHERS = [path for path in FILES if path.suffix in (".md", ".js", ".html", ".css", ".yml")]


def name(path):
    return str(path.relative_to(ROOT))


def docstrings(text):
    """Yield the line number and the text of every docstring."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (prose := ast.get_docstring(node)):
            yield node.body[0].lineno, prose


def comments(text):
    """Yield the line number and the text of every comment."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("#! -")


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_docstrings_and_comments(path):
    text = path.read_text()
    contracts = [*docstrings(text)]
    prose = [*contracts, *comments(text)]
    wrong = [(line, text) for line, text in prose if PHRASES.search(text) or OPENINGS.match(text)]
    wrong += [(line, text) for line, text in contracts if ENDINGS.search(text.partition("\n\n")[0])]
    assert not wrong


@pytest.mark.parametrize("path", OTHERS, ids=name)
def test_documents_and_pages(path):
    text = re.sub(r"`[^`\n]+`", "code", path.read_text())  # quotations may contain anything
    assert not [match[0] for match in PHRASES.finditer(text)]
