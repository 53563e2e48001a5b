"""The training loop for sources and targets of different lengths, which a network learns to end by END.

A batch holds sources of about the same length, padded; the points of an epoch are sorted in stretches of 64 batches,
and the batches of a stretch come in random order. One program serves all lengths: its loops take as many steps as a
batch needs, and attention, which costs as much as the padding is wide, has a branch for each of five widths.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from seq2seq_demo.training.loop import STEPS_PER_CALL, Trainer, use_xla

# isort: split
import numpy as np
import tensorflow as tf

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.ragged import Ragged, RaggedPairs
from seq2seq_demo.evaluation import Figures
from seq2seq_demo.network.keras_network.padded import PaddedSeq2Seq
from seq2seq_demo.trained_network import TrainedNetwork
from seq2seq_demo.training import workers
from seq2seq_demo.varied_evaluation import measure_ragged

N_WIDTHS, TRIED = 5, 24  # of a long run: widths of padding, and how many lengths are tried for them


class VariedTrainer(Trainer):
    """The network's variables and Adam's, the compiled steps that change them, and how far they have come."""

    def __init__(self, task: str, config: TrainConfig, start: TrainedNetwork, training: RaggedPairs) -> None:
        """Begin, as `Trainer`; the widths are those that suit these points."""
        self.widths = padding_widths(training, N_WIDTHS if use_xla(config) else 1)
        super().__init__(task, config, start)

    def make_network(self, start: TrainedNetwork) -> PaddedSeq2Seq:
        """Return the network that is trained."""
        return PaddedSeq2Seq(start.model_config, start.weights)

    def measure(self, validation: RaggedPairs) -> Figures:
        """Return what the network reaches on the validation points."""
        network = self.snapshot()
        return measure_ragged(network.to_numpy(), validation, network.max_out_len).figures

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
        S, T = self.widths[-1]
        stacked = []
        for symbols, width, filler in ((pairs.sources, S, 0), (pairs.targets, T, self.model_config.go)):
            padded = np.zeros((K * B, width), np.min_scalar_type(self.model_config.go + symbols.symbols.max(initial=0)))
            padded[: len(pairs)] = symbols.padded(width, filler)
            stacked.append(tf.constant(padded.reshape(K, B, width)))
        for lengths in (pairs.sources.lengths, pairs.targets.lengths + 1):
            padded = np.zeros(K * B, np.int32)
            padded[: len(pairs)] = lengths
            stacked.append(tf.constant(padded.reshape(K, B)))
        return stacked

    def sums_of(self, batch: list[tf.Tensor], row_mask: tf.Tensor) -> list[tf.Tensor]:
        """Return what `_sums` does for a whole batch; rows that are lacking have lengths of 0."""
        _, _, source_lengths, target_lengths = batch
        n_symbols = tf.reduce_sum(tf.cast(target_lengths, tf.float32))
        narrower = tf.constant([S for S, _ in self.widths[:-1]], tf.int32)
        branch = tf.reduce_sum(tf.cast(tf.reduce_max(source_lengths) > narrower, tf.int32))
        return workers.sum_over_shares(self.strategy, self.sums, tuple(batch), n_symbols, branch)

    def _sums(self, *arguments: tf.Tensor) -> list[tf.Tensor]:
        """Return the sums of loss and of correct symbols, and the gradients of the mean loss over all symbols."""
        sources, targets, source_lengths, target_lengths, n_symbols, branch = arguments

        def of_width(S: int, T: int) -> Callable[[], list[tf.Tensor]]:
            batch = sources[:, :S], targets[:, :T], source_lengths, target_lengths
            return lambda: self._padded_sums(*batch, n_symbols)

        branches = list(itertools.starmap(of_width, self.widths))
        return list(tf.switch_case(branch, branches)) if len(branches) > 1 else branches[0]()

    def _padded_sums(
        self,
        sources: tf.Tensor,
        targets: tf.Tensor,
        source_lengths: tf.Tensor,
        target_lengths: tf.Tensor,
        n_symbols: tf.Tensor,
    ) -> list[tf.Tensor]:
        """Return what `_sums` does for `[B, S]`, `[B, T]`, `[B]`, `[B]`; only symbols within the lengths count."""
        mask = tf.sequence_mask(target_lengths, targets.shape[1], tf.float32)  # [B, T]
        with tf.GradientTape() as tape:
            losses, logits = self.network.padded_losses(sources, targets, source_lengths, target_lengths)
            loss_sum = tf.reduce_sum(losses * mask)
            loss = loss_sum / n_symbols
        is_correct = tf.argmax(logits, axis=-1, output_type=tf.int32) == tf.cast(targets, tf.int32)  # [B, T]
        correct_sum = tf.reduce_sum(tf.cast(is_correct, tf.float32) * mask)
        gradients = tape.gradient(loss, self.variables)
        return [loss_sum, correct_sum, *map(tf.convert_to_tensor, gradients)]


def padding_widths(pairs: RaggedPairs, n: int) -> list[tuple[int, int]]:
    """Return n widths S of sources and T of targets with END, rising, that add the least padding to the sources."""
    lengths, counts = np.unique(pairs.sources.lengths, return_counts=True)
    among = np.unique(np.linspace(0, len(lengths) - 1, TRIED).astype(int))  # numbers of the lengths that are tried
    n_up_to = np.cumsum(counts)[among]

    def cost(chosen: tuple[int, ...]) -> int:
        last = [*chosen, len(among) - 1]
        n = np.diff(n_up_to[last], prepend=0)
        return int((lengths[among[last]] * n).sum())

    best = min(itertools.combinations(range(len(among) - 1), min(n, len(among)) - 1), key=cost)
    widths = [int(lengths[among[number]]) for number in (*best, len(among) - 1)]
    return [(S, 1 + _longest(pairs.targets, pairs.sources.lengths <= S)) for S in widths]


def _longest(sequences: Ragged, chosen: np.ndarray) -> int:
    return int(sequences.lengths[chosen].max())
