"""Confidence: the calibrated probability of an answer. Answers with confidence c are right in a share c of cases.

The method is Platt scaling (Platt 1999). The probability that a network gives its answer is usually too high: when the
answers to the training sources are right, more training only makes these answers more probable (Guo et al. 2017).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

MIN_P = 1e-6  # probabilities are clipped to MIN_P…1 − MIN_P, because float32 rounds them to 0 and 1
MAX_STEPS = 100
N_BINS = 10  # for the expected calibration error
IDENTITY = np.array([1.0, 0.0])  # slope and bias that leave a probability unchanged


@dataclass(frozen=True)
class Calibration:
    """Maps the probability p of an answer to its confidence, sigmoid(slope · logit(p) + bias)."""

    slope: float
    bias: float

    def confidence(self, probability: np.ndarray) -> np.ndarray:
        """Return the confidences of answers with these probabilities, an array of any shape."""
        return np.asarray(_sigmoid(_features(probability) @ np.array([self.slope, self.bias])))


@dataclass(frozen=True, eq=False)
class AnswerProbabilities:
    """The probabilities of N answers, and a mask of the right ones."""

    probability: np.ndarray = field(default_factory=lambda: np.zeros(0))  # [N]
    is_right: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))  # [N]

    def __add__(self, other: AnswerProbabilities) -> AnswerProbabilities:
        probability = np.concatenate([self.probability, other.probability])
        return AnswerProbabilities(probability, np.concatenate([self.is_right, other.is_right]))


def fit_calibration(answers: AnswerProbabilities) -> Calibration:
    """Return the most probable calibration, given answers to sources that were not trained on.

    The prior is a normal distribution with variance 1 around the identity. It matters only if nearly all answers are
    right, or nearly all are wrong. The maximum is unique, and Newton's method finds it.
    """
    x, y, w = _features(answers.probability), answers.is_right, IDENTITY

    def loss(w: np.ndarray) -> float:
        z = x @ w
        return float((np.logaddexp(0, z) - y * z).sum() + ((w - IDENTITY) ** 2).sum() / 2)

    for _ in range(MAX_STEPS):
        p = _sigmoid(x @ w)
        gradient = x.T @ (p - y) + w - IDENTITY
        step = np.linalg.solve((x.T * (p * (1 - p))) @ x + np.eye(2), gradient)
        while loss(w - step) > loss(w) and np.abs(step).max() > 1e-9:
            step = step / 2
        w = w - step
        if np.abs(step).max() < 1e-9:
            break
    return Calibration(*w.tolist())


def expected_calibration_error(confidence: np.ndarray, is_right: np.ndarray) -> float:
    """Return the mean over the answers of |share right − mean confidence| in the bin of the answer.

    The bins divide the confidences from 0 to 1 into N_BINS equal intervals.

    Args:
        confidence: the confidence of each answer, `[N]`, N > 0.
        is_right: a mask of the right answers, `[N]`.
    """
    bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    return float(np.abs(np.bincount(bins, confidence - is_right, N_BINS)).sum() / len(bins))


def _features(probability: np.ndarray) -> np.ndarray:
    """Return logit(p) and 1 for each probability: `[…]` → `[…, 2]`."""
    p = np.clip(np.asarray(probability, np.float64), MIN_P, 1 - MIN_P)
    return np.stack([np.log(p) - np.log1p(-p), np.ones_like(p)], axis=-1)


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 + 0.5 * np.tanh(z / 2))
