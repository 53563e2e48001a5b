"""The training loop: loss, gradients, Adam, epochs, and the figures of each on the validation set."""

import functools
import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from seq2seq_demo.network.keras_network.tensorflow_setup import XLA_PAYS_FROM, set_threads  # before TensorFlow

# isort: split
import numpy as np
import tensorflow as tf

from seq2seq_demo.callbacks import Callback
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data import batches
from seq2seq_demo.data.tasks import Task
from seq2seq_demo.errors import TrainingError
from seq2seq_demo.evaluation import EpochFigures, Figures, measure
from seq2seq_demo.network.keras_network.model import Seq2Seq
from seq2seq_demo.network.parameters import Weights, weight_shapes
from seq2seq_demo.trained_network import Progress, TrainedNetwork, TrainingRun
from seq2seq_demo.training import recorder, workers
from seq2seq_demo.training.best import finished, has_stalled, kept
from seq2seq_demo.training.packed import PackedAdam
from seq2seq_demo.training.processes import Processes
from seq2seq_demo.training.snapshots import Snapshots

STEPS_PER_CALL = 64


@workers.lost_workers_reported()
def fit(
    task: Task,
    config: TrainConfig,
    start: TrainedNetwork,
    callbacks: Sequence[Callback] = (),
    snapshots: Snapshots | None = None,
    group: Processes | None = None,
) -> TrainedNetwork:
    """Train a network on the points of a task, from `start` on; return it.

    A snapshot resumes where it stopped. `snapshots` keeps the training while it is under way. Several workers, or
    GPUs, train it together; each worker returns it. A `group` of processes shares each batch.

    Raises:
        UsageError: the task does not fit these lengths or symbols, or the workers cannot share a batch.
        TrainingError: the loss or a weight is no longer finite, or another worker or process is lost.
        Interrupted: a signal came while `snapshots` kept the training; the last one holds it.
    """
    set_threads(start.model_config.cell_size, shares_cores=group is not None)
    strategy = workers.strategy(config.batch_size)
    workers.require_agreement(strategy, lambda: _facts(task, config, start))
    training, validation = task.draw(config, start.model_config, start_step(start))
    with strategy.scope():
        trainer = _trainer(task.name, config, start, training, task.digest is not None)
    if group is not None:
        group.join(trainer, trainer.recipe())
    if snapshots:
        snapshots.after_steps(trainer.step, trainer.step, trainer.snapshot)  # a signal came while TensorFlow loaded
    while not trainer.is_done():
        for callback in callbacks:
            callback.on_epoch_begin(trainer.progress.epoch)
        trainer.run_epoch(training, callbacks, snapshots)
        trainer.end_epoch(trainer.n_symbols(training), trainer.measure(validation))
        network = trainer.snapshot()
        for callback in callbacks:
            callback.on_epoch_end(trainer.progress.history, network, validation)
        if snapshots:
            snapshots.save(network)
    trainer.record(is_end=True)
    return finished(trainer.snapshot())


def start_step(start: TrainedNetwork) -> int:
    """Return Adam's step where the training that a snapshot is of began, or where a new one of a network begins."""
    return start.trained.start_step if start.trained and start.progress else start.step


def _trainer(task: str, config: TrainConfig, start: TrainedNetwork, training: Any, alternatives: bool) -> "Trainer":
    """Return what trains a network on points of one length or of several, with dropout or without."""
    if config.dropout:
        from seq2seq_demo.training.dropout_loop import dropout_trainer

        return dropout_trainer(task, config, start, training, alternatives)
    if not config.varies:
        return Trainer(task, config, start)
    from seq2seq_demo.training.varied_loop import VariedTrainer  # which is a `Trainer`

    return VariedTrainer(task, config, start, training, alternatives)


class Recipe(NamedTuple):
    """Makes the same trainer in another process."""

    task: str
    config: TrainConfig
    model_config: ModelConfig
    weights: Weights
    widths: Any  # of padding, where lengths vary
    alternatives: bool


