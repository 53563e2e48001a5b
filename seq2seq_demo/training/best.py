"""The best epoch of a training: --keep-best saves it, and --patience waits for a better one."""

from collections.abc import Sequence
from dataclasses import replace

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.evaluation import EpochFigures
from seq2seq_demo.trained_network import Kept, TrainedNetwork


def best_epoch(history: Sequence[EpochFigures]) -> EpochFigures:
    """Return the epoch, of one at least, whose exact match was highest in validation; of several, the lowest loss's."""
    return max(history, key=lambda epoch: (epoch.validation.exact_match, -epoch.validation.loss))


def has_stalled(history: Sequence[EpochFigures], config: TrainConfig) -> bool:
    """Say whether so many epochs have passed without a better one that training should end."""
    if config.patience is None or not history:
        return False
    return history[-1].epoch - best_epoch(history).epoch >= config.patience


def kept(network: TrainedNetwork, config: TrainConfig, best: Kept | None) -> Kept | None:
    """Return what --keep-best keeps after an epoch: the network as it is, if that epoch was the best so far."""
    history = network.progress.history if network.progress else ()
    if not config.keep_best or best_epoch(history) is not history[-1]:
        return best
    return Kept(network.weights, network.step, network.moments)


def finished(network: TrainedNetwork) -> TrainedNetwork:
    """Return the network that a training ends with, given its last snapshot."""
    if network.best is None or network.progress is None:
        return replace(network, progress=None)
    best, reached = network.best, best_epoch(network.progress.history).validation
    return replace(
        network,
        weights=best.weights,
        step=best.step,
        moments=best.moments,
        reached=reached,
        progress=None,
        best=None,
    )
