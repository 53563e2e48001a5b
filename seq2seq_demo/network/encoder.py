"""The encoder: reads the source, leaves the memory and its final state (Sutskever et al. 2014)."""

import keras
import tensorflow as tf

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.network.cells import build_cells, stacked_cells
from seq2seq_demo.network.scan import scan


class Encoder(keras.layers.Layer):
    """An embedding, and stacked cells that read it symbol by symbol."""

    def __init__(self, config: ModelConfig):
        """Note the config; `build` makes the weights."""
        super().__init__(name="encoder")
        self.config, self.cells = config, stacked_cells(config)

    def build(self):
        """Make the weights."""
        shape = (self.config.n_input_symbols, self.config.embedding_size)
        self.embedding = self.add_weight(shape, "zeros", name="embedding")  # E_in
        build_cells(self.cells, self.config.embedding_size)

    def call(self, sources: tf.Tensor):
        """Read `[B, S]`; return the memory `[B, S, H]` and every layer's final state, arrays of `[B, H]`."""
        sources = tf.transpose(tf.cast(sources, tf.int32))  # [S, B]
        B, S = sources.shape[1], sources.shape[0]
        # A source holds few different symbols: project the embedding of each once, then look the result up.
        first, *others = self.cells
        projected = tf.gather(first.project(self.embedding), sources)  # [S, B, G·H]
        memory, state = self._run(first, projected, B, S)
        states = [state]
        for cell in others:
            memory, state = self._run(cell, cell.project(memory), B, S)
            states.append(state)
        return tf.transpose(memory, (1, 0, 2)), tuple(states)

    @staticmethod
    def _run(cell, projected, B, S):
        """Run a cell along the source; return its outputs `[S, B, H]` and its final state."""

        def step(x, state):
            state = cell.step(x, state)
            return state[-1], state

        return scan(step, projected, cell.zero_state(B), S)
