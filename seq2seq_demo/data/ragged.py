"""Sequences of different lengths, and pairs of them."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

PART = 2**20  # symbols


@dataclass(frozen=True, eq=False)
class Ragged:
    """N sequences of different lengths, one after the other in one array."""

    symbols: np.ndarray  # [sum of the lengths]
    lengths: np.ndarray  # [N] int64

    @classmethod
    def of_rows(cls, rows: Iterable[Sequence[int]]) -> Ragged:
        """Return the sequences that are lists; the symbols take as few bytes as the largest needs."""
        rows = list(rows)
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        symbols = np.fromiter(itertools.chain.from_iterable(rows), np.int64, int(lengths.sum()))
        return cls(compact(symbols), lengths)

    @classmethod
    def of_padded(cls, padded: np.ndarray, lengths: np.ndarray) -> Ragged:
        """Return the first so many symbols of each row `[N, width]`."""
        return cls(padded[np.arange(padded.shape[1]) < lengths[:, None]], lengths.astype(np.int64))

    @functools.cached_property
    def _starts(self) -> np.ndarray:
        starts: np.ndarray = np.cumsum(self.lengths) - self.lengths
        return starts

    def __len__(self) -> int:
        """Return N."""
        return len(self.lengths)

    def __getitem__(self, chosen: np.ndarray | slice) -> Ragged:
        """Return the sequences of these numbers, in that order."""
        lengths, first = self.lengths[chosen], self._starts[chosen]
        symbols = np.empty(int(lengths.sum()), self.symbols.dtype)
        ends = np.cumsum(lengths)
        start = 0
        while start < len(lengths):  # a part at a time: the numbers of the symbols take eight bytes each
            before = int(ends[start - 1]) if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, before + PART, side="right")))
            part = lengths[start:stop]
            step = np.arange(part.sum()) - np.repeat(np.cumsum(part) - part, part)  # 0, 1, … in each
            symbols[before : before + len(step)] = self.symbols[np.repeat(first[start:stop], part) + step]
            start = stop
        return Ragged(symbols, lengths)

    def padded(self, width: int | None = None, filler: int = 0) -> np.ndarray:
        """Return `[N, width]`, by default as wide as the longest, with the filler after each sequence."""
        width = int(self.lengths.max(initial=0)) if width is None else width
        dtype = np.promote_types(self.symbols.dtype, np.min_scalar_type(filler))
        padded = np.full((len(self), width), filler, dtype)
        padded[np.arange(width) < self.lengths[:, None]] = self.symbols
        return padded

    def groups(self) -> np.ndarray:
        """Return `[N]` of each sequence its number among those that differ, in the order of their first place."""
        size, content, known = self.symbols.itemsize, self.symbols.tobytes(), dict[bytes, int]()
        spans = zip(self._starts.tolist(), self.lengths.tolist(), strict=True)
        keys = (content[first * size : (first + n) * size] for first, n in spans)
        return np.fromiter((known.setdefault(key, len(known)) for key in keys), np.int64, len(self))

    def rows(self) -> list[list[int]]:
        """Return the sequences as lists."""
        return [row.tolist() for row in np.split(self.symbols, np.cumsum(self.lengths)[:-1])] if len(self) else []


@dataclass(frozen=True, eq=False)
class RaggedPairs:
    """N sources of different lengths and their targets."""

    sources: Ragged
    targets: Ragged

    def __len__(self) -> int:
        """Return N."""
        return len(self.sources)

    def __getitem__(self, chosen: np.ndarray | slice) -> RaggedPairs:
        """Return the pairs of these numbers, in that order."""
        return RaggedPairs(self.sources[chosen], self.targets[chosen])


def compact(symbols: np.ndarray) -> np.ndarray:
    """Return the symbols in as few bytes as the largest needs."""
    return symbols.astype(np.min_scalar_type(symbols.max(initial=0)))


def concatenated(parts: Iterable[Ragged]) -> Ragged:
    """Return the sequences of all parts."""
    parts = list(parts)
    return Ragged(np.concatenate([part.symbols for part in parts]), np.concatenate([part.lengths for part in parts]))


def concatenated_pairs(parts: Iterable[RaggedPairs]) -> RaggedPairs:
    """Return the pairs of all parts."""
    parts = list(parts)
    return RaggedPairs(concatenated(part.sources for part in parts), concatenated(part.targets for part in parts))
