"""The metrics of a network, such as its loss and exact match, and the calibration of confidences."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np

# Standard deviations of the priors of log T and b. The priors matter if answers are few, or nearly all right or wrong.
PRIOR_DEVIATIONS = 0.5, 1.0
SMALLEST_STEP = 0.05  # the search for log T and b ends when its step is smaller
MIN_ANSWERS = 20  # the smallest number of answers for a calibration
MIN_DOUBT = 1e-9  # likelihoods are at least this, so that their logarithms are finite
NORMAL_95 = 1.96  # 95% of a normal distribution is within this number of standard deviations
N_BINS = 10  # for the expected calibration error
N_FOLDS = 5  # for the cross-validation of the calibration


@dataclass(frozen=True)
class Metrics:
    """Loss, token accuracy and exact match on some pairs.

    The loss is in nats per symbol, with teacher forcing; the other metrics are fractions from 0 to 1.
    """

    loss: float
    forced_token_accuracy: float
    forced_exact_match: float
    token_accuracy: float  # free-running
    exact_match: float  # free-running


def wilson_interval(k: int, n: int) -> tuple[float, float]:
    """Return the 95% confidence interval for the rate of an event observed in k of n cases (Wilson 1927)."""
    p, squared = k / n, NORMAL_95**2 / n
    deviation = math.sqrt(squared * (p * (1 - p) + squared / 4))
    return (p + squared / 2 - deviation) / (1 + squared), (p + squared / 2 + deviation) / (1 + squared)


@dataclass(frozen=True)
class Epoch:
    """The metrics of one epoch: on its training points, with teacher forcing, and on the validation pairs.

    A loss is in nats per symbol, with teacher forcing; the other metrics are fractions from 0 to 1. A metric is nan
    until it is measured.
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
    def validation(self) -> Metrics:
        """The metrics on the validation pairs."""
        return Metrics(**{each.name: getattr(self, f"validation_{each.name}") for each in fields(Metrics)})

    def validated(self, metrics: Metrics) -> Epoch:
        """Return the epoch with its metrics on the validation pairs."""
        return replace(self, **{f"validation_{name}": value for name, value in asdict(metrics).items()})

    def to_dict(self) -> dict[str, float]:
        """Return the metrics by name, as `--history` writes them."""
        return asdict(self)


# ---- Calibration: turns the probability of an answer into a confidence (Platt 1999; Guo et al. 2017) ----
#
# About 90% of the answers with a confidence of 0.9 should be right. The probability p of each symbol becomes
# σ(logit(p) / T + b). A temperature T above 1 moves probabilities towards 0.5, for a network that is too sure of its
# answers. A temperature below 1 moves them away from 0.5, for example after label smoothing. The bias b shifts all
# probabilities.


@dataclass(frozen=True)
class Calibration:
    """The temperature T and the bias b of confidences, and their expected calibration error."""

    temperature: float
    bias: float = 0.0
    error: float | None = None  # cross-validated; None if too few answers were given, or none was right

    def confidence(self, probabilities: Sequence[float]) -> float:
        """Return the confidence in an answer, given the probability of each of its symbols, END included."""
        return float(math.prod(map(self.corrected, probabilities)))

    def corrected(self, p: Any) -> Any:
        """Return the corrected probability of a symbol, or of each symbol in an array."""
        likely = math.exp(self.bias) * p ** (1 / self.temperature)
        return likely / (likely + (1 - p) ** (1 / self.temperature))


@dataclass(frozen=True, eq=False)
class AnswerProbabilities:
    """The symbol probabilities of N answers, concatenated, and a mask of the right answers."""

    symbols: np.ndarray = field(default_factory=lambda: np.zeros(0))  # [sum of lengths]
    lengths: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # [N] symbols, END included; at least 1
    is_right: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))  # [N]

    def __add__(self, other: AnswerProbabilities) -> AnswerProbabilities:
        both = zip(vars(self).values(), vars(other).values(), strict=True)
        return AnswerProbabilities(*map(np.concatenate, both))

    def confidences(self, calibration: Calibration) -> np.ndarray:
        """Return the confidence in each answer, `[N]`."""
        starts = np.cumsum(self.lengths) - self.lengths
        return np.asarray(np.multiply.reduceat(calibration.corrected(self.symbols.astype(np.float64)), starts))


def calibrate(answers: AnswerProbabilities) -> Calibration:
    """Return the calibration with the highest posterior probability, with its cross-validated error.

    The priors of log T and b are normal, with mean 0 and the standard deviations PRIOR_DEVIATIONS. The answers must be
    to sources outside the training data. The error is None if there are fewer than MIN_ANSWERS or none is right.
    """
    folds, confidence = np.arange(len(answers.lengths)) % N_FOLDS, np.zeros(len(answers.lengths))

    @functools.cache
    def fold_losses(log_temperature: float, bias: float) -> np.ndarray:
        """Return the negative log likelihood of each fold, `[N_FOLDS]`."""
        each = answers.confidences(Calibration(math.exp(log_temperature), bias))
        likelihood = np.where(answers.is_right, each, 1 - each)
        return np.bincount(folds, -np.log(np.clip(likelihood, MIN_DOUBT, 1)), N_FOLDS)

    calibration = _most_probable(lambda *at: float(fold_losses(*at).sum()))
    if len(folds) < MIN_ANSWERS or not answers.is_right.any():
        return calibration
    for fold in range(N_FOLDS):
        others = _most_probable(lambda *at, fold=fold: float(np.delete(fold_losses(*at), fold).sum()))
        confidence[folds == fold] = answers.confidences(others)[folds == fold]
    return replace(calibration, error=expected_calibration_error(confidence, answers.is_right))


def _most_probable(loss_at: Callable[[float, float], float]) -> Calibration:
    """Return the calibration with the highest posterior probability, given the loss as a function of log T and b."""

    def loss(at: tuple[float, float]) -> float:
        return loss_at(*at) + sum((x / deviation) ** 2 / 2 for x, deviation in zip(at, PRIOR_DEVIATIONS, strict=True))

    best, step = (0.0, 0.0), 1.0
    while step > SMALLEST_STEP:
        near = [(best[0] + i * step, best[1] + j * step) for i in (0, -1, 1) for j in (0, -1, 1)]
        nearest = min(near, key=loss)
        step, best = step / 2 if nearest == best else step, nearest
    return Calibration(math.exp(best[0]), best[1])


def expected_calibration_error(confidence: np.ndarray, is_right: np.ndarray) -> float:
    """Return the mean of |fraction right − mean confidence| over the bins, weighted by their numbers of answers.

    The bins divide the confidences from 0 to 1 into N_BINS equal intervals.

    Args:
        confidence: the confidence of each answer, `[N]`, N > 0.
        is_right: a mask of the right answers, `[N]`.
    """
    bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    return float(np.abs(np.bincount(bins, confidence - is_right, N_BINS)).sum() / len(bins))
