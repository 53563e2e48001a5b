import json
import os
import pickle
import sys
import threading
import time

import numpy as np
import pytest

from seq2seq_demo.data.pattern_task import SequencePattern, find_pattern
from seq2seq_demo.data.user_functions import load_function, per_sequence
from seq2seq_demo.errors import UsageError

SOURCES = np.array([[3, 1, 4, 1, 5, 9, 2, 8], [7, 8, 0, 6, 2, 2, 5, 9]], np.uint8)


def test_per_sequence_wraps_a_function_of_one_sequence():
    @per_sequence
    def ends(source):
        """First and last."""
        return [source[0], source[-1]]

    assert ends(SOURCES).tolist() == [[3, 8], [7, 9]]
    assert SequencePattern("ends", ends).check(5, None, 9, 9) == 2
    assert ends.__doc__ == "First and last."


OWN = """
from neighbour import FIRST

def doubled(sources):
    return sources * 2 % 10

NUMBER = 3
"""

MODERN = """
from __future__ import annotations
from dataclasses import dataclass
from typing import NamedTuple
import pickle

@dataclass
class Shift:
    n: int = 1

class Pair(NamedTuple):
    first: int

pickle.loads(pickle.dumps(Shift(2)))  # needs the module

def f(sources):
    return sources[:, ::-Shift().n]
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "my_patterns.py").write_text(OWN)
    (tmp_path / "lib" / "neighbour.py").write_text("FIRST = 1\n")
    (tmp_path / "packaged").mkdir()
    (tmp_path / "packaged" / "inner.py").write_text("def f(sources):\n    return sources[:, 1:]\n")
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "exiting.py").write_text("import sys; sys.exit(3)\n")
    (tmp_path / "lazy.py").write_text("def __getattr__(name):\n    raise RuntimeError('not there')\n")
    for stem in ("modern", "json"):
        (tmp_path / f"{stem}.py").write_text(MODERN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])


def test_functions_from_files_and_modules(own):
    pattern = find_pattern("lib/my_patterns.py:doubled")
    assert pattern.name == "my_patterns:doubled"
    assert pickle.loads(pickle.dumps(pattern)).function is not pattern.function  # imported again, as in another process
    assert pattern.targets(np.array([[200, 3]], np.uint8), None, 9).tolist() == [[0, 6]]  # no byte overflows
    pattern = find_pattern("packaged.inner:f")
    assert pattern.name == "inner:f"
    assert pattern.check(4, None, 9, 9) == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.py:f", "none.py cannot be imported: FileNotFoundError: "),
        ("lib/my_patterns.py:g", "expected a function 'g' in lib/my_patterns.py, got nothing of that name"),
        ("lib/my_patterns.py:NUMBER", "expected a function 'NUMBER' in lib/my_patterns.py, got int"),
        ("broken.py:f", r"broken.py cannot be imported: SyntaxError: .* \(broken.py, line 1\)"),
        ("lazy.py:f", "lazy.py cannot be imported: RuntimeError: not there"),
        ("no_such_module:f", "no_such_module cannot be imported: ModuleNotFoundError"),
        (":f", "cannot be imported: Empty module name"),
        ("exiting.py:f", "exiting.py cannot be imported: SystemExit: 3"),
    ],
)
def test_functions_that_cannot_be_loaded_are_errors(own, name, message):
    with pytest.raises(UsageError, match=message) as error:
        find_pattern(name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("stem", ["modern", "json"])
def test_a_loaded_file_hides_no_other_module(own, stem):
    pattern = find_pattern(f"{stem}.py:f")
    assert pattern.name == f"{stem}:f"
    assert pattern.check(3, None, 9, 9) == 3
    assert sys.modules["json"] is json
    assert "modern" not in sys.modules


PRINTING = """
import sys
print("import")

@__import__("seq2seq_demo").per_sequence
def f(source):
    print("print")
    sys.stdout.write("write\\n")
    return source
"""


def test_prints_of_a_function_go_to_standard_error(own, tmp_path, capsys, monkeypatch):
    (tmp_path / "printing.py").write_text(PRINTING)
    stdout = sys.stdout
    pattern = find_pattern("printing.py:f")
    assert capsys.readouterr() == ("", "import\n")
    pattern.targets(np.array([[1, 2]]), None, 9)
    assert sys.stdout is stdout
    assert capsys.readouterr() == ("", "print\nwrite\n")
    with pytest.raises(UsageError):
        pattern.targets(np.array([[1, 20]]), None, 9)
    assert sys.stdout is stdout
    capsys.readouterr()
    monkeypatch.setattr(sys, "stderr", None)  # closed
    SequencePattern("f", lambda x: print("lost") or x).targets(SOURCES, None, 9)
    assert capsys.readouterr() == ("", "")


def test_calls_in_several_threads_leave_standard_output_as_it_was():
    stdout, pattern = sys.stdout, SequencePattern("f", lambda x: time.sleep(0.01) or x)
    threads = [threading.Thread(target=pattern.targets, args=(SOURCES, None, 9)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sys.stdout is stdout


def test_an_edit_within_a_second_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file = tmp_path / "mine.py"
    for sign in "-+":  # the size stays the same
        file.write_text(f"def f(sources):\n    return sources[:, ::{sign}1]\n")
        os.utime(file, (1e9, 1e9))
        _, function = load_function(f"{file}:f")
        assert function(np.array([[1, 2]])).tolist() == [[2, 1] if sign == "-" else [1, 2]]
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]
