"""Measure speed and memory, and print them as Markdown, or with --json as JSON. It judges nothing.

    .venv/bin/python scripts/benchmark.py [--json] [--parts real,training] [--sizes 32x10,128x10] [--rounds 5]

Training is measured beside plain Keras, `fit` on Keras's own layers, without XLA: both have the same network in the
same process with the same threads, take turns, and the median of the rounds counts. A size is units x length. What is
measured, and what came of it, stands in scripts/README.md.
"""

import argparse
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from published.report import machine, print_table
from speed import fixed, real_work, whole
from speed.measuring import alone

from seq2seq_demo.config import MODELS

Rows = list[list[Any]]


class Part(NamedTuple):
    """A part of the measurement: what it returns can be written as JSON."""

    measure: Callable[[argparse.Namespace], Any]
    header: list[str]
    rows: Callable[[Any], Rows]


def measure_training(options: argparse.Namespace) -> list[dict]:
    """Measure each size and model."""
    sizes = [map(int, size.split("x")) for size in options.sizes.split(",")]
    return [
        alone(fixed.training_speed, model, units, length, options.rounds)
        for units, length in sizes
        for model in reversed(MODELS)
    ]


def training_rows(results: list[dict]) -> Rows:
    """Return a row for each size and model."""
    return [
        [
            f"{r['model']}, {r['units']} units, length {r['length']}",
            f"{r['samples_per_second']:,}",
            f"{r['keras_fit_samples_per_second']:,}",
            r["ratio"],
            f"{r['first_call_seconds']} s",
            f"{r['keras_fit_first_call_seconds']} s",
        ]
        for r in results
    ]


def measure_real(options: argparse.Namespace) -> list[dict]:
    """Measure each network on pairs like a dictionary's."""
    return [alone(real_work.training_beside_keras, name, options.pairs, options.rounds) for name in real_work.NETWORKS]


def real_rows(results: list[dict]) -> Rows:
    """Return a row for each network."""
    return [
        [
            r["network"],
            f"{r['weights']:,}",
            *(f"{speed:,}" for speed in r["pairs_per_second"].values()),
            r["ratio"],
            r["ratio_bucketed"],
            f"{r['first_call_seconds']} s",
            f"{r['keras_first_call_seconds']} s",
            " / ".join(f"{100 * share:.1f} %" for share in r["padding"].values()),
            f"{r['decoding']['greedy']:,}",
            f"{r['decoding']['beam']:,}",
        ]
        for r in results
    ]


def measure_varied(options: argparse.Namespace) -> list[dict]:
    """Measure each model with the units of the first size."""
    units = int(options.sizes.partition("x")[0])
    return [alone(fixed.varied_speed, model, units, options.rounds) for model in reversed(MODELS)]


def varied_rows(results: list[dict]) -> Rows:
    """Return a row for each model."""
    return [
        [
            f"{r['model']}, {r['units']} units",
            f"{r['fixed_ns']:,}",
            f"{r['varied_ns']:,}",
            r["ratio"],
            f"{r['first_call_seconds']} s",
        ]
        for r in results
    ]


PARTS = {
    "training": Part(
        measure_training,
        ["training, samples a second", "this program", "plain Keras `fit`", "ratio", "first call", "of Keras"],
        training_rows,
    ),
    "real": Part(
        measure_real,
        [
            "real work, pairs a second",
            "weights",
            "this program",
            "plain Keras `fit`",
            "the same, bucketed",
            "ratio",
            "to bucketed",
            "first call",
            "of Keras",
            "padding: in loops / outside / all",
            "greedy decoding",
            f"beam of {real_work.BEAM}",
        ],
        real_rows,
    ),
    "processes": Part(
        lambda options: alone(whole.whole_processes, options.rounds),
        ["a whole process", "seconds"],
        lambda results: [[f"`{name}`", f"{value:.2f}"] for name, value in results.items()],
    ),
    "varied": Part(
        measure_varied,
        ["a symbol in training, ns", "length 10", "lengths 1 to 20", "ratio", "first call"],
        varied_rows,
    ),
    "mixed": Part(
        lambda options: alone(whole.mixed_lengths, min(options.rounds, 3)),
        ["`predict`, 100,000 sequences", "seconds"],
        lambda results: [[name, f"{value:.2f}"] for name, value in results.items()],
    ),
    "decoding": Part(
        lambda options: alone(whole.decoding_speed),
        ["NumPy decoding", "sequences a second"],
        lambda results: [[name, f"{value:,.0f}"] for name, value in results.items()],
    ),
    "memory": Part(
        lambda options: alone(whole.peak_memory, 10_000_000),
        ["peak memory", "MB"],
        lambda megabytes: [["`train 10000000 --batch-size 1024`", f"{megabytes:,}"]],
    ),
}


def main() -> None:
    """Measure what is asked for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--sizes", default="32x10,128x10,256x10,32x50")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=8192, help="of real work, in an epoch (default 8192, 64 batches)")
    options = parser.parse_args()
    results = {name: PARTS[name].measure(options) for name in options.parts.split(",")}
    if options.json:
        print(json.dumps({"machine": machine()} | results, indent=2))
        return
    print(f"Measured on {machine()}.")
    for name, result in results.items():
        print()
        print_table(PARTS[name].header, PARTS[name].rows(result))


if __name__ == "__main__":
    main()
