"""Random sources: for training, for evaluation, and of the kinds that people type.

Random sources are hardly ever all alike, sorted, or of two symbols only, but people type these. So a share of a
training's sources, `few_symbols`, is drawn from 1 to 5 of the symbols, and some of these are sorted.
"""

from collections.abc import Callable, Sequence

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.sequences import Sequences
from seq2seq_demo.errors import InputError

SYMBOLS = 2**20  # that a pattern gets at once, unless a source alone has more
FEW = 5  # symbols at most
SORTED = 0.1  # of those that are drawn from few symbols, the share that is ascending; as many are descending
DEFAULT_SHARE = 0.25  # of the sources, by default
TRIES = 11  # at sources that were not seen


def random_sources(rng: np.random.Generator, n: int, in_len: int, in_max_int: int) -> np.ndarray:
    """Draw sources `[n, in_len]`, each symbol of 0…in_max_int equally likely (2016 left the last one out)."""
    return rng.integers(0, in_max_int, (n, in_len), dtype=np.min_scalar_type(in_max_int), endpoint=True)


def few_sources(at_most: int, in_len: int, in_max_int: int) -> np.ndarray:
    """Return a few sources `[N, S]`, at least 3, the same each time: the smallest, the largest, and random ones."""
    n = max(3, min(at_most, SYMBOLS // in_len))
    sources = np.random.default_rng(0).integers(0, in_max_int, (n, in_len), endpoint=True)
    sources[0], sources[1] = 0, in_max_int
    return sources


def training_sources(config: TrainConfig, model: ModelConfig, lengths: Sequence[int], start_step: int) -> Sequences:
    """Draw the sources of a training and its validation, each of a length drawn evenly from these.

    `start_step`, the steps that the weights were already trained for, keeps a training that continues an earlier
    one from meeting the same points again. A network that does not end its answers has one length, and the stream of
    2016, whatever `few_symbols` says.
    """
    rng, in_max_int = np.random.default_rng([config.seed, 1, start_step]), model.in_max_int
    if not model.ends:
        return Sequences.of_array(random_sources(rng, config.points, config.in_len, in_max_int))
    return draw_sources(rng, rng.choice(lengths, config.points), in_max_int, config.few_symbols)


def draw_sources(rng: np.random.Generator, lengths: np.ndarray, in_max_int: int, few_symbols: float) -> Sequences:
    """Draw a source of each of these lengths; the share `few_symbols` of them is of few symbols."""
    dtype = np.min_scalar_type(in_max_int)
    symbols = rng.integers(0, in_max_int, lengths.sum(), dtype=dtype, endpoint=True)
    of_few = rng.random(len(lengths)) < few_symbols  # [N]
    rows = np.repeat(np.arange(len(lengths)), lengths)  # of each symbol
    is_chosen = of_few[rows]
    # FEW symbols are drawn for each row, which takes the first 1 to FEW of them.
    subsets = rng.integers(0, in_max_int, (len(lengths), FEW), dtype=dtype, endpoint=True)
    n_symbols = rng.integers(1, FEW, len(lengths), endpoint=True)
    which = rng.random(len(rows)) * n_symbols[rows]
    symbols[is_chosen] = subsets[rows, which.astype(np.int64)][is_chosen]
    way = rng.random(len(lengths))
    for sign, is_sorted in ((1, way < SORTED), (-1, way > 1 - SORTED)):
        chosen = np.flatnonzero((of_few & is_sorted)[rows])
        in_order = np.lexsort((sign * symbols[chosen].astype(np.int64), rows[chosen]))
        symbols[chosen] = symbols[chosen[in_order]]
    return Sequences(symbols, lengths.astype(np.int64))


def fresh_sources(seed: int, n: int, in_len: int, in_max_int: int, seen: Sequences | None) -> np.ndarray:
    """Draw sources `[n, in_len]` of which none is among `seen`; fewer, if after many tries there are no more.

    A seed draws other sources here than for a training.
    """
    rng = np.random.default_rng([seed, 3])
    if seen is None or not (seen.lengths == in_len).any():
        return random_sources(rng, n, in_len, in_max_int)
    if seen.common_length is None:
        seen = seen[np.flatnonzero(seen.lengths == in_len)]
    dtype = np.min_scalar_type(in_max_int)
    known, fresh = seen.array().astype(dtype, copy=False), np.empty((0, in_len), dtype)
    for _ in range(TRIES):
        if len(fresh) < n:
            drawn = random_sources(rng, n, in_len, in_max_int)
            fresh = np.concatenate([fresh, drawn[~_is_among(drawn, known)]])
    return fresh[:n]


def _is_among(sources: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return a mask `[N]` of the sources `[N, S]` that are among the others `[M, S]`, of the same type."""
    row = np.dtype((np.void, sources.dtype.itemsize * sources.shape[1]))
    sources, others = (np.ascontiguousarray(x).view(row)[:, 0] for x in (sources, others))
    return np.isin(sources, others)


def sources_to_measure(
    model: ModelConfig, in_len: int, n: int, seed: int, seen: Sequences | None
) -> tuple[np.ndarray, bool]:
    """Choose n sources of a length `[N, S]` to evaluate on; say whether none of them is among `seen` in training.

    A network that ends its answers is measured on every source where there are at most n, and where too few were not
    trained on, on others too. One that does not is measured on fewer then.

    Raises:
        InputError: the network does not end its answers, and every source is among `seen`.
    """
    in_max_int = model.in_max_int
    if model.ends and (in_max_int + 1) ** in_len <= n:
        every = np.indices((in_max_int + 1,) * in_len).reshape(in_len, -1).T
        return every.astype(np.min_scalar_type(in_max_int)), False
    fresh = fresh_sources(seed, n, in_len, in_max_int, seen)
    if model.ends and len(fresh) < n:
        return fresh_sources(seed, n, in_len, in_max_int, None), False
    if not len(fresh):
        raise InputError(f"expected sources of length {in_len} that were not trained on, but every one was")
    return fresh, True


def _two_symbols(rng: np.random.Generator, n: int, in_len: int, in_max_int: int) -> np.ndarray:
    pairs = random_sources(rng, n, 2, in_max_int)
    return np.take_along_axis(pairs, rng.integers(0, 2, (n, in_len)), axis=1)


# The kinds of sources that people type: functions of a generator, N, S and in_max_int to sources `[N, S]`.
KINDS: dict[str, Callable[[np.random.Generator, int, int, int], np.ndarray]] = {
    "all equal": lambda rng, n, in_len, in_max_int: np.repeat(random_sources(rng, n, 1, in_max_int), in_len, axis=1),
    "two symbols": _two_symbols,
    "ascending": lambda *of: np.sort(random_sources(*of), axis=1),
    "descending": lambda *of: np.sort(random_sources(*of), axis=1)[:, ::-1],
}
