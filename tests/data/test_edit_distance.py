from collections import Counter

import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from seq2seq_demo.data.edit_distance import align, confusions, edit_distances
from seq2seq_demo.data.sequences import Sequences

KITTEN, SITTING = [10, 8, 19, 19, 4, 13], [18, 8, 19, 19, 8, 13, 6]


@pytest.mark.parametrize(
    ("answer", "target", "edits"),
    [
        ([1, 2, 3], [1, 2, 3], {}),
        ([], [4, 4, 5], {(4, None): 2, (5, None): 1}),
        ([4, 6, 4], [], {(None, 4): 2, (None, 6): 1}),
        (KITTEN, SITTING, {(18, 10): 1, (8, 4): 1, (6, None): 1}),
    ],
)
def test_confusions_count_each_edit(answer, target, edits):
    assert confusions(Sequences.of_rows([answer]), Sequences.of_rows([target])) == Counter(edits)


def test_batches_match_the_definition():
    rng = np.random.default_rng(3)
    answers = [rng.integers(0, 4, n).tolist() for n in rng.integers(0, 7, 300)]
    targets = [rng.integers(0, 4, n).tolist() for n in rng.integers(0, 10, 300)]
    expected = [Levenshtein.distance(*pair) for pair in zip(answers, targets, strict=True)]
    assert edit_distances(Sequences.of_rows(answers), Sequences.of_rows(targets)).tolist() == expected
    total = Counter()
    for answer, target, n in zip(answers, targets, expected, strict=True):
        edits = confusions(Sequences.of_rows([answer]), Sequences.of_rows([target]))
        assert edits.total() == n
        assert all(symbol != predicted for symbol, predicted in edits)
        # The edits are complete: removing the edited symbols leaves equal symbols in target and answer.
        common = Counter(target) - Counter(symbol for symbol, _ in edits.elements())
        assert common == Counter(answer) - Counter(predicted for _, predicted in edits.elements())
        total += edits
    assert confusions(Sequences.of_rows(answers), Sequences.of_rows(targets)) == total


@pytest.mark.parametrize(
    ("answer", "target", "due"),
    [
        ("", "abc", []),
        ("axbc", "abc", ["a", [], "b", "c"]),
        ("bcd", "abcd", ["ab", "c", "d"]),
        ("aabx", "abbd", ["a", "b", "b", "d"]),
        ("aab", "ab", ["a", [], "b"]),  # the second a counts as extra, as on the page
        ("acb", "abxb", ["a", "b", "xb"]),
    ],
)
def test_an_answer_is_aligned_with_its_target(answer, target, due):
    assert align([*answer], [*target]) == [[*symbols] for symbols in due]


def test_an_alignment_has_the_fewest_edits():
    rng = np.random.default_rng(0)
    for _ in range(200):
        answer, target = (rng.integers(0, 3, n).tolist() for n in rng.integers(0, 8, 2))
        due = align(answer, target)
        matched = sum(map(len, due))
        assert [symbol for one in due for symbol in one] == target[:matched]
        edits = sum(max(1, len(one)) - (symbol in one[-1:]) for symbol, one in zip(answer, due, strict=True))
        expected = edit_distances(Sequences.of_rows([answer]), Sequences.of_rows([target]))[0]
        assert edits + len(target) - matched == expected
