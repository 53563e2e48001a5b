"""Padding changes nothing: a row gives the same result alone and in a batch with longer rows."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import random_weights

from seq2seq_demo.config import MODELS, ModelConfig
from seq2seq_demo.data.sequences import Sequences
from seq2seq_demo.network.bidirectional import make_numpy_network
from seq2seq_demo.network.keras_network.model import Lengths, Seq2Seq

pytestmark = pytest.mark.slow

SOURCES = [[3, 1, 4, 1, 5], [2], [7, 7], [6, 0, 8, 2]]
TARGETS = [[4, 2], [], [9, 9, 1, 0, 3, 2], [5]]
COUNTS = [3, 1, 7, 2]  # symbols per target, with END


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [2])
@pytest.mark.parametrize("cell", ["BasicLSTMCell", "GRUCell", "BasicRNNCell"])
@pytest.mark.parametrize("model", MODELS)
def test_a_row_in_a_padded_batch_agrees_with_numpy_on_the_row_alone(model, cell, layers, bidirectional):
    config = ModelConfig(model, cell, layers, 7, 5, in_max_int=8, out_max_int=9, bidirectional=bidirectional)
    weights = random_weights(config)
    network, alone = Seq2Seq(config, weights), make_numpy_network(config, weights)
    sources, targets = Sequences.of_rows(SOURCES), Sequences.of_rows(TARGETS)
    lengths = Lengths(*(tf.constant(n, tf.int32) for n in (sources.lengths, targets.lengths + 1)))
    for S, T in ((5, 7), (9, 11)):
        losses, logits = network.losses(sources.padded(S), targets.padded(T, filler=config.go), lengths)
        for row, n in enumerate(COUNTS):
            fed = [config.go, *TARGETS[row]]
            expected = alone.decode(np.array([SOURCES[row]]), n, np.array([fed])).logits[0]
            assert np.abs(logits[row, :n] - expected).max() < 1e-5
            log_probabilities = expected - np.log(np.exp(expected).sum(axis=1, keepdims=True))
            assert np.abs(losses[row, :n] + log_probabilities[range(n), [*TARGETS[row], config.go]]).max() < 1e-5
