"""The task of a pattern: random sources, and the targets that a function computes from them."""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.patterns import PATTERNS, Pattern, PatternName, check_name, is_user_function
from seq2seq_demo.data.records import MAX_SYMBOL, list_symbols
from seq2seq_demo.data.sampling import MAX_SYMBOLS_PER_CALL, fixed_sources, training_sources
from seq2seq_demo.data.sequences import Pairs, Sequences, concatenate
from seq2seq_demo.data.user_functions import call_function, describe_result, load_function
from seq2seq_demo.data.vocabulary import INTEGER_VOCABULARIES, Vocabularies
from seq2seq_demo.errors import UsageError

MAX_SOURCES_PER_CALL = 100_000  # sources per call of a function; fewer if they are long
CHECKED_SOURCES = 32  # sources to check a pattern with; fewer if they are long
FINGERPRINT_SOURCES = 1000  # sources in a fingerprint, over all lengths
MAX_LENGTHS = 1000  # lengths in a range; a pattern is checked at each length
Rows = list[list[int]]


@dataclass(frozen=True)
class SequencePattern(Pattern):
    """A task that computes the targets of random sources with a pattern.

    The pattern's function maps sources `[B, S]` to targets `[B, T]`, both int64, and raises an error for sources that
    it does not support. It returns a list of rows if the targets have different lengths.
    """

    vocabularies: ClassVar[Vocabularies] = INTEGER_VOCABULARIES
    # The name that the user gave, such as FILE.py:FUNCTION, from which other processes import the function.
    origin: str | None = field(default=None, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        is_name = isinstance(self.name, str) and self.name
        if not is_name or (self.name in PATTERNS and self.function is not PATTERNS[self.name].function):
            raise UsageError(f"expected a pattern name that is a text, not empty and not built-in, got {self.name!r}")

    def __reduce__(self) -> Any:
        """Pickle a user's function by its origin, because a file is not imported under a module's name."""
        return (find_pattern, (self.origin,)) if self.origin else super().__reduce__()

    def largest_symbols(self) -> dict[str, int]:
        """Return an empty dict: a pattern accepts the default symbols."""
        return {}

    def sized(self, config: TrainConfig, model: ModelConfig, out_len: int | None, default: int | None) -> TrainConfig:
        """Return the config with `out_len`: the targets' length, or their maximum if the network ends its answers."""
        if model.ends:
            return replace(config, out_len=max(1, *self.lengths_taken(config, model).values()))
        whole = self.check(config.in_len, out_len, model.in_max_int, model.out_max_int)
        return replace(config, out_len=out_len or min(default or whole, whole))

    def draw(self, config: TrainConfig, model: ModelConfig, start_step: int = 0) -> tuple[Pairs, Pairs]:
        """Draw random sources and compute their targets; return the training pairs and the validation pairs.

        Sources that training has do not validate, unless there are no others.
        """
        if not model.ends:
            self.check(config.in_len, config.out_len, model.in_max_int, model.out_max_int)
        sources = training_sources(config, model, self.lengths_of(config, model), start_step)
        out_len = None if model.ends else config.out_len
        pairs = Pairs(sources, self.targets_of(sources, model.out_max_int, out_len, model.ends))
        training, validation = pairs[: config.n_training], pairs[config.n_training :]
        return training, validation.without(training.sources)

    def fingerprint(self, config: TrainConfig, model: ModelConfig) -> str:
        """Return a checksum of the targets of `fixed_sources` of every length."""
        digest = hashlib.sha256()
        lengths, out_len = self.lengths_of(config, model), None if model.ends else config.out_len
        for in_len in lengths:
            sources = Sequences.of_array(fixed_sources(FINGERPRINT_SOURCES // len(lengths), in_len, model.in_max_int))
            targets = self.targets_of(sources, model.out_max_int, out_len, model.ends)
            shape = targets.lengths.tolist() if model.ends else targets.array().shape
            digest.update(repr(shape).encode() + targets.symbols.astype("<i8").tobytes())
        return digest.hexdigest()

    def lengths_of(self, config: TrainConfig, model: ModelConfig) -> list[int]:
        """Return the lengths of the sources that a training run draws."""
        return [*self.lengths_taken(config, model)] if model.ends else [config.in_len]

    def lengths_taken(self, config: TrainConfig, model: ModelConfig) -> dict[int, int]:
        """Map each source length that the config allows and the pattern supports to the maximum length of its targets.

        Raises:
            UsageError: the pattern supports no length in the range, or the range has more than MAX_LENGTHS.
        """
        lengths: dict[int, int] = {}
        shortest = config.min_in_len or config.in_len
        if config.in_len - shortest >= MAX_LENGTHS:
            raise UsageError(f"expected a range of at most {MAX_LENGTHS} lengths, got `in_len` {config.lengths}")
        for in_len in range(shortest, config.in_len + 1):
            try:
                lengths[in_len] = self.check(in_len, None, model.in_max_int, model.out_max_int, model.ends)
            except UsageError:
                if in_len == config.in_len and not lengths:
                    raise
        return lengths

    def targets(self, sources: np.ndarray, out_len: int | None, out_max_int: int) -> np.ndarray:
        """Return the targets of sources `[B, S]`, cut to `out_len` symbols (None: whole): `[B, out_len]`.

        Raises:
            UsageError: the function fails, or returns invalid targets or targets of different lengths.
        """
        return self.targets_of(Sequences.of_array(sources), out_max_int, out_len, ends=False).array()

    def targets_of(
        self, sources: Sequences, out_max_int: int, out_len: int | None = None, ends: bool = True
    ) -> Sequences:
        """Return the target of each source, cut to `out_len` symbols (None: whole).

        Sources may have different lengths; each call of the pattern's function gets sources of one length. Targets may
        be empty or have different lengths only if `ends`.

        Raises:
            UsageError: the function fails, or returns invalid targets.
        """
        if sources.common_length is None:
            groups = [np.flatnonzero(sources.lengths == in_len) for in_len in np.unique(sources.lengths)]
            targets = concatenate(self.targets_of(sources[group], out_max_int, out_len, ends) for group in groups)
            return targets[np.argsort(np.concatenate(groups))]
        size = max(1, min(MAX_SOURCES_PER_CALL, MAX_SYMBOLS_PER_CALL // sources.common_length))
        # A copy, because the function may change its argument; int64, so that its arithmetic does not overflow.
        copies = (sources[first : first + size].array().astype(np.int64) for first in range(0, len(sources), size))
        return concatenate(self._call(copy, out_len, out_max_int, ends) for copy in copies)

    def check(self, in_len: int, out_len: int | None, in_max_int: int, out_max_int: int, ends: bool = False) -> int:
        """Check the pattern on a few sources; return the length of its targets, or their maximum length if `ends`.

        Raises:
            UsageError: the function fails, returns targets shorter than `out_len` or with symbols above out_max_int,
                changes its input, returns different targets when called again, or mixes the rows of a batch.
        """
        if max(in_max_int, out_max_int) > MAX_SYMBOL:
            raise UsageError(f"expected `in_max_int` and `out_max_int` of at most {MAX_SYMBOL}, got a larger one")
        sources = fixed_sources(CHECKED_SOURCES, in_len, in_max_int)
        length = self._check_sources(sources, out_max_int, ends)
        if out_len is not None and out_len > length:
            returned = f"pattern {self.name!r} returns {length} symbols for `in_len` {in_len}"
            raise UsageError(f"{returned}, so `out_len` can be at most {length}, got {out_len}")
        return length

    def _check_sources(self, sources: np.ndarray, out_max_int: int, ends: bool) -> int:
        """Check the function on sources `[B, S]`; return the length of the longest target."""

        def targets(chosen: np.ndarray) -> Rows:
            return self._call(chosen, None, out_max_int, ends).rows()

        passed = sources.copy()
        first = targets(passed)
        self._require_equal(sources.tolist(), passed.tolist(), "to leave its input unchanged", sources)
        self._require_equal(first, targets(sources.copy()), "to return the same targets twice", sources)
        alone = [targets(sources[row : row + 1].copy())[0] for row in range(len(sources))]
        self._require_equal(first, alone, "to compute each target from only its source, as with @per_sequence", sources)
        return max(map(len, first))

    def _require_equal(self, first: Rows, second: Rows, requirement: str, sources: np.ndarray) -> None:
        for a, b, source in zip(first, second, sources, strict=True):
            if a != b:
                found = f"{list_symbols(a)} and then {list_symbols(b)}"
                expected = f"pattern {self.name!r}: expected it {requirement}"
                raise UsageError(f"{expected}, got {found} for {list_symbols(source)}")

    def _call(self, sources: np.ndarray, out_len: int | None, out_max_int: int, ends: bool) -> Sequences:
        """Call the function with sources `[B, S]`; return its targets, cut to `out_len`.

        Raises:
            UsageError: the function fails, or returns invalid targets. Unless `ends` is true, targets must not be
                empty and must have one length.
        """
        (B, S), prefix = sources.shape, f"pattern {self.name!r}"
        modulus = [out_max_int + 1] if self.modular else []
        result, (targets, lengths) = call_function(self.name, self.function, sources, *modulus)
        is_integers = targets.dtype.kind in "iu" or not targets.size
        if targets.ndim != 2 or len(targets) != B or not is_integers or not (targets.size or ends):
            expected = f"expected integers of shape ({B}, T) for sources of shape ({B}, {S})"
            found = f"{describe_result(result)}; the first source is {list_symbols(sources[0])}"
            raise UsageError(f"{prefix}: {expected}, got {found}")
        if lengths is not None and not ends:
            found = f"{lengths.min()} to {lengths.max()} symbols"
            hint = f"to train on different lengths, give a range of lengths as `in_len`, from 1 to {S}"
            raise UsageError(f"{prefix}: expected targets of one length, got {found}; {hint}")
        if targets.min(initial=0) < 0 or targets.max(initial=0) > out_max_int:
            is_invalid = (targets < 0) | (targets > out_max_int)  # [B, T]
            row = int(np.argmax(is_invalid.any(axis=1)))
            found = f"got {targets[row][is_invalid[row]][0]} for {list_symbols(sources[row])}"
            raise UsageError(f"{prefix}: expected symbols from 0 to `out_max_int` {out_max_int}, {found}")
        targets = targets[:, :out_len].astype(np.min_scalar_type(out_max_int))
        if lengths is None:
            return Sequences.of_array(targets)
        return Sequences.of_padded(targets, np.minimum(lengths, targets.shape[1]))


def find_pattern(name: PatternName | str) -> SequencePattern:
    """Return a pattern by name.

    Args:
        name: a built-in pattern, or a user's function as `FILE.py:FUNCTION` or `PACKAGE.MODULE:FUNCTION`.

    Raises:
        UsageError: no pattern has this name, or the function cannot be imported.
    """
    if not is_user_function(name):
        check_name(name)
        return SequencePattern(**vars(PATTERNS[name]))
    short_name, function = load_function(name)
    return SequencePattern(short_name, function, lengths="its own", target_len="its own", origin=name)
