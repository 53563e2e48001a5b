"""A user's pairs as a task, read from a file or given in Python."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.batches import Pairs, Sample, divide
from seq2seq_demo.data.sequence_pattern import SequencePattern
from seq2seq_demo.data.records import Located, Output, Place, batches, check_symbols, has_mask, plain
from seq2seq_demo.data.user_functions import listed
from seq2seq_demo.data.vocabulary import OF_INTEGERS, Vocabularies
from seq2seq_demo.errors import InputError, UsageError

ROWS = 10_000  # how many are turned into an array at once
LENGTH_HINT = "; for sequences of that length give --in-len {}"
ARRAYS = "expected sources [N, S] and targets [N, T] as arrays of integers"
PAIR = '{"input": [...], "output": [...]}'
Skip = Callable[[InputError], object]  # is called with what is wrong about a pair that is left out


@dataclass(frozen=True)
class OwnPairs:
    """A user's pairs as a task."""

    name: str
    pairs: Pairs
    validation: Pairs | None = None  # None: a tenth of the pairs
    vocabularies: ClassVar[Vocabularies] = OF_INTEGERS  # texts are `OwnRaggedPairs`

    def __post_init__(self) -> None:
        """Refuse what are no pairs: so `as_task` makes one of a caller's lists."""
        for name, pairs in (("pairs", self.pairs), ("validation", self.validation)):
            if pairs is not None:
                # Rows of a matrix, and what else an array of another class may be, differ from an array's.
                object.__setattr__(self, name, Pairs(*map(np.asarray, self._checked(pairs))))

    @staticmethod
    def _checked(pairs: Pairs) -> Pairs:
        for symbols in pairs:
            if not isinstance(symbols, np.ndarray) or has_mask(symbols):
                raise InputError(f"{ARRAYS}, got {type(symbols).__name__}")
            if symbols.ndim != 2 or symbols.dtype.kind not in "iu" or not symbols.size:
                raise InputError(f"{ARRAYS}, got {symbols.dtype} of shape {symbols.shape}")
        require_as_many(pairs)
        return pairs

    @functools.cached_property
    def digest(self) -> str:
        """A checksum of the pairs."""
        digest = hashlib.sha256()
        for pairs in filter(None, (self.pairs, self.validation)):
            for first in range(0, len(pairs.sources), ROWS):
                rows = [symbols[first : first + ROWS] for symbols in pairs]
                digest.update(np.concatenate(rows, axis=1, dtype="<i8", casting="unsafe").tobytes())
        if self.validation:
            digest.update(str(len(self.pairs.sources)).encode())  # where one ends and the other begins
        return digest.hexdigest()

    def fingerprint(self, config: TrainConfig, model_config: ModelConfig) -> str:
        """Return the checksum of the pairs."""
        return self.digest

    def largest_symbols(self) -> dict[str, int]:
        """Return the largest symbols of the pairs."""
        given = [*zip(*filter(None, (self.pairs, self.validation)), strict=True)]
        in_max_int, out_max_int = (max(1, *(int(symbols.max()) for symbols in side)) for side in given)
        return {"in_max_int": in_max_int, "out_max_int": out_max_int}

    def sized(
        self, config: TrainConfig, model_config: ModelConfig, asked: int | None, default: int | None
    ) -> TrainConfig:
        """Return the config with the number and the lengths of the pairs."""
        if len(self.pairs.sources) < 2 and not self.validation:
            raise InputError("expected at least 2 pairs, to train on and to validate with, got 1")
        (sources, targets), n = self.pairs, len(self.validation.sources) if self.validation else None
        lengths = {"in_len": sources.shape[1], "out_len": targets.shape[1]}
        return replace(config, points=len(sources) + (n or 0), validation_points=n, **lengths)

    def draw(self, config: TrainConfig, model_config: ModelConfig, start_step: int = 0) -> tuple[Pairs, Pairs]:
        """Return the pairs, shuffled and divided, unless there are others to validate with."""
        sources, targets = self.pairs
        n = config.points if self.validation is None else config.n_training
        for pairs, rows in ((self.pairs, n), (self.validation, config.n_validation)):
            if pairs is not None:
                _require_symbols("sources", pairs.sources, (rows, config.in_len), model_config.in_max_int)
                _require_symbols("targets", pairs.targets, (rows, config.out_len), model_config.out_max_int)
        if self.validation is not None:
            return self.pairs, self.validation
        order = np.random.default_rng([config.seed, 1, start_step]).permutation(config.points)
        return divide(Pairs(sources[order], targets[order]), config)

    def held_out(self, sample: Sample, model_config: ModelConfig, seen: np.ndarray | None) -> Pairs:
        """Return the first n pairs, or all: whether they were trained on is for the user to know."""
        pairs = Pairs(self.pairs.sources[: sample.n], self.pairs.targets[: sample.n])
        _require_symbols("sources", pairs.sources, pairs.sources.shape, model_config.in_max_int)
        _require_symbols("targets", pairs.targets, pairs.targets.shape, model_config.out_max_int)
        return pairs


