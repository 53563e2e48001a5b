import numpy as np
import pytest

from seq2seq_demo.data.sequence_pattern import SequencePattern, find_pattern
from seq2seq_demo.data.user_functions import per_sequence, what_it_is
from seq2seq_demo.errors import UsageError

SOURCES = np.array([[3, 1, 4, 1, 5, 9, 2, 8], [7, 8, 0, 6, 2, 2, 5, 9]], np.uint8)


def test_a_function_of_one_sequence():
    @per_sequence
    def ends(source):
        """First and last."""
        return [source[0], source[-1]]

    assert ends(SOURCES).tolist() == [[3, 8], [7, 9]]
    assert SequencePattern("ends", ends).check(5, None, 9, 9) == 2
    assert ends.__doc__ == "First and last."


def test_a_missing_return_is_guessed():
    @per_sequence
    def forgetful(source):
        sorted(source)

    with pytest.raises(
        UsageError, match=r"expected a list of integers, got None \(is a `return` missing\?\) for \[0, 0, 0, 0, 0\]$"
    ):
        SequencePattern("forgetful", forgetful).check(5, None, 9, 9)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (None, "None (is a `return` missing?)"),
        (3, "int 3"),
        ("abc", "str 'abc'"),
        ("a" * 100, "str '" + "a" * 55),
        (np.zeros((2, 3)), "shape (2, 3)"),
        ([1, 2], "shape (2,)"),
    ],
)
def test_what_it_is(result, words):
    assert what_it_is(result) == words


@pytest.mark.parametrize("function", [lambda x: [[1, 2], [3]], per_sequence(lambda x: [[1, 2], [3]])])
def test_lists_that_are_no_array(function):
    with pytest.raises(UsageError, match=r"pattern 'f' does not take sources of 3 symbols: .*inhomogeneous"):
        SequencePattern("f", function).check(3, None, 9, 9)


OWN = """
from neighbour import FIRST

def doubled(sources):
    return sources * 2 % 10

NUMBER = 3
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "my_patterns.py").write_text(OWN)
    (tmp_path / "lib" / "neighbour.py").write_text("FIRST = 1\n")
    (tmp_path / "packaged").mkdir()
    (tmp_path / "packaged" / "inner.py").write_text("def f(sources):\n    return sources[:, 1:]\n")
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "failing.py").write_text("raise RuntimeError('no')\n")
    (tmp_path / "exiting.py").write_text("import sys; sys.exit(3)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])


def test_a_function_of_a_file_or_a_module(own):
    pattern = find_pattern("lib/my_patterns.py:doubled")
    assert pattern.name == "my_patterns:doubled"
    assert pattern.targets(np.array([[200, 3]], np.uint8), None, 9).tolist() == [[0, 6]]  # no byte overflows
    pattern = find_pattern("packaged.inner:f")
    assert pattern.name == "inner:f"
    assert pattern.check(4, None, 9, 9) == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.py:f", "expected a Python file 'none.py' with a pattern, found none"),
        ("lib/my_patterns.py:g", "expected a function 'g' in lib/my_patterns.py, found nothing of that name"),
        ("lib/my_patterns.py:NUMBER", "expected a function 'NUMBER' in lib/my_patterns.py, found int"),
        ("lib/my_patterns.py:", "expected a function ''"),
        ("broken.py:f", "broken.py, line 1: "),
        ("failing.py:f", "failing.py cannot be imported: RuntimeError: no"),
        ("exiting.py:f", "exiting.py cannot be imported: SystemExit: 3"),
        ("no_such_module:f", "no_such_module cannot be imported: ModuleNotFoundError"),
        (":f", "expected -p FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION, got '' before the colon"),
    ],
)
def test_a_function_that_cannot_be_had(own, name, message):
    with pytest.raises(UsageError, match=message) as error:
        find_pattern(name)
    assert "\n" not in str(error.value)
