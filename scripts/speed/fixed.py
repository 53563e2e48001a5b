"""Training speed at one length, compared with plain Keras and with JAX."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.data.sequences import Pairs, shift_right
from speed.measuring import (
    KERAS,
    OURS,
    EpochFunctions,
    new_trainer,
    run_epoch,
    speed_columns,
    use_threads,
)

PROGRAMS = [OURS, KERAS]
JAX, JAX_NETWORK = "JAX", Path(__file__).with_name("jax_network.py")


def our_epoch(model_config: ModelConfig, length: int, calls: int) -> tuple[EpochFunctions, Pairs]:
    """Return a function that trains an epoch in `calls` calls of a compiled program, and the epoch's pairs."""
    from seq2seq_demo.training.batches import STEPS_PER_CALL

    samples = 128 * STEPS_PER_CALL * calls
    config = TrainConfig(points=samples * 10 // 9, in_len=length, out_len=length, epochs=1000)
    pairs, _ = find_pattern("reversed").draw(config, model_config)
    return {OURS: functools.partial(run_epoch, new_trainer(pairs, config, model_config), pairs)}, pairs


def epochs(model_config: ModelConfig, length: int) -> tuple[EpochFunctions, int]:
    """Return functions that train an epoch in each program, and the number of samples in an epoch."""
    from speed.plain_keras import plain_keras

    calls, pairs = our_epoch(model_config, length, max(1, 1280 // model_config.cell_size // length))
    targets = pairs.targets.array().astype(np.int32)
    inputs = [pairs.sources.array().astype(np.int32), shift_right(targets, model_config.go)]
    network = plain_keras(model_config, length)
    return calls | {KERAS: lambda: network.fit(inputs, targets, batch_size=128, epochs=1, verbose=0)}, len(targets)


def speed_row(name: str, units: int, length: int, rounds: int) -> list[str]:
    """Return the table row of the 2016 network at one size."""
    use_threads(units)
    calls, samples = epochs(ModelConfig(name, cell_size=units), length)
    return [f"{name}, {units} units, length {length}", *speed_columns(calls, samples, rounds)]


def jax_row(python: str, units: int, length: int, rounds: int) -> list[str]:
    """Return the table row of training with attention, here and in JAX, both on the same core.

    The last column is the difference between both losses of a batch before training. `python` is an interpreter with
    JAX.

    Raises:
        AssertionError: the losses differ.
    """
    from seq2seq_demo.trained.trained_network import untrained

    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    use_threads(1)
    model_config = ModelConfig("embedding_attention", cell_size=units)
    calls, pairs = our_epoch(model_config, length, max(1, 1280 // units // length))
    network, batches = untrained(model_config, 0), (-1, 128, length)
    epoch = {"sources": pairs.sources.array(), "targets": pairs.targets.array()}
    loss = network.evaluate(zip(*(each[:128].tolist() for each in epoch.values()), strict=True)).loss
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/epoch.npz"
        np.savez(file, **network.weights, **{side: each.reshape(batches) for side, each in epoch.items()})
        command, pipe = [python, "-P", JAX_NETWORK, file], subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1) as process:

            def train() -> str:
                process.stdin.write("\n")
                return process.stdout.readline()

            difference = abs(float(process.stdout.readline()) - loss)
            assert difference < 1e-5, f"expected a loss of {loss}; JAX differs by {difference}"
            columns = speed_columns(calls | {JAX: train}, len(pairs), rounds)
    return [f"embedding_attention, {units} units, length {length}", *columns, f"{difference:.0e}"]
