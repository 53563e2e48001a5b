"""The whole network in NumPy on one page: what `predict` runs, and what the Keras network is tested against.

B sequences, S and T the source's and target's length, E the embedding size, H the cell size, V the output symbols.
The weights bear the names of `parameters.weight_shapes`.
"""

import collections
import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.parameters import TrainedNetwork

CHUNK = 1000  # rows decoded at once: what a step touches then fits the cache
ALPHAS = 10_000_000  # attention weights of a chunk: long sequences are decoded a few at once


class Decoded(NamedTuple):
    """What the network says to a batch of sources."""

    symbols: np.ndarray  # [B, T] the likeliest at each step
    logits: np.ndarray  # [B, T, V]
    attention: np.ndarray | None  # [B, T, S], each row a distribution; None where the model has no attention


def sigmoid(x):
    """1 / (1 + exp(−x)), in a form that no x overflows."""
    return 0.5 * np.tanh(0.5 * x) + 0.5


def softmax(x):
    """exp(x) / Σ exp(x) over the last axis."""
    exp = np.exp(x - x.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


def lstm_cell(x, state, W, U, b):
    """Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000)."""
    c, h = state
    i, f, candidate, o = np.split(x @ W + h @ U + b, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
    return c, sigmoid(o) * np.tanh(c)


def gru_cell(x, state, W, U, b):
    """Gated recurrent unit (Cho et al. 2014), the reset gate applied before the matrix product."""
    (h,) = state
    H = h.shape[1]
    x = x @ W + b
    z, r = np.split(sigmoid(x[:, : 2 * H] + h @ U[:, : 2 * H]), 2, axis=1)
    candidate = np.tanh(x[:, 2 * H :] + (r * h) @ U[:, 2 * H :])
    return (z * h + (1 - z) * candidate,)


def rnn_cell(x, state, W, U, b):
    """Simple recurrent network (Elman 1990)."""
    (h,) = state
    return (np.tanh(x @ W + h @ U + b),)


# The cell, and how many arrays its state holds; the last of them, h, is its output.
CELLS = {
    "BasicLSTMCell": (lstm_cell, 2),
    "LSTMCell": (lstm_cell, 2),
    "GRUCell": (gru_cell, 1),
    "BasicRNNCell": (rnn_cell, 1),
}


class NumpyNetwork:
    """The encoder-decoder (Sutskever et al. 2014), with attention if its config says so (Bahdanau et al. 2015)."""

    def __init__(self, config: ModelConfig, weights: dict[str, np.ndarray]):
        """Keep a reference to the weights."""
        self.config, self.weights = config, weights

    def decode(self, sources, out_len: int, decoder_input=None) -> Decoded:
        """Decode `[B, S]` in `out_len` steps: greedily, or fed `decoder_input` `[B, T]` (teacher forcing)."""
        memory, states = self.encode(sources)
        keys = memory @ self.weights["decoder/attention/key/kernel"] if self.config.has_attention else None
        context = np.zeros_like(memory[:, 0])  # a_0
        fed = np.full(len(sources), self.config.go)  # y_0
        steps = []
        for t in range(out_len):
            if decoder_input is not None:
                fed = decoder_input[:, t]
            states, context, alpha = self.step(fed, states, context, memory, keys)
            logits = self.logits(states, context)
            fed = logits.argmax(axis=1)
            steps.append((fed, logits, alpha))
        symbols, logits, alphas = zip(*steps, strict=True)
        attention = np.stack(alphas, axis=1) if self.config.has_attention else None
        return Decoded(np.stack(symbols, axis=1), np.stack(logits, axis=1), attention)

    def encode(self, sources):
        """Read `[B, S]`; return the memory `[B, S, H]` and the final state of every layer."""
        zero = np.zeros((len(sources), self.config.cell_size), np.float32)
        states = [(zero,) * CELLS[self.config.cell_type][1]] * self.config.num_layers
        memory = []
        for t in range(sources.shape[1]):
            states = self.run_cells("encoder", self.weights["encoder/embedding"][sources[:, t]], states)
            memory.append(states[-1][-1])
        return np.stack(memory, axis=1), states

    def step(self, fed, states, context, memory, keys):
        """Feed the symbols `[B]`; return the next states, the next context `[B, H]` and its α `[B, S]`."""
        x = self.weights["decoder/embedding"][fed]  # d_t [B, E]
        if not self.config.has_attention:
            return self.run_cells("decoder", x, states), context, None
        x = self.dense("decoder/input", np.concatenate([x, context], axis=1))  # [B, E]
        states = self.run_cells("decoder", x, states)
        query = self.dense("decoder/attention/query", np.concatenate([s for state in states for s in state], axis=1))
        u = np.tanh(keys + query[:, None]) @ self.weights["decoder/attention/score"]  # [B, S]
        alpha = softmax(u)
        return states, (alpha[:, None] @ memory)[:, 0], alpha

    def logits(self, states, context):
        """Return the logits `[B, V]` of a step."""
        logits = self.dense("decoder/projection", states[-1][-1])
        if not self.config.has_attention:
            return logits
        return self.dense("decoder/output", np.concatenate([logits, context], axis=1))

    def run_cells(self, side, x, states):
        """Run the stacked cells of one side a step on; x: `[B, E]`."""
        cell, _ = CELLS[self.config.cell_type]
        next_states = []
        for layer, state in enumerate(states):
            W, U, b = (self.weights[f"{side}/layer_{layer}/{part}"] for part in ("kernel", "recurrent_kernel", "bias"))
            next_states.append(cell(x, state, W, U, b))
            x = next_states[-1][-1]
        return next_states

    def dense(self, name, x):
        """Return x W + b."""
        return x @ self.weights[f"{name}/kernel"] + self.weights[f"{name}/bias"]


def predict(network: TrainedNetwork, sources, out_len: int | None = None) -> np.ndarray:
    """Decode sources `[B, S]` greedily; return the predicted symbols `[B, out_len]` (default: as in training)."""
    decoder = NumpyNetwork(network.model, network.weights)
    return decoder.decode(np.asarray(sources), out_len or network.out_len).symbols


def rows_at_once(in_len: int, out_len: int) -> int:
    """Return how many sequences of these lengths are best decoded at once."""
    return max(1, min(CHUNK, ALPHAS // (in_len * out_len)))


def in_threads(function: Callable, items: Iterable) -> Iterator:
    """Yield function(item) in order, a core for each: NumPy lets go of Python's lock. Reads only a few items ahead.

    An error that `items` raises is raised after the results of the items before it.
    """
    from concurrent.futures import ThreadPoolExecutor

    cores = os.cpu_count() or 1
    waiting, failure, items = collections.deque(), None, iter(items)
    with ThreadPoolExecutor(cores) as pool:
        try:
            while waiting or failure is None:
                if failure is None and len(waiting) <= 2 * cores:
                    try:
                        waiting.append(pool.submit(function, next(items)))
                    except Exception as error:  # StopIteration is the end
                        failure = error
                else:
                    yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)  # after Ctrl-C, what has not begun is left
    if not isinstance(failure, StopIteration):
        raise failure
