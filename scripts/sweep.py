"""Train with every combination of some settings; print a table with the best validation exact match first.

    .venv/bin/python scripts/sweep.py FOLDER --from-file pairs.tsv --cell-size 64,128 -r 0.003,0.01

All arguments but FOLDER and --jobs are options of `seq2seq-demo train`; a setting of the network or its training may
have several values, separated by commas. Each training run is a process, in a folder named after its settings.
At most --jobs training runs are active, by default one per core. Ctrl-C ends them; the same command resumes them.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from published.report import print_table

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.declarations import declared_settings

SETTINGS = {
    flag
    for config in (ModelConfig, TrainConfig)
    for declared in declared_settings(config).values()
    for flag in declared.flags
}


def combinations(words: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield a name and the arguments of `train` for each combination of values; the name lists the varied settings."""
    is_setting = [previous in SETTINGS for previous in ["", *words]]
    values = [word.split(",") if varies else [word] for word, varies in zip(words, is_setting, strict=False)]
    for chosen in itertools.product(*values):
        varied = [n for n, each in enumerate(values) if len(each) > 1]
        name = " ".join(f"{words[n - 1].lstrip('-')}={chosen[n]}" for n in varied)
        yield name or "one", [*chosen]


class Sweep:
    """Training runs in subfolders of a folder. `stop` ends them and prevents new ones."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.is_stopped = folder, False
        self.active: set[subprocess.Popen] = set()

    def run(self, name: str, arguments: list[str]) -> list[object]:
        """Start or resume a training run; return the row of the table: exact match, epoch, settings, result."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        weights, history, log = folder / "weights.h5", folder / "history.json", folder / "log.txt"
        files = ["-o", weights, "--history", history, "--data-dir", folder]
        command = [sys.executable, "-m", "seq2seq_demo", "train", *arguments, *files, "--resume"]
        status = None
        if not self.is_stopped:
            with log.open("a") as output:
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
            self.active.add(process)
            status = process.wait()
            self.active.discard(process)
        epochs = json.loads(history.read_text()) if history.exists() else []
        best = max(epochs, key=lambda epoch: epoch["validation_exact_match"], default=None)
        exact_match, epoch = (best["validation_exact_match"], best["epoch"]) if best else (0, 0)
        failed = "not started" if status is None else f"exit status {status}: see {log}"
        result = weights if status == 0 else failed
        print(f"{name}: {result}", file=sys.stderr, flush=True)
        return [f"{exact_match:.4f}", epoch, name, result]

    def stop(self) -> None:
        """Interrupt the active training runs, so that they write snapshots."""
        self.is_stopped = True
        for process in [*self.active]:
            process.terminate()


def main() -> int:
    """Run the sweep, print its table and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where to save the networks")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="concurrent runs (default: one per core)")
    options, words = parser.parse_known_args()
    sweep, status = Sweep(options.folder), 0
    with ThreadPoolExecutor(options.jobs) as pool:
        futures = [pool.submit(sweep.run, *each) for each in combinations(words)]
        try:
            rows = [future.result() for future in futures]
        except KeyboardInterrupt:
            sweep.stop()
            rows, status = [future.result() for future in futures], 130
    rows.sort(key=lambda row: row[0], reverse=True)
    print_table(["exact match", "epoch", "settings", "result"], rows)
    return status or int(any(isinstance(row[-1], str) for row in rows))


if __name__ == "__main__":
    sys.exit(main())
