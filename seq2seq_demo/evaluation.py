"""How good a network is, by NumPy alone: with teacher forcing, which flatters, and free-running, which counts."""

from dataclasses import dataclass

import numpy as np

from seq2seq_demo.dataset import Pairs, chunks, shift_right
from seq2seq_demo.numpy_decoder import CHUNK, NumpyNetwork, in_threads


@dataclass(frozen=True)
class Figures:
    """The loss in nats a symbol; the others are shares from 0 to 1."""

    loss: float
    forced_token_accuracy: float
    forced_exact_match: float
    token_accuracy: float  # free-running, as is the next
    exact_match: float


@dataclass(frozen=True)
class Evaluation:
    """What was counted on N pairs of source and target; V symbols, GO included."""

    n: int
    loss: float  # nats a symbol
    forced_right: np.ndarray  # [T] how many symbols are right at each position, with teacher forcing
    right: np.ndarray  # [T] free-running, as are the next
    forced_exact: int  # how many sequences are wholly right
    exact: int
    confusion: np.ndarray  # [V, V] how often each symbol was expected (row) and predicted (column)

    @property
    def figures(self) -> Figures:
        """Return loss, token accuracy and exact match."""
        symbols = self.n * len(self.right)
        return Figures(
            loss=self.loss,
            forced_token_accuracy=int(self.forced_right.sum()) / symbols,
            forced_exact_match=self.forced_exact / self.n,
            token_accuracy=int(self.right.sum()) / symbols,
            exact_match=self.exact / self.n,
        )

    def confusions(self) -> list[tuple[int, int, int]]:
        """Return expected and predicted symbol and how often it happened, the commonest first."""
        wrong = self.confusion * (1 - np.eye(len(self.confusion), dtype=int))
        commonest = np.argsort(-wrong, axis=None, kind="stable")[: np.count_nonzero(wrong)]
        return [(*divmod(int(k), len(wrong)), int(wrong.flat[k])) for k in commonest]


def measure(network: NumpyNetwork, pairs: Pairs) -> Evaluation:
    """Decode every pair, with teacher forcing and free-running, and count."""
    parts = chunks(pairs, np.arange(len(pairs.sources)), CHUNK)
    loss, *counts = (
        sum(column) for column in zip(*in_threads(lambda part: _counts(network, part), parts), strict=True)
    )
    return Evaluation(len(pairs.sources), float(loss) / pairs.targets.size, *counts)


def evaluate(network: NumpyNetwork, pairs: Pairs) -> Figures:
    """Return the figures of the network on these pairs."""
    return measure(network, pairs).figures


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return −log softmax(logits) at the targets: `[B, T, V]`, `[B, T]` → `[B, T]`."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(shifted, targets[..., None].astype(np.intp), axis=-1)[..., 0]
    return np.log(np.exp(shifted).sum(axis=-1)) - chosen


def _counts(network: NumpyNetwork, pairs: Pairs) -> tuple:
    """Return the loss, summed over the symbols of a chunk, and the counts of an Evaluation."""
    sources, targets = pairs
    T, V = targets.shape[1], network.config.n_output_symbols
    forced = network.decode(sources, T, shift_right(targets, network.config.go))
    loss = cross_entropy(forced.logits, targets).sum(dtype=np.float64)
    symbols = network.decode(sources, T).symbols
    forced_right, right = forced.symbols == targets, symbols == targets
    exact = [int(rows.all(axis=1).sum()) for rows in (forced_right, right)]
    confusion = np.bincount((targets.astype(np.intp) * V + symbols).ravel(), minlength=V * V).reshape(V, V)
    return loss, forced_right.sum(axis=0), right.sum(axis=0), *exact, confusion
