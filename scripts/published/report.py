"""What the scripts beside this one share: a training that tells how it goes, and tables in Markdown."""

import os
import platform
import sys
import time
from collections.abc import Sequence

from seq2seq_demo import Callback, TrainedNetwork, train


class Told(Callback):
    """Prints a line an epoch on standard error."""

    def on_epoch_end(self, history, network, validation):
        """Print the figures of the last epoch."""
        last = history[-1]
        reached = f"exact match {last.validation.exact_match:.4f} in validation"
        print(f"epoch {last.epoch}: loss {last.loss:.4f}, {reached}", file=sys.stderr, flush=True)


def timed_training(pairs, **settings) -> tuple[TrainedNetwork, float]:
    """Train; return the network and the minutes that it took, compilation and validation included."""
    start = time.perf_counter()
    network = train(pairs, callbacks=[Told(), *settings.pop("callbacks", ())], **settings)
    return network, (time.perf_counter() - start) / 60


def n_weights(network: TrainedNetwork) -> int:
    """Return how many numbers a network has."""
    return sum(weight.size for weight in network.weights.values())


def machine() -> str:
    """Return what this machine is, in a line."""
    with open("/proc/cpuinfo") as file:
        name = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    return f"{os.cpu_count()} cores of {name or platform.machine()}, Python {platform.python_version()}"


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table in Markdown."""
    print("|", " | ".join(header), "|")
    print("|" + "---|" * len(header))
    for row in rows:
        print("|", " | ".join(map(str, row)), "|", flush=True)
