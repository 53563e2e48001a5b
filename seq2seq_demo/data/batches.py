"""Pairs of sources and targets: random sources, the order of an epoch, and what teacher forcing feeds the decoder.

Symbols up to 255 take one byte each, so that ten million points fit anywhere.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

import numpy as np

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.ragged import RaggedPairs


class Pairs(NamedTuple):
    """Sources `[N, S]` and their targets `[N, T]`."""

    sources: np.ndarray
    targets: np.ndarray


SYMBOLS = 2**20  # that a pattern gets at once, unless a source alone has more
SomePairs = TypeVar("SomePairs", Pairs, RaggedPairs)


class Sample(NamedTuple):
    """What to evaluate on."""

    n: int | None  # pairs; None is 10,000 random ones, or all that are given
    in_len: int  # given pairs have lengths of their own
    out_len: int | None  # None is the whole target
    seed: int


def random_sources(rng: np.random.Generator, n: int, in_len: int, in_max_int: int) -> np.ndarray:
    """Return `[n, in_len]` symbols, each of 0…in_max_int (inclusive: 2016 left the last one out) equally likely."""
    return rng.integers(0, in_max_int, (n, in_len), dtype=np.min_scalar_type(in_max_int), endpoint=True)


def few_sources(at_most: int, in_len: int, in_max_int: int) -> np.ndarray:
    """Return a few sources `[N, S]`, at least 3, the same each time: the smallest, the largest, and random ones."""
    n = max(3, min(at_most, SYMBOLS // in_len))
    sources = np.random.default_rng(0).integers(0, in_max_int, (n, in_len), endpoint=True)
    sources[0], sources[1] = 0, in_max_int
    return sources


def training_sources(config: TrainConfig, in_max_int: int, start_step: int) -> np.ndarray:
    """Return the random sources of a training and its validation, `[points, S]`.

    `start_step`, the steps that the weights were already trained for, keeps a training that continues an earlier
    one from meeting the same points again.
    """
    rng = np.random.default_rng([config.seed, 1, start_step])
    return random_sources(rng, config.points, config.in_len, in_max_int)


def fresh_sources(seed: int, n: int, in_len: int, in_max_int: int, seen: np.ndarray | None) -> np.ndarray:
    """Return `[n, in_len]` random sources of which none is among `seen`; fewer, if after many tries there are no more.

    A seed draws other sources here than for a training.
    """
    rng = np.random.default_rng([seed, 3])
    fresh = random_sources(rng, n, in_len, in_max_int)
    if seen is None or seen.shape[1] != in_len:
        return fresh
    fresh = fresh[~_is_among(fresh, seen)]
    for _ in range(10):
        if len(fresh) < n:
            more = random_sources(rng, n, in_len, in_max_int)
            fresh = np.concatenate([fresh, more[~_is_among(more, seen)]])
    return fresh[:n]


def _is_among(sources: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Say of each source `[N, S]` whether it is one of the others `[M, S]`, of the same type: `[N]`."""
    row = np.dtype((np.void, sources.dtype.itemsize * sources.shape[1]))
    sources, others = (np.ascontiguousarray(x).view(row)[:, 0] for x in (sources, others))
    return np.isin(sources, others)


def divide(pairs: Pairs, config: TrainConfig) -> tuple[Pairs, Pairs]:
    """Return the pairs to train on, and those to validate with."""
    n = config.n_training
    return Pairs(pairs.sources[:n], pairs.targets[:n]), Pairs(pairs.sources[n:], pairs.targets[n:])


def shift_right(targets: np.ndarray, go: int) -> np.ndarray:
    """Return the decoder input `[B, T]` of teacher forcing: GO, then the target without its last symbol."""
    decoder_input = np.full(targets.shape, go)
    decoder_input[:, 1:] = targets[:, :-1]
    return decoder_input


def epoch_order(config: TrainConfig, start_step: int, epoch: int) -> np.ndarray:
    """Return the order of the training points in an epoch; it follows from the arguments alone."""
    rng = np.random.default_rng([config.seed, 2, start_step, epoch])
    return rng.permutation(np.arange(config.n_training, dtype=np.uint32))


def chunks(pairs: SomePairs, order: np.ndarray, rows: int) -> Iterator[SomePairs]:
    """Yield the points in that order, `rows` at a time; the last chunk may be shorter."""
    for first in range(0, len(order), rows):
        chosen = order[first : first + rows]
        yield type(pairs)(pairs.sources[chosen], pairs.targets[chosen])
