"""Measure speed and memory, and print them as Markdown, or with --json as JSON. It judges nothing.

    .venv/bin/python scripts/benchmark.py [--json] [--sizes 32x10,128x10] [--rounds 5]

A size is units x length. Training is measured beside plain Keras, `fit` on Keras's own layers, without XLA: the two
take turns in one process, and the median of the rounds counts. A sample is one pair of source and target. The first
size decides how many threads TensorFlow gets, so give sizes far apart a run each.
"""

import argparse
import contextlib
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from seq2seq_demo.network.keras_network.tensorflow_setup import set_threads  # before Keras

# isort: split
import keras
import numpy as np

from seq2seq_demo.config import MODELS, ModelConfig, TrainConfig
from seq2seq_demo.data.batches import random_sources, shift_right
from seq2seq_demo.data.sequence_pattern import find_pattern
from seq2seq_demo.files.canonical import shipped_path
from seq2seq_demo.network.parallel import CHUNK, in_threads
from seq2seq_demo.trained_network import Progress, untrained
from seq2seq_demo.training.loop import STEPS_PER_CALL, Trainer
from seq2seq_demo.training.varied_loop import VariedTrainer

PROGRAM = [sys.executable, "-m", "seq2seq_demo"]


class AttentionCell(keras.layers.Layer):
    """The attention decoder of seq2seq_demo/README.md as an RNN cell; the memory and its keys travel in the state."""

    def __init__(self, model_config: ModelConfig, length: int) -> None:
        """Make the layers that a step needs."""
        super().__init__()
        H = model_config.cell_size
        self.shape = length, H
        self.state_size = [H, H, H, length * H, length * H]
        self.input_layer = keras.layers.Dense(model_config.embedding_size)
        self.cell = keras.layers.LSTMCell(H)
        self.query, self.score = keras.layers.Dense(H), keras.layers.Dense(1, use_bias=False)
        self.projection = keras.layers.Dense(model_config.n_output_symbols)
        self.output_layer = keras.layers.Dense(model_config.n_output_symbols)
        self.built = True  # its layers build themselves when they are first called

    def call(self, x, states):
        """Take one step."""
        h, c, context, memory, keys = states
        memory, keys = (keras.ops.reshape(flat, (-1, *self.shape)) for flat in (memory, keys))
        x = self.input_layer(keras.ops.concatenate([x, context], axis=1))
        _, (h, c) = self.cell(x, [h, c])
        query = self.query(keras.ops.concatenate([c, h], axis=1))
        alpha = keras.ops.softmax(self.score(keras.ops.tanh(keys + query[:, None]))[..., 0])
        context = keras.ops.sum(alpha[..., None] * memory, axis=1)
        logits = self.output_layer(keras.ops.concatenate([self.projection(h), context], axis=1))
        return logits, [h, c, context, *states[3:]]


def plain_keras(model_config: ModelConfig, length: int) -> keras.Model:
    """Return the same network as anybody would write it with Keras's layers."""
    sources, decoder_input = (keras.Input((length,), dtype="int32") for _ in range(2))
    embedded = keras.layers.Embedding(model_config.n_input_symbols, model_config.embedding_size)(sources)
    encoder = keras.layers.RNN(keras.layers.LSTMCell(model_config.cell_size), return_sequences=True, return_state=True)
    memory, h, c = encoder(embedded)
    fed = keras.layers.Embedding(model_config.n_output_symbols, model_config.embedding_size)(decoder_input)
    if model_config.has_attention:
        keys = keras.layers.Dense(model_config.cell_size, use_bias=False)(memory)
        flat = [keras.layers.Flatten()(x) for x in (memory, keys)]
        decoder = keras.layers.RNN(AttentionCell(model_config, length), return_sequences=True)
        logits = decoder(fed, initial_state=[h, c, keras.ops.zeros_like(h), *flat])
    else:
        decoder = keras.layers.RNN(keras.layers.LSTMCell(model_config.cell_size), return_sequences=True)
        logits = keras.layers.Dense(model_config.n_output_symbols)(decoder(fed, initial_state=[h, c]))
    network = keras.Model([sources, decoder_input], logits)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    adam = keras.optimizers.Adam(1e-4, epsilon=1e-8, global_clipnorm=5.0)
    network.compile(adam, loss, metrics=["accuracy"], jit_compile=False)
    return network


