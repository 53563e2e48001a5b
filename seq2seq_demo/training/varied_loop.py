"""The training loop for sources and targets of different lengths, which a network learns to end by END.

A batch holds sources of about the same length, padded; the points of an epoch are sorted in stretches of 64 batches,
and the batches of a stretch come in random order. One program serves all lengths: its loops take as many steps as a
batch needs, and attention, which costs as much as the padding is wide, has a branch for each of five widths.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from seq2seq_demo.training.loop import STEPS_PER_CALL, Recipe, Trainer, use_xla

# isort: split
import numpy as np
import tensorflow as tf

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.data_warnings import usual_length
from seq2seq_demo.data.ragged import RaggedPairs
from seq2seq_demo.evaluation import Figures
from seq2seq_demo.network.keras_network.padded import PaddedSeq2Seq
from seq2seq_demo.network.ram import bytes_of_a_row, check_row_fits
from seq2seq_demo.trained_network import TrainedNetwork
from seq2seq_demo.varied_evaluation import Way, measure_ragged

N_WIDTHS, TRIED = 5, 24  # of a long run: widths of padding, and how many lengths are tried for them
PART = 2**29  # bytes that the rows of a batch which are taken at once may need


class VariedTrainer(Trainer):
    """The network's variables and Adam's, the compiled steps that change them, and how far they have come."""

    def __init__(
        self,
        task: str,
        config: TrainConfig,
        start: TrainedNetwork,
        training: RaggedPairs | Widths,
        alternatives: bool = False,
    ) -> None:
        """Begin, as `Trainer`; the widths are those that suit these points, or they are given.

        `alternatives`: an answer in validation is right if it is the target of any pair with its source.
        """
        self.alternatives = alternatives
        n_widths = N_WIDTHS if use_xla(config) else 1
        self.widths = training if isinstance(training, Widths) else padding_widths(training, n_widths)
        for S, T in self.widths.wide:
            check_row_fits(start.model_config, S, T)
        super().__init__(task, config, start)

    def uses_xla(self) -> bool:
        """Say whether to compile: TensorFlow alone fails on loops whose arrays are very large (TemporaryVariable)."""
        return super().uses_xla() or bool(self.widths.wide)

    def make_network(self, start: TrainedNetwork) -> PaddedSeq2Seq:
        """Return the network that is trained."""
        return PaddedSeq2Seq(start.model_config, start.weights)

    def measure(self, validation: RaggedPairs) -> Figures:
        """Return what the network reaches on the validation points."""
        network = self.snapshot()
        return measure_ragged(
            network.to_numpy(), validation, Way(network.max_out_len, alternatives=self.alternatives)
        ).figures

    def recipe(self) -> Recipe:
        """Return what `trainer_of` makes such a trainer of."""
        return super().recipe()._replace(widths=self.widths, alternatives=self.alternatives)

    def n_symbols(self, pairs: RaggedPairs) -> int:
        """Return how many symbols of targets count, with the END of each."""
        return int(pairs.targets.lengths.sum()) + len(pairs)

    def order(self, training: RaggedPairs) -> np.ndarray:
        """Return the order of the epoch's points."""
        B = self.config.batch_size
        rng = np.random.default_rng([self.config.seed, 2, self.start_step, self.progress.epoch])
        order = rng.permutation(len(training))
        n_whole = len(order) // B * B  # the last batch, if it is short, stays as it is
        size = training.sources.lengths * (training.targets.lengths.max() + 1) + training.targets.lengths
        for first in range(0, n_whole, STEPS_PER_CALL * B):
            stretch = order[first : min(n_whole, first + STEPS_PER_CALL * B)]
            in_order = stretch[np.argsort(size[stretch], kind="stable")].reshape(-1, B)
            stretch[:] = rng.permutation(in_order).ravel()
        return order

    def batches(self, pairs: RaggedPairs) -> list[tf.Tensor]:
        """Return sources `[K, B, S]`, targets with their END `[K, B, T]`, and the lengths of both `[K, B]`."""
        K, B = STEPS_PER_CALL, self.config.batch_size
        S, T = (max(sizes) for sizes in zip(*self.widths.usual, *self.widths.wide, strict=True))
        stacked = []
        for symbols, width, filler in ((pairs.sources, S, 0), (pairs.targets, T, self.model_config.go)):
            largest = max(filler, int(symbols.symbols.max(initial=0)))
            padded = np.zeros((K * B, width), np.min_scalar_type(largest))
            padded[: len(pairs)] = symbols.padded(width, filler)
            stacked.append(tf.constant(padded.reshape(K, B, width)))
        for lengths in (pairs.sources.lengths, pairs.targets.lengths + 1):
            padded = np.zeros(K * B, np.int32)
            padded[: len(pairs)] = lengths
            stacked.append(tf.constant(padded.reshape(K, B)))
        return stacked

    def parted(self, batch: list[tf.Tensor], rows: tf.Tensor) -> tuple[tuple[tf.Tensor, ...], tuple[tf.Tensor, ...]]:
        """Return what `Trainer` does; rows that are lacking have lengths of 0."""
        n_symbols = tf.reduce_sum(tf.cast(batch[-1], tf.float32))
        return tuple(batch), (n_symbols, first_that_holds(batch, self.widths.usual))

    def _sums(self, *arguments: tf.Tensor) -> list[tf.Tensor]:
        """Return the sums of loss and of correct symbols, and the gradients of the mean loss over all symbols.

        The arguments are a batch, its number of symbols, and that of the usual width which holds it, or the next one.
        """
        *batch, n_symbols, branch = arguments
        usual, wide = self.widths
        choices = [[width] for width in usual] + ([[usual[-1], *wide]] if wide else [])
        return switched(
            branch, [functools.partial(self._sums_of_parts, batch, n_symbols, widths) for widths in choices]
        )

    def _sums_of_parts(
        self, batch: list[tf.Tensor], n_symbols: tf.Tensor, widths: list[tuple[int, int]]
    ) -> list[tf.Tensor]:
        """Return what `_sums` does, of as many rows at once as memory allows, each part at the width that holds it."""
        B = batch[0].shape[0]
        rows = rows_in_part(B, max(bytes_of_a_row(self.model_config, *width) for width in widths), len(widths) > 2)

        def sums_of(part: list[tf.Tensor]) -> list[tf.Tensor]:
            branches = [functools.partial(self._padded_sums, part, n_symbols, width) for width in widths]
            return switched(first_that_holds(part, widths), branches)

        def body(first: tf.Tensor, sums: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
            part = [tf.slice(x, [first, *[0] * (x.shape.rank - 1)], [rows, *x.shape[1:]]) for x in batch]
            return first + rows, [a + b for a, b in zip(sums, sums_of(part), strict=True)]

        if rows == B:
            return sums_of(batch)
        zeros = [tf.zeros(()), tf.zeros(()), *(tf.zeros(variable.shape) for variable in self.variables)]
        _, sums = tf.while_loop(lambda first, _: first < B, body, (0, zeros), parallel_iterations=1)
        return list(sums)

    def _padded_sums(
        self, batch: Sequence[tf.Tensor], n_symbols: tf.Tensor, width: tuple[int | None, int | None] = (None, None)
    ) -> list[tf.Tensor]:
        """Return what `_sums` does for `[B, S]`, `[B, T]`, `[B]`, `[B]`; only symbols within the lengths count.

        width: so many columns of sources and targets are used; None is all.
        """
        sources, targets, source_lengths, target_lengths = batch
        sources, targets = sources[:, : width[0]], targets[:, : width[1]]
        mask = tf.sequence_mask(target_lengths, targets.shape[1], tf.float32)  # [B, T]
        with self.adam.watched(self.variables) as (tape, weights):
            losses, logits = self.network.padded_losses(sources, targets, source_lengths, target_lengths)
            loss_sum = tf.reduce_sum(losses * mask)
            loss = loss_sum / n_symbols
        is_correct = tf.argmax(logits, axis=-1, output_type=tf.int32) == tf.cast(targets, tf.int32)  # [B, T]
        correct_sum = tf.reduce_sum(tf.cast(is_correct, tf.float32) * mask)
        gradients = tape.gradient(loss, weights)
        return [loss_sum, correct_sum, *map(tf.convert_to_tensor, gradients)]


class Widths(NamedTuple):
    """How wide a batch may be: S of sources, T of targets with END."""

    usual: list[tuple[int, int]]  # rising
    wide: list[tuple[int, int]]  # that hold a few sequences which are very much longer than all others


def padding_widths(pairs: RaggedPairs, n: int) -> Widths:
    """Return up to n usual widths that add the least padding, and those for what is much longer."""
    S, T = pairs.sources.lengths, pairs.targets.lengths  # [N]
    usual_S, usual_T = usual_length(S), usual_length(T)
    is_usual = (usual_S >= S) & (usual_T >= T)
    wide = [((usual_S < S) & (usual_T >= T)), ((usual_S >= S) & (usual_T < T)), ((usual_S < S) & (usual_T < T))]
    return Widths(
        least_padding(S[is_usual], 1 + T[is_usual], n),
        [(max(usual_S, int(S[rows].max())), 1 + max(usual_T, int(T[rows].max()))) for rows in wide if rows.any()],
    )


def least_padding(S: np.ndarray, T: np.ndarray, n: int) -> list[tuple[int, int]]:
    """Return up to n widths, rising on both sides, of which the first that holds a pair adds the least padding.

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
    """Return the lengths that may be a width, rising: all that occur, or TRIED of them, the longest among them."""
    found = np.unique(lengths)
    tried: np.ndarray = found[np.unique(np.linspace(0, len(found) - 1, TRIED).astype(int))]
    return tried


def first_that_holds(batch: list[tf.Tensor], widths: list[tuple[int, int]]) -> tf.Tensor:
    """Return the number of the first width that a batch fits, or how many there are; its last tensors are lengths."""
    longest = tf.stack([tf.reduce_max(lengths) for lengths in batch[-2:]])
    fits = [tf.reduce_all(longest <= tf.constant(width, tf.int32)) for width in widths]
    return tf.argmax(tf.stack([*fits, True]), output_type=tf.int32)


def switched(branch: tf.Tensor, branches: Sequence[Callable[[], list[tf.Tensor]]]) -> list[tf.Tensor]:
    """Return what the branch of this number returns."""
    return list(tf.switch_case(branch, branches)) if len(branches) > 1 else branches[0]()


def rows_in_part(rows: int, bytes_of_each: int, apart: bool = False) -> int:
    """Return how many of a batch's rows to take at once: no more than PART bytes need, or one; or each `apart`."""
    return next(n for n in range(rows, 0, -1) if n == 1 or (rows % n == 0 and n * bytes_of_each <= PART and not apart))
