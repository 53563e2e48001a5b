"""Helpers for all measurements of speed: clocks, alternating rounds, new processes, and epochs of training."""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.sequences import Pairs

if TYPE_CHECKING:
    from seq2seq_demo.training.trainer import Trainer

OURS, KERAS = "this program", "plain Keras `fit`"
EpochFunctions = dict[str, Callable[[], Any]]  # by program; each call trains an epoch


def seconds(function: Callable[[], Any]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def time_in_turns(functions: Sequence[Callable[[], Any]], rounds: int) -> tuple[list[float], list[float]]:
    """Call the functions in turn; return the seconds of each function's first call, and its median in later rounds."""
    first = [seconds(function) for function in functions]
    times = [[seconds(function) for function in functions] for _ in range(rounds)]
    return first, [statistics.median(column) for column in zip(*times, strict=True)]


def in_new_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a new process, so that it can choose the number of threads; log the call on stderr."""
    print(f"{function.__name__} {' '.join(map(str, arguments))}"[:160], file=sys.stderr, flush=True)
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        return pool.apply(function, arguments)


def use_threads(cell_size: int) -> None:
    """Give TensorFlow as many threads as `train` does for a network of this size."""
    from seq2seq_demo.network.keras_network.tensorflow_setup import set_threads

    set_threads(cell_size)


def new_trainer(pairs: Pairs, config: TrainConfig, model_config: ModelConfig) -> Trainer:
    """Return a trainer for an untrained network on these pairs."""
    from seq2seq_demo.trained.saved_network import TrainingRun
    from seq2seq_demo.trained.trained_network import untrained
    from seq2seq_demo.training.snapshots import Snapshot
    from seq2seq_demo.training.trainer import Trainer, batch_widths

    network = replace(untrained(model_config, 0), run=TrainingRun(config, 0))
    return Trainer(Snapshot(network), batch_widths(pairs, config, model_config.ends))


def run_epoch(trainer: Trainer, pairs: Pairs) -> float:
    """Train one epoch and reset the progress; return the mean loss per symbol."""
    from seq2seq_demo.trained.saved_network import Progress

    for call in trainer.calls(pairs):
        trainer.train(call)
    loss = trainer.epoch_of(pairs, trainer.progress.loss_sum, trainer.progress.correct_sum).loss
    trainer.progress = Progress()
    return loss


def speed_columns(epochs: EpochFunctions, n: int, rounds: int) -> list[str]:
    """Let the programs train in turn; return the columns that `speed_header` names.

    They are each program's pairs per second, our speed relative to the others, and the seconds of each first epoch,
    which includes compilation. An epoch consists of `n` pairs.
    """
    first, times = time_in_turns([*epochs.values()], rounds)
    ratios = [f"{other / times[0]:.2f}" for other in times[1:]]
    return [*(f"{n / each:,.0f}" for each in times), *ratios, *(f"{each:.1f} s" for each in first)]


def speed_header(programs: Sequence[str]) -> list[str]:
    """Return the titles of `speed_columns`; the first program is this one."""
    return [*programs, *(f"ours / {name}" for name in programs[1:]), *(f"first call, {name}" for name in programs)]
