"""SCAN (Lake and Baroni 2018): train on commands and their actions; test on the whole test set of each split.

    .venv/bin/python scripts/published/scan.py [--splits simple,length,jump,left] [--seeds 3]

The script generates the commands from the paper's grammar. Each split uses the architecture that was best for it in
the paper. The paper trains on 100,000 presentations, one per step, half of them without teacher forcing. This script
presents at least as many examples, in batches, all with teacher forcing.
"""

import argparse
import itertools
import random
import statistics
import sys
from collections.abc import Iterator

from report import DEFAULTS, machine, print_table, timed_training

Pair = tuple[str, str]

ACTIONS = {"walk": "WALK", "look": "LOOK", "run": "RUN", "jump": "JUMP"}
TURNS = {"left": "LTURN", "right": "RTURN"}
LONGEST_TRAINED = 22  # actions, in the length split
# By split: the command that occurs only alone in training, and the number of its copies.
PRIMITIVE = {"jump": ("jump", 1467), "left": ("turn left", 2189)}

LSTM, GRU = {"cell_type": "BasicLSTMCell"}, {"cell_type": "GRUCell"}
ATTENTION = {"model": "embedding_attention"}
SPLITS = {  # architecture, published exact match in %
    "simple": ({"model": "embedding_rnn", **LSTM, "num_layers": 2, "cell_size": 200, "dropout": 0.0}, "99.8"),
    "length": ({**ATTENTION, **GRU, "cell_size": 50, "dropout": 0.5}, "20.8"),
    "jump": ({**ATTENTION, **LSTM, "cell_size": 100, "dropout": 0.1}, "1.2"),
    "left": ({**ATTENTION, **GRU, "cell_size": 100, "dropout": 0.1}, "90.3"),
}
BATCH_SIZE, PRESENTATIONS = 32, 300_000
N_MONITORED = 500  # training pairs whose exact match shows the progress


def phrases() -> Iterator[Pair]:
    """Yield the grammar's 34 verb phrases with their actions."""
    for verb, action in ACTIONS.items():
        yield verb, action
    for (direction, turn), verb in itertools.product(TURNS.items(), [*ACTIONS, "turn"]):
        action = [] if verb == "turn" else [ACTIONS[verb]]
        yield f"{verb} {direction}", " ".join([turn, *action])
        yield f"{verb} opposite {direction}", " ".join([turn, turn, *action])
        yield f"{verb} around {direction}", " ".join([turn, *action] * 4)


def grammar() -> list[Pair]:
    """Return all 20,910 commands of the grammar with their actions."""
    sentences: list[Pair] = []
    for command, actions in phrases():
        for word, times in (("", 1), (" twice", 2), (" thrice", 3)):
            sentences.append((command + word, " ".join([actions] * times)))
    both = itertools.product(sentences, repeat=2)
    joined = [
        pair
        for (first, before), (second, after) in both
        for pair in (
            (f"{first} and {second}", f"{before} {after}"),
            (f"{first} after {second}", f"{after} {before}"),
        )
    ]
    return sentences + joined


def split(name: str, seed: int) -> tuple[list[Pair], list[Pair]]:
    """Return the training and the test pairs of a split."""
    pairs = grammar()
    if name == "simple":
        random.Random(seed).shuffle(pairs)
        n = round(0.8 * len(pairs))
        return pairs[:n], pairs[n:]
    if name == "length":
        length = {pair: len(pair[1].split()) for pair in pairs}
        short = [pair for pair in pairs if length[pair] <= LONGEST_TRAINED]
        return short, [pair for pair in pairs if length[pair] > LONGEST_TRAINED]
    primitive, times = PRIMITIVE[name]
    alone = next(pair for pair in pairs if pair[0] == primitive)
    contains = {pair: primitive in pair[0] for pair in pairs}
    return [pair for pair in pairs if not contains[pair]] + [alone] * times, [
        pair for pair in pairs if contains[pair] and pair != alone
    ]


def main() -> None:
    """Train and test on each split with several seeds, and print one row per split."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--splits", default=",".join(SPLITS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--presentations", type=int, default=PRESENTATIONS)
    options = parser.parse_args()
    rows = []
    for name in options.splits.split(","):
        settings, published = SPLITS[name]
        exact_matches, minutes = [], 0.0
        for seed in range(options.seeds):
            training, test = split(name, seed)
            print(f"{name}, seed {seed}: {len(training)} training pairs, {len(test)} test pairs", file=sys.stderr)
            random.Random(seed).shuffle(training)
            network, seed_minutes = timed_training(
                training,
                in_tokens="words",
                out_tokens="words",
                validation=training[:N_MONITORED],
                embedding_size=settings["cell_size"],
                learning_rate=0.001,
                lr_schedule="cosine",
                epochs=max(1, round(options.presentations / len(training))),
                seed=seed,
                **DEFAULTS | {"batch_size": BATCH_SIZE} | settings,
            )
            longest = max(len(actions.split()) for _, actions in test)
            exact_matches.append(100 * network.evaluate(test, out_len=longest + 2).exact_match)
            minutes += seed_minutes / options.seeds
        error = statistics.stdev(exact_matches) / options.seeds**0.5 if options.seeds > 1 else 0.0
        ours = f"{statistics.mean(exact_matches):.1f} ± {error:.1f}"
        n = f"{len(training):,} / {len(test):,}"
        rows.append([name, n, f"{network.n_weights:,}", f"{minutes:.0f} min", published, ours])
    print(
        f"Exact match in %, mean ± standard error over {options.seeds} seeds; batches of {BATCH_SIZE}; {machine()}:\n"
    )
    print_table(["split", "train / test", "weights", "training of one seed", "published", "ours"], rows)


if __name__ == "__main__":
    main()
