"""Helpers for scripts: timed training with progress output, the machine, its Chromium, and Markdown tables."""

import os
import platform
import shutil
import sys
import time
from collections.abc import Sequence
from typing import Any

from seq2seq_demo import Callback, TrainedNetwork, train

# The defaults for patterns, which replace the settings chosen for pairs. They gave the documented results.
DEFAULTS: dict[str, Any] = {
    "bidirectional": False,
    "dropout": 0.0,
    "batch_size": 128,
    "keep_best": False,
    "label_smoothing": 0.0,
}


class EpochPrinter(Callback):
    """Prints one line per epoch to standard error."""

    def on_epoch_end(self, state):
        """Print the loss and the validation exact match."""
        last = state.figures
        metrics = f"loss {last.loss:.4f}, validation exact match {last.validation_exact_match:.4f}"
        print(f"epoch {last.epoch}: {metrics}", file=sys.stderr, flush=True)


def timed_training(pairs, **settings) -> tuple[TrainedNetwork, float]:
    """Train a network; return it and the minutes taken, including compilation and validation."""
    start = time.perf_counter()
    network = train(pairs, callbacks=[EpochPrinter(), *settings.pop("callbacks", ())], **settings)
    return network, (time.perf_counter() - start) / 60


def machine() -> str:
    """Describe this machine's cores and Python version in one line."""
    with open("/proc/cpuinfo") as file:
        name = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    return f"{os.cpu_count()} cores of {name or platform.machine()}, Python {platform.python_version()}"


def chromium() -> str | None:
    """Return the path of Chromium, preferably with its window, or None if it is not installed."""
    return next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-headless-shell"))), None)


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table."""
    print("|", " | ".join(header), "|")
    print("|" + "---|" * len(header))
    for row in rows:
        print("|", " | ".join(map(str, row)), "|", flush=True)
