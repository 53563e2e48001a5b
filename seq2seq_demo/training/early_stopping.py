"""The best epoch of a training: --keep-best saves it, and --patience waits for a better one."""

from collections.abc import Sequence
from dataclasses import replace

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.figures import EpochFigures
from seq2seq_demo.files.weights_file import Checkpoint
from seq2seq_demo.trained_network import TrainedNetwork


def best_epoch(history: Sequence[EpochFigures]) -> EpochFigures:
    """Return the epoch, of one at least, whose exact match was highest in validation; of several, the lowest loss's."""
    return max(history, key=lambda epoch: (epoch.validation.exact_match, -epoch.validation.loss))


def has_stalled(history: Sequence[EpochFigures], config: TrainConfig) -> bool:
    """Say whether `config.patience` epochs have passed without a better one, so that training should end."""
    if config.patience is None or not history:
        return False
    return history[-1].epoch - best_epoch(history).epoch >= config.patience


def finished(network: TrainedNetwork, best: Checkpoint | None, history: Sequence[EpochFigures]) -> TrainedNetwork:
    """Return the network that a training ends with, given its last one: that of the best epoch, if it was kept."""
    if best is None or not history:
        return network
    return replace(network, **best._asdict(), reached=best_epoch(history).validation)