def seconds(function: Callable) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def training_speed(name: str, units: int, length: int, rounds: int) -> dict:
    """Return samples a second of this program and of plain Keras, and the seconds of the first call of each."""
    model_config = ModelConfig(name, cell_size=units)
    set_threads(units)
    samples = 128 * STEPS_PER_CALL * max(1, 320 // units // length)
    config = TrainConfig(points=-(-samples * 10 // 9), in_len=length, out_len=length, epochs=1000)
    pairs, _ = find_pattern("reversed").draw(config, model_config)
    trainer = Trainer("reversed", config, untrained(model_config, 0))
    keras_network = plain_keras(model_config, length)
    targets = pairs.targets.astype(np.int32)
    inputs = [pairs.sources.astype(np.int32), shift_right(targets, model_config.go)]

    def ours():
        trainer.run_epoch(pairs, [], None)
        trainer.progress = Progress()

    def theirs():
        keras_network.fit(inputs, targets, batch_size=128, epochs=1, verbose=0)

    first = [seconds(ours), seconds(theirs)]
    times = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    speeds = [len(targets) / statistics.median(column) for column in zip(*times, strict=True)]
    return {
        "model": name,
        "units": units,
        "length": length,
        "samples_per_second": round(speeds[0]),
        "keras_fit_samples_per_second": round(speeds[1]),
        "ratio": round(speeds[0] / speeds[1], 2),
        "first_call_seconds": round(first[0], 1),
        "keras_fit_first_call_seconds": round(first[1], 1),
    }


def varied_speed(name: str, units: int, rounds: int) -> dict:
    """Return what a symbol costs in training at lengths 1 to 20 beside training at length 10, in nanoseconds."""
    model_config, pattern = ModelConfig(name, cell_size=units), find_pattern("reversed")
    config = TrainConfig(points=-(-128 * STEPS_PER_CALL * 5 * 10 // 9), epochs=1000)
    every = replace(config, in_len=20, out_len=20, min_in_len=1, few_symbols=0.25)
    fixed_pairs, _ = pattern.draw(config, model_config)
    pairs, _ = pattern.draw(every, model_config)
    fixed = Trainer("reversed", config, untrained(model_config, 0))
    varied = VariedTrainer("reversed", every, untrained(model_config, 0), pairs)
    n_symbols = [len(fixed_pairs.sources) * 20, int(pairs.sources.lengths.sum()) + varied.n_symbols(pairs)]

    def epoch(trainer: Trainer, points: Any) -> None:
        trainer.run_epoch(points, [], None)
        trainer.progress = Progress()

    first = [seconds(lambda: epoch(fixed, fixed_pairs)), seconds(lambda: epoch(varied, pairs))]
    times = [(seconds(lambda: epoch(fixed, fixed_pairs)), seconds(lambda: epoch(varied, pairs))) for _ in range(rounds)]
    costs = [[1e9 * t / n for t, n in zip(pair, n_symbols, strict=True)] for pair in times]
    return {
        "model": name,
        "units": units,
        "fixed_ns": round(statistics.median(cost for cost, _ in costs)),
        "varied_ns": round(statistics.median(cost for _, cost in costs)),
        "ratio": round(statistics.median(cost / fixed for fixed, cost in costs), 2),
        "first_call_seconds": round(first[1], 1),
    }


def mixed_lengths(rounds: int) -> dict:
    """Return the seconds of `predict` on 100,000 sequences of lengths 1 to 20, and of as many at length 10."""
    weights = str(shipped_path("reversed", "embedding_attention"))
    rng, times = random.Random(1), {}
    with tempfile.TemporaryDirectory() as folder:
        path, n_symbols = Path(folder) / "sources.jsonl", {}
        for name, shortest, longest in (("length 10", 10, 10), ("lengths 1 to 20", 1, 20)):
            rows = [[rng.randrange(10) for _ in range(rng.randint(shortest, longest))] for _ in range(100_000)]
            path.write_text("".join(f"{row}\n" for row in rows))
            times[name] = process_seconds("predict", "-i", weights, "--from-file", str(path), rounds=rounds)
            n_symbols[name] = sum(map(len, rows))
    costs = {name: times[name] / n_symbols[name] for name in times}
    return times | {"ratio, a symbol": costs["lengths 1 to 20"] / costs["length 10"]}


def process_seconds(*argv: str, rounds: int) -> float:
    """Return the median time of the program as a whole process."""
    return statistics.median(
        seconds(lambda: subprocess.run([*PROGRAM, *argv], check=True, capture_output=True)) for _ in range(rounds)
    )


def whole_processes(rounds: int) -> dict[str, float]:
    """Return the seconds that whole processes take."""
    weights = str(shipped_path("reversed", "embedding_attention"))
    digits = [str(digit) for digit in range(10)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sources.jsonl"
        rng = random.Random(1)
        path.write_text("".join(f"{[rng.randrange(10) for _ in range(10)]}\n" for _ in range(100_000)))
        return {
            "--help": process_seconds("--help", rounds=rounds),
            "predict 0 1 2 3 4 5 6 7 8 9": process_seconds("predict", "-i", weights, *digits, rounds=rounds),
            "predict, 100,000 sequences": process_seconds("predict", "-i", weights, "--from-file", str(path), rounds=3),
            "train 1000 -e 1": process_seconds("train", "1000", "-e", "1", "-o", f"{folder}/w", rounds=1),
        }


def decoding_speed(name: str) -> float:
    """Return how many sequences of length 10 NumPy decodes in a second."""
    network = untrained(ModelConfig(name), 0).to_numpy()
    sources = random_sources(np.random.default_rng(1), 50_000, 10, 9)
    chunks = [sources[k : k + CHUNK] for k in range(0, len(sources), CHUNK)]
    return len(sources) / seconds(lambda: list(in_threads(lambda chunk: network.decode(chunk, 10), chunks)))


def peak_memory(points: int) -> int:
    """Return the peak memory of the first 25 seconds of `train POINTS -e 1 --batch-size 1024`, in MB."""
    argv = [*PROGRAM, "train", str(points), "-e", "1", "-m", "embedding_rnn", "--batch-size", "1024"]
    with tempfile.TemporaryDirectory() as folder:
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen([*argv, "-o", f"{folder}/w", "--data-dir", folder], **silent)
        time.sleep(25)
        status = Path(f"/proc/{process.pid}/status").read_text()
        process.terminate()
        process.wait()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) // 1024


def machine() -> str:
    """Return what it was measured on."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(": ")[1] for line in lines if line.startswith("model name"))
    return f"{os.cpu_count()} cores of {name}; Python {platform.python_version()}, Keras {keras.__version__}"


def markdown(results: dict) -> str:
    """Return the tables."""
    lines = [f"Measured on {results['machine']}.", ""]
    lines += [
        "| training, samples a second | this program | plain Keras `fit` | ratio | first call |",
        "|---|---|---|---|---|",
    ]
    for r in results["training"]:
        lines.append(
            f"| {r['model']}, {r['units']} units, length {r['length']} | {r['samples_per_second']:,} "
            f"| {r['keras_fit_samples_per_second']:,} | {r['ratio']} | {r['first_call_seconds']} s |"
        )
    lines += ["", "| a whole process | seconds |", "|---|---|"]
    lines += [f"| `{name}` | {value:.2f} |" for name, value in results["processes"].items()]
    lines += [
        "",
        "| a symbol in training, ns | length 10 | lengths 1 to 20 | ratio | first call |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {r['model']}, {r['units']} units | {r['fixed_ns']:,} | {r['varied_ns']:,} | {r['ratio']} "
        f"| {r['first_call_seconds']} s |"
        for r in results["varied"]
    ]
    lines += ["", "| `predict`, 100,000 sequences | seconds |", "|---|---|"]
    lines += [f"| {name} | {value:.2f} |" for name, value in results["mixed"].items()]
    lines += ["", "| | |", "|---|---|"]
    lines += [
        f"| NumPy decoding, {name} | {value:,.0f} sequences a second |" for name, value in results["decoding"].items()
    ]
    lines += [f"| peak memory of `train 10000000 --batch-size 1024` | {results['peak_memory_mb']:,} MB |"]
    return "\n".join(lines)


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sizes", default="32x10,128x10")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    sizes = [tuple(map(int, size.split("x"))) for size in options.sizes.split(",")]
    results = {
        "machine": machine(),
        "training": [training_speed(m, *size, options.rounds) for size in sizes for m in reversed(MODELS)],
        "processes": whole_processes(options.rounds),
        "varied": [varied_speed(m, sizes[0][0], options.rounds) for m in reversed(MODELS)],
        "mixed": mixed_lengths(3),
        "decoding": {name: decoding_speed(name) for name in reversed(MODELS)},
        "peak_memory_mb": peak_memory(10_000_000),
    }
    print(json.dumps(results, indent=2) if options.json else markdown(results))


if __name__ == "__main__":
    main()
