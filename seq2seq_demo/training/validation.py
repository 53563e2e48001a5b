"""Validation during training, and the results that depend on it: calibration, the best epoch and early stopping."""

from collections.abc import Sequence
from dataclasses import replace

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.pair_task import Task
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.trained.counts import count_answers
from seq2seq_demo.trained.metrics import MIN_ANSWERS, Epoch, Metrics, calibrate
from seq2seq_demo.trained.trained_network import TrainedNetwork

# With the "adaptive" schedule, once the accuracy on training pairs, measured with dropout, has been LEARNED or more for
# LEARNED_EPOCHS epochs in a row, the learning rate falls to 0 within a tenth of the epochs, and the training ends.
LEARNED, LEARNED_EPOCHS, ANNEALING = 0.998, 3, 0.1
PERFECT_EPOCHS = 3  # in one epoch, an exact match of 1 on few pairs may be luck


def validation_metrics(task: Task, network: TrainedNetwork, validation: Pairs) -> Metrics:
    """Return the network's metrics on the validation pairs. In a user's pairs, any target of a source is right."""
    return count_answers(network.to_numpy(), network, validation, alternatives=task.is_pairs).metrics


def calibrated(network: TrainedNetwork, validation: Pairs) -> TrainedNetwork:
    """Return the network with a calibration fitted to the validation pairs, and the calibration error.

    If these are too few, a calibration of earlier training is kept. An ensemble also gets its metrics on these pairs.
    """
    counts = count_answers(network.to_numpy(), network, validation, alternatives=True, detailed=True)
    metrics = counts.metrics if network.others else network.validation
    is_kept = counts.n < MIN_ANSWERS and network.calibration and network.calibration.error is not None
    calibration = network.calibration if is_kept else calibrate(counts.answers)
    return replace(network, validation=metrics, n_validated=counts.n, calibration=calibration)


def best_epoch(epochs: Sequence[Epoch]) -> Epoch:
    """Return the epoch with the highest validation exact match; the lowest validation loss breaks ties.

    `epochs` must not be empty.
    """
    return max(epochs, key=lambda epoch: (epoch.validation_exact_match, -epoch.validation_loss))


def learned_after(history: Sequence[Epoch], config: TrainConfig) -> int | None:
    """Return the epoch after which an "adaptive" schedule lowers the learning rate faster, or None if it does not."""
    if config.lr_schedule == "adaptive":
        for n in range(LEARNED_EPOCHS, len(history) + 1):
            if all(epoch.forced_token_accuracy >= LEARNED for epoch in history[n - LEARNED_EPOCHS : n]):
                return n
    return None


def last_epoch(history: Sequence[Epoch], config: TrainConfig) -> int:
    """Return the epoch after which a training run ends, as far as its `history` tells."""
    learned = learned_after(history, config)
    return config.epochs if learned is None else min(config.epochs, learned + max(3, round(ANNEALING * config.epochs)))


def stop_after(history: Sequence[Epoch], config: TrainConfig, is_time_over: bool = False) -> str | None:
    """Return the setting that ends a training run after the last epoch of its `history`, or None if it continues."""
    if not config.minutes and len(history) >= last_epoch(history, config):
        return "epochs" if len(history) >= config.epochs else "lr_schedule"
    if not history:
        return None
    if is_time_over:
        return "minutes"
    exact_matches = [epoch.validation_exact_match for epoch in history]
    if config.stop_at_exact is not None and exact_matches[-1] >= config.stop_at_exact:
        return "stop_at_exact"
    stayed_perfect = exact_matches[-PERFECT_EPOCHS:] == [1] * PERFECT_EPOCHS
    epochs_since_best = history[-1].epoch - best_epoch(history).epoch
    if config.patience and (stayed_perfect or epochs_since_best >= config.patience):
        return "patience"
    return None
