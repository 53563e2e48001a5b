"""Patterns of the user's own: functions of a Python file or module, imported only where `-p` names them."""

import functools
import importlib.util
import io
import reprlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from seq2seq_demo.data.records import has_mask
from seq2seq_demo.errors import UsageError
from seq2seq_demo.shared_context import SharedContext

SHOWN = 40  # symbols of a sequence, in an error
Targets = tuple[np.ndarray, np.ndarray | None]  # [B, T], and their lengths [B]; None: all are T


class WrongTarget(ValueError):
    """A function returned something that is no target."""


def load_function(name: str) -> tuple[str, Callable[..., np.ndarray]]:
    """Import `FILE.py:FUNCTION` or `PACKAGE.MODULE:FUNCTION`; return `MODULE:FUNCTION` and the function.

    Raises:
        UsageError: there is no function of that name, or its module cannot be imported.
    """
    place, _, function_name = name.rpartition(":")
    is_file = place.endswith(".py")
    try:
        with PRINTS_TO_STDERR:
            module = _import_file(Path(place)) if is_file else _import_module(place)
            function = getattr(module, function_name, None)
    except (UsageError, KeyboardInterrupt):
        raise
    except BaseException as error:  # SystemExit, say, would end the program without a word
        reason = f"{place} cannot be imported: {error_text(error)}"
        if isinstance(error, SyntaxError) and error.lineno:
            reason = f"{error.filename}, line {error.lineno}: {error.msg}"
        raise UsageError(f"pattern {name!r}: {reason}") from error
    if not callable(function):
        found = "nothing of that name" if function is None else type(function).__name__
        raise UsageError(f"pattern {name!r}: expected a function {function_name!r} in {place}, found {found}")
    name = f"{(Path(place).stem if is_file else place).rpartition('.')[2]}:{function_name}"
    if not isinstance(function, FunctionType | BuiltinFunctionType):  # attributes of what it is may do anything
        return name, lambda *given: function(*given)  # noqa: PLW0108
    return name, function


def _import_file(path: Path) -> ModuleType:
    """Run a Python file as a module of its own; it can import what lies beside it."""
    # Its classes look for their module in sys.modules, where a json.py must not take the place of Python's.
    name = f"pattern file {path.resolve()}".replace(".", "_")
    spec = importlib.util.spec_from_file_location(name, path)
    if not path.is_file() or not (spec and spec.loader):
        raise UsageError(f"expected a Python file {str(path)!r} with a pattern, found none")
    module = importlib.util.module_from_spec(spec)
    sys.path.append(str(path.parent.resolve()))
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _import_module(name: str) -> ModuleType:
    """Import a module that is installed, or lies below this directory."""
    if not name or not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(f"expected -p FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION, got {name!r} before the colon")
    sys.path.append(str(Path.cwd()))
    return importlib.import_module(name)


def per_sequence(function: Callable[[np.ndarray], Any]) -> Callable[[np.ndarray], Any]:
    """Make a pattern's function `[B, S]` → `[B, T]` of one that maps a single source `[S]` to its target `[T]`."""

    @functools.wraps(function)
    def of_a_batch(sources: np.ndarray) -> np.ndarray | list[np.ndarray]:
        targets: list[np.ndarray] = []
        for source in np.asarray(sources):
            before = source.copy()
            try:
                result = function(source)
                target = as_array(result)
            except (WrongTarget, KeyboardInterrupt):
                raise
            except BaseException as error:
                raise ValueError(f"{error_text(error)}, for {listed(before)}") from error
            if target.ndim != 1:
                raise WrongTarget(f"expected a list of integers, got {what_it_is(result)} for {listed(before)}")
            if target.dtype.kind not in "iu" and len(target):
                raise WrongTarget(f"expected integers, got {target.dtype}: {listed(target)} for {listed(before)}")
            targets.append(target)
        return targets if len({*map(len, targets)}) > 1 else np.stack(targets)

    return of_a_batch


