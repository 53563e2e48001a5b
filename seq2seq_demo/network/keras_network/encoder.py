"""The encoder: reads the source, leaves the memory and its final state (Sutskever et al. 2014)."""

import keras
import tensorflow as tf

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.network.keras_network.cells import Cell, State, build_cells, stacked_cells
from seq2seq_demo.network.keras_network.scan import Scan, scan


class Encoder(keras.layers.Layer):
    """An embedding, and stacked cells that read it symbol by symbol."""

    kind_of_cell = Cell

    def __init__(self, model_config: ModelConfig) -> None:
        """Note the config; `build` makes the weights."""
        super().__init__(name="encoder")
        self.model_config, self.cells = model_config, stacked_cells(model_config, self.kind_of_cell)

    def build(self) -> None:
        """Make the weights."""
        c = self.model_config
        self.embedding = self.add_weight((c.n_input_symbols, c.embedding_size), "zeros", name="embedding")  # E_in
        build_cells(self.cells, c.embedding_size, c.memory_size)

    def call(self, sources: tf.Tensor, scan: Scan = scan) -> tuple[tf.Tensor, tuple[State, ...]]:
        """Read `[B, S]`; return the memory `[B, S, H]` and every layer's final state, tensors `[B, H]`."""
        sources = tf.transpose(tf.cast(sources, tf.int32))  # [S, B]
        first, *others = self.cells
        memory, state = self.run(first, self.read(first, sources), scan)
        states = [state]
        for cell in others:
            memory, state = self.run(cell, cell.project(memory), scan)
            states.append(state)
        return tf.transpose(memory, (1, 0, 2)), tuple(states)

    def read(self, cell: Cell, sources: tf.Tensor) -> tf.Tensor:
        """Return the input's part of a cell for every symbol's embedding: `[S, B]` → `[S, B, G·H]`."""
        # A source holds few different symbols: project the embedding of each once, then look the result up.
        return tf.gather(cell.project(self.embedding), sources)

    @staticmethod
    def run(cell: Cell, projected: tf.Tensor, scan: Scan) -> tuple[tf.Tensor, State]:
        """Run a cell along the source `[S, B, G·H]`; return its outputs `[S, B, H]` and its final state."""
        S, B = projected.shape[:2]

        def step(x: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
            state = cell.step(x, state)
            return state[-1], state

        return scan(step, projected, cell.zero_state(B), S)
