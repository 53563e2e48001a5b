"""Adding a cell as seq2seq_demo/README.md describes: a row in the table of cells, and two equations in Python."""

import numpy as np
import pytest
from helpers import COUPLED, numpy_coupled

from seq2seq_demo.config import CELL_TYPES
from seq2seq_demo.network import numpy_network
from seq2seq_demo.network.keras_network import cells as keras_cells
from seq2seq_demo.training.train import train

# isort: split
import tensorflow as tf

NAME = "CoupledCell"


def keras_coupled(projected, state, U):
    """The equations of `numpy_coupled` in TensorFlow."""
    c, h = state
    f, candidate, o = tf.split(projected + tf.matmul(h, U), 3, axis=1)
    c = tf.sigmoid(f) * c + (1 - tf.sigmoid(f)) * tf.tanh(candidate)
    return c, tf.sigmoid(o) * tf.tanh(c)


@pytest.fixture(autouse=True)
def new_cell(monkeypatch):
    monkeypatch.setitem(CELL_TYPES, NAME, COUPLED)
    monkeypatch.setitem(numpy_network.EQUATIONS, NAME, numpy_coupled)
    monkeypatch.setitem(keras_cells.EQUATIONS, NAME, keras_coupled)


def test_every_cell_has_equations_in_both_networks():
    assert list(CELL_TYPES) == list(numpy_network.EQUATIONS) == list(keras_cells.EQUATIONS)


@pytest.mark.slow
def test_a_new_cell_trains_and_both_networks_agree():
    sizes = {"points": 300, "in_len": 3, "cell_size": 7, "embedding_size": 5, "batch_size": 50}
    kind = {"model": "embedding_attention", "cell_type": NAME}
    network = train("reversed", **sizes, **kind, learning_rate=0.01, epochs=3)
    assert network.history[-1].loss < network.history[0].loss
    rng = np.random.default_rng(1)
    sources, decoder_input = rng.integers(0, 10, (4, 6)), rng.integers(0, 11, (4, 5))
    of_numpy, of_keras = network.to_numpy(), network.to_keras()
    forced = of_numpy.decode(sources, 5, decoder_input)
    assert np.abs(of_keras(sources, decoder_input) - forced.logits).max() < 1e-4
    decoded = of_numpy.decode(sources, 5)
    symbols, logits, _ = of_keras.greedy(sources, 5)
    assert (symbols.numpy() == decoded.symbols).all()
    assert np.abs(logits - decoded.logits).max() < 1e-4
