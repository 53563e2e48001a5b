"""The answers of a network to a batch of sources."""

from typing import NamedTuple

import numpy as np


class Answers(NamedTuple):
    """The N best answers to each of B sources, the best first, in at most T steps; greedy decoding gives one."""

    symbols: np.ndarray  # [B, N, T]; after the END of an answer they mean nothing
    lengths: np.ndarray  # [B, N] symbols before END, or before decoding was over
    ended: np.ndarray  # [B, N] whether END came; False throughout if the network does not end its answers
    probabilities: np.ndarray | None  # [B, N, T] of each symbol, given those before it
    attention: np.ndarray | None  # [B, N, T, S]; None where the model has none, or it was not asked for
    scores: np.ndarray | None = None  # [B, N] of a beam search; −inf: there is no such answer

    @property
    def written(self) -> np.ndarray:
        """The symbols of each answer, END included, `[B, N]`."""
        written: np.ndarray = self.lengths + self.ended
        return written
