"""Training speed compared with JAX. JAX runs in another environment and takes turns with this program."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pattern_task import find_pattern
from speed.ways import ONE, TWO, epoch_calls, n_weights, new_trainer, our_trainers, time_epochs, use_threads

ONE_DEVICE = "JAX, one device"
JAX = {ONE_DEVICE: 1, "JAX, two devices": 2}  # number of devices for each way of training
UNITS, LENGTH, CALLS = 32, 10, 10


@contextlib.contextmanager
def jax_epoch(python: str, name: str, devices: int) -> Iterator[Callable[[], None]]:
    """Start a JAX program; yield a function that lets it train an epoch of CALLS calls and waits for the end."""
    settings = {"devices": devices, "model": name, "units": UNITS, "length": LENGTH, "calls": CALLS}
    settings["weights"] = n_weights(ModelConfig(name, cell_size=UNITS))
    options = [word for key, value in settings.items() for word in (f"--{key}", str(value))]
    program = [python, "-P", str(Path(__file__).with_name("jax_speed.py")), *options]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(program, text=True, bufsize=1, **pipes) as process:

        def epoch() -> None:
            process.stdin.write("\n")
            if not process.stdout.readline():
                raise RuntimeError(f"expected {python} to train in JAX, got an early exit (see its output above)")

        yield epoch


def speeds_beside_jax(python: str, name: str, rounds: int) -> dict:
    """Return each way's samples per second and seconds of the first call, and our ratios to JAX on 1 and 2 cores."""
    ways = [ONE, TWO]
    use_threads(ways, UNITS)
    from seq2seq_demo.training.batches import STEPS_PER_CALL

    samples = 128 * STEPS_PER_CALL * CALLS
    config, model_config = TrainConfig(-(-samples * 10 // 9), epochs=1000), ModelConfig(name, cell_size=UNITS)
    pairs, _ = find_pattern("reversed").draw(config, model_config)
    with contextlib.ExitStack() as stack:
        theirs = {way: stack.enter_context(jax_epoch(python, name, devices)) for way, devices in JAX.items()}
        ours = our_trainers(ways, lambda n: new_trainer(pairs, replace(config, processes=n), model_config))
        trainers = stack.enter_context(ours)
        results = time_epochs(epoch_calls(trainers, pairs) | theirs, rounds)
    speeds = {way: samples / epoch for way, (epoch, _) in results.items()}
    return {
        "model": name,
        "samples_per_second": {way: round(speed) for way, speed in speeds.items()},
        "ratios": [round(speeds[our] / speeds[their], 2) for our, their in zip(ways, JAX, strict=True)],
        "first_call_seconds": {way: round(first, 1) for way, (_, first) in results.items()},
    }
