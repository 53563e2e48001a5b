import sys
import time

import numpy as np
import pytest

from seq2seq_demo.errors import UsageError
from seq2seq_demo.patterns import PATTERNS, ROWS, SequencePattern, find_pattern, per_sequence

SOURCES = np.array([[3, 1, 4, 1, 5, 9, 2, 8], [7, 8, 0, 6, 2, 2, 5, 9]], np.uint8)
TARGETS = {
    "sorted": [[1, 1, 2, 3, 4, 5, 8, 9], [0, 2, 2, 5, 6, 7, 8, 9]],
    "reversed": [[8, 2, 9, 5, 1, 4, 1, 3], [9, 5, 2, 2, 6, 0, 8, 7]],
    "maxmin_dup": [[9, 1, 4, 1, 5, 9, 2, 8], [9, 0, 0, 6, 2, 2, 5, 9]],
    "copy": SOURCES.tolist(),
    "rotated": [[1, 4, 1, 5, 9, 2, 8, 3], [8, 0, 6, 2, 2, 5, 9, 7]],
    "running_sum": [[3, 4, 8, 9, 4, 3, 5, 3], [7, 5, 5, 1, 3, 5, 0, 9]],
    "added": [[0, 9, 0, 6, 9], [1, 0, 0, 6, 5]],  # 3141 + 5928, 7806 + 2259
}


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("out_len", [None, 4, 1])
def test_value_by_value(name, out_len):
    before = SOURCES.copy()
    targets = find_pattern(name).targets(SOURCES, out_len, 9)
    assert targets.tolist() == [target[:out_len] for target in TARGETS[name]]
    assert targets.dtype == np.uint8
    assert (before == SOURCES).all()


def test_the_running_sum_wraps_at_the_largest_target_symbol():
    pattern = find_pattern("running_sum")
    assert pattern.targets(np.array([[3, 4, 4, 1]]), None, out_max_int=6).tolist() == [[3, 0, 4, 5]]
    assert pattern.targets(np.array([[250, 250]], np.uint8), None, 300).tolist() == [[250, 199]]


def test_added_against_integers():
    sources = np.random.default_rng(1).integers(0, 10, (500, 14), dtype=np.uint8)
    sources[0] = 9
    for source, target in zip(sources.tolist(), find_pattern("added").targets(sources, None, 9).tolist(), strict=True):
        a, b, total = (int("".join(map(str, digits))) for digits in (source[:7], source[7:], target))
        assert a + b == total
        assert len(target) == 8


@pytest.mark.parametrize("name", PATTERNS)
def test_100_000_points_in_an_instant(name):
    sources = np.random.default_rng(1).integers(0, 10, (100_000, 10), dtype=np.uint8)
    start = time.perf_counter()
    find_pattern(name).targets(sources, 10, 9)
    assert time.perf_counter() - start < 0.5  # 0.02 s on a quiet machine; a loop over sequences takes seconds


def test_more_rows_than_a_function_gets_at_once():
    sources = np.random.default_rng(1).integers(0, 10, (ROWS + 3, 2))
    seen = []
    pattern = SequencePattern("f", lambda x: seen.append(len(x)) or x[:, ::-1])
    assert (pattern.targets(sources, None, 9) == sources[:, ::-1]).all()
    assert seen == [ROWS, 3]


@pytest.mark.parametrize(
    ("name", "lengths", "message"),
    [
        ("sorted", (10, 11, 9, 9), "--out-len can be at most 10, got 11"),
        ("added", (10, 7, 9, 9), "gives 6 symbols for --in-len 10, so --out-len can be at most 6, got 7"),
        ("added", (7, None, 9, 9), "does not take sources of 7 symbols: expected an even number"),
        ("added", (4, None, 12, 12), "so --in-max-int can be at most 9, got 12"),
        ("sorted", (3, None, 12, 9), r"expected symbols from 0 to --out-max-int 9, got 12 for \[12, 12, 12\]"),
        ("maxmin_dup", (1, 1, 9, 9), "does not take sources of 1 symbols: expected at least 2"),
    ],
)
def test_what_a_pattern_cannot_fill(name, lengths, message):
    with pytest.raises(UsageError, match=message):
        find_pattern(name).check(*lengths)


def test_the_length_of_a_target():
    assert find_pattern("sorted").check(10, None, 9, 9) == find_pattern("sorted").check(10, 4, 9, 9) == 10
    assert find_pattern("added").check(12, None, 9, 9) == 7


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(UsageError, match="did you mean reversed") as error:
        find_pattern("revered")
    assert "sorted, reversed, maxmin_dup, copy, rotated, running_sum, added" in str(error.value)


def changes_its_input(x):
    x[:, 0] = 0
    return x.copy()


def fails_on_nines(x):
    if 9 in x:
        raise RuntimeError("no nines")
    return x


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x[0], r"expected integers of shape \(32, 'T'\) for sources of shape \(32, 3\), got shape \(3,\)"),
        (lambda x: x[:5], r"got shape \(5, 3\)"),
        (lambda x: x[:, :0], r"got shape \(32, 0\)"),
        (lambda x: None, "got NoneType, which is no array"),
        (lambda x: x / 1, r"got float64: \[0.0, 0.0, 0.0\] for \[0, 0, 0\]"),
        (lambda x: x > 3, "got bool: "),
        (lambda x: x + 1, r"expected symbols from 0 to --out-max-int 9, got 10 for \[9, 9, 9\]"),
        (lambda x: x - 1, r"got -1 for \[0, 0, 0\]"),
        (changes_its_input, r"expected it to leave its input as it is, got \[9, 9, 9\] and then \[0, 9, 9\]"),
        (lambda x: np.random.default_rng().integers(0, 10, x.shape), "expected it to give the same again, got"),
        (lambda x: np.sort(x, axis=0), "expected it to make each target of its own source alone, got"),
        (lambda x: sys.exit(0), "does not take sources of 3 symbols: SystemExit: 0"),
        (fails_on_nines, "does not take sources of 3 symbols: RuntimeError: no nines"),
        (per_sequence(lambda s: s[: 1 + s[0]]), r"expected a target of shape \(1,\), got \(3,\) for \[9, 9, 9\]"),
        (per_sequence(lambda s: 3), r"expected a target of shape \('T',\), got \(\) for \[0, 0, 0\]"),
        (per_sequence(fails_on_nines), r"RuntimeError: no nines, for \[9, 9, 9\]"),
    ],
)
def test_what_is_no_pattern_is_told_with_its_row(function, message):
    with pytest.raises(UsageError, match=message):
        SequencePattern("f", function).check(3, None, 9, 9)


def test_a_row_that_the_sample_did_not_hold_is_found_when_points_are_drawn():
    pattern = SequencePattern("f", lambda x: np.where(x == [[4, 5, 6]], 77, x))
    with pytest.raises(UsageError, match=r"got 77 for \[1, 5, 2\]"):
        pattern.targets(np.array([[1, 2, 3], [1, 5, 2]]), None, 9)


def test_a_function_of_one_sequence():
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
