"""The built-in patterns: functions from a batch of sources `[B, S]` to their targets `[B, T]`, both int64.

A function raises ValueError for sources that it does not support. Its docstring describes the targets; the command
`patterns` prints it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from seq2seq_demo.declarations import require_choice

if TYPE_CHECKING:  # `--help` needs the names, and should not load NumPy
    import numpy as np

PatternName = Literal["sorted", "reversed", "maxmin_dup", "copy", "rotated", "running_sum", "added"]
USER_FUNCTION = "FILE.py:FUNCTION"


@dataclass(frozen=True)
class Pattern:
    """A named function from sources to targets."""

    name: str
    function: Callable[..., np.ndarray]
    modular: bool = False  # whether the function has a second argument, the modulus out_max_int + 1
    lengths: str = "any"  # the valid source lengths S, as `patterns` prints them
    target_len: str = "S"  # the target length T, as `patterns` prints it

    @property
    def description(self) -> str:
        """The first line of the function's docstring; empty without a docstring."""
        doc = self.function.__doc__
        return doc.strip().partition("\n")[0] if isinstance(doc, str) else ""  # a user may assign anything


def copied_sequence(sources: np.ndarray) -> np.ndarray:
    """A copy of the source."""
    return sources


def sorted_sequence(sources: np.ndarray) -> np.ndarray:
    """Ascending order."""
    targets = sources.copy()
    targets.sort(axis=1)
    return targets


def reversed_sequence(sources: np.ndarray) -> np.ndarray:
    """Last symbol first."""
    return sources[:, ::-1]


def maxmin_dup_sequence(sources: np.ndarray) -> np.ndarray:
    """The largest and the smallest symbol, then the source from its third symbol on."""
    if sources.shape[1] < 2:
        raise ValueError("expected at least 2")
    targets = sources.copy()
    targets[:, 0], targets[:, 1] = sources.max(axis=1), sources.min(axis=1)
    return targets


def rotated_sequence(sources: np.ndarray) -> np.ndarray:
    """Each symbol moves one place to the left, the first one to the end."""
    targets = sources.copy()
    targets[:, :-1], targets[:, -1] = sources[:, 1:], sources[:, 0]
    return targets


def running_sum_sequence(sources: np.ndarray, modulus: int) -> np.ndarray:
    """At each position, the sum of the symbols up to it, modulo out_max_int + 1."""
    return sources.cumsum(axis=1) % modulus


def added_sequence(sources: np.ndarray) -> np.ndarray:
    """The sum of two decimal numbers, the two halves of the source."""
    half, odd = divmod(sources.shape[1], 2)
    if odd:
        raise ValueError("expected an even length, for two numbers of equal length")
    if sources.max() > 9:
        raise ValueError(f"expected decimal digits, so `in_max_int` can be at most 9, got {sources.max()}")
    targets = sources[:, half - 1 :].copy()  # one digit longer than either number
    carry = 0
    for digit in reversed(range(half)):
        carry, targets[:, digit + 1] = divmod(sources[:, digit] + sources[:, half + digit] + carry, 10)
    targets[:, 0] = carry
    return targets


_BUILT_IN = [
    Pattern("sorted", sorted_sequence),
    Pattern("reversed", reversed_sequence),
    Pattern("maxmin_dup", maxmin_dup_sequence, lengths="2 or more"),
    Pattern("copy", copied_sequence),
    Pattern("rotated", rotated_sequence),
    Pattern("running_sum", running_sum_sequence, modular=True),
    Pattern("added", added_sequence, lengths="even", target_len="S/2 + 1"),
]
PATTERNS = {pattern.name: pattern for pattern in _BUILT_IN}
DEFAULT_PATTERN = "sorted"


def is_user_function(name: str) -> bool:
    """Return whether the name refers to a user's function, such as `FILE.py:FUNCTION`."""
    return ":" in name


def check_name(name: str) -> None:
    """Raise UsageError if the name is neither a built-in pattern nor a user's function."""
    if not is_user_function(name):
        require_choice("pattern", name, (*PATTERNS, USER_FUNCTION))
