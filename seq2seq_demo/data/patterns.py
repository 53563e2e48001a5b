"""The built-in patterns: functions from a batch of sources `[B, S]` to a batch of targets `[B, T]`, both int64.

What a function cannot take, it raises as a ValueError.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seq2seq_demo.declarations import require_choice

if TYPE_CHECKING:  # --help and argument errors need the names, but not NumPy
    import numpy as np

USER_FUNCTION = "FILE.py:FUNCTION"


@dataclass(frozen=True)
class Pattern:
    """A named function, with the lengths S that it takes and the lengths T that it returns, in words.

    A `modular` one gets out_max_int + 1 as its second argument.
    """

    name: str
    function: Callable[..., np.ndarray]
    modular: bool = False
    lengths: str = "any"
    target_len: str = "S"


def copied_sequence(sources: np.ndarray) -> np.ndarray:
    """The source itself."""
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
    """The largest symbol, the smallest, then the source from its third symbol on."""
    if sources.shape[1] < 2:
        raise ValueError("expected at least 2")
    targets = sources.copy()
    targets[:, 0], targets[:, 1] = sources.max(axis=1), sources.min(axis=1)
    return targets


def rotated_sequence(sources: np.ndarray) -> np.ndarray:
    """All one place to the left, the first symbol last."""
    targets = sources.copy()
    targets[:, :-1], targets[:, -1] = sources[:, 1:], sources[:, 0]
    return targets


def running_sum_sequence(sources: np.ndarray, modulus: int) -> np.ndarray:
    """The sum of the symbols so far, modulo out_max_int + 1."""
    return sources.cumsum(axis=1) % modulus


def added_sequence(sources: np.ndarray) -> np.ndarray:
    """The source is two decimal numbers side by side, the target the digits of their sum."""
    half, odd = divmod(sources.shape[1], 2)
    if odd:
        raise ValueError("expected an even number, for two numbers of as many digits")
    if sources.max() > 9:
        raise ValueError(f"expected decimal digits, so `in_max_int` can be at most 9, got {sources.max()}")
    targets = sources[:, half - 1 :].copy()  # of the right shape, one digit longer than either number
    carry = 0
    for place in reversed(range(half)):
        carry, targets[:, place + 1] = divmod(sources[:, place] + sources[:, half + place] + carry, 10)
    targets[:, 0] = carry
    return targets


_BUILT_IN = (
    Pattern("sorted", sorted_sequence),
    Pattern("reversed", reversed_sequence),
    Pattern("maxmin_dup", maxmin_dup_sequence, lengths="2 or more"),
    Pattern("copy", copied_sequence),
    Pattern("rotated", rotated_sequence),
    Pattern("running_sum", running_sum_sequence, modular=True),
    Pattern("added", added_sequence, lengths="even", target_len="S/2 + 1"),
)
PATTERNS = {pattern.name: pattern for pattern in _BUILT_IN}
DEFAULT_PATTERN = "sorted"


def is_user_function(name: str) -> bool:
    """Say whether the name is of a user's function."""
    return ":" in name


def check_name(name: str) -> None:
    """Raise UsageError unless the name is of a built-in pattern or of a user's function."""
    if not is_user_function(name):
        require_choice("pattern", name, (*PATTERNS, USER_FUNCTION))
