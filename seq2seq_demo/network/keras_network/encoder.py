"""The encoder reads the source and returns the memory and the final state (Sutskever et al. 2014)."""

import tensorflow as tf

from seq2seq_demo.network.keras_network.cells import Cell, Part, State, States, stacked_cells
from seq2seq_demo.network.keras_network.dropout import Masks
from seq2seq_demo.network.keras_network.scan import Scan, scan, sizes


class Encoder(Part):
    """An embedding, and stacked cells that read the embedded source symbol by symbol."""

    def build(self) -> None:
        """Create the weights; their values are assigned later."""
        c = self.model_config
        self.embedding = self.add_weight((c.n_input_symbols, c.embedding_size), "zeros", name="embedding")  # E_in
        self.cells = stacked_cells(c, c.memory_size)

    def call(self, sources: tf.Tensor, scan: Scan = scan, masks: Masks | None = None) -> tuple[tf.Tensor, States]:
        """Read sources `[B, S]`; return the memory `[B, S, H]` and the final state of every layer, as tensors `[B, H]`.

        `scan` runs the cells along the source, and `masks` provides the dropout masks.
        """
        sources = tf.transpose(tf.cast(sources, tf.int32))  # [S, B]
        memory, states = None, []
        for cell in self.cells:
            memory, state = self.run(cell, self.inputs(cell, sources, memory, masks), scan)
            states.append(state)
        return tf.transpose(memory, (1, 0, 2)), tuple(states)

    def inputs(self, cell: Cell, sources: tf.Tensor, memory: tf.Tensor | None, masks: Masks | None) -> tf.Tensor:
        """Project a cell's inputs, the embedded symbols or the outputs of the layer below, to `[S, B, G·H]`."""
        if memory is not None:
            return cell.project(memory if masks is None else masks.drop(f"encoder/{cell.name}", memory))
        if masks is not None:
            return cell.project(masks.drop("encoder/embedding", tf.gather(self.embedding, sources)))
        # A batch usually has more symbols than the vocabulary, so project each embedding once and look up the results.
        return tf.gather(cell.project(self.embedding), sources)

    @staticmethod
    def run(cell: Cell, projected: tf.Tensor, scan: Scan) -> tuple[tf.Tensor, State]:
        """Run a cell over projected inputs `[S, B, G·H]`; return its outputs `[S, B, H]` and its final state."""
        S, B, _ = sizes(projected)

        def step(x: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
            state = cell.step(x, state)
            return state[-1], state

        return scan(step, projected, cell.zero_state(B), S)
