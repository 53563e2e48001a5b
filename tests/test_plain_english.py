"""The phrases that CONTRIBUTING.md rules out, as far as a pattern can find them, in code and documents."""

import re
from pathlib import Path

from helpers import ROOT

PHRASES = re.compile(
    r"\b(return what|returns what|return of|returns of|so many|somebody|nobody|likewise|(?<!no[ -])such(?! as)"
    r"|files? (say|tell|know)s?)\b"
    r'|"""(of|what|where)\b',  # as the first word of a docstring
    re.IGNORECASE,
)
FOLDERS = "seq2seq_demo", "scripts", "tests", ".github", "trained_weights"
KINDS = ".py", ".md", ".js", ".html", ".css", ".yml"


def test_no_file_contains_the_phrases():
    for path in [ROOT / "README.md", *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]:
        if path.suffix in KINDS and path != Path(__file__):  # this file contains them
            text = re.sub(r"`[^`\n]+`", "code", path.read_text())  # quotations may contain anything
            assert [match[0] for match in PHRASES.finditer(text)] == [], path
