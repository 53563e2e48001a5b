"""Imports a user's functions."""

import importlib
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

from seq2seq_demo.errors import UsageError

PatternFunction = Callable[..., Iterable[int]]


def is_user_function(name: str) -> bool:
    """Return whether the name refers to a user's function, as `FILE.py:FUNCTION` or `PACKAGE.MODULE:FUNCTION` does."""
    return re.fullmatch(r"(.+\.py|[\w.]+):\w+", name) is not None


def import_function(name: str) -> tuple[str, PatternFunction]:
    """Import the named function; return its short name, `FILE:FUNCTION` or `MODULE:FUNCTION`, and the function.

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
        raise UsageError(f"pattern {name!r}: {location} has no function {function_name!r}")
    stem = (Path(location).stem if is_file else location).rpartition(".")[2]
    return f"{stem}:{function_name}", function


def _import_file(path: Path) -> ModuleType:
    """Import a Python file under a unique name."""
    # Dataclasses and pickle look the module up in sys.modules, where a user's json.py must not replace Python's.
    module = ModuleType(f"pattern file {path.resolve()}".replace(".", "_"))
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    # `exec_module` is not used because, within a second of an edit, its cache may contain the old code.
    exec(compile(path.read_bytes(), path, "exec"), vars(module))
    return module


def error_text(error: BaseException) -> str:
    """Return the type and message of an error raised by a user's function; for a ValueError, only the message."""
    return str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}".removesuffix(": ")
