"""Validation, the best epoch, and when a training run ends: after its epochs, early, or at its time limit."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.pair_task import Task
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.trained.counts import count_answers
from seq2seq_demo.trained.metrics import Epoch, Figures, calibrate
from seq2seq_demo.trained.trained_network import TrainedNetwork

PERFECT_EPOCHS = 3  # in one epoch, an exact match of 1 on few pairs may be luck


def validation_metrics(task: Task, network: TrainedNetwork, validation: Pairs) -> Figures:
    """Measure the network on the validation pairs. In a user's pairs, the targets of one source are alternatives."""
    return count_answers(network.to_numpy(), network, validation, alternatives=task.is_pairs).figures


def calibrated(network: TrainedNetwork, validation: Pairs) -> TrainedNetwork:
    """Return the network with a calibration fitted on the validation pairs, and its error.

    An ensemble also gets its metrics on these pairs.
    """
    counts = count_answers(network.to_numpy(), network, validation, alternatives=True, detailed=True)
    metrics = counts.figures if network.others else network.validation
    return replace(network, validation=metrics, n_validated=counts.n, calibration=calibrate(counts.answers))


def best_epoch(epochs: Sequence[Epoch]) -> Epoch:
    """Return the epoch with the highest validation exact match; the lowest validation loss breaks ties.

    There is at least one epoch.
    """
    return max(epochs, key=lambda epoch: (epoch.validation_exact_match, -epoch.validation_loss))


def stop_after(history: Sequence[Epoch], config: TrainConfig, is_time_over: bool = False) -> str | None:
    """Return the setting that ends a training run after the last epoch of its `history`, or None if it continues."""
    if not config.minutes and len(history) >= config.epochs:
        return "epochs"
    if not history:
        return None
    return "minutes" if is_time_over else _early_stop(history, config)


def _early_stop(history: Sequence[Epoch], config: TrainConfig) -> str | None:
    exact_matches = [epoch.validation_exact_match for epoch in history]
    if config.stop_at_exact is not None and exact_matches[-1] >= config.stop_at_exact:
        return "stop_at_exact"
    stayed_perfect = exact_matches[-PERFECT_EPOCHS:] == [1] * PERFECT_EPOCHS
    epochs_since_best = history[-1].epoch - best_epoch(history).epoch
    if config.patience and (stayed_perfect or epochs_since_best >= config.patience):
        return "patience"
    return None


class Clock:
    """Measures the time of a training run: of all its processes, from their start.

    The schedule of the learning rate follows `fraction_done`, so the rate reaches 0 at the end of the time, however
    fast the machine is.
    """

    def __init__(self, config: TrainConfig, began: float | None, spent: float) -> None:
        """Make a clock for a run, or for one that took `spent` seconds before it was interrupted.

        `began` is the `time.monotonic()` from which the time limit counts, by default now.
        """
        self.began = (time.monotonic() if began is None else began) - spent
        self.start_up = 0.0 if spent else None  # seconds until the steps were compiled; 0 in a resumed run
        self.limit = 60 * config.minutes if config.minutes else math.inf  # seconds
        self.validation = 0.0  # seconds that the last validation took; the next one follows the last step

    def start(self) -> None:
        """Start the schedule, after the first steps; later calls do nothing."""
        if self.start_up is None:
            self.start_up = self.spent

    @property
    def spent(self) -> float:
        """The seconds of the time limit that are spent; 0 without a time limit."""
        return time.monotonic() - self.began if math.isfinite(self.limit) else 0.0

    @property
    def fraction_done(self) -> float:
        """The elapsed fraction of the time for steps, from 0 to 1; 0 without a time limit."""
        if self.start_up is None:
            return 0.0
        time_for_steps = self.limit - self.validation - self.start_up
        return min(1.0, (self.spent - self.start_up) / time_for_steps) if time_for_steps > 0 else 1.0

    @property
    def is_over(self) -> bool:
        """Whether no time for steps is left."""
        return self.fraction_done == 1
