"""Addition of two numbers up to 999, as in Keras's example `addition_rnn`. Questions and sums are strings.

    .venv/bin/python scripts/published/addition.py [--epochs 30]

Keras's network outputs a whole padded answer at once, and its accuracy counts the padding. Here the network ends its
answers and decodes free-running; the script pads the answers before it compares them. Exact match, which the example
does not report, is the fraction of sums that are entirely correct.
"""

import argparse
import random

import numpy as np
from report import DEFAULTS, machine, print_table, timed_training

from seq2seq_demo import Callback

DIGITS, PAIRS = 3, 50_000
PUBLISHED = {"best": "0.9985 (epoch 27)", "last": "0.9883"}

Pair = tuple[str, str]


def draw_sums() -> list[Pair]:
    """Return pairs of a padded, reversed question and its answer; a+b and b+a never both occur."""
    rng, seen, pairs = random.Random(0), set[tuple[int, ...]](), []
    while len(pairs) < PAIRS:
        a, b = (int("".join(rng.choice("0123456789") for _ in range(rng.randint(1, DIGITS)))) for _ in "ab")
        if (key := tuple(sorted((a, b)))) not in seen:
            seen.add(key)
            pairs.append((f"{a}+{b}".ljust(2 * DIGITS + 1)[::-1], str(a + b)))
    rng.shuffle(pairs)
    return pairs


def character_accuracy(predicted: list[str], expected: list[str]) -> float:
    """Return the fraction of correct characters when answers are padded to DIGITS + 1, as in Keras's example."""
    padded = [[answer[: DIGITS + 1].ljust(DIGITS + 1) for answer in answers] for answers in (predicted, expected)]
    correct = [a == b for both in zip(*padded, strict=True) for a, b in zip(*both, strict=True)]
    return float(np.mean(correct))


class AccuracyRecorder(Callback):
    """Records the character accuracy on the validation pairs after each epoch."""

    def __init__(self, pairs: list[Pair]) -> None:
        self.sources, self.targets = map(list, zip(*pairs, strict=True))
        self.by_epoch: list[float] = []

    def on_epoch_end(self, state):
        """Predict all targets and append the accuracy."""
        self.by_epoch.append(character_accuracy(state.network.predict(self.sources), self.targets))


def main() -> None:
    """Train a network and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=30)
    options = parser.parse_args()
    pairs = draw_sums()
    n = len(pairs) - len(pairs) // 10
    accuracy = AccuracyRecorder(pairs[n:])
    network, minutes = timed_training(
        pairs[:n],
        in_tokens="characters",
        out_tokens="characters",
        validation=pairs[n:],
        model="embedding_rnn",
        cell_size=128,
        embedding_size=20,
        learning_rate=0.003,
        lr_schedule="cosine",
        epochs=options.epochs,
        callbacks=[accuracy],
        **DEFAULTS,
    )
    exact_match = network.evaluate(pairs[n:]).exact_match
    best = max(range(len(accuracy.by_epoch)), key=accuracy.by_epoch.__getitem__)
    print(f"Addition of numbers of up to {DIGITS} digits, on {machine()}; {minutes:.0f} min of training:\n")
    rows = [
        ["Keras's example", "205,324", PUBLISHED["best"], PUBLISHED["last"], "not given"],
        [
            "this program, 1 x 128 LSTM without attention",
            f"{network.n_weights:,}",
            f"{accuracy.by_epoch[best]:.4f} (epoch {best + 1})",
            f"{accuracy.by_epoch[-1]:.4f}",
            f"{exact_match:.4f}",
        ],
    ]
    print_table(["", "weights", "best epoch", "last epoch", "exact match, last epoch"], rows)


if __name__ == "__main__":
    main()