def call_function(name: str, function: Callable[..., Any], sources: np.ndarray, *more: int) -> tuple[Any, Targets]:
    """Call a pattern's function with sources `[B, S]`; return its result and that as targets.

    What it prints is none of the answers.

    Raises:
        UsageError: it fails, or returns what is no array or list of rows.
    """
    try:
        with PRINTS_TO_STDERR:
            result = function(sources[:], *more)  # a view, so that the function cannot change the shape
            return result, as_targets(result)
    except WrongTarget as error:
        raise UsageError(f"pattern {name!r}: {error}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, say, would end the program without a word
        reason = error_text(error).removeprefix("ValueError: ")
        raise UsageError(f"pattern {name!r} does not take sources of {sources.shape[1]} symbols: {reason}") from error


def as_targets(result: Any) -> Targets:
    """Return the targets that a function returned as an array `[B, T]`.

    Where it returned rows of different lengths, T is the longest's, and the lengths `[B]` come with the array.

    Raises:
        WrongTarget: as `as_array`.
    """
    if not isinstance(result, list | tuple):
        return as_array(result), None
    rows = [as_array(row) for row in result]
    lengths = np.array([len(row) if row.ndim == 1 else -1 for row in rows])
    if len({*lengths}) < 2 or lengths.min() < 0:
        return as_array(result), None
    symbols = np.concatenate([row for row in rows if len(row)])
    padded = np.zeros((len(rows), lengths.max()), symbols.dtype)
    padded[np.arange(lengths.max()) < lengths[:, None]] = symbols
    return padded, lengths


def as_array(result: Any) -> np.ndarray:
    """Return a function's result as an array: of no other class, whose rows may be something else.

    Raises:
        WrongTarget: it has a mask, which an array has not.
    """
    if not hasattr(result, "__array__") and not isinstance(result, str) and isinstance(result, Iterable):
        result = list(result)
    if _is_masked(result):
        raise WrongTarget("expected integers, got a masked array")
    return np.asarray(result)


def _is_masked(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_is_masked, value))
    return hasattr(value, "__array__") and has_mask(np.asanyarray(value))


def error_text(error: BaseException) -> str:
    """Return the text of an error that a user's code raised."""
    try:
        text = str(error)
    except KeyboardInterrupt:
        raise
    except BaseException:  # its class may be the user's too
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def what_it_is(result: Any) -> str:
    """Return a name for the result of a function that returned no array."""
    if result is None:
        return "None (is a `return` missing?)"
    try:
        shape = np.shape(result)
    except ValueError:  # rows of different lengths
        return f"{len(result)} rows"
    return f"shape {shape}" if shape else f"{type(result).__name__} {_SHORT.repr(result)}"[:60]


def listed(symbols: np.ndarray | list[int]) -> str:
    """Return symbols `[n]` as a list, a long one cut short."""
    return _SHORT.repr(np.asarray(symbols[: SHOWN + 1]).tolist())


_SHORT = reprlib.Repr()
_SHORT.maxlist = SHOWN
_SHORT.maxstring = _SHORT.maxother = 50


class _PrintsAside(SharedContext):
    """In a thread that has entered, what is printed goes to standard error: it is none of the answers.

    These may be printed by another thread at the time, so `contextlib.redirect_stdout` would not do. It stands for
    standard output itself: Python crashes where what another thread prints to is replaced while nothing else holds it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stdout = sys.stdout

    def begin(self) -> None:
        if sys.stdout is not self:
            self.stdout, sys.stdout = sys.stdout, self

    def end(self) -> None:
        if sys.stdout is self:
            sys.stdout = self.stdout

    def __getattr__(self, name: str) -> Any:
        stream = sys.stderr if self.depth.n else self.stdout
        return getattr(stream or io.StringIO(), name)  # one that is closed is None


PRINTS_TO_STDERR = _PrintsAside()
