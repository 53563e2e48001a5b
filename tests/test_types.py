"""The types of the Python API, as a user's type checker sees them."""

import re
import subprocess
import sys
from typing import get_args

import jedi
import pytest
from helpers import ROOT, environment
from test_documents import blocks

from seq2seq_demo.config import CELL_TYPES, CellName


@pytest.mark.slow
def test_documented_calls_pass_mypy_strict(tmp_path):
    files = [ROOT / "tests" / "documented_calls.py"]
    for language, _, text in blocks(ROOT / "seq2seq_demo" / "docs" / "PYTHON.md"):
        if language == "python":
            files.append(tmp_path / re.match(r"# (\w+\.py)\n", text)[1])
            files[-1].write_text(text)
    assert len(files) == 4
    command = [sys.executable, "-m", "mypy", "--strict", *map(str, files)]  # with the cache of the package's own check
    env = environment(MYPYPATH=str(ROOT))
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.slow
def test_editors_complete_keywords_and_attributes():
    for code, name in (
        ("from seq2seq_demo import train\ntrain('copy', lear", "learning_rate="),
        ("from seq2seq_demo import load\nload('g2p').predict(['a'], beam", "beam_size="),
        ("from seq2seq_demo import train\ntrain('copy').sett", "settings"),
        ("import seq2seq_demo\nseq2seq_demo.patt", "patterns"),
    ):
        assert [each.name for each in jedi.Script(code).complete()] == [name]


def test_the_names_of_cells_are_those_of_their_table():
    assert get_args(CellName) == tuple(CELL_TYPES)
