"""Records: the sequences that a user gives, with their place in a file or list; and how JSON becomes one.

In JSON, a list is a source, and an object has the keys "input", "output" and any others. The keys may also be "source"
and "target".
"""

from __future__ import annotations

import json
import math
import reprlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2seq_demo.data.lines import BOM
from seq2seq_demo.declarations import preview
from seq2seq_demo.errors import InputError

MAX_SYMBOL = 2**31 - 1
MAX_LISTED = 40  # maximum number of symbols in an error message
MAX_DEPTH = 100  # levels of nested lists and objects in a value that is copied to the answer
KEYS = ("input", "output")
OTHER_NAMES = {"source": "input", "target": "output"}  # used if an object lacks the key
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


class Places(NamedTuple):
    """The places of all records of a file, stored in 8 bytes each."""

    first: Place
    numbers: Sequence[int]

    def of(self, index: int) -> Place:
        """Return the place of the record with this index."""
        return self.first._replace(number=self.numbers[index])


class Record(NamedTuple):
    """A source with the optional output and other values that the user gives, or the error from reading it."""

    place: Place
    values: Any  # a list or text; before validation, any JSON value; None if it cannot be read
    output: Any = None  # the expected answer
    others: dict[str, object] | None = None  # further values by name, such as an id, which are copied to the answer
    error: InputError | None = None  # why the record is invalid; its `values` are then unchanged


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
    row = _to_plain(row)
    return [*map(_to_plain, row)] if isinstance(row, tuple | list) else row


def _to_plain(value: Any) -> Any:
    """Convert an array or NumPy scalar, unless that would drop a mask or turn a date into an integer.

    A float that is an integer, such as 100.0, becomes one.
    """
    is_lossless = isinstance(value, np.ndarray | np.generic) and value.dtype.kind not in "mM" and not has_mask(value)
    plain = value.tolist() if is_lossless else value
    return int(plain) if isinstance(plain, float) and plain.is_integer() else plain


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
            raise InputError(f"{place}: expected a list of integers, got lists; a list of sequences needs a .json file")
        invalid = next(value for value in values if type(value) is not int or not 0 <= value <= largest)
        raise InputError(f"{place}: expected integers from 0 to {largest}, got {preview(invalid)}")


def list_symbols(symbols: np.ndarray | list[int]) -> str:
    """Format symbols `[n]` for an error, as a list of at most MAX_LISTED items."""
    return _SHORT.repr(np.asarray(symbols[: MAX_LISTED + 1]).tolist())


_SHORT = reprlib.Repr()
_SHORT.maxlist = MAX_LISTED
_SHORT.maxstring = _SHORT.maxother = 50


def decode_utf8(place: Place, text: bytes | bytearray) -> str:
    """Decode UTF-8 and strip a byte order mark; raise InputError if the bytes are invalid."""
    try:
        return text.removeprefix(BOM).decode()
    except UnicodeDecodeError as error:
        likely = "utf-16" if text.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "cp1252"
        found = f"byte 0x{text[error.start]:02x} at offset {error.start}"
        raise InputError(f"{place}: expected UTF-8, got {found}; the file may be in `encoding` {likely}") from error


class DuplicateKeyError(ValueError):
    """A JSON object contains a key twice."""


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these pairs; a hook for `json`, which would silently keep the last value of a key.

    Raises:
        DuplicateKeyError: a key occurs twice.
    """
    values = dict(pairs)
    if len(values) < len(pairs):
        ((key, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise DuplicateKeyError(f"expected each key once, got {preview(key)} twice")
    return values


_decode = json.JSONDecoder(object_pairs_hook=unique_keys).decode  # made once, because it is called for every line


def parse_json(place: Place, text: str, expected: str) -> Any:
    """Parse JSON; if it is invalid, raise InputError, whose message names the `expected` content."""
    try:
        return _decode(text)
    except json.JSONDecodeError as error:
        line = "" if place.kind == "line" else f"line {error.lineno} "
        raise InputError(f"{place}: expected {expected}: {error.msg}: {line}column {error.colno}") from error
    except DuplicateKeyError as error:
        raise InputError(f"{place}: {error}") from error
    except (RecursionError, ValueError) as error:  # Python parses no integer of more than 4300 digits
        found = "lists nested too deep" if isinstance(error, RecursionError) else "an integer of thousands of digits"
        raise InputError(f"{place}: expected {expected}, got {found}") from error


def to_record(place: Place, item: Any) -> Record:
    """Return the record of a JSON value; for an invalid object, the record contains the InputError."""
    if not isinstance(item, dict):
        return Record(place, item)
    fields: dict[str, Any] = item
    for name, key in OTHER_NAMES.items():
        if name in item and key not in item:
            fields = {(key if each == name else each): value for each, value in fields.items()}
    others = {key: value for key, value in fields.items() if key not in KEYS}
    try:
        for key, value in others.items():
            _check_value(f"{place}, {preview(key)[1:-1]}", value)
    except InputError as error:
        return Record(place, None, error=error)
    if "input" not in fields:
        missing = InputError(f'{place}: expected an object with "input" or "source", got {preview(item)}')
        return Record(place, None, None, others or None, error=missing)
    return Record(place, fields["input"], fields.get("output"), others or None)


def _check_value(place: str, value: Any, depth: int = 0) -> None:
    """Raise InputError if a value cannot be copied to the answer, because JSON cannot represent it."""
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{place}: expected JSON, got {preview(value)}")
    if isinstance(value, dict | list):
        if depth == MAX_DEPTH:
            raise InputError(f"{place}: expected lists nested at most {MAX_DEPTH} deep, got deeper ones")
        for child in value.values() if isinstance(value, dict) else value:
            _check_value(place, child, depth + 1)
