"""Warnings about pairs that are valid but probably unintended."""

from collections.abc import Iterator

import numpy as np

from seq2seq_demo.config import CHARACTERS
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.records import Places
from seq2seq_demo.data.sequences import Sequences, concatenate
from seq2seq_demo.data.vocabulary import Vocabulary

# The longest sequence is an outlier if its length exceeds both OUTLIER_LEN and OUTLIER_RATIO times the typical length,
# which is the TYPICAL_QUANTILE of the lengths.
OUTLIER_LEN, OUTLIER_RATIO, TYPICAL_QUANTILE = 200, 5, 0.999

MARKS = {
    "\ufeff": "a byte order mark, an invisible character that became part of a symbol",
    "\n": "a line break, which a missing quotation mark may have caused",
    "\0": "a NUL character, which may mean that the file is not UTF-8",
}


def pair_warnings(task: PairTask) -> Iterator[str]:
    """Yield the warnings about a task's pairs, each as one line."""
    sources, targets = task.pairs.sources, task.pairs.targets
    yield from _space_warning(task)
    for kind, sequences, vocabulary in zip(("source", "target"), (sources, targets), task.vocabularies, strict=True):
        yield from _outlier_warning(kind, sequences, task.places)
        yield from _mark_warning(kind, sequences, vocabulary, task.places)
    if len(targets) > 1 and len({*targets.groups().tolist()}) == 1:
        yield "Every target is the same, so there is nothing to learn from the sources"
    if task.validation:
        yield from _overlap_warning(sources, task.validation.sources)


def _outlier_warning(kind: str, sequences: Sequences, places: Places | None) -> Iterator[str]:
    """Warn about the longest sequence if it is far longer than almost all others."""
    longest, typical = int(sequences.lengths.argmax()), max_typical_length(sequences.lengths)
    length = int(sequences.lengths[longest])
    if length > typical:
        place = f"{places[longest]}: " if places else ""
        long = f"{place}the {kind} has {length} symbols, but almost all others have at most {typical}"
        yield f"{long}: training takes longer and needs more memory with it; remove it if it is a mistake"


def _space_warning(task: PairTask) -> Iterator[str]:
    """Warn about sources of characters that begin or end with a space, which is hard to see."""
    vocabulary, sequences = task.vocabularies.source, task.pairs.sources
    if vocabulary.tokens == CHARACTERS and " " in vocabulary.symbols:
        ends = np.cumsum(sequences.lengths)
        is_space = sequences.symbols == vocabulary.symbols.index(" ")
        if n := int((is_space[ends - 1] | is_space[ends - sequences.lengths]).sum()):
            yield f"Sources with a space at the beginning or end, which counts as a character: {n}"


def _mark_warning(kind: str, sequences: Sequences, vocabulary: Vocabulary, places: Places | None) -> Iterator[str]:
    """Warn about the characters in MARKS; the readers remove only byte order marks at the start of a line."""
    for character, mark in MARKS.items():
        marked = [number for number, symbol in enumerate(vocabulary.symbols) if character in symbol]
        rows = np.repeat(np.arange(len(sequences)), sequences.lengths)[np.isin(sequences.symbols, marked)]
        if n := len(np.unique(rows)):
            place = f"{places[int(rows[0])]}: " if places else ""
            yield f"{place}the {kind} contains {mark} ({kind}s with one: {n}); remove it if it is a mistake"


def max_typical_length(lengths: np.ndarray) -> int:
    """Return the maximum of the lengths `[N]`, or their 99.9th percentile if the maximum is an outlier."""
    typical, longest = int(np.quantile(lengths, TYPICAL_QUANTILE, method="lower")), int(lengths.max())
    return typical if longest > max(OUTLIER_LEN, OUTLIER_RATIO * typical) else longest


def _overlap_warning(training: Sequences, validation: Sequences) -> Iterator[str]:
    """Warn about validation sources that are also training sources."""
    groups = concatenate([training, validation]).groups()
    trained, validated = np.unique(groups[: len(training)]), np.unique(groups[len(training) :])
    if n := len(np.intersect1d(trained, validated, assume_unique=True)):
        overlap = f"{n} of {len(validated)} distinct validation sources are also training sources"
        yield f"{overlap}: validation figures are too optimistic"
