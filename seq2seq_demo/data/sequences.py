"""Sequences of symbols and pairs of them, of one length or of many: the only form that data takes in the program."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from seq2seq_demo.data.records import MAX_SYMBOL, has_mask
from seq2seq_demo.errors import InputError

BLOCK = 2**20  # symbols that are copied at once


@dataclass(frozen=True, eq=False)
class Sequences:
    """N sequences, one after the other in one array. Symbols take as few bytes as the largest needs."""

    symbols: np.ndarray  # [sum of the lengths]
    lengths: np.ndarray  # [N] int64

    @classmethod
    def of_rows(cls, rows: Iterable[Sequence[int]]) -> Sequences:
        """Make sequences of lists."""
        rows = list(rows)
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        symbols = np.fromiter(itertools.chain.from_iterable(rows), np.int64, int(lengths.sum()))
        return cls(compact(symbols), lengths)

    @classmethod
    def of_array(cls, array: np.ndarray) -> Sequences:
        """Make sequences of one length of an array `[N, length]`, keeping its type."""
        return cls(array.ravel(), np.broadcast_to(np.int64(array.shape[1]), len(array)))  # one number for all

    @classmethod
    def of_padded(cls, padded: np.ndarray, lengths: np.ndarray) -> Sequences:
        """Make sequences of the first symbols of each row `[N, width]`, as many as its length says, `[N]`."""
        return cls(padded[np.arange(padded.shape[1]) < lengths[:, None]], lengths.astype(np.int64))

    @functools.cached_property
    def common_length(self) -> int | None:
        """The length of every sequence, None where lengths differ or there is no sequence."""
        if not len(self) or self.lengths.min() != self.lengths.max():
            return None
        return int(self.lengths[0])

    @functools.cached_property
    def _starts(self) -> np.ndarray:
        starts: np.ndarray = np.cumsum(self.lengths) - self.lengths
        return starts

    def __len__(self) -> int:
        """Return N."""
        return len(self.lengths)

    def __getitem__(self, chosen: np.ndarray | slice) -> Sequences:
        """Return the sequences at these indices, in their order."""
        if self.common_length is not None:
            return Sequences.of_array(self.array()[chosen])
        lengths, first = self.lengths[chosen], self._starts[chosen]
        symbols = np.empty(int(lengths.sum()), self.symbols.dtype)
        ends = np.cumsum(lengths)
        start = before = 0
        while start < len(lengths):  # in blocks, as the index of a symbol takes eight bytes
            stop = max(start + 1, int(np.searchsorted(ends, before + BLOCK, side="right")))
            moved = np.repeat(first[start:stop] - ends[start:stop] + lengths[start:stop], lengths[start:stop])
            end = before + len(moved)
            symbols[before:end] = self.symbols[np.arange(before, end) + moved]
            start, before = stop, end
        return Sequences(symbols, lengths)

    def array(self) -> np.ndarray:
        """Return sequences of one length as an array `[N, length]`, a view."""
        assert self.common_length is not None or not len(self), "sequences of several lengths form no array"
        return self.symbols.reshape(len(self), self.common_length or 0)

    def padded(self, width: int | None = None, filler: int = 0) -> np.ndarray:
        """Return `[N, width]`, by default as wide as the longest, with the filler after each sequence."""
        width = int(self.lengths.max(initial=0)) if width is None else width
        dtype = np.promote_types(self.symbols.dtype, np.min_scalar_type(filler))
        if width == self.common_length:  # as for every batch of one length: nothing to fill
            return self.array().astype(dtype)
        padded = np.full((len(self), width), filler, dtype)
        padded[np.arange(width) < self.lengths[:, None]] = self.symbols
        return padded

    def groups(self) -> np.ndarray:
        """Return a group id per sequence, `[N]`; equal sequences share one. Ids count first occurrences from 0."""
        size, content, known = self.symbols.itemsize, self.symbols.tobytes(), dict[bytes, int]()
        spans = zip(self._starts.tolist(), self.lengths.tolist(), strict=True)
        keys = (content[first * size : (first + n) * size] for first, n in spans)
        return np.fromiter((known.setdefault(key, len(known)) for key in keys), np.int64, len(self))

    def rows(self) -> list[list[int]]:
        """Return the sequences as lists."""
        if self.common_length is not None:
            return self.array().tolist()  # type: ignore[no-any-return]
        return [row.tolist() for row in np.split(self.symbols, np.cumsum(self.lengths)[:-1])] if len(self) else []


@dataclass(frozen=True, eq=False)
class Pairs:
    """N sources and their targets."""

    sources: Sequences
    targets: Sequences

    @classmethod
    def of_arrays(cls, sources: np.ndarray, targets: np.ndarray) -> Pairs:
        """Make pairs of arrays `[N, S]` and `[N, T]`.

        Raises:
            InputError: they are not arrays of integers from 0, or the numbers of sources and targets differ.
        """
        return cls(Sequences.of_array(_checked(sources)), Sequences.of_array(_checked(targets)))

    def __post_init__(self) -> None:
        """Check that there are as many sources as targets."""
        if not isinstance(self.sources, Sequences) or not isinstance(self.targets, Sequences):
            raise InputError("expected two Sequences: Pairs.of_arrays makes pairs of two arrays")
        if len(self.sources) != len(self.targets):
            found = f"{len(self.sources)} and {len(self.targets)}"
            raise InputError(f"expected as many sources as targets, got {found}")

    def __len__(self) -> int:
        """Return N."""
        return len(self.sources)

    def __getitem__(self, chosen: np.ndarray | slice) -> Pairs:
        """Return the pairs at these indices, in their order."""
        return Pairs(self.sources[chosen], self.targets[chosen])


def _checked(symbols: np.ndarray) -> np.ndarray:
    """Return a caller's array in as few bytes as the largest symbol needs; raise InputError unless it is one."""
    expected = "expected sources [N, S] and targets [N, T] as arrays of integers"
    if not isinstance(symbols, np.ndarray) or has_mask(symbols):
        raise InputError(f"{expected}, got {type(symbols).__name__}")
    if symbols.ndim != 2 or symbols.dtype.kind not in "iu" or not symbols.size:
        raise InputError(f"{expected}, got {symbols.dtype} of shape {symbols.shape}")
    if symbols.min() < 0 or symbols.max() > MAX_SYMBOL:
        raise InputError(f"{expected} from 0 to {MAX_SYMBOL}, got some from {symbols.min()} to {symbols.max()}")
    return compact(np.asarray(symbols))


def compact(symbols: np.ndarray) -> np.ndarray:
    """Return the symbols in as few bytes as the largest needs."""
    return symbols.astype(np.min_scalar_type(symbols.max(initial=0)), copy=False)


def concatenated(parts: Iterable[Sequences]) -> Sequences:
    """Return the sequences of all parts."""
    parts = list(parts)
    return Sequences(np.concatenate([part.symbols for part in parts]), np.concatenate([part.lengths for part in parts]))


def shift_right(targets: np.ndarray, go: int) -> np.ndarray:
    """Return the decoder input `[B, T]` of teacher forcing: GO, then the target without its last symbol."""
    decoder_input = np.full(targets.shape, go)
    decoder_input[:, 1:] = targets[:, :-1]
    return decoder_input
