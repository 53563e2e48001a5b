"""The task of learning a pattern, which is a function from a source to its target.

A function takes and returns a list of integers. It raises ValueError for a source that it does not support. Its
docstring describes the target; the command `patterns` and the page show its first line.
"""

import hashlib
import inspect
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import GeneratorType
from typing import Any, ClassVar

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig, lengths_text
from seq2seq_demo.data.sampling import training_sources
from seq2seq_demo.data.sequences import Pairs, Sequences, concatenate
from seq2seq_demo.data.vocabulary import MAX_SYMBOL, Vocabularies, list_symbols
from seq2seq_demo.declarations import preview
from seq2seq_demo.errors import UsageError

PatternFunction = Callable[..., Iterable[int]]

MAX_SYMBOLS_AT_ONCE = 2**20  # source symbols in memory at once, unless three sources have more
CHECKED_SOURCES = 32  # sources for checking a pattern; fewer if they are long
FINGERPRINT_SOURCES = 1000  # sources in a fingerprint, all lengths together
MAX_LENGTHS = 1000  # lengths in a range; a pattern is checked for each length
EXAMPLE = [3, 1, 4, 1, 5, 9]  # the example in the list of patterns


# ---- The task ----


@dataclass(frozen=True)
class PatternTask:
    """The task of learning a function that computes the targets of random sources.

    The function maps a source, which is a list of integers, to its target. If the function has a parameter
    `out_max_int`, it also receives the largest target symbol.
    """

    vocabularies: ClassVar[Vocabularies] = Vocabularies()
    is_pairs: ClassVar[bool] = False
    digest: ClassVar[None] = None  # there are no pairs
    name: str
    function: PatternFunction

    @property
    def description(self) -> str:
        """The first line of the function's docstring; empty without a docstring."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]

    def facts(self) -> dict[str, Any]:
        """Return the `description` and an `example`, which consists of the source EXAMPLE and its target.

        Raises:
            UsageError: the function fails or returns invalid targets when checked on a few sources of this length.
        """
        self.check(len(EXAMPLE), ModelConfig().largest, ends=True)
        (target,) = self.targets_of(Sequences.of_rows([EXAMPLE]), ModelConfig.out_max_int).rows()
        return {"description": self.description, "example": {"source": [*EXAMPLE], "target": target}}

    def largest_symbols(self) -> dict[str, int]:
        """Return an empty dict, because a pattern accepts the default symbols."""
        return {}

    def target_len(
        self, model: ModelConfig, *, in_len: int, min_in_len: int | None, out_len: int | None, default: int
    ) -> int:
        """Return the length of the targets to learn, or their maximum length if the network ends its answers.

        A network that ends its answers learns whole targets. Any other network learns targets that are cut to
        `out_len` symbols, by default to at most `default` symbols.

        Raises:
            UsageError: the pattern does not support these lengths or symbols, or targets do not have `out_len` symbols.
        """
        if not model.ends:
            whole = self.check(in_len, model.largest, out_len=out_len)
            return out_len or min(default, whole)
        longest = max([1, *self.lengths_taken(model, range(min_in_len or in_len, in_len + 1)).values()])
        if out_len not in (None, longest):
            raise UsageError(f"expected `out_len` {longest} because the network learns whole targets, got {out_len}")
        return longest

    def draw(self, config: TrainConfig, model: ModelConfig, start_step: int = 0) -> tuple[Pairs, Pairs]:
        """Draw random sources and compute their targets; return the training pairs and the validation pairs.

        No validation source is a training source, unless all of them are. `start_step`, the number of steps that
        the weights were already trained for, changes the sources.

        Raises:
            UsageError: the function fails, or returns invalid targets.
        """
        sources = training_sources(config, model, self.lengths_of(config, model), start_step)
        pairs = Pairs(sources, self.targets_for(model, sources, config.out_len))
        training, validation = pairs[: config.n_training], pairs[config.n_training :]
        return training, validation.without(training.sources)

    def fingerprint(self, config: TrainConfig, model: ModelConfig) -> str:
        """Return a checksum of the targets of `fixed_sources` of every length."""
        digest = hashlib.sha256()
        lengths = self.lengths_of(config, model)
        for in_len in lengths:
            sources = Sequences.of_array(fixed_sources(FINGERPRINT_SOURCES // len(lengths), in_len, model.in_max_int))
            targets = self.targets_for(model, sources, config.out_len)
            shape = targets.lengths.tolist() if model.ends else targets.array().shape
            digest.update(repr(shape).encode() + targets.symbols.astype("<i8").tobytes())
        return digest.hexdigest()

    def lengths_of(self, config: TrainConfig, model: ModelConfig) -> list[int]:
        """Return the lengths of the sources that a training run draws."""
        if not model.ends:
            return [config.in_len]
        return [*self.lengths_taken(model, range(config.min_in_len or config.in_len, config.in_len + 1))]

    def lengths_taken(self, model: ModelConfig, in_lens: Sequence[int]) -> dict[int, int]:
        """Map each source length that the pattern supports to the maximum length of its targets.

        Raises:
            UsageError: the pattern supports none of the lengths, or there are more than MAX_LENGTHS.
        """
        lengths: dict[int, int] = {}
        if len(in_lens) > MAX_LENGTHS:
            found = lengths_text(in_lens[0], in_lens[-1])
            raise UsageError(f"expected a range of at most {MAX_LENGTHS} lengths, got `in_len` {found}")
        for in_len in in_lens:
            try:
                lengths[in_len] = self.check(in_len, model.largest, ends=model.ends)
            except UsageError as error:
                if not error.__cause__ or (in_len == in_lens[-1] and not lengths):  # no cause: a target is invalid
                    raise
        return lengths

    def check(self, in_len: int, largest: tuple[int, int], *, out_len: int | None = None, ends: bool = False) -> int:
        """Check the pattern on a few sources; return the length of its targets, or their maximum length if `ends`.

        `largest` contains the largest symbols in sources and in targets.

        Raises:
            UsageError: the function fails, returns targets shorter than `out_len` or with symbols above out_max_int, or
                returns different targets when called twice.
        """
        in_max_int, out_max_int = largest
        if max(largest) > MAX_SYMBOL:
            raise UsageError(f"`in_max_int` and `out_max_int` can be at most {MAX_SYMBOL}")
        sources = Sequences.of_array(fixed_sources(CHECKED_SOURCES, in_len, in_max_int))
        first, second = (self.targets_of(sources, out_max_int, ends=ends) for _ in range(2))
        for source, *targets in zip(sources.rows(), first.rows(), second.rows(), strict=True):
            if targets[0] != targets[1]:
                found = " and then ".join(map(list_symbols, targets))
                raise UsageError(f"{self._place(source)}: expected the same target twice, got {found}")
        length = int(first.lengths.max())
        if out_len is not None and out_len > length:
            returned = f"pattern {self.name!r} returns {length} symbols for `in_len` {in_len}"
            raise UsageError(f"{returned}, so `out_len` can be at most {length}, got {out_len}")
        return length

    def targets_of(
        self, sources: Sequences, out_max_int: int, out_len: int | None = None, ends: bool = True
    ) -> Sequences:
        """Return the target of each source, cut to `out_len` symbols; None means whole targets.

        Unless `ends`, all targets must have the same non-zero length.

        Raises:
            UsageError: the function fails, or returns invalid targets.
        """
        arguments = {"out_max_int": out_max_int} if has_parameter(self.function, "out_max_int") else {}
        size = max(1, MAX_SYMBOLS_AT_ONCE // max(1, int(sources.lengths.max(initial=1))))
        parts = []
        for first in range(0, len(sources), size):
            rows = sources[first : first + size].rows()
            parts.append(Sequences.of_rows(self._target(source, arguments, out_max_int)[:out_len] for source in rows))
        computed = concatenate(parts)
        targets = Sequences(computed.symbols.astype(np.min_scalar_type(out_max_int), copy=False), computed.lengths)
        if not ends and not targets.common_length:
            lengths = lengths_text(int(targets.lengths.min()), int(targets.lengths.max()))
            hint = "to train on different lengths, give a range of lengths as `in_len`"
            raise UsageError(f"pattern {self.name!r}: expected targets of one length, got {lengths} symbols; {hint}")
        return targets

    def targets_for(self, model: ModelConfig, sources: Sequences, out_len: int) -> Sequences:
        """Return the targets that a network learns: whole targets if it ends its answers, otherwise cut targets."""
        return self.targets_of(sources, model.out_max_int, None if model.ends else out_len, model.ends)

    def _target(self, source: list[int], arguments: dict[str, int], out_max_int: int) -> list[int]:
        """Return the target of a source.

        Raises:
            UsageError: the function fails, or returns anything other than integers from 0 to out_max_int.
        """
        try:
            result = self.function([*source], **arguments)  # a copy, which the function may change
            return _symbols_of(result, out_max_int)
        except UsageError as error:
            raise UsageError(f"{self._place(source)}: {error}") from None
        except (Exception, SystemExit) as error:  # SystemExit would end the program without a message
            raise UsageError(f"{self._place(source)}: {error_text(error)}") from error

    def _place(self, source: list[int]) -> str:
        return f"pattern {self.name!r}, source {list_symbols(source)}"


# ---- Calling a function ----


def fixed_sources(at_most: int, in_len: int, in_max_int: int) -> np.ndarray:
    """Return the same few sources `[N, S]` on every call: one of zeros, one of in_max_int, and random ones.

    N is `at_most`, or fewer if the sources are very long, but at least 3.
    """
    n = max(3, min(at_most, MAX_SYMBOLS_AT_ONCE // in_len))
    sources = np.random.default_rng(0).integers(0, in_max_int, (n, in_len), endpoint=True)
    sources[0], sources[1] = 0, in_max_int
    return sources


def _symbols_of(result: Any, out_max_int: int) -> list[int]:
    """Return a function's result as a list; raise UsageError unless it consists of integers from 0 to out_max_int."""
    if isinstance(result, GeneratorType):
        result = [*result]  # may raise any error
    try:
        symbols = [*map(operator.index, result)]
    except TypeError:
        found = "None (is a `return` missing?)" if result is None else f"{type(result).__name__} {preview(result)}"
        raise UsageError(f"expected a list of integers, got {found}") from None
    if symbols and (min(symbols) < 0 or max(symbols) > out_max_int):
        invalid = next(symbol for symbol in symbols if not 0 <= symbol <= out_max_int)
        raise UsageError(f"expected symbols from 0 to `out_max_int` {out_max_int}, got {preview(invalid)}")
    return symbols


def has_parameter(function: Callable[..., object], name: str) -> bool:
    """Return whether the function has a parameter with this name."""
    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):  # a function that is not written in Python
        return False


def error_text(error: BaseException) -> str:
    """Return the type and message of an error raised by a user's function; for a ValueError, only the message."""
    return str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}".removesuffix(": ")
