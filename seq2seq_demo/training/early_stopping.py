"""Early stopping: which epoch is best on the validation pairs, and when to stop training."""

from collections.abc import Sequence
from dataclasses import replace

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.figures import EpochFigures
from seq2seq_demo.files.stored_network import Checkpoint
from seq2seq_demo.trained_network import TrainedNetwork


def best_epoch(history: Sequence[EpochFigures]) -> EpochFigures:
    """Return the epoch with the highest validation exact match; the lowest validation loss breaks ties.

    `history` holds at least one epoch.
    """
    return max(history, key=lambda epoch: (epoch.validation.exact_match, -epoch.validation.loss))


def should_stop_early(history: Sequence[EpochFigures], config: TrainConfig) -> bool:
    """Whether `config.patience` epochs have passed since the best epoch."""
    if config.patience is None or not history:
        return False
    return history[-1].epoch - best_epoch(history).epoch >= config.patience


def reached_goal(history: Sequence[EpochFigures], config: TrainConfig) -> bool:
    """Whether the last epoch has reached `config.stop_at_exact`."""
    goal = config.stop_at_exact
    return goal is not None and bool(history) and history[-1].validation.exact_match >= goal


def restore_best(network: TrainedNetwork, best: Checkpoint | None, history: Sequence[EpochFigures]) -> TrainedNetwork:
    """Return the network with the weights and figures of the best epoch; unchanged if `best` is None."""
    if best is None or not history:
        return network
    return replace(network, **best._asdict(), reached=best_epoch(history).validation)
