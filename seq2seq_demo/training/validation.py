"""Validation during training, and the results that depend on it: calibration, the best epoch and early stopping."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.pair_task import Task
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.trained.counts import count_answers
from seq2seq_demo.trained.metrics import Epoch, Metrics, calibrate
from seq2seq_demo.trained.trained_network import TrainedNetwork

# With the "adaptive" schedule, the pairs are learned once two metrics have reached these values for three epochs in a
# row: the token accuracy on training pairs, measured with dropout, and the validation exact match. The learning rate
# then falls to 0 within a tenth of the epochs, and training ends.
LEARNED_ACCURACY, LEARNED_EXACT_MATCH, LEARNED_EPOCHS, ANNEALING = 0.999, 0.98, 3, 0.1
PERFECT_EPOCHS = 3  # in one epoch, an exact match of 1 on few pairs may be luck


def validation_metrics(task: Task, network: TrainedNetwork, validation: Pairs) -> Metrics:
    """Return the network's metrics on the validation pairs. In a user's pairs, any target of a source is right."""
    return count_answers(network.to_numpy(), network, validation, alternatives=task.is_pairs).metrics


def calibrated(network: TrainedNetwork, validation: Pairs) -> TrainedNetwork:
    """Return the network with a calibration fitted to the validation pairs, and the calibration error.

    If these are too few, a calibration of earlier training is kept.
    """
    counts = count_answers(network.to_numpy(), network, validation, alternatives=True, detailed=True)
    earlier, fitted = network.calibration, calibrate(counts.answers)
    calibration = earlier if fitted.error is None and earlier and earlier.error is not None else fitted
    return replace(network, n_validated=counts.n, calibration=calibration)


def best_epoch(epochs: Sequence[Epoch], window: int = 1) -> Epoch:
    """Return the epoch with the highest validation exact match; the lowest validation loss breaks ties.

    The exact match of an epoch is averaged over this epoch and those just before it, `window` in all. There is at
    least one epoch.
    """
    means = _mean_exact_matches(epochs, window)
    return epochs[max(range(len(epochs)), key=lambda i: (means[i], -epochs[i].validation_loss))]


def kept_epoch(epochs: Sequence[Epoch], config: TrainConfig) -> Epoch:
    """Return the epoch whose network is the result of a run that saves the best one.

    With few validation pairs, it is the last epoch unless the best one is better by more than a standard error.
    """
    means = _mean_exact_matches(epochs, config.best_epoch_window)
    error = math.sqrt(means[-1] * (1 - means[-1]) / config.n_validation)
    keeps_last = config.best_epoch_window > 1 and max(means) - means[-1] <= error
    return epochs[-1] if keeps_last else best_epoch(epochs, config.best_epoch_window)


def _mean_exact_matches(epochs: Sequence[Epoch], window: int) -> list[float]:
    exact_matches = [epoch.validation_exact_match for epoch in epochs]
    first = int(epochs[0].epoch == 0)  # the network to continue from has its own exact match
    starts = [max(0 if end == 1 else first, end - window) for end in range(1, len(epochs) + 1)]
    return [statistics.fmean(exact_matches[start:end]) for end, start in enumerate(starts, start=1)]


def learned_after(history: Sequence[Epoch], config: TrainConfig) -> int | None:
    """Return the epoch after which an "adaptive" schedule lowers the learning rate faster, or None if it does not."""
    n_learned = 0
    for epoch in history if config.lr_schedule == "adaptive" else ():
        is_accurate = epoch.forced_token_accuracy >= LEARNED_ACCURACY
        n_learned = n_learned + 1 if is_accurate and epoch.validation_exact_match >= LEARNED_EXACT_MATCH else 0
        if n_learned == LEARNED_EPOCHS:
            return epoch.epoch
    return None


def last_epoch(history: Sequence[Epoch], config: TrainConfig) -> int:
    """Return the epoch after which a training run ends, as far as its `history` tells."""
    learned = learned_after(history, config)
    return config.epochs if learned is None else min(config.epochs, learned + max(3, round(ANNEALING * config.epochs)))


def stop_after(history: Sequence[Epoch], config: TrainConfig) -> str | None:
    """Return the setting that ends a training run after the last epoch of its `history`, or None if it continues."""
    if len(history) >= last_epoch(history, config):
        return "epochs" if len(history) >= config.epochs else "lr_schedule"
    if not history:
        return None
    exact_matches = [epoch.validation_exact_match for epoch in history]
    if config.stop_at_exact is not None and exact_matches[-1] >= config.stop_at_exact:
        return "stop_at_exact"
    stayed_perfect = exact_matches[-PERFECT_EPOCHS:] == [1] * PERFECT_EPOCHS
    epochs_since_best = history[-1].epoch - best_epoch(history).epoch
    if config.patience and (stayed_perfect or epochs_since_best >= config.patience):
        return "patience"
    return None
