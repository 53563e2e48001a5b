"""Addition of two numbers up to 999, as in Keras's example `addition_rnn`: a question's characters to its answer's.

    .venv/bin/python scripts/published/addition.py [--epochs 30]

Keras's network gives a whole answer at once, padded, and its accuracy counts the characters with this padding. Here the
network ends its answers, and is measured free-running; so padding is added to what it says. Exact match, which the
example does not give, is the share of sums that are wholly right.
"""

import argparse
import random

import numpy as np
from report import machine, n_weights, print_table, timed_training

from seq2seq_demo import Callback

DIGITS, PAIRS = 3, 50_000
PUBLISHED = {"best": "0.9985 (epoch 27)", "last": "0.9883"}

Pair = tuple[str, str]


def questions() -> list[Pair]:
    """Return sums of different numbers, in whatever order: the question reversed and padded, and its answer."""
    rng, seen, pairs = random.Random(0), set[tuple[int, ...]](), []
    while len(pairs) < PAIRS:
        a, b = (int("".join(rng.choice("0123456789") for _ in range(rng.randint(1, DIGITS)))) for _ in "ab")
        if (key := tuple(sorted((a, b)))) not in seen:
            seen.add(key)
            pairs.append((f"{a}+{b}".ljust(2 * DIGITS + 1)[::-1], str(a + b)))
    rng.shuffle(pairs)
    return pairs


def character_accuracy(said: list[str], wanted: list[str]) -> float:
    """Return the share of characters that are right, when answers are padded to DIGITS + 1, as the example does."""
    padded = [[text[: DIGITS + 1].ljust(DIGITS + 1) for text in texts] for texts in (said, wanted)]
    right = [a == b for texts in zip(*padded, strict=True) for a, b in zip(*texts, strict=True)]
    return float(np.mean(right))


class Accuracy(Callback):
    """Notes the character accuracy on the validation pairs after each epoch."""

    def __init__(self, pairs: list[Pair]) -> None:
        """Keep the pairs."""
        self.sources, self.targets = map(list, zip(*pairs, strict=True))
        self.reached: list[float] = []

    def on_epoch_end(self, history, network, validation):
        """Answer all sources."""
        self.reached.append(character_accuracy(network.predict(self.sources), self.targets))


def main() -> None:
    """Train, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=30)
    options = parser.parse_args()
    pairs = questions()
    n = len(pairs) - len(pairs) // 10
    accuracy = Accuracy(pairs[n:])
    network, minutes = timed_training(
        pairs[:n],
        in_tokens="characters",
        out_tokens="characters",
        validation=pairs[n:],
        model="embedding_rnn",
        cell_size=128,
        learning_rate=0.003,
        lr_schedule="cosine",
        epochs=options.epochs,
        callbacks=[accuracy],
    )
    exact_match = network.evaluate(pairs[n:]).exact_match
    best = max(range(len(accuracy.reached)), key=accuracy.reached.__getitem__)
    print(f"Addition of numbers of up to {DIGITS} digits, on {machine()}; {minutes:.0f} min of training:\n")
    rows = [
        ["Keras's example", "205,324", PUBLISHED["best"], PUBLISHED["last"], "not given"],
        [
            "this program, 1 x 128 LSTM without attention",
            f"{n_weights(network):,}",
            f"{accuracy.reached[best]:.4f} (epoch {best + 1})",
            f"{accuracy.reached[-1]:.4f}",
            f"{exact_match:.4f}",
        ],
    ]
    print_table(["", "weights", "best epoch", "last epoch", "exact match, last epoch"], rows)


if __name__ == "__main__":
    main()