def require_as_many(pairs: Pairs) -> None:
    """Raise InputError unless each source has its target."""
    if len(pairs.sources) != len(pairs.targets):
        raise InputError(f"expected as many sources as targets, got {len(pairs.sources)} and {len(pairs.targets)}")


def _require_symbols(kind: str, symbols: np.ndarray, shape: tuple[int, ...], largest: int) -> None:
    """Raise UsageError unless the configs describe these symbols."""
    if symbols.shape != shape:
        raise UsageError(f"expected {kind} of shape {shape}, got {symbols.shape}")
    if symbols.min() < 0 or symbols.max() > largest:
        raise UsageError(f"expected {kind} of symbols 0 to {largest}, got some from {symbols.min()} to {symbols.max()}")


def read_pairs(
    sequences: Iterable[Located],
    pattern: SequencePattern | None = None,
    in_len: int | None = None,
    out_len: int | None = None,
    in_max_int: int | None = None,
    out_max_int: int | None = None,
) -> Pairs:
    """Return sources `[N, S]` and targets `[N, T]`; a length or largest symbol that is None is taken from them.

    A pattern makes the targets, with symbols as large as the sources' unless `out_max_int` says otherwise, and has to
    agree with the outputs that stand beside the sources.

    Raises:
        InputError: as `batches`; or no output, one of another length or symbols, or not the pattern's.
        UsageError: the pattern cannot make targets of these sources.
    """
    parts: list[np.ndarray] = []
    rows: list[Located] = []
    for batch in filter(None, batches(sequences, ROWS, in_len, in_max_int, hint=LENGTH_HINT if in_len else "")):
        sources = batch.sources
        in_len = sources.shape[1]
        parts.append(_compact(sources))
        rows += batch.rows
    if not parts:
        raise InputError("expected pairs of a source and a target, got none")
    sources = np.concatenate(parts)
    if pattern is None:
        return Pairs(sources, _outputs(rows, out_len, out_max_int))
    largest = max(1, int(sources.max()))
    out_max_int = out_max_int or in_max_int or largest
    pattern.check(sources.shape[1], out_len, in_max_int or largest, out_max_int)
    targets = pattern.targets(sources, out_len, out_max_int)
    for row, target in zip(rows, targets.tolist(), strict=True):
        if row.output is not None and row.output[:out_len] != target:
            made, given = (listed(np.array(symbols)) for symbols in (target, row.output))
            raise InputError(f"{row.place}: expected the output of {pattern.name!r}, {made}, got {given}")
    return Pairs(sources, targets)


def readable_in_one_length(
    rows: Iterable[Located],
    skip: Skip,
    pattern: SequencePattern | None = None,
    in_len: int | None = None,
    out_len: int | None = None,
    in_max_int: int | None = None,
    out_max_int: int | None = None,
) -> Iterator[Located]:
    """Yield the rows that `read_pairs` can read; call `skip` with the errors of the others."""
    for row in rows:
        try:
            if isinstance(row.values, InputError):
                raise row.values
            check_symbols(row.place, row.values, in_len, in_max_int)
            if pattern is None:
                _check_output(row, out_len, out_max_int)
                out_len = len(row.output)
        except InputError as error:
            skip(error)
            continue
        in_len = len(row.values)
        yield row


def located(index: int, row: Any, title: str = "pairs") -> Located:
    """Return a pair that a caller gives, a source and a target: texts, or lists or arrays of symbols."""
    place = Place(title, "row", index)
    if not isinstance(row, tuple | list) or len(row) != 2:
        found = " ".join(repr(row).split())[:40]
        return Located(place, InputError(f"{place}: expected a source and a target, as zip gives them, got {found}"))
    source, target = map(plain, row)
    return Located(place, source, target)


def _outputs(rows: list[Located], out_len: int | None, out_max_int: int | None) -> np.ndarray:
    """Return the outputs `[N, T]`, which must be there."""
    for row in rows:
        _check_output(row, out_len, out_max_int)
        out_len = len(row.output)
    return _compact(np.array([row.output for row in rows]))


def _check_output(row: Located, out_len: int | None, out_max_int: int | None) -> None:
    """Raise InputError unless a row has an output, of these symbols."""
    if row.output is None:
        raise InputError(f"{row.place}: expected an output too, as in {PAIR}, or a pattern (-p) that makes it")
    check_symbols(Output(row.place), row.output, out_len, out_max_int)


def _compact(symbols: np.ndarray) -> np.ndarray:
    return symbols.astype(np.min_scalar_type(symbols.max()))
