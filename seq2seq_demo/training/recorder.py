"""The steps at which a recording stores the weights: steps that grow by a constant factor, and epoch ends."""

import math
from collections.abc import Iterator
from dataclasses import replace

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.errors import UsageError
from seq2seq_demo.files.recording import Recording, to_float16
from seq2seq_demo.trained_network import TrainedNetwork

FIRST_STEP, PER_DOUBLING = 5, 2  # record steps 0, 5, 7, 10, 14, 20, …: two whenever the step doubles
MAX_EPOCHS = 100  # the most epoch ends to record; longer runs record every second end, every third, …


def start_recording(network: TrainedNetwork, config: TrainConfig) -> TrainedNetwork:
    """Return the network with a new recording that holds its current weights as step 0.

    Raises:
        UsageError: the run trains several networks.
    """
    if config.members > 1:
        raise UsageError(f"expected one network with `record`, got `members` {config.members}")
    return replace(network, recording=Recording(config.steps_per_epoch, (0,), (to_float16(network.weights),)))


def is_recorded(config: TrainConfig, step: int) -> bool:
    """Whether the weights are recorded at this step, counted from the start of the training run."""
    epochs, rest = divmod(step, config.steps_per_epoch)
    if not rest and not config.minutes and epochs % _epoch_interval(config) == 0:
        return True
    nearest = round(math.log2(step / FIRST_STEP) * PER_DOUBLING)
    return nearest >= 0 and step == round(FIRST_STEP * 2 ** (nearest / PER_DOUBLING))


def chunk_ends(config: TrainConfig, step: int, n_steps: int) -> Iterator[int]:
    """Yield the offsets from `step` at which training pauses: those of recorded steps, and finally `n_steps`."""
    for n in range(1, n_steps + 1):
        if n == n_steps or is_recorded(config, step + n):
            yield n


def _epoch_interval(config: TrainConfig) -> int:
    return max(1, -(-config.epochs // MAX_EPOCHS))
