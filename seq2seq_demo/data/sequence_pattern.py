"""A pattern as a task: random sources, and the targets that a function makes of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from seq2seq_demo.config import EVALUATED, ModelConfig, TrainConfig
from seq2seq_demo.data import varied
from seq2seq_demo.data.batches import SYMBOLS, Pairs, Sample, divide, few_sources, fresh_sources, training_sources
from seq2seq_demo.data.patterns import PATTERNS, Pattern, check_name, is_own
from seq2seq_demo.data.ragged import Ragged, RaggedPairs, concatenated
from seq2seq_demo.data.records import LARGEST
from seq2seq_demo.data.user_functions import (
    PRINTS_ASIDE,
    SHOWN,
    WrongTarget,
    as_targets,
    described,
    listed,
    load_function,
    per_sequence,
    what_it_is,
)
from seq2seq_demo.data.vocabulary import OF_INTEGERS, Vocabularies
from seq2seq_demo.errors import InputError, UsageError

ROWS = 100_000  # how many sources a function gets at once, if they have no more than SYMBOLS
TRIED = 32  # sources that a pattern is tried on, if so many symbols hold as many
FINGERPRINTED = 1000  # likewise


@dataclass(frozen=True)
class SequencePattern:
    """A named pattern as a task: its sources are random.

    Its function maps sources `[B, S]` to targets `[B, T]`, both int64, and raises what it cannot take.
    """

    name: str
    function: Callable[..., np.ndarray]
    modular: bool = False
    lengths: str = "any"
    target_len: str = "S"

    digest: ClassVar[None] = None
    vocabularies: ClassVar[Vocabularies] = OF_INTEGERS

    def __post_init__(self) -> None:
        """Refuse an empty name, and that of another function."""
        if not self.name or (self.name in PATTERNS and self.function is not PATTERNS[self.name].function):
            raise UsageError(f"expected a name for the pattern that is not a built-in one's, got {self.name!r}")

    def largest_symbols(self) -> dict[str, int]:
        """Return none: the defaults will do."""
        return {}

    def sized(
        self, config: TrainConfig, model_config: ModelConfig, asked: int | None, default: int | None
    ) -> TrainConfig:
        """Return the config with the length of the targets that are asked for, or no longer than they are."""
        if config.varies:
            return varied.sized(self, config, model_config)
        whole = self.check(config.in_len, asked, model_config.in_max_int, model_config.out_max_int)
        return replace(config, out_len=asked or min(default or whole, whole))

    def draw(
        self, config: TrainConfig, model_config: ModelConfig, start_step: int = 0
    ) -> tuple[Pairs, Pairs] | tuple[RaggedPairs, RaggedPairs]:
        """Draw random sources, and make their targets."""
        if config.varies:
            return varied.draw(self, config, model_config, start_step)
        self.check(config.in_len, config.out_len, model_config.in_max_int, model_config.out_max_int)
        sources = training_sources(config, model_config.in_max_int, start_step)
        return divide(Pairs(sources, self.targets(sources, config.out_len, model_config.out_max_int)), config)

    def held_out(self, sample: Sample, model_config: ModelConfig, seen: np.ndarray | None) -> Pairs:
        """Draw sources that were not trained on, and make their targets."""
        n, in_len, out_len, seed = sample
        whole = self.check(in_len, out_len, model_config.in_max_int, model_config.out_max_int)
        sources = fresh_sources(seed, n or EVALUATED, in_len, model_config.in_max_int, seen)
        if not len(sources):
            raise InputError(f"expected sources of length {in_len} that were not trained on, but every one was")
        return Pairs(sources, self.targets(sources, out_len or whole, model_config.out_max_int))

    def fingerprint(self, config: TrainConfig, model_config: ModelConfig) -> str:
        """Return a checksum of what it makes of a fixed sample of sources."""
        if config.varies:
            return varied.fingerprint(self, config, model_config)
        sources = few_sources(FINGERPRINTED, config.in_len, model_config.in_max_int)
        targets = self.targets(sources, config.out_len, model_config.out_max_int)
        return hashlib.sha256(repr(targets.shape).encode() + targets.astype("<i8").tobytes()).hexdigest()

    def targets(self, sources: np.ndarray, out_len: int | None, out_max_int: int) -> np.ndarray:
        """Return the first `out_len` symbols (None: all) of each target: `[B, S]` → `[B, out_len]`.

        Raises:
            UsageError: what the function returns is no target; the message names the row.
        """
        rows = max(1, min(ROWS, SYMBOLS // sources.shape[1]))
        parts = []
        for first in range(0, len(sources), rows):
            # A copy, so that the function cannot change ours; int64, so that what it reckons cannot overflow.
            part = sources[first : first + rows].astype(np.int64)
            targets, _ = self._checked(part, out_max_int)
            parts.append(targets[:, :out_len].astype(np.min_scalar_type(out_max_int)))
        return np.concatenate(parts)

    def ragged_targets(self, sources: np.ndarray, out_max_int: int) -> Ragged:
        """Return the target of each source `[B, S]`; they may be of different lengths.

        Raises:
            UsageError: what the function returns are no targets; the message names the row.
        """
        rows, parts = max(1, min(ROWS, SYMBOLS // sources.shape[1])), []
        for first in range(0, len(sources), rows):
            targets, lengths = self._checked(sources[first : first + rows].astype(np.int64), out_max_int, ragged=True)
            parts.append(Ragged.of_padded(targets.astype(np.min_scalar_type(out_max_int)), lengths))
        return concatenated(parts)

    def check(self, in_len: int, out_len: int | None, in_max_int: int, out_max_int: int, ragged: bool = False) -> int:
        """Try the pattern on a few sources; return the length of its targets, of the longest if they are `ragged`.

        Raises:
            UsageError: it does not take such sources, or does not make targets of `out_len` symbols up to out_max_int;
                or it changes its input, gives another output the second time, or mixes the rows of a batch.
        """
        if max(in_max_int, out_max_int) > LARGEST:
            raise UsageError(f"expected --in-max-int and --out-max-int of at most {LARGEST}, got a larger one")
        sources = few_sources(TRIED, in_len, in_max_int)
        try:
            length = self._try(sources, out_max_int, ragged)
        except UsageError as error:
            raise UsageError(f"{error}{self._hint(sources, out_max_int, ragged)}") from error
        if out_len is not None and out_len > length:
            raise UsageError(
                f"pattern {self.name!r} gives {length} symbols for --in-len {in_len}, "
                f"so --out-len can be at most {length}, got {out_len}"
            )
        return length

    def _try(self, sources: np.ndarray, out_max_int: int, ragged: bool) -> int:
        """Return the length of the targets, if the function does as a pattern must."""
        handed = sources.copy()
        targets = self._rows(handed, out_max_int, ragged)
        self._require_equal(sources, handed, "to leave its input as it is", sources)
        self._require_equal(targets, self._rows(sources.copy(), out_max_int, ragged), "to give the same again", sources)
        for row in range(len(sources)):
            source, target = sources[row : row + 1], targets[row : row + 1]
            alone = self._rows(source.copy(), out_max_int, ragged)
            self._require_equal(target, alone, "to make each target of its own source alone", source)
        return int(targets.shape[1])

    def _rows(self, sources: np.ndarray, out_max_int: int, ragged: bool) -> np.ndarray:
        """Return the targets `[B, T]`, with −1 after those that are shorter than others."""
        targets, lengths = self._checked(sources, out_max_int, ragged)
        return np.where(np.arange(targets.shape[1]) < lengths[:, None], targets, -1)

    def _hint(self, sources: np.ndarray, out_max_int: int, ragged: bool) -> str:
        """Return what to say where the function takes one source, and does that right."""
        if self.modular or hasattr(self.function, "__wrapped__"):
            return ""
        try:
            replace(self, function=per_sequence(self.function))._try(sources, out_max_int, ragged)
        except UsageError:
            return ""
        return "; with @per_sequence above it, which hands it one source at a time, it passes"

    def _checked(self, sources: np.ndarray, out_max_int: int, ragged: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return what the function makes of the sources, `[B, T]`, if these are targets, and their lengths `[B]`.

        Only if they may be `ragged` can the lengths differ, and a target be empty.
        """
        B, S = sources.shape
        try:
            with PRINTS_ASIDE:
                result = self.function(sources, out_max_int + 1) if self.modular else self.function(sources)
                targets, lengths = as_targets(result)
        except WrongTarget as error:
            raise UsageError(f"pattern {self.name!r}: {error}") from error
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            reason = described(error).removeprefix("ValueError: ")
            raise UsageError(f"pattern {self.name!r} does not take sources of {S} symbols: {reason}") from error
        if lengths is not None and not ragged and len(targets) == B:
            self._refuse_lengths(sources, lengths)
        expected = f"pattern {self.name!r}: expected integers of shape ({B}, T) for sources of shape ({B}, {S})"
        if targets.ndim != 2 or len(targets) != B or not (targets.size or ragged):
            raise UsageError(f"{expected}, got {what_it_is(result)}; the first source is {listed(sources[0])}")
        if targets.dtype.kind not in "iu" and targets.size:
            found = f"{targets.dtype}: {listed(targets[0])} for {listed(sources[0])}"
            raise UsageError(f"pattern {self.name!r}: expected integers, got {found}")
        if targets.min(initial=0) < 0 or targets.max(initial=0) > out_max_int:
            wrong = (targets < 0) | (targets > out_max_int)  # [B, T]
            row = int(np.argmax(wrong.any(axis=1)))
            found = f"got {targets[row][wrong[row]][0]} for {listed(sources[row])}"
            raise UsageError(f"pattern {self.name!r}: expected symbols from 0 to --out-max-int {out_max_int}, {found}")
        return targets, np.full(B, targets.shape[1]) if lengths is None else lengths

    def _refuse_lengths(self, sources: np.ndarray, lengths: np.ndarray) -> None:
        """Raise UsageError for targets of different lengths, which a training at one length cannot have."""
        other, S = int((lengths != lengths[0]).argmax()), sources.shape[1]
        found = f"{lengths[0]} symbols for {listed(sources[0])} and {lengths[other]} for {listed(sources[other])}"
        hint = f"where they differ, train with a range of lengths, as in --in-len 1-{S}"
        raise UsageError(f"pattern {self.name!r}: expected targets of one length, got {found}; {hint}")

    def _require_equal(self, first: np.ndarray, second: np.ndarray, what: str, sources: np.ndarray) -> None:
        expected = f"pattern {self.name!r}: expected it {what}"
        if first.shape != second.shape and len(first) == len(second):  # one may lack the end that only a longer row has
            width = max(first.shape[1], second.shape[1])
            first, second = (np.pad(x, ((0, 0), (0, width - x.shape[1])), constant_values=-1) for x in (first, second))
        if first.shape != second.shape:
            raise UsageError(f"{expected}, got shapes {first.shape} and {second.shape}")
        differ = (first != second).any(axis=1)  # [B]
        if differ.any():
            row = int(differ.argmax())
            a, b, place = *(symbols[symbols >= 0] for symbols in (first[row], second[row])), ""
            if len(a) > SHOWN:
                start = int((first[row] != second[row]).argmax())
                a, b, place = a[start:], b[start:], f" from symbol {start + 1} on"
            raise UsageError(f"{expected}, got {listed(a)} and then {listed(b)}{place} for {listed(sources[row])}")


def find_pattern(name: str) -> SequencePattern:
    """Return the pattern of that name, or the user's, `FILE.py:FUNCTION` or `PACKAGE.MODULE:FUNCTION`.

    Raises:
        UsageError: there is none; the message names the nearest and all.
    """
    if is_own(name):
        name, function = load_function(name)
        pattern = Pattern(function, lengths="its own", target_len="its own")
    else:
        check_name(name)
        pattern = PATTERNS[name]
    return SequencePattern(name, pattern.function, pattern.modular, pattern.lengths, pattern.target_len)
