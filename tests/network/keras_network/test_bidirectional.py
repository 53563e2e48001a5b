"""The encoder of both directions against the one in NumPy, in batches of one length and in padded ones."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import random_weights

from seq2seq_demo.cells import CELL_TYPES
from seq2seq_demo.config import MODELS, ModelConfig, TrainConfig
from seq2seq_demo.data.ragged import Ragged, RaggedPairs
from seq2seq_demo.data.sequence_pattern import find_pattern
from seq2seq_demo.network.bidirectional import numpy_network
from seq2seq_demo.network.keras_network.model import Seq2Seq
from seq2seq_demo.network.keras_network.padded import PaddedSeq2Seq
from seq2seq_demo.network.parameters import weight_shapes
from seq2seq_demo.trained_network import TrainedNetwork, untrained
from seq2seq_demo.training import loop
from seq2seq_demo.training.loop import fit
from seq2seq_demo.training.varied_loop import VariedTrainer

B = 3
SOURCES = [[3, 1, 4, 1, 5], [2], [7, 7], [6, 0, 8, 2]]
TARGETS = [[4, 2], [], [9, 9, 1, 0, 3, 2], [5]]
COUNTS = [3, 1, 7, 2]  # of symbols, with END
PAIRS = RaggedPairs(Ragged.of_rows(SOURCES), Ragged.of_rows(TARGETS))


def small(model="embedding_attention", cell_type="BasicLSTMCell", num_layers=1):
    return ModelConfig(model, cell_type, num_layers, 7, 5, in_max_int=10, out_max_int=12, bidirectional=True)


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell_type", CELL_TYPES)
@pytest.mark.parametrize("model", MODELS)
def test_keras_and_numpy_agree(model, cell_type, num_layers):
    config = small(model, cell_type, num_layers)
    weights = random_weights(config)
    network, reference = Seq2Seq(config, weights), numpy_network(config, weights)
    assert {name: tuple(v.shape) for name, v in network.named_variables().items()} == weight_shapes(config)
    assert len(network.trainable_variables) == len(weights)
    for S, T in [(11, 4), (1, 2)]:
        sources = np.random.default_rng(S).integers(0, 11, (B, S))
        decoded = reference.decode(sources, T)
        symbols, logits, attention = network.greedy(sources, T)
        assert (symbols.numpy() == decoded.symbols).all()
        assert np.abs(logits - decoded.logits).max() < 1e-5
        if config.has_attention:
            assert np.abs(attention - decoded.attention).max() < 1e-5
        fed = np.random.default_rng(T).integers(0, 14, (B, T))
        assert np.abs(network(sources, fed) - reference.decode(sources, T, fed).logits).max() < 1e-5


def padded(rows, S, T):
    sources = Ragged.of_rows(SOURCES[row] for row in rows)
    targets = Ragged.of_rows(TARGETS[row] for row in rows)
    arrays = sources.padded(S), targets.padded(T, 13), sources.lengths, targets.lengths + 1
    return [tf.constant(array.astype(np.int32)) for array in arrays]


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell_type", CELL_TYPES)
@pytest.mark.parametrize("model", MODELS)
def test_a_row_in_a_padded_batch_says_what_numpy_says_to_it_alone(model, cell_type, num_layers):
    config = small(model, cell_type, num_layers)
    weights = random_weights(config)
    network, alone = PaddedSeq2Seq(config, weights), numpy_network(config, weights)
    for S, T in ((5, 7), (9, 11)):
        _, logits = network.padded_losses(*padded(range(4), S, T))
        for row, n in enumerate(COUNTS):
            expected = alone.decode(np.array([SOURCES[row]]), n, np.array([[13, *TARGETS[row]]])).logits[0]
            assert np.abs(logits[row, :n] - expected).max() < 1e-5


@pytest.mark.parametrize("model", MODELS)
def test_gradients_are_those_of_the_rows_alone(model):
    config = small(model, "GRUCell", 2)
    train = TrainConfig(4, 5, 6, batch_size=4, min_in_len=1)
    trainer = VariedTrainer("mine", train, TrainedNetwork(config, random_weights(config)), PAIRS)

    def sums(rows, S, T):
        n = float(sum(COUNTS[row] for row in rows))
        return [x.numpy() for x in trainer._padded_sums(padded(rows, S, T), tf.constant(n))]

    found, wide = sums(range(4), 5, 7), sums(range(4), 8, 9)
    each = [sums([row], len(SOURCES[row]), COUNTS[row]) for row in range(4)]
    for place in range(2, len(found)):
        together = sum(n * alone[place] for n, alone in zip(COUNTS, each, strict=True)) / sum(COUNTS)
        assert np.abs(found[place] - together).max() < 1e-5
        assert np.abs(found[place] - wide[place]).max() < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(("model", "lengths"), [("embedding_rnn", {}), ("embedding_attention", {"min_in_len": 2})])
def test_xla_changes_nothing(monkeypatch, model, lengths):
    config = TrainConfig(100, in_len=4, out_len=4, learning_rate=0.01, epochs=1, batch_size=16, **lengths)
    start, trained = untrained(small(model, num_layers=2), 0), []
    for xla in (False, True):
        monkeypatch.setattr(loop, "use_xla", lambda *_, xla=xla: xla)
        trained.append(fit(find_pattern("reversed"), config, start))
    for name, first in start.weights.items():
        without, with_xla = (network.weights[name] for network in trained)
        assert np.abs(without - with_xla).max() < 1e-5, name
        if name != "decoder/embedding":
            assert np.abs(without - first).max() > 1e-3, name  # every weight learns
