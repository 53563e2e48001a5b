"""Which steps of a training --record keeps: early ones, where a network learns most, and the ends of epochs."""

import math
from collections.abc import Iterator
from dataclasses import replace

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.errors import UsageError
from seq2seq_demo.files.recording import Recording, halved
from seq2seq_demo.network.parameters import weight_shapes
from seq2seq_demo.trained_network import TrainedNetwork

FIRST = 50  # steps; then twice as many, and so on
MOST_EPOCHS = 100  # of more, every second end is kept, or third, and so on: each snapshot holds all that was kept
MOST_BYTES = 200_000_000


def begun(network: TrainedNetwork, config: TrainConfig) -> TrainedNetwork:
    """Return the network with a recording of the training that starts from it.

    Raises:
        UsageError: the recording would be too large.
    """
    _check_fits(network.model_config, config)
    return replace(network, recording=Recording(config.steps_per_epoch, (0,), (halved(network.weights),)))


def is_recorded(config: TrainConfig, step: int) -> bool:
    """Say whether the weights are kept at this step, counted from the start of the training."""
    epochs, rest = divmod(step, config.steps_per_epoch)
    doubled, odd = divmod(step, FIRST)
    is_power_of_2 = doubled & (doubled - 1) == 0
    return (not odd and is_power_of_2) or (not rest and epochs % _epochs_apart(config) == 0)


def stops(config: TrainConfig, step: int, n_steps: int) -> Iterator[int]:
    """Yield how many of the next n steps to take until each that is recorded; the last one always is."""
    for n in range(1, n_steps + 1):
        if n == n_steps or is_recorded(config, step + n):
            yield n


def _epochs_apart(config: TrainConfig) -> int:
    """Return n, where the end of every n-th epoch is kept."""
    return max(1, -(-config.epochs // MOST_EPOCHS))


def _check_fits(model_config: ModelConfig, config: TrainConfig) -> None:
    """Raise UsageError for a recording that would be too large."""
    n_doubled = (config.epochs * config.steps_per_epoch // FIRST).bit_length()
    n_kept = 2 + n_doubled + config.epochs // _epochs_apart(config)  # the first, the last, and those between
    n_weights = sum(map(math.prod, weight_shapes(model_config).values()))
    if 2 * n_kept * n_weights > MOST_BYTES:
        size = f"up to {n_kept} times {n_weights} weights, {2 * n_kept * n_weights / 1e6:.0f} MB"
        raise UsageError(f"expected a recording of at most {MOST_BYTES / 1e6:.0f} MB, got {size}: try fewer epochs")
