"""The training: steps, epochs, and the figures of each epoch on the validation pairs.

A step takes a batch. The network decodes it with teacher forcing; Adam changes the weights by the gradients of the mean
loss over all symbols that count. TensorFlow takes up to 64 steps at a call, in one compiled program. Where lengths
differ, that program serves all of them: its loops take as many steps as a batch needs, and attention, which costs as
much as the padding is wide, has a branch for each of a few widths.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from seq2seq_demo.network.keras_network.tensorflow_setup import MIN_SAMPLES_FOR_XLA, set_threads  # before TensorFlow

# isort: split
import numpy as np
import tensorflow as tf

from seq2seq_demo.callbacks import Callback
from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.data.tasks import Task
from seq2seq_demo.errors import TrainingError
from seq2seq_demo.evaluation import EvaluationOptions, measure
from seq2seq_demo.figures import EpochFigures, Figures
from seq2seq_demo.files.recording import checksum
from seq2seq_demo.files.weights_file import Checkpoint, Progress, Snapshot, TrainingRun
from seq2seq_demo.network.keras_network.dropout import Masks
from seq2seq_demo.network.keras_network.model import Lengths, Seq2Seq
from seq2seq_demo.network.memory_estimates import bytes_per_row, check_pair_fits
from seq2seq_demo.network.parameters import weight_shapes
from seq2seq_demo.trained_network import TrainedNetwork
from seq2seq_demo.training import recorder, workers
from seq2seq_demo.training.batches import (
    STEPS_PER_CALL,
    Batch,
    Widths,
    epoch_order,
    first_that_holds,
    padding_widths,
    row_keys,
    rows_in_part,
    stacked,
    switched,
)
from seq2seq_demo.training.early_stopping import best_epoch, finished, has_stalled
from seq2seq_demo.training.packed_adam import PackedAdam
from seq2seq_demo.training.snapshots import Snapshots

N_WIDTHS = 5  # of padding, in a long run


class Trainer:
    """The network's variables and Adam's, the compiled steps that change them, and how far they have come."""

    def __init__(self, config: TrainConfig, start: Snapshot[TrainedNetwork], widths: Widths) -> None:
        """Continue a training from a snapshot, maybe its first. The strategy in scope places the variables."""
        network = start.network
        self.strategy = tf.distribute.get_strategy()
        self.config, self.model_config, self.widths, self.start = config, network.model_config, widths, start
        self.reached, self.recording = network.reached, network.recording
        self.progress, self.best = start.progress, start.best
        self.start_step = start_step_of(network)
        for S, T in widths.wide:
            check_pair_fits(self.model_config, S, T)
        self.network = Seq2Seq(self.model_config, network.weights)
        self.variables = list(self.network.named_variables().values())
        self.adam = PackedAdam(weight_shapes(self.model_config), network.weights, network.moments, network.step)
        # TensorFlow alone fails on loops whose arrays are very large (TemporaryVariable).
        xla = use_xla(config) or bool(widths.wide)
        # XLA compiles no sum over workers: with several, it gets what each computes alone, a step at a time.
        alone = self.strategy.num_replicas_in_sync == 1
        compiled = functools.partial(tf.function, autograph=False)  # there is no control flow of Python to translate
        self.run_steps = compiled(self._run_steps, jit_compile=xla and alone)
        self.sums = self.packed_sums if alone else compiled(self.packed_sums, jit_compile=xla)

    # ---- A step ----

    def _run_steps(
        self, data: Batch, first: tf.Tensor, rows: tf.Tensor, learning_rates: tf.Tensor, sums: list[tf.Tensor]
    ) -> list[tf.Tensor]:
        """Take a step for each of K batches that has rows, from the `first` on; learning_rates: `[K]`.

        sums: of loss and of correct symbols, over the batches before; those of these steps are added to them.
        """
        B = self.config.batch_size

        def body(k: tf.Tensor, sums: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
            batch, whole = self.parted([x[k] for x in data])
            found = workers.sum_over_shares(self.strategy, self.sums, batch, *whole)
            self.adam.apply(found[2:], learning_rates[k])
            return k + 1, [sums[0] + found[0], sums[1] + found[1]]

        _, sums = tf.while_loop(lambda k, _: k * B < rows, body, (first, sums), parallel_iterations=1)
        return sums

    def parted(self, batch: Sequence[tf.Tensor]) -> tuple[tuple[tf.Tensor, ...], tuple[tf.Tensor, ...]]:
        """Return the tensors of a batch, to be shared by rows, and two facts about the whole batch.

        These are its number of symbols, and the index of the first of `widths.choices` that holds it.
        """
        lengths = Batch(*batch).lengths
        n_symbols = tf.reduce_sum(tf.cast(lengths[:, 1], tf.float32))
        return tuple(batch), (n_symbols, first_that_holds(lengths, self.widths.usual))

    def packed_sums(self, *arguments: tf.Tensor) -> tf.Tensor:
        """Return the sums of loss and of correct symbols, and the gradients of the mean loss, in one vector `[2 + N]`.

        The arguments are those that `parted` returns, but maybe of a share of the rows: then the vectors of all shares
        add up to that of the whole batch.
        """
        *batch, n_symbols, choice = arguments
        choices = [functools.partial(self._sums_of_parts, Batch(*batch), n_symbols, w) for w in self.widths.choices]
        return tf.concat([tf.reshape(x, [-1]) for x in switched(choice, choices)], axis=0)

    def _sums_of_parts(self, batch: Batch, n_symbols: tf.Tensor, widths: list[tuple[int, int]]) -> list[tf.Tensor]:
        """Return the sums, of as many rows at once as memory allows, each part at the first width that holds it."""
        B = rows = batch.sources.shape[0]
        if self.model_config.ends:
            rows = rows_in_part(B, max(bytes_per_row(self.model_config, *width) for width in widths), len(widths) > 2)

        def sums_of(part: Batch) -> list[tf.Tensor]:
            branches = [functools.partial(self._sums, part, n_symbols, width) for width in widths]
            return switched(first_that_holds(part.lengths, widths), branches)

        def body(first: tf.Tensor, sums: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
            part = Batch(*(tf.slice(x, [first, *[0] * (x.shape.rank - 1)], [rows, *x.shape[1:]]) for x in batch))
            return first + rows, [a + b for a, b in zip(sums, sums_of(part), strict=True)]

        if rows == B:
            return sums_of(batch)
        zeros = [tf.zeros(()), tf.zeros(()), *(tf.zeros(variable.shape) for variable in self.variables)]
        _, sums = tf.while_loop(lambda first, _: first < B, body, (0, zeros), parallel_iterations=1)
        return list(sums)

    def _sums(self, batch: Batch, n_symbols: tf.Tensor, width: tuple[int, int]) -> list[tf.Tensor]:
        """Return the sums of loss and of correct symbols, and the gradients of the mean loss over n symbols.

        width: that many columns of sources and targets are used. Only symbols within the lengths count.
        """
        sources, targets = batch.sources[:, : width[0]], batch.targets[:, : width[1]]
        lengths = Lengths(*tf.unstack(batch.lengths, axis=1))
        mask = tf.sequence_mask(lengths.targets, targets.shape[1], tf.float32)  # [B, T]
        dropout = Masks(self.config.dropout, batch.row_keys) if self.config.dropout else None
        with self.adam.watched(self.variables) as (tape, weights):
            # Where all answers have one length, nothing is padded, and 2016's network needs no lengths.
            losses, logits = self.network.losses(sources, targets, lengths if self.model_config.ends else None, dropout)
            loss_sum = tf.reduce_sum(losses * mask)
            loss = loss_sum / n_symbols
        is_correct = tf.argmax(logits, axis=-1, output_type=tf.int32) == tf.cast(targets, tf.int32)  # [B, T]
        correct_sum = tf.reduce_sum(tf.cast(is_correct, tf.float32) * mask)
        return [loss_sum, correct_sum, *map(tf.convert_to_tensor, tape.gradient(loss, weights))]

    # ---- The steps of an epoch ----

    def order(self, training: Pairs) -> np.ndarray:
        """Return the order of the epoch's pairs."""
        by_length = self.model_config.ends
        return epoch_order(training, self.config, self.start_step, self.progress.epoch, by_length)

    def run_epoch(self, training: Pairs, callbacks: Sequence[Callback], snapshots: Snapshots | None) -> None:
        """Train on the epoch's remaining pairs."""
        order, rows = self.order(training), STEPS_PER_CALL * self.config.batch_size
        for first in range(self.progress.points, len(order), rows):
            pairs, step_before = training[order[first : first + rows]], self.step
            loss, correct = self._take_steps(pairs)
            self._advance(len(pairs), loss, correct)
            symbols = self.n_symbols(pairs)
            for callback in callbacks:
                callback.on_steps_end(self.step, self.progress.points, loss / symbols, correct / symbols)
            if snapshots:
                snapshots.after_steps(step_before, self.step, self.snapshot)

    def _take_steps(self, pairs: Pairs) -> tuple[float, float]:
        """Take up to K steps; return the sums of loss and of correct symbols.

        Control returns in between where the weights are recorded. The sums then continue, so that no bit depends on it.
        """
        data, learning_rates, B = self.batches(pairs), self.learning_rates(), self.config.batch_size
        first, sums = 0, [tf.zeros(()), tf.zeros(())]
        for stop in self._stops(-(-len(pairs) // B)):
            rows = tf.constant(min(stop * B, len(pairs)))
            first, sums = stop, self.run_steps(data, tf.constant(first), rows, learning_rates, sums)
            self.record()
        return float(sums[0]), float(sums[1])

    def batches(self, pairs: Pairs) -> Batch:
        """Return pairs as K batches."""
        c, K = self.config, STEPS_PER_CALL
        keys = row_keys(c, self.step, K) if c.dropout else np.zeros((K, c.batch_size), np.uint32)
        arrays = stacked(pairs, self.widths.largest, self.model_config, c.batch_size)
        return Batch(*map(tf.constant, (*arrays, keys)))

    def learning_rates(self) -> tf.Tensor:
        """Return the learning rates of the next K steps, `[K]`."""
        c = self.config
        first = self.progress.epoch * c.steps_per_epoch + self.progress.points // c.batch_size
        share = (first + np.arange(STEPS_PER_CALL)) / (c.epochs * c.steps_per_epoch)  # of the run, 0 to 1
        factor = 0.5 + 0.5 * np.cos(np.pi * share) if c.lr_schedule == "cosine" else np.ones(STEPS_PER_CALL)
        return tf.constant(c.learning_rate * factor, tf.float32)

    def _stops(self, n_steps: int) -> Iterator[int]:
        """Yield after how many of the next n steps control has to return."""
        if self.recording is None:
            return iter([n_steps])
        return recorder.stops(self.config, self.step - self.start_step, n_steps)

    def record(self, is_end: bool = False) -> None:
        """Record the weights, if this step is one of those to record, or the last one."""
        if self.recording is None:
            return
        done = self.step - self.start_step
        if done > self.recording.steps[-1] and (is_end or recorder.is_recorded(self.config, done)):
            self.recording = self.recording.with_step(done, self.adam.named_weights())

    # ---- The training so far ----

    @property
    def step(self) -> int:
        """How many times Adam has changed the weights."""
        return int(self.adam.iterations.numpy())

    def n_symbols(self, pairs: Pairs) -> int:
        """Return how many symbols of targets count, with the END of each where the network ends its answers."""
        return int(pairs.targets.lengths.sum()) + len(pairs) * self.model_config.ends

    def is_done(self) -> bool:
        """Say whether the last epoch is over, the network is exact enough, or it no longer improves."""
        goal = self.config.stop_at_exact
        reached = self.reached if self.progress.epoch > 0 else None
        is_exact = goal is not None and reached is not None and reached.exact_match >= goal
        return is_exact or self.progress.epoch >= self.config.epochs or has_stalled(self.progress.history, self.config)

    def _advance(self, rows: int, loss: float, correct: float) -> None:
        """Count the pairs that were trained on, with the sums of their loss and of their correct symbols."""
        done = self.progress
        self.progress = replace(
            done, points=done.points + rows, loss_sum=done.loss_sum + loss, correct_sum=done.correct_sum + correct
        )
        if not math.isfinite(self.progress.loss_sum):
            loss_sum = self.progress.loss_sum
            raise TrainingError(f"the loss is {loss_sum} at step {self.step}: try a lower `learning_rate`")

    def end_epoch(self, training: Pairs, figures: Figures) -> None:
        """Note the figures of the epoch, on the training pairs and in validation; the next one begins."""
        done, symbols = self.progress, self.n_symbols(training)
        self.reached = figures
        epoch = EpochFigures(done.epoch + 1, self.step, done.loss_sum / symbols, done.correct_sum / symbols, figures)
        self.progress = Progress(done.epoch + 1, history=(*done.history, epoch))
        if self.config.keep_best and best_epoch(self.progress.history) is epoch:
            self.best = Checkpoint(self.adam.named_weights(), self.step, self.adam.named_moments())

    def trained_network(self) -> TrainedNetwork:
        """Return the network as it is now.

        Raises:
            TrainingError: a weight is not finite.
        """
        weights, moments = self.adam.named_weights(), self.adam.named_moments()
        if not all(np.isfinite(array).all() for array in (weights | moments).values()):
            raise TrainingError(f"a weight is not finite at step {self.step}: try a lower `learning_rate`")
        return replace(
            self.start.network,
            weights=weights,
            in_len=self.config.in_len,
            out_len=self.config.out_len,
            min_in_len=self.config.min_in_len,
            trained=TrainingRun(self.config, self.start_step),
            reached=self.reached,
            step=self.step,
            moments=moments,
            program=None,
            recording=self.recording,
        )

    def snapshot(self) -> Snapshot[TrainedNetwork]:
        """Return the training as it is now."""
        return Snapshot(self.trained_network(), self.progress, self.start.fingerprint, self.best)


def start_step_of(network: TrainedNetwork) -> int:
    """Return Adam's step where the training of a snapshot began."""
    return network.trained.start_step if network.trained else network.step


def use_xla(config: TrainConfig) -> bool:
    """Say whether the run is long enough to be worth compiling."""
    return config.epochs * config.n_training >= MIN_SAMPLES_FOR_XLA


def batch_widths(training: Pairs, config: TrainConfig, ends: bool) -> Widths:
    """Return the widths of batches of these pairs: one, where the answers of the network do not end."""
    if ends:
        return padding_widths(training, N_WIDTHS if use_xla(config) else 1)
    return Widths([(config.in_len, config.out_len)], [])


# ---- All epochs ----


@workers.lost_workers_reported()
def fit(
    task: Task,
    config: TrainConfig,
    start: TrainedNetwork | Snapshot[TrainedNetwork],
    callbacks: Sequence[Callback] = (),
    snapshots: Snapshots | None = None,
    join: Callable[[Trainer], object] | None = None,
) -> TrainedNetwork:
    """Train a network on the pairs of a task, from `start` on; return it.

    A snapshot resumes where it stopped. `snapshots` keeps the training while it is under way. Several workers, or
    GPUs, train it together; each worker returns it. `join` has the trainer share each batch with other processes.

    Raises:
        UsageError: the task does not fit these lengths or symbols, or the workers cannot share a batch.
        TrainingError: the loss or a weight is no longer finite, or another worker or process is lost.
        Interrupted: a signal came while `snapshots` kept the training; the last one holds it.
    """
    if isinstance(start, TrainedNetwork):
        start = Snapshot(replace(start, task=task.name, trained=None))
    model_config = start.network.model_config
    set_threads(model_config.cell_size, shares_cores=join is not None)
    strategy = workers.strategy(config.batch_size)
    workers.require_agreement(strategy, lambda: _facts(task, config, start))
    training, validation = task.draw(config, model_config, start_step_of(start.network))
    with strategy.scope():
        trainer = Trainer(config, start, batch_widths(training, config, model_config.ends))
    if join is not None:
        join(trainer)
    if snapshots:
        snapshots.after_steps(trainer.step, trainer.step, trainer.snapshot)  # a signal came while TensorFlow loaded
    while not trainer.is_done():
        for callback in callbacks:
            callback.on_epoch_begin(trainer.progress.epoch + 1)
        trainer.run_epoch(training, callbacks, snapshots)
        trainer.end_epoch(training, validation_figures(task, trainer.trained_network(), validation))
        network = trainer.trained_network()
        for callback in callbacks:
            callback.on_epoch_end(trainer.progress.history, network, validation)
        if snapshots:
            snapshots.save(trainer.snapshot())
    trainer.record(is_end=True)
    return finished(trainer.trained_network(), trainer.best, trainer.progress.history)


def validation_figures(task: Task, network: TrainedNetwork, validation: Pairs) -> Figures:
    """Measure the network on the validation pairs; a source in a user's pairs may have several targets."""
    options = EvaluationOptions(network.max_out_len, alternatives=isinstance(task, PairTask))
    return measure(network.to_numpy(), validation, options).figures


def _facts(task: Task, config: TrainConfig, start: Snapshot[TrainedNetwork]) -> str:
    """Return all facts in which the workers have to agree."""
    network = start.network
    taught = task.name, task.fingerprint(config, network.model_config)
    recorded = network.recording.steps if network.recording else None  # where all wait for each other
    weights = network.step, checksum(network.weights | network.moments)
    return repr((config, network.model_config, taught, start.progress, recorded, weights))
