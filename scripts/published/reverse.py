"""The reverse task of JoeyNMT's tutorial: reverse sequences of up to 30 of 50 symbols.

    .venv/bin/python scripts/published/reverse.py [--epochs 8]

The sequences are the tutorial's: NumPy's old generator draws them in the same order, with the same seed. Training
sequences have at most 25 symbols, the others at most 30. The settings are those that the program chooses for pairs,
except for the number of epochs. BLEU is computed by sacrebleu, which only this script needs:

    .venv/bin/python -m pip install sacrebleu
"""

import argparse

import numpy as np
from report import machine, print_table, timed_training

from seq2seq_demo import TrainedNetwork

SEED, N_SYMBOLS, LONGEST_TRAINED, LONGEST = 42, 50, 25, 30
SIZES = {"train": (50_000, LONGEST_TRAINED), "dev": (1000, LONGEST), "test": (1000, LONGEST)}  # sequences, longest
THEIRS = [  # published, and measured with JoeyNMT 2.3.0 and the tutorial's settings on our machine
    ["JoeyNMT's tutorial, 5 epochs", "not given", "dev", "95.42", "not given", "not given", "not given"],
    ["JoeyNMT 2.3.0, less than 2 epochs", "8 min", "dev", "99.12", "0.958", "0.982", "0.849"],
]

Sequence = list[int]
Pair = tuple[Sequence, Sequence]


def draw_pairs() -> dict[str, list[Pair]]:
    """Return the pairs of each part: a random sequence and its reverse."""
    rng = np.random.RandomState(SEED)

    def draw(longest: int) -> Pair:
        symbols = rng.randint(0, N_SYMBOLS, rng.randint(1, longest + 1)).tolist()
        return symbols, symbols[::-1]

    return {part: [draw(longest) for _ in range(n)] for part, (n, longest) in SIZES.items()}


def bleu(answers: list[Sequence], targets: list[Sequence]) -> float:
    """Return the BLEU of the answers, with sacrebleu's default settings, as in the tutorial."""
    from sacrebleu import corpus_bleu

    hypotheses, references = ([" ".join(map(str, symbols)) for symbols in each] for each in (answers, targets))
    return corpus_bleu(hypotheses, [references]).score


def results(network: TrainedNetwork, pairs: list[Pair]) -> list[str]:
    """Return BLEU, and exact match of all sequences, of those as long as in training, and of the longer ones."""
    sources, targets = map(list, zip(*pairs, strict=True))
    columns = [f"{bleu(network.predict(sources), targets):.2f}"]
    for shortest, longest in ((1, LONGEST), (1, LONGEST_TRAINED), (LONGEST_TRAINED + 1, LONGEST)):
        chosen = [pair for pair in pairs if shortest <= len(pair[0]) <= longest]
        columns.append(f"{network.evaluate(chosen).exact_match:.3f}")
    return columns


def main() -> None:
    """Train a network and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=8)
    options = parser.parse_args()
    parts = draw_pairs()
    network, minutes = timed_training(parts["train"], validation=parts["dev"], epochs=options.epochs)
    print(f"Reversing sequences of {N_SYMBOLS} symbols, on {machine()}:\n")
    ours = [f"this program, {options.epochs} epochs", f"{minutes:.0f} min"]
    rows = [[*ours, part, *results(network, parts[part])] for part in ("dev", "test")]
    header = ["", "training", "set", "BLEU", "exact match", f"up to {LONGEST_TRAINED} symbols", "longer"]
    print_table(header, THEIRS + rows)


if __name__ == "__main__":
    main()
