"""The bidirectional encoder in NumPy (Schuster and Paliwal 1997): a second stack of cells reads the source backwards.

The concatenated outputs of both directions are the input to both cells of the next layer. The outputs of the top
layer are the memory. Each state of each layer of the decoder is initially W_b [forward ; backward] + b_b.
"""

import numpy as np

from seq2seq_demo.network.numpy_network import NumpyNetwork, State


class BidirectionalNumpyNetwork(NumpyNetwork):
    """The encoder-decoder with a bidirectional encoder."""

    def encode(self, sources: np.ndarray) -> tuple[np.ndarray, list[State]]:
        """Read sources `[B, S]`; return the memory `[B, S, 2H]` and the decoder's initial state for every layer."""
        outputs = self.weights["encoder/embedding"][sources]  # [B, S, E]; after a layer, [B, S, 2H]
        states = []
        for layer in range(self.model_config.num_layers):
            forward, last = self.read(f"encoder/layer_{layer}", outputs)
            backward, first = self.read(f"encoder/backward/layer_{layer}", outputs[:, ::-1])
            outputs = np.concatenate([forward, backward[:, ::-1]], axis=2)
            states.append(self.bridge(layer, last, first))
        return outputs, states

    def read(self, name: str, inputs: np.ndarray) -> tuple[np.ndarray, State]:
        """Run a cell over inputs `[B, S, …]` from a zero state; return its outputs `[B, S, H]` and its final state."""
        state, outputs = self.zero_state(len(inputs)), []
        for t in range(inputs.shape[1]):
            state = self.run_cell(name, inputs[:, t], state)
            outputs.append(state[-1])
        return np.stack(outputs, axis=1), state

    def bridge(self, layer: int, forward: State, backward: State) -> State:
        """Return W_b [forward ; backward] + b_b for each state of a layer, `[B, H]`."""
        both = zip(self.model_config.cell.states, forward, backward, strict=True)
        return tuple(self.dense(f"encoder/bridge_{layer}_{s}", np.concatenate([f, b], axis=1)) for s, f, b in both)
