"""The whole network in NumPy: `predict` runs it, and tests compare it with the Keras network.

In shapes, B is the number of sequences, S and T are the lengths of source and target, E is the embedding size, H is the
cell size, G is the number of gates of a cell, and V is the number of output symbols. `parameters.weight_shapes` lists
the weights.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.network.parameters import Weights

State = tuple[np.ndarray, ...]  # a cell's state: arrays [B, H], h last


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(−x)), in a form that cannot overflow."""
    return 0.5 * np.tanh(0.5 * x) + 0.5


def softmax(x: np.ndarray) -> np.ndarray:
    """Return exp(x) / Σ exp(x) over the last axis."""
    exp = np.exp(x - x.max(axis=-1, keepdims=True))
    p: np.ndarray = exp / exp.sum(axis=-1, keepdims=True)
    return p


def log_softmax(x: np.ndarray) -> np.ndarray:
    """Return the log softmax over the last axis; it is finite even where the softmax underflows to 0."""
    shifted = x - x.max(axis=-1, keepdims=True)
    log_p: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return log_p


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return −log softmax(logits) at the targets: `[B, T, V]`, `[B, T]` → `[B, T]`."""
    return -np.take_along_axis(log_softmax(logits), targets[..., None].astype(np.intp), axis=-1)[..., 0]


# Each of these functions computes the next state from `projected` = x W + b `[B, G·H]`, the state and U `[H, G·H]`.


def lstm(projected: np.ndarray, state: State, U: np.ndarray) -> State:
    """Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000)."""
    c, h = state
    i, f, candidate, o = np.split(projected + h @ U, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
    return c, sigmoid(o) * np.tanh(c)


def gru(projected: np.ndarray, state: State, U: np.ndarray) -> State:
    """Gated recurrent unit (Cho et al. 2014), with the reset gate applied before the matrix product."""
    (h,) = state
    H = h.shape[1]
    z, r = np.split(sigmoid(projected[:, : 2 * H] + h @ U[:, : 2 * H]), 2, axis=1)
    candidate = np.tanh(projected[:, 2 * H :] + (r * h) @ U[:, 2 * H :])
    return (z * h + (1 - z) * candidate,)


def simple_rnn(projected: np.ndarray, state: State, U: np.ndarray) -> State:
    """Simple recurrent network (Elman 1990)."""
    (h,) = state
    return (np.tanh(projected + h @ U),)


EQUATIONS: dict[str, Callable[[np.ndarray, State, np.ndarray], State]] = {
    "BasicLSTMCell": lstm,
    "LSTMCell": lstm,
    "GRUCell": gru,
    "BasicRNNCell": simple_rnn,
}


class Decoded(NamedTuple):
    """The results of all decoding steps for a batch of sources."""

    symbols: np.ndarray  # [B, T] the most probable symbol of each step
    logits: np.ndarray  # [B, T, V]
    attention: np.ndarray | None  # [B, T, S], a distribution over S; None if the model has no attention


Step = tuple[np.ndarray, np.ndarray, np.ndarray | None]  # symbols [B], logits [B, V], α [B, S]


def stack_steps(steps: Sequence[Step]) -> Decoded:
    """Stack one or more steps along the time axis."""
    symbols, logits, alphas = zip(*steps, strict=True)
    attention = None if alphas[0] is None else np.stack(alphas, axis=1)
    return Decoded(np.stack(symbols, axis=1), np.stack(logits, axis=1), attention)


class DecoderState(NamedTuple):
    """The decoder's state for L sequences that are decoded together."""

    cells: list[State]  # one per layer
    context: np.ndarray  # a_{t−1} [L, H], or [L, 2H] if the encoder is bidirectional
    memory: np.ndarray  # [L, S, H] or [L, S, 2H]
    keys: np.ndarray | None  # W_k m [L, S, H]; None if the model has no attention


class Answers(NamedTuple):
    """Up to N answers to each of B sources, best first, decoded in T steps. For greedy decoding, N is 1."""

    symbols: np.ndarray  # [B, N, T]; undefined after an answer's END
    lengths: np.ndarray  # [B, N] number of symbols before END, or of all symbols if there is no END
    ended: np.ndarray  # [B, N] whether END was decoded; all False if the network does not end its answers
    probabilities: np.ndarray | None  # [B, N, T] for each symbol, given the previous symbols
    attention: np.ndarray | None  # [B, N, T, S]; None if the model has no attention, or it was not requested
    scores: np.ndarray | None = None  # [B, N] the scores of a beam search; −inf marks an unused slot

    @property
    def n_written(self) -> np.ndarray:
        """The number of symbols of each answer, END included, `[B, N]`."""
        return np.asarray(self.lengths + self.ended)

    @property
    def is_written(self) -> np.ndarray:
        """A mask of the answers' symbols, END included, `[B, N, T]`."""
        return np.asarray(np.arange(self.symbols.shape[2]) < self.n_written[..., None])


