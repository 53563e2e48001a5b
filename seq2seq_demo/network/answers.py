"""The answers of a network to a batch of sources."""

from typing import NamedTuple

import numpy as np


class Answers(NamedTuple):
    """Up to N answers to each of B sources, best first, decoded in T steps. For greedy decoding, N is 1."""

    symbols: np.ndarray  # [B, N, T]; undefined after an answer's END
    lengths: np.ndarray  # [B, N] number of symbols before END, or of all symbols if there is no END
    ended: np.ndarray  # [B, N] whether END was decoded; all False if the network does not end its answers
    probabilities: np.ndarray | None  # [B, N, T] of each symbol given the previous symbols
    attention: np.ndarray | None  # [B, N, T, S]; None if the model has no attention, or it was not requested
    scores: np.ndarray | None = None  # [B, N] of beam search; −inf marks an unused slot

    @property
    def n_written(self) -> np.ndarray:
        """The number of symbols of each answer, END included, `[B, N]`."""
        return np.asarray(self.lengths + self.ended)

    @property
    def whole_probability(self) -> np.ndarray:
        """The probability of each whole answer, `[B, N]`: the product over its symbols, END included."""
        assert self.probabilities is not None
        is_written = np.arange(self.symbols.shape[2]) < self.n_written[..., None]  # [B, N, T]
        return np.asarray(np.where(is_written, self.probabilities, 1).prod(axis=2))
