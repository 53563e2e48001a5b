"""The ways of training that the benchmark compares, and the process in which each way is measured."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.network.parameters import weight_shapes
from seq2seq_demo.training.processes import ProcessGroup
from speed.measuring import in_new_process, time_in_turns

if TYPE_CHECKING:
    from seq2seq_demo.training.trainer import Trainer

ONE, TWO, KERAS, BUCKETED = "one process", "two processes", "plain Keras", "plain Keras, bucketed"
TWO_BELOW = 256  # units; at this size, one process with a thread per core is as fast as two processes
EpochFunctions = dict[str, Callable[[], Any]]  # by way of training; each call trains an epoch
Speeds = dict[str, tuple[float, float]]  # by way of training: seconds of an epoch (median), and of the first


def process_groups(cell_size: int, keras_ways: Sequence[str]) -> list[list[str]]:
    """Group the ways that can share a process, because they use the same number of threads.

    TWO uses one thread per process. Plain Keras uses as many threads as ONE, which has several if the network is large.
    """
    from seq2seq_demo.network.keras_network.tensorflow_setup import MIN_UNITS_FOR_THREADS

    if cell_size >= TWO_BELOW:
        return [[ONE, *keras_ways]]
    return [[ONE, TWO, *keras_ways]] if cell_size < MIN_UNITS_FOR_THREADS else [[ONE, *keras_ways], [TWO]]


def use_threads(ways: Sequence[str], cell_size: int) -> None:
    """Set TensorFlow's threads for these ways."""
    from seq2seq_demo.network.keras_network.tensorflow_setup import set_threads

    set_threads(cell_size, shares_cores=TWO in ways)


def new_trainer(pairs: Pairs, config: TrainConfig, model_config: ModelConfig) -> Trainer:
    """Return a trainer for an untrained network on these pairs."""
    from seq2seq_demo.files.weights_file import Snapshot
    from seq2seq_demo.trained_network import untrained
    from seq2seq_demo.training.trainer import Trainer, batch_widths

    return Trainer(config, Snapshot(untrained(model_config, 0)), batch_widths(pairs, config, model_config.ends))


@contextlib.contextmanager
def our_trainers(ways: Sequence[str], make: Callable[[int], Trainer]) -> Iterator[dict[str, Trainer]]:
    """Yield the trainers of ONE and TWO, if `ways` contain them; `make` takes the number of processes."""
    with contextlib.closing(ProcessGroup()) as group:
        trainers = {way: make(n) for way, n in ((ONE, 1), (TWO, 2)) if way in ways}
        if TWO in trainers:
            group.start(1)
            group.attach(trainers[TWO])
        yield trainers


def epoch_calls(trainers: dict[str, Trainer], pairs: Pairs) -> EpochFunctions:
    """Return, for each trainer, a function that trains one epoch."""
    return {way: functools.partial(run_epoch, trainer, pairs) for way, trainer in trainers.items()}


def run_epoch(trainer: Trainer, pairs: Pairs) -> float:
    """Train one epoch and reset the progress; return the mean loss per symbol."""
    from seq2seq_demo.files.weights_file import Progress

    trainer.run_epoch(pairs, [], None)
    loss: float = trainer.progress.loss_sum / trainer.n_symbols(pairs)
    trainer.progress = Progress()
    return loss


def n_weights(model_config: ModelConfig) -> int:
    """Return the number of weights in a network."""
    return sum(math.prod(shape) for shape in weight_shapes(model_config).values())


def time_epochs(epochs: EpochFunctions, rounds: int) -> Speeds:
    """Run the epoch functions in turn; return the seconds of each way."""
    first, times = time_in_turns([*epochs.values()], rounds)
    return dict(zip(epochs, zip(times, first, strict=True), strict=True))


def measure(function: Callable[..., dict], model_config: ModelConfig, keras_ways: Sequence[str], *args: Any) -> dict:
    """Call a function in a new process for each of the `process_groups`, and merge the "speeds" of the results.

    All other entries come from the first group, which contains ONE.
    """
    results = [in_new_process(function, ways, *args) for ways in process_groups(model_config.cell_size, keras_ways)]
    speeds = {way: speed for result in results for way, speed in result["speeds"].items()}
    return results[0] | {"speeds": speeds}
