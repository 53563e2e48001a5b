"""Edit distances (Levenshtein 1966) and alignments between answers and targets."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any

import numpy as np

from seq2seq_demo.data.sequences import Sequences

# (expected, predicted) symbols; predicted is None for a missing symbol, expected is None for an extra one
Confusions = Counter[tuple[int | None, int | None]]


def edit_distances(answers: Sequences, targets: Sequences) -> np.ndarray:
    """Return the edit distance from each answer to its target, `[B]`."""
    from rapidfuzz.distance import Levenshtein  # takes milliseconds

    return np.array([*map(Levenshtein.distance, answers.rows(), targets.rows())], np.int64)


def confusions(answers: Sequences, targets: Sequences) -> Confusions:
    """Count the wrong, missing and extra symbols by (expected, predicted)."""
    edits = chain.from_iterable(map(_aligned, answers.rows(), targets.rows()))
    return Counter(edit for edit in edits if edit[0] != edit[1])


def align(answer: Sequence[str], target: Sequence[str]) -> list[list[str]]:
    """Align an answer with its target by the fewest edits; return a list of target symbols for each answer symbol.

    Each list contains the target symbols that are missing before the answer symbol, and then the target symbol that
    is aligned with it. The list of an extra symbol is empty.
    """
    aligned: list[list[str]] = []
    due: list[str] = []
    for expected, predicted in _aligned(answer, target):
        due += [] if expected is None else [expected]
        if predicted is not None:
            aligned.append(due)
            due = []
    return aligned


def _aligned(answer: Sequence[Any], target: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Return an alignment with the fewest edits as pairs (expected, predicted).

    `predicted` is None for a missing symbol, and `expected` is None for an extra one.
    """
    from rapidfuzz.distance import Levenshtein

    parts = (
        zip_longest(target[part.src_start : part.src_end], answer[part.dest_start : part.dest_end])
        for part in Levenshtein.opcodes(target, answer)
    )
    return [*chain.from_iterable(parts)]
