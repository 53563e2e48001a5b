"""SIGMORPHON 2021, subtask 3, with members that write from the beginning and members that write from the end.

    .venv/bin/python scripts/published/both_ends.py DATA [--members 3] [--languages ita,rum]

DATA is the data of `sigmorphon2021.py`, whose networks in the folder of `--cache` are the forward members. The backward
members are trained on reversed targets. The ensembles of both directions propose the answers of their beams, and the
answer with the largest sum of log probabilities under both counts. The table has word error rates, in percent.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from report import machine, print_table
from sigmorphon2020 import (
    Pair,
    characters,
    error_rates,
    find,
    languages_of,
    network_path,
    read_pairs,
    train_missing,
)

from seq2seq_demo import TrainedNetwork, ensemble, load
from seq2seq_demo.network.numpy_network import softmax

BEAM = 8


def write_reversed(data: Path, folder: Path, languages: Sequence[str]) -> None:
    """Write the training and the development pairs with reversed targets."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in [find(data, language, part) for language in languages for part in ("train", "dev")]:
        lines = [f"{word}\t{backwards(phones)}\n" for word, phones in read_pairs(path)]
        (folder / path.name).write_text("".join(lines), encoding="utf-8")


def backwards(phones: str) -> str:
    """Return the phones from the last to the first."""
    return " ".join(phones.split()[::-1])


def log_probability(network: TrainedNetwork, word: Sequence[str], phones: str) -> float:
    """Return the logarithm of an answer's probability, END included, under a network or an ensemble."""
    vocabularies, go = network.vocabularies, network.model_config.go
    if not {*vocabularies.target.symbols}.issuperset(phones.split()):
        return -np.inf  # the answer did not end, as its text states
    source, target = (
        [vocabulary.symbols.index(symbol) for symbol in symbols]
        for vocabulary, symbols in ((vocabularies.source, word), (vocabularies.target, phones.split()))
    )
    fed = np.array([[go, *target]])
    shares = softmax(network.to_numpy().decode(np.array([source]), fed.shape[1], fed).logits[0])
    return float(np.log(shares[np.arange(fed.shape[1]), [*target, go]]).sum())


def row(pairs: Sequence[Pair], forward: TrainedNetwork, backward: TrainedNetwork) -> list[float]:
    """Return the word error rates of the ensembles of forward and of backward members, and of both."""
    known = set(forward.vocabularies.source.symbols)
    words, targets = [characters(word, known) for word, _ in pairs], [target for _, target in pairs]
    beams = [one.predict(words, beam_size=BEAM, n_best=BEAM, details=True) for one in (forward, backward)]
    answers = [[one.text for one in beam] for beam in beams[0]], [[backwards(one.text) for one in b] for b in beams[1]]

    def best(word: Sequence[str], candidates: Sequence[str]) -> str:
        return max(
            candidates,
            key=lambda one: log_probability(forward, word, one) + log_probability(backward, word, backwards(one)),
        )

    both = [best(word, [*dict.fromkeys(a + b)]) for word, a, b in zip(words, *answers, strict=True)]
    first = ([beam[0] for beam in side] for side in answers)
    return [error_rates(one, targets)[0] for one in (*first, both)]


def main() -> None:
    """Train the missing members, and compare them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--members", type=int, default=3, help="in each direction")
    parser.add_argument("--languages", help="such as ita,rum (default: all)")
    parser.add_argument("--cache", type=Path, default=Path("sigmorphon2021"), help="folder of the trained networks")
    parser.add_argument("--processes", type=int, default=2, help="networks that are trained at the same time")
    options = parser.parse_args()
    languages = languages_of(options.data, options.languages)
    folders = [options.cache, options.cache / "backward"]
    write_reversed(options.data, folders[1], languages)
    for data, cache in zip((options.data, folders[1]), folders, strict=True):
        shared = {"members": options.members, "processes": options.processes, "epochs": None}
        train_missing(argparse.Namespace(data=data, cache=cache, **shared), languages)
    rows = []
    for language in languages:
        paths = ([network_path(cache, language, seed) for seed in range(options.members)] for cache in folders)
        sides = [ensemble([load(path) for path in side]) for side in paths]
        parts = (read_pairs(find(options.data, language, part)) for part in ("dev", "test"))
        rows.append([language, *(rate for pairs in parts for rate in row(pairs, *sides))])
    rows.append(["**mean**", *np.mean([rates for _, *rates in rows], axis=0)])
    print(f"{options.members} members in each direction, a beam of {BEAM}; {machine()}:\n")
    header = [f"{part}: {side}" for part in ("dev", "test") for side in ("forward", "backward", "both")]
    print_table(["language", *header], [[name, *(f"{rate:.2f}" for rate in rates)] for name, *rates in rows])


if __name__ == "__main__":
    main()
