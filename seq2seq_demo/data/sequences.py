"""Sequences of symbols, pairs of a source and a target, and the edits between two sequences (Levenshtein 1966)."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seq2seq_demo.config import ModelConfig

# Counts of (expected, predicted): predicted is None for a missing symbol, and expected is None for an extra one
Confusions = Counter[tuple[int | None, int | None]]


# The longest sequence is an outlier if its length exceeds both OUTLIER_LEN and OUTLIER_RATIO times the typical length.
# The typical length is the TYPICAL_QUANTILE of all lengths.
OUTLIER_LEN, OUTLIER_RATIO, TYPICAL_QUANTILE = 200, 5, 0.999


@dataclass(frozen=True, eq=False)
class Sequences:
    """N sequences of any length, concatenated in one array of integers, usually of the smallest possible type."""

    symbols: np.ndarray  # [sum of lengths]
    lengths: np.ndarray  # [N] int64

    @classmethod
    def of_rows(cls, rows: Iterable[Sequence[int]]) -> Sequences:
        """Make sequences from lists of symbols."""
        rows = list(rows)
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        symbols = np.fromiter(itertools.chain.from_iterable(rows), np.int64, int(lengths.sum()))
        return cls(symbols.astype(np.min_scalar_type(np.max(symbols, initial=0)), copy=False), lengths)

    @classmethod
    def of_array(cls, array: np.ndarray) -> Sequences:
        """Make sequences of one length from an array `[N, length]`, keeping its type."""
        return cls(array.ravel(), np.broadcast_to(np.int64(array.shape[1]), len(array)))  # stores one number

    @classmethod
    def of_padded(cls, padded: np.ndarray, lengths: np.ndarray) -> Sequences:
        """Make sequences from padded rows `[N, width]` and their lengths `[N]`."""
        return cls(padded[np.arange(padded.shape[1]) < lengths[:, None]], lengths.astype(np.int64))

    @functools.cached_property
    def common_length(self) -> int | None:
        """The length of all sequences; None if their lengths differ or N = 0."""
        if not len(self) or self.lengths.min() != self.lengths.max():
            return None
        return int(self.lengths[0])

    @functools.cached_property
    def _starts(self) -> np.ndarray:
        return np.asarray(np.cumsum(self.lengths) - self.lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: np.ndarray | slice) -> Sequences:
        if self.common_length is not None:
            return Sequences.of_array(self.array()[index])
        lengths, first = self.lengths[index], self._starts[index]
        places = np.arange(lengths.sum()) + np.repeat(first - np.cumsum(lengths) + lengths, lengths)
        return Sequences(self.symbols[places], lengths)

    def array(self) -> np.ndarray:
        """Return a view `[N, length]` of sequences that all have the same length."""
        assert self.common_length is not None or not len(self), "expected sequences of one length"
        return self.symbols.reshape(len(self), self.common_length or 0)

    def padded(self, width: int, filler: int = 0) -> np.ndarray:
        """Return an array `[N, width]`, each sequence padded with `filler`."""
        dtype = np.promote_types(self.symbols.dtype, np.min_scalar_type(filler))
        padded = np.full((len(self), width), filler, dtype)
        padded[np.arange(width) < self.lengths[:, None]] = self.symbols
        return padded

    def groups(self) -> np.ndarray:
        """Return a group id for each sequence, `[N]`: equal sequences have equal ids, in order of first appearance."""
        ids = dict[bytes, int]()
        return np.fromiter((ids.setdefault(key, len(ids)) for key in self._contents(self.symbols)), np.int64, len(self))

    def are_in(self, others: Sequences) -> np.ndarray:
        """Return a mask `[N]` of the sequences that equal one of `others`."""
        dtype = np.promote_types(self.symbols.dtype, others.symbols.dtype)
        contents = [*self._contents(self.symbols.astype(dtype, copy=False))]
        known = set(contents).intersection(others._contents(others.symbols.astype(dtype, copy=False)))
        return np.fromiter((content in known for content in contents), bool, len(self))

    def exceed(self, largest: int) -> np.ndarray:
        """Return a mask `[N]` of the sequences that contain a symbol above `largest`."""
        above = np.searchsorted(np.cumsum(self.lengths), np.flatnonzero(self.symbols > largest), side="right")
        return np.isin(np.arange(len(self)), above)

    def _contents(self, symbols: np.ndarray) -> Iterator[bytes]:
        """Yield the bytes of each sequence, in the data type of `symbols`."""
        size, content = symbols.itemsize, symbols.tobytes()
        for first, n in zip(self._starts.tolist(), self.lengths.tolist(), strict=True):
            yield content[first * size : (first + n) * size]

    def rows(self) -> list[list[int]]:
        """Return the sequences as lists of symbols."""
        symbols, ends = self.symbols.tolist(), np.cumsum(self.lengths).tolist()
        return [symbols[end - n : end] for end, n in zip(ends, self.lengths.tolist(), strict=True)]


@dataclass(frozen=True, eq=False)
class Pairs:
    """N sources and their targets."""

    sources: Sequences
    targets: Sequences

    def __len__(self) -> int:
        return len(self.sources)

    def distinct(self) -> Pairs:
        """Return the distinct pairs in their original order."""
        ids = np.stack([self.sources.groups(), self.targets.groups()])
        return self[np.sort(np.unique(ids, axis=1, return_index=True)[1])]

    def without(self, seen: Sequences) -> Pairs:
        """Return the pairs whose source is not in `seen`, or all pairs if none would remain."""
        is_new = ~self.sources.are_in(seen)
        return self[is_new] if is_new.any() else self

    def unseen_by(self, model: ModelConfig) -> np.ndarray:
        """Return a mask `[N]` of the pairs whose source the network cannot read or whose target it cannot write."""
        return np.asarray(self.sources.exceed(model.in_max_int) | self.targets.exceed(model.out_max_int))

    def __getitem__(self, index: np.ndarray | slice) -> Pairs:
        return Pairs(self.sources[index], self.targets[index])


def concatenate(parts: Iterable[Sequences]) -> Sequences:
    """Concatenate the sequences of all parts, in order."""
    parts = list(parts)
    return Sequences(np.concatenate([part.symbols for part in parts]), np.concatenate([part.lengths for part in parts]))


def shift_right(targets: np.ndarray, go: int) -> np.ndarray:
    """Return the decoder input `[B, T]` for teacher forcing: GO, then the target without its last symbol."""
    decoder_input = np.full(targets.shape, go)
    decoder_input[:, 1:] = targets[:, :-1]
    return decoder_input


def max_typical_length(lengths: np.ndarray) -> int:
    """Return the maximum of the lengths `[N]`, or their 99.9th percentile if the maximum is an outlier."""
    typical, longest = int(np.quantile(lengths, TYPICAL_QUANTILE, method="lower")), int(lengths.max())
    return typical if longest > max(OUTLIER_LEN, OUTLIER_RATIO * typical) else longest


# ---- Edit distances ----


def edit_distances(answers: Sequences, targets: Sequences) -> np.ndarray:
    """Return the edit distance from each answer to its target, `[B]`."""
    from rapidfuzz.distance import Levenshtein  # takes milliseconds

    return np.array([*map(Levenshtein.distance, answers.rows(), targets.rows())], np.int64)


def nearest_targets(answers: Sequences, targets: Sequences, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the index of each answer's nearest target, and its edit distance, both `[B]`; ties go to the first one.

    Args:
        answers: B answers.
        targets: N targets, at least one for each answer.
        groups: the index of each target's answer, 0…B−1, `[N]`.
    """
    width = int(max(answers.lengths.max(), targets.lengths.max()))
    differs = answers.padded(width, -1)[groups] != targets.padded(width, -1)
    unequal = np.flatnonzero(differs.any(axis=1))  # computing distances is slower than comparing symbols
    edits = np.zeros(len(targets), np.int64)  # [N]
    edits[unequal] = edit_distances(answers[groups[unequal]], targets[unequal])
    order = np.lexsort((edits, groups))  # stable
    nearest = order[np.searchsorted(groups[order], np.arange(len(answers)))]
    return nearest, edits[nearest]


def confusions(answers: Sequences, targets: Sequences) -> Confusions:
    """Count the wrong, missing and extra symbols by (expected, predicted)."""
    edits = itertools.chain.from_iterable(map(_aligned, answers.rows(), targets.rows()))
    return Counter(edit for edit in edits if edit[0] != edit[1])


def align(answer: Sequence[str], target: Sequence[str]) -> list[list[str]]:
    """Align an answer with its target using the fewest edits; return a list of target symbols for each answer symbol.

    Each list contains the target symbols that are missing before the answer symbol, and then the target symbol that
    is aligned with it. The list for an extra symbol is empty.
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
        itertools.zip_longest(target[part.src_start : part.src_end], answer[part.dest_start : part.dest_end])
        for part in Levenshtein.opcodes(target, answer)
    )
    return [*itertools.chain.from_iterable(parts)]
