"""Patterns from a user's Python file or module: import the function, call it, and convert its result to targets."""

import contextlib
import functools
import importlib.util
import io
import os
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from seq2seq_demo.data.records import has_mask, list_symbols
from seq2seq_demo.declarations import preview
from seq2seq_demo.errors import UsageError

Targets = tuple[np.ndarray, np.ndarray | None]  # symbols [B, T] and lengths [B]; lengths None: all rows have T symbols


class TargetError(ValueError):
    """A function returned an invalid target."""


def load_function(name: str) -> tuple[str, Callable[..., np.ndarray]]:
    """Import `FILE.py:FUNCTION` or `PACKAGE.MODULE:FUNCTION`; return `MODULE:FUNCTION` and the function.

    Raises:
        UsageError: the module cannot be imported, or does not define the function.
    """
    location, _, function_name = name.rpartition(":")
    is_file = location.endswith(".py")
    try:
        with PRINTS_TO_STDERR:
            module = _import_file(Path(location)) if is_file else _import_module(location)
            function = getattr(module, function_name, None)
    except UsageError:
        raise
    except (Exception, SystemExit) as error:  # SystemExit would end the program without a message
        reason = f"{location} cannot be imported: {error_text(error)}"
        if isinstance(error, SyntaxError) and error.lineno:
            reason = f"{error.filename}, line {error.lineno}: {error.msg}"
        raise UsageError(f"pattern {name!r}: {reason}") from error
    if not callable(function):
        found = "nothing of that name" if function is None else type(function).__name__
        raise UsageError(f"pattern {name!r}: expected a function {function_name!r} in {location}, got {found}")
    name = f"{(Path(location).stem if is_file else location).rpartition('.')[2]}:{function_name}"
    return name, function


def _import_file(path: Path) -> ModuleType:
    """Import a Python file, which can import modules from its own folder."""
    # Dataclasses and pickle look the module up in sys.modules, where a user's json.py must not replace Python's.
    name = f"pattern file {path.resolve()}".replace(".", "_")
    spec = importlib.util.spec_from_file_location(name, path)
    if not path.is_file() or not spec:
        raise UsageError(f"expected a Python file {str(path)!r} with a pattern, got none")
    module = importlib.util.module_from_spec(spec)
    sys.path.append(str(path.parent.resolve()))
    sys.modules[name] = module
    try:
        # Not `exec_module`: within a second of an edit, its cache may contain the code from before the edit.
        exec(compile(path.read_bytes(), path, "exec"), vars(module))
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _import_module(name: str) -> ModuleType:
    """Import a module that is installed or in the current directory."""
    if not name or not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(f"expected FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION, got {name!r} before the colon")
    sys.path.append(str(Path.cwd()))
    return importlib.import_module(name)


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
                result = function(source)
                target = as_array(result)
                if target.ndim != 1:
                    raise TargetError(f"expected a list of integers, got {describe_result(result)}")
                if target.dtype.kind not in "iu" and len(target):
                    raise TargetError(f"expected integers, got {target.dtype}: {list_symbols(target)}")
            except TargetError as error:
                raise TargetError(f"{error} for {list_symbols(copy)}") from error
            except (Exception, SystemExit) as error:
                raise ValueError(f"{error_text(error)}, for {list_symbols(copy)}") from error
            targets.append(target)
        return targets if len({*map(len, targets)}) > 1 else np.stack(targets)

    return batch_function


def call_function(name: str, function: Callable[..., Any], sources: np.ndarray, *arguments: int) -> tuple[Any, Targets]:
    """Call a pattern's function with sources `[B, S]` and other arguments; return the raw result and the targets.

    Output that the function prints goes to standard error.

    Raises:
        UsageError: the function fails, or its result is not an array or a list of rows.
    """
    try:
        with PRINTS_TO_STDERR:
            result = function(sources[:], *arguments)  # a view, so that the function cannot change the array's shape
            return result, as_targets(result)
    except TargetError as error:
        raise UsageError(f"pattern {name!r}: {error}") from error
    except (Exception, SystemExit) as error:  # SystemExit would end the program without a message
        reason = error_text(error).removeprefix("ValueError: ")
        raise UsageError(f"pattern {name!r} does not take sources of length {sources.shape[1]}: {reason}") from error


def as_targets(result: Any) -> Targets:
    """Convert a function's result to an array `[B, T]`; pad rows of different lengths, and return the lengths `[B]`.

    Raises:
        TargetError: the result contains a masked array.
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
    """Convert a function's result to a plain ndarray, because the rows of a subclass such as np.matrix are not 1-D.

    Raises:
        TargetError: the result contains a masked array; a plain array would lose the mask.
    """
    if not hasattr(result, "__array__") and not isinstance(result, str) and isinstance(result, Iterable):
        result = list(result)
    if _is_masked(result):
        raise TargetError("expected integers, got a masked array")
    return np.asarray(result)


def _is_masked(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_is_masked, value))
    return hasattr(value, "__array__") and has_mask(np.asanyarray(value))


def error_text(error: BaseException) -> str:
    """Return the type and message of an error raised by a user's function."""
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def describe_result(result: Any) -> str:
    """Return the description of an invalid result in an error: "None", its row count, its shape, or type and value."""
    if result is None:
        return "None (is a `return` missing?)"
    try:
        shape = np.shape(result)
    except ValueError:  # rows of different lengths
        return f"{len(result)} rows"
    return f"shape {shape}" if shape else f"{type(result).__name__} {preview(result)}"


class _Depth(threading.local):
    """The number of times that this thread has entered the context and not yet left it."""

    n = 0


class _RedirectedStdout(contextlib.AbstractContextManager[None]):
    """Replaces sys.stdout; a thread inside this context prints to standard error, other threads to standard output.

    `contextlib.redirect_stdout` would also redirect answers that another thread prints at the same time. The context
    itself is the replacement stream and is never freed, because Python crashes if a thread replaces the only reference
    to a stream that another thread prints to. In a forked process, only the thread that forked remains inside.
    """

    def __init__(self) -> None:
        self.lock, self.n_entered, self.depth = threading.Lock(), 0, _Depth()
        self.stdout = sys.stdout
        if hasattr(os, "register_at_fork"):  # Windows has no fork
            os.register_at_fork(after_in_child=self._drop_other_threads)

    def __enter__(self) -> None:
        with self.lock:
            if not self.n_entered and sys.stdout is not self:
                self.stdout, sys.stdout = sys.stdout, self
            self.n_entered += 1
        self.depth.n += 1

    def __exit__(self, *_: object) -> None:
        self.depth.n -= 1
        with self.lock:
            self.n_entered -= 1
            self._restore()

    def _restore(self) -> None:
        if not self.n_entered and sys.stdout is self:
            sys.stdout = self.stdout

    def _drop_other_threads(self) -> None:
        self.lock, self.n_entered = threading.Lock(), self.depth.n
        self._restore()

    def __getattr__(self, name: str) -> Any:
        stream = sys.stderr if self.depth.n else self.stdout
        return getattr(stream or io.StringIO(), name)  # a closed stream is None


PRINTS_TO_STDERR = _RedirectedStdout()
