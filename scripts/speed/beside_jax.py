"""Training speed compared with JAX on one core. JAX runs in another environment and takes turns with this program."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.trained_network import untrained
from speed import fixed
from speed.measuring import OURS, speed_columns, use_threads

JAX = "JAX"
PROGRAMS = [OURS, JAX]
UNITS, LENGTH, CALLS = 32, 10, 10


@contextlib.contextmanager
def jax_epoch(python: str, model_config: ModelConfig) -> Iterator[Callable[[], None]]:
    """Start a JAX program; yield a function that lets it train an epoch of CALLS calls and waits for the end."""
    settings = {"model": model_config.model, "units": UNITS, "length": LENGTH, "calls": CALLS}
    settings["weights"] = untrained(model_config, 0).n_weights
    options = [word for key, value in settings.items() for word in (f"--{key}", str(value))]
    program = [python, "-P", str(Path(__file__).with_name("jax_speed.py")), *options]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(program, text=True, bufsize=1, **pipes) as process:

        def epoch() -> None:
            process.stdin.write("\n")
            if not process.stdout.readline():
                raise RuntimeError(f"expected {python} to train in JAX, got an early exit (see its output above)")

        yield epoch


def speed_row(python: str, name: str, rounds: int) -> list[str]:
    """Return the table row of a model: samples per second, our ratio, and the seconds of the first calls."""
    use_threads(UNITS)
    model_config = ModelConfig(name, cell_size=UNITS)
    calls, pairs = fixed.our_epoch(model_config, LENGTH, CALLS)
    with jax_epoch(python, model_config) as theirs:
        return [name, *speed_columns(calls | {JAX: theirs}, len(pairs), rounds)]
