import numpy as np
import pytest

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.network.keras_network.cells import stacked_cells

# isort: split
import keras
import tensorflow as tf

B, E, H = 3, 5, 7


REFERENCES = {"BasicLSTMCell": keras.layers.LSTMCell(H), "LSTMCell": keras.layers.LSTMCell(H)}
REFERENCES |= {"GRUCell": keras.layers.GRUCell(H, reset_after=False), "BasicRNNCell": keras.layers.SimpleRNNCell(H)}


def test_the_gradient_of_a_projection_needs_no_product_per_position():
    """A product per position would need memory for a kernel per position: gigabytes for a long source."""
    (cell,) = stacked_cells(ModelConfig(cell_size=H, embedding_size=E), H)

    @tf.function
    def gradient(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(cell.project(x) ** 2)
        return tape.gradient(loss, cell.kernel)

    operations = gradient.get_concrete_function(tf.TensorSpec([11, B, E])).graph.get_operations()
    products = [x.outputs[0].shape.as_list() for x in operations if "MatMul" in x.type]
    assert products == [[11 * B, 4 * H], [E, 4 * H]]


@pytest.mark.parametrize(("cell_type", "reference"), REFERENCES.items())
def test_cells_equal_those_of_keras(cell_type, reference):
    rng = np.random.default_rng(4)
    (cell,) = stacked_cells(ModelConfig(cell_type=cell_type, cell_size=H, embedding_size=E), H)
    reference.build((None, E))
    for ours, theirs in zip(cell.weights, reference.weights, strict=True):
        value = rng.normal(0, 1, ours.shape)
        ours.assign(value)
        theirs.assign(value)
    x = tf.constant(rng.normal(0, 1, (B, E)), tf.float32)
    state = tuple(tf.constant(rng.normal(0, 1, (B, H)), tf.float32) for _ in cell.zero_state(B))
    next_state = cell.step(cell.project(x), state)
    output, keras_state = reference(x, state[::-1])  # Keras puts h before c
    assert np.abs(next_state[-1] - output).max() < 1e-5
    for ours, theirs in zip(next_state[::-1], keras_state, strict=True):
        assert np.abs(ours - theirs).max() < 1e-5
