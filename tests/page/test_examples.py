"""The example sources of a page, and the figures of a network at moments of its training."""

import time
from dataclasses import replace

import numpy as np
import pytest
from helpers import ROOT, pairs_of, random_weights

from seq2seq_demo import load
from seq2seq_demo.config import ModelConfig
from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.files.recording import Recording, to_float16
from seq2seq_demo.page.builder import Moments
from seq2seq_demo.page.examples import held_out, pair_examples, pattern_examples, pattern_targets, recorded_moments
from seq2seq_demo.trained_network import TrainedNetwork

REVERSING = load(ROOT / "trained_weights" / "ts2s__embedding_attention__reversed_1.weights.h5")
REVERSED = find_pattern("reversed")


def test_the_examples_of_a_pattern_have_its_targets_and_one_fails():
    ((*examples, failing),) = pattern_examples([(REVERSING, REVERSED)])
    for example in (*examples, failing):
        assert example.target == example.source[::-1]
    answers = REVERSING.predict([example.source for example in (*examples, failing)])
    assert answers[:-1] == [example.target for example in examples]
    assert answers[-1] != failing.target
    assert failing.note == "a wrong answer: longer than in training"
    assert {len(set(example.source)) for example in examples} >= {1, 2}
    assert {len(example.source) for example in examples} == {3, 6, 20}
    assert (len(set(examples[0].source)), examples[0].note) == (6, "different symbols")


def test_a_network_of_one_length_is_shown_at_that_length():
    config = ModelConfig(cell_size=5)
    network = TrainedNetwork(config, random_weights(config), task="sorted", in_len=4, out_len=3)
    ((*examples, failing),) = pattern_examples([(network, find_pattern("sorted"))])
    for example in (*examples, failing):
        assert len(example.source) == 4
        assert example.target == sorted(example.source)[:3]
    assert failing.note == "a wrong answer"


def test_without_a_pattern_the_targets_are_unknown():
    config = ModelConfig(cell_size=5)
    network = TrainedNetwork(config, random_weights(config), task="mine.py:f", in_len=4, out_len=3)
    (examples,) = pattern_examples([(network, None)])
    assert examples
    assert {example.target for example in examples} == {None}
    odd, even = np.array([[1, 2, 3]]), np.array([[1, 2], [9, 8]])
    assert pattern_targets(network, find_pattern("added"), odd) == [None]
    assert pattern_targets(REVERSING, find_pattern("added"), even) == [[0, 3], [1, 7]]


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
    (moments,) = recorded_moments([(REVERSING, recording, pairs)])
    assert moments.exact_match == [0.0, 1.0]
    assert moments.loss[0] > 1
    assert moments.loss[1] < 0.01
    n_different = len({*map(tuple, pairs.sources.rows())})
    assert n_different < 100  # only 10 sources have length 1
    assert (moments.n, tuple(moments.steps), tuple(moments.epochs)) == (n_different, (0, 20), (0.0, 2.0))
    np.testing.assert_array_equal(moments.weights[0]["decoder/embedding"], first["decoder/embedding"])


def test_the_page_shows_the_moments_at_which_most_is_learned(monkeypatch):
    """The first network learns at steps 20 to 25 of 40, the second at steps 30 to 33. Later figures fluctuate."""
    steps = tuple(range(41))
    first, second = (Recording(10, steps, ({},) * 41) for _ in range(2))

    def measured(_, recording, __):
        begin, end = (20, 25) if recording is first else (30, 33)
        share = [min(1, max(0, (step - begin) / (end - begin))) for step in steps]
        noisy = [x - 0.5 * (step in (35, 37, 39)) for x, step in zip(share, steps, strict=True)]
        return Moments(steps, recording.epochs, recording.weights, 9, noisy, [2 - x for x in share])

    monkeypatch.setattr("seq2seq_demo.page.examples._measured_moments", measured)
    alone, _ = (recorded_moments([(REVERSING, each, None)])[0] for each in (first, second))
    assert len(alone.steps) == len(alone.weights) == len(alone.exact_match) == 16
    assert {0, *range(20, 26), 40} <= {*alone.steps}
    assert len({*alone.steps} & {*range(34, 40)}) <= 3, "a figure that falls and recovers is not progress"
    both = recorded_moments([(REVERSING, first, None), (REVERSING, second, None)])
    assert both[0].steps == both[1].steps
    assert {0, *range(20, 26), *range(30, 34), 40} <= {*both[0].steps}
    other = replace(second, steps=(*steps[:-1], 50))
    assert recorded_moments([(REVERSING, first, None), (REVERSING, other, None)], 8)[0].steps[-1] == 40


