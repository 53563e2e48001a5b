"""The batches of an epoch: in which order its pairs come, and how those of different lengths are padded.

A network that ends its answers learns pairs of different lengths. A batch then holds pairs of about the same lengths:
the pairs of an epoch are sorted in stretches of 64 batches, and the batches of a stretch come in random order. Each
batch is padded to one of a few widths.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.data_warnings import max_typical_length
from seq2seq_demo.data.sequences import Pairs

STEPS_PER_CALL = 64  # K: that many batches are handed to TensorFlow at once
MAX_CANDIDATE_LENGTHS = 24  # lengths at most, as widths
MAX_PART_BYTES = 2**29  # bytes that the rows of a batch which are taken at once may need


class Batch(NamedTuple):
    """Padded pairs, and all that a step needs to know of each; with K batches, each tensor is `[K, B, …]`."""

    sources: tf.Tensor  # [B, S]
    targets: tf.Tensor  # [B, T], with END where the network ends its answers
    lengths: tf.Tensor  # [B, 2] int32, of source and target; 0 where a row is missing
    row_keys: tf.Tensor  # [B] uint32, from which the masks of dropout follow; zeros without dropout


class Widths(NamedTuple):
    """How wide a batch may be: S of sources, T of targets with END."""

    usual: list[tuple[int, int]]  # rising
    wide: list[tuple[int, int]]  # that hold a few pairs which are very much longer than all others

    @property
    def largest(self) -> tuple[int, int]:
        """The width that holds every pair."""
        S, T = zip(*self.usual, *self.wide, strict=True)
        return max(S), max(T)

    @property
    def choices(self) -> list[list[tuple[int, int]]]:
        """For each usual width that a batch may need, and for wider batches, the widths that its parts may have."""
        return [[width] for width in self.usual] + ([[self.usual[-1], *self.wide]] if self.wide else [])


# ---- The order of an epoch ----


def epoch_order(training: Pairs, config: TrainConfig, start_step: int, epoch: int, by_length: bool) -> np.ndarray:
    """Return the order of the training pairs in an epoch; it follows from the arguments alone.

    `by_length`: pairs of about the same lengths come together.
    """
    rng = np.random.default_rng([config.seed, 2, start_step, epoch])
    order = rng.permutation(np.arange(len(training), dtype=np.uint32))
    if by_length:
        B, S, T = config.batch_size, training.sources.lengths, training.targets.lengths
        n_whole = len(order) // B * B  # the last batch, if it is short, stays as it is
        size = S * (T.max() + 1) + T
        for first in range(0, n_whole, STEPS_PER_CALL * B):
            stretch = order[first : min(n_whole, first + STEPS_PER_CALL * B)]
            in_order = stretch[np.argsort(size[stretch], kind="stable")].reshape(-1, B)
            stretch[:] = rng.permutation(in_order).ravel()
    return order


# ---- K batches ----


def stacked(pairs: Pairs, width: tuple[int, int], model_config: ModelConfig, batch_size: int) -> list[np.ndarray]:
    """Return the sources, targets and lengths of K batches, padded to this width; missing rows are zeros."""
    (S, T), go = width, model_config.go
    arrays = [
        pairs.sources.padded(S).astype(np.min_scalar_type(model_config.in_max_int), copy=False),
        pairs.targets.padded(T, filler=go).astype(np.min_scalar_type(go), copy=False),
        np.stack([pairs.sources.lengths, pairs.targets.lengths + model_config.ends], axis=1).astype(np.int32),
    ]
    n_missing = STEPS_PER_CALL * batch_size - len(pairs)
    whole = (np.pad(array, ((0, n_missing), (0, 0))) for array in arrays)
    return [array.reshape(STEPS_PER_CALL, batch_size, -1) for array in whole]


def row_keys(config: TrainConfig, step: int, n_steps: int) -> np.ndarray:
    """Return the keys of a batch's rows for the n steps of Adam from this one on, uint32 `[n, B]`.

    A key follows from the seed, the step and the row's place in the whole batch. So a training that was resumed drops
    the same units as one that was not, and several workers together drop those that one machine does.
    """
    rngs = (np.random.default_rng([config.seed, 4, step + k]) for k in range(n_steps))
    return np.stack([rng.integers(0, 2**32, config.batch_size, np.uint32) for rng in rngs])


# ---- Widths ----


def padding_widths(pairs: Pairs, n: int) -> Widths:
    """Return up to n usual widths that add the least padding, and those for pairs that are much longer."""
    S, T = pairs.sources.lengths, pairs.targets.lengths  # [N]
    usual_S, usual_T = max_typical_length(S), max_typical_length(T)
    is_usual = (usual_S >= S) & (usual_T >= T)
    wide = [((usual_S < S) & (usual_T >= T)), ((usual_S >= S) & (usual_T < T)), ((usual_S < S) & (usual_T < T))]
    return Widths(
        least_padding(S[is_usual], 1 + T[is_usual], n),
        [(max(usual_S, int(S[rows].max())), 1 + max(usual_T, int(T[rows].max()))) for rows in wide if rows.any()],
    )


def least_padding(S: np.ndarray, T: np.ndarray, n: int) -> list[tuple[int, int]]:
    """Return up to n widths, rising on both sides, that add the least padding; a pair gets the first that holds it.

    S, T: the lengths of each pair, `[N]`. Dynamic programming: the cheapest chain of k widths that ends with a width is
    the cheapest of k − 1 that ends with one within it, and this width for the pairs that only it holds.
    """
    sides = [_tried(lengths) for lengths in (S, T)]
    n_pairs = np.zeros([len(side) for side in sides])
    np.add.at(n_pairs, tuple(np.searchsorted(side, x) for side, x in zip(sides, (S, T), strict=True)), 1)
    held = n_pairs.cumsum(axis=0).cumsum(axis=1).ravel()  # [W] by each of all widths
    widths = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 2)  # [W, 2]
    size = widths.sum(axis=1)
    is_within = (widths[:, None] <= widths).all(axis=2)  # [W, W] the first in the second
    added = np.where(is_within, size * (held - held[:, None]), np.inf)
    cost, before = size * held, []
    for _ in range(n - 1):
        before.append((cost[:, None] + added).argmin(axis=0))
        cost = (cost[:, None] + added).min(axis=0)
    chain = [len(widths) - 1]
    for previous in reversed(before):
        chain.append(int(previous[chain[-1]]))
    return sorted({(int(widths[number, 0]), int(widths[number, 1])) for number in chain})


def _tried(lengths: np.ndarray) -> np.ndarray:
    """Return the candidate lengths of a width, ascending: at most MAX_CANDIDATE_LENGTHS, including the longest."""
    found = np.unique(lengths)
    tried: np.ndarray = found[np.unique(np.linspace(0, len(found) - 1, MAX_CANDIDATE_LENGTHS).astype(int))]
    return tried


# ---- Parts of a batch ----


def first_that_holds(lengths: tf.Tensor, widths: list[tuple[int, int]]) -> tf.Tensor:
    """Return the number of the first width that a batch with lengths `[B, 2]` fits, or how many widths there are."""
    longest = tf.reduce_max(lengths, axis=0)
    fits = [tf.reduce_all(longest <= tf.constant(width, tf.int32)) for width in widths]
    return tf.argmax(tf.stack([*fits, True]), output_type=tf.int32)


def switched(branch: tf.Tensor, branches: Sequence[Callable[[], list[tf.Tensor]]]) -> list[tf.Tensor]:
    """Return the results of the branch with this number."""
    return list(tf.switch_case(branch, branches)) if len(branches) > 1 else branches[0]()


def rows_in_part(rows: int, bytes_of_each: int, apart: bool = False) -> int:
    """Return how many rows of a batch to process at once, within MAX_PART_BYTES; 1 if `apart`."""
    return next(
        n for n in range(rows, 0, -1) if n == 1 or (rows % n == 0 and n * bytes_of_each <= MAX_PART_BYTES and not apart)
    )
