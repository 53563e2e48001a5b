"""A pattern as a task: random sources, and the targets that a function makes of them."""

import hashlib
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.patterns import PATTERNS, Pattern, check_name, is_user_function
from seq2seq_demo.data.records import MAX_SYMBOL
from seq2seq_demo.data.sampling import SYMBOLS, few_sources, training_sources
from seq2seq_demo.data.sequences import Pairs, Sequences, concatenated
from seq2seq_demo.data.user_functions import SHOWN, call_function, listed, load_function, per_sequence, what_it_is
from seq2seq_demo.data.vocabulary import OF_INTEGERS, Vocabularies
from seq2seq_demo.errors import UsageError

MAX_SOURCES_PER_CALL = 100_000  # how many sources a function gets at once, if they have no more than SYMBOLS
CHECKED_SOURCES = 32  # sources that a pattern is tried on, if SYMBOLS hold as many
FINGERPRINTED = 1000  # sources, of all lengths together
MOST_LENGTHS = 1000  # which a pattern is tried at, one by one
Rows = list[list[int]]


@dataclass(frozen=True)
class SequencePattern(Pattern):
    """A pattern as a task: its sources are random.

    Its function maps sources `[B, S]` to targets `[B, T]`, both int64, and raises an error for other sources.
    """

    vocabularies: ClassVar[Vocabularies] = OF_INTEGERS

    def __post_init__(self) -> None:
        """Refuse an empty name, and that of another function."""
        if not self.name or (self.name in PATTERNS and self.function is not PATTERNS[self.name].function):
            raise UsageError(f"expected a name for the pattern that is not a built-in one's, got {self.name!r}")

    def largest_symbols(self) -> dict[str, int]:
        """Return none: the defaults will do."""
        return {}

    def sized(self, config: TrainConfig, model: ModelConfig, asked: int | None, default: int | None) -> TrainConfig:
        """Return the config with the length of the longest target, or of the part of the targets that is learned."""
        if model.ends:
            return replace(config, out_len=max(1, *self.lengths_taken(config, model).values()))
        whole = self.check(config.in_len, asked, model.in_max_int, model.out_max_int)
        return replace(config, out_len=asked or min(default or whole, whole))

    def draw(self, config: TrainConfig, model: ModelConfig, start_step: int = 0) -> tuple[Pairs, Pairs]:
        """Draw random sources, and make their targets."""
        if not model.ends:
            self.check(config.in_len, config.out_len, model.in_max_int, model.out_max_int)
        sources = training_sources(config, model, self.lengths_of(config, model), start_step)
        out_len = None if model.ends else config.out_len
        pairs = Pairs(sources, self._targets_of(sources, out_len, model.out_max_int, model.ends))
        return pairs[: config.n_training], pairs[config.n_training :]

    def fingerprint(self, config: TrainConfig, model: ModelConfig) -> str:
        """Return a checksum of the targets of a fixed sample of sources of every length."""
        digest = hashlib.sha256()
        lengths = self.lengths_of(config, model)
        for in_len in lengths:
            sources = few_sources(FINGERPRINTED // len(lengths), in_len, model.in_max_int)
            made = self._targets(sources, None if model.ends else config.out_len, model.out_max_int, model.ends)
            shape = made.lengths.tolist() if model.ends else made.array().shape
            digest.update(repr(shape).encode() + made.symbols.astype("<i8").tobytes())
        return digest.hexdigest()

    def lengths_of(self, config: TrainConfig, model: ModelConfig) -> list[int]:
        """Return the lengths of the sources that a training draws."""
        return [*self.lengths_taken(config, model)] if model.ends else [config.in_len]

    def lengths_taken(self, config: TrainConfig, model: ModelConfig) -> dict[int, int]:
        """Return the lengths of sources in the config's range that it takes, and of each the longest target.

        Raises:
            UsageError: it takes none, for the reason that it gives for the longest; or there are very many.
        """
        taken: dict[int, int] = {}
        reason: UsageError | None = None
        shortest = config.min_in_len or config.in_len
        if config.in_len - shortest >= MOST_LENGTHS:
            raise UsageError(f"expected a range of at most {MOST_LENGTHS} lengths, got `in_len` {config.lengths}")
        for in_len in range(shortest, config.in_len + 1):
            try:
                taken[in_len] = self.check(in_len, None, model.in_max_int, model.out_max_int, model.ends)
            except UsageError as error:
                reason = error
        if reason and not taken:
            raise reason
        return taken

    def targets(self, sources: np.ndarray, out_len: int | None, out_max_int: int) -> np.ndarray:
        """Return the first `out_len` symbols (None: all) of each target: `[B, S]` → `[B, out_len]`.

        Raises:
            UsageError: the function returns no targets, or some of other lengths; the message names the row.
        """
        return self._targets(sources, out_len, out_max_int, ends=False).array()

    def targets_of(self, sources: Sequences, out_max_int: int) -> Sequences:
        """Return the target of each source; both may be of different lengths.

        Raises:
            UsageError: the function returns no targets; the message names the row.
        """
        return self._targets_of(sources, None, out_max_int, ends=True)

    def _targets_of(self, sources: Sequences, out_len: int | None, out_max_int: int, ends: bool) -> Sequences:
        """Return the targets of sources; the function gets those of one length at once."""
        if sources.common_length is not None:
            return self._targets(sources.array(), out_len, out_max_int, ends)
        chosen = [np.flatnonzero(sources.lengths == in_len) for in_len in np.unique(sources.lengths)]
        made = concatenated(self._targets(sources[some].array(), out_len, out_max_int, ends) for some in chosen)
        return made[np.argsort(np.concatenate(chosen))]

    def _targets(self, sources: np.ndarray, out_len: int | None, out_max_int: int, ends: bool) -> Sequences:
        """Return the first symbols of the targets of sources `[B, S]`; only if it `ends` can their lengths differ."""
        rows = max(1, min(MAX_SOURCES_PER_CALL, SYMBOLS // sources.shape[1]))
        # A copy, so that the function cannot change ours; int64, so that what it computes cannot overflow.
        copies = (sources[first : first + rows].astype(np.int64) for first in range(0, len(sources), rows))
        return concatenated(self._made(copy, out_len, out_max_int, ends) for copy in copies)

    def check(self, in_len: int, out_len: int | None, in_max_int: int, out_max_int: int, ends: bool = False) -> int:
        """Try the pattern on a few sources; return the length of its targets, of the longest if the network `ends`.

        Raises:
            UsageError: it does not take the sources, or does not make targets of `out_len` symbols up to out_max_int;
                or it changes its input, gives another output the second time, or mixes the rows of a batch.
        """
        if max(in_max_int, out_max_int) > MAX_SYMBOL:
            raise UsageError(f"expected `in_max_int` and `out_max_int` of at most {MAX_SYMBOL}, got a larger one")
        sources = few_sources(CHECKED_SOURCES, in_len, in_max_int)
        try:
            length = self._try(sources, out_max_int, ends)
        except UsageError as error:
            raise UsageError(f"{error}{self._hint(sources, out_max_int, ends)}") from error
        if out_len is not None and out_len > length:
            gives = f"pattern {self.name!r} gives {length} symbols for `in_len` {in_len}"
            raise UsageError(f"{gives}, so `out_len` can be at most {length}, got {out_len}")
        return length

    def _try(self, sources: np.ndarray, out_max_int: int, ends: bool) -> int:
        """Return the length of the longest target, if the function does as a pattern must."""
        handed = sources.copy()
        targets = self._made(handed, None, out_max_int, ends).rows()
        self._require_equal(sources.tolist(), handed.tolist(), "to leave its input as it is", sources)
        again = self._made(sources.copy(), None, out_max_int, ends).rows()
        self._require_equal(targets, again, "to give the same again", sources)
        for row, target in enumerate(targets):
            source = sources[row : row + 1]
            alone = self._made(source.copy(), None, out_max_int, ends).rows()
            self._require_equal([target], alone, "to make each target of its own source alone", source)
        return max(map(len, targets))

    def _require_equal(self, first: Rows, second: Rows, what: str, sources: np.ndarray) -> None:
        for a, b, source in zip(first, second, sources, strict=True):
            if a != b:
                start, place = 0, ""
                if len(a) > SHOWN:
                    pairs = enumerate(zip(a, b, strict=False))
                    start = next((n for n, (x, y) in pairs if x != y), min(len(a), len(b)))
                    place = f" from symbol {start + 1} on"
                found = f"{listed(a[start:])} and then {listed(b[start:])}{place} for {listed(source)}"
                raise UsageError(f"pattern {self.name!r}: expected it {what}, got {found}")

    def _hint(self, sources: np.ndarray, out_max_int: int, ends: bool) -> str:
        """Return a hint where the function takes one source, and does that right."""
        if self.modular or hasattr(self.function, "__wrapped__"):
            return ""
        try:
            replace(self, function=per_sequence(self.function))._try(sources, out_max_int, ends)
        except UsageError:
            return ""
        return "; with @per_sequence above it, which hands it one source at a time, it passes"

    def _made(self, sources: np.ndarray, out_len: int | None, out_max_int: int, ends: bool) -> Sequences:
        """Call the function with sources `[B, S]`; return the first symbols of the targets, if it makes targets.

        Only if the network `ends` its answers can the lengths differ, and a target be empty.
        """
        (B, S), this = sources.shape, f"pattern {self.name!r}"
        modulus = [out_max_int + 1] if self.modular else []
        result, (targets, lengths) = call_function(self.name, self.function, sources, *modulus)
        if lengths is not None and not ends and len(targets) == B:
            other = int((lengths != lengths[0]).argmax())
            found = f"{lengths[0]} symbols for {listed(sources[0])} and {lengths[other]} for {listed(sources[other])}"
            hint = f"where they differ, train with a range of lengths as `in_len`, from 1 to {S}"
            raise UsageError(f"{this}: expected targets of one length, got {found}; {hint}")
        if targets.ndim != 2 or len(targets) != B or not (targets.size or ends):
            expected = f"expected integers of shape ({B}, T) for sources of shape ({B}, {S})"
            raise UsageError(f"{this}: {expected}, got {what_it_is(result)}; the first source is {listed(sources[0])}")
        if targets.dtype.kind not in "iu" and targets.size:
            found = f"{targets.dtype}: {listed(targets[0])} for {listed(sources[0])}"
            raise UsageError(f"{this}: expected integers, got {found}")
        if targets.min(initial=0) < 0 or targets.max(initial=0) > out_max_int:
            wrong = (targets < 0) | (targets > out_max_int)  # [B, T]
            row = int(np.argmax(wrong.any(axis=1)))
            found = f"got {targets[row][wrong[row]][0]} for {listed(sources[row])}"
            raise UsageError(f"{this}: expected symbols from 0 to `out_max_int` {out_max_int}, {found}")
        targets = targets[:, :out_len].astype(np.min_scalar_type(out_max_int))
        if lengths is None:
            return Sequences.of_array(targets)
        return Sequences.of_padded(targets, np.minimum(lengths, targets.shape[1]))


def find_pattern(name: str) -> SequencePattern:
    """Return the pattern of that name, or the user's, `FILE.py:FUNCTION` or `PACKAGE.MODULE:FUNCTION`.

    Raises:
        UsageError: there is none; the message names the nearest and all.
    """
    if not is_user_function(name):
        check_name(name)
        return SequencePattern(**vars(PATTERNS[name]))
    name, function = load_function(name)
    return SequencePattern(name, function, lengths="its own", target_len="its own")
