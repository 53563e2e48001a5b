"""Draws random sources for training and evaluation.

Uniformly random sources are hardly ever sorted or limited to one or two symbols, but people type inputs like these.
Therefore, a fraction of the training sources, `few_symbols`, is drawn from subsets of 1 to 5 symbols, and some of these
sources are sorted.
"""

from collections.abc import Sequence

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.sequences import Sequences

MAX_SUBSET = 5  # maximum number of distinct symbols in a source with few symbols
SORTED_FRACTION = 0.1  # fraction of sources with few symbols that are ascending; an equal fraction is descending


def random_sources(rng: np.random.Generator, n: int, in_len: int, in_max_int: int) -> np.ndarray:
    """Draw sources `[n, in_len]` uniformly from the symbols 0…in_max_int; the 2016 program never drew the largest."""
    return rng.integers(0, in_max_int, (n, in_len), dtype=np.min_scalar_type(in_max_int), endpoint=True)


def training_sources(config: TrainConfig, model: ModelConfig, lengths: Sequence[int], start_step: int) -> Sequences:
    """Draw the sources for training and validation; each length is drawn uniformly from `lengths`.

    `start_step`, the number of steps that the weights were already trained for, is part of the seed, so that a
    continued training run draws new points. If the network does not end its answers, all sources have the length
    `in_len` and, without `few_symbols`, are uniformly random, as in 2016.
    """
    rng, in_max_int = np.random.default_rng([config.seed, 1, start_step]), model.in_max_int
    if not (model.ends or config.few_symbols):
        return Sequences.of_array(random_sources(rng, config.points, config.in_len, in_max_int))
    return mixed_sources(rng, rng.choice(lengths, config.points), in_max_int, config.few_symbols)


def mixed_sources(rng: np.random.Generator, lengths: np.ndarray, in_max_int: int, few_symbols: float) -> Sequences:
    """Draw one source for each of the `lengths` `[N]`; a fraction, `few_symbols`, of these sources has few symbols."""
    (symbols,) = random_sources(rng, 1, int(lengths.sum()), in_max_int)
    has_few = rng.random(len(lengths)) < few_symbols  # [N]
    rows = np.repeat(np.arange(len(lengths)), lengths)  # the row of each symbol
    is_replaced = has_few[rows]
    # A row draws its symbols from the first 1 to MAX_SUBSET symbols in its row of `subsets`.
    subsets = random_sources(rng, len(lengths), MAX_SUBSET, in_max_int)
    subset_sizes = rng.integers(1, MAX_SUBSET, len(lengths), endpoint=True)
    columns = (rng.random(len(rows)) * subset_sizes[rows]).astype(np.int64)
    symbols[is_replaced] = subsets[rows, columns][is_replaced]
    order = rng.random(len(lengths))
    for sign, is_sorted in ((1, order < SORTED_FRACTION), (-1, order > 1 - SORTED_FRACTION)):
        chosen = np.flatnonzero((has_few & is_sorted)[rows])
        in_order = np.lexsort((sign * symbols[chosen].astype(np.int64), rows[chosen]))
        symbols[chosen] = symbols[chosen[in_order]]
    return Sequences(symbols, lengths.astype(np.int64))


def n_evaluation_sources(model: ModelConfig, in_len: int, n: int) -> int:
    """Return the number of sources that `evaluation_sources` returns."""
    return min(n, (model.in_max_int + 1) ** in_len) if model.ends else n


def evaluation_sources(model: ModelConfig, in_len: int, n: int, seed: int) -> np.ndarray:
    """Return n random sources to evaluate on, `[n, in_len]`.

    A network that ends its answers is evaluated on every possible source if there are at most n. With the same seed,
    `training_sources` uses a different random stream.
    """
    if model.ends and (n_symbols := model.in_max_int + 1) ** in_len <= n:
        every = np.indices((n_symbols,) * in_len).reshape(in_len, -1).T
        return every.astype(np.min_scalar_type(model.in_max_int))
    return random_sources(np.random.default_rng([seed, 3]), n, in_len, model.in_max_int)
