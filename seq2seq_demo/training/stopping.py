"""When a training run ends, and which of its epochs is the best."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.trained.metrics import Epoch

PERFECT_EPOCHS = 3  # in one epoch, an exact match of 1 on few pairs may be luck


class Stop(NamedTuple):
    """Why a training run ends: the setting that ends it, and its value."""

    setting: str  # "callbacks" if a callback, the value, ends the run
    value: Any
    is_perfect: bool = False  # whether `patience` ends the run because the exact match stayed at 1


def best_epoch(epochs: Sequence[Epoch]) -> Epoch:
    """Return the epoch with the highest validation exact match; the lowest validation loss breaks ties.

    There is at least one epoch.
    """
    return max(epochs, key=lambda epoch: (epoch.validation_exact_match, -epoch.validation_loss))


def stop_after(history: Sequence[Epoch], config: TrainConfig, is_time_over: bool = False) -> Stop | None:
    """Return why a training run ends after the last epoch of its `history`, or None if it continues."""
    if not config.minutes and len(history) >= config.epochs:
        return Stop("epochs", config.epochs)
    if not history:
        return None
    return Stop("minutes", config.minutes) if is_time_over else _early_stop(history, config)


def _early_stop(history: Sequence[Epoch], config: TrainConfig) -> Stop | None:
    exact_matches = [epoch.validation_exact_match for epoch in history]
    if config.stop_at_exact is not None and exact_matches[-1] >= config.stop_at_exact:
        return Stop("stop_at_exact", config.stop_at_exact)
    if config.patience and exact_matches[-PERFECT_EPOCHS:] == [1] * PERFECT_EPOCHS:
        return Stop("patience", config.patience, is_perfect=True)
    if config.patience and history[-1].epoch - best_epoch(history).epoch >= config.patience:
        return Stop("patience", config.patience)
    return None
