"""Measure how time and memory grow with points, units, lengths, vocabulary, layers and cores; print Markdown or JSON.

    .venv/bin/python scripts/growth.py [--json] [--axes units,layers] [--seconds 2]

One axis varies at a time; everything else is as in BASE. Each measurement is a process of its own, so that its peak
memory is its own. After each figure comes its growth: the ratio to the figure of the previous row, divided by the ratio
of the sizes. 1 is linear growth, less is better. Growth above LINEAR is listed at the end. scripts/GROWTH.md has the
results.
"""

import argparse
import json
import os
import resource
import time
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from published.report import machine, print_table
from speed.measuring import alone, seconds
from speed.ways import run_epoch, trainer_on

from seq2seq_demo.config import DEFAULT_FEW_SYMBOLS, ModelConfig, TrainConfig
from seq2seq_demo.data.pattern_task import find_pattern

LINEAR = 1.1  # growth above this is worse than linear, as far as the clock can tell
B = 128  # batch


@dataclass(frozen=True)
class Size:
    """What is measured: a training on `reversed`, and predictions of such a network."""

    points: int = 100_000
    units: int = 32
    length: int = 10
    vocabulary: int = 10
    layers: int = 1
    cores: int = os.cpu_count() or 1
    model: str = "embedding_attention"
    varies: bool = False  # lengths from 1 on, learned to the END

    def __str__(self) -> str:
        """Return it in a line."""
        sizes = f"{self.points} points, {self.layers} x {self.units} units, length {self.length}"
        return f"{self.model}, {sizes}, vocabulary {self.vocabulary}, {self.cores} cores"

    def model_config(self) -> ModelConfig:
        """Return the network."""
        largest = self.vocabulary - 1
        return ModelConfig(
            self.model,
            num_layers=self.layers,
            cell_size=self.units,
            in_max_int=largest,
            out_max_int=largest,
            ends=self.varies,
        )

    def train_config(self) -> TrainConfig:
        """Return the training; so many epochs that it pays to compile."""
        config = TrainConfig(self.points, self.length, self.length, epochs=1000, batch_size=B)
        return replace(config, min_in_len=1, few_symbols=DEFAULT_FEW_SYMBOLS) if self.varies else config


class Axis(NamedTuple):
    """What varies, from small to large."""

    field: str
    values: list[int]
    base: Size = Size()

    def sizes(self) -> list[Size]:
        """Return the sizes to measure."""
        return [replace(self.base, **{self.field: value}) for value in self.values]


POINTS, VOCABULARY = [10**4, 10**5, 10**6, 10**7], [10, 100, 1000, 10_000]
AXES = {
    "points": Axis("points", POINTS),
    "points, lengths 1 to 10": Axis("points", POINTS, Size(varies=True)),
    "units": Axis("units", [32, 64, 128, 256, 512]),
    "length": Axis("length", [10, 20, 50, 100, 200]),
    "length, embedding_rnn": Axis("length", [10, 20, 50, 100, 200], Size(model="embedding_rnn")),
    "vocabulary": Axis("vocabulary", VOCABULARY),
    "vocabulary, embedding_rnn": Axis("vocabulary", VOCABULARY, Size(model="embedding_rnn")),
    "layers": Axis("layers", [1, 2, 3, 4]),
    "cores, 32 units": Axis("cores", [1, 2]),
    "cores, 256 units": Axis("cores", [1, 2], Size(units=256)),
}


def peak() -> float:
    """Return the peak memory of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def use_cores(n: int) -> None:
    """Leave this process so many of the cores that it may use."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n])


def measure_points(size: Size, budget: float) -> dict[str, float]:
    """Return what the points of a training cost before a step sees them: the seconds, and the peak memory, in MB.

    They are drawn, a network is built for them, an epoch is put in order, and all are taken in that order.
    """
    from seq2seq_demo.training.trainer import STEPS_PER_CALL

    config, model_config = size.train_config(), size.model_config()
    clock = time.perf_counter
    times = [clock()]
    pairs, _ = find_pattern("reversed").draw(config, model_config)
    times.append(clock())
    trainer = trainer_on(pairs, config, model_config)
    times.append(clock())
    order = trainer.order(pairs)
    times.append(clock())
    rows = STEPS_PER_CALL * B
    for first in range(0, len(order), rows):
        pairs[order[first : first + rows]]
    times.append(clock())
    return dict(zip(("draw", "build", "order", "take"), np.diff(times).tolist(), strict=True)) | {"memory": peak()}


