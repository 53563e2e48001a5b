"""Oddities of pairs that a user should know before training: they can be learned, but hardly as they were meant."""

from collections.abc import Iterator

import numpy as np

from seq2seq_demo.config import CHARACTERS
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.records import Places
from seq2seq_demo.data.sequences import Sequences, concatenated

LONG, TIMES = 200, 5  # symbols of a sequence that makes others wait for it, and how many times longer than these it is
USUAL = 0.999  # the share of sequences that are no longer than what is usual


def pair_warnings(task: PairTask) -> Iterator[str]:
    """Yield a line for each oddity."""
    sources, targets = task.pairs.sources, task.pairs.targets
    for what, sequences in (("source", sources), ("target", targets)):
        yield from _long_one(what, sequences, task.places)
    yield from _spaces(task)
    if len(targets) > 1 and len({*targets.groups().tolist()}) == 1:
        yield "Every target is the same, so there is nothing to learn from the sources"
    if task.validation:
        yield from _known(sources, task.validation.sources)


def _long_one(what: str, sequences: Sequences, places: Places | None) -> Iterator[str]:
    """Yield what to say of a sequence that is much longer than all but a few."""
    longest, usual = int(sequences.lengths.argmax()), usual_length(sequences.lengths)
    n = int(sequences.lengths[longest])
    if n > usual:
        where = f"{places[longest]}: " if places else ""
        long = f"{where}the {what} has {n} symbols, almost all others at most {usual}"
        yield f"{long}: batches that hold it are padded to that, and take as much longer; leave it out if it is a slip"


def _spaces(task: PairTask) -> Iterator[str]:
    """Yield how many sources begin or end with a space, which is hard to see."""
    vocabulary, sequences = task.vocabularies.source, task.pairs.sources
    if vocabulary.tokens == CHARACTERS and " " in vocabulary.symbols:
        ends = np.cumsum(sequences.lengths)
        space = sequences.symbols == vocabulary.symbols.index(" ")
        n = int((space[ends - 1] | space[ends - sequences.lengths]).sum())
        if n:
            yield f"{n} sources begin or end with a space, which counts as a character"


def usual_length(lengths: np.ndarray) -> int:
    """Return the longest of sequences with these lengths, `[N]`, but for a few that are very much longer."""
    usual, longest = int(np.quantile(lengths, USUAL, method="lower")), int(lengths.max())
    return usual if longest > max(LONG, TIMES * usual) else longest


def _known(training: Sequences, validation: Sequences) -> Iterator[str]:
    """Yield how many sources that validate are trained on too."""
    groups = concatenated([training, validation]).groups()
    own, others = np.unique(groups[: len(training)]), np.unique(groups[len(training) :])
    n = len(np.intersect1d(own, others, assume_unique=True))
    if n:
        known = f"{n} of {len(others)} different sources for validation are among those to train on"
        yield f"{known}: validation looks better than it is"
