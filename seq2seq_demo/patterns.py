"""Patterns: what the network has to learn, as functions from a batch of sources to a batch of targets.

`--help` and argument errors need the names, so NumPy is not imported here: arrays bring their methods along.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seq2seq_demo.config import require_choice
from seq2seq_demo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class SequencePattern:
    """A named function from sources `[B, S]` to targets `[B, S]`, both integers."""

    name: str
    function: Callable[[np.ndarray], np.ndarray]
    min_len: int = 1

    def targets(self, sources: np.ndarray, out_len: int) -> np.ndarray:
        """Return the first `out_len` symbols of each target: `[B, S]` → `[B, out_len]`."""
        return self.function(sources)[:, :out_len]

    def check(self, in_len: int, out_len: int, in_max_int: int, out_max_int: int) -> None:
        """Raise UsageError unless the pattern fills `out_len` positions with symbols up to `out_max_int`."""
        if in_len < self.min_len:
            raise UsageError(f"pattern {self.name!r} expects --in-len of at least {self.min_len}, got {in_len}")
        if out_len > in_len:
            raise UsageError(
                f"pattern {self.name!r} gives {in_len} symbols for --in-len {in_len}, "
                f"so --out-len can be at most {in_len}, got {out_len}"
            )
        if out_max_int < in_max_int:
            raise UsageError(
                f"pattern {self.name!r} gives symbols up to {in_max_int} for --in-max-int {in_max_int}, "
                f"so --out-max-int must be at least that, got {out_max_int}"
            )


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
    targets = sources.copy()
    targets[:, 0] = sources.max(axis=1)
    targets[:, 1] = sources.min(axis=1)
    return targets


PATTERNS = {
    pattern.name: pattern
    for pattern in (
        SequencePattern("sorted", sorted_sequence),
        SequencePattern("reversed", reversed_sequence),
        SequencePattern("maxmin_dup", maxmin_dup_sequence, min_len=2),
    )
}
DEFAULT_PATTERN = "sorted"


def find_pattern(name: str) -> SequencePattern:
    """Return the pattern of that name.

    Raises:
        UsageError: there is none; the message names the nearest and all.
    """
    require_choice("pattern", name, tuple(PATTERNS))
    return PATTERNS[name]
