"""The Keras network compared with the NumPy network."""

import keras
import numpy as np
import pytest
from helpers import random_weights

from seq2seq_demo.config import MODELS, ModelConfig
from seq2seq_demo.network.keras_network.model import Seq2Seq
from seq2seq_demo.trained.trained_network import make_numpy_network

pytestmark = pytest.mark.slow

B, E, H = 3, 5, 7


def small(model, cell_type="BasicLSTMCell", num_layers=2, bidirectional=False):
    return ModelConfig(model, cell_type, num_layers, H, E, in_max_int=10, out_max_int=12, bidirectional=bidirectional)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_keras_and_numpy_agree(model, bidirectional):
    """Either model with either number of directions has a cell of one state or of two; test_cells.py has every cell."""
    is_gru = (model == "embedding_rnn") == bidirectional
    config = small(model, "GRUCell" if is_gru else "BasicLSTMCell", bidirectional=bidirectional)
    weights = random_weights(config)
    network, reference = Seq2Seq(config, weights), make_numpy_network(config, weights)
    for S, T in [(7, 4), (1, 2)]:
        sources = np.random.default_rng(S).integers(0, 11, (B, S))
        decoded = reference.decode(sources, T)
        symbols, logits, attention = network.greedy(sources, T)
        assert symbols.shape == (B, T)
        assert logits.shape == (B, T, 14)
        assert (symbols.numpy() == decoded.symbols).all()
        assert np.abs(logits - decoded.logits).max() < 1e-4
        if config.has_attention:
            assert attention.shape == (B, T, S)
            assert np.abs(attention - decoded.attention).max() < 1e-4
        # Teacher forcing with the network's own answer changes nothing; with other symbols, it agrees with NumPy.
        own = np.concatenate([np.full((B, 1), config.go), decoded.symbols[:, :-1]], axis=1)
        assert np.abs(network(sources, own) - logits).max() < 1e-4
        other = np.random.default_rng(T).integers(0, 14, (B, T))
        assert np.abs(network(sources, other) - reference.decode(sources, T, other).logits).max() < 1e-4


def test_the_users_policies_of_keras_do_not_matter():
    """The network has every kind of layer."""
    config = small("embedding_attention", bidirectional=True)
    before, floatx = keras.config.dtype_policy(), keras.config.floatx()
    try:
        keras.config.set_floatx("float16")
        keras.config.set_dtype_policy("float64")
        network = Seq2Seq(config, random_weights(config))
        _, logits, _ = network.greedy(np.zeros((B, 3), np.int64), 2)
        losses, forced = network.losses(np.zeros((B, 3), np.int64), np.zeros((B, 2), np.int64))
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(before)
    assert {x.dtype.name for x in (logits, forced, losses)} == {"float32"}
    assert {variable.dtype for variable in network.variables} == {"float32"}
    expected = make_numpy_network(config, random_weights(config)).decode(np.zeros((B, 3), np.int64), 2)
    assert np.abs(logits - expected.logits).max() < 1e-4
