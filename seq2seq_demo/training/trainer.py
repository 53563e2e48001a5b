"""The training loop, with up to 64 steps per call and validation after each epoch."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from seq2seq_demo.network.keras_network.tensorflow_setup import release_memory, set_threads  # before TensorFlow

# isort: split
import numpy as np

from seq2seq_demo.data.pair_task import Task
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.errors import TrainingError, UsageError, WeightsError, require
from seq2seq_demo.network.parameters import check_weights
from seq2seq_demo.trained.metrics import Epoch, Metrics
from seq2seq_demo.trained.plots import History
from seq2seq_demo.trained.saved_network import Progress
from seq2seq_demo.trained.trained_network import TrainedNetwork
from seq2seq_demo.training import workers
from seq2seq_demo.training.batches import FIRST_STEPS, STEPS_PER_CALL, Widths, batch_widths, epoch_order
from seq2seq_demo.training.callbacks import Callback, TrainingState, notify_all
from seq2seq_demo.training.snapshots import Snapshot, Snapshots
from seq2seq_demo.training.steps import Steps
from seq2seq_demo.training.validation import (
    best_epoch,
    calibrated,
    kept_epoch,
    last_epoch,
    learned_after,
    stop_after,
    validation_metrics,
)


@workers.report_lost_workers()
def fit(
    task: Task, start: Snapshot, callbacks: Sequence[Callback] = (), snapshots: Snapshots | None = None
) -> TrainedNetwork:
    """Train a network on a task and return it. If there are several workers, all return the same network.

    Args:
        task: the task, which provides the pairs.
        start: the training run before its first step, or a snapshot to resume.
        callbacks: objects whose methods are called after steps and epochs.
        snapshots: saves the state of the run regularly and when a signal arrives.

    Raises:
        UsageError: the task does not fit the configs, or the workers cannot share a batch.
        TrainingError: the loss or a weight is not finite, or another worker is lost.
        Interrupted: a signal arrived and `snapshots` was given; the last snapshot contains the state of the run.
    """
    model_config, config = start.network.model_config, start.run.config
    set_threads(model_config.cell_size)
    strategy = workers.strategy(config.batch_size)
    workers.require_agreement(strategy, start)
    training, validation = task.draw(config, model_config, start.run.start_step)
    known = validation[~validation.unseen_by(model_config)]
    with strategy.scope():
        trainer = Trainer(start, batch_widths(training, config, model_config.ends))

    def notify(method: str, metrics: Epoch, points: int) -> bool:
        state = TrainingState(
            epoch=metrics.epoch,
            step=metrics.step,
            points=points,
            figures=metrics,
            history=trainer.history,
            _network=trainer.network_at,
            _pairs=known,
            _vocabularies=start.network.vocabularies,
        )
        return notify_all(callbacks, method, state)

    if start.best and start.best.step == start.run.start_step:  # the network to continue from is the best so far
        epoch_0 = Epoch(0, start.best.step).validated(validation_metrics(task, start.best, validation))
        trainer.epochs = [epoch_0, *trainer.epochs]
    if snapshots:  # a signal may have arrived while TensorFlow was loading, which takes seconds
        snapshots.after_steps(trainer.step, trainer.step, trainer.snapshot)
    stop = trainer.is_over()
    while not stop:
        if notify("on_epoch_begin", trainer.new_epoch(), trainer.progress.points):
            break
        for pairs in trainer.calls(training):
            step_before = trainer.step
            metrics = trainer.train(pairs)
            stop = notify("on_steps_end", metrics, trainer.progress.points)
            if snapshots:
                snapshots.after_steps(step_before, trainer.step, trainer.snapshot)
            if stop:
                break
        points = trainer.progress.points
        trainer.end_epoch(training, validation_metrics(task, trainer.trained_network(), validation))
        stop = notify("on_epoch_end", trainer.history[-1], points) or stop or trainer.is_over()
        if snapshots:
            snapshots.after_epoch(trainer.snapshot, stop)
    network = trainer.result()
    return calibrated(network, validation) if task.is_pairs else replace(network, n_validated=len(validation))


class Trainer:
    """A training run: the steps that change its network, and its progress.

    `start` is the snapshot to start from. The variables belong to the TensorFlow strategy that is in scope.
    """

    def __init__(self, start: Snapshot, widths: Widths) -> None:
        self.start, self.config = start, start.run.config
        self.steps = Steps(start.network, self.config, widths)
        self.progress, self.best = start.progress, start.best
        self.epochs = [*start.network.history]  # completed; epoch 0, if present, is the network to continue from

    @property
    def step(self) -> int:
        """The number of updates that the weights have received."""
        return self.steps.step

    @property
    def history(self) -> History:
        """The completed epochs of this run."""
        return History(epoch for epoch in self.epochs if epoch.epoch > 0)

    # ---- An epoch ----

    def calls(self, training: Pairs) -> Iterator[Pairs]:
        """Yield the pairs for each remaining call of TensorFlow in this epoch."""
        order, rows = self.order(training), STEPS_PER_CALL * self.steps.batch_rows
        while (first := self.progress.points) < len(order):
            # The first call of a run is short, because users wait for its metrics.
            is_first = self.step == self.start.run.start_step
            end = FIRST_STEPS * self.steps.batch_rows if is_first else (first // rows + 1) * rows
            yield training[order[first:end]]

    def order(self, training: Pairs) -> np.ndarray:
        """Return the indices of the training pairs in the order of the current epoch."""
        by_length = self.start.network.ends
        return epoch_order(training, self.config, self.start.run.start_step, len(self.history), by_length)

    def train(self, pairs: Pairs) -> Epoch:
        """Take a step for each batch of these pairs; return the epoch with the loss and token accuracy on them.

        Raises:
            TrainingError: the loss is not finite.
        """
        is_first, progress = self.step == self.start.network.step, self.progress
        loss, correct = self.steps.take(pairs, self.learning_rates())
        if self.steps.uses_xla and is_first:  # compilation has used hundreds of megabytes
            release_memory()
        points, loss_sum = progress.points + len(pairs), progress.loss_sum + loss
        correct_sum = progress.correct_sum + correct
        self.progress = replace(progress, points=points, loss_sum=loss_sum, correct_sum=correct_sum)
        if not math.isfinite(loss_sum):
            raise TrainingError(f"the loss is {loss_sum} at step {self.step}: try a lower `learning_rate`")
        return self.epoch_of(pairs, loss, correct)

    def learning_rates(self) -> np.ndarray:
        """Return the learning rates of the next K steps, `[K]`."""
        c = self.config
        if c.lr_schedule == "constant":
            return np.full(STEPS_PER_CALL, c.learning_rate)
        steps = np.arange(STEPS_PER_CALL) + self.progress.points // c.batch_size
        epochs = len(self.history) + steps / c.steps_per_epoch
        if (learned := learned_after(self.history, c)) is not None:  # the rest of the cosine, in fewer epochs
            epochs = learned + (epochs - learned) * (c.epochs - learned) / (last_epoch(self.history, c) - learned)
        return c.learning_rate * (0.5 + 0.5 * np.cos(np.pi * np.minimum(epochs / c.epochs, 1)))

    def end_epoch(self, training: Pairs, validation: Metrics) -> None:
        """Complete the epoch with its validation metrics and begin the next one."""
        progress, pairs = self.progress, training
        if progress.points < len(training):  # a callback ended the epoch early
            pairs = training[self.order(training)[: progress.points]]
        epoch = self.epoch_of(pairs, progress.loss_sum, progress.correct_sum).validated(validation)
        self.progress, self.epochs = Progress(), [*self.epochs, epoch]
        if self.config.saves_best and best_epoch(self.epochs, self.config.best_epoch_window) is epoch:
            self.best = self.trained_network()

    def new_epoch(self) -> Epoch:
        """Return the current epoch without any metrics."""
        return Epoch(len(self.history) + 1, self.step)

    def epoch_of(self, pairs: Pairs, loss_sum: float, correct_sum: float) -> Epoch:
        """Return the current epoch with the loss and token accuracy on these pairs."""
        # Targets include END if the network ends its answers.
        n_symbols = int(pairs.targets.lengths.sum()) + len(pairs) * self.start.network.ends
        return replace(self.new_epoch(), loss=loss_sum / n_symbols, forced_token_accuracy=correct_sum / n_symbols)

    def is_over(self) -> bool:
        """Return whether the run ends now. An epoch that has begun is always completed with validation."""
        return not self.progress.points and stop_after(self.history, self.config) is not None

    # ---- The network ----

    def trained_network(self) -> TrainedNetwork:
        """Return the network with its current weights.

        Raises:
            TrainingError: a weight is not finite, or too large for a weights file.
        """
        start, history = self.start.network, self.history
        weights, moments = self.steps.adam.by_name()
        try:
            check_weights(weights, moments)
        except WeightsError as error:
            raise TrainingError(f"{error} at step {self.step}: try a lower `learning_rate`") from error
        metrics = history[-1].validation if history else start.validation
        network = replace(start, weights=weights, step=self.step, validation=metrics, history=history)
        return replace(network, moments=moments, moments_since=self.steps.moments_since)

    def network_at(self, step: int) -> TrainedNetwork:
        """Return the network as in `trained_network`; raise UsageError unless it is at this step."""
        require(self.step == step, f"the `network` of step {step} must be read before step {self.step}", UsageError)
        return self.trained_network()

    def snapshot(self) -> Snapshot:
        """Return the state that a resumed run needs."""
        return Snapshot(self.trained_network(), self.progress, self.best)

    def result(self) -> TrainedNetwork:
        """Return the network after the last epoch or, if the config `saves_best`, after the best one."""
        last, best = self.trained_network(), self.best
        if best is None or not self.history or (kept := kept_epoch(self.epochs, self.config)) is self.epochs[-1]:
            return last
        metrics = kept.validation
        return replace(last, weights=best.weights, step=best.step, moments=best.moments, validation=metrics)
