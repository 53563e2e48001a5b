"""The sources that a page offers, and how a network did at moments of its training."""

import numpy as np
from helpers import ROOT, random_weights

from seq2seq_demo import load
from seq2seq_demo.config import ModelConfig
from seq2seq_demo.data.sequence_pattern import find_pattern
from seq2seq_demo.page.examples import held_out, moments_of, pair_examples, pairs_of, pattern_examples, targets_of
from seq2seq_demo.recording import Recording, halved
from seq2seq_demo.trained_network import TrainedNetwork

REVERSING = load(ROOT / "trained_weights" / "ts2s__embedding_attention__reversed_1.weights.h5")
REVERSED = find_pattern("reversed")


def test_the_examples_of_a_pattern_have_its_targets_and_one_fails():
    *examples, failing = pattern_examples(REVERSING, REVERSED)
    for example in (*examples, failing):
        assert example.target == example.source[::-1]
    answers = REVERSING.predict([example.source for example in (*examples, failing)])
    assert answers[:-1] == [example.target for example in examples]
    assert answers[-1] != failing.target
    assert failing.note == "one that fails: longer than in training"
    assert {len(set(example.source)) for example in examples} >= {1, 2}
    assert {len(example.source) for example in examples} == {3, 6, 20}
    assert (len(set(examples[0].source)), examples[0].note) == (6, "different symbols")


def test_a_network_of_one_length_is_shown_at_that_length():
    config = ModelConfig(cell_size=5)
    network = TrainedNetwork(config, random_weights(config), task="sorted", in_len=4, out_len=3)
    *examples, failing = pattern_examples(network, find_pattern("sorted"))
    for example in (*examples, failing):
        assert len(example.source) == 4
        assert example.target == sorted(example.source)[:3]
    assert failing.note == "one that fails"


def test_without_a_pattern_nobody_knows_the_targets():
    config = ModelConfig(cell_size=5)
    network = TrainedNetwork(config, random_weights(config), task="mine.py:f", in_len=4, out_len=3)
    examples = pattern_examples(network, None)
    assert examples
    assert {example.target for example in examples} == {None}
    odd, even = np.array([[1, 2, 3]]), np.array([[1, 2], [9, 8]])
    assert targets_of(network, find_pattern("added"), odd) == [None]
    assert targets_of(REVERSING, find_pattern("added"), even) == [[0, 3], [1, 7]]


def test_of_alternatives_the_one_that_the_network_says_is_the_target():
    pairs = [([1, 2], [9, 9]), ([1, 2], [2, 1]), ([3], [3]), ([4, 5], [4])]
    *examples, failing = pair_examples(REVERSING, pairs)
    assert [(example.source, example.target) for example in examples] == [([1, 2], [2, 1]), ([3], [3])]
    assert (failing.source, failing.target) == ([4, 5], [4])


def test_each_moment_of_a_training_is_measured_on_sources_of_several_lengths():
    task = held_out(REVERSING, REVERSED)
    assert len(task.pairs) == 100
    assert sorted({len(source) for source, _ in pairs_of(task)}) == [1, 7, 13, 20]
    first = halved(random_weights(REVERSING.model_config))
    recording = Recording(10, (0, 20), (first, halved(REVERSING.weights)))
    moments = moments_of(REVERSING, recording, task)
    assert moments.exact_match == [0.0, 1.0]
    assert moments.loss[0] > 1
    assert moments.loss[1] < 0.01
    n_different = len({tuple(source) for source, _ in pairs_of(task)})
    assert n_different < 100  # of length 1 there are only 10
    assert (moments.n, tuple(moments.steps), tuple(moments.epochs)) == (n_different, (0, 20), (0.0, 2.0))
    np.testing.assert_array_equal(moments.weights[0]["decoder/embedding"], first["decoder/embedding"])
