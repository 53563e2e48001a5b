"""Patterns from a user's Python file or module: import the function, call it, and convert its result to targets."""

import contextlib
import functools
import importlib
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from seq2seq_demo.data.records import has_mask, list_symbols
from seq2seq_demo.declarations import preview
from seq2seq_demo.errors import UsageError

Targets = tuple[np.ndarray, np.ndarray | None]  # symbols [B, T] and lengths [B]; lengths None: all rows have T symbols


_LOCK = threading.RLock()  # held while sys.stdout is replaced


@contextlib.contextmanager
def _prints_to_stderr() -> Iterator[None]:
    """A context for a user's code, whose prints must not be among the answers; threads take turns."""
    with _LOCK, contextlib.redirect_stdout(sys.stderr):
        yield


def load_function(name: str) -> tuple[str, Callable[..., np.ndarray]]:
    """Import `FILE.py:FUNCTION` or `PACKAGE.MODULE:FUNCTION`; return `MODULE:FUNCTION` and the function.

    Raises:
        UsageError: the module cannot be imported, or does not define the function.
    """
    location, _, function_name = name.rpartition(":")
    is_file = location.endswith(".py")
    try:
        with _prints_to_stderr():
            sys.path.append(str(Path(location).parent.resolve() if is_file else Path.cwd()))
            module = _import_file(Path(location)) if is_file else importlib.import_module(location)
            function = getattr(module, function_name, None)
    except (Exception, SystemExit) as error:  # SystemExit would end the program without a message
        raise UsageError(f"pattern {name!r}: {location} cannot be imported: {error_text(error)}") from error
    if not callable(function):
        found = "nothing of that name" if function is None else type(function).__name__
        raise UsageError(f"pattern {name!r}: expected a function {function_name!r} in {location}, got {found}")
    name = f"{(Path(location).stem if is_file else location).rpartition('.')[2]}:{function_name}"
    return name, function


def _import_file(path: Path) -> ModuleType:
    """Import a Python file under a name of its own."""
    # Dataclasses and pickle look the module up in sys.modules, where a user's json.py must not replace Python's.
    module = ModuleType(f"pattern file {path.resolve()}".replace(".", "_"))
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    # Not `exec_module`: within a second of an edit, its cache may contain the code from before the edit.
    exec(compile(path.read_bytes(), path, "exec"), vars(module))
    return module


def per_sequence(function: Callable[[np.ndarray], Any]) -> Callable[[np.ndarray], Any]:
    """Convert a function of one source into a function of a batch, as patterns need.

    Args:
        function: maps one source `[S]` to its target `[T]`; the result maps `[B, S]` to `[B, T]`.
    """

    @functools.wraps(function)
    def batch_function(sources: np.ndarray) -> np.ndarray | list[np.ndarray]:
        targets: list[np.ndarray] = []
        for source in np.asarray(sources):
            copy = source.copy()  # for errors, because the function may change the source
            try:
                targets.append(as_array(result := function(source)))
                if targets[-1].ndim != 1:
                    raise ValueError(f"expected a list of integers, got {describe_result(result)}")
            except (Exception, SystemExit) as error:
                raise ValueError(f"{error_text(error)}, for {list_symbols(copy)}") from error
        return targets if len({*map(len, targets)}) > 1 else np.stack(targets)

    return batch_function


def call_function(name: str, function: Callable[..., Any], sources: np.ndarray, *arguments: int) -> tuple[Any, Targets]:
    """Call a pattern's function with sources `[B, S]` and other arguments; return the raw result and the targets.

    Output that the function prints goes to standard error.

    Raises:
        UsageError: the function fails, or its result is not an array or a list of rows.
    """
    try:
        with _prints_to_stderr():
            result = function(sources[:], *arguments)  # a view, so that the function cannot change the array's shape
            return result, as_targets(result)
    except (Exception, SystemExit) as error:  # SystemExit would end the program without a message
        taken = f"does not take sources of length {sources.shape[1]}: {error_text(error)}"
        raise UsageError(f"pattern {name!r} {taken}") from error


def as_targets(result: Any) -> Targets:
    """Convert a function's result to an array `[B, T]`; pad rows of different lengths, and return the lengths `[B]`."""
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
    """Convert a function's result to a plain array; raise ValueError for a masked one, which would lose its mask."""
    if has_mask(result):
        raise ValueError("expected integers, got a masked array")
    is_list = isinstance(result, Iterable) and not isinstance(result, str) and not hasattr(result, "__array__")
    return np.asarray(list(result) if is_list else result)


def error_text(error: BaseException) -> str:
    """Return the type and message of an error raised by a user's function; of a ValueError, only the message."""
    return str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}".removesuffix(": ")


def describe_result(result: Any) -> str:
    """Return the description of an invalid result in an error: "None", type and shape, or type and value."""
    if result is None:
        return "None (is a `return` missing?)"
    if isinstance(result, np.ndarray):
        return f"{result.dtype} of shape {result.shape}"
    return f"{type(result).__name__} {preview(result)}"
