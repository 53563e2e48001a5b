"""Train on sets of pairs with the recipe and, for comparison, with random settings; print exact match in a table.

    .venv/bin/python scripts/recipe/measure.py /tmp/sets [--sets dates romaji] [--random 20] [--jobs 2]
    .venv/bin/python scripts/recipe/measure.py /tmp/sets --n-pairs 100 300 1000 3000 --plot few_pairs.svg

`sets.py` makes the sets. Each network is trained on train.tsv, validated on dev.tsv, and tested on test.tsv.
With --n-pairs, validation uses the first 250 pairs of dev.tsv, or a tenth of N if that is less. Each training run is a
separate process with one thread. Results are appended to measured.jsonl next to the sets, and runs found there are not
repeated. --plot draws exact match on test.tsv by N.
"""

import argparse
import itertools
import json
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

N_VALIDATION = 250  # at most, with --n-pairs; validating on 1,000 pairs would take longer than an epoch of 500
RECIPE: dict[str, Any] = {}  # the plain recipe, without changes to its settings
Row = dict[str, Any]


def random_settings(set_name: str, number: int) -> dict[str, Any]:
    """Return the random settings `number` for a set; `epochs` is a multiple of the recipe's epochs."""
    rng = random.Random(f"{set_name} {number}")
    return {
        "cell_size": rng.choice([64, 96, 128, 192, 256]),
        "embedding_size": rng.choice([32, 64, 128]),
        "bidirectional": rng.random() < 0.8,
        "num_layers": rng.choice([1, 1, 2]),
        "cell_type": rng.choice(["LSTMCell", "LSTMCell", "GRUCell"]),
        "dropout": rng.choice([0.0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        "batch_size": rng.choice([16, 32, 64, 128]),
        "learning_rate": round(10 ** rng.uniform(-3.3, -2), 5),
        "lr_schedule": rng.choice(["cosine", "cosine", "constant"]),
        "epochs": rng.choice([0.5, 1, 1, 1.5]),
    }


# ---- One training run, in a separate process ----


def read_pairs(folder: Path, part: str) -> list[tuple[Any, Any]]:
    """Return the pairs of a part; each side is a string, a list of words or a list of integers."""
    convert = {"characters": str, "words": str.split, "integers": lambda text: [int(x) for x in text.split()]}
    sides = [convert[tokens] for tokens in tokens_of(folder)]
    lines = (folder / f"{part}.tsv").read_text(encoding="utf-8").splitlines()
    return [tuple(side(text) for side, text in zip(sides, line.split("\t"), strict=True)) for line in lines]


def tokens_of(folder: Path) -> list[str]:
    """Return the kinds of symbols in sources and in targets."""
    return (folder / "tokens.txt").read_text(encoding="utf-8").split()


def train_and_measure(folder: Path, changes: dict[str, Any], n_pairs: int | None) -> Row:
    """Train with the recipe, changed by `changes`; return the row of results."""
    from seq2seq_demo import train
    from seq2seq_demo.data.pair_task import pair_task
    from seq2seq_demo.network.keras_network.tensorflow_setup import tf
    from seq2seq_demo.training.settings import resolve

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.zeros(())  # starts TensorFlow's threads, so that training cannot change their number
    parts = {part: read_pairs(folder, part) for part in ("train", "dev", "test")}
    pairs = parts["train"][:n_pairs]
    validation = parts["dev"][: n_pairs and min(N_VALIDATION, max(1, n_pairs // 10))]
    in_tokens, out_tokens = tokens_of(folder)
    settings = dict(changes)
    if changes:
        task = pair_task(pairs, kinds=(in_tokens, out_tokens), holds_out=True, validation=validation)
        settings["epochs"] = max(1, round(resolve(task, {})[1].epochs * changes["epochs"]))
    start, tokens = time.monotonic(), {"in_tokens": in_tokens, "out_tokens": out_tokens}
    network = train(pairs, **tokens, validation=validation, **settings)
    row = {"set": folder.name, "n_pairs": len(pairs), "changes": changes, "settings": settings}
    row["minutes"] = (time.monotonic() - start) / 60
    return row | {part: network.evaluate(parts[part]).exact_match for part in ("dev", "test")}


# ---- All training runs ----


def key(row: Row) -> str:
    """Return a string that identifies a training run."""
    return json.dumps([row["set"], row["n_pairs"], row["changes"]], sort_keys=True)


def read_results(file: Path) -> dict[str, Row]:
    """Return the results of earlier runs by key."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {key(row): row for row in map(json.loads, lines)}


def run(folder: Path, changes: dict[str, Any], n_pairs: int | None) -> None:
    """Train in a separate process, which appends its result to the file."""
    command = [sys.executable, __file__, str(folder), "--one", json.dumps(changes)]
    command += ["--n-pairs", str(n_pairs)] if n_pairs else []
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    print(folder.name, changes, "failed:\n" + result.stderr[-2000:] if result.returncode else "done", file=sys.stderr)


def print_table(names: list[str], results: dict[str, Row], n_pairs: int | None) -> None:
    """Print exact match of the recipe, and of the random settings with the best exact match on dev, in percent."""
    print("| set | pairs | recipe: dev | test | minutes | random settings | best on dev: dev | test |")
    print("|---|---|---|---|---|---|---|---|")
    for name in names:
        rows = [row for row in results.values() if row["set"] == name and n_pairs in (None, row["n_pairs"])]
        recipe = next((row for row in rows if row["changes"] == RECIPE), None)
        others = [row for row in rows if row["changes"] != RECIPE]
        if recipe is None:
            continue
        cells = [name, recipe["n_pairs"], *(f"{100 * recipe[part]:.1f}" for part in ("dev", "test"))]
        cells += [f"{recipe['minutes']:.1f}", len(others)]
        best = max(others, key=lambda row: row["dev"], default=None)
        cells += [f"{100 * best[part]:.1f}" for part in ("dev", "test")] if best else ["", ""]
        print("|", " | ".join(map(str, cells)), "|")


def plot(path: Path, names: list[str], results: dict[str, Row]) -> None:
    """Draw the exact match of the recipe on the test pairs of each set, by the number of training pairs."""
    from matplotlib.figure import Figure

    axes = (figure := Figure((7, 4.5), layout="constrained")).add_subplot()
    for name, marker in zip(names, itertools.cycle("osD^vX")):
        points = sorted(
            (r["n_pairs"], 100 * r["test"]) for r in results.values() if r["set"] == name and not r["changes"]
        )
        axes.plot(*zip(*points, strict=True), marker=marker, label=name.replace("_", " "))
    axes.set(xscale="log", ylim=(0, 100), xlabel="training pairs", ylabel="exact match on unseen pairs, %")
    ticks = sorted({row["n_pairs"] for row in results.values()})
    axes.set_xticks(ticks, [f"{n:,}" for n in ticks])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.savefig(path)


def main() -> None:
    """Measure each set and print the table."""
    parser = argparse.ArgumentParser(description="Measure the recipe on sets of pairs.")
    parser.add_argument("folder", type=Path, help="the folder of the sets")
    parser.add_argument("--sets", nargs="+", metavar="SET", help="sets to measure (default: all)")
    parser.add_argument("--random", type=int, default=0, metavar="N", help="random settings per set (default 0)")
    parser.add_argument("--n-pairs", type=int, nargs="+", metavar="N", help="train on the first N pairs of each set")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw a curve for each set")
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="training runs at a time (default 1)")
    parser.add_argument("--one", metavar="JSON", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        n_pairs = arguments.n_pairs and arguments.n_pairs[0]
        row = train_and_measure(arguments.folder, json.loads(arguments.one), n_pairs)
        with open(arguments.folder.parent / "measured.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        return
    names = arguments.sets or sorted(file.parent.name for file in arguments.folder.glob("*/tokens.txt"))
    file = arguments.folder / "measured.jsonl"
    done = read_results(file)
    runs = [(name, RECIPE) for name in names]
    runs += [(name, random_settings(name, number)) for number in range(arguments.random) for name in names]
    todo = []
    for n_pairs in arguments.n_pairs or [None]:
        sizes = {name: len(read_pairs(arguments.folder / name, "train")[:n_pairs]) for name in names}
        new = [(n, c) for n, c in runs if key({"set": n, "n_pairs": sizes[n], "changes": c}) not in done]
        todo += [(arguments.folder / name, changes, n_pairs) for name, changes in new]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        list(pool.map(lambda each: run(*each), todo))
    for n_pairs in arguments.n_pairs or [None]:
        print_table(names, read_results(file), n_pairs)
    if arguments.plot:
        plot(arguments.plot, names, read_results(file))


if __name__ == "__main__":
    main()
