"""The figures that measure a network, such as its loss and exact match, and the counts behind them."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from seq2seq_demo.calibration import AnswerProbabilities
from seq2seq_demo.data.edit_distance import Confusions
from seq2seq_demo.errors import UsageError
from seq2seq_demo.notebook import draw, html_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WRONG_EXAMPLES = 5  # maximum number of answers in each list of `WrongAnswers`


@dataclass(frozen=True)
class Figures:
    """Loss, token accuracy and exact match on some pairs.

    The loss is in nats per symbol, with teacher forcing; the other figures are shares from 0 to 1.
    """

    loss: float
    forced_token_accuracy: float
    forced_exact_match: float
    token_accuracy: float  # free-running
    exact_match: float  # free-running


@dataclass(frozen=True)
class EpochFigures:
    """The figures of one epoch: on its training points, with teacher forcing, and on the validation pairs."""

    epoch: int  # counted from 1
    step: int  # Adam's step at the end of the epoch
    loss: float
    token_accuracy: float
    validation: Figures

    def to_json(self) -> dict[str, float]:
        """Return a flat dictionary; the names of the validation figures begin with `validation_`."""
        facts = asdict(self)
        return facts | {f"validation_{name}": value for name, value in facts.pop("validation").items()}


class History(tuple[EpochFigures, ...]):
    """The figures of every epoch of a training run."""

    def rows(self) -> list[dict[str, float]]:
        """Return a flat dictionary per epoch, for `pandas.DataFrame(history.rows())`."""
        return [epoch.to_json() for epoch in self]

    def plot(self) -> Figure:
        """Draw the training curves.

        Raises:
            UsageError: there are no epochs, or Matplotlib is not installed.
        """
        if not self:
            raise UsageError("expected a history of at least one epoch, got none, as after load()")
        return draw("history_figure", self)

    def _repr_html_(self) -> str:
        names = ("epoch", "loss", "validation_loss", "validation_token_accuracy", "validation_exact_match")
        return html_table(names, *([row[name] for name in names] for row in self.rows()))


class WrongAnswer(NamedTuple):
    """An answer that differs from every target of its source; symbols are numbers."""

    source: list[int]
    expected: list[int]  # the nearest target
    predicted: list[int]
    ended: bool
    edits: int  # the edit distance to the nearest target
    probability: float  # the network's probability of the answer


@dataclass(frozen=True)
class WrongAnswers:
    """The wrong answers with the most edits and those with the highest probability, a few of each."""

    worst: tuple[WrongAnswer, ...] = ()
    surest: tuple[WrongAnswer, ...] = ()

    def __add__(self, other: WrongAnswers) -> WrongAnswers:
        """Merge the answers of two evaluations; keep WRONG_EXAMPLES answers in each list."""
        worst = sorted(self.worst + other.worst, key=lambda answer: (-answer.edits, answer))
        surest = sorted(self.surest + other.surest, key=lambda answer: (-answer.probability, answer))
        return WrongAnswers(tuple(worst[:WRONG_EXAMPLES]), tuple(surest[:WRONG_EXAMPLES]))


@dataclass(frozen=True, eq=False)
class Tally:
    """Counts of expected and of correctly predicted symbols, per position or per symbol."""

    expected: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    correct: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def __add__(self, other: Tally) -> Tally:
        """Return the sums of the counts; the shorter arrays are padded with zeros."""
        width = max(len(self.expected), len(other.expected))
        a, b = ([np.pad(x, (0, width - len(x))) for x in (tally.expected, tally.correct)] for tally in (self, other))
        return Tally(a[0] + b[0], a[1] + b[1])

    @classmethod
    def by_position(cls, is_symbol: np.ndarray, is_correct: np.ndarray) -> Tally:
        """Return the counts at each position, from two masks `[B, T]`."""
        return cls(is_symbol.sum(axis=0), is_correct.sum(axis=0))

    @property
    def accuracy(self) -> np.ndarray:
        """The share of correct predictions; nan where nothing was expected."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.correct / self.expected)


@dataclass(frozen=True, repr=False, eq=False)
class Evaluation:
    """The counts of an evaluation over n sources; evaluations can be added.

    If a source has several targets, an answer is right if it equals any of them, and edits are counted to the nearest
    one. With teacher forcing, each pair counts separately.
    """

    n: int = 0
    n_pairs: int = 0
    n_target: int = 0  # symbols of the nearest targets, without END
    # With teacher forcing
    loss_sum: float = 0.0  # nats
    forced: Tally = Tally()  # per position
    forced_exact: int = 0  # pairs with every symbol correct
    # Free-running
    by_position: Tally = Tally()
    by_symbol: Tally = Tally()
    exact: int = 0  # right answers
    wrong_symbols: int = 0  # wrong answers of the right length
    too_short: int = 0
    too_long: int = 0
    unended: int = 0  # answers without END, if the network should write END
    edits: int = 0  # the sum of the edit distances from answers to targets
    confusions: Confusions = field(default_factory=Counter)
    wrong: WrongAnswers = WrongAnswers()
    answers: AnswerProbabilities = field(default_factory=AnswerProbabilities)  # one per source if `detailed`

    def __repr__(self) -> str:
        accuracy = f"token accuracy {self.token_accuracy:.4f} ({self.forced_token_accuracy:.4f} forced)"
        figures = f"exact match {self.exact_match:.4f}, {accuracy}, symbol errors {self.symbol_error_rate:.4f}"
        return f"<Evaluation of {self.n} sequences: {figures}, loss {self.loss:.4f}>"

    def _repr_html_(self) -> str:
        figures = asdict(self.figures) | {"symbol_error_rate": self.symbol_error_rate}
        return html_table(["sequences", self.n], *figures.items())

    def __add__(self, other: Evaluation) -> Evaluation:
        return Evaluation(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def loss(self) -> float:
        """The loss with teacher forcing, in nats per symbol."""
        return self.loss_sum / int(self.forced.expected.sum())

    @property
    def exact_match(self) -> float:
        """The share of answers that are right, free-running. This figure matters most."""
        return self.exact / self.n

    @property
    def token_accuracy(self) -> float:
        """The share of target symbols that the answer has at the same position, free-running."""
        return int(self.by_position.correct.sum()) / int(self.by_position.expected.sum())

    @property
    def forced_token_accuracy(self) -> float:
        """The share of symbols that are correct with teacher forcing."""
        return int(self.forced.correct.sum()) / int(self.forced.expected.sum())

    @property
    def forced_exact_match(self) -> float:
        """The share of pairs with every symbol correct, with teacher forcing."""
        return self.forced_exact / self.n_pairs

    @property
    def symbol_error_rate(self) -> float:
        """The sum of the edit distances of all answers, divided by the number of target symbols."""
        return self.edits / max(1, self.n_target)

    @property
    def figures(self) -> Figures:
        """Loss, token accuracy and exact match."""
        return Figures(*(getattr(self, field.name) for field in fields(Figures)))
