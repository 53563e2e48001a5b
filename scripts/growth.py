"""Measure how time and memory grow with points, units, length, vocabulary, layers and cores; print Markdown.

    .venv/bin/python scripts/growth.py [--axes units,layers] [--seconds 2]

One axis varies at a time; the others keep the defaults of `Size`. Each measurement runs in a new process, so its peak
memory does not include other measurements. The growth in brackets is the ratio to the figure in the row above, divided
by the ratio of the sizes: 1 is linear, less is better. The last lines list growth above LINEAR. scripts/GROWTH.md
contains results.
"""

import argparse
import os
import resource
import time
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from published.report import machine, print_table
from speed.measuring import in_new_process, new_trainer, run_epoch, seconds, use_threads

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.patterns import find_pattern

LINEAR = 1.1  # growth up to this counts as linear, to allow for noise
B = 128  # batch size


@dataclass(frozen=True)
class Size:
    """The sizes of a training run on `reversed`, and of predictions by its network."""

    points: int = 100_000
    units: int = 32
    length: int = 10
    vocabulary: int = 10
    layers: int = 1
    cores: int = os.cpu_count() or 1
    model: str = "embedding_attention"

    def __str__(self) -> str:
        sizes = f"{self.points} points, {self.layers} x {self.units} units, length {self.length}"
        return f"{self.model}, {sizes}, vocabulary {self.vocabulary}, {self.cores} cores"

    def model_config(self) -> ModelConfig:
        """Return the network's settings."""
        largest = self.vocabulary - 1
        return ModelConfig(
            self.model,
            num_layers=self.layers,
            cell_size=self.units,
            in_max_int=largest,
            out_max_int=largest,
        )

    def train_config(self) -> TrainConfig:
        """Return the training's settings, with many epochs, so that the trainer uses XLA."""
        return TrainConfig(self.points, self.length, self.length, epochs=1000, batch_size=B)


class Axis(NamedTuple):
    """A field of `Size` that varies, its values in ascending order, and the values of the other fields."""

    field: str
    values: list[int]
    base: Size = Size()

    def sizes(self) -> list[Size]:
        """Return one size per value."""
        return [replace(self.base, **{self.field: value}) for value in self.values]


POINTS, VOCABULARY = [10**4, 10**5, 10**6, 10**7], [10, 100, 1000, 10_000]
AXES = {
    "points": Axis("points", POINTS),
    "units": Axis("units", [32, 64, 128, 256, 512]),
    "length": Axis("length", [10, 20, 50, 100, 200]),
    "length, embedding_rnn": Axis("length", [10, 20, 50, 100, 200], Size(model="embedding_rnn")),
    "vocabulary": Axis("vocabulary", VOCABULARY),
    "vocabulary, embedding_rnn": Axis("vocabulary", VOCABULARY, Size(model="embedding_rnn")),
    "layers": Axis("layers", [1, 2, 3, 4]),
    "cores, 32 units": Axis("cores", [1, 2]),
    "cores, 256 units": Axis("cores", [1, 2], Size(units=256)),
}


def peak_memory() -> float:
    """Return this process's peak memory in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def use_cores(n: int) -> None:
    """Restrict this process to n of its cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n])


def measure_points(size: Size, budget: float) -> dict[str, float]:
    """Return the seconds and the peak memory in MB of preparing a training run's points, without training steps.

    The parts are: drawing the points, building a network, ordering an epoch, and gathering its points in that order.
    """
    from seq2seq_demo.training.trainer import STEPS_PER_CALL

    config, model_config = size.train_config(), size.model_config()
    times = [time.perf_counter()]
    pairs, _ = find_pattern("reversed").draw(config, model_config)
    times.append(time.perf_counter())
    trainer = new_trainer(pairs, config, model_config)
    times.append(time.perf_counter())
    order = trainer.order(pairs)
    times.append(time.perf_counter())
    rows = STEPS_PER_CALL * B
    for first in range(0, len(order), rows):
        pairs[order[first : first + rows]]
    times.append(time.perf_counter())
    parts = "draw", "build", "order", "take"
    return dict(zip(parts, np.diff(times).tolist(), strict=True)) | {"memory": peak_memory()}


