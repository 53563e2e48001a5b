"""The ways to train that are measured beside each other, and which of them share a process."""

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
from speed.measuring import alone, in_turns

if TYPE_CHECKING:
    from seq2seq_demo.training.trainer import Trainer

ONE, TWO, KERAS, BUCKETED = "one process", "two processes", "plain Keras", "plain Keras, bucketed"
TWO_BELOW = 256  # units; there one process that has a thread for each core is as fast
Epochs = dict[str, Callable[[], Any]]  # by way: what trains an epoch
Speeds = dict[str, tuple[float, float]]  # by way: the seconds of an epoch, and of the first one


def groups(cell_size: int, theirs: Sequence[str]) -> list[list[str]]:
    """Return which ways take turns in one process, where all have the same threads: plain Keras those of one process.

    Two processes have one thread each, so where one process has more, they are measured apart.
    """
    from seq2seq_demo.network.keras_network.tensorflow_setup import MIN_UNITS_FOR_THREADS

    if cell_size >= TWO_BELOW:
        return [[ONE, *theirs]]
    return [[ONE, TWO, *theirs]] if cell_size < MIN_UNITS_FOR_THREADS else [[ONE, *theirs], [TWO]]


def set_threads_of(ways: Sequence[str], cell_size: int) -> None:
    """Give TensorFlow the threads that these ways have."""
    from seq2seq_demo.network.keras_network.tensorflow_setup import set_threads

    set_threads(cell_size, shares_cores=TWO in ways)


def trainer_on(pairs: Pairs, config: TrainConfig, model_config: ModelConfig) -> Trainer:
    """Return a function that trains a network on these pairs from fresh weights."""
    from seq2seq_demo.files.weights_file import Snapshot
    from seq2seq_demo.trained_network import untrained
    from seq2seq_demo.training.trainer import Trainer, batch_widths

    return Trainer(config, Snapshot(untrained(model_config, 0)), batch_widths(pairs, config, model_config.ends))


@contextlib.contextmanager
def our_trainers(ways: Sequence[str], trainer_of: Callable[[int], Trainer]) -> Iterator[dict[str, Trainer]]:
    """Yield a trainer for each of the ways that are ours; `trainer_of` makes one for as many processes."""
    with contextlib.closing(ProcessGroup()) as group:
        trainers = {way: trainer_of(n) for way, n in ((ONE, 1), (TWO, 2)) if way in ways}
        if TWO in trainers:
            group.start(1)
            group.attach(trainers[TWO])
        yield trainers


def epochs_of(trainers: dict[str, Trainer], pairs: Pairs) -> Epochs:
    """Return what trains an epoch in each way."""
    return {way: functools.partial(run_epoch, trainer, pairs) for way, trainer in trainers.items()}


def run_epoch(trainer: Trainer, pairs: Pairs) -> float:
    """Train an epoch, and begin again; return the loss of a symbol."""
    from seq2seq_demo.files.weights_file import Progress

    trainer.run_epoch(pairs, [], None)
    loss: float = trainer.progress.loss_sum / trainer.n_symbols(pairs)
    trainer.progress = Progress()
    return loss


def n_weights(model_config: ModelConfig) -> int:
    """Return how many numbers a network has."""
    return sum(math.prod(shape) for shape in weight_shapes(model_config).values())


def timed(epochs: Epochs, rounds: int) -> Speeds:
    """Return the speeds of what takes turns."""
    first, times = in_turns([*epochs.values()], rounds)
    return dict(zip(epochs, zip(times, first, strict=True), strict=True))


def measured(function: Callable[..., dict], model_config: ModelConfig, theirs: Sequence[str], *arguments: Any) -> dict:
    """Return what a function returns for each group of ways, in a process of its own; their "speeds" are put together.

    The first group, that of one process, says the rest.
    """
    results = [alone(function, ways, *arguments) for ways in groups(model_config.cell_size, theirs)]
    speeds = {way: speed for result in results for way, speed in result["speeds"].items()}
    return results[0] | {"speeds": speeds}
