"""The training loop: steps, epochs and validation.

A step decodes a batch with teacher forcing, and Adam updates the weights by the gradients of the mean loss over all
symbols except padding. One call of TensorFlow runs up to 64 steps as one compiled program, which serves batches of all
lengths: its loops stop after the longest sequence of the batch. The cost of attention grows with the padded width, so
the program has a branch for each of a few widths.
"""

import functools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, replace

from seq2seq_demo.network.keras_network.tensorflow_setup import set_threads  # before TensorFlow

# isort: split
import numpy as np
import tensorflow as tf

from seq2seq_demo import system_memory
from seq2seq_demo.data.pair_task import Task
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.errors import TrainingError, UsageError, WeightsError, require
from seq2seq_demo.network.keras_network.dropout import Masks
from seq2seq_demo.network.keras_network.model import Lengths, Seq2Seq, divergences, mean_losses
from seq2seq_demo.network.parameters import check_weights, weight_shapes
from seq2seq_demo.system_memory import bytes_per_row, check_fits
from seq2seq_demo.trained.metrics import Epoch, Figures
from seq2seq_demo.trained.plots import History
from seq2seq_demo.trained.trained_network import TrainedNetwork
from seq2seq_demo.trained.weights_file import Checkpoint, Progress
from seq2seq_demo.training import batches, results, workers
from seq2seq_demo.training.batches import FIRST_STEPS, STEPS_PER_CALL, Batch, Widths, batch_widths, use_xla
from seq2seq_demo.training.callbacks import Callback, TrainingState, notify_all
from seq2seq_demo.training.packed_adam import PackedAdam
from seq2seq_demo.training.snapshots import Snapshot, Snapshots

Notify = Callable[[str, Epoch, int], bool]  # calls a method of the callbacks with figures and points


