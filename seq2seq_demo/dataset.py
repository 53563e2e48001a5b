"""Training data: random sources, their targets, and the batches of an epoch.

Symbols up to 255 take one byte each, so that ten million points fit anywhere.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.patterns import SequencePattern


class Pairs(NamedTuple):
    """Sources `[N, S]` and their targets `[N, T]`."""

    sources: np.ndarray
    targets: np.ndarray


def random_sources(rng: np.random.Generator, n: int, in_len: int, in_max_int: int) -> np.ndarray:
    """Return `[n, in_len]` symbols, each of 0…in_max_int (inclusive: 2016 left the last one out) equally likely."""
    return rng.integers(0, in_max_int, (n, in_len), dtype=np.min_scalar_type(in_max_int), endpoint=True)


def draw(pattern: SequencePattern, model: ModelConfig, train: TrainConfig, start_step: int = 0) -> tuple[Pairs, Pairs]:
    """Draw the points of a training: a pair of training and validation data.

    `start_step`, the steps that the weights were already trained for, keeps a training that goes on from
    meeting the points of the one before.

    Raises:
        UsageError: the pattern cannot fill these lengths or symbols.
    """
    pattern.check(train.in_len, train.out_len, model.in_max_int, model.out_max_int)
    rng = np.random.default_rng([train.seed, 1, start_step])
    sources = random_sources(rng, train.points, train.in_len, model.in_max_int)
    targets = pattern.targets(sources, train.out_len)
    n = train.n_training
    return Pairs(sources[:n], targets[:n]), Pairs(sources[n:], targets[n:])


def shift_right(targets: np.ndarray, go: int) -> np.ndarray:
    """Return the decoder input `[B, T]` of teacher forcing: GO, then the target without its last symbol."""
    decoder_input = np.full(targets.shape, go)
    decoder_input[:, 1:] = targets[:, :-1]
    return decoder_input


def epoch_order(train: TrainConfig, start_step: int, epoch: int) -> np.ndarray:
    """Return the order of the training points in an epoch; it follows from the arguments alone."""
    rng = np.random.default_rng([train.seed, 2, start_step, epoch])
    return rng.permutation(np.arange(train.n_training, dtype=np.uint32))


def chunks(pairs: Pairs, order: np.ndarray, rows: int) -> Iterator[Pairs]:
    """Yield the points in that order, `rows` at a time; the last chunk may be shorter."""
    for first in range(0, len(order), rows):
        chosen = order[first : first + rows]
        yield Pairs(pairs.sources[chosen], pairs.targets[chosen])
