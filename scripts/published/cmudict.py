"""Spelling to pronunciation: train on CMUdict and print the error rates next to published ones.

    .venv/bin/python scripts/published/cmudict.py cmudict.dict [--networks small,best] [--seed 0] [--save best.h5]
    .venv/bin/python scripts/published/cmudict.py cmudict.dict --weights g2p.weights.h5 best_1.h5 best_2.h5

`cmudict.dict` comes from https://github.com/cmusphinx/cmudict at commit d1f85cd. The settings were chosen on the
development set. The published rates come from the README of https://github.com/cmusphinx/g2p-seq2seq (branch tf11,
column "latest"), which uses a split of the same kind.
"""

import argparse
import random
import re
import sys
from pathlib import Path
from typing import Any

from report import DEFAULTS, machine, print_table, timed_training

from seq2seq_demo import TrainedNetwork, ensemble, load

BASELINE = DEFAULTS | {"model": "embedding_attention", "lr_schedule": "cosine", "keep_best": True}
SETTINGS: dict[str, dict[str, Any]] = {
    "small": BASELINE
    | {  # the published network: unidirectional, without dropout, decoded greedily
        "num_layers": 2,
        "cell_size": 64,
        "embedding_size": 64,
        "learning_rate": 0.004,
        "epochs": 12,
    },
    "best": BASELINE
    | {  # limited to 1,050,000 weights
        "cell_size": 192,
        "embedding_size": 72,
        "bidirectional": True,
        "dropout": 0.4,
        "learning_rate": 0.002,
        "epochs": 45,
    },
    "recipe": {"cell_size": 192, "embedding_size": 72},  # the size of `best`; the package chooses the other settings
}
PUBLISHED = {
    "small": "39.6% (g2p-seq2seq, 2 x 64)",
    "best": "31.1% (g2p-seq2seq, 2 x 512), 30.2% (Transformer, 3 x 256), 33.9% (Phonetisaurus)",
}
BEAM = 5

Pair = tuple[str, str]


def read_dictionary(path: Path) -> dict[str, list[str]]:
    """Return each word's pronunciations without stress marks; duplicates are dropped."""
    words: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = line.partition("#")[0].split()
        if entry:
            word = re.sub(r"\(\d+\)$", "", entry[0])
            pronunciation = " ".join(re.sub(r"\d", "", phone) for phone in entry[1:])
            pronunciations = words.setdefault(word, [])
            if pronunciation not in pronunciations:
                pronunciations.append(pronunciation)
    return words


def split(words: dict[str, list[str]]) -> dict[str, list[Pair]]:
    """Split the words at random; return (spelling, pronunciation) pairs for training, development and testing."""
    shuffled = sorted(words)
    random.Random(0).shuffle(shuffled)
    parts: dict[str, list[Pair]] = {"train": [], "dev": [], "test": []}
    for number, word in enumerate(shuffled):
        part = {0: "dev", 1: "test", 2: "test"}.get(number % 20, "train")
        parts[part] += [(word, pronunciation) for pronunciation in words[word]]
    return parts


def row(name: str, network: TrainedNetwork, minutes: float, parts: dict[str, list[Pair]]) -> list[str]:
    """Evaluate a network on the development and test sets; return its table row."""
    time = f"{minutes:.0f} min" if minutes else ""
    cells = [name, f"{network.n_weights:,}", time, PUBLISHED.get(name, PUBLISHED["best"])]
    for beam_size in (None, BEAM):
        for part in ("dev", "test"):
            e = network.evaluate(parts[part], beam_size=beam_size)
            cells.append(f"{100 * (1 - e.exact_match):.1f}% / {100 * e.symbol_error_rate:.1f}%")
    return cells


def main() -> None:
    """Train and test each selected network, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dictionary", type=Path)
    parser.add_argument("--networks", default="small,best", help=f"some of {', '.join(SETTINGS)}")
    parser.add_argument("--save", type=Path, help="a file for the last network, without Adam's moments")
    parser.add_argument("--weights", type=Path, nargs="+", help="score an ensemble of these networks, without training")
    parser.add_argument("--seed", type=int, default=0, help="the seed of a network for an ensemble")
    parser.add_argument("--epochs", type=int, help="fewer epochs, to try the script")
    options = parser.parse_args()
    parts = split(read_dictionary(options.dictionary))
    print(", ".join(f"{len(pairs)} pairs for {part}" for part, pairs in parts.items()), file=sys.stderr)
    rows = []
    if options.weights:
        networks = [load(path) for path in options.weights]
        rows.append(row(f"{len(networks)} networks", ensemble(networks), 0, parts))
    for name in [] if options.weights else options.networks.split(","):
        network, minutes = timed_training(
            parts["train"],
            in_tokens="characters",
            out_tokens="words",
            lowercase=True,
            validation=parts["dev"],
            seed=options.seed,
            **SETTINGS[name] | ({"epochs": options.epochs} if options.epochs else {}),
        )
        if options.save:
            network.save(options.save, optimizer=False)
        rows.append(row(name, network, minutes, parts))
    print(f"Word and phone error rates, on {machine()}:\n")
    columns = [f"{method}, {part}" for method in ("greedy", f"beam {BEAM}") for part in ("dev", "test")]
    print_table(["network", "weights", "training", "published, words", *columns], rows)


if __name__ == "__main__":
    main()
