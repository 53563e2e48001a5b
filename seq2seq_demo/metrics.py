"""The figures that measure a network, such as its loss and exact match, and the calibration of confidences."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, SupportsFloat, SupportsInt

import numpy as np

from seq2seq_demo.data.sequences import Confusions
from seq2seq_demo.declarations import SuggestsAttributes
from seq2seq_demo.network.decoding import Answer

TEMPERATURES = np.exp(np.linspace(-3, 3, 121))  # the candidates, 5 % apart
PRIOR_DEVIATION = 0.5  # for log T; the prior matters only if nearly all answers are right, or nearly all wrong
MIN_DOUBT = 1e-9  # confidences are clipped this far from 0 and 1, so that log likelihoods are finite
N_BINS = 10  # for the expected calibration error
N_FOLDS = 5  # for the cross-validation of the temperature


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
class Epoch(SuggestsAttributes):
    """The figures of one epoch: on its training points, with teacher forcing, and on the validation pairs.

    A loss is in nats per symbol, with teacher forcing; the other figures are shares from 0 to 1. A figure is nan until
    it is measured.
    """

    epoch: int  # counted from 1
    step: int  # Adam's step at the end of the epoch
    loss: float = math.nan
    forced_token_accuracy: float = math.nan
    validation_loss: float = math.nan
    validation_forced_token_accuracy: float = math.nan
    validation_forced_exact_match: float = math.nan
    validation_token_accuracy: float = math.nan  # free-running
    validation_exact_match: float = math.nan  # free-running

    @property
    def validation(self) -> Figures:
        """The figures on the validation pairs."""
        return Figures(**{each.name: getattr(self, f"validation_{each.name}") for each in fields(Figures)})

    def to_dict(self) -> dict[str, float]:
        """Return the figures by name, as `--history` writes them."""
        return asdict(self)


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

    @property
    def accuracy(self) -> np.ndarray:
        """The share of correct predictions; nan where nothing was expected."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.correct / self.expected)


# ---- Calibration: turns the probability of an answer into a confidence (Guo et al. 2017) ----
#
# About 90 % of the answers with a confidence of 0.9 should be right. A temperature T corrects the probability p of
# each symbol to p^(1/T) / (p^(1/T) + (1 − p)^(1/T)). T above 1 moves probabilities towards 0.5, for a network that is
# too sure of its answers. T below 1 moves them away from 0.5, for example after label smoothing.


def answer_confidence(probabilities: Sequence[float], temperature: float) -> float:
    """Return the confidence in an answer, given the probability of each of its symbols, END included."""
    return float(math.prod(_corrected(p, temperature) for p in probabilities))


def _corrected(p: Any, temperature: float) -> Any:
    likely = p ** (1 / temperature)
    return likely / (likely + (1 - p) ** (1 / temperature))


@dataclass(frozen=True, eq=False)
class AnswerProbabilities:
    """The symbol probabilities of N answers, concatenated, and a mask of the right answers."""

    symbols: np.ndarray = field(default_factory=lambda: np.zeros(0))  # [sum of lengths]
    lengths: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # [N] symbols, END included; at least 1
    is_right: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))  # [N]

    def __add__(self, other: AnswerProbabilities) -> AnswerProbabilities:
        both = zip(vars(self).values(), vars(other).values(), strict=True)
        return AnswerProbabilities(*map(np.concatenate, both))

    def confidences(self, temperature: float) -> np.ndarray:
        """Return the confidence in each answer, `[N]`."""
        starts = np.cumsum(self.lengths) - self.lengths
        return np.asarray(np.multiply.reduceat(_corrected(self.symbols.astype(np.float64), temperature), starts))


def fit_temperature(answers: AnswerProbabilities) -> float:
    """Return the temperature, one of TEMPERATURES, with the highest posterior probability.

    The prior of log T is normal, with mean 0 and standard deviation PRIOR_DEVIATION. The answers must be to sources
    that were not trained on.
    """
    return _most_probable(_fold_losses(answers).sum(axis=1))


