"""The figures of a network: those that a training reports and a file records, and the counts that they come from."""

from __future__ import annotations

import functools
import operator
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import NamedTuple

import numpy as np

from seq2seq_demo.data.edit_distance import Confusions

WRONG_EXAMPLES = 5  # wrong answers of each kind


@dataclass(frozen=True)
class Figures:
    """Loss in nats per symbol, with teacher forcing; the others are shares from 0 to 1."""

    loss: float
    forced_token_accuracy: float
    forced_exact_match: float
    token_accuracy: float  # free-running, as is the next
    exact_match: float


@dataclass(frozen=True)
class EpochFigures:
    """Figures of one epoch: means over its training points, with teacher forcing, and those on the validation pairs."""

    epoch: int  # counted from 1
    step: int  # of Adam, at the end of the epoch
    loss: float
    token_accuracy: float
    validation: Figures

    def to_json(self) -> dict[str, float]:
        """Return a flat dictionary; the validation figures are called `validation_…`."""
        facts = asdict(self)
        return facts | {f"validation_{name}": value for name, value in facts.pop("validation").items()}


class WrongAnswer(NamedTuple):
    """An answer that is none of the targets of its source, in numbers."""

    source: list[int]
    expected: list[int]  # the nearest target
    predicted: list[int]
    ended: bool
    edits: int
    probability: float  # of the answer, by the network


@dataclass(frozen=True)
class WrongAnswers:
    """A few wrong answers: those with the most edits, and those with the highest probability."""

    worst: tuple[WrongAnswer, ...] = ()
    surest: tuple[WrongAnswer, ...] = ()

    def __add__(self, other: WrongAnswers) -> WrongAnswers:
        """Return the first few of both."""
        worst = sorted(self.worst + other.worst, key=lambda answer: (-answer.edits, answer))
        surest = sorted(self.surest + other.surest, key=lambda answer: (-answer.probability, answer))
        return WrongAnswers(tuple(worst[:WRONG_EXAMPLES]), tuple(surest[:WRONG_EXAMPLES]))


@dataclass(frozen=True, eq=False)
class Tally:
    """How often something was expected, and how often it was then predicted: at each position, or of each symbol."""

    expected: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    correct: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def __add__(self, other: Tally) -> Tally:
        """Return the counts of both, as long as the longer."""
        width = max(len(self.expected), len(other.expected))
        a, b = ([np.pad(x, (0, width - len(x))) for x in (of.expected, of.correct)] for of in (self, other))
        return Tally(a[0] + b[0], a[1] + b[1])

    @classmethod
    def by_position(cls, is_symbol: np.ndarray, is_correct: np.ndarray) -> Tally:
        """Count along the first axis of two masks `[B, T]`."""
        return cls(is_symbol.sum(axis=0), is_correct.sum(axis=0))

    @property
    def accuracy(self) -> np.ndarray:
        """The share that is correct, nan where nothing was expected."""
        with np.errstate(invalid="ignore"):
            share: np.ndarray = self.correct / self.expected
        return share


@dataclass(frozen=True, repr=False, eq=False)
class Evaluation:
    """Counts over n sources and their targets. Evaluations add up.

    A source may have several targets, alternatives: an answer is right if it is any of them, and is compared with the
    nearest. With teacher forcing, each pair counts.
    """

    n: int = 0
    n_pairs: int = 0
    n_target: int = 0  # symbols of the targets that answers are compared with, without END
    loss_sum: float = 0.0  # nats, with teacher forcing, as are the next two
    forced: Tally = Tally()  # at each position
    forced_exact: int = 0  # pairs that are wholly correct
    by_position: Tally = Tally()  # free-running, as are the next
    by_symbol: Tally = Tally()
    exact: int = 0
    wrong_symbols: int = 0  # wrong sequences of the right length
    too_short: int = 0
    too_long: int = 0
    unended: int = 0  # sequences without END that should have one
    edits: int = 0  # the sum of edit distances between answer and target
    confusions: Confusions = field(default_factory=Counter)
    wrong: WrongAnswers = WrongAnswers()

    def __repr__(self) -> str:
        """Return the figures that count."""
        accuracy = f"token accuracy {self.token_accuracy:.4f} ({self.forced_token_accuracy:.4f} forced)"
        figures = f"exact match {self.exact_match:.4f}, {accuracy}, symbol errors {self.symbol_error_rate:.4f}"
        return f"<Evaluation of {self.n} sequences: {figures}, loss {self.loss:.4f}>"

    def __add__(self, other: Evaluation) -> Evaluation:
        """Return the counts of both."""
        return Evaluation(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def loss(self) -> float:
        """The loss with teacher forcing, in nats per symbol."""
        return self.loss_sum / int(self.forced.expected.sum())

    @property
    def exact_match(self) -> float:
        """The share of sequences that are wholly correct, free-running: the figure that counts."""
        return self.exact / self.n

    @property
    def token_accuracy(self) -> float:
        """The share of symbols that stand in their place, free-running."""
        return int(self.by_position.correct.sum()) / int(self.by_position.expected.sum())

    @property
    def forced_token_accuracy(self) -> float:
        """The share of symbols that are correct with teacher forcing."""
        return int(self.forced.correct.sum()) / int(self.forced.expected.sum())

    @property
    def forced_exact_match(self) -> float:
        """The share of pairs that are wholly correct with teacher forcing."""
        return self.forced_exact / self.n_pairs

    @property
    def symbol_error_rate(self) -> float:
        """The edits that would make the answers right, over the symbols of the targets."""
        return self.edits / max(1, self.n_target)

    @property
    def figures(self) -> Figures:
        """Loss, token accuracy and exact match."""
        return Figures(*(getattr(self, field.name) for field in fields(Figures)))


def total(evaluations: Iterable[Evaluation]) -> Evaluation:
    """Return the counts of all."""
    return functools.reduce(operator.add, evaluations, Evaluation())
