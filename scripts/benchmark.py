"""Measure speed and print Markdown tables.

    .venv/bin/python scripts/benchmark.py [--parts real,training] [--sizes 32x10,128x10] [--rounds 3]

The part `training` compares this program with plain Keras: `fit` on the same network, built from Keras's own layers,
without XLA. The programs take turns, and the tables give the median of the rounds. --sizes lists units x length.
scripts/README.md explains the measurements and lists results.
"""

import argparse
import itertools
from collections.abc import Iterable

from published.report import machine, print_table
from speed import fixed, real_work, whole
from speed.measuring import OURS, in_new_process, speed_header

from seq2seq_demo.config import MODELS

Table = tuple[list[str], Iterable[list[str]]]  # the header and the rows


def training(options: argparse.Namespace) -> Table:
    """Compare training with plain Keras for each size and model."""
    rows = (in_new_process(fixed.speed_row, *each, options.rounds) for each in networks(options))
    return ["training, samples per second", *speed_header(fixed.PROGRAMS)], rows


def networks(options: argparse.Namespace) -> list[tuple[str, int, int]]:
    """Return each model at each size, as (model, units, length)."""
    sizes = [size.split("x") for size in options.sizes.split(",")]
    return [(model, int(units), int(length)) for (units, length), model in itertools.product(sizes, MODELS[::-1])]


def jax(options: argparse.Namespace) -> Table:
    """Compare training with attention on one core with JAX, at the first size."""
    units, length = networks(options)[0][1:]
    row = in_new_process(fixed.jax_row, options.jax, units, length, options.rounds)
    return ["training on one core, samples per second", *speed_header([OURS, fixed.JAX]), "difference of losses"], [row]


def real(options: argparse.Namespace) -> Table:
    """Measure training, padding and decoding for each network on realistic pairs."""
    header = ["realistic data, pairs per second", "weights", "training", "first call"]
    header += ["padding: in loops / outside / all", "greedy decoding", f"beam of {real_work.BEAM}"]
    names = real_work.NETWORKS
    return header, (in_new_process(real_work.speed_row, name, options.pairs, options.rounds) for name in names)


PARTS = {
    "training": training,
    "jax": jax,
    "real": real,
    "processes": lambda options: (["process", "seconds"], whole.whole_processes(options.rounds)),
    "decoding": lambda _: (["NumPy decoding", "sequences per second"], in_new_process(whole.decoding_speed)),
}
DEFAULT_PARTS = ",".join(name for name in PARTS if name != "jax")


def main() -> None:
    """Measure the selected parts and print each table as soon as it is complete."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=DEFAULT_PARTS, help=f"some of {','.join(PARTS)}")
    parser.add_argument("--sizes", default="32x10,128x10,256x10,32x50")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=8192, help="pairs per epoch in the part real (default 8192)")
    parser.add_argument("--jax", metavar="PYTHON", help="an interpreter with JAX, for the part jax")
    options = parser.parse_args()
    parts = options.parts.split(",")
    if unknown := [name for name in parts if name not in PARTS]:
        parser.error(f"expected parts among {','.join(PARTS)}, got {','.join(unknown)}")
    if "jax" in parts and not options.jax:
        parser.error("the part jax needs --jax")
    print(f"Measured on {machine()}.")
    for name in parts:
        header, rows = PARTS[name](options)
        print()
        print_table(header, [*rows])


if __name__ == "__main__":
    main()
