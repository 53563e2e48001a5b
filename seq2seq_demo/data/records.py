"""Records: the sequences that a user gives, with their place in a file or list, and checks of their values."""

from __future__ import annotations

import json
import reprlib
from array import array
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from seq2seq_demo.errors import InputError

MAX_SYMBOL = 2**31 - 1
MAX_LISTED = 40  # maximum number of symbols in an error message
TEXT_HINT = "; texts need a network trained with `in_tokens` or `out_tokens` characters or words"


class Place(NamedTuple):
    """The place of a record in its file or list, used as the prefix of errors."""

    title: str  # the file or the argument
    kind: str = ""  # "line", counted from 1; "sequence" (of a JSON list) or "row", counted from 0
    number: int = 0
    side: str = ""  # "output", or empty for the source or the whole record

    def __str__(self) -> str:
        number = f"{self.kind} {self.number}" if self.kind else ""
        return ", ".join(part for part in (self.title, number, self.side) if part)


@dataclass
class Places:
    """The places of all records of a file, stored in 8 bytes each."""

    numbers: Any = field(default_factory=lambda: array("q"))
    last: Place | None = None

    def extend(self, rows: list[Record]) -> None:
        """Append the places of the next records."""
        self.numbers.extend(row.place.number for row in rows)
        self.last = rows[-1].place

    def __getitem__(self, index: int) -> Place:
        assert self.last  # set by `extend`
        return self.last._replace(number=self.numbers[index])


class Record(NamedTuple):
    """A source, or the error from reading it, with the optional output and other values that the user gives."""

    place: Place
    values: Any  # a list or text; before validation, any JSON value, or the InputError from reading it
    output: Any = None  # the expected answer
    others: dict[str, object] | None = None  # further values by name, such as an id, which are copied to the answer
    dropped: tuple[Any, ...] = ()  # unknown symbols that were left out of the source
    error: InputError | None = None  # why a reader rejected the record, whose `values` are then unchanged


def by_length(rows: list[Record]) -> dict[int, list[int]]:
    """Return the row indices for each source length; unreadable rows are not included."""
    indices: dict[int, list[int]] = {}
    for index, row in enumerate(rows):
        if row.error is None:
            indices.setdefault(len(row.values), []).append(index)
    return indices


def to_python(row: Any) -> Any:
    """Convert a list, tuple or array to a list of Python values; return any other value unchanged.

    An array is also returned unchanged if the conversion would lose information.
    """
    if isinstance(row, np.ndarray):
        return row.tolist() if _is_lossless(row) else row
    if isinstance(row, tuple | list):
        return [item.item() if isinstance(item, np.generic) and _is_lossless(item) else item for item in row]
    return row


def _is_lossless(array: np.ndarray | np.generic) -> bool:
    """Return whether conversion to Python values is lossless; it would drop masks and turn some dates into integers."""
    return array.dtype.kind not in "mM" and not has_mask(array)


def has_mask(value: Any) -> bool:
    """Return whether the value is a masked array, without importing `numpy.ma`."""
    return isinstance(value, np.ndarray) and hasattr(value, "mask")


def check_integers(place: object, values: Any, largest: int | None = None) -> None:
    """Raise InputError unless `values` is a list of integers from 0 to `largest`, by default MAX_SYMBOL."""
    if not isinstance(values, list):
        hint = TEXT_HINT if isinstance(values, str) else ""
        raise InputError(f"{place}: expected a list of integers, got {preview(values)}{hint}")
    largest = MAX_SYMBOL if largest is None else largest
    if values and (set(map(type, values)) != {int} or min(values) < 0 or max(values) > largest):
        if all(isinstance(value, list) for value in values):
            raise InputError(f"{place}: expected a list of integers, got a list of lists")
        invalid = next(value for value in values if type(value) is not int or not 0 <= value <= largest)
        raise InputError(f"{place}: expected integers from 0 to {largest}, got {preview(invalid)}")


def _json(value: object) -> str:
    """Return JSON. Unicode characters are escaped only if the text contains a lone surrogate."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isascii() or text.encode(errors="ignore").decode() == text else json.dumps(value)


def preview(value: object) -> str:
    """Format an invalid value for an error: its JSON if possible, otherwise its repr, in at most 40 characters."""
    for write in (_json, repr):
        try:
            return " ".join(write(value).split())[:40]
        except (TypeError, ValueError, RecursionError):
            continue
    return "an integer of thousands of digits"  # Python prints no integer of more than 4300 digits


def list_symbols(symbols: np.ndarray | list[int]) -> str:
    """Format symbols `[n]` for an error, as a list of at most MAX_LISTED items."""
    return _SHORT.repr(np.asarray(symbols[: MAX_LISTED + 1]).tolist())


_SHORT = reprlib.Repr()
_SHORT.maxlist = MAX_LISTED
_SHORT.maxstring = _SHORT.maxother = 50
