"""Sources of different lengths for a pattern: drawn at random, for a training, or of the kinds that people type.

Random sources are hardly ever all alike, sorted, or of two symbols only, but people type such. So a share of a
training's sources, `few_symbols`, is drawn from 1 to 5 of the symbols, and some of these are sorted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.batches import few_sources, random_sources
from seq2seq_demo.data.ragged import Ragged, RaggedPairs
from seq2seq_demo.errors import UsageError

if TYPE_CHECKING:
    from seq2seq_demo.data.sequence_pattern import SequencePattern

MOST_LENGTHS = 1000  # which a pattern is tried at, one by one
FEW = 5  # symbols at most
SORTED = 0.1  # of those that are drawn from few symbols, the share that is ascending; as many are descending
SHARE = 0.25  # of the sources, by default
FINGERPRINTED = 1000  # sources, of all lengths together


def lengths_taken(pattern: SequencePattern, config: TrainConfig, model_config: ModelConfig) -> dict[int, int]:
    """Return the lengths of sources in the config's range that a pattern takes, and of each its longest target.

    Raises:
        UsageError: it takes none, for the reason that it gives for the longest; or there are very many.
    """
    taken: dict[int, int] = {}
    reasons: list[UsageError] = []
    assert config.min_in_len is not None
    if config.in_len - config.min_in_len >= MOST_LENGTHS:
        raise UsageError(f"expected a range of at most {MOST_LENGTHS} lengths, got --in-len {config.lengths}")
    for in_len in range(config.in_len, config.min_in_len - 1, -1):
        try:
            c = model_config
            taken[in_len] = pattern.check(in_len, None, c.in_max_int, c.out_max_int, ragged=True)
        except UsageError as error:
            reasons.append(error)
    if not taken:
        raise reasons[0]
    return dict(sorted(taken.items()))


def sized(pattern: SequencePattern, config: TrainConfig, model_config: ModelConfig) -> TrainConfig:
    """Return the config with the longest target that was found."""
    return replace(config, out_len=max(1, *lengths_taken(pattern, config, model_config).values()))


def draw(
    pattern: SequencePattern, config: TrainConfig, model_config: ModelConfig, start_step: int
) -> tuple[RaggedPairs, RaggedPairs]:
    """Draw random sources of each length as often, and make their targets: to train on, and to validate with."""
    lengths = [*lengths_taken(pattern, config, model_config)]
    sources = training_sources(config, lengths, model_config.in_max_int, start_step)
    return divide(RaggedPairs(sources, targets(pattern, sources, model_config.out_max_int)), config)


def divide(pairs: RaggedPairs, config: TrainConfig) -> tuple[RaggedPairs, RaggedPairs]:
    """Return the pairs to train on, and those to validate with."""
    n = config.n_training
    return pairs[slice(None, n)], pairs[slice(n, None)]


def fingerprint(pattern: SequencePattern, config: TrainConfig, model_config: ModelConfig) -> str:
    """Return a checksum of what a pattern makes of a fixed sample of sources of every length."""
    lengths, digest = lengths_taken(pattern, config, model_config), hashlib.sha256()
    for in_len in lengths:
        sources = few_sources(FINGERPRINTED // len(lengths), in_len, model_config.in_max_int)
        made = pattern.ragged_targets(sources, model_config.out_max_int)
        digest.update(repr(made.lengths.tolist()).encode() + made.symbols.astype("<i8").tobytes())
    return digest.hexdigest()


def targets(pattern: SequencePattern, sources: Ragged, out_max_int: int) -> Ragged:
    """Return the target of each source; the pattern gets those of one length at once."""
    rows: list[Ragged] = []
    order: list[np.ndarray] = []
    for in_len in np.unique(sources.lengths):
        chosen = np.flatnonzero(sources.lengths == in_len)
        rows.append(pattern.ragged_targets(sources[chosen].padded(), out_max_int))
        order.append(chosen)
    symbols = np.concatenate([part.symbols for part in rows])
    lengths = np.concatenate([part.lengths for part in rows])
    return Ragged(symbols, lengths)[np.argsort(np.concatenate(order))]


def training_sources(config: TrainConfig, lengths: Sequence[int], in_max_int: int, start_step: int) -> Ragged:
    """Return the random sources of a training and its validation, each of a length drawn evenly from these."""
    rng = np.random.default_rng([config.seed, 1, start_step])
    return draw_sources(rng, rng.choice(lengths, config.points), in_max_int, config.few_symbols)


def draw_sources(rng: np.random.Generator, lengths: np.ndarray, in_max_int: int, few_symbols: float) -> Ragged:
    """Return a random source of each of these lengths; that share of them is of few symbols."""
    dtype = np.min_scalar_type(in_max_int)
    symbols = rng.integers(0, in_max_int, lengths.sum(), dtype=dtype, endpoint=True)
    sources = Ragged(symbols, lengths.astype(np.int64))
    of_few = rng.random(len(lengths)) < few_symbols  # [N]
    rows = np.repeat(np.arange(len(lengths)), lengths)  # of each symbol
    is_chosen = of_few[rows]
    # Of FEW symbols that are drawn for each row, it has the first 1 to FEW.
    subsets = rng.integers(0, in_max_int, (len(lengths), FEW), dtype=dtype, endpoint=True)
    n_symbols = rng.integers(1, FEW, len(lengths), endpoint=True)
    which = rng.random(len(rows)) * n_symbols[rows]
    symbols[is_chosen] = subsets[rows, which.astype(np.int64)][is_chosen]
    way = rng.random(len(lengths))
    for sign, is_sorted in ((1, way < SORTED), ((-1), way > 1 - SORTED)):
        chosen = np.flatnonzero((of_few & is_sorted)[rows])
        in_order = np.lexsort((sign * symbols[chosen].astype(np.int64), rows[chosen]))
        symbols[chosen] = symbols[chosen[in_order]]
    return sources


# What people type beside random sources: functions of a generator, N, S and in_max_int to sources `[N, S]`.


def all_equal(rng: np.random.Generator, n: int, in_len: int, in_max_int: int) -> np.ndarray:
    """Return sources of one symbol each."""
    return np.repeat(random_sources(rng, n, 1, in_max_int), in_len, axis=1)


def two_symbols(rng: np.random.Generator, n: int, in_len: int, in_max_int: int) -> np.ndarray:
    """Return sources of two symbols each."""
    pairs = random_sources(rng, n, 2, in_max_int)
    return np.take_along_axis(pairs, rng.integers(0, 2, (n, in_len)), axis=1)


def ascending(rng: np.random.Generator, n: int, in_len: int, in_max_int: int) -> np.ndarray:
    """Return sorted sources."""
    return np.sort(random_sources(rng, n, in_len, in_max_int), axis=1)


def descending(rng: np.random.Generator, n: int, in_len: int, in_max_int: int) -> np.ndarray:
    """Return sources that are sorted backwards."""
    return ascending(rng, n, in_len, in_max_int)[:, ::-1]


KINDS: dict[str, Callable[[np.random.Generator, int, int, int], np.ndarray]] = {
    "all equal": all_equal,
    "two symbols": two_symbols,
    "ascending": ascending,
    "descending": descending,
}
