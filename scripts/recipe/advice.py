"""Measure how often the advice after a training run improves exact match on the validation points, or at least loss.

    .venv/bin/python scripts/recipe/advice.py FOLDER [--tasks NAME,NAME] [--pairs N]

A task is a pattern, or a data set of FOLDER, whose pairs are FOLDER/NAME/train.tsv and dev.tsv. The script trains on
each task with settings that a user might give, follows each suggestion, trains again, and prints how often each kind of
advice helped.
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from seq2seq_demo import Callback, train
from seq2seq_demo.config import CHARACTERS, WORDS
from seq2seq_demo.data.pair_task import PairTask, pair_task_from_rows
from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.training.advice import suggestions

PATTERNS = ("sorted", "reversed", "copy", "rotated", "maxmin_dup", "running_sum")
ATTENTION: dict[str, Any] = {"model": "embedding_attention"}
COSINE: dict[str, Any] = {"learning_rate": 0.005, "lr_schedule": "cosine"}
GIVEN_FOR_PATTERNS: tuple[dict[str, Any], ...] = (
    {"points": 10_000},
    {"points": 10_000, **ATTENTION},
    {"points": 20_000, "learning_rate": 0.005},
    {"points": 20_000, **COSINE, "epochs": 4},
    {"points": 20_000, **ATTENTION, **COSINE, "epochs": 4},
    {**ATTENTION, **COSINE, "epochs": 1},
)
GIVEN_FOR_PAIRS: tuple[dict[str, Any], ...] = (
    {},
    {"epochs": 10},
    {"cell_size": 32},
    {"model": "embedding_rnn"},
    {"dropout": 0.0},
    {"bidirectional": False, "dropout": 0.0, "lr_schedule": "constant"},
)


class History(Callback):
    """Keeps the figures of all epochs."""

    def on_epoch_end(self, history, network, validation):
        """Keep the figures."""
        self.epochs = history


def read_task(folder: Path, n_pairs: int | None) -> PairTask:
    """Return the first pairs of a data set as a task; a side whose texts contain spaces consists of words."""
    parts = []
    for name in ("train", "dev"):
        lines = (folder / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
        parts.append([tuple(line.split("\t")) for line in lines])
    training, development = parts[0][:n_pairs], parts[1]
    tokens = [WORDS if any(" " in row[side].strip() for row in training) else CHARACTERS for side in (0, 1)]
    return pair_task_from_rows(training, None, (tokens[0], tokens[1]), development)


def main() -> None:
    """Train, follow the advice, train again; print one line for each suggestion, and the counts."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tasks", help="names of patterns and data sets (default: all)")
    parser.add_argument("--pairs", type=int, help="train on the first PAIRS pairs of a data set")
    options = parser.parse_args()
    sets = sorted(path.parent.name for path in options.folder.glob("*/dev.tsv"))
    helped: dict[str, list[bool]] = defaultdict(list)
    for name in options.tasks.split(",") if options.tasks else [*PATTERNS, *sets]:
        is_pattern = name in PATTERNS
        task = find_pattern(name) if is_pattern else read_task(options.folder / name, options.pairs)
        for given in GIVEN_FOR_PATTERNS if is_pattern else GIVEN_FOR_PAIRS:
            history = History()
            network = train(task, callbacks=[history], **given)
            before = network.reached
            if before.exact_match >= 0.99:  # `train` gives no advice
                continue
            for kind, changes in suggestions(network, task, network.trained.config, history.epochs):
                after = train(task, **given | changes).reached
                helped[kind].append((after.exact_match, -after.loss) > (before.exact_match, -before.loss))
                figures = f"{before.exact_match:.4f} ({before.loss:.4f}); {after.exact_match:.4f} ({after.loss:.4f})"
                print(f"{name}, {given}, then {changes}: {figures}", file=sys.stderr, flush=True)
    print("| advice | given | improved |\n|---|---|---|")
    for kind, outcomes in helped.items():
        print(f"| {kind} | {len(outcomes)} | {sum(outcomes)} |")


if __name__ == "__main__":
    main()
