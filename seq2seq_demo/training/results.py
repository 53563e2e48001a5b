"""The results of epochs and networks, and the end of a run: validation, time limit, early stopping, ensembles."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.pair_task import PairTask, Task
from seq2seq_demo.data.sequences import Pairs, concatenate
from seq2seq_demo.trained.counts import count_answers
from seq2seq_demo.trained.metrics import Epoch, Figures, calibrate, wilson_interval
from seq2seq_demo.trained.trained_network import TrainedNetwork
from seq2seq_demo.trained.weights_file import Checkpoint

SETTINGS_GUIDE = "https://github.com/seq2seq-demo/seq2seq-demo/blob/main/seq2seq_demo/docs/TRAINING.md#settings"
PERFECT_EPOCHS = 3  # in one epoch, an exact match of 1 on few pairs may be luck


# ---- Validation ----


def validation_figures(task: Task, network: TrainedNetwork, validation: Pairs) -> Figures:
    """Measure the network on the validation pairs. In a user's pairs, the targets of one source are alternatives."""
    return count_answers(network.to_numpy(), network, validation, alternatives=task.is_pairs).figures


def calibrated(network: TrainedNetwork, validation: Pairs) -> TrainedNetwork:
    """Return the network with a calibration fitted on the validation pairs, and its error.

    An ensemble also gets figures on these pairs.
    """
    counts = count_answers(network.to_numpy(), network, validation, alternatives=True, detailed=True)
    reached = counts.figures if network.others else network.validation
    calibration = calibrate(counts.answers)
    return replace(network, validation=reached, n_validated=counts.n, calibration=calibration)


# ---- The end of a training run ----


class Clock:
    """Measures the time of a training run: of all its processes, from their start.

    The schedule of the learning rate follows `share_done`, so the rate reaches 0 at the end of the time, however fast
    the machine is.
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
    def share_done(self) -> float:
        """The elapsed share of the time for steps, from 0 to 1; 0 without a time limit."""
        if self.start_up is None:
            return 0.0
        time_for_steps = self.limit - self.validation - self.start_up
        return min(1.0, (self.spent - self.start_up) / time_for_steps) if time_for_steps > 0 else 1.0

    @property
    def is_over(self) -> bool:
        """Whether no time for steps is left."""
        return self.share_done == 1


def best_epoch(history: Sequence[Epoch]) -> Epoch:
    """Return the epoch with the highest validation exact match; the lowest validation loss breaks ties.

    `history` holds at least one epoch.
    """
    return max(history, key=lambda epoch: (epoch.validation_exact_match, -epoch.validation_loss))


def stop_reason(history: Sequence[Epoch], config: TrainConfig) -> str | None:
    """Return why training ends after the last epoch of `history`, although others would follow; else None."""
    if not history or (len(history) >= config.epochs and not config.minutes):
        return None
    patience, best, goal = config.patience, best_epoch(history).epoch, config.stop_at_exact
    if goal is not None and history[-1].validation_exact_match >= goal:
        return f"`stop_at_exact` {goal:g}): the exact match reached {history[-1].validation_exact_match:.4f}"
    if patience and [epoch.validation_exact_match for epoch in history[-PERFECT_EPOCHS:]] == [1] * PERFECT_EPOCHS:
        return f"`patience` {patience}): the exact match stayed at 1"
    if patience and history[-1].epoch - best >= patience:
        return f"`patience` {patience}): no later epoch was better than epoch {best}"
    return None


def finished(network: TrainedNetwork, best: Checkpoint | None, initial: Sequence[Epoch]) -> TrainedNetwork:
    """Return the network with the weights and figures of the best epoch, unless `best` is None.

    `initial` is the epoch 0 of a continued run.

    A run with a time limit records the number of its epochs, which nothing else determines.
    """
    if network.run and network.run.config.minutes:
        config = replace(network.run.config, epochs=max(1, len(network.history)))
        network = replace(network, run=replace(network.run, config=config))
    if best is None or not network.history:
        return network
    return replace(network, **best._asdict(), validation=best_epoch((*initial, *network.history)).validation)


def outcome_notices(network: TrainedNetwork, task: Task) -> Iterator[str]:
    """Yield notices about the end of a training run: early stopping, calibration, a baseline, a low accuracy."""
    run, reached, calibration = network.run, network.validation, network.calibration
    assert run
    if not network.others and (reason := stop_reason(network.history, run.config)):
        yield f"Stopped early ({reason}"
    if calibration and calibration.error is None:
        yield "Too few pairs to calibrate: too few validate, or no answer is right"
    elif calibration:
        yield f"Calibration error {calibration.error:.4f} on the validation pairs (cross-validated)"
    if isinstance(task, PairTask) and (match := task.table_match()):
        yield f"A table of the most frequent target of each symbol would reach exact match {match:.4f} in validation"
    exact_match = reached.exact_match if reached else 0.0
    if exact_match < min(0.99, run.config.stop_at_exact or 1):
        yield f"Exact match {exact_match:.4f} is below 0.99: {SETTINGS_GUIDE} lists what to change"


def summary(network: TrainedNetwork) -> str:
    """Return the epoch and the exact match that a training run reached, as the end of a line."""
    run, reached, n, history = network.run, network.validation, network.n_validated, network.history
    if not (run and reached and n and history):  # a callback has ended the run at once
        return ""
    epoch = next((each.epoch for each in history if each.step == network.step), 0)
    of = f"{len(network.members)} networks" if network.others else f"epoch {epoch} of {len(history)}"
    right = round(reached.exact_match * n)
    low, high = wilson_interval(right, n)
    chosen = "; the epoch was chosen on the same sources" if run.config.saves_best and len(history) > 1 else ""
    chosen = chosen if epoch else "; no epoch improved the network"
    share = f"{right:,} of {n:,} validation sources, {low:.3f} to {high:.3f}"
    return f": {of}, exact match {reached.exact_match:.4f} ({share}{chosen})"


# ---- Ensembles ----


def combined(networks: Sequence[TrainedNetwork], task: Task) -> TrainedNetwork:
    """Return the ensemble of networks that learned a task, with figures on validation pairs that none was trained on.

    An ensemble that learned a user's pairs is calibrated.
    """
    network = replace(networks[0], others=tuple(networks[1:]))
    drawn = [task.draw(each.run.config, each.model_config) for each in networks if each.run]
    validation = drawn[0][1].without(concatenate(training.sources for training, _ in drawn))
    if task.is_pairs:
        return calibrated(network, validation)
    return replace(network, validation=validation_figures(task, network, validation), n_validated=len(validation))