def measure_training(size: Size, budget: float) -> dict[str, float]:
    """Return the seconds of the first step, which compiles, and of a later one; and the peak memory, in MB."""
    use_cores(size.cores)
    from seq2seq_demo.network.keras_network.tensorflow_setup import set_threads

    set_threads(size.units)
    from seq2seq_demo.training.batches import STEPS_PER_CALL

    config, model_config = replace(size.train_config(), validation_points=1), size.model_config()
    pairs, _ = find_pattern("reversed").draw(replace(config, points=STEPS_PER_CALL * B + 1), model_config)
    trainer = trainer_on(pairs, config, model_config)

    def steps(n: int) -> float:
        trainer.config = replace(config, points=n * B + 1)
        return seconds(lambda: run_epoch(trainer, pairs[: n * B]))

    first, one = steps(1), steps(1)
    n = int(np.clip(budget / 3 / one, 1, STEPS_PER_CALL))
    return {"compile": first, "step": min(steps(n) for _ in range(3)) / n, "memory": peak()}


def measure_prediction(size: Size, budget: float) -> dict[str, float]:
    """Return the seconds that a sequence takes to predict, among many, and the peak memory, in MB."""
    use_cores(size.cores)
    from seq2seq_demo.data.sampling import random_sources
    from seq2seq_demo.trained_network import untrained

    network = untrained(size.model_config(), 0)

    def predict(n: int) -> float:
        sources = random_sources(np.random.default_rng(1), n, size.length, size.vocabulary - 1)
        return seconds(lambda: network.predict(sources, size.length))

    n = 64
    predict(n)  # threads start
    while (taken := predict(n)) < budget / 4 and n < 16_000:
        n *= 2
    return {"sequence": taken / n, "memory": peak()}


TITLES = {
    "draw": "drawing",
    "build": "building a network",
    "order": "ordering an epoch",
    "take": "taking pairs in that order",
    "compile": "first step, with compilation",
    "step": "step",
    "sequence": "time per sequence",
    "memory": "peak memory",
}
Figures = dict[tuple[str, str], list[float]]  # what it is of and its name: a value for each size


def growth(figures: list[float], sizes: list[int]) -> list[float | None]:
    """Return of each figure but the first how many times the one before it is, over how many times the size before.

    1 is linear growth. Fixed costs make it less.
    """
    pairs = zip(figures, figures[1:], sizes, sizes[1:], strict=False)
    return [None, *((after / before) / (larger / smaller) for before, after, smaller, larger in pairs)]


def measured(axis: Axis, budget: float) -> Figures:
    """Return every figure of an axis."""
    measures = {"training": measure_training, "prediction": measure_prediction}
    figures: Figures = {}
    for of, measure in {"points": measure_points}.items() if axis.field == "points" else measures.items():
        found = [alone(measure, size, budget) for size in axis.sizes()]
        figures |= {(of, figure): [each[figure] for each in found] for figure in found[0]}
    return figures


def shown(figure: str, value: float) -> str:
    """Return a figure with its unit."""
    if figure == "memory":
        return f"{value:,.0f} MB"
    unit, factor = next(((u, f) for u, f in (("s", 1), ("ms", 1e3)) if value * f >= 1), ("µs", 1e6))
    return f"{value * factor:.3g} {unit}"


def rows(axis: Axis, figures: Figures) -> list[list[str]]:
    """Return the table of an axis: each figure, and in brackets how it grew."""
    columns = [[f"{value:,}" for value in axis.values]]
    for (_, figure), values in figures.items():
        grown = ["" if g is None else f" ({g:.2f})" for g in growth(values, axis.values)]
        columns.append([shown(figure, value) + g for value, g in zip(values, grown, strict=True)])
    return [*map(list, zip(*columns, strict=True))]


def worse_than_linear(name: str, axis: Axis, figures: Figures) -> list[str]:
    """Return a line for each figure that grows by more than its size somewhere."""
    lines = []
    for (of, figure), values in figures.items():
        grown = zip(axis.values, axis.values[1:], growth(values, axis.values)[1:], strict=False)
        steep = [f"{before:,} to {after:,} ({g:.2f})" for before, after, g in grown if g > LINEAR]
        if steep:
            lines.append(f"- {name}: {of}, {TITLES[figure]}: {', '.join(steep)}")
    return lines


def main() -> None:
    """Measure each axis, and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--axes", help="some of the axes, by their first words, such as points,units (default all)")
    parser.add_argument("--seconds", type=float, default=2, help="about how long to repeat each (default 2)")
    parser.add_argument("--largest", type=int, default=10**7, help="leave out larger sizes, to try the script")
    options = parser.parse_args()
    chosen = tuple(options.axes.split(",")) if options.axes else ("",)
    results, steep = {"machine": machine()}, []
    if not options.json:
        print(f"Measured on {machine()}.")
    for name, axis in AXES.items():
        if not name.startswith(chosen):
            continue
        some = axis._replace(values=[value for value in axis.values if value <= options.largest])
        figures = measured(some, options.seconds)
        results[name] = {axis.field: some.values} | {", ".join(key): values for key, values in figures.items()}
        steep += worse_than_linear(name, some, figures)
        if not options.json:
            print()
            print_table([name, *(f"{of}: {TITLES[figure]}" for of, figure in figures)], rows(some, figures))
    print(json.dumps(results, indent=2) if options.json else "\n".join(["\nWorse than linear:\n", *steep]))


if __name__ == "__main__":
    main()
