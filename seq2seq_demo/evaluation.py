"""How good a network is, by NumPy alone: with teacher forcing, which flatters, and free-running, which counts."""

from __future__ import annotations

import functools
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from seq2seq_demo.config import Beam
from seq2seq_demo.data.batches import Pairs, chunks, shift_right
from seq2seq_demo.figures import EpochFigures as EpochFigures
from seq2seq_demo.figures import Figures
from seq2seq_demo.network.beam import beam_search, check_beam_fits, rows_at_once_in_beam
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.network.parallel import in_threads

Count = TypeVar("Count")


@dataclass(frozen=True, repr=False, eq=False)
class Evaluation:
    """What was counted on n pairs of source and target; V symbols, GO included. Evaluations add up."""

    n: int
    loss_sum: float  # nats, with teacher forcing
    forced_correct: np.ndarray  # [T] how many symbols are correct at each position, with teacher forcing
    correct: np.ndarray  # [T] free-running, as are the next
    forced_exact: int  # how many sequences are wholly correct
    exact: int
    expected: np.ndarray  # [V] how often each symbol was expected
    expected_and_correct: np.ndarray  # [V] how often it was then predicted
    confusions: Counter[tuple[int, int]]  # how often (expected symbol, another one that was predicted)

    def __repr__(self) -> str:
        """Return the figures that count."""
        accuracy = f"token accuracy {self.token_accuracy:.4f} ({self.forced_token_accuracy:.4f} forced)"
        return (
            f"<Evaluation of {self.n} sequences: exact match {self.exact_match:.4f}, {accuracy}, loss {self.loss:.4f}>"
        )

    def __add__(self, other: Evaluation) -> Evaluation:
        """Return the counts of both."""
        return Evaluation(
            n=self.n + other.n,
            loss_sum=self.loss_sum + other.loss_sum,
            forced_correct=self.forced_correct + other.forced_correct,
            correct=self.correct + other.correct,
            forced_exact=self.forced_exact + other.forced_exact,
            exact=self.exact + other.exact,
            expected=self.expected + other.expected,
            expected_and_correct=self.expected_and_correct + other.expected_and_correct,
            confusions=self.confusions + other.confusions,
        )

    @property
    def n_symbols(self) -> int:
        """How many symbols were expected."""
        return self.n * len(self.correct)

    @property
    def loss(self) -> float:
        """The loss with teacher forcing, in nats a symbol."""
        return self.loss_sum / self.n_symbols

    @property
    def forced_token_accuracy(self) -> float:
        """The share of symbols that are correct, with teacher forcing."""
        return int(self.forced_correct.sum()) / self.n_symbols

    @property
    def forced_exact_match(self) -> float:
        """The share of sequences that are wholly correct, with teacher forcing."""
        return self.forced_exact / self.n

    @property
    def token_accuracy(self) -> float:
        """The share of symbols that are correct, free-running."""
        return int(self.correct.sum()) / self.n_symbols

    @property
    def exact_match(self) -> float:
        """The share of sequences that are wholly correct, free-running: the figure that counts."""
        return self.exact / self.n

    @property
    def figures(self) -> Figures:
        """Loss, token accuracy and exact match."""
        return Figures.of(self)


Told = Callable[[int], object]  # is called with how many more sequences were decoded


def untold(_: int) -> None:
    """Tell nobody."""


def measure(network: NumpyNetwork, pairs: Pairs, beam: Beam | None = None, told: Told = untold) -> Evaluation:
    """Decode every pair, with teacher forcing and free-running, and count; by beam search if there is a `beam`.

    `told` is called with the number of pairs of each part that is done.

    Raises:
        UsageError: a sequence is too long to decode.
    """
    n, S, T = *pairs.sources.shape, pairs.targets.shape[1]
    check_beam_fits(network.model_config, 1, S, T, beam.size if beam else 1)
    parts = chunks(pairs, np.arange(n), rows_at_once_in_beam(S, T, beam.size if beam else 1))
    counts = in_threads(lambda part: _count(network, part, beam), parts)
    return functools.reduce(operator.add, telling(counts, told, lambda count: count.n))


def telling(counts: Iterable[Count], told: Told, size: Callable[[Count], int]) -> Iterator[Count]:
    """Yield the counts, and tell the size of each."""
    for count in counts:
        told(size(count))
        yield count


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return −log softmax(logits) at the targets: `[B, T, V]`, `[B, T]` → `[B, T]`."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(shifted, targets[..., None].astype(np.intp), axis=-1)[..., 0]
    losses: np.ndarray = np.log(np.exp(shifted).sum(axis=-1)) - chosen
    return losses


def _count(network: NumpyNetwork, pairs: Pairs, beam: Beam | None) -> Evaluation:
    """Decode a chunk both ways, and count."""
    sources, targets = pairs
    T, V = targets.shape[1], network.model_config.n_output_symbols
    forced = network.decode(sources, T, shift_right(targets, network.model_config.go))
    if beam is None:
        symbols = network.decode(sources, T).symbols  # [B, T]
    else:
        symbols = beam_search(network, sources, T, beam.size, beam.length_penalty, False, n_best=1).symbols[:, 0]
    forced_correct, correct = forced.symbols == targets, symbols == targets  # [B, T]
    return Evaluation(
        n=len(sources),
        loss_sum=float(cross_entropy(forced.logits, targets).sum(dtype=np.float64)),
        forced_correct=forced_correct.sum(axis=0),
        correct=correct.sum(axis=0),
        forced_exact=int(forced_correct.all(axis=1).sum()),
        exact=int(correct.all(axis=1).sum()),
        expected=np.bincount(targets.ravel(), minlength=V),
        expected_and_correct=np.bincount(targets[correct], minlength=V),
        confusions=Counter(zip(targets[~correct].tolist(), symbols[~correct].tolist(), strict=True)),
    )
