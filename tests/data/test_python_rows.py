"""Rows of Python objects. `Frame` and `Column` have the methods of pandas that are used."""

import numpy as np
import pytest

from seq2seq_demo.data.pair_task import pair_task_from_rows
from seq2seq_demo.data.python_rows import python_sources
from seq2seq_demo.errors import InputError


class Column:
    def __init__(self, values):
        self.values = values

    def __iter__(self):
        return iter(self.values)

    dtype = "object"


class Frame:
    def __init__(self, repeats=(), **columns):
        self.of, self.repeats = columns, repeats

    @property
    def columns(self):
        return Column([*self.of, *self.repeats])

    def __iter__(self):
        return iter(self.of)  # the names, as in pandas

    def __getitem__(self, name):
        return Column(self.of[name])


NA = type("NAType", (), {})  # as in pandas, which the tests do not install
PAIRS = [("ab", "XX Y"), ("b", "Y XX"), ("a", "")]
WORDS, PHONES = zip(*PAIRS, strict=True)
MISSING = "pairs, row 1: expected a source and a target, got a missing value"


@pytest.mark.parametrize(
    "rows",
    [
        Frame(word=WORDS, ipa=PHONES),
        Frame(anything=WORDS, other=PHONES),
        Frame(id=[3, 4, 5], target=PHONES, source=WORDS),
        [{"input": source, "output": target, "id": 7} for source, target in PAIRS],
        [{"source": source, "target": target} for source, target in PAIRS],
        [{"input": source, "output": target, "source": "Wiktionary"} for source, target in PAIRS],
        [{"input": np.array([*source]), "output": tuple(target.split())} for source, target in PAIRS],
    ],
)
def test_rows_of_pairs(rows):
    expected = pair_task_from_rows(PAIRS)
    task = pair_task_from_rows(rows, validation=rows)
    assert task.digest == pair_task_from_rows(PAIRS, validation=PAIRS).digest
    assert task.vocabularies.tokens == expected.vocabularies.tokens == ("characters", "words")


def test_integers_of_a_column_are_texts():
    task = pair_task_from_rows(Frame(year=[1987.0, np.float64(19)], roman=["MCMLXXXVII", "XIX"]))
    assert task.vocabularies.source.symbols == ("1", "7", "8", "9")
    assert pair_task_from_rows([([3.0, np.float32(1)], np.array([2.0]))] * 2).pairs.sources.rows() == [[3, 1]] * 2
    task = pair_task_from_rows(Frame(year=[1987, 19], roman=["MCMLXXXVII", "XIX"]))
    assert task.vocabularies.source.symbols == ("1", "7", "8", "9")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (Frame(a=[], b=[], c=[]), 'expected a DataFrame with columns source and target, or two .*, got "a", "b"'),
        (Frame(source=["a", "b", "c", NA()], target=["x", float("nan"), "y", "z"]), f"{MISSING}, in 2 of"),
        ([("a", "b"), ("c", None)], f"{MISSING}, in 1 of the rows"),
        ([{"input": "a", "output": "b"}, {"sauce": "a"}], 'row 1: expected an object with "input" or "source", got {'),
        ([{"input": "a", "outptu": "b"}] * 2, 'row 0: expected .*, got none beside "outptu"'),
        (Frame(source=["a"], target=["x"], repeats=["target"]), 'expected each column name once, got "target" twice'),
        ([([1], [3]), ([4, 5],)], r"^pairs, row 1: expected a pair .source, target., got \(\[4, 5\],\)"),
        ([([1], [3]), ([4, 5], 6)], "^pairs, row 1, output: expected a list of integers, got 6"),
        (
            [([1], [3]), (np.ma.array([4, 5]), [6])],
            r"^pairs, row 1: expected a list of integers, got masked_array\(data=\[4, 5\]",
        ),
        ([([1], [3]), ([4, np.ma.masked], [6])], "^pairs, row 1: expected integers from 0 to 2147483647, got masked"),
        (0.1, "pairs: expected pairs of a source and a target, got 0.1"),
        ("dev.tsv", 'pairs: expected pairs of a source and a target, got "dev.tsv"'),
    ],
)
def test_invalid_rows(rows, message):
    with pytest.raises(InputError, match=message):
        pair_task_from_rows(rows)


def test_sources():
    assert python_sources(Column(["ab", 12])) == ["ab", "12"]
    assert python_sources(Frame(ipa=PHONES, word=WORDS)) == [*WORDS]
    assert python_sources(Frame(german=WORDS)) == [*WORDS]
    assert python_sources([{"input": "ab", "id": 1}, "b", np.array([1, 2])]) == ["ab", "b", [1, 2]]
    assert python_sources([{"source": "ab", "target": "c"}]) == ["ab"]
    with pytest.raises(InputError, match='sources: expected a DataFrame with a column source, or one column, got "a"'):
        python_sources(Frame(a=WORDS, b=PHONES))
