"""How good a network is, by NumPy alone: with teacher forcing, which flatters, and free-running, which counts."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from seq2seq_demo.dataset import Pairs, chunks, shift_right
from seq2seq_demo.memory import check_decoding_fits
from seq2seq_demo.numpy_decoder import NumpyNetwork, in_threads, rows_at_once


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
    expected: np.ndarray  # [V] how often each symbol was expected
    expected_and_right: np.ndarray  # [V] how often it was then predicted
    confusions: Counter  # how often (expected symbol, another one that was predicted)

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


def measure(network: NumpyNetwork, pairs: Pairs) -> Evaluation:
    """Decode every pair, with teacher forcing and free-running, and count."""
    n, S, T = *pairs.sources.shape, pairs.targets.shape[1]
    check_decoding_fits(network.config, 1, S, T)
    parts = chunks(pairs, np.arange(n), rows_at_once(S, T))
    counts, confusions = [], Counter()
    for *sums, confused in in_threads(lambda part: _counts(network, part), parts):
        counts.append(sums)
        confusions.update(confused)
    loss, *sums = (sum(column) for column in zip(*counts, strict=True))
    return Evaluation(n, float(loss) / pairs.targets.size, *sums, confusions)


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
    by_symbol = [np.bincount(expected.ravel(), minlength=V) for expected in (targets, targets[right])]
    confused = Counter(zip(targets[~right].tolist(), symbols[~right].tolist(), strict=True))
    return loss, forced_right.sum(axis=0), right.sum(axis=0), *exact, *by_symbol, confused
