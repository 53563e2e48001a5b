"""Measure how the recipe learns pairs that are mostly copied, beside copies and the most frequent edits by context.

    .venv/bin/python scripts/recipe/copying.py SETS [--sets old_german] [--pairs 300 1000 4000] [--dev]

`sets.py` makes the sets. The first N lines of train.tsv are the training pairs. The first lines of dev.tsv validate: a
tenth as many, but at least 30 and at most 400. The script prints exact match on test.tsv in percent, on the unseen
pairs, whose source is no source of a training pair, and on all pairs. A source that the network cannot read counts as
wrong. With --dev, the lines of dev.tsv from the 401st on, which validate no network, are answered instead.
"""

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import read_pairs, tokens_of
from sets import RUNNING_WORDS, Pair

from seq2seq_demo import train
from seq2seq_demo.data.edit_distance import align

MIN_VALIDATION, MAX_VALIDATION = 30, 400
Context = tuple[str, str, str]  # the symbols before a symbol of the source, the symbol, and the symbols after it

# The numbers of symbols before and after a symbol, from the narrowest context to the widest. These widths and the
# weight were chosen on the development pairs of RUNNING_WORDS.
WIDTHS = ((0, 0), (1, 0), (0, 1), (1, 1), (2, 1), (1, 2), (2, 2), (3, 2), (2, 3), (3, 3))
NARROWER = 3  # the narrower contexts of a context weigh as much as this number of training pairs
EDGE = "\n"  # before and after a source, and its target


class CopyAndEdit:
    """Writes a known source as its most frequent target, and edits another source symbol by symbol.

    An edit replaces a symbol by any number of symbols. A context weighs its edits by their shares among the different
    training pairs, and by the weights that the next narrower context gives them. Alone, a symbol is copied.
    """

    def __init__(self, pairs: list[Pair]):
        self.targets: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for source, target in pairs:
            self.targets[source][target] += 1
        self.edits: defaultdict[Context, Counter[str]] = defaultdict(Counter)
        for source, target in dict.fromkeys(pairs):
            aligned = align([*f"{EDGE}{source}{EDGE}"], [*f"{EDGE}{target}{EDGE}"])
            for contexts, written in zip(contexts_of(source), aligned, strict=True):
                for context in contexts:
                    self.edits[context]["".join(written)] += 1

    def answer(self, source: str) -> str:
        """Return the most frequent target of a known source, and the edited source of another."""
        if source in self.targets:
            return _heaviest(dict(self.targets[source]), source)
        return "".join(map(self.edit, contexts_of(source))).strip(EDGE)

    def edit(self, contexts: list[Context]) -> str:
        """Return the edit of a symbol in these contexts, the narrowest first."""
        symbol = contexts[0][1]
        weights = {symbol: 1.0}
        for counts in (self.edits[context] for context in contexts if context in self.edits):
            edits = dict.fromkeys([*weights, *counts])
            total = counts.total() + NARROWER
            weights = {edit: (counts[edit] + NARROWER * weights.get(edit, 0.0)) / total for edit in edits}
        return _heaviest(weights, symbol)


def contexts_of(source: str) -> Iterator[list[Context]]:
    """Yield the contexts of each symbol of a source, and of the edges before and after it, the narrowest first."""
    padding = EDGE * max(map(max, WIDTHS))
    text = f"{padding}{EDGE}{source}{EDGE}{padding}"
    for n in range(len(padding), len(text) - len(padding)):
        yield [(text[n - before : n], text[n], text[n + 1 : n + 1 + after]) for before, after in WIDTHS]


def _heaviest(weights: dict[str, float], copied: str) -> str:
    """Return the text with the largest weight; among equal weights, prefer the copy, then the order of the alphabet."""
    return min(weights, key=lambda text: (-weights[text], text != copied, text))


def train_network(folder: Path, pairs: list[Pair]) -> Any:
    """Train as `train` does without options, except for the choice of the validation pairs."""
    n_validation = min(MAX_VALIDATION, max(MIN_VALIDATION, len(pairs) // 10))
    tokens: dict[str, Any] = dict(zip(("in_tokens", "out_tokens"), tokens_of(folder), strict=True))
    return train(pairs, validation=read_pairs(folder, "dev")[:n_validation], **tokens)


def exact_matches(answers: list[Any], tested: list[Pair], known: set[str]) -> str:
    """Return the percentages of right answers to unknown sources and to all sources, as cells of a table."""
    right = [answer == target for answer, (_, target) in zip(answers, tested, strict=True)]
    unseen = [each for each, (source, _) in zip(right, tested, strict=True) if source not in known]
    return " / ".join(f"{100 * sum(each) / max(1, len(each)):.1f}" for each in (unseen, right))


def main() -> None:
    """Print a row per set and number of training pairs."""
    parser = argparse.ArgumentParser(description="Measure the recipe on pairs that are mostly copied.")
    parser.add_argument("folder", type=Path, help="the folder of the sets")
    parser.add_argument("--sets", nargs="+", default=RUNNING_WORDS, help="sets (default: those of running words)")
    parser.add_argument("--pairs", nargs="+", type=int, default=[300, 1000, 4000], metavar="N", help="training pairs")
    parser.add_argument("--dev", action="store_true", help="answer development pairs instead of test pairs")
    options = parser.parse_args()
    print("| set | pairs | unseen | copies: unseen / all | copy and edit | network | minutes |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for name in options.sets:
        folder = options.folder / name
        tested = read_pairs(folder, "dev")[MAX_VALIDATION:] if options.dev else read_pairs(folder, "test")
        sources = [source for source, _ in tested]
        for n_pairs in options.pairs:
            pairs: list[Pair] = read_pairs(folder, "train")[:n_pairs]
            known, start = {source for source, _ in pairs}, time.monotonic()
            network = train_network(folder, pairs)
            minutes = (time.monotonic() - start) / 60
            answers = [sources, [*map(CopyAndEdit(pairs).answer, sources)], network.predict(sources, on_error="return")]
            unseen = sum(source not in known for source in sources) / len(sources)
            cells = [name, len(pairs), f"{100 * unseen:.1f} %", *(exact_matches(a, tested, known) for a in answers)]
            print("|", " | ".join(map(str, [*cells, f"{minutes:.1f}"])), "|", flush=True)


if __name__ == "__main__":
    main()
