"""Training speed at one length, compared with plain Keras and with training at many lengths."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.data.sequences import shift_right
from speed.measuring import time_in_turns
from speed.ways import (
    KERAS,
    ONE,
    EpochFunctions,
    epoch_calls,
    measure,
    new_trainer,
    our_trainers,
    run_epoch,
    time_epochs,
    use_threads,
)


@contextlib.contextmanager
def epochs(ways: list[str], name: str, units: int, length: int) -> Iterator[tuple[EpochFunctions, int]]:
    """Yield functions that train an epoch in each way, and the number of samples in an epoch."""
    use_threads(ways, units)
    from seq2seq_demo.training.batches import STEPS_PER_CALL
    from speed.plain_keras import plain_keras

    model_config = ModelConfig(name, cell_size=units)
    samples = 128 * STEPS_PER_CALL * max(1, 1280 // units // length)
    config = TrainConfig(points=-(-samples * 10 // 9), in_len=length, out_len=length, epochs=1000)
    pairs, _ = find_pattern("reversed").draw(config, model_config)
    targets = pairs.targets.array().astype(np.int32)
    inputs = [pairs.sources.array().astype(np.int32), shift_right(targets, model_config.go)]
    with our_trainers(ways, lambda n: new_trainer(pairs, replace(config, processes=n), model_config)) as trainers:
        calls = epoch_calls(trainers, pairs)
        if KERAS in ways:
            network = plain_keras(model_config, length)
            calls[KERAS] = lambda: network.fit(inputs, targets, batch_size=128, epochs=1, verbose=0)
        yield calls, len(targets)


def training_speed(ways: list[str], name: str, units: int, length: int, rounds: int) -> dict:
    """Return the number of samples per epoch, and the seconds per epoch of each way."""
    with epochs(ways, name, units, length) as (calls, samples):
        return {"samples": samples, "speeds": time_epochs(calls, rounds)}


def training_beside_keras(name: str, units: int, length: int, rounds: int) -> dict:
    """Return each way's samples per second and seconds of the first call, and our faster way's ratio to plain Keras."""
    model_config = ModelConfig(name, cell_size=units)
    result = measure(training_speed, model_config, [KERAS], name, units, length, rounds)
    speeds = {way: result["samples"] / epoch for way, (epoch, _) in result["speeds"].items()}
    ours = max(speed for way, speed in speeds.items() if way != KERAS)
    return {
        "model": name,
        "units": units,
        "length": length,
        "samples_per_second": {way: round(speed) for way, speed in speeds.items()},
        "ratio": round(ours / speeds[KERAS], 2),
        "first_call_seconds": {way: round(first, 1) for way, (_, first) in result["speeds"].items()},
    }


def varied_speed(name: str, units: int, rounds: int) -> dict:
    """Return the nanoseconds per symbol of training at length 10 and at lengths 1 to 20."""
    use_threads([ONE], units)
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
    return {
        "model": name,
        "units": units,
        "fixed_ns": round(costs[0]),
        "varied_ns": round(costs[1]),
        "ratio": round(costs[1] / costs[0], 2),
        "first_call_seconds": round(first[1], 1),
    }
