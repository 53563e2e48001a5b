import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import random_weights

from seq2seq_demo.config import CELL_TYPES, MODELS, ModelConfig
from seq2seq_demo.network.cells import stacked_cells
from seq2seq_demo.network.model import Seq2Seq
from seq2seq_demo.network.scan import scan
from seq2seq_demo.numpy_decoder import NumpyNetwork
from seq2seq_demo.parameters import weight_shapes

B, E, H = 3, 5, 7


def small(model="embedding_attention", cell_type="BasicLSTMCell", num_layers=1):
    return ModelConfig(model, cell_type, num_layers, cell_size=H, embedding_size=E, in_max_int=10, out_max_int=12)


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell_type", CELL_TYPES)
@pytest.mark.parametrize("model", MODELS)
def test_keras_and_numpy_agree(model, cell_type, num_layers):
    config = small(model, cell_type, num_layers)
    weights = random_weights(config)
    network, reference = Seq2Seq(config, weights), NumpyNetwork(config, weights)
    for S, T in [(11, 4), (1, 2), (2, 6)]:
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
        # Teacher forcing on what it says itself changes nothing; on anything else, it does as NumPy does.
        own = np.concatenate([np.full((B, 1), config.go), decoded.symbols[:, :-1]], axis=1)
        assert np.abs(network(sources, own) - logits).max() < 1e-4
        other = np.random.default_rng(T).integers(0, 14, (B, T))
        assert np.abs(network(sources, other) - reference.decode(sources, T, other).logits).max() < 1e-4


@pytest.mark.parametrize(
    ("cell_type", "reference"),
    [
        ("BasicLSTMCell", keras.layers.LSTMCell(H)),
        ("LSTMCell", keras.layers.LSTMCell(H)),
        ("GRUCell", keras.layers.GRUCell(H, reset_after=False)),
        ("BasicRNNCell", keras.layers.SimpleRNNCell(H)),
    ],
)
def test_cells_are_those_of_keras(cell_type, reference):
    rng = np.random.default_rng(4)
    (cell,) = stacked_cells(small(cell_type=cell_type))
    cell.build((None, E))
    reference.build((None, E))
    for ours, theirs in zip(cell.weights, reference.weights, strict=True):
        value = rng.normal(0, 1, ours.shape)
        ours.assign(value)
        theirs.assign(value)
    x = tf.constant(rng.normal(0, 1, (B, E)), tf.float32)
    state = tuple(tf.constant(rng.normal(0, 1, (B, H)), tf.float32) for _ in cell.zero_state(B))
    next_state = cell.step(cell.project(x), state)
    output, keras_state = reference(x, state[::-1])  # Keras has h before c
    assert np.abs(next_state[-1] - output).max() < 1e-5
    for ours, theirs in zip(next_state[::-1], keras_state, strict=True):
        assert np.abs(ours - theirs).max() < 1e-5


@pytest.mark.parametrize("model", MODELS)
def test_variables_are_those_of_the_table(model):
    config = small(model, num_layers=2)
    weights = random_weights(config)
    network = Seq2Seq(config, weights)
    assert {name: tuple(v.shape) for name, v in network.named_variables().items()} == weight_shapes(config)
    assert len(network.trainable_variables) == len(weights)
    named = network.named_weights()
    assert all((named[name] == weights[name]).all() for name in weights)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_scan(jit_compile):
    """y_t = Σ_{s ≤ t} w x_s, whose gradients are known."""
    x = tf.constant([[1.0], [2.0], [5.0]])

    @tf.function(jit_compile=jit_compile)
    def run(x, w):
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            (outputs, squares), carry = scan(lambda x, y: ((y + w * x, x * x), y + w * x), x, tf.zeros(1), 3)
            total = tf.reduce_sum(outputs)
        return outputs, squares, carry, *tape.gradient(total, [x, w])

    outputs, squares, carry, dx, dw = run(x, tf.constant(2.0))
    assert outputs.numpy().ravel().tolist() == [2, 6, 16]
    assert squares.numpy().ravel().tolist() == [1, 4, 25]
    assert carry.numpy().tolist() == [16]
    assert dx.numpy().ravel().tolist() == [6, 4, 2]
    assert dw.numpy() == 12
