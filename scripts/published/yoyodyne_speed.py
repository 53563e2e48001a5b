"""Compare training speed with yoyodyne (PyPI), a PyTorch toolkit for the same tasks, in pairs per second.

    python3 -m venv /tmp/yoyodyne && /tmp/yoyodyne/bin/pip install yoyodyne
    .venv/bin/python scripts/published/yoyodyne_speed.py cmudict.dict --yoyodyne /tmp/yoyodyne/bin/python --network 2x64

Both programs train an attention network of the same sizes on the same pairs with the same batch size. They alternate,
one epoch each, `--turns` times; the median counts. Yoyodyne runs twice, with one thread and with one thread per core,
and the faster run counts; this program chooses the number of its threads. The first epoch of each program is not
counted, because it compiles, starts threads and fills caches. The time covers batches, loss, gradients and Adam, but no
validation, snapshots or logs (in yoyodyne, these are turned off).

Measure on an idle machine. PyTorch's threads wait for each other at every step, so another busy process slows them
down by far more than its share of the cores, and the ratio becomes meaningless.
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
from report import DEFAULTS, machine, print_table

from seq2seq_demo import Callback, train

NETWORKS = {
    "1x128": {"num_layers": 1, "cell_size": 128, "embedding_size": 128, "bidirectional": True, "dropout": 0.2},
    "2x64": {"num_layers": 2, "cell_size": 64, "embedding_size": 64, "bidirectional": False, "dropout": 0.0},
    "1x256": {"num_layers": 1, "cell_size": 256, "embedding_size": 64, "bidirectional": False, "dropout": 0.0},
}
BATCH = 128
N_VALIDATION = 100  # training needs validation pairs; the validation figures are ignored
MAX_LOAD = 0.5  # load average of an idle machine


class Yoyodyne:
    """A yoyodyne training process that waits between epochs."""

    def __init__(self, process: subprocess.Popen, threads: int) -> None:
        """Read the number of weights from the started process."""
        self.process, self.threads = process, threads
        self.weights = int(process.stdout.readline())
        self.seconds: list[float] = []

    def train_epoch(self) -> None:
        """Train one epoch and record its seconds."""
        print(file=self.process.stdin, flush=True)
        self.seconds.append(float(self.process.stdout.readline()))


@contextlib.contextmanager
def yoyodyne(python: Path, pairs: list[Pair], sizes: dict, epochs: int, threads: int) -> Iterator[Yoyodyne]:
    """Start a yoyodyne training process with these sizes and pairs; terminate it on exit."""
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
    """Lets each yoyodyne process train an epoch before each of ours, and records our seconds."""

    def __init__(self, competitors: list[Yoyodyne]) -> None:
        self.competitors = competitors
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch):
        """Run the competitors' epochs, then start our clock."""
        for competitor in self.competitors:
            competitor.train_epoch()
        self.start = time.perf_counter()

    def on_steps_end(self, step, points, loss, token_accuracy):
        """Update the elapsed seconds; the epoch's last call comes before validation."""
        self.elapsed = time.perf_counter() - self.start

    def on_epoch_end(self, history, network, validation):
        """Record the seconds of the epoch's steps."""
        self.seconds.append(self.elapsed)


def row(name: str, weights: int, n: int, seconds: list[float]) -> list[str]:
    """Return a table row with the median, slowest and fastest turn; the first epoch is not counted."""
    speeds = sorted(n / epoch for epoch in seconds[1:])
    return [name, f"{weights:,}", f"{statistics.median(speeds):,.0f}", f"{speeds[0]:,.0f} to {speeds[-1]:,.0f}"]


def ratio(theirs: list[float], ours: list[float]) -> float:
    """Return the median ratio of their seconds to ours; the first epoch is not counted."""
    return statistics.median(their / our for their, our in zip(theirs[1:], ours[1:], strict=True))


def main() -> None:
    """Train both programs in turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dictionary", type=Path)
    parser.add_argument("--yoyodyne", type=Path, required=True, help="the Python of yoyodyne's environment")
    parser.add_argument(
        "--pairs", type=int, default=20_000, help="number of pairs; with few, this program does not use XLA"
    )
    parser.add_argument("--network", choices=NETWORKS, default="1x128", help="layers x units (default 1x128)")
    parser.add_argument("--turns", type=int, default=5, help="counted epochs of each program (default 5)")
    options = parser.parse_args()
    pairs = split(read_dictionary(options.dictionary))["train"][: options.pairs]
    if os.getloadavg()[0] > MAX_LOAD:
        print(f"This machine is busy (load {os.getloadavg()[0]:.1f}): figures may be unreliable", file=sys.stderr)
    sizes = NETWORKS[options.network] | {"batch_size": BATCH}
    epochs, threads = 1 + options.turns, sorted({1, os.cpu_count() or 1})
    with contextlib.ExitStack() as stack:
        competitors = [stack.enter_context(yoyodyne(options.yoyodyne, pairs, sizes, epochs, n)) for n in threads]
        turns = Turns(competitors)
        network = train(
            pairs,
            in_tokens="characters",
            out_tokens="words",
            validation=pairs[:N_VALIDATION],
            model="embedding_attention",
            learning_rate=0.001,
            lr_schedule="constant",
            epochs=epochs,
            callbacks=[turns],
            **DEFAULTS | sizes,
        )
    print(f"Training {options.network} on {len(pairs):,} pairs, {options.turns} turns each, on {machine()}:\n")
    rows = [
        row(f"yoyodyne, SoftAttentionLSTMModel, threads: {c.threads}", c.weights, len(pairs), c.seconds)
        for c in competitors
    ]
    rows.append(row("this program, embedding_attention", network.n_weights, len(pairs), turns.seconds))
    print_table(["", "weights", "pairs a second, median", "slowest to fastest turn"], rows)
    fastest = min(competitors, key=lambda competitor: statistics.median(competitor.seconds[1:]))
    print(f"\nRatio to yoyodyne's faster run, median of the turns: {ratio(fastest.seconds, turns.seconds):.1f}")


if __name__ == "__main__":
    main()
