"""Notices about the pairs of a user that are probably mistakes, each as one line."""

from collections.abc import Iterator, Sequence

import numpy as np

from seq2seq_demo.config import CHARACTERS
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.records import Place
from seq2seq_demo.data.sequences import Sequences, max_typical_length


def pair_warnings(task: PairTask) -> Iterator[str]:
    """Yield the warnings about a task's pairs, each as one line."""
    sources, targets, places = task.pairs.sources, task.pairs.targets, task.places
    source_ids = sources.groups()
    n_targets = np.bincount(np.unique(np.stack([source_ids, targets.groups()]), axis=1)[0])
    is_empty, has_several = targets.lengths == 0, (n_targets > 1)[source_ids]
    if n := int(is_empty.sum()):
        yield f"Pairs with an empty target: {n}{_example(places, is_empty)}; remove them if their targets are missing"
    if n := int((n_targets > 1).sum()):
        yield f"Sources with several targets: {n}{_example(places, has_several)}; an answer may equal any of them"
    yield from _space_warning(task)
    yield from _outlier_warning("source", sources, places)
    yield from _outlier_warning("target", targets, places)
    if len(targets) > 1 and len({*targets.groups().tolist()}) == 1:
        yield "Every target is the same, so there is nothing to learn from the sources"
    if task.validation:
        yield from _overlap_warning(sources, task.validation.sources)


def _example(places: Sequence[Place], is_example: np.ndarray) -> str:
    return f", such as {places[int(np.argmax(is_example))]}" if places else ""


def _outlier_warning(kind: str, sequences: Sequences, places: Sequence[Place]) -> Iterator[str]:
    """Warn about the longest sequence if it is far longer than almost all others."""
    longest, typical = int(np.argmax(sequences.lengths)), max_typical_length(sequences.lengths)
    length = int(sequences.lengths[longest])
    if length > typical:
        place = f"{places[longest]}: " if places else ""
        long = f"{place}the {kind} has {length} symbols, but almost all others have at most {typical}"
        yield f"{long}: training takes longer and needs more memory with it; remove it if it is a mistake"


def _space_warning(task: PairTask) -> Iterator[str]:
    """Warn about characters that begin or end with a space, which is hard to see."""
    sides = {"Sources": task.pairs.sources, "Targets": task.pairs.targets}
    for (name, side), vocabulary in zip(sides.items(), task.vocabularies, strict=True):
        if vocabulary.tokens == CHARACTERS and " " in vocabulary.symbols:
            sequences = side[side.lengths > 0]
            ends, is_space = np.cumsum(sequences.lengths), sequences.symbols == vocabulary.symbols.index(" ")
            if n := int((is_space[ends - 1] | is_space[ends - sequences.lengths]).sum()):
                yield f"{name} with a space at the beginning or end, which counts as a character: {n}"


def _overlap_warning(training: Sequences, validation: Sequences) -> Iterator[str]:
    """Warn about validation sources that are also training sources."""
    _, first = np.unique(validation.groups(), return_index=True)
    if n := int(validation[first].are_in(training).sum()):
        overlap = f"{n} of {len(first)} distinct validation sources are also training sources"
        yield f"{overlap}: validation figures are too optimistic"
