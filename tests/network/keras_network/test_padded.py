"""Padding never matters: a row alone, and in a batch beside longer ones, gives the same."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import random_weights

from seq2seq_demo.cells import CELL_TYPES
from seq2seq_demo.config import MODELS, ModelConfig, TrainConfig
from seq2seq_demo.data.ragged import Ragged, RaggedPairs
from seq2seq_demo.network.keras_network.padded import PaddedSeq2Seq
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.trained_network import TrainedNetwork
from seq2seq_demo.training.varied_loop import VariedTrainer, padding_widths

SOURCES = [[3, 1, 4, 1, 5], [2], [7, 7], [6, 0, 8, 2]]
TARGETS = [[4, 2], [], [9, 9, 1, 0, 3, 2], [5]]  # with END up to 7 symbols
PAIRS = RaggedPairs(Ragged.of_rows(SOURCES), Ragged.of_rows(TARGETS))


def model(name, cell, layers):
    return ModelConfig(name, cell, layers, cell_size=7, embedding_size=5, in_max_int=8, out_max_int=9)


def padded(config, width, rows, S=0, T=0):
    """Sources, decoder inputs, targets with END, and lengths, of some of the pairs, padded by hand."""
    S, T = S or max(len(SOURCES[row]) for row in rows), T or 1 + max(len(TARGETS[row]) for row in rows)
    sources, targets = np.zeros((len(rows), S), np.int32), np.full((len(rows), T), config.go, np.int32)
    for place, row in enumerate(rows):
        sources[place, : len(SOURCES[row])] = SOURCES[row]
        targets[place, : len(TARGETS[row])] = TARGETS[row]
    lengths = [np.array([len(x[row]) + end for row in rows], np.int32) for x, end in ((SOURCES, 0), (TARGETS, 1))]
    return sources, targets, *lengths


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELL_TYPES)
@pytest.mark.parametrize("name", MODELS)
def test_a_row_in_a_padded_batch_says_what_numpy_says_to_it_alone(name, cell, layers):
    config = model(name, cell, layers)
    weights = random_weights(config)
    network, alone = PaddedSeq2Seq(config, weights), NumpyNetwork(config, weights)
    for S, T in ((0, 0), (9, 11)):
        sources, targets, source_lengths, target_lengths = padded(config, 0, range(4), S, T)
        _, logits = network.padded_losses(sources, targets, tf.constant(source_lengths), tf.constant(target_lengths))
        for row in range(4):
            n = target_lengths[row]
            fed = np.array([[config.go, *TARGETS[row]]])
            expected = alone.decode(np.array([SOURCES[row]]), n, fed).logits[0]
            assert np.abs(logits[row, :n] - expected).max() < 1e-5


def trainer(config, batch_size, pairs=PAIRS):
    train = TrainConfig(len(pairs), 5, 6, batch_size=batch_size, min_in_len=1)
    return VariedTrainer("mine", train, TrainedNetwork(config, random_weights(config)), pairs)


@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_those_of_the_rows_alone(name):
    """Of the mean over all symbols: 3 + 1 + 7 + 2 of them, END included."""
    config = model(name, "GRUCell", 2)
    found = sums(trainer(config, 4), config, range(4))
    wide = sums(trainer(config, 4), config, range(4), S=8, T=9)
    each = [sums(trainer(config, 1), config, [row]) for row in range(4)]
    counts = [3, 1, 7, 2]
    assert found[0] == pytest.approx(sum(loss for loss, *_ in each), rel=1e-5)
    for place in range(2, len(found)):
        together = sum(n * alone[place] for n, alone in zip(counts, each, strict=True)) / sum(counts)
        assert np.abs(found[place] - together).max() < 1e-5
        assert np.abs(found[place] - wide[place]).max() < 1e-6


def sums(trainer, config, rows, S=0, T=0):
    batch = padded(config, 0, rows, S, T)
    n_symbols = tf.constant(float(batch[3].sum()))
    results = trainer._padded_sums([*map(tf.constant, batch)], n_symbols)
    return [keras.ops.convert_to_numpy(x) for x in results]


def test_widths_add_the_least_padding():
    rows = [[1] * n for n in (1, 1, 1, 1, 2, 3, 9, 10, 11, 11, 30)]
    pairs = RaggedPairs(Ragged.of_rows(rows), Ragged.of_rows([row[1:] for row in rows]))
    assert padding_widths(pairs, 5).usual == [(1, 1), (3, 3), (9, 9), (11, 11), (30, 30)]
    same = Ragged.of_rows([[1, 2]] * 3)
    assert padding_widths(RaggedPairs(same, same), 5).usual == [(2, 3)]
    assert padding_widths(pairs, 1).usual == [(30, 30)]
    assert padding_widths(pairs, 2).usual == [(11, 11), (30, 30)]


def test_an_epoch_holds_every_point_once_and_batches_are_of_alike_lengths():
    rng = np.random.default_rng(0)
    rows = [[1] * n for n in rng.integers(1, 21, 1003)]
    pairs = RaggedPairs(Ragged.of_rows(rows), Ragged.of_rows(rows))
    trained = trainer(model("embedding_rnn", "BasicRNNCell", 1), 10, pairs)
    order = trained.order(pairs)
    assert sorted(order) == list(range(1003))
    assert (order == trainer(model("embedding_rnn", "BasicRNNCell", 1), 10, pairs).order(pairs)).all()
    lengths = pairs.sources.lengths[order[:1000]].reshape(100, 10)
    assert np.ptp(lengths, axis=1).mean() < 1
    assert np.abs(np.diff(lengths.mean(axis=1))).mean() > 4  # and in random order