def trainer_of(recipe: Recipe) -> "Trainer":
    """Return a trainer like the one whose recipe it is, in a process that shares the cores."""
    set_threads(recipe.model_config.cell_size, shares_cores=True)
    start = TrainedNetwork(recipe.model_config, recipe.weights)
    return _trainer(recipe.task, recipe.config, start, recipe.widths, recipe.alternatives)


def _facts(task: Task, config: TrainConfig, start: TrainedNetwork) -> str:
    """Return what every worker has to start with; that of a first snapshot is that of a fresh network."""
    taught = task.name, task.fingerprint(config, start.model_config)
    weights = TrainedNetwork(start.model_config, start.weights, step=start.step, moments=start.moments).to_bytes()
    recorded = start.recording.steps if start.recording else None  # says where steps end: all wait for each other there
    return repr((config, taught, start.progress or Progress(), recorded, hashlib.sha256(weights).hexdigest()))


def use_xla(config: TrainConfig) -> bool:
    """Say whether the run is long enough to be worth compiling."""
    return config.epochs * config.n_training >= XLA_PAYS_FROM


class Trainer:
    """The network's variables and Adam's, the compiled steps that change them, and how far they have come."""

    def __init__(self, task: str, config: TrainConfig, start: TrainedNetwork) -> None:
        """Begin with the weights, Adam's state and, if it is a snapshot, the progress of `start`.

        The strategy in scope says where the variables live.
        """
        self.strategy = tf.distribute.get_strategy()
        self.task, self.config, self.model_config = task, config, start.model_config
        self.reached, self.progress = start.reached, start.progress or Progress()
        self.start_step, self.vocabularies = start_step(start), start.vocabularies
        self.best = start.best if start.progress else None  # or it is of another training
        self.recording = start.recording
        self.network = self.make_network(start)
        self.variables = list(self.network.named_variables().values())
        self.adam = PackedAdam(weight_shapes(start.model_config), start.weights, start.moments, start.step)
        # XLA compiles no sum over workers: with several, it gets what each computes alone, a step at a time.
        alone = self.strategy.num_replicas_in_sync == 1
        compiled = functools.partial(tf.function, autograph=False)  # there is no control flow of Python to translate
        self.run_steps = compiled(self._run_steps, jit_compile=self.uses_xla() and alone)
        self.sums = self.packed_sums if alone else compiled(self.packed_sums, jit_compile=self.uses_xla())
        self.take = self.take_alone  # or several processes do

    def uses_xla(self) -> bool:
        """Say whether to compile."""
        return use_xla(self.config)

    def make_network(self, start: TrainedNetwork) -> Seq2Seq:
        """Return the network that is trained."""
        return Seq2Seq(start.model_config, start.weights)

    def measure(self, validation: Any) -> Figures:
        """Return what the network reaches on the validation points."""
        return measure(self.snapshot().to_numpy(), validation).figures

    def recipe(self) -> Recipe:
        """Return what `trainer_of` makes such a trainer of."""
        return Recipe(self.task, self.config, self.model_config, self.adam.named_weights(), None, False)

    def n_symbols(self, pairs: Any) -> int:
        """Return how many symbols of targets count."""
        return len(pairs.sources) * self.config.out_len

    @property
    def step(self) -> int:
        """How many times Adam has changed the weights."""
        return int(self.adam.iterations.numpy())

    def is_done(self) -> bool:
        """Say whether the last epoch is over, the network is exact enough, or it has ceased to get better."""
        goal = self.config.stop_at_exact
        reached = self.reached if self.progress.epoch > 0 else None
        is_exact = goal is not None and reached is not None and reached.exact_match >= goal
        return is_exact or self.progress.epoch >= self.config.epochs or has_stalled(self.progress.history, self.config)

    def snapshot(self) -> TrainedNetwork:
        """Return the network as it is now.

        Raises:
            TrainingError: a weight is not finite.
        """
        weights, moments = self.adam.named_weights(), self.adam.named_moments()
        if not all(np.isfinite(array).all() for array in (weights | moments).values()):
            raise TrainingError(f"a weight is not finite at step {self.step}: try a lower --learning-rate")
        return TrainedNetwork(
            model_config=self.model_config,
            weights=weights,
            task=self.task,
            in_len=self.config.in_len,
            out_len=self.config.out_len,
            min_in_len=self.config.min_in_len,
            trained=TrainingRun(self.config, self.start_step),
            reached=self.reached,
            step=self.step,
            moments=moments,
            progress=self.progress,
            vocabularies=self.vocabularies,
            best=self.best,
            recording=self.recording,
        )

    def run_epoch(self, training: Any, callbacks: Sequence[Callback], snapshots: Snapshots | None) -> None:
        """Train on the epoch's remaining points."""
        remaining = self.order(training)[self.progress.points :]
        for pairs in batches.chunks(training, remaining, STEPS_PER_CALL * self.config.batch_size):
            step_before, rows = self.step, len(pairs.sources)
            loss, correct = self._take_steps(pairs, rows)
            self._advance(rows, loss, correct)
            symbols = self.n_symbols(pairs)
            for callback in callbacks:
                callback.on_steps_end(self.step, self.progress.points, loss / symbols, correct / symbols)
            if snapshots:
                snapshots.after_steps(step_before, self.step, self.snapshot)

    def _take_steps(self, pairs: Any, rows: int) -> tuple[float, float]:
        """Take up to K steps; return the sums of loss and of correct symbols.

        Control returns in between where the weights are recorded. The sums then continue, so that no bit depends on it.
        """
        data, learning_rates, B = self.batches(pairs), self.learning_rates(), self.config.batch_size
        first, sums = 0, [np.float32(0), np.float32(0)]
        for stop in self._stops(-(-rows // B)):
            first, sums = stop, self.take(data, first, min(stop * B, rows), learning_rates, sums)
            self.record()
        return float(sums[0]), float(sums[1])

    def take_alone(
        self, data: list[tf.Tensor], first: int, rows: int, learning_rates: tf.Tensor, sums: list[np.float32]
    ) -> list[np.float32]:
        """Take steps from the `first` on, until so many rows are over; return the sums of loss and of correct symbols.

        data: as `batches` returns it.
        sums: those of the batches before.
        """
        return self.run_steps(data, tf.constant(first), tf.constant(rows), learning_rates, *map(tf.constant, sums))

    def _stops(self, n_steps: int) -> list[int]:
        """Return after how many of the next n steps control has to return."""
        if self.recording is None:
            return [n_steps]
        return [*recorder.stops(self.config, self.step - self.start_step, n_steps)]

    def record(self, is_end: bool = False) -> None:
        """Keep the weights if there is a recording which is to have them: the last ones, if this is the end."""
        if self.recording is None:
            return
        done = self.step - self.start_step
        if done > self.recording.steps[-1] and (is_end or recorder.is_recorded(self.config, done)):
            self.recording = self.recording.with_step(done, self.adam.named_weights())

    def order(self, training: Any) -> np.ndarray:
        """Return the order of the epoch's points."""
        return batches.epoch_order(self.config, self.start_step, self.progress.epoch)

    def _advance(self, rows: int, loss: float, correct: float) -> None:
        """Count the points that were trained on, with the sums of their loss and of their correct symbols."""
        done = self.progress
        self.progress = replace(
            done, points=done.points + rows, loss_sum=done.loss_sum + loss, correct_sum=done.correct_sum + correct
        )
        if not math.isfinite(self.progress.loss_sum):
            loss_sum = self.progress.loss_sum
            raise TrainingError(f"the loss is {loss_sum} at step {self.step}: try a lower --learning-rate")

    def end_epoch(self, symbols: int, figures: Figures) -> None:
        """Note what the epoch reached on its points, which have so many symbols, and in validation; the next begins."""
        done = self.progress
        means = done.loss_sum / symbols, done.correct_sum / symbols
        self.reached = figures
        epoch = EpochFigures(done.epoch + 1, self.step, *means, figures)
        self.progress = Progress(done.epoch + 1, history=(*done.history, epoch))
        self.best = kept(self.snapshot(), self.config, self.best)

    def batches(self, pairs: Any) -> list[tf.Tensor]:
        """Return sources `[K, B, S]` and targets `[K, B, T]` for K steps; rows that are lacking are zeros."""
        K, B = STEPS_PER_CALL, self.config.batch_size
        stacked = []
        for symbols in pairs:
            padded = np.zeros((K * B, symbols.shape[1]), symbols.dtype)
            padded[: len(symbols)] = symbols
            stacked.append(tf.constant(padded.reshape(K, B, -1)))
        return stacked

    def learning_rates(self) -> tf.Tensor:
        """Return the learning rates of the next K steps, `[K]`."""
        c = self.config
        first = self.progress.epoch * c.steps_per_epoch + self.progress.points // c.batch_size
        share = (first + np.arange(STEPS_PER_CALL)) / (c.epochs * c.steps_per_epoch)  # of the run, 0 to 1
        factor = 0.5 + 0.5 * np.cos(np.pi * share) if c.lr_schedule == "cosine" else np.ones(STEPS_PER_CALL)
        return tf.constant(c.learning_rate * factor, tf.float32)

    def _run_steps(
        self,
        data: list[tf.Tensor],
        first: tf.Tensor,
        rows: tf.Tensor,
        learning_rates: tf.Tensor,
        loss: tf.Tensor,
        correct: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Take a step for each batch that has rows, from the `first` on.

        data: as `batches` returns it.
        loss, correct: sums over the batches before; they are returned with what the steps add to them.
        """
        B = self.config.batch_size

        def body(k: tf.Tensor, loss_sum: tf.Tensor, correct_sum: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            batch, whole = self.parted([x[k] for x in data], rows - k * B)
            sums = workers.sum_over_shares(self.strategy, self.sums, batch, *whole)
            self.adam.apply(sums[2:], learning_rates[k])
            return k + 1, loss_sum + sums[0], correct_sum + sums[1]

        _, loss, correct = tf.while_loop(
            lambda k, *_: k * B < rows, body, (first, loss, correct), parallel_iterations=1
        )
        return loss, correct

    def parted(self, batch: list[tf.Tensor], rows: tf.Tensor) -> tuple[tuple[tf.Tensor, ...], tuple[tf.Tensor, ...]]:
        """Return what of a batch is shared by rows, and what each share has to know of the whole.

        Only so many `rows` are there, or all; a mask `[B]` is 0 for those that are lacking.
        """
        row_mask = tf.cast(tf.range(self.config.batch_size) < rows, tf.float32)  # [B]
        return (*batch, row_mask), (tf.reduce_sum(row_mask),)

    def packed_sums(self, *arguments: tf.Tensor) -> tf.Tensor:
        """Return what `_sums` does in one vector `[2 + N]`, so that workers add up one."""
        return tf.concat([tf.reshape(x, [-1]) for x in self._sums(*arguments)], axis=0)

    def _sums(self, sources: tf.Tensor, targets: tf.Tensor, row_mask: tf.Tensor, rows: tf.Tensor) -> list[tf.Tensor]:
        """Return the sums of loss and of correct symbols, and the gradients of the mean loss.

        With several workers, B is this one's share, and adding up makes the sums and gradients of the whole batch,
        which has so many `rows`.
        """
        with self.adam.watched(self.variables) as (tape, weights):
            losses, logits = self.network.forced_losses(sources, targets)  # [B, T], [B, T, V]
            loss_sum = tf.reduce_sum(losses * row_mask[:, None])
            loss = loss_sum / (rows * targets.shape[1])
        is_correct = tf.argmax(logits, axis=-1, output_type=tf.int32) == tf.cast(targets, tf.int32)  # [B, T]
        correct_sum = tf.reduce_sum(tf.cast(is_correct, tf.float32) * row_mask[:, None])
        return [loss_sum, correct_sum, *tape.gradient(loss, weights)]