class NumpyNetwork:
    """The encoder-decoder (Sutskever et al. 2014), with attention if the config enables it (Bahdanau et al. 2015)."""

    def __init__(self, model_config: ModelConfig, weights: Weights) -> None:
        self.model_config, self.weights = model_config, weights

    def decode(self, sources: np.ndarray, out_len: int, decoder_input: np.ndarray | None = None) -> Decoded:
        """Decode sources `[B, S]` in `out_len` steps, greedily or with teacher forcing on `decoder_input` `[B, T]`."""
        return stack_steps([*itertools.islice(self.steps(sources, decoder_input), out_len)])

    def steps(self, sources: np.ndarray, decoder_input: np.ndarray | None = None) -> Iterator[Step]:
        """Yield the decoding steps for sources `[B, S]`.

        Without `decoder_input`, decoding is greedy and never ends. With `decoder_input` `[B, T]`, there are T steps
        with teacher forcing.
        """
        state = self.start(sources)
        fed = np.full(len(sources), self.model_config.go)  # y_0 [B]
        for t in itertools.count() if decoder_input is None else range(decoder_input.shape[1]):
            if decoder_input is not None:
                fed = decoder_input[:, t]
            state, logits, alpha = self.step(fed, state)
            fed = logits.argmax(axis=1)
            yield fed, logits, alpha

    def start(self, sources: np.ndarray) -> DecoderState:
        """Read sources `[B, S]`; return the decoder's state before its first step."""
        memory, cells = self.encode(sources)
        has_attention = self.model_config.has_attention
        keys = memory @ self.weights["decoder/attention/key/kernel"] if has_attention else None
        return DecoderState(cells=cells, context=np.zeros_like(memory[:, 0]), memory=memory, keys=keys)

    def encode(self, sources: np.ndarray) -> tuple[np.ndarray, list[State]]:
        """Read sources `[B, S]`; return the memory `[B, S, H]` and the final state of every layer."""
        states = [self.zero_state(len(sources))] * self.model_config.num_layers
        memory = []
        for t in range(sources.shape[1]):
            states = self.run_cells("encoder", self.weights["encoder/embedding"][sources[:, t]], states)
            memory.append(states[-1][-1])
        return np.stack(memory, axis=1), states

    def zero_state(self, n_rows: int) -> State:
        """Return a cell's state before its first step."""
        return (np.zeros((n_rows, self.model_config.cell_size), np.float32),) * len(self.model_config.cell.states)

    def step(self, fed: np.ndarray, state: DecoderState) -> tuple[DecoderState, np.ndarray, np.ndarray | None]:
        """Feed the symbols `fed` `[L]`; return the next state, the logits `[L, V]` and α `[L, S]`."""
        x = self.weights["decoder/embedding"][fed]  # d_t [L, E]
        if state.keys is None:
            state = state._replace(cells=self.run_cells("decoder", x, state.cells))
            return state, self.logits(state), None
        x = self.dense("decoder/input", np.concatenate([x, state.context], axis=1))  # x_t [L, E]
        cells = self.run_cells("decoder", x, state.cells)
        query = self.dense("decoder/attention/query", np.concatenate([s for cell in cells for s in cell], axis=1))
        hidden = state.keys + query[:, None]  # [L, S, H]
        np.tanh(hidden, out=hidden)  # in place, because allocating another array takes longer than tanh
        alpha = softmax(hidden @ self.weights["decoder/attention/score"])  # [L, S]
        state = state._replace(cells=cells, context=(alpha[:, None] @ state.memory)[:, 0])
        return state, self.logits(state), alpha

    def select(self, state: DecoderState, rows: np.ndarray) -> DecoderState:
        """Return the states of these rows. If the number of rows stays the same, every row must keep its source."""
        cells = [tuple(array[rows] for array in cell) for cell in state.cells]
        state = state._replace(cells=cells, context=state.context[rows])
        if state.keys is None or len(rows) == len(state.keys):
            return state
        return state._replace(memory=state.memory[rows], keys=state.keys[rows])

    def logits(self, state: DecoderState) -> np.ndarray:
        """Return the logits `[L, V]` of a step."""
        logits = self.dense("decoder/projection", state.cells[-1][-1])
        if not self.model_config.has_attention:
            return logits
        return self.dense("decoder/output", np.concatenate([logits, state.context], axis=1))

    def run_cells(self, side: str, x: np.ndarray, states: list[State]) -> list[State]:
        """Run the stacked cells of one side, "encoder" or "decoder", for one step; x is `[B, E]`."""
        next_states: list[State] = []
        for layer, state in enumerate(states):
            next_states.append(self.run_cell(f"{side}/layer_{layer}", x, state))
            x = next_states[-1][-1]
        return next_states

    def run_cell(self, name: str, x: np.ndarray, state: State) -> State:
        """Run a cell for one step; x is `[B, E]`, or the output of the layer below."""
        projected = self.dense(name, x)  # x W + b [B, G·H]
        return EQUATIONS[self.model_config.cell_type](projected, state, self.weights[f"{name}/recurrent_kernel"])

    def dense(self, name: str, x: np.ndarray) -> np.ndarray:
        """Return x W + b."""
        y: np.ndarray = x @ self.weights[f"{name}/kernel"] + self.weights[f"{name}/bias"]
        return y
