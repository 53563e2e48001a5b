"""The example sources of a page, and the figures of a network at moments of its training."""

import time
from dataclasses import replace

import numpy as np
import pytest
from helpers import pairs_of, random_weights
from helpers_page import fixed_length, shipped

from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.files.recording import Recording, to_float16
from seq2seq_demo.page.builder import rounded
from seq2seq_demo.page.examples import (
    held_out,
    pair_examples,
    pattern_examples,
    recorded_moments,
    spaced,
    target_function,
)

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
    assert {len(set(example.source)) for example in examples} >= {1, 2}
    assert {len(example.source) for example in examples} == {3, 6, 20}
    assert (len(set(examples[0].source)), examples[0].note) == (6, "different symbols")


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


def test_each_moment_of_a_training_is_measured_on_sources_of_several_lengths():
    pairs = held_out(REVERSING, REVERSED)
    assert len(pairs) == 100
    assert sorted({*pairs.sources.lengths}) == [1, 7, 13, 20]
    first = to_float16(random_weights(REVERSING.model_config))
    recording = Recording(10, (0, 20), (first, to_float16(REVERSING.weights)))
    moments = recorded_moments(REVERSING, recording, pairs)
    weights = rounded(first, 8)  # as the page shows them
    shown = replace(REVERSING, weights=weights).evaluate(PairTask("", pairs, vocabularies=REVERSING.vocabularies))
    assert (moments.exact_match, moments.loss[0]) == ([0.0, 1.0], shown.loss)
    assert moments.loss[1] < 0.01
    n_different = len({*map(tuple, pairs.sources.rows())})
    assert n_different < 100  # only 10 sources have length 1
    assert (moments.n, tuple(moments.steps), tuple(moments.epochs)) == (n_different, (0, 20), (0.0, 2.0))
    np.testing.assert_array_equal(moments.weights[0]["decoder/embedding"], first["decoder/embedding"])


def test_recorded_steps_are_evenly_spaced_on_a_logarithmic_scale():
    def steps_of(*steps):
        shown = spaced(Recording(10, steps, tuple({"step": step} for step in steps)), 16)
        assert [weights["step"] for weights in shown.weights] == [*shown.steps]
        return shown.steps

    assert steps_of(*range(16)) == tuple(range(16))
    first, *_, last = steps = steps_of(0, 5, 7, 10, 14, *range(20, 5000, 40))
    assert (first, last, len(steps) >= 12) == (0, 4980, True)
    ratios = np.divide(steps[-4:], steps[-5:-1])
    assert 1.6 < ratios.min() < ratios.max() < 1.9  # 15 intervals from 1 to 4981 have a ratio of 1.76


@pytest.mark.parametrize(
    "claims", [{"in_len": 100_000}, {"in_len": 100_000, "min_in_len": None, "ends": False}, {"out_len": 100_000}]
)
@pytest.mark.slow
def test_the_work_is_limited_whatever_lengths_a_file_claims(claims):
    start, lengths = time.process_time(), {name: n for name, n in claims.items() if name != "ends"}
    config = replace(REVERSING.model_config, ends=claims.get("ends", True))
    hostile = replace(REVERSING, model_config=config, **lengths)
    pattern_examples([(hostile, REVERSED)])
    recording = Recording(1, (0, 1), (to_float16(REVERSING.weights),) * 2)
    recorded_moments(hostile, recording, held_out(hostile, REVERSED))
    assert time.process_time() - start < 10


def test_a_pattern_is_measured_at_the_lengths_that_it_takes():
    adding = replace(REVERSING, task="added", in_len=9)
    assert sorted({*held_out(adding, find_pattern("added")).sources.lengths}) == [2, 4, 6, 8]
    assert held_out(replace(adding, min_in_len=9), find_pattern("added")) is None


def test_networks_side_by_side_get_lengths_of_both_and_a_source_at_which_they_differ():
    for other, lengths in (
        (fixed_length(10), {10}),
        (shipped("embedding_rnn"), {3, 6, 10}),
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
