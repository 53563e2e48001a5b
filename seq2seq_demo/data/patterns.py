"""The built-in patterns, and patterns that a user names or passes as a function."""

import importlib
import itertools
import operator
import os
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from seq2seq_demo.config import INTEGERS
from seq2seq_demo.data.pattern_task import PatternFunction, PatternTask, error_text
from seq2seq_demo.declarations import likely_name, preview, require_choice
from seq2seq_demo.errors import MissingInput, UsageError

DEFAULT_PATTERN = "sorted"

# ---- The built-in patterns ----


PATTERNS: dict[str, PatternTask] = {}


def built_in(function: PatternFunction) -> PatternFunction:
    """Add a function to the built-in patterns under its name, without an underscore at the end."""
    name = function.__name__.rstrip("_")
    PATTERNS[name] = PatternTask(name, function)
    return function


@built_in
def sorted_(source: list[int]) -> list[int]:
    """Ascending order."""
    return sorted(source)


@built_in
def reversed_(source: list[int]) -> list[int]:
    """Last symbol first."""
    return source[::-1]


@built_in
def maxmin_dup(source: list[int]) -> list[int]:
    """The largest and the smallest symbol, then the source from its third symbol on."""
    if len(source) < 2:
        raise ValueError("expected at least 2 symbols")
    return [max(source), min(source), *source[2:]]


@built_in
def copy(source: list[int]) -> list[int]:
    """A copy of the source."""
    return source


@built_in
def rotated(source: list[int]) -> list[int]:
    """Each symbol moves one position to the left, and the first one to the end."""
    return source[1:] + source[:1]


@built_in
def running_sum(source: list[int], out_max_int: int) -> list[int]:
    """At each position, the sum of the symbols so far, modulo out_max_int + 1."""
    modulus = out_max_int + 1
    return [total % modulus for total in itertools.accumulate(source)]


@built_in
def added(source: list[int]) -> list[int]:
    """The sum of two decimal numbers, the two halves of the source."""
    half, odd = divmod(len(source), 2)
    if odd:
        raise ValueError("expected an even length, for two numbers of equal length")
    if max(source) > 9:
        raise ValueError(f"expected decimal digits, so `in_max_int` can be at most 9, got {max(source)}")
    target = [0, *map(operator.add, source[:half], source[half:])]  # one digit longer than either number
    for place in range(half, 0, -1):
        if target[place] > 9:
            target[place] -= 10
            target[place - 1] += 1
    return target


def patterns() -> dict[str, dict[str, Any]]:
    """Return the `description` and an `example` (source and target) of each built-in pattern, by name."""
    return {name: pattern.facts() for name, pattern in PATTERNS.items()}


# ---- Finding a pattern by its name ----


def as_pattern(data: object, tokens: tuple[str, str] = (INTEGERS, INTEGERS)) -> PatternTask | None:
    """Return the pattern that `data` is or names, or None if `data` is pairs or the path of a file.

    Args:
        data: a function, the name of a pattern, pairs, or a path.
        tokens: the kinds of symbols in sources and in targets.

    Raises:
        UsageError: a function cannot be imported, or `data` is a pattern but the tokens are not integers.
        MissingInput: a string is neither the name of a pattern nor the path of a file.
    """
    pattern = _pattern_of(data)
    if pattern and tokens != (INTEGERS, INTEGERS):
        expected = f"expected pairs of {' and '.join(tokens)}, as in the network"
        raise UsageError(f"{expected}, got pattern {pattern.name!r}")
    return pattern


def _pattern_of(data: object) -> PatternTask | None:
    if isinstance(data, PatternTask):
        return data
    if isinstance(data, str) and (data in PATTERNS or is_user_function(data)):
        return find_pattern(data)
    if isinstance(data, str) and not os.path.lexists(data):
        near = likely_name(data, PATTERNS)
        hint = f"did you mean the pattern {near!r}?" if near else f"the patterns are {', '.join(PATTERNS)}"
        raise MissingInput(f"expected a file of pairs or a pattern's name, got {preview(data, repr)}: {hint}")
    if not callable(data):
        return None
    name = re.sub(r"\W", "", getattr(data, "__name__", type(data).__name__))
    return PatternTask(f"{getattr(data, '__module__', None)}:{name}", data)


def find_pattern(name: str) -> PatternTask:
    """Return a pattern by name.

    Args:
        name: the name of a built-in pattern, or a user's function as `FILE.py:FUNCTION` or `PACKAGE.MODULE:FUNCTION`.

    Raises:
        UsageError: no pattern has this name, or the function cannot be imported.
    """
    if name in PATTERNS or not is_user_function(name):
        return PATTERNS[require_choice("pattern", name, (*PATTERNS, "FILE.py:FUNCTION"))]
    return PatternTask(*import_function(name))


# ---- A user's functions ----


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
