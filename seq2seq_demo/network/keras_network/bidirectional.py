"""The bidirectional encoder (Schuster and Paliwal 1997): a second stack of cells reads the source backwards.

`scan` runs both stacks, the second with `reverse=True`. Each output keeps the position of its input. In a padded
batch, a row's backward state stays 0 until the scan reaches the row's last symbol.
"""

import functools

import keras
import tensorflow as tf

from seq2seq_demo.network.keras_network.cells import States, dense, stacked_cells
from seq2seq_demo.network.keras_network.dropout import Masks
from seq2seq_demo.network.keras_network.encoder import Encoder
from seq2seq_demo.network.keras_network.scan import Scan, scan


class BidirectionalEncoder(Encoder):
    """An embedding, one stack of cells per direction, and dense layers that compute the decoder's initial states."""

    def build(self) -> None:
        """Create the weights; their values are assigned later."""
        c = self.model_config
        super().build()
        with keras.name_scope("backward"):
            self.backward = stacked_cells(c, c.memory_size)
        self.bridges = [  # W_b, b_b per layer and state; the list is flat because Keras does not save nested lists
            dense(f"bridge_{layer}_{s}", 2 * c.cell_size, c.cell_size)
            for layer in range(c.num_layers)
            for s in c.cell.states
        ]

    def call(self, sources: tf.Tensor, scan: Scan = scan, masks: Masks | None = None) -> tuple[tf.Tensor, States]:
        """Read sources `[B, S]`; return the memory `[B, S, 2H]` and the decoder's initial states, as tensors `[B, H]`.

        Both directions use the same dropout masks.
        """
        sources = tf.transpose(tf.cast(sources, tf.int32))  # [S, B]
        scan_backwards = functools.partial(scan, reverse=True)
        memory, states, bridges = None, [], iter(self.bridges)
        for forward, backward in zip(self.cells, self.backward, strict=True):
            outputs, last = self.run(forward, self.inputs(forward, sources, memory, masks), scan)
            outputs_back, first = self.run(backward, self.inputs(backward, sources, memory, masks), scan_backwards)
            memory = tf.concat([outputs, outputs_back], axis=2)  # [S, B, 2H]
            both = zip(last, first, strict=True)
            states.append(tuple(next(bridges)(tf.concat([f, b], axis=1)) for f, b in both))
        return tf.transpose(memory, (1, 0, 2)), tuple(states)
