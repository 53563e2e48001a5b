"""Patterns of the user's own: functions of a Python file or module, imported only where `-p` names them."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from seq2seq_demo.errors import UsageError

# Whatever a user's code may raise; sys.exit() would end the program without a word.
ANY_ERROR = (Exception, SystemExit)


class WrongTarget(ValueError):
    """A function of one source did not return a target."""


def load_function(name: str) -> tuple[str, Callable[..., np.ndarray]]:
    """Import `FILE.py:FUNCTION` or `PACKAGE.MODULE:FUNCTION`; return `MODULE:FUNCTION` and the function.

    Raises:
        UsageError: there is no such function, or its module cannot be imported.
    """
    place, _, function_name = name.rpartition(":")
    try:
        module = _import_file(Path(place)) if place.endswith(".py") else _import_module(place)
    except UsageError:
        raise
    except SyntaxError as error:
        raise UsageError(f"pattern {name!r}: {error.filename}, line {error.lineno}: {error.msg}") from error
    except ANY_ERROR as error:
        raise UsageError(f"pattern {name!r}: {place} cannot be imported: {type(error).__name__}: {error}") from error
    function = getattr(module, function_name, None)
    if not callable(function):
        found = "nothing of that name" if function is None else type(function).__name__
        raise UsageError(f"pattern {name!r}: expected a function {function_name!r} in {place}, found {found}")
    return f"{module.__name__.rpartition('.')[2]}:{function_name}", function


def _import_file(path: Path) -> ModuleType:
    """Run a Python file as a module of its own; it can import what lies beside it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or not (spec and spec.loader):
        raise UsageError(f"expected a Python file {str(path)!r} with a pattern, found none")
    module = importlib.util.module_from_spec(spec)
    sys.path.append(str(path.parent.resolve()))
    spec.loader.exec_module(module)
    return module


def _import_module(name: str) -> ModuleType:
    """Import a module that is installed, or lies below this directory."""
    if not name or not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(f"expected -p FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION, got {name!r} before the colon")
    sys.path.append(str(Path.cwd()))
    return importlib.import_module(name)


def per_sequence(function: Callable[[np.ndarray], Any]) -> Callable[[np.ndarray], np.ndarray]:
    """Make a pattern's function `[B, S]` → `[B, T]` of one that maps a single source `[S]` to its target `[T]`."""

    @functools.wraps(function)
    def of_a_batch(sources: np.ndarray) -> np.ndarray:
        targets: list[np.ndarray] = []
        for source in sources:
            before = source.tolist()
            try:
                result = function(source)
                target = np.asarray(result)
            except ANY_ERROR as error:
                raise ValueError(f"{type(error).__name__}: {error}, for {before}") from error
            if target.ndim != 1:
                raise WrongTarget(f"expected a list of integers, got {what_it_is(result)} for {before}")
            if targets and len(target) != len(targets[0]):
                lengths = f"{len(targets[0])} symbols for {sources[0].tolist()} and {len(target)} for {before}"
                raise WrongTarget(f"expected targets of one length, got {lengths}")
            targets.append(target)
        return np.stack(targets)

    return of_a_batch


def what_it_is(result: Any) -> str:
    """Return how to call what a function returned in place of an array."""
    if result is None:
        return "None (is a `return` missing?)"
    shape = np.shape(result)
    return f"shape {shape}" if shape else f"{type(result).__name__} {result!r}"[:60]
