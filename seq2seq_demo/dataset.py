"""The points of a training: random sources and their targets, or a user's own pairs; and the batches of an epoch.

Symbols up to 255 take one byte each, so that ten million points fit anywhere.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.errors import UsageError
from seq2seq_demo.patterns import SequencePattern


class Pairs(NamedTuple):
    """Sources `[N, S]` and their targets `[N, T]`."""

    sources: np.ndarray
    targets: np.ndarray


@dataclass(frozen=True)
class OwnData:
    """A user's pairs, to train on in a pattern's stead; the name is what files are called after."""

    name: str
    pairs: Pairs

    def digest(self) -> str:
        """Return a checksum, to know the pairs again when a training is resumed."""
        rows = np.concatenate(self.pairs, axis=1).astype("<i8")
        return hashlib.sha256(rows.tobytes()).hexdigest()


def random_sources(rng: np.random.Generator, n: int, in_len: int, in_max_int: int) -> np.ndarray:
    """Return `[n, in_len]` symbols, each of 0…in_max_int (inclusive: 2016 left the last one out) equally likely."""
    return rng.integers(0, in_max_int, (n, in_len), dtype=np.min_scalar_type(in_max_int), endpoint=True)


def draw(
    origin: SequencePattern | OwnData, model: ModelConfig, train: TrainConfig, start_step: int = 0
) -> tuple[Pairs, Pairs]:
    """Draw the points of a training: a pair of training and validation data.

    `start_step`, the steps that the weights were already trained for, keeps a training that goes on from
    meeting the random points of the one before. Own pairs are shuffled before they are divided.

    Raises:
        UsageError: the pattern cannot fill these lengths or symbols, or own pairs have others.
    """
    if isinstance(origin, OwnData):
        _check_own(origin.pairs, model, train)
        order = np.random.default_rng([train.seed, 1, start_step]).permutation(train.points)
        sources, targets = (symbols[order] for symbols in origin.pairs)
    else:
        origin.check(train.in_len, train.out_len, model.in_max_int, model.out_max_int)
        sources = drawn_sources(model, train, start_step)
        targets = origin.targets(sources, train.out_len, model.out_max_int)
    n = train.n_training
    return Pairs(sources[:n], targets[:n]), Pairs(sources[n:], targets[n:])


def drawn_sources(model: ModelConfig, train: TrainConfig, start_step: int) -> np.ndarray:
    """Return the random sources of a training and its validation, `[points, S]`."""
    rng = np.random.default_rng([train.seed, 1, start_step])
    return random_sources(rng, train.points, train.in_len, model.in_max_int)


def _check_own(pairs: Pairs, model: ModelConfig, train: TrainConfig) -> None:
    """Raise UsageError unless the configs describe these pairs."""
    for kind, symbols, length, largest in (
        ("sources", pairs.sources, train.in_len, model.in_max_int),
        ("targets", pairs.targets, train.out_len, model.out_max_int),
    ):
        if symbols.shape != (train.points, length):
            raise UsageError(f"expected {kind} of shape {(train.points, length)}, got {symbols.shape}")
        if symbols.min() < 0 or symbols.max() > largest:
            raise UsageError(
                f"expected {kind} of symbols 0 to {largest}, got some from {symbols.min()} to {symbols.max()}"
            )


def fresh_sources(seed: int, n: int, in_len: int, in_max_int: int, seen: np.ndarray | None) -> np.ndarray:
    """Return `[n, in_len]` random sources of which none is among `seen`; fewer, if after many tries there are no more.

    The same seed draws others here than for a training.
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
    return np.isin(*(np.ascontiguousarray(x).view(row)[:, 0] for x in (sources, others)))


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
