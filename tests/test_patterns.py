import time

import numpy as np
import pytest

from seq2seq_demo.errors import UsageError
from seq2seq_demo.patterns import find_pattern

SOURCES = np.array([[3, 1, 4, 1, 5, 9, 2], [7, 8, 0, 6, 2, 2, 5]], np.uint8)


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        ("sorted", [[1, 1, 2, 3, 4, 5, 9], [0, 2, 2, 5, 6, 7, 8]]),
        ("reversed", [[2, 9, 5, 1, 4, 1, 3], [5, 2, 2, 6, 0, 8, 7]]),
        ("maxmin_dup", [[9, 1, 4, 1, 5, 9, 2], [8, 0, 0, 6, 2, 2, 5]]),
    ],
)
@pytest.mark.parametrize("out_len", [7, 4, 1])
def test_value_by_value(name, targets, out_len):
    before = SOURCES.copy()
    assert find_pattern(name).targets(SOURCES, out_len).tolist() == [target[:out_len] for target in targets]
    assert (before == SOURCES).all()


@pytest.mark.parametrize("name", ["sorted", "reversed", "maxmin_dup"])
def test_100_000_points_in_an_instant(name):
    sources = np.random.default_rng(1).integers(0, 10, (100_000, 10), dtype=np.uint8)
    start = time.perf_counter()
    find_pattern(name).targets(sources, 10)
    assert time.perf_counter() - start < 0.5  # 0.02 s on a quiet machine; a loop over sequences takes seconds


def test_what_a_pattern_cannot_fill():
    pattern = find_pattern("sorted")
    pattern.check(in_len=10, out_len=10, in_max_int=9, out_max_int=9)
    with pytest.raises(UsageError, match="--out-len can be at most 10, got 11"):
        pattern.check(10, 11, 9, 9)
    with pytest.raises(UsageError, match="--out-max-int must be at least that, got 9"):
        pattern.check(10, 10, 12, 9)
    with pytest.raises(UsageError, match="--in-len of at least 2, got 1"):
        find_pattern("maxmin_dup").check(1, 1, 9, 9)


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(UsageError, match="did you mean reversed") as error:
        find_pattern("revered")
    assert "sorted, reversed, maxmin_dup" in str(error.value)
