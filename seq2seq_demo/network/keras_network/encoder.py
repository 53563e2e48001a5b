"""The encoder: reads the source, leaves the memory and its final state (Sutskever et al. 2014)."""

import keras
import tensorflow as tf

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.network.keras_network.cells import Cell, State, build_cells, stacked_cells
from seq2seq_demo.network.keras_network.scan import Scan, scan


class Encoder(keras.layers.Layer):
    """An embedding, and stacked cells that read it symbol by symbol."""

    def __init__(self, model_config: ModelConfig) -> None:
        """Note the config; `build` makes the weights."""
        super().__init__(name="encoder")
        self.model_config, self.cells = model_config, stacked_cells(model_config)

    def build(self) -> None:
        """Make the weights."""
        c = self.model_config
        self.embedding = self.add_weight((c.n_input_symbols, c.embedding_size), "zeros", name="embedding")  # E_in
        build_cells(self.cells, c.embedding_size)

    def call(self, sources: tf.Tensor, scan: Scan = scan) -> tuple[tf.Tensor, tuple[State, ...]]:
        """Read `[B, S]`; return the memory `[B, S, H]` and every layer's final state, tensors `[B, H]`."""
        sources = tf.transpose(tf.cast(sources, tf.int32))  # [S, B]
        B, S = sources.shape[1], sources.shape[0]
        # A source holds few different symbols: project the embedding of each once, then look the result up.
        first, *others = self.cells
        projected = tf.gather(first.project(self.embedding), sources)  # [S, B, G·H]
        memory, state = self._run(first, projected, B, S, scan)
        states = [state]
        for cell in others:
            memory, state = self._run(cell, cell.project(memory), B, S, scan)
            states.append(state)
        return tf.transpose(memory, (1, 0, 2)), tuple(states)

    @staticmethod
    def _run(cell: Cell, projected: tf.Tensor, B: int, S: int, scan: Scan) -> tuple[tf.Tensor, State]:
        """Run a cell along the source; return its outputs `[S, B, H]` and its final state."""

        def step(x: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
            state = cell.step(x, state)
            return state[-1], state

        return scan(step, projected, cell.zero_state(B), S)
