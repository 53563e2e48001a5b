"""The steps at which a recording stores the weights: early steps, in which a network learns most, and epoch ends."""

from collections.abc import Iterator
from dataclasses import replace

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.errors import UsageError
from seq2seq_demo.files.recording import Recording, to_float16
from seq2seq_demo.network.memory_estimates import n_weights
from seq2seq_demo.trained_network import TrainedNetwork

FIRST_STEP = 50  # the first recorded step after 0; then 100, 200, 400, …
MAX_EPOCHS = 100  # the most epoch ends to record; longer runs record every second end, every third, …
MAX_BYTES = 200_000_000


def start_recording(network: TrainedNetwork, config: TrainConfig) -> TrainedNetwork:
    """Return the network with a new recording that holds its current weights as step 0.

    Raises:
        UsageError: the recording would exceed MAX_BYTES.
    """
    n_doubled = (config.epochs * config.steps_per_epoch // FIRST_STEP).bit_length()
    n_entries = 2 + n_doubled + config.epochs // _epoch_interval(config)  # 2: the first and the last step
    n = n_weights(network.model_config)
    if 2 * n_entries * n > MAX_BYTES:
        size = f"up to {n_entries} times {n} weights, {2 * n_entries * n / 1e6:.0f} MB"
        raise UsageError(f"expected a recording of at most {MAX_BYTES / 1e6:.0f} MB, got {size}: try fewer epochs")
    return replace(network, recording=Recording(config.steps_per_epoch, (0,), (to_float16(network.weights),)))


def is_recorded(config: TrainConfig, step: int) -> bool:
    """Whether the weights are recorded at this step, counted from the start of the training run."""
    epochs, rest = divmod(step, config.steps_per_epoch)
    multiple, remainder = divmod(step, FIRST_STEP)
    is_doubled = not remainder and multiple & (multiple - 1) == 0
    return is_doubled or (not rest and epochs % _epoch_interval(config) == 0)


def chunk_ends(config: TrainConfig, step: int, n_steps: int) -> Iterator[int]:
    """Yield the offsets from `step` at which training pauses: those of recorded steps, and finally `n_steps`."""
    for n in range(1, n_steps + 1):
        if n == n_steps or is_recorded(config, step + n):
            yield n


def _epoch_interval(config: TrainConfig) -> int:
    return max(1, -(-config.epochs // MAX_EPOCHS))
