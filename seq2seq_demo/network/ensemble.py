"""An ensemble: several networks that answer as one, by averaging their probabilities at each step.

All members are fed the same symbols, so they decode the same answer. The ensemble's logits are the logs of the mean
probabilities, so their softmax equals the mean probabilities. Greedy decoding, beam search and teacher forcing
therefore need no special case.
"""

import math
from collections.abc import Sequence

import numpy as np

from seq2seq_demo.network.numpy_network import DecoderState, NumpyNetwork, log_softmax


class EnsembleNetwork(NumpyNetwork):
    """Networks that use the same symbols; their models, cells and sizes may differ.

    `model_config` is the first member's config. Only the members have weights.
    """

    def __init__(self, members: Sequence[NumpyNetwork]) -> None:
        super().__init__(members[0].model_config, {})
        self.members = members

    def start(self, sources: np.ndarray) -> list[DecoderState]:  # type: ignore[override]
        """Read sources `[B, S]`; return the state of every member before the first step."""
        return [member.start(sources) for member in self.members]

    def step(  # type: ignore[override]
        self, fed: np.ndarray, state: list[DecoderState]
    ) -> tuple[list[DecoderState], np.ndarray, np.ndarray | None]:
        """Feed the symbols `fed` `[L]` to every member.

        Return the members' next states, the log of the mean probabilities `[L, V]` and the mean α `[L, S]`, or None for
        α if a member has no attention.
        """
        stepped = [member.step(fed, own) for member, own in zip(self.members, state, strict=True)]
        states, logits, alphas = zip(*stepped, strict=True)
        attention = None if any(alpha is None for alpha in alphas) else np.mean(alphas, axis=0)
        return [*states], log_mean([*map(log_softmax, logits)]), attention

    def select(self, state: list[DecoderState], rows: np.ndarray) -> list[DecoderState]:  # type: ignore[override]
        """Return the states of these rows, as `NumpyNetwork.select` does."""
        return [member.select(own, rows) for member, own in zip(self.members, state, strict=True)]


def log_mean(log_p: Sequence[np.ndarray]) -> np.ndarray:
    """Return the log of the mean probability; it is finite even where the probabilities themselves would underflow."""
    stacked = np.stack(log_p)
    largest = stacked.max(axis=0)
    mean: np.ndarray = largest + np.log(np.exp(stacked - largest).sum(axis=0)) - math.log(len(stacked))
    return mean
