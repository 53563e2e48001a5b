"""Recurrent cells that compute the same results as Keras's cells of the same type, but in two parts.

`project` computes x W + b for any number of positions at once; `step` computes everything that depends on the state.
In shapes, B is the number of sequences, E is the width of the input, H is the cell size, and G is the number of gates.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from seq2seq_demo.config import ModelConfig

State = tuple[tf.Tensor, ...]  # a cell's state: tensors [B, H], h last
States = tuple[State, ...]  # the states of all layers

# Each of these functions computes the next state from `projected` = x W + b `[B, G·H]`, the state and U `[H, G·H]`.


def lstm(projected: tf.Tensor, state: State, U: tf.Tensor) -> State:
    """Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000)."""
    c, h = state
    i, f, candidate, o = tf.split(projected + tf.matmul(h, U), 4, axis=1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(candidate)
    return c, tf.sigmoid(o) * tf.tanh(c)


def gru(projected: tf.Tensor, state: State, U: tf.Tensor) -> State:
    """Gated recurrent unit (Cho et al. 2014), with the reset gate applied before the matrix product."""
    (h,) = state
    H = h.shape[1]
    z, r = tf.split(tf.sigmoid(projected[:, : 2 * H] + tf.matmul(h, U[:, : 2 * H])), 2, axis=1)
    candidate = tf.tanh(projected[:, 2 * H :] + tf.matmul(r * h, U[:, 2 * H :]))
    return (z * h + (1 - z) * candidate,)


def simple_rnn(projected: tf.Tensor, state: State, U: tf.Tensor) -> State:
    """Simple recurrent network (Elman 1990)."""
    (h,) = state
    return (tf.tanh(projected + tf.matmul(h, U)),)


EQUATIONS: dict[str, Callable[[tf.Tensor, State, tf.Tensor], State]] = {
    "BasicLSTMCell": lstm,
    "LSTMCell": lstm,
    "GRUCell": gru,
    "BasicRNNCell": simple_rnn,
}


class Part(keras.layers.Layer):
    """A part of the network, in float32 even if Keras's default dtype is different."""

    def __init__(self, model_config: ModelConfig, name: str) -> None:
        super().__init__(name=name, dtype="float32")
        self.model_config = model_config


class Cell(Part):
    """A cell's weights and its equation. The weights' columns are grouped by gate, in the order of `CellType.gates`."""

    def build(self, input_shape: tuple[int | None, int]) -> None:
        """Create the weights; their values are assigned later."""
        H = self.model_config.cell_size
        width = len(self.model_config.cell.gates) * H
        self.kernel = self.add_weight((input_shape[-1], width), "zeros", name="kernel")  # W
        self.recurrent_kernel = self.add_weight((H, width), "zeros", name="recurrent_kernel")  # U
        self.bias = self.add_weight((width,), "zeros", name="bias")  # b

    def zero_state(self, batch_size: int) -> State:
        """Return the cell's state before the encoder's first step, which is 0."""
        return (tf.zeros((batch_size, self.model_config.cell_size)),) * len(self.model_config.cell.states)

    def project(self, x: tf.Tensor) -> tf.Tensor:
        """Return x W + b: `[…, E]` → `[…, G·H]`."""
        return tf.tensordot(x, self.kernel, 1) + self.bias

    def step(self, projected: tf.Tensor, state: State) -> State:
        """Return the next state; `projected` is x W + b, `[B, G·H]`."""
        return EQUATIONS[self.model_config.cell_type](projected, state, self.recurrent_kernel)


def dense(name: str, n_in: int, n_out: int, use_bias: bool = True) -> keras.layers.Dense:
    """Return a built layer that computes x W + b in float32, even if Keras's default dtype is different."""
    layer = keras.layers.Dense(n_out, use_bias=use_bias, name=name, dtype="float32")
    layer.build((None, n_in))
    return layer


def stacked_cells(model_config: ModelConfig, layer_size: int) -> list[Cell]:
    """Return a built cell per layer, from bottom to top; above the first layer, cells read `layer_size` outputs."""
    cells = [Cell(model_config, f"layer_{layer}") for layer in range(model_config.num_layers)]
    for layer, cell in enumerate(cells):
        cell.build((None, layer_size if layer else model_config.embedding_size))
    return cells
