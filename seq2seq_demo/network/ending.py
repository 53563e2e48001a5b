"""Greedy decoding with a network that ends its answers: it writes END, which is the symbol GO."""

import itertools
from typing import NamedTuple

import numpy as np

from seq2seq_demo.network.numpy_network import Decoded, NumpyNetwork, Step, stacked


class Answers(NamedTuple):
    """What the network says to a batch of sources, T steps long: at most what was asked for, and END."""

    decoded: Decoded  # [B, T]; what follows the END of a row means nothing
    lengths: np.ndarray  # [B] symbols before END, or before decoding was over
    ended: np.ndarray  # [B] whether END came


def answers_in(decoded: Decoded, go: int, max_out_len: int) -> Answers:
    """Return the answers in what was decoded, `[B, max_out_len + 1]`."""
    is_end = decoded.symbols == go
    ended = is_end.any(axis=1)
    return Answers(decoded, np.where(ended, is_end.argmax(axis=1), max_out_len), ended)


def decode_to_end(network: NumpyNetwork, sources: np.ndarray, max_out_len: int) -> Answers:
    """Decode `[B, S]` greedily until every row has written END, or max_out_len symbols."""
    steps: list[Step] = []
    ended = np.zeros(len(sources), bool)
    for step in itertools.islice(network.steps(sources), max_out_len + 1):
        steps.append(step)
        ended |= step[0] == network.model_config.go
        if ended.all():
            break
    return answers_in(stacked(steps), network.model_config.go, max_out_len)
