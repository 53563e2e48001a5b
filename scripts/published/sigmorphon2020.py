"""SIGMORPHON 2020, task 1: pronunciation in fifteen languages with one recipe, next to the published results.

    .venv/bin/python scripts/published/sigmorphon2020.py DATA [--seeds 5] [--languages fre,kor] [--dev]

DATA contains files such as `train/fre_train.tsv`, `dev/fre_dev.tsv` and `test/fre_test.tsv`, one pair per line: a word,
a tab, and its phones. They come from https://github.com/sigmorphon/2020, folder `task1/data`. Data from other years
also works if the files have names like these. The script saves the networks of each language in the `--cache` folder
and trains only missing ones. For different settings, use a different folder.

All languages use the settings that the package chooses for pairs; `scripts/recipe` describes the development sets that
this choice is based on. With `--dev`, the script scores the development sets, so that you can try other SETTINGS;
otherwise, it scores the test sets.
"""

import argparse
import statistics
import sys
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from rapidfuzz.distance import Levenshtein
from report import machine, print_table

from seq2seq_demo import TrainedNetwork, ensemble, load, train

SETTINGS: dict[str, Any] = {}  # changes to the settings that the package chooses for pairs
# Word and phone error rates on the test sets, in percent: the organisers' LSTM (Gorman et al. 2020), and the winning
# ensemble (Yu, Vu and Kuhn 2020).
PUBLISHED = {
    "ady": ((28.00, 6.53), (25.33, 5.79)),
    "arm": ((14.67, 3.49), (12.67, 2.94)),
    "bul": ((31.11, 5.94), (22.22, 4.85)),
    "dut": ((16.44, 2.94), (13.56, 2.36)),
    "fre": ((6.22, 1.32), (6.89, 1.60)),
    "geo": ((26.44, 5.14), (24.89, 4.57)),
    "gre": ((18.89, 3.30), (18.67, 2.97)),
    "hin": ((6.67, 1.47), (5.11, 1.20)),
    "hun": ((5.33, 1.18), (5.11, 1.12)),
    "ice": ((10.00, 2.36), (9.33, 2.04)),
    "jpn": ((7.56, 1.79), (5.33, 1.26)),
    "kor": ((46.89, 16.78), (26.22, 4.38)),
    "lit": ((19.11, 3.55), (20.00, 3.63)),
    "rum": ((10.67, 2.53), (10.22, 2.23)),
    "vie": ((4.67, 1.52), (1.56, 0.48)),
}
DECOMPOSED = "HANGUL"  # the script whose syllables are decomposed into letters (normal form D)

Pair = tuple[str, str]
Rates = tuple[float, float | None]  # word and phone error rate, in percent


class Published(NamedTuple):
    """Published rates by language and part ("dev" or "test"); the systems are in the order of `names`."""

    names: Sequence[str]
    rates: dict[tuple[str, str], Sequence[Rates]]


def find(data: Path, language: str, part: str) -> Path:
    """Return the file of a language and a part, "train", "dev" or "test", in a folder or below it."""
    name = f"{language}_{part}.tsv"
    path = next(iter(sorted(data.rglob(name))), None)
    if path is None:
        raise SystemExit(f"{data}: no file {name}")
    return path


def languages_of(data: Path, chosen: str | None) -> list[str]:
    """Return the comma-separated languages in `chosen`, or all languages in a folder; exit if there are none."""
    found = sorted({path.name.removesuffix("_train.tsv") for path in data.rglob("*_train.tsv")})
    languages = chosen.split(",") if chosen else found
    for language in languages:
        find(data, language, "train")
    if not languages:
        raise SystemExit(f"{data}: no files such as fre_train.tsv")
    return languages


def normalized(word: str) -> str:
    """Decompose the syllables of Hangul into letters and compose all other characters."""
    return "".join(
        unicodedata.normalize("NFD" if unicodedata.name(c, "").startswith(DECOMPOSED) else "NFC", c)
        for c in unicodedata.normalize("NFC", word)
    )


def read_pairs(path: Path) -> list[Pair]:
    """Return pairs of a normalised word and its phones."""
    lines = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line)
    return [(normalized(word), " ".join(phones.split())) for word, phones, *_ in lines]


def characters(word: str, known: set[str]) -> list[str]:
    """Return the known characters of a word as a list, so that normalisation does not recompose them."""
    return [c for c in word if c in known] or [min(known)]


# ---- Training ----


def trained_networks(options: argparse.Namespace, language: str) -> list[TrainedNetwork]:
    """Return a network of a language for each seed, from the cache; train and save missing ones in new processes."""
    paths = {seed: options.cache / f"{language}_{seed}.h5" for seed in range(options.seeds)}
    missing = [(seed, path) for seed, path in paths.items() if not path.exists()]
    pairs, dev = (read_pairs(find(options.data, language, part)) for part in ("train", "dev"))
    settings = SETTINGS | ({"epochs": options.epochs} if options.epochs else {})
    options.cache.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(options.processes, get_context("spawn"), max_tasks_per_child=1) as pool:
        for training in [pool.submit(train_one, pairs, dev, settings, seed, path) for seed, path in missing]:
            training.result()  # raises any error
    return [load(path) for path in paths.values()]


