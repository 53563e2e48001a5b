"""Patterns: what the network has to learn, as functions from a batch of sources to a batch of targets.

`--help` and argument errors need the names, so NumPy is imported only where it is used.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq_demo.config import require_choice
from seq2seq_demo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

ROWS = 100_000  # how many sources a function gets at once


@dataclass(frozen=True)
class SequencePattern:
    """A named function from sources `[B, S]` to targets `[B, T]`, both int64; what it cannot take, it raises.

    A `modular` one gets out_max_int + 1 as its second argument. `lengths` and `target_len` say in words which S it
    takes and what T comes of it.
    """

    name: str
    function: Callable[..., np.ndarray]
    modular: bool = False
    lengths: str = "any"
    target_len: str = "S"

    def targets(self, sources: np.ndarray, out_len: int | None, out_max_int: int) -> np.ndarray:
        """Return the first `out_len` symbols (None: all) of each target: `[B, S]` → `[B, out_len]`.

        Raises:
            UsageError: what the function returns is no target; the message names the row.
        """
        import numpy as np

        parts = []
        for first in range(0, len(sources), ROWS):
            # A copy, so that the function cannot change ours; int64, so that what it reckons cannot overflow.
            part = sources[first : first + ROWS].astype(np.int64)
            parts.append(self._checked(part, out_max_int)[:, :out_len].astype(np.min_scalar_type(out_max_int)))
        return np.concatenate(parts)

    def check(self, in_len: int, out_len: int | None, in_max_int: int, out_max_int: int) -> int:
        """Try the pattern on a few sources; return the length of its targets.

        Raises:
            UsageError: it does not take such sources, or does not make targets of `out_len` symbols up to out_max_int;
                or it changes its input, gives another output the second time, or mixes the rows of a batch.
        """
        sources = _sample(in_len, in_max_int)
        given = sources.copy()
        targets = self._checked(given, out_max_int)
        self._require_equal(sources, given, "to leave its input as it is", sources)
        self._require_equal(targets, self._checked(sources.copy(), out_max_int), "to give the same again", sources)
        alone = self._checked(sources[::-1].copy(), out_max_int)[::-1]
        self._require_equal(targets, alone, "to make each target of its own source alone", sources)
        length = targets.shape[1]
        if out_len is not None and out_len > length:
            raise UsageError(
                f"pattern {self.name!r} gives {length} symbols for --in-len {in_len}, "
                f"so --out-len can be at most {length}, got {out_len}"
            )
        return length

    def _checked(self, sources: np.ndarray, out_max_int: int) -> np.ndarray:
        """Return what the function makes of the sources, if these are targets."""
        import numpy as np

        B, S = sources.shape
        try:
            result = self.function(sources, out_max_int + 1) if self.modular else self.function(sources)
            targets = np.asarray(result)
        except (Exception, SystemExit) as error:  # whatever a user's code may raise
            reason = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
            raise UsageError(f"pattern {self.name!r} does not take sources of {S} symbols: {reason}") from error
        expected = f"pattern {self.name!r}: expected integers of shape {(B, 'T')} for sources of shape {(B, S)}"
        if targets.ndim != 2 or len(targets) != B or not targets.size:
            raise UsageError(
                f"{expected}, got {_what_it_is(result, targets.shape)}; the first source is {sources[0].tolist()}"
            )
        if not np.issubdtype(targets.dtype, np.integer):
            raise UsageError(f"{expected}, got {targets.dtype}: {targets[0].tolist()} for {sources[0].tolist()}")
        wrong = (targets < 0) | (targets > out_max_int)
        if wrong.any():
            row = int(wrong.any(axis=1).argmax())
            found = f"got {targets[row][wrong[row]][0]} for {sources[row].tolist()}"
            raise UsageError(f"pattern {self.name!r}: expected symbols from 0 to --out-max-int {out_max_int}, {found}")
        return targets

    def _require_equal(self, first: np.ndarray, second: np.ndarray, what: str, sources: np.ndarray) -> None:
        if first.shape != second.shape:
            raise UsageError(f"pattern {self.name!r}: expected it {what}, got shapes {first.shape} and {second.shape}")
        for source, a, b in zip(sources.tolist(), first.tolist(), second.tolist(), strict=True):
            if a != b:
                raise UsageError(f"pattern {self.name!r}: expected it {what}, got {a} and then {b} for {source}")


def _what_it_is(result, shape: tuple[int, ...]) -> str:
    """Return how to call what a function returned: a lecturer's students forget the `return`."""
    return f"shape {shape}" if shape else f"{type(result).__name__}, which is no array"


def _sample(in_len: int, in_max_int: int) -> np.ndarray:
    """Return a few sources `[32, S]`: the smallest, the largest, and random ones."""
    import numpy as np

    sources = np.random.default_rng(0).integers(0, in_max_int, (32, in_len), endpoint=True)
    sources[0], sources[1] = 0, in_max_int
    return sources


