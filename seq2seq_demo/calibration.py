"""Calibration: turns the probability of an answer into a confidence (Guo et al. 2017).

Of the answers with a confidence of 0.9, about 90 % should be right.

A temperature T corrects the probability p of each symbol to p^(1/T) / (p^(1/T) + (1 − p)^(1/T)). T above 1 moves
probabilities towards 0.5, for a network that is too sure of its answers. T below 1 moves them away from 0.5, for
example after label smoothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

TEMPERATURES = np.exp(np.linspace(-3, 3, 121))  # the candidates, 5 % apart
PRIOR_DEVIATION = 0.5  # for log T; the prior matters only if nearly all answers are right, or nearly all wrong
MIN_DOUBT = 1e-9  # confidences are clipped this far from 0 and 1, so that log likelihoods are finite
N_BINS = 10  # for the expected calibration error


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

    def loss(temperature: float) -> float:
        confidence = np.clip(answers.confidences(temperature), MIN_DOUBT, 1 - MIN_DOUBT)
        log_likelihood = np.log(np.where(answers.is_right, confidence, 1 - confidence)).sum()
        return float((math.log(temperature) / PRIOR_DEVIATION) ** 2 / 2 - log_likelihood)

    return float(min(TEMPERATURES, key=loss))


def expected_calibration_error(confidence: np.ndarray, is_right: np.ndarray) -> float:
    """Return the mean of |share right − mean confidence| over the bins, weighted by their numbers of answers.

    The bins divide the confidences from 0 to 1 into N_BINS equal intervals.

    Args:
        confidence: the confidence of each answer, `[N]`, N > 0.
        is_right: a mask of the right answers, `[N]`.
    """
    bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    return float(np.abs(np.bincount(bins, confidence - is_right, N_BINS)).sum() / len(bins))