def cross_validated_error(answers: AnswerProbabilities) -> float:
    """Return the expected calibration error of confidences whose temperature was fitted to other answers."""
    losses, folds, confidence = _fold_losses(answers), _folds(answers), np.zeros(len(answers.lengths))
    for fold in range(N_FOLDS):
        temperature = _most_probable(np.delete(losses, fold, axis=1).sum(axis=1))
        confidence[folds == fold] = answers.confidences(temperature)[folds == fold]
    return expected_calibration_error(confidence, answers.is_right)


def _folds(answers: AnswerProbabilities) -> np.ndarray:
    """Return the number of the fold of each answer, `[N]`."""
    return np.arange(len(answers.lengths)) % N_FOLDS


def _fold_losses(answers: AnswerProbabilities) -> np.ndarray:
    """Return the negative log likelihood of each fold at each temperature, `[len(TEMPERATURES), N_FOLDS]`."""
    losses = []
    for temperature in TEMPERATURES:
        confidence = np.clip(answers.confidences(temperature), MIN_DOUBT, 1 - MIN_DOUBT)
        loss = -np.log(np.where(answers.is_right, confidence, 1 - confidence))
        losses.append(np.bincount(_folds(answers), loss, N_FOLDS))
    return np.array(losses)


def _most_probable(losses: np.ndarray) -> float:
    """Return the temperature with the highest posterior probability, given the loss at each, `[len(TEMPERATURES)]`."""
    return float(TEMPERATURES[np.argmin((np.log(TEMPERATURES) / PRIOR_DEVIATION) ** 2 / 2 + losses)])


def expected_calibration_error(confidence: np.ndarray, is_right: np.ndarray) -> float:
    """Return the mean of |share right − mean confidence| over the bins, weighted by their numbers of answers.

    The bins divide the confidences from 0 to 1 into N_BINS equal intervals.

    Args:
        confidence: the confidence of each answer, `[N]`, N > 0.
        is_right: a mask of the right answers, `[N]`.
    """
    bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    return float(np.abs(np.bincount(bins, confidence - is_right, N_BINS)).sum() / len(bins))


def _ratio(part: SupportsFloat, whole: SupportsInt) -> float:
    return float(part) / int(whole) if whole else math.nan


@dataclass(frozen=True, eq=False)
class Counts:
    """The counts of an evaluation over n sources; counts can be added.

    If a source has several targets, an answer is right if it equals any of them, and edits are counted to the nearest
    one. With teacher forcing, each pair counts separately.
    """

    n: int = 0
    n_pairs: int = 0
    n_target: int = 0  # symbols of the nearest targets, without END
    unseen: int = 0  # pairs with a symbol that the network cannot read or write; they are wrong
    # With teacher forcing
    loss_sum: float = 0.0  # nats
    n_loss: int = 0  # symbols in `loss_sum`: all that the network can write, of sources that it can read
    forced: Tally = Tally()  # per position
    forced_exact: int = 0  # pairs with every symbol correct
    # Free-running
    by_position: Tally = Tally()
    by_symbol: Tally = Tally()
    exact: int = 0  # right answers
    wrong_symbols: int = 0  # wrong answers of the right length
    too_short: int = 0
    too_long: int = 0
    unended: int = 0  # answers without END, if the network should write END; sources that it cannot read
    edits: int = 0  # the sum of the edit distances from answers to targets
    confusions: Confusions = field(default_factory=Counter)
    wrong: tuple[tuple[int, Answer], ...] = ()  # the worst of each batch, each with its edits to the nearest target
    answers: AnswerProbabilities = field(default_factory=AnswerProbabilities)  # one per source if `detailed`

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def rates(self) -> dict[str, Any]:
        """The rates of an `Evaluation` by name, nan if nothing was measured."""
        return {
            "exact_match": _ratio(self.exact, self.n),
            "forced_exact_match": _ratio(self.forced_exact, self.n_pairs),
            "token_accuracy": _ratio(self.by_position.correct.sum(), self.by_position.expected.sum()),
            "forced_token_accuracy": _ratio(self.forced.correct.sum(), self.forced.expected.sum()),
            "symbol_error_rate": _ratio(self.edits, self.n and max(1, self.n_target)),
            "loss": _ratio(self.loss_sum, self.n_loss),
        }

    @property
    def figures(self) -> Figures:
        """Loss, token accuracy and exact match."""
        return Figures(*map(self.rates.__getitem__, (each.name for each in fields(Figures))))
