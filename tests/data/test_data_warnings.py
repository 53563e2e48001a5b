from dataclasses import replace

import numpy as np
import pytest
from helpers import ragged

from seq2seq_demo.data.data_warnings import max_typical_length, pair_warnings
from seq2seq_demo.data.pair_task import PairTask, pair_task_from_rows
from seq2seq_demo.data.records import Place, Places, Record


def task(sources, targets=None, validation=None, **places):
    """Return a task; targets default to row numbers, and all validation targets are [7]."""
    validation_pairs = ragged(validation, [[7]] * len(validation)) if validation else None
    return PairTask("mine", ragged(sources, targets), validation_pairs, **places)


def test_ordinary_pairs_give_no_warnings():
    assert list(pair_warnings(task([[1], [2, 3], [4, 5, 6]], validation=[[9], [2]]))) == []
    assert list(pair_warnings(task([[1]]))) == []
    assert list(pair_warnings(task([[1, 2], [3, 4]]))) == []


@pytest.mark.parametrize(
    ("lengths", "usual"),
    [
        ([7], 7),
        ([5000], 5000),
        ([3] * 10 + [200], 200),  # up to 200 symbols are never unusual
        ([3] * 10 + [201], 3),
        ([40] * 10 + [201], 40),
        ([41] * 10 + [205], 205),  # 5 times the usual length is not unusual
        ([41] * 10 + [206], 41),
        ([3] * 10 + [300, 300], 300),  # 2 of 12 sequences are not rare
        ([3] * 3000 + [500, 9000, 600], 3),
        ([3] * 3000 + [500] * 10, 500),
        ([0] * 10 + [250], 0),
    ],
)
def test_the_usual_length(lengths, usual):
    assert max_typical_length(np.random.default_rng(0).permutation(lengths)) == usual


def test_an_unusually_long_sequence_is_reported_with_its_line():
    places = Places()
    sources, targets = [[1, 2]] * 5 + [[3] * 10_000] + [[1]] * 5, [[k] for k in range(9)] + [[0] * 300, [1]]
    places.extend([Record(Place("in.tsv", "line", 2 * k + 1), s) for k, s in enumerate(sources)])
    advice = "training takes longer and needs more memory with it; remove it if it is a mistake"
    assert list(pair_warnings(task(sources, targets, places=places))) == [
        f"in.tsv, line 11: the source has 10000 symbols, but almost all others have at most 2: {advice}",
        f"in.tsv, line 19: the target has 300 symbols, but almost all others have at most 1: {advice}",
    ]
    assert next(pair_warnings(task(sources, targets))).startswith("the source has 10000 symbols, ")


def test_identical_targets_are_reported():
    same = "Every target is the same, so there is nothing to learn from the sources"
    for target in ([3], [3, 3], []):
        assert list(pair_warnings(task([[1], [2], [2]], [target] * 3))) == [same]
    assert list(pair_warnings(task([[1], [2], [2]], [[3], [3], [3, 3]]))) == []
    assert list(pair_warnings(task([[1]], [[3]]))) == []  # a single pair


def test_sources_in_both_training_and_validation_are_counted():
    training = [[1], [2], [2], [300], [1, 2], [2, 1]]
    validation = [[2], [2], [1, 2], [1, 2, 3], [4], [300], [5]]
    (line,) = pair_warnings(task(training, validation=validation))
    assert line == (
        "3 of 6 distinct validation sources are also training sources: validation figures are too optimistic"
    )
    (line,) = pair_warnings(task([[1, 2], [3, 4]], validation=[[3, 4], [300, 4], [1, 1]]))
    assert line.startswith("1 of 3 distinct validation sources")


def test_sources_with_outer_spaces_are_counted():
    def lines(tokens, *sources):
        rows = [(source, str(number)) for number, source in enumerate(sources)]
        return list(pair_warnings(pair_task_from_rows(rows, None, (tokens, tokens))))

    texts = " a", "b c", "d ", " "
    warning = "Sources with a space at the beginning or end, which counts as a character: 3"
    assert lines("characters", *texts) == [warning]
    assert lines("characters", "a b", "bc") == []
    assert lines("words", *texts[:3]) == []


@pytest.mark.parametrize("tokens", ["characters", "words"])
def test_a_byte_order_mark_within_a_file_is_reported(tokens):
    rows = [("a b", "1"), ("\ufeffc \ufeffd", "2"), ("e f", "3\ufeff"), ("\ufeffc g", "4")]
    with_marks = pair_task_from_rows(rows, None, (tokens, tokens))
    mark = "contains a byte order mark, an invisible character that became part of a symbol"
    assert list(pair_warnings(with_marks)) == [
        f"the source {mark} (sources with one: 2); remove it if it is a mistake",
        f"the target {mark} (targets with one: 1); remove it if it is a mistake",
    ]
    places = Places()
    places.extend([Record(Place("in.tsv", "line", k + 1), source) for k, (source, _) in enumerate(rows)])
    first, second = pair_warnings(replace(with_marks, places=places))
    assert first.startswith("in.tsv, line 2: the source contains")
    assert second.startswith("in.tsv, line 3: the target contains")


@pytest.mark.parametrize(
    ("character", "mark"),
    [
        ("\n", "a line break, which a missing quotation mark may have caused"),
        ("\0", "a NUL character, which may mean that the file is not UTF-8"),
    ],
)
def test_characters_that_are_probably_mistakes_are_reported(character, mark):
    task = pair_task_from_rows([("ab", "1"), (f"c{character}d", "2")], None, ("characters", "characters"))
    (warning,) = pair_warnings(task)
    assert warning.startswith(f"the source contains {mark} (")
