"""Limits the time of a training run: measures some steps, then chooses the network size and the number of epochs.

A child process measures, so that the training itself has the same bits as one with the chosen settings and no budget.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from seq2seq_demo.config import Budget, ModelConfig, Settings, TrainConfig
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.data.tasks import Task
from seq2seq_demo.errors import TrainingError, UsageError
from seq2seq_demo.evaluation import EvaluationOptions, measure
from seq2seq_demo.files.stored_network import Snapshot
from seq2seq_demo.trained_network import TrainedNetwork, untrained
from seq2seq_demo.training.processes import check_processes, child_command

# Shares of the budget: the epochs are chosen to end by PLANNED, and no epoch begins that would end after ALLOWED.
PLANNED, ALLOWED = 0.95, 1.05
FEW_EPOCHS = 10  # a smaller network is better than fewer epochs
MIN_CELL_SIZE = 32
SECONDS = 2.0  # the minimum time for which training is measured
MAX_VALIDATION = 500  # the maximum number of pairs on which validation is measured
PROGRAM = "from seq2seq_demo.training.budget import serve; serve(*map(int, arguments))"


@dataclass(frozen=True)
class Clock:
    """The budget of a training run, and the time at which it started."""

    minutes: float | None  # the budget; None: unlimited
    started: float = field(default_factory=time.monotonic)  # seconds

    def seconds_left(self, share: float) -> float:
        """Return the seconds until this share of the budget is spent."""
        return math.inf if self.minutes is None else self.started + 60 * self.minutes * share - time.monotonic()

    def has_time_for(self, seconds: float) -> bool:
        """Whether an epoch of this duration may begin."""
        return seconds <= self.seconds_left(ALLOWED)


UNLIMITED = Clock(None)


def start_clock(minutes: float | None, settings: Settings) -> Clock:
    """Return a clock that starts now.

    Args:
        minutes: the budget; None: unlimited.
        settings: the settings that the user gave.

    Raises:
        UsageError: the budget is not a number above 0, or contradicts the settings.
    """
    clock = Clock(Budget(minutes).minutes)
    if clock.minutes is not None and settings.get("epochs") is not None:
        raise UsageError("expected `epochs` or `budget`, which chooses the number of epochs, got both")
    counts = {"processes": settings.get("processes"), "members": settings.get("members")}
    several = [f"`{name}`" for name, n in counts.items() if n is not None and n > 1]
    if clock.minutes is not None and (several or os.environ.get("TF_CONFIG")):
        raise UsageError(f"expected `budget` without {' and '.join(several) or 'TF_CONFIG'}, got both")
    return clock


def within_budget(
    clock: Clock,
    task: Task,
    configs: tuple[ModelConfig, TrainConfig],
    settings: Settings,
    start: TrainedNetwork | None,
) -> tuple[ModelConfig, TrainConfig]:
    """Return the configs with the number of epochs that fits and, for a new network of pairs, a size that fits.

    Args:
        clock: the time that is left. If it is unlimited, the configs stay as they are.
        task: the task, which provides the pairs.
        configs: the network and its training without a budget; neither becomes larger.
        settings: the settings that the user gave, which are kept.
        start: the network to continue from.

    Raises:
        TrainingError: the measurement failed.
    """
    model, config = configs
    if clock.minutes is None:
        return configs
    check_processes(config)
    pairs = task.draw(config, model, start.step if start else 0)
    may_shrink = isinstance(task, PairTask) and not start
    sizes = [model, *_smaller_sizes(model, settings)] if may_shrink else [model]
    for model in sizes:
        began = time.monotonic()
        network = replace(start or untrained(model, config.seed), model_config=model, recording=None)
        measured = _measure_in_child(config, network, pairs, timeout=clock.seconds_left(PLANNED) / 2)
        if measured is None:  # the clock will end the training
            return sizes[-1], replace(config, epochs=min(config.epochs, FEW_EPOCHS))
        seconds, overhead = measured
        left = clock.seconds_left(PLANNED) - overhead
        epochs = int(left / seconds) if left > 0 else 0
        # Measuring a smaller network takes time, which that network would have to make up for.
        if epochs >= min(config.epochs, FEW_EPOCHS) or left < 2 * (time.monotonic() - began):
            break
    return model if epochs else sizes[-1], replace(config, epochs=min(config.epochs, max(1, epochs)))


def _smaller_sizes(model: ModelConfig, settings: Settings) -> Iterator[ModelConfig]:
    """Yield the model with its sizes halved, then quartered, and so on; none if the cell size is given."""
    names = [name for name in ("cell_size", "embedding_size") if settings.get(name) is None]
    while "cell_size" in names and model.cell_size >= 2 * MIN_CELL_SIZE:
        model = replace(model, **{name: -(-getattr(model, name) // 2) for name in names})
        yield model


def _measure_in_child(
    config: TrainConfig, network: TrainedNetwork, pairs: tuple[Pairs, Pairs], timeout: float
) -> tuple[float, float] | None:
    """Measure in a child process; return the seconds of an epoch, and the seconds of start-up and compilation.

    Return None if the child takes longer than `timeout` seconds.

    Raises:
        TrainingError: the child failed.
    """
    began, content = time.monotonic(), pickle.dumps((config, network, pairs))
    command = child_command(PROGRAM, os.getpid())
    try:
        child = subprocess.run(command, input=content, capture_output=True, check=False, timeout=max(0, timeout))
    except subprocess.TimeoutExpired:
        return None
    if child.returncode:
        reason = (child.stderr.decode(errors="replace").splitlines() or [f"exit status {child.returncode}"])[-1]
        raise TrainingError(f"expected to measure how long an epoch takes, got: {reason}")
    seconds, measured = json.loads(child.stdout.splitlines()[-1])
    return seconds, time.monotonic() - began - measured


def serve(parent: int) -> None:
    """Run in the child: read the pickled arguments of `_measure` from standard input, and print its result as JSON."""
    if sys.platform != "win32":  # there, a virtual environment has a process in between
        threading.Thread(target=_end_with, args=[parent], daemon=True).start()
    print(json.dumps(_measure(*pickle.load(sys.stdin.buffer))))


def _end_with(parent: int) -> None:
    """End this process when its parent ends, which may be killed."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


def _measure(config: TrainConfig, network: TrainedNetwork, pairs: tuple[Pairs, Pairs]) -> tuple[float, float]:
    """Return the seconds of an epoch with its validation, and the seconds of the measurement after compilation."""
    from seq2seq_demo.network.keras_network.tensorflow_setup import set_threads  # loads TensorFlow
    from seq2seq_demo.training.batches import STEPS_PER_CALL, batch_widths
    from seq2seq_demo.training.trainer import Trainer

    training, validation = pairs
    set_threads(network.model_config.cell_size)
    trainer = Trainer(config, Snapshot(network), batch_widths(training, config, network.ends))
    order, rows = trainer.order(training), STEPS_PER_CALL * trainer.batch_rows
    parts = [training[order[first : first + rows]] for first in range(0, len(order), rows)]
    trainer.take_steps(parts[0])  # compiles
    began, n = time.monotonic(), 0
    for part in itertools.cycle(parts):
        trainer.take_steps(part)
        n += len(part)
        trained = time.monotonic() - began
        if trained > SECONDS:
            break
    sample = validation[:MAX_VALIDATION]
    measure(trainer.trained_network().to_numpy(), sample, EvaluationOptions(network.max_out_len))
    measured = time.monotonic() - began
    return trained / n * len(training) + (measured - trained) / len(sample) * len(validation), measured
