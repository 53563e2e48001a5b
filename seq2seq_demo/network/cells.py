"""Recurrent cells, equal to Keras's of the same name, but in two parts that can run at different times.

`project` is the input's part, for any number of positions at once; `step` is the rest, which needs the state.
Shapes: B sequences, E the width of the input, H the cell size, G the gates of the cell.
"""

import keras
import tensorflow as tf

from seq2seq_demo.parameters import GATES, STATES


class Cell(keras.layers.Layer):
    """A cell's weights, in Keras's order of gates; the subclasses hold its equations."""

    def __init__(self, cell_type: str, cell_size: int, name: str):
        """Note the sizes."""
        super().__init__(name=name)
        self.cell_size, self.n_states = cell_size, STATES[cell_type]
        self.width = GATES[cell_type] * cell_size

    def build(self, input_shape):
        """Make the weights; initial values come from `parameters.initial_weights`."""
        self.kernel = self.add_weight((input_shape[-1], self.width), "zeros", name="kernel")  # W
        self.recurrent_kernel = self.add_weight((self.cell_size, self.width), "zeros", name="recurrent_kernel")  # U
        self.bias = self.add_weight((self.width,), "zeros", name="bias")  # b

    def zero_state(self, batch_size: int) -> tuple[tf.Tensor, ...]:
        """Return the state that encoding starts from: arrays `[B, H]`, h last."""
        return (tf.zeros((batch_size, self.cell_size)),) * self.n_states

    def project(self, x: tf.Tensor) -> tf.Tensor:
        """Return x W + b: `[…, E]` → `[…, G·H]`."""
        return tf.matmul(x, self.kernel) + self.bias


class LSTMCell(Cell):
    """Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000)."""

    def step(self, projected: tf.Tensor, state):
        """Return (c, h), each `[B, H]`; projected: `[B, 4H]`."""
        c, h = state
        i, f, candidate, o = tf.split(projected + tf.matmul(h, self.recurrent_kernel), 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(candidate)
        return c, tf.sigmoid(o) * tf.tanh(c)


class GRUCell(Cell):
    """Gated recurrent unit (Cho et al. 2014), the reset gate applied before the matrix product."""

    def step(self, projected: tf.Tensor, state):
        """Return (h,), `[B, H]`; projected: `[B, 3H]`."""
        (h,) = state
        H = self.cell_size
        gates = tf.sigmoid(projected[:, : 2 * H] + tf.matmul(h, self.recurrent_kernel[:, : 2 * H]))
        z, r = tf.split(gates, 2, axis=1)
        candidate = tf.tanh(projected[:, 2 * H :] + tf.matmul(r * h, self.recurrent_kernel[:, 2 * H :]))
        return (z * h + (1 - z) * candidate,)


class SimpleRNNCell(Cell):
    """Simple recurrent network (Elman 1990)."""

    def step(self, projected: tf.Tensor, state):
        """Return (h,), `[B, H]`; projected: `[B, H]`."""
        (h,) = state
        return (tf.tanh(projected + tf.matmul(h, self.recurrent_kernel)),)


_CLASSES = {
    "BasicLSTMCell": LSTMCell,
    "LSTMCell": LSTMCell,
    "GRUCell": GRUCell,
    "BasicRNNCell": SimpleRNNCell,
}


def stacked_cells(config) -> list[Cell]:
    """Return a cell for every layer, the one that reads the input first."""
    make = _CLASSES[config.cell_type]
    return [make(config.cell_type, config.cell_size, f"layer_{layer}") for layer in range(config.num_layers)]


def build_cells(cells: list[Cell], input_size: int) -> None:
    """Make the cells' weights: the first reads the input, each other one the h of the one below."""
    for cell in cells:
        cell.build((None, input_size))
        input_size = cell.cell_size
