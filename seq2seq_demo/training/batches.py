"""Batches: the order of the pairs in an epoch, padding widths and microbatches.

A network that ends its answers learns pairs of different lengths. In each epoch, the pairs are shuffled and cut into
stretches of 64 batches. Within a stretch, the pairs are sorted by length, so that a batch contains pairs of similar
lengths; then the batches are shuffled. Each batch is padded to one of a few widths.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.sequences import Pairs, max_typical_length
from seq2seq_demo.network.keras_network.dropout import scramble
from seq2seq_demo.network.keras_network.tensorflow_setup import MIN_SAMPLES_FOR_XLA

STEPS_PER_CALL = 64  # K: the number of batches in one call of TensorFlow
FIRST_STEPS = 8  # the number of batches in the first call of a training run
MAX_CANDIDATES = 24  # the largest number of source lengths, and of target lengths, that `least_padding` considers
MAX_MICROBATCH_BYTES = 2**29
FLOAT_BYTES = 4  # in a float32
# Maps the number of samples to the number of padding widths that pays off. With 128 units, compiling takes 4 s of CPU
# time per width. A second width saves up to 18% of an epoch's time, and three more widths save up to 8%.
N_WIDTHS = {0: 1, 75_000: 2, 400_000: 5}


class Batch(NamedTuple):
    """Padded pairs. In K stacked batches, the fields have the shapes `[K, B, …]`."""

    sources: tf.Tensor  # [B, S]
    targets: tf.Tensor  # [B, T], with END if the network ends its answers
    lengths: tf.Tensor  # [B, 2] int32, of source and target; 0 in missing rows
    row_keys: tf.Tensor  # [B] uint32, the seeds of the dropout masks; zeros without dropout
    # In a part of a batch, the following fields still describe the whole batch.
    n_symbols: tf.Tensor  # float32, the number of target symbols
    longest: tf.Tensor  # [2] int32, the largest lengths

    def map_rows(self, function: Callable[[tf.Tensor], tf.Tensor]) -> "Batch":
        """Return the batch with a function applied to each tensor that has rows."""
        return self._replace(
            sources=function(self.sources),
            targets=function(self.targets),
            lengths=function(self.lengths),
            row_keys=function(self.row_keys),
        )

    def twice(self) -> "Batch":
        """Return the batch, followed by a copy of its rows with different dropout masks."""
        copies = self.map_rows(lambda x: tf.concat([x, x], axis=0))
        other_keys = scramble(self.row_keys + np.uint32(1), tf.bitwise)
        return copies._replace(row_keys=tf.concat([self.row_keys, other_keys], axis=0))

    def with_own_longest(self) -> "Batch":
        """Return the batch with `longest` set to the largest lengths of its own rows."""
        return self._replace(longest=tf.reduce_max(self.lengths, axis=0))


class Widths(NamedTuple):
    """The padding widths (S, T) of batches; T includes END."""

    usual: list[tuple[int, int]]  # ascending
    wide: list[tuple[int, int]]  # for the few pairs that are much longer than all others

    @property
    def largest(self) -> tuple[int, int]:
        """The width that fits every pair."""
        S, T = zip(*self.usual, *self.wide, strict=True)
        return max(S), max(T)

    @property
    def choices(self) -> list[list[tuple[int, int]]]:
        """The widths for microbatches: a list for each usual width of a batch, and a list for batches with outliers."""
        return [[width] for width in self.usual] + ([[self.usual[-1], *self.wide]] if self.wide else [])


# ---- The order of an epoch ----


def epoch_order(training: Pairs, config: TrainConfig, start_step: int, epoch: int, by_length: bool) -> np.ndarray:
    """Return the indices of the training pairs in an epoch's order, which depends only on the arguments.

    With `by_length`, the pairs of a batch have similar lengths.
    """
    rng = np.random.default_rng([config.seed, 2, start_step, epoch])
    order = rng.permutation(np.arange(len(training), dtype=np.uint32))
    if by_length:
        B, S, T = config.batch_size, training.sources.lengths, training.targets.lengths
        n_full = len(order) // B * B  # a short last batch keeps its position
        size = S * (T.max() + 1) + T  # a key that sorts by source length, then by target length
        for first in range(0, n_full, STEPS_PER_CALL * B):
            stretch = order[first : min(n_full, first + STEPS_PER_CALL * B)]
            batches = stretch[np.argsort(size[stretch], kind="stable")].reshape(-1, B)
            stretch[:] = rng.permutation(batches).ravel()
    return order


# ---- K batches ----


def stack_batches(pairs: Pairs, width: tuple[int, int], model_config: ModelConfig, batch_size: int) -> list[np.ndarray]:
    """Return the sources, targets and lengths of K batches, padded to this width; missing rows are zeros."""
    (S, T), go = width, model_config.go
    arrays = [
        pairs.sources.padded(S).astype(np.min_scalar_type(model_config.in_max_int), copy=False),
        pairs.targets.padded(T, filler=go).astype(np.min_scalar_type(go), copy=False),
        np.stack([pairs.sources.lengths, pairs.targets.lengths + model_config.ends], axis=1).astype(np.int32),
    ]
    n_missing = STEPS_PER_CALL * batch_size - len(pairs)
    filled = (np.pad(array, ((0, n_missing), (0, 0))) for array in arrays)
    return [array.reshape(STEPS_PER_CALL, batch_size, -1) for array in filled]


def row_keys(seed: int, step: int, shape: tuple[int, int]) -> np.ndarray:
    """Return the seeds of the dropout masks for the K batches from Adam's `step` onwards, as uint32 `[K, B]`.

    A seed depends on the config's `seed`, the step and the row's index in the whole batch. Dropout is therefore the
    same in a resumed run as in an uninterrupted one, and the same with several workers as on one machine.
    """
    rngs = (np.random.default_rng([seed, 4, step + k]) for k in range(shape[0]))
    return np.stack([rng.integers(0, 2**32, shape[1], np.uint32) for rng in rngs])


# ---- Widths ----


def padding_widths(pairs: Pairs, n: int) -> Widths:
    """Return the widths for these pairs: up to `n` usual ones, and up to 3 for outliers."""
    S, T = pairs.sources.lengths, pairs.targets.lengths  # [N]
    usual_S, usual_T = max_typical_length(S), max_typical_length(T)
    is_usual = (usual_S >= S) & (usual_T >= T)
    outliers = [((usual_S < S) & (usual_T >= T)), ((usual_S >= S) & (usual_T < T)), ((usual_S < S) & (usual_T < T))]
    return Widths(
        least_padding(S[is_usual], 1 + T[is_usual], n),
        [(int(S[rows].max()), 1 + int(T[rows].max())) for rows in outliers if rows.any()],
    )


def least_padding(S: np.ndarray, T: np.ndarray, n: int) -> list[tuple[int, int]]:
    """Return up to `n` widths, ascending in both S and T, that minimise the total padding.

    S and T are the lengths of the pairs, `[N]`. A pair is padded to the first width that fits. Quantiles of the lengths
    would be simpler, but with CMUdict, an epoch would have 7% to 50% more padded symbols.

    This is dynamic programming over chains of ascending widths. The cheapest chain of k widths that ends in width j
    consists of a cheapest chain of k − 1 widths and of j. If the shorter chain ends in width i, then i ≤ j in both S
    and T, and the pairs that fit j but not i are padded to j.
    """
    sides = [_candidate_lengths(lengths) for lengths in (S, T)]
    n_pairs = np.zeros([len(side) for side in sides])
    np.add.at(n_pairs, tuple(np.searchsorted(side, x) for side, x in zip(sides, (S, T), strict=True)), 1)
    n_fitting = n_pairs.cumsum(axis=0).cumsum(axis=1).ravel()  # [C], for each of C candidate widths
    widths = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 2)  # [C, 2]
    size = widths.sum(axis=1)
    is_within = (widths[:, None] <= widths).all(axis=2)  # [C, C]: whether width i ≤ width j in both S and T
    added = np.where(is_within, size * (n_fitting - n_fitting[:, None]), np.inf)
    cost, best_previous = size * n_fitting, []
    for _ in range(n - 1):
        best_previous.append((cost[:, None] + added).argmin(axis=0))
        cost = (cost[:, None] + added).min(axis=0)
    chain = [len(widths) - 1]
    for previous in reversed(best_previous):
        chain.append(int(previous[chain[-1]]))
    return sorted({(int(widths[i, 0]), int(widths[i, 1])) for i in chain})


def _candidate_lengths(lengths: np.ndarray) -> np.ndarray:
    """Return up to MAX_CANDIDATES distinct lengths, ascending, always including the longest."""
    distinct = np.unique(lengths)
    return np.asarray(distinct[np.unique(np.linspace(0, len(distinct) - 1, MAX_CANDIDATES).astype(int))])


# ---- Microbatches ----


def first_fitting_width(longest: tf.Tensor, widths: Sequence[tuple[int, int]]) -> tf.Tensor:
    """Return the index of the first width that fits the largest lengths `[2]`, or `len(widths)` if none does."""
    fits = [tf.reduce_all(longest <= tf.constant(width, tf.int32)) for width in widths]
    return tf.argmax(tf.stack([*fits, True]), output_type=tf.int32)


def bytes_per_row(model_config: ModelConfig, in_len: int, out_len: int) -> int:
    """Return how many bytes training must keep for each row of a batch to compute the gradients.

    For a whole batch, this is about a third of training's peak memory.
    """
    width = len(model_config.cell.gates) * model_config.cell_size
    directions = model_config.memory_size // model_config.cell_size
    floats = model_config.num_layers * (directions * in_len + out_len) * width + out_len * model_config.n_output_symbols
    if model_config.has_attention:
        floats += in_len * out_len * model_config.cell_size  # tanh(W_k m_s + q_t)
    return floats * FLOAT_BYTES


def microbatch_rows(rows: int, bytes_per_row: int, one_by_one: bool = False) -> int:
    """Return the rows per microbatch: 1 if `one_by_one`, otherwise the largest divisor of `rows` that fits into memory.

    A microbatch takes at most MAX_MICROBATCH_BYTES, unless a single row takes more.
    """
    fitting = (n for n in range(rows, 0, -1) if rows % n == 0 and n * bytes_per_row <= MAX_MICROBATCH_BYTES)
    return 1 if one_by_one else next(fitting, 1)


def use_xla(config: TrainConfig, cell_size: int) -> bool:
    """Return whether the run is long enough for XLA compilation to pay off."""
    samples = config.epochs * config.n_training
    return samples * max(cell_size, ModelConfig.cell_size) >= MIN_SAMPLES_FOR_XLA * ModelConfig.cell_size


def batch_widths(training: Pairs, config: TrainConfig, ends: bool) -> Widths:
    """Return the padding widths that are worth compiling; there is only one if the network does not end its answers."""
    if not ends:
        return Widths([(config.in_len, config.out_len)], [])
    samples = config.epochs * config.n_training
    return padding_widths(training, max(n for minimum, n in N_WIDTHS.items() if samples >= minimum))