def measure_training(size: Size, budget: float) -> dict[str, float]:
    """Return the seconds of the first step, which compiles, and of a later step, and the peak memory in MB."""
    use_cores(size.cores)
    use_threads(size.units)
    from seq2seq_demo.training.batches import STEPS_PER_CALL

    config, model_config = replace(size.train_config(), validation_points=1), size.model_config()
    pairs, _ = find_pattern("reversed").draw(replace(config, points=STEPS_PER_CALL * B + 1), model_config)
    trainer = new_trainer(pairs, config, model_config)

    def steps(n: int) -> float:
        trainer.config = replace(config, points=n * B + 1)
        return seconds(lambda: run_epoch(trainer, pairs[: n * B]))

    first, second = steps(1), steps(1)
    n = int(np.clip(budget / 3 / second, 1, STEPS_PER_CALL))
    return {"compile": first, "step": min(steps(n) for _ in range(3)) / n, "memory": peak_memory()}


def measure_prediction(size: Size, budget: float) -> dict[str, float]:
    """Return the seconds per predicted sequence, in large batches."""
    use_cores(size.cores)
    from seq2seq_demo.data.sampling import random_sources
    from seq2seq_demo.trained_network import untrained

    network = untrained(size.model_config(), 0)

    def predict(n: int) -> float:
        sources = random_sources(np.random.default_rng(1), n, size.length, size.vocabulary - 1)
        return seconds(lambda: network.predict(sources, out_len=size.length))

    n = 64
    predict(n)  # starts the threads
    while (time_taken := predict(n)) < budget / 4 and n < 16_000:
        n *= 2
    return {"sequence": time_taken / n}


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
Figures = dict[tuple[str, str], list[float]]  # by stage and figure, one value per size


def growth(figures: list[float], sizes: list[int]) -> list[float | None]:
    """Return the ratio of each figure to the previous one, divided by the ratio of the sizes; the first is None.

    Linear growth gives 1. Fixed costs reduce it.
    """
    pairs = zip(figures, figures[1:], sizes, sizes[1:], strict=False)
    return [None, *((after / before) / (larger / smaller) for before, after, smaller, larger in pairs)]


def measure_axis(axis: Axis, budget: float) -> Figures:
    """Measure all figures at each size of an axis."""
    measures = {"training": measure_training, "prediction": measure_prediction}
    figures: Figures = {}
    for stage, measure in {"points": measure_points}.items() if axis.field == "points" else measures.items():
        results = [in_new_process(measure, size, budget) for size in axis.sizes()]
        figures |= {(stage, figure): [result[figure] for result in results] for figure in results[0]}
    return figures


def format_figure(figure: str, value: float) -> str:
    """Format a figure with its unit."""
    if figure == "memory":
        return f"{value:,.0f} MB"
    unit, factor = next(((u, f) for u, f in (("s", 1), ("ms", 1e3)) if value * f >= 1), ("µs", 1e6))
    return f"{value * factor:.3g} {unit}"


def rows(axis: Axis, figures: Figures) -> list[list[str]]:
    """Return an axis's table rows: each figure, with its growth in brackets."""
    columns = [[f"{value:,}" for value in axis.values]]
    for (_, figure), values in figures.items():
        suffixes = ["" if g is None else f" ({g:.2f})" for g in growth(values, axis.values)]
        columns.append([format_figure(figure, value) + suffix for value, suffix in zip(values, suffixes, strict=True)])
    return [*map(list, zip(*columns, strict=True))]


def worse_than_linear(name: str, axis: Axis, figures: Figures) -> list[str]:
    """Return a line for each figure with a growth above LINEAR."""
    lines = []
    for (stage, figure), values in figures.items():
        steps = zip(axis.values, axis.values[1:], growth(values, axis.values)[1:], strict=False)
        steep = [f"{before:,} to {after:,} ({g:.2f})" for before, after, g in steps if g > LINEAR]
        if steep:
            lines.append(f"- {name}: {stage}, {TITLES[figure]}: {', '.join(steep)}")
    return lines


def main() -> None:
    """Measure each selected axis and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--axes", help="the first words of the axes to measure, such as points,units (default all)")
    parser.add_argument("--seconds", type=float, default=2, help="approximate duration of each measurement (default 2)")
    options = parser.parse_args()
    chosen = tuple(options.axes.split(",")) if options.axes else ("",)
    steep = []
    print(f"Measured on {machine()}.")
    for name, axis in AXES.items():
        if not name.startswith(chosen):
            continue
        figures = measure_axis(axis, options.seconds)
        steep += worse_than_linear(name, axis, figures)
        print()
        print_table([name, *(f"{stage}: {TITLES[figure]}" for stage, figure in figures)], rows(axis, figures))
    print("\n".join(["\nWorse than linear:\n", *steep]))


if __name__ == "__main__":
    main()
