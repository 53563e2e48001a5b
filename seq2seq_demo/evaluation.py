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


def evaluate(network: NumpyNetwork, pairs: Pairs) -> Figures:
    """Measure the network on every pair, with teacher forcing and free-running."""
    parts = chunks(pairs, np.arange(len(pairs.sources)), CHUNK)
    sums = sum(in_threads(lambda part: _sums(network, part), parts))
    n, T = pairs.targets.shape
    return Figures(*(sums / (n * np.array([T, T, 1, T, 1]))).tolist())


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return −log softmax(logits) at the targets: `[B, T, V]`, `[B, T]` → `[B, T]`."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(shifted, targets[..., None].astype(np.intp), axis=-1)[..., 0]
    return np.log(np.exp(shifted).sum(axis=-1)) - chosen


def _sums(network: NumpyNetwork, pairs: Pairs) -> np.ndarray:
    """Return the figures of a chunk, summed over positions or over sequences."""
    sources, targets = pairs
    T = targets.shape[1]
    forced = network.decode(sources, T, shift_right(targets, network.config.go))
    right = forced.symbols == targets
    free = network.decode(sources, T).symbols == targets
    loss = cross_entropy(forced.logits, targets).sum(dtype=np.float64)
    return np.array([loss, right.sum(), right.all(axis=1).sum(), free.sum(), free.all(axis=1).sum()])
