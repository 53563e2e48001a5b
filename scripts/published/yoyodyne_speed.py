"""Training speed beside yoyodyne (PyPI), a toolkit for the same tasks on PyTorch: pairs a second of an epoch.

    python3 -m venv /tmp/yoyodyne && /tmp/yoyodyne/bin/pip install yoyodyne
    .venv/bin/python scripts/published/yoyodyne_speed.py cmudict.dict --yoyodyne /tmp/yoyodyne/bin/python --network 2x64

Both train a network with attention of the same sizes on the same pairs, in batches of as many, and take turns: an
epoch each, then again, `--turns` times. Yoyodyne takes part twice, with one thread and with one a core, and the faster
of these counts; this program chooses its threads itself. One epoch of each before that is not counted: it compiles,
starts threads and fills caches. What is counted is what training needs: batches, loss, gradients and Adam; not
validation, snapshots or logs, of which yoyodyne gets none. The median of the turns counts.

Measure on a quiet machine. PyTorch's threads wait for each other at every step: where another process keeps the cores
busy, they become slower by far more than their share, and the ratio says nothing.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cmudict import Pair, read_dictionary, split
from report import machine, n_weights, print_table

from seq2seq_demo import Callback, train

NETWORKS = {
    "1x128": {"num_layers": 1, "cell_size": 128, "embedding_size": 128, "bidirectional": True, "dropout": 0.2},
    "2x64": {"num_layers": 2, "cell_size": 64, "embedding_size": 64, "bidirectional": False, "dropout": 0.0},
    "1x256": {"num_layers": 1, "cell_size": 256, "embedding_size": 64, "bidirectional": False, "dropout": 0.0},
}
BATCH = 128
SHOWN = 100  # pairs to validate with, which nobody looks at
QUIET = 0.5  # cores that others may keep busy


class Yoyodyne:
    """Its training in a process of its own, which waits until it is asked for an epoch."""

    def __init__(self, process: subprocess.Popen, threads: int) -> None:
        """Read how many weights its network has."""
        self.process, self.threads = process, threads
        self.weights = int(process.stdout.readline())
        self.seconds: list[float] = []

    def train_epoch(self) -> None:
        """Train an epoch, and note the seconds."""
        print(file=self.process.stdin, flush=True)
        self.seconds.append(float(self.process.stdout.readline()))


@contextlib.contextmanager
def yoyodyne(python: Path, pairs: list[Pair], sizes: dict, epochs: int, threads: int) -> Iterator[Yoyodyne]:
    """Start yoyodyne with a network of these sizes on these pairs; end it at the end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.tsv"
        path.write_text("".join(f"{word}\t{phones}\n" for word, phones in pairs), encoding="utf-8")
        script = Path(__file__).with_name("yoyodyne_epoch.py")
        argv = [python, script, path, folder, str(epochs), json.dumps(sizes)]
        pipe, environment = subprocess.PIPE, os.environ | {"OMP_NUM_THREADS": str(threads)}
        with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, env=environment) as process:
            try:
                yield Yoyodyne(process, threads)
            finally:
                process.terminate()


class Turns(Callback):
    """Has the others train an epoch before each of ours, and notes our seconds."""

    def __init__(self, others: list[Yoyodyne]) -> None:
        """Begin with no turns."""
        self.others = others
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch):
        """Let the others go first; then start our clock."""
        for other in self.others:
            other.train_epoch()
        self.start = time.perf_counter()

    def on_steps_end(self, step, points, loss, token_accuracy):
        """Note the seconds so far; the last steps of the epoch, before validation, tell those of all."""
        self.so_far = time.perf_counter() - self.start

    def on_epoch_end(self, history, network, validation):
        """Keep what the steps took."""
        self.seconds.append(self.so_far)


def row(name: str, weights: int, n: int, seconds: list[float]) -> list[str]:
    """Return a row of the table: the median of the turns that count, and the slowest and fastest of them."""
    speeds = sorted(n / each for each in seconds[1:])
    return [name, f"{weights:,}", f"{statistics.median(speeds):,.0f}", f"{speeds[0]:,.0f} to {speeds[-1]:,.0f}"]


def ratio(theirs: list[float], ours: list[float]) -> float:
    """Return how many times as fast as the other we are: the median of the turns that count."""
    return statistics.median(there / here for there, here in zip(theirs[1:], ours[1:], strict=True))


def main() -> None:
    """Train both in turns, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dictionary", type=Path)
    parser.add_argument("--yoyodyne", type=Path, required=True, help="the Python of an environment that yoyodyne is in")
    parser.add_argument(
        "--pairs", type=int, default=20_000, help="how many of CMUdict's; of few, ours compiles nothing"
    )
    parser.add_argument("--network", choices=NETWORKS, default="1x128", help="layers x units (default 1x128)")
    parser.add_argument("--turns", type=int, default=5, help="epochs of each that count (default 5)")
    options = parser.parse_args()
    pairs = split(read_dictionary(options.dictionary))["train"][: options.pairs]
    if os.getloadavg()[0] > QUIET:
        print(f"This machine is busy (load {os.getloadavg()[0]:.1f}): figures may be wrong", file=sys.stderr)
    sizes = NETWORKS[options.network] | {"batch_size": BATCH}
    epochs, threads = 1 + options.turns, sorted({1, os.cpu_count() or 1})
    with contextlib.ExitStack() as stack:
        others = [stack.enter_context(yoyodyne(options.yoyodyne, pairs, sizes, epochs, n)) for n in threads]
        turns = Turns(others)
        network = train(
            pairs,
            in_tokens="characters",
            out_tokens="words",
            validation=pairs[:SHOWN],
            model="embedding_attention",
            learning_rate=0.001,
            epochs=epochs,
            callbacks=[turns],
            **sizes,
        )
    print(f"Training {options.network} on {len(pairs):,} pairs, {options.turns} turns each, on {machine()}:\n")
    rows = [
        row(f"yoyodyne, SoftAttentionLSTMModel, threads: {other.threads}", other.weights, len(pairs), other.seconds)
        for other in others
    ]
    rows.append(row("this program, embedding_attention", n_weights(network), len(pairs), turns.seconds))
    print_table(["", "weights", "pairs a second, median", "slowest to fastest turn"], rows)
    fastest = min(others, key=lambda other: statistics.median(other.seconds[1:]))
    print(f"\nRatio to the faster of theirs, the median of the turns: {ratio(fastest.seconds, turns.seconds):.1f}")


if __name__ == "__main__":
    main()
