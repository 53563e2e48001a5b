"""Measure speed and memory, and print Markdown tables, or JSON with --json.

    .venv/bin/python scripts/benchmark.py [--json] [--parts real,training] [--sizes 32x10,128x10] [--rounds 3]

Training in one and in two processes is compared with plain Keras: `fit` on the same network made of Keras's own layers,
without XLA. The programs take turns, and the tables give the median of the rounds. --sizes are units x length.
scripts/README.md explains the measurements and lists results.

The part `jax` compares training with JAX, which needs another environment. It is skipped without --jax:

    python3 -m venv /tmp/jaxenv && /tmp/jaxenv/bin/pip install jax==0.10.2
    .venv/bin/python scripts/benchmark.py --parts jax --jax /tmp/jaxenv/bin/python
"""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from published.report import machine, print_table
from speed import fixed, peak, real_work, whole
from speed.beside_jax import JAX, LENGTH, ONE_DEVICE, UNITS, speeds_beside_jax
from speed.measuring import in_new_process
from speed.ways import BUCKETED, KERAS, ONE, TWO

from seq2seq_demo.config import MODELS

Rows = list[list[Any]]


class Part(NamedTuple):
    """A part of the benchmark. `measure` returns results as JSON values; `rows` turns the results into table rows."""

    measure: Callable[[argparse.Namespace], Any]
    header: list[str]
    rows: Callable[[Any], Rows]


def measure_training(options: argparse.Namespace) -> list[dict]:
    """Measure training for each size and model."""
    sizes = [map(int, size.split("x")) for size in options.sizes.split(",")]
    return [
        fixed.training_beside_keras(model, units, length, options.rounds)
        for units, length in sizes
        for model in reversed(MODELS)
    ]


def by_way(figures: dict[str, float], ways: list[str], form: str) -> list[str]:
    """Return a table cell for each way of training: its figure, or a dash if the way was not measured."""
    return [form.format(figures[way]) if way in figures else "—" for way in ways]


def training_rows(results: list[dict]) -> Rows:
    """Return one row per size and model."""
    return [
        [
            f"{r['model']}, {r['units']} units, length {r['length']}",
            *by_way(r["samples_per_second"], [ONE, TWO, KERAS], "{:,}"),
            r["ratio"],
            *by_way(r["first_call_seconds"], [ONE, TWO, KERAS], "{} s"),
        ]
        for r in results
    ]


def measure_jax(options: argparse.Namespace) -> list[dict]:
    """Measure training in this program and in JAX for each model; without --jax, return no results."""
    if options.jax:
        return [in_new_process(speeds_beside_jax, options.jax, model, options.rounds) for model in reversed(MODELS)]
    print("jax is skipped, because --jax is missing", file=sys.stderr)
    return []


def jax_rows(results: list[dict]) -> Rows:
    """Return one row per model."""
    return [[r["model"], *by_way(r["samples_per_second"], [ONE, TWO, *JAX], "{:,}"), *r["ratios"]] for r in results]


def measure_real(options: argparse.Namespace) -> list[dict]:
    """Measure each network on dictionary-like pairs."""
    return [real_work.training_beside_keras(name, options.pairs, options.rounds) for name in real_work.NETWORKS]


def real_rows(results: list[dict]) -> Rows:
    """Return one row per network."""
    return [
        [
            r["network"],
            f"{r['weights']:,}",
            *by_way(r["pairs_per_second"], [ONE, TWO, KERAS, BUCKETED], "{:,}"),
            r["ratio"],
            r["ratio_bucketed"],
            *by_way(r["first_call_seconds"], [ONE, TWO, KERAS], "{} s"),
            " / ".join(f"{100 * share:.1f} %" for share in r["padding"].values()),
            f"{r['decoding']['greedy']:,}",
            f"{r['decoding']['beam']:,}",
        ]
        for r in results
    ]


def measure_varied(options: argparse.Namespace) -> list[dict]:
    """Measure training at varied lengths for each model, with the units of the first size."""
    units = int(options.sizes.partition("x")[0])
    return [in_new_process(fixed.varied_speed, model, units, options.rounds) for model in reversed(MODELS)]


def varied_rows(results: list[dict]) -> Rows:
    """Return one row per model."""
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


