"""Imports the functions of a user, and checks what a pattern's function returns."""

import importlib
import inspect
import operator
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import GeneratorType, ModuleType
from typing import Any

from seq2seq_demo.declarations import preview
from seq2seq_demo.errors import UsageError

PatternFunction = Callable[..., Iterable[int]]


def is_user_function(name: str) -> bool:
    """Return whether the name refers to a user's function, as `FILE.py:FUNCTION` or `PACKAGE.MODULE:FUNCTION` does."""
    return re.fullmatch(r"(.+\.py|[\w.]+):\w+", name) is not None


def import_function(name: str) -> tuple[str, PatternFunction]:
    """Return a short name, `FILE:FUNCTION` or `MODULE:FUNCTION`, and the function that the name of a user refers to.

    Raises:
        UsageError: the function cannot be imported.
    """
    location, _, function_name = name.rpartition(":")
    is_file = location.endswith(".py")
    try:
        sys.path.append(str(Path(location).parent.resolve() if is_file else Path.cwd()))
        module = _import_file(Path(location)) if is_file else importlib.import_module(location)
        function = getattr(module, function_name, None)
    except (Exception, SystemExit) as error:  # SystemExit would end the program without a message
        raise UsageError(f"pattern {name!r}: {location} cannot be imported: {error_text(error)}") from error
    if not callable(function):
        found = "nothing of that name" if function is None else type(function).__name__
        raise UsageError(f"pattern {name!r}: expected a function {function_name!r} in {location}, got {found}")
    stem = (Path(location).stem if is_file else location).rpartition(".")[2]
    return f"{stem}:{function_name}", function


def _import_file(path: Path) -> ModuleType:
    """Import a Python file under a name of its own."""
    # Dataclasses and pickle look the module up in sys.modules, where a user's json.py must not replace Python's.
    module = ModuleType(f"pattern file {path.resolve()}".replace(".", "_"))
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    # Not `exec_module`: within a second of an edit, its cache may contain the code from before the edit.
    exec(compile(path.read_bytes(), path, "exec"), vars(module))
    return module


# ---- Calling a function ----


def symbols_of(result: Any, out_max_int: int) -> list[int]:
    """Return a function's result as a list; raise ValueError unless it consists of integers from 0 to out_max_int."""
    if isinstance(result, GeneratorType):
        result = [*result]  # may raise any error
    try:
        symbols = [*map(operator.index, result)]
    except TypeError:
        raise ValueError(f"expected a list of integers, got {_describe(result)}") from None
    if symbols and (min(symbols) < 0 or max(symbols) > out_max_int):
        invalid = next(symbol for symbol in symbols if not 0 <= symbol <= out_max_int)
        raise ValueError(f"expected symbols from 0 to `out_max_int` {out_max_int}, got {preview(invalid)}")
    return symbols


def has_parameter(function: PatternFunction, name: str) -> bool:
    """Return whether the function has a parameter of this name."""
    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):  # a function that is not written in Python
        return False


def error_text(error: BaseException) -> str:
    """Return the type and message of an error raised by a user's function; of a ValueError, only the message."""
    return str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}".removesuffix(": ")


def _describe(result: Any) -> str:
    """Return the description of an invalid result: "None", or its type and value."""
    if result is None:
        return "None (is a `return` missing?)"
    return f"{type(result).__name__} {preview(result)}"
