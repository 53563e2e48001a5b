"""The example sources of a page."""

import time
from dataclasses import replace

import pytest
from helpers import pairs_of
from helpers_page import fixed_length, shipped

from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.page.examples import pair_examples, pattern_examples, target_function

pytestmark = pytest.mark.filterwarnings("ignore:The network was trained on length")
REVERSING = shipped("embedding_attention")
REVERSED = find_pattern("reversed")


def test_the_examples_of_a_pattern_have_its_targets_and_one_fails():
    ((*examples, failing),) = pattern_examples([(REVERSING, REVERSED)])
    for example in (*examples, failing):
        assert example.target == example.source[::-1]
    answers = REVERSING.predict([example.source for example in (*examples, failing)])
    assert answers[:-1] == [example.target for example in examples]
    assert answers[-1] != failing.target
    assert failing.note == "a wrong answer" and len(failing.source) > 20
    assert {len(set(example.source)) for example in examples} >= {1}
    assert {len(example.source) for example in examples} == {3, 10, 20}
    assert (len(set(examples[0].source)), examples[0].note) == (10, "different symbols")


def test_a_network_of_one_length_is_shown_at_that_length_with_targets_if_its_pattern_is_known():
    network = fixed_length(4)
    (examples,) = pattern_examples([(network, REVERSED)])
    assert [example.target for example in examples] == [example.source[::-1] for example in examples]
    assert {len(example.source) for example in examples} == {4}
    assert examples[-1].note == "a wrong answer"
    (examples,) = pattern_examples([(network, None)])
    assert {example.target for example in examples} == {None}
    assert target_function(REVERSING, find_pattern("added"))([1, 2, 3]) is None
    assert target_function(REVERSING, find_pattern("added"))([9, 8]) == [1, 7]


def test_the_alternative_that_the_network_answers_is_the_target():
    pairs = [([1, 2], [9, 9]), ([1, 2], [2, 1]), ([3], [3]), ([4, 5], [4])]
    (examples,) = pair_examples([REVERSING], pairs_of(*pairs))
    assert [(example.source, example.target) for example in examples] == [([1, 2], [2, 1]), ([4, 5], [4]), ([3], [3])]
    assert [example.note for example in examples] == ["a right answer", "a wrong answer", "a right answer"]


@pytest.mark.parametrize(
    "claims", [{"in_len": 100_000}, {"in_len": 100_000, "min_in_len": None, "ends": False}, {"out_len": 100_000}]
)
@pytest.mark.slow
def test_the_work_is_limited_whatever_lengths_a_file_claims(claims):
    start, lengths = time.process_time(), {name: n for name, n in claims.items() if name != "ends"}
    config = replace(REVERSING.model_config, ends=claims.get("ends", True))
    hostile = replace(REVERSING, model_config=config, **lengths)
    pattern_examples([(hostile, REVERSED)])
    assert time.process_time() - start < 10


def test_networks_side_by_side_get_lengths_of_both_and_a_source_at_which_they_differ():
    for other, lengths in (
        (fixed_length(10), {10}),
        (shipped("embedding_rnn"), {3, 10}),
    ):  # the second was trained on lengths 1 to 10
        learned = [(REVERSING, REVERSED), (other, REVERSED)]
        for_first, for_other = pattern_examples(learned)
        assert for_first == for_other
        *examples, failing = for_first
        assert {len(example.source) for example in examples} == lengths
        right = [network.predict([failing.source])[0] == failing.target for network, _ in learned]
        assert right == [True, False]
        assert failing.note == "some right, some wrong"


def test_each_network_gets_the_targets_of_its_pattern():
    sorting = shipped("embedding_attention", "sorted")
    reversing, sorted_ = pattern_examples([(REVERSING, REVERSED), (sorting, find_pattern("sorted"))])
    assert [example.source for example in reversing] == [example.source for example in sorted_]
    for one, other in zip(reversing, sorted_, strict=True):
        assert (one.target, other.target) == (one.source[::-1], sorted(one.source))


def test_the_first_pair_that_a_network_gets_wrong_follows_a_right_answer():
    pairs = [([1, 2, 3], [9]), ([4, 5], [5, 4]), ([6], [6])]
    for_first, for_other = pair_examples([REVERSING, fixed_length(2)], pairs_of(*pairs))
    assert for_first == for_other
    assert [(example.source, example.note) for example in for_first] == [
        ([6], "a right answer"),
        ([1, 2, 3], "a wrong answer"),
        ([4, 5], "some right, some wrong"),
    ]


def test_pairs_that_are_too_long_to_show_give_no_examples():
    assert pair_examples([REVERSING, fixed_length(2)], pairs_of(([1] * 61, [1]))) == [[], []]
