"""The training loop with dropout: beside its symbols, each row of a batch has a key, from which its masks follow.

A key follows from the seed, the step and the row's place in the whole batch. So a training that was resumed drops the
same units as one that was not, and several workers together drop those that one machine does.
"""

from collections.abc import Sequence
from typing import Any

from seq2seq_demo.training.loop import STEPS_PER_CALL, Trainer
from seq2seq_demo.training.varied_loop import VariedTrainer

# isort: split
import numpy as np
import tensorflow as tf

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.network.keras_network.dropout import DropoutPaddedSeq2Seq, DropoutSeq2Seq
from seq2seq_demo.trained_network import TrainedNetwork


def dropout_trainer(
    task: str, config: TrainConfig, start: TrainedNetwork, training: Any, alternatives: bool = False
) -> Trainer:
    """Return what trains a network with dropout on points of one length or of several."""
    if config.varies:
        return VariedDropoutTrainer(task, config, start, training, alternatives)
    return DropoutTrainer(task, config, start)


def row_keys(config: TrainConfig, step: int, n_steps: int) -> np.ndarray:
    """Return the keys of a batch's rows for so many steps of Adam from this one on, uint32 `[K, B]`."""
    rngs = (np.random.default_rng([config.seed, 4, step + k]) for k in range(n_steps))
    return np.stack([rng.integers(0, 2**32, config.batch_size, np.uint32) for rng in rngs])


class DropoutTrainer(Trainer):
    """A `Trainer` whose network drops units."""

    network: DropoutSeq2Seq

    def make_network(self, start: TrainedNetwork) -> DropoutSeq2Seq:
        """Return the network that is trained."""
        return DropoutSeq2Seq(start.model_config, start.weights, self.config.dropout)

    def batches(self, pairs: Any) -> list[tf.Tensor]:
        """Return the keys of the rows `[K, B]`, and what the loop without dropout does."""
        return [tf.constant(row_keys(self.config, self.step, STEPS_PER_CALL)), *super().batches(pairs)]

    def _sums(self, row_keys: tf.Tensor, *rest: tf.Tensor) -> list[tf.Tensor]:
        """Return what the loop without dropout does, of rows with these keys `[B]`."""
        self.network.masks.rows = row_keys
        return super()._sums(*rest)


class VariedDropoutTrainer(DropoutTrainer, VariedTrainer):
    """A `VariedTrainer` whose network drops units."""

    def _sums(self, *arguments: tf.Tensor) -> list[tf.Tensor]:
        """Return what the loop without dropout does; the keys are part of the batch."""
        return VariedTrainer._sums(self, *arguments)

    def _padded_sums(
        self, batch: Sequence[tf.Tensor], n_symbols: tf.Tensor, width: tuple[int | None, int | None] = (None, None)
    ) -> list[tf.Tensor]:
        """Return what the loop without dropout does, of a batch that begins with the keys of its rows `[B]`."""
        self.network.masks.rows, *batch = batch
        return super()._padded_sums(batch, n_symbols, width)

    def make_network(self, start: TrainedNetwork) -> DropoutPaddedSeq2Seq:
        """Return the network that is trained."""
        return DropoutPaddedSeq2Seq(start.model_config, start.weights, self.config.dropout)
