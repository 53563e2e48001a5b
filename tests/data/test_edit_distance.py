from collections import Counter

import numpy as np
import pytest

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


def test_the_confusions_of_a_batch_are_all_edits():
    rng = np.random.default_rng(3)
    answers = [rng.integers(0, 4, n).tolist() for n in rng.integers(0, 7, 300)]
    targets = [rng.integers(0, 4, n).tolist() for n in rng.integers(0, 10, 300)]
    expected = edit_distances(Sequences.of_rows(answers), Sequences.of_rows(targets)).tolist()
    for answer, target, n in zip(answers, targets, expected, strict=True):
        edits = confusions(Sequences.of_rows([answer]), Sequences.of_rows([target]))
        assert edits.total() == n
        assert all(symbol != predicted for symbol, predicted in edits)
        # The edits are complete: removing the edited symbols leaves equal symbols in target and answer.
        common = Counter(target) - Counter(symbol for symbol, _ in edits.elements())
        assert common == Counter(answer) - Counter(predicted for _, predicted in edits.elements())


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
