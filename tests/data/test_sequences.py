from collections import Counter

import numpy as np
import pytest

from seq2seq_demo.data.sequences import Pairs, Sequences, align, confusions, edit_distances, shift_right

ROWS = [[3, 1], [], [4, 1, 5, 9, 2], [6], [], [5, 3, 5]]


def test_rows_round_trip():
    for rows in (ROWS, [[]], [], [[], []], [[1, 2], [3, 4]]):
        assert Sequences.of_rows(rows).rows() == rows
    assert Sequences.of_rows(ROWS).lengths.tolist() == [2, 0, 5, 1, 0, 3]
    sizes = [Sequences.of_rows([[1, n]]).symbols.dtype for n in (255, 256, 2**16)]
    assert sizes == [np.uint8, np.uint16, np.uint32]


@pytest.mark.parametrize("largest", [9, 300, 70_000])
def test_group_ids_of_equal_rows(largest):
    rows = [[1, 2], [], [1], [1, 2, 0], [1, 2], [], [0, 1, 2], [largest], [1], [1, 2]]
    assert Sequences.of_rows(rows).groups().tolist() == [0, 1, 2, 3, 0, 1, 4, 5, 2, 0]
    assert Sequences.of_rows([]).groups().tolist() == []
    array = np.array([[1, largest, 3], [2, 2, 2], [1, largest, 3]])
    assert Sequences.of_array(array).groups().tolist() == [0, 1, 0]


# ---- Pairs ----


def test_shift_right():
    assert shift_right(np.array([[3, 1, 2], [7, 7, 9]], np.uint8), go=300).tolist() == [[300, 3, 1], [300, 7, 7]]


def test_the_mask_of_sequences_with_a_large_symbol():
    sequences = Sequences.of_rows([[], [3, 9], [8], [], [9], [1, 2, 300]])
    assert sequences.exceed(8).tolist() == [False, True, False, False, True, True]
    assert sequences.exceed(299).tolist() == [False] * 5 + [True]
    assert sequences.exceed(2**40).tolist() == [False] * 6


def test_pairs_without_the_sources_of_others():
    pairs = Pairs(Sequences.of_rows([[1, 2], [3], [1], []]), Sequences.of_rows([[7], [8], [9], [6]]))
    others = pairs.without(Sequences.of_rows([[3], [300], [1, 2]]))  # their symbols have another type
    assert (others.sources.rows(), others.targets.rows()) == ([[1], []], [[9], [6]])
    assert pairs.without(pairs.sources) is pairs  # otherwise none would remain


# ---- Edit distances ----

KITTEN, SITTING = [10, 8, 19, 19, 4, 13], [18, 8, 19, 19, 8, 13, 6]


def test_confusions_count_each_edit():
    for answer, target, edits in [
        ([1, 2, 3], [1, 2, 3], {}),
        ([], [4, 4, 5], {(4, None): 2, (5, None): 1}),
        ([4, 6, 4], [], {(None, 4): 2, (None, 6): 1}),
        (KITTEN, SITTING, {(18, 10): 1, (8, 4): 1, (6, None): 1}),
    ]:
        sides = Sequences.of_rows([answer]), Sequences.of_rows([target])
        assert confusions(*sides) == Counter(edits)
        assert edit_distances(*sides).tolist() == [sum(edits.values())]


def test_an_answer_is_aligned_with_its_target():
    for answer, target, due in [
        ("", "abc", []),
        ("axbc", "abc", ["a", [], "b", "c"]),
        ("bcd", "abcd", ["ab", "c", "d"]),
        ("aabx", "abbd", ["a", "b", "b", "d"]),
        ("aab", "ab", ["a", [], "b"]),  # the second a counts as extra, as on the page
        ("acb", "abxb", ["a", "b", "xb"]),
    ]:
        assert align([*answer], [*target]) == [[*symbols] for symbols in due]