@pytest.mark.parametrize(
    ("claims", "n_moments"),
    [
        ({"in_len": 100_000}, 1),
        ({"in_len": 100_000, "min_in_len": None, "ends": False}, 1),
        ({"out_len": 100_000}, 2),
        ({"in_len": 200, "out_len": 300}, 150),
    ],
)
@pytest.mark.slow
def test_whatever_lengths_a_file_claims_the_page_takes_seconds(claims, n_moments):
    start, ends = time.perf_counter(), claims.pop("ends", True)
    hostile = replace(REVERSING, model_config=replace(REVERSING.model_config, ends=ends), **claims)
    pattern_examples([(hostile, REVERSED)])
    pairs = held_out(hostile, REVERSED)
    recording = Recording(1, tuple(range(n_moments)), (to_float16(REVERSING.weights),) * n_moments)
    recorded_moments([(hostile, recording, pairs)])
    assert time.perf_counter() - start < 20


def test_a_pattern_is_measured_at_the_lengths_that_it_takes():
    adding = replace(REVERSING, task="added", in_len=9)
    assert sorted({*held_out(adding, find_pattern("added")).sources.lengths}) == [2, 4, 6, 8]
    assert held_out(replace(adding, min_in_len=9), find_pattern("added")) is None


def random_network(in_len, seed=0):
    config = ModelConfig(cell_size=5)
    return TrainedNetwork(config, random_weights(config, seed), task="reversed", in_len=in_len, out_len=in_len)


def test_networks_side_by_side_get_lengths_of_both_and_a_source_at_which_they_differ():
    rnn = load(ROOT / "trained_weights" / "ts2s__embedding_rnn__reversed_1.weights.h5")
    longer = ": not all were trained at this length"
    for other, lengths in ((random_network(10), {10}), (rnn, {3, 6, 10})):  # `rnn` was trained on lengths 1 to 10
        learned = [(REVERSING, REVERSED), (other, REVERSED)]
        for_first, for_other = pattern_examples(learned)
        assert for_first == for_other
        *examples, failing = for_first
        assert {len(example.source) for example in examples} == lengths
        right = [network.predict([failing.source])[0] == failing.target for network, _ in learned]
        assert right == [True, False]
        note = "some answers are right, some are wrong" + (longer if len(failing.source) > 10 else "")
        assert failing.note == note


def test_networks_without_a_common_length_get_the_lengths_of_each():
    *examples, _ = pattern_examples([(random_network(4), REVERSED), (random_network(6), REVERSED)])[0]
    assert {len(example.source) for example in examples} == {4, 6}


def test_each_network_gets_the_targets_of_its_pattern():
    sorting = load(ROOT / "trained_weights" / "ts2s__embedding_attention__sorted_1.weights.h5")
    reversing, sorted_ = pattern_examples([(REVERSING, REVERSED), (sorting, find_pattern("sorted"))])
    assert [example.source for example in reversing] == [example.source for example in sorted_]
    for one, other in zip(reversing, sorted_, strict=True):
        assert (one.target, other.target) == (one.source[::-1], sorted(one.source))


def test_a_pair_at_which_networks_differ_is_preferred_to_one_at_which_all_fail():
    pairs = [([1, 2, 3], [9]), ([4, 5], [5, 4]), ([6], [6])]
    for_first, for_other = pair_examples([REVERSING, random_network(2)], pairs_of(*pairs))
    assert for_first == for_other
    notes = [
        "a right answer",
        "some answers are right, some are wrong",
        "a wrong answer: not all were trained at this length",
    ]
    assert [example.note for example in for_first] == notes