def per_sequence(function: Callable) -> Callable:
    """Make a pattern's function `[B, S]` → `[B, T]` of one that maps a single source `[S]` to its target `[T]`."""

    @functools.wraps(function)
    def of_a_batch(sources: np.ndarray) -> np.ndarray:
        import numpy as np

        targets = []
        for source in sources:
            before = source.tolist()
            try:
                targets.append(np.asarray(function(source)))
            except (Exception, SystemExit) as error:
                raise ValueError(f"{type(error).__name__}: {error}, for {before}") from error
            if targets[-1].shape != targets[0].shape or targets[-1].ndim != 1:
                shape = targets[0].shape if targets[0].ndim == 1 else ("T",)
                raise ValueError(f"expected a target of shape {shape}, got {targets[-1].shape} for {before}")
        return np.stack(targets)

    return of_a_batch


def copied_sequence(sources):
    """The source itself."""
    return sources


def sorted_sequence(sources):
    """Ascending order."""
    targets = sources.copy()
    targets.sort(axis=1)
    return targets


def reversed_sequence(sources):
    """Last symbol first."""
    return sources[:, ::-1]


def maxmin_dup_sequence(sources):
    """The largest symbol, the smallest, then the source from its third symbol on."""
    if sources.shape[1] < 2:
        raise ValueError("expected at least 2")
    targets = sources.copy()
    targets[:, 0] = sources.max(axis=1)
    targets[:, 1] = sources.min(axis=1)
    return targets


def rotated_sequence(sources):
    """All one place to the left, the first symbol last."""
    targets = sources.copy()
    targets[:, :-1] = sources[:, 1:]
    targets[:, -1] = sources[:, 0]
    return targets


def running_sum_sequence(sources, modulus):
    """The sum of the symbols so far, modulo out_max_int + 1."""
    return sources.cumsum(axis=1) % modulus


def added_sequence(sources):
    """The source is two decimal numbers side by side, the target the digits of their sum."""
    half, odd = divmod(sources.shape[1], 2)
    if odd:
        raise ValueError("expected an even number, for two numbers of as many digits")
    if sources.max() > 9:
        raise ValueError(f"expected decimal digits, so --in-max-int can be at most 9, got {sources.max()}")
    targets = sources[:, half - 1 :].copy()  # of the right shape, one digit longer than either number
    carry = 0
    for place in reversed(range(half)):
        carry, targets[:, place + 1] = divmod(sources[:, place] + sources[:, half + place] + carry, 10)
    targets[:, 0] = carry
    return targets


PATTERNS = {
    pattern.name: pattern
    for pattern in (
        SequencePattern("sorted", sorted_sequence),
        SequencePattern("reversed", reversed_sequence),
        SequencePattern("maxmin_dup", maxmin_dup_sequence, lengths="2 or more"),
        SequencePattern("copy", copied_sequence),
        SequencePattern("rotated", rotated_sequence),
        SequencePattern("running_sum", running_sum_sequence, modular=True),
        SequencePattern("added", added_sequence, lengths="even", target_len="S/2 + 1"),
    )
}
DEFAULT_PATTERN = "sorted"


def find_pattern(name: str) -> SequencePattern:
    """Return the pattern of that name, or the user's, `FILE.py:FUNCTION` or `PACKAGE.MODULE:FUNCTION`.

    Raises:
        UsageError: there is none; the message names the nearest and all.
    """
    if is_own(name):
        return _load(name)
    check_name(name)
    return PATTERNS[name]


def check_name(name: str) -> None:
    """Raise UsageError unless there is such a pattern, or the name is of a user's function."""
    if not is_own(name):
        require_choice("pattern", name, (*PATTERNS, "FILE.py:FUNCTION"))


def is_own(name: str) -> bool:
    """Say whether the name is of a user's function."""
    return ":" in name


def _load(name: str) -> SequencePattern:
    """Import the user's function. Its pattern is called `MODULE:FUNCTION`, wherever the module was found."""
    where, _, function_name = name.rpartition(":")
    try:
        module = _import_file(Path(where)) if where.endswith(".py") else _import_module(where)
    except UsageError:
        raise
    except SyntaxError as error:
        raise UsageError(f"pattern {name!r}: {error.filename}, line {error.lineno}: {error.msg}") from error
    except (Exception, SystemExit) as error:  # whatever a user's code may raise
        raise UsageError(f"pattern {name!r}: {where} cannot be imported: {type(error).__name__}: {error}") from error
    function = getattr(module, function_name, None)
    if not callable(function):
        found = "nothing of that name" if function is None else type(function).__name__
        raise UsageError(f"pattern {name!r}: expected a function {function_name!r} in {where}, found {found}")
    name = f"{module.__name__.rpartition('.')[2]}:{function_name}"
    return SequencePattern(name, function, lengths="its own", target_len="its own")


def _import_file(path: Path):
    """Run a Python file as a module of its own; what lies beside it can be imported by it."""
    if not path.is_file():
        raise UsageError(f"expected a Python file {str(path)!r} with a pattern, found none")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.path.append(str(path.parent.resolve()))
    spec.loader.exec_module(module)
    return module


def _import_module(name: str):
    """Import a module that is installed, or lies below this directory."""
    if not name or not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(f"expected -p FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION, got {name!r} before the colon")
    sys.path.append(str(Path.cwd()))
    return importlib.import_module(name)