def train_one(pairs: list[Pair], dev: list[Pair], settings: dict[str, Any], seed: int, path: Path) -> None:
    """Train a network, save it at the path, and print its exact match on the development set."""
    known = {c for word, _ in pairs for c in word}
    phones = {phone for _, target in pairs for phone in target.split()}
    network = train(
        [(characters(word, known), target) for word, target in pairs],
        in_tokens="characters",
        out_tokens="words",
        # The targets of validation pairs must consist of known phones.
        validation=[(characters(word, known), target) for word, target in dev if phones.issuperset(target.split())],
        seed=seed,
        **settings,
    )
    network.save(path)
    print(f"{path.stem}: exact match {network.validation.exact_match:.4f} on dev", file=sys.stderr, flush=True)


# ---- Scores ----


def error_rates(answers: Sequence[str], targets: Sequence[str]) -> Rates:
    """Return the word and phone error rates: the percentage of wrong words, and edits per 100 target phones."""
    pairs = list(zip(answers, targets, strict=True))
    n_edits = sum(Levenshtein.distance(answer.split(), target.split()) for answer, target in pairs)
    wrong, n_phones = sum(answer != target for answer, target in pairs), sum(len(t.split()) for t in targets)
    return 100 * wrong / len(pairs), 100 * n_edits / n_phones


def scores(networks: Sequence[TrainedNetwork], pairs: Sequence[Pair], beam_size: int | None) -> list[Rates]:
    """Return the rates of the first network, their mean over all networks, and the rates of the ensemble.

    The ensemble decodes with a beam of `beam_size`, by default greedily.
    """
    known = set(networks[0].vocabularies.source.symbols)
    words, targets = [characters(word, known) for word, _ in pairs], [target for _, target in pairs]

    def rates(network: TrainedNetwork, beam_size: int | None = None) -> Rates:
        predictions = network.predict(words, beam_size=beam_size, details=True)
        return error_rates([p.prediction + " ..." * (not p.ended) for p in predictions], targets)

    each = [*map(rates, networks)]
    return [each[0], mean(each), rates(ensemble(networks), beam_size)]


def mean(rates: Sequence[Rates]) -> Rates:
    """Return the mean word and phone error rate."""
    words, phones = zip(*rates, strict=True)
    return statistics.fmean(words), None if None in phones else statistics.fmean(phones)


def cell(rates: Rates | None) -> str:
    """Format the rates as in the published tables."""
    if rates is None:
        return ""
    return f"{rates[0]:.2f}" + ("" if rates[1] is None else f" / {rates[1]:.2f}")


def report(options: argparse.Namespace, languages: Sequence[str], parts: Sequence[str], published: Published) -> None:
    """Print a table with a row for each language, a last row for the mean, and columns for each part."""
    rows = []
    columns: list[list[Rates | None]] = []
    for language in languages:
        networks = trained_networks(options, language)
        columns.append([])
        for part in parts:
            pairs = read_pairs(find(options.data, language, part))
            others = published.rates.get((language, part), (None,) * len(published.names))
            columns[-1] += [*scores(networks, pairs, options.beam_size), *others]
        rows.append([language, f"{networks[0].n_weights:,}", *map(cell, columns[-1])])
    means = [mean([r for r in column if r]) if all(column) else None for column in zip(*columns, strict=True)]
    rows.append(["**mean**", "", *map(cell, means)])
    beam = f", beam of {options.beam_size}" if options.beam_size else ""
    ours = "first network", f"mean of {options.seeds}", f"ensemble of {options.seeds}{beam}"
    print(f"Word / phone error rate in %, {options.seeds} networks per language; {machine()}:\n")
    header = [f"{part}: {name}" for part in parts for name in (*ours, *published.names)]
    print_table(["language", "weights of a network", *header], rows)


def run(description: str, cache: str, published: Published, both_parts: bool) -> None:
    """Print the table for the selected parts, with networks from the cache or, if they are missing, new ones."""
    number: Callable[[str], int] = int
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=number, default=5, help="networks per language, each with its own seed")
    parser.add_argument("--languages", help="languages, such as fre,kor (default: all)")
    parser.add_argument("--dev", action="store_true", help="score the development sets only")
    parser.add_argument("--beam-size", type=number, help="beam size of the ensemble (default: greedy decoding)")
    parser.add_argument("--cache", type=Path, default=Path(cache), help="folder for the trained networks")
    parser.add_argument("--processes", type=number, default=2, help="networks that are trained at the same time")
    parser.add_argument("--epochs", type=number, help="fewer epochs, to try the script")
    options = parser.parse_args()
    languages = languages_of(options.data, options.languages)
    parts = ["dev"] * (options.dev or both_parts) + ["test"] * (not options.dev)
    report(options, languages, parts, published)


def main() -> None:
    """Compare with the published results."""
    rates = {(language, "test"): each for language, each in PUBLISHED.items()}
    published = Published(("LSTM of the organisers", "best ensemble"), rates)
    run(str(__doc__), "sigmorphon2020", published, both_parts=False)


if __name__ == "__main__":
    main()
