import numpy as np
import pytest

from seq2seq_demo.data import ragged
from seq2seq_demo.data.ragged import Ragged, RaggedPairs, concatenated, concatenated_pairs

ROWS = [[3, 1], [], [4, 1, 5, 9, 2], [6], [], [5, 3, 5]]


def test_rows_there_and_back():
    for rows in (ROWS, [[]], [], [[], []]):
        assert Ragged.of_rows(rows).rows() == rows
    assert Ragged.of_rows(ROWS).lengths.tolist() == [2, 0, 5, 1, 0, 3]
    assert [Ragged.of_rows([[1, n]]).symbols.dtype for n in (255, 256, 2**16)] == [np.uint8, np.uint16, np.uint32]


def test_padded_rows():
    padded = Ragged.of_rows(ROWS[:3]).padded(6, filler=300)
    assert padded.tolist() == [[3, 1] + [300] * 4, [300] * 6, [4, 1, 5, 9, 2, 300]]
    assert Ragged.of_padded(padded, np.array([2, 0, 5])).rows() == ROWS[:3]
    assert Ragged.of_rows(ROWS[:2]).padded().tolist() == [[3, 1], [0, 0]]


@pytest.mark.parametrize("part", [1, 2, 3, 5, 6, 10**6])
@pytest.mark.parametrize(
    "chosen",
    [
        np.array([2, 5, 0, 2, 3]),
        np.array([1, 4]),
        np.array([4, 2, 1, 0, 1]),
        np.array([], np.int64),
        np.array([True, False, True, False, True, True]),
        slice(1, 4),
        slice(None, None, -1),
        slice(None, 3),
    ],
    ids=str,
)
def test_chosen_rows_a_part_at_a_time(monkeypatch, part, chosen):
    monkeypatch.setattr(ragged, "PART", part)
    numbers = np.arange(6)[chosen]
    found = Ragged.of_rows(ROWS)[chosen]
    assert found.rows() == [ROWS[n] for n in numbers]
    assert found.symbols.dtype == np.uint8


def test_what_is_chosen_of_pairs_stays_together():
    pairs = RaggedPairs(Ragged.of_rows(ROWS), Ragged.of_rows([[n] * n for n in range(6)]))
    found = pairs[np.array([5, 2])]
    assert (found.sources.rows(), found.targets.rows()) == ([ROWS[5], ROWS[2]], [[5] * 5, [2, 2]])
    assert len(pairs[:4]) == 4


@pytest.mark.parametrize("largest", [9, 300, 70_000])
def test_groups_of_equal_rows(largest):
    rows = [[1, 2], [], [1], [1, 2, 0], [1, 2], [], [0, 1, 2], [largest], [1], [1, 2]]
    assert Ragged.of_rows(rows).groups().tolist() == [0, 1, 2, 3, 0, 1, 4, 5, 2, 0]
    assert Ragged.of_rows([]).groups().tolist() == []


def test_groups_are_those_of_all_parts():
    """Symbols that take one byte in a part, and two in the other."""
    parts = [Ragged.of_rows([[1], [1, 0]]), Ragged.of_rows([[300], [1], [1, 0]])]
    assert concatenated(parts).groups().tolist() == [0, 1, 2, 0, 1]


def test_parts_one_after_the_other():
    parts = [RaggedPairs(Ragged.of_rows(rows), Ragged.of_rows(rows[::-1])) for rows in (ROWS[:2], ROWS[2:])]
    whole = concatenated_pairs(iter(parts))
    assert whole.sources.rows() == ROWS
    assert whole.targets.rows() == [ROWS[k] for k in (1, 0, 5, 4, 3, 2)]