class Trainer:
    """The state of a training run: network, optimizer, compiled steps and progress.

    `start` is the snapshot to start from, and `began` the `time.monotonic()` from which `minutes` count, by default
    now. The variables belong to the TensorFlow strategy that is in scope.
    """

    def __init__(self, start: Snapshot, widths: Widths, began: float | None = None) -> None:
        network, config = start.network, start.run.config
        self.strategy = tf.distribute.get_strategy()
        self.model_config, self.widths = network.model_config, widths
        self.config, self.start = config, start
        self.progress, self.best, self.is_stopped = start.progress, start.best, False
        self.history = network.history
        self.initial: tuple[Epoch, ...] = ()  # the network to continue from, as epoch 0, while it is the best
        self.start_step = start.run.start_step
        self.moments_since = network.moments_since if network.moments else network.step
        self.adam_step = network.step - self.moments_since
        self.clock = results.Clock(config, began, start.progress.seconds)
        self.copies = 2 if config.consistency else 1  # copies of a row have different dropout masks (Liang et al. 2021)
        # A batch is padded to `batch_size` rows, or fewer if there are few pairs. Each replica gets an equal part.
        block = 128 * self.strategy.num_replicas_in_sync
        self.batch_rows = min(config.batch_size, -(-config.n_training // block) * block)
        for S, T in widths.wide:
            check_fits(f"training: pairs of {S} + {T} symbols", bytes_per_row(self.model_config, S, T))
        self.network = Seq2Seq(self.model_config, network.weights)
        self.variables = list(self.network.named_variables().values())
        self.adam = PackedAdam(weight_shapes(self.model_config), network.weights, network.moments, self.adam_step)
        # Without XLA, TensorFlow's loops fail on very large arrays with an error about TemporaryVariable.
        self.uses_xla = use_xla(config, self.model_config.cell_size) or bool(widths.wide)
        # XLA cannot compile an all-reduce. With several replicas, each one compiles only its `packed_sums`.
        alone = self.strategy.num_replicas_in_sync == 1
        compiled = functools.partial(tf.function, autograph=False)  # there is no Python control flow to translate
        self.run_steps = compiled(self._run_steps, jit_compile=self.uses_xla and alone)
        self.sums = self.packed_sums if alone else compiled(self.packed_sums, jit_compile=self.uses_xla)

    # ---- A step ----

    def _run_steps(self, data: Batch, rows: tf.Tensor, learning_rates: tf.Tensor) -> list[tf.Tensor]:
        """Run one step per batch; return the loss sum and the number of correct symbols.

        Args:
            data: K batches.
            rows: stop before this row, counted over all K batches.
            learning_rates: one per batch, `[K]`.
        """
        B = self.batch_rows

        def body(k: tf.Tensor, sums: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
            batch = tuple(x[k] for x in data)
            total = workers.sum_over_shares(self.strategy, self.sums, batch, *self.batch_values(batch))
            self.adam.apply(total[2:], learning_rates[k])
            return k + 1, [sums[0] + total[0], sums[1] + total[1]]

        start = tf.constant(0), [tf.zeros(()), tf.zeros(())]
        _, sums = tf.while_loop(lambda k, _: k * B < rows, body, start, parallel_iterations=1)
        return list(sums)

    def batch_values(self, batch: Sequence[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the number of target symbols in a batch, and the index of the `widths.choices` entry that fits it.

        Replicas that share a batch need these values of the whole batch.
        """
        lengths = Batch(*batch).lengths
        n_symbols = tf.reduce_sum(tf.cast(lengths[:, 1], tf.float32))
        return n_symbols, batches.first_fitting_width(lengths, self.widths.usual)

    def packed_sums(self, *arguments: tf.Tensor) -> tf.Tensor:
        """Return one vector `[2 + W]`: the loss sum, the number of correct symbols, and the gradient of the W weights.

        The arguments are the tensors of a `Batch`, or of a share of its rows, followed by the `batch_values` of the
        whole batch. The vectors of all shares add up to the vector of the whole batch.
        """
        *batch, n_symbols, choice = arguments
        choices = [functools.partial(self._sum_microbatches, Batch(*batch), n_symbols, w) for w in self.widths.choices]
        return tf.concat([tf.reshape(x, [-1]) for x in batches.switch(choice, choices)], axis=0)

    def _sum_microbatches(self, batch: Batch, n_symbols: tf.Tensor, widths: list[tuple[int, int]]) -> list[tf.Tensor]:
        """Return the results of `_sums`, added up over microbatches if memory requires them."""
        B = rows = batch.sources.shape[0]
        if self.model_config.ends:
            n_bytes = max(bytes_per_row(self.model_config, *width) for width in widths) * self.copies
            rows = batches.microbatch_rows(B, n_bytes, one_by_one=len(widths) > 2)

        def sums_of(part: Batch) -> list[tf.Tensor]:
            branches = [functools.partial(self._sums, part, n_symbols, width) for width in widths]
            return batches.switch(batches.first_fitting_width(part.lengths, widths), branches)

        def body(first: tf.Tensor, sums: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
            part = Batch(*(tf.slice(x, [first, *[0] * (x.shape.rank - 1)], [rows, *x.shape[1:]]) for x in batch))
            return first + rows, [a + b for a, b in zip(sums, sums_of(part), strict=True)]

        if rows == B:
            return sums_of(batch)
        zeros = [tf.zeros(()), tf.zeros(()), *(tf.zeros(variable.shape) for variable in self.variables)]
        _, sums = tf.while_loop(lambda first, _: first < B, body, (0, zeros), parallel_iterations=1)
        return list(sums)

    def _sums(self, batch: Batch, n_symbols: tf.Tensor, width: tuple[int, int]) -> list[tf.Tensor]:
        """Return the loss sum, the number of correct symbols, and the gradients of loss sum / `n_symbols`.

        Sources and targets are cut to `width`. Padding does not count. Label smoothing and consistency change only the
        gradients.
        """
        if self.copies > 1:
            batch = batch.twice()
        sources, targets = batch.sources[:, : width[0]], batch.targets[:, : width[1]]
        lengths = Lengths(*tf.unstack(batch.lengths, axis=1))
        mask = tf.sequence_mask(lengths.targets, targets.shape[1], tf.float32) / self.copies  # [B, T]
        dropout = Masks(self.config.dropout, batch.row_keys) if self.config.dropout else None
        with self.adam.gradient_tape(self.variables) as (tape, weights):
            # A network that does not end its answers has pairs of one length, and needs no masks.
            losses, logits = self.network.losses(sources, targets, lengths if self.model_config.ends else None, dropout)
            loss_sum = tf.reduce_sum(losses * mask)
            loss = loss_sum / n_symbols
            if self.config.label_smoothing:
                loss += self.config.label_smoothing * tf.reduce_sum((mean_losses(logits) - losses) * mask) / n_symbols
            if self.config.consistency:
                loss += self.config.consistency * tf.reduce_sum(divergences(logits) * mask) / n_symbols
        is_correct = tf.argmax(logits, axis=-1, output_type=tf.int32) == tf.cast(targets, tf.int32)  # [B, T]
        correct_sum = tf.reduce_sum(tf.cast(is_correct, tf.float32) * mask)
        return [loss_sum, correct_sum, *map(tf.convert_to_tensor, tape.gradient(loss, weights))]

    # ---- The steps of an epoch ----

    def order(self, training: Pairs) -> np.ndarray:
        """Return the indices of the training pairs in the order of the current epoch."""
        return batches.epoch_order(training, self.config, self.start_step, len(self.history), self.model_config.ends)

    def run_epoch(self, training: Pairs, notify: Notify, snapshots: Snapshots | None) -> None:
        """Train on the remaining pairs of the current epoch; `notify` returns whether a callback ends it.

        Raises:
            TrainingError: the loss is not finite, or another worker is lost.
            Interrupted: a signal arrived; the last snapshot holds this step.
        """
        order, rows = self.order(training), STEPS_PER_CALL * self.batch_rows
        while (first := self.progress.points) < len(order):
            # The first call is short, because users wait for its figures.
            end = FIRST_STEPS * self.batch_rows if self.step == self.start_step else (first // rows + 1) * rows
            pairs, step_before = training[order[first:end]], self.step
            loss, correct = self.take_steps(pairs)
            self.clock.start()
            if self.uses_xla and step_before == self.start.network.step:  # XLA has used hundreds of megabytes
                system_memory.release()
            self._advance(len(pairs), loss, correct)
            n_symbols = self.n_symbols(pairs)
            figures = self.epoch(loss / n_symbols, correct / n_symbols)
            self.is_stopped = notify("on_steps_end", figures, self.progress.points)
            if snapshots:
                snapshots.after_steps(step_before, self.step, self.snapshot)
            if self.is_stopped or self.clock.is_over:
                return

    def take_steps(self, pairs: Pairs) -> tuple[float, float]:
        """Run up to K steps; return the loss sum and the number of correct symbols."""
        loss_sum, correct_sum = self.run_steps(self.batches(pairs), tf.constant(len(pairs)), self.learning_rates())
        return float(loss_sum), float(correct_sum)

    def batches(self, pairs: Pairs) -> Batch:
        """Return up to K · B pairs as K batches, with the dropout seeds of the next K steps."""
        c, shape = self.config, (STEPS_PER_CALL, self.batch_rows)
        keys = batches.row_keys(c.seed, self.step, shape) if c.dropout else np.zeros(shape, np.uint32)
        arrays = batches.stack_batches(pairs, self.widths.largest, self.model_config, self.batch_rows)
        return Batch(*map(tf.constant, (*arrays, keys)))

    def learning_rates(self) -> tf.Tensor:
        """Return the learning rates of the next K steps, `[K]`."""
        c = self.config
        first = len(self.history) * c.steps_per_epoch + self.progress.points // c.batch_size
        by_steps = (first + np.arange(STEPS_PER_CALL)) / (c.epochs * c.steps_per_epoch)
        share_done = np.full(STEPS_PER_CALL, self.clock.share_done) if c.minutes else by_steps
        factor = 0.5 + 0.5 * np.cos(np.pi * share_done) if c.lr_schedule == "cosine" else np.ones(STEPS_PER_CALL)
        return tf.constant(c.learning_rate * factor, tf.float32)

    # ---- Progress ----

    @property
    def step(self) -> int:
        """The number of updates that the weights have received."""
        return self.moments_since + int(self.adam.iterations.numpy())

    def epoch(self, *figures: float) -> Epoch:
        """Return the current epoch, with its first figures."""
        return Epoch(len(self.history) + 1, self.step, *figures)

    def n_symbols(self, pairs: Pairs) -> int:
        """Return the number of target symbols, with END if the network ends its answers."""
        return int(pairs.targets.lengths.sum()) + len(pairs) * self.model_config.ends

    def is_done(self) -> bool:
        """Whether the epochs or the time limit are used up, or a callback or a setting stops the training early."""
        history, config = self.history, self.config
        is_over = len(history) >= config.epochs
        if config.minutes:  # an epoch that has begun ends with its validation
            is_over = bool(history) and not self.progress.points and self.clock.is_over
        return self.is_stopped or is_over or results.stop_reason(history, config) is not None

    def _advance(self, rows: int, loss: float, correct: float) -> None:
        """Add `rows` training pairs, with their loss sum and number of correct symbols, to the progress."""
        progress = self.progress
        loss_sum, correct_sum = progress.loss_sum + loss, progress.correct_sum + correct
        self.progress = replace(progress, points=progress.points + rows, loss_sum=loss_sum, correct_sum=correct_sum)
        if not math.isfinite(loss_sum):
            raise TrainingError(f"the loss is {loss_sum} at step {self.step}: try a lower `learning_rate`")

    def end_epoch(self, training: Pairs, figures: Figures) -> None:
        """Append the epoch's training figures and these validation figures to the history; begin the next epoch."""
        progress = self.progress
        if progress.points < len(training):  # a callback or the time limit ended the epoch
            training = training[self.order(training)[: progress.points]]
        symbols = self.n_symbols(training)
        epoch = self.epoch(progress.loss_sum / symbols, progress.correct_sum / symbols, *astuple(figures))
        self.progress, self.history = Progress(), History((*self.history, epoch))
        if self.config.saves_best and results.best_epoch((*self.initial, *self.history)) is epoch:
            self.best = self.checkpoint()

    def checkpoint(self) -> Checkpoint:
        """Return the current weights and Adam's state."""
        return Checkpoint(self.adam.weights_by_name(), self.step, self.adam.moments_by_name())

    def trained_network(self) -> TrainedNetwork:
        """Return the network with its current weights.

        Raises:
            TrainingError: a weight is not finite, or too large for a weights file.
        """
        state = self.checkpoint()
        try:
            check_weights(state.weights, state.moments)
        except WeightsError as error:
            raise TrainingError(f"{error} at step {self.step}: try a lower `learning_rate`") from error
        return replace(
            self.start.network,
            **state._asdict(),
            moments_since=self.moments_since,
            validation=self.history[-1].validation if self.history else self.start.network.validation,
            history=self.history,
        )

    def network_at(self, step: int) -> TrainedNetwork:
        """Return the network as in `trained_network`; raise UsageError unless it is at this step."""
        require(self.step == step, f"expected `network` of step {step} to be read before step {self.step}", UsageError)
        return self.trained_network()

    def snapshot(self) -> Snapshot:
        """Return the state that a resumed run needs."""
        progress = replace(self.progress, seconds=self.clock.spent)
        return Snapshot(self.trained_network(), progress, self.best)


# ---- A whole run ----


@workers.report_lost_workers()
def fit(
    task: Task,
    start: Snapshot,
    callbacks: Sequence[Callback] = (),
    snapshots: Snapshots | None = None,
    began: float | None = None,
) -> TrainedNetwork:
    """Train a network on a task and return it; each of several workers returns the same network.

    `train_side_by_side` in `members.py` trains an ensemble.

    Args:
        task: the task, which provides the pairs.
        start: the training run before its first step, or a snapshot to resume.
        callbacks: objects whose methods are called after steps and epochs.
        snapshots: saves the state of the run regularly and on signals.
        began: the `time.monotonic()` from which a time limit counts; by default now.

    Raises:
        UsageError: the task does not fit the configs, or the workers cannot share a batch.
        TrainingError: the loss or a weight is not finite, or another worker is lost.
        Interrupted: a signal arrived and `snapshots` was given; the last snapshot holds the run.
    """
    model_config, config = start.network.model_config, start.run.config
    set_threads(model_config.cell_size)
    strategy = workers.strategy(config.batch_size)
    workers.require_agreement(strategy, start)
    training, validation = task.draw(config, model_config, start.run.start_step)
    with strategy.scope():
        trainer = Trainer(start, batch_widths(training, config, model_config.ends), began)
    if trainer.best and trainer.best.step == start.run.start_step:
        initial = results.validation_figures(task, replace(start.network, **trainer.best._asdict()), validation)
        trainer.initial = (Epoch(0, trainer.best.step, math.nan, math.nan, *astuple(initial)),)
    shown = validation[~validation.unseen_by(trainer.model_config)]

    def notify(method: str, figures: Epoch, points: int) -> bool:
        at = figures.epoch, figures.step, points, figures, trainer.history
        state = TrainingState(*at, trainer.network_at, shown, start.network.vocabularies)
        return notify_all(callbacks, method, state)

    if snapshots:  # a signal may have arrived during the seconds in which TensorFlow loads
        snapshots.after_steps(trainer.step, trainer.step, trainer.snapshot)
    while not trainer.is_done():
        if notify("on_epoch_begin", trainer.epoch(), trainer.progress.points):
            break
        trainer.run_epoch(training, notify, snapshots)
        began, points = time.monotonic(), trainer.progress.points
        trainer.end_epoch(training, results.validation_figures(task, trainer.trained_network(), validation))
        trainer.clock.validation = time.monotonic() - began
        trainer.is_stopped |= notify("on_epoch_end", trainer.history[-1], points)
        if snapshots:
            snapshots.after_epoch(trainer.snapshot, trainer.is_done())
    network = results.finished(trainer.trained_network(), trainer.best, trainer.initial)
    return results.calibrated(network, validation) if task.is_pairs else replace(network, n_validated=len(validation))
