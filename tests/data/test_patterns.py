import numpy as np
import pytest

from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.data.patterns import PATTERNS, check_name, is_user_function
from seq2seq_demo.errors import UsageError

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
def test_the_targets_of_built_in_patterns(name, out_len):
    before = SOURCES.copy()
    targets = find_pattern(name).targets(SOURCES, out_len, 9)
    assert targets.tolist() == [target[:out_len] for target in TARGETS[name]]
    assert targets.dtype == np.uint8
    assert (before == SOURCES).all()


def test_the_running_sum_wraps_at_the_largest_target_symbol():
    pattern = find_pattern("running_sum")
    assert pattern.targets(np.array([[3, 4, 4, 1]]), None, out_max_int=6).tolist() == [[3, 0, 4, 5]]
    assert pattern.targets(np.array([[250, 250]], np.uint8), None, 300).tolist() == [[250, 199]]


def test_added_matches_integer_addition():
    sources = np.random.default_rng(1).integers(0, 10, (500, 14), dtype=np.uint8)
    sources[0] = 9
    for source, target in zip(sources.tolist(), find_pattern("added").targets(sources, None, 9).tolist(), strict=True):
        a, b, total = (int("".join(map(str, digits))) for digits in (source[:7], source[7:], target))
        assert a + b == total
        assert len(target) == 8


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(UsageError, match="did you mean reversed") as error:
        find_pattern("revered")
    assert "sorted, reversed, maxmin_dup, copy, rotated, running_sum, added" in str(error.value)


def test_names_with_a_colon_are_user_functions():
    assert is_user_function("patterns.py:f")
    assert not is_user_function("sorted")
    check_name("no_such_file.py:f")  # the file is not looked up until it is loaded
