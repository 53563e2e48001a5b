"""Training speed at one length, compared with plain Keras and with training at many lengths."""

from __future__ import annotations

import functools
from dataclasses import replace

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
    time_in_turns,
    use_threads,
)

PROGRAMS = [OURS, KERAS]


def our_epoch(model_config: ModelConfig, length: int, calls: int) -> tuple[EpochFunctions, Pairs]:
    """Return a function that trains an epoch in `calls` calls of a compiled program, and the epoch's pairs."""
    from seq2seq_demo.training.batches import STEPS_PER_CALL

    samples = 128 * STEPS_PER_CALL * calls
    config = TrainConfig(points=-(-samples * 10 // 9), in_len=length, out_len=length, epochs=1000)
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


def varied_row(name: str, units: int, rounds: int) -> list[str]:
    """Return the nanoseconds per symbol of training at length 10 and at lengths 1 to 20."""
    use_threads(units)
    from seq2seq_demo.training.batches import STEPS_PER_CALL

    model_config, pattern = ModelConfig(name, cell_size=units), find_pattern("reversed")
    config = TrainConfig(points=-(-128 * STEPS_PER_CALL * 5 * 10 // 9), epochs=1000)
    varied = replace(config, in_len=20, out_len=20, min_in_len=1, few_symbols=0.25)
    calls, n_symbols = [], []
    for train_config, ends in ((config, False), (varied, True)):
        network = replace(model_config, ends=ends)
        pairs, _ = pattern.draw(train_config, network)
        trainer = new_trainer(pairs, train_config, network)
        calls.append(functools.partial(run_epoch, trainer, pairs))
        n_symbols.append(int(pairs.sources.lengths.sum()) + trainer.n_symbols(pairs))
    first, times = time_in_turns(calls, rounds)
    costs = [1e9 * time / n for time, n in zip(times, n_symbols, strict=True)]
    return [
        f"{name}, {units} units",
        *(f"{cost:,.0f}" for cost in costs),
        f"{costs[1] / costs[0]:.2f}",
        f"{first[1]:.1f} s",
    ]