def measure_peak(options: argparse.Namespace) -> list[dict]:
    """Measure each size and model, and each network on dictionary-like pairs; with --jax, add JAX where it is measured.

    JAX's share of the peak follows from its speed relative to ours, both on the clock.
    """
    sizes = [tuple(map(int, size.split("x"))) for size in options.sizes.split(",")]
    networks = [(model, *size) for size in sizes for model in reversed(MODELS)]
    results = {network: in_new_process(peak.fixed_shares, *network, options.rounds) for network in networks}
    for result in measure_jax(options) if (UNITS, LENGTH) in sizes else []:
        shares = results[result["model"], UNITS, LENGTH]["share_of_peak"]
        shares[ONE_DEVICE] = round(shares[ONE] / result["ratios"][0], 3)
    real = [in_new_process(peak.real_shares, name, options.pairs, options.rounds) for name in real_work.NETWORKS]
    return [*results.values(), *real]


def peak_rows(results: list[dict]) -> Rows:
    """Return one row per network."""
    return [
        [
            r["name"],
            r["megaflops"],
            r["gflops"][ONE],
            *by_way(r["share_of_peak"], [ONE, KERAS, ONE_DEVICE], "{:.0%}"),
            *(f"{r['shares_of_time'][kind]:.0%}" for kind in peak.KINDS),
        ]
        for r in results
    ]


FIRST_CALLS = [f"first call, {way}" for way in (ONE, TWO, "Keras")]
PARTS = {
    "training": Part(
        measure_training,
        [
            "training, samples per second",
            ONE,
            TWO,
            "plain Keras `fit`",
            "ours / Keras",
            *FIRST_CALLS,
        ],
        training_rows,
    ),
    "jax": Part(
        measure_jax,
        ["32 units, length 10, samples per second", ONE, TWO, *JAX, "one core: ours / JAX", "two cores: ours / JAX"],
        jax_rows,
    ),
    "peak": Part(
        measure_peak,
        [
            "one thread",
            "MFLOP per pair",
            "GFLOP/s",
            "share of peak",
            "plain Keras",
            ONE_DEVICE,
            *(f"time: {kind}" for kind in peak.KINDS),
        ],
        peak_rows,
    ),
    "real": Part(
        measure_real,
        [
            "realistic data, pairs per second",
            "weights",
            ONE,
            TWO,
            "plain Keras `fit`",
            "plain Keras, bucketed",
            "ours / Keras",
            "ours / bucketed",
            *FIRST_CALLS,
            "padding: in loops / outside / all",
            "greedy decoding",
            f"beam of {real_work.BEAM}",
        ],
        real_rows,
    ),
    "processes": Part(
        lambda options: in_new_process(whole.whole_processes, options.rounds),
        ["process", "seconds"],
        lambda results: [[f"`{name}`", f"{value:.2f}"] for name, value in results.items()],
    ),
    "varied": Part(
        measure_varied,
        ["training, ns per symbol", "length 10", "lengths 1 to 20", "ratio", "first call"],
        varied_rows,
    ),
    "mixed": Part(
        lambda options: in_new_process(whole.mixed_lengths, min(options.rounds, 3)),
        ["`predict`, 100,000 sequences", "seconds"],
        lambda results: [[name, f"{value:.2f}"] for name, value in results.items()],
    ),
    "decoding": Part(
        lambda options: in_new_process(whole.decoding_speed),
        ["NumPy decoding", "sequences per second"],
        lambda results: [[name, f"{value:,.0f}"] for name, value in results.items()],
    ),
    "memory": Part(
        lambda options: in_new_process(whole.peak_memory, 10_000_000),
        ["peak memory", "MB"],
        lambda megabytes: [["`train 10000000 --batch-size 1024`", f"{megabytes:,}"]],
    ),
}


def main() -> None:
    """Measure the selected parts and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--sizes", default="32x10,128x10,256x10,32x50")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jax", metavar="PYTHON", help="the Python of an environment with JAX, for the part jax")
    parser.add_argument("--pairs", type=int, default=8192, help="pairs per epoch in the part real (default 8192)")
    options = parser.parse_args()
    results = {name: PARTS[name].measure(options) for name in options.parts.split(",")}
    if options.json:
        print(json.dumps({"machine": machine()} | results, indent=2))
        return
    print(f"Measured on {machine()}.")
    for name, result in results.items():
        if result:
            print()
            print_table(PARTS[name].header, PARTS[name].rows(result))


if __name__ == "__main__":
    main()
