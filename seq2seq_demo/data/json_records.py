"""Conversion of JSON to records: a list is a source, and an object has the keys "input", "output" and any others.

The keys may also be "source" and "target".
"""

import collections
import json
import math
from typing import Any

from seq2seq_demo.data.records import Place, Record, preview
from seq2seq_demo.errors import InputError

MAX_DEPTH = 100  # levels of nested lists and objects in a value that is copied to the answer
KEYS = ("input", "output")
OTHER_NAMES = {"source": "input", "target": "output"}  # used if an object lacks the key
BOM = b"\xef\xbb\xbf"


def decode_utf8(place: Place, text: bytes | bytearray) -> str:
    """Decode UTF-8 and strip a byte order mark; raise InputError if the bytes are invalid."""
    try:
        return text.removeprefix(BOM).decode()
    except UnicodeDecodeError as error:
        found = f"byte 0x{text[error.start]:02x} at offset {error.start}"
        raise InputError(f"{place}: expected UTF-8, got {found}") from error


def parse_json(place: Place, text: bytes | bytearray, expected: str) -> Any:
    """Parse JSON; if it is invalid, raise InputError, whose message names the `expected` content."""
    try:
        return json.loads(decode_utf8(place, text), object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        line = "" if place.kind == "line" else f"line {error.lineno} "
        raise InputError(f"{place}: expected {expected}: {error.msg}: {line}column {error.colno}") from error
    except RecursionError as error:
        raise InputError(f"{place}: expected {expected}, got lists nested too deep") from error
    except ValueError as error:  # Python parses no integer of more than 4300 digits
        raise InputError(f"{place}: expected {expected}, got an integer of thousands of digits") from error


class _DuplicateKey(dict[str, Any]):
    """A JSON object that contains a key twice; a plain dict would silently keep only the last value."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        ((self.key, _),) = collections.Counter(key for key, _ in pairs).most_common(1)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    return values if len(values) == len(pairs) else _DuplicateKey(pairs)


def to_record(place: Place, item: Any) -> Record:
    """Return the record of a JSON value; for an invalid object, the record contains the InputError."""
    if not isinstance(item, dict):
        return Record(place, item)
    try:
        _check_object(place, item)
    except InputError as error:
        return Record(place, error)
    names = {name: key for name, key in OTHER_NAMES.items() if key not in item}
    fields: dict[str, Any] = item
    if names:
        fields = {names.get(key, key): value for key, value in fields.items()}
    others = {key: value for key, value in fields.items() if key not in KEYS} or None
    if "input" not in fields:
        missing = InputError(f'{place}: expected an object with "input" or "source", got {preview(item)}')
        return Record(place, missing, None, others)
    return Record(place, fields["input"], fields.get("output"), others)


def _check_object(place: Place, item: dict[str, Any]) -> None:
    """Raise InputError for a duplicate key, and for a further value that JSON cannot represent."""
    if isinstance(item, _DuplicateKey):
        raise InputError(f"{place}: expected each key once, got {preview(item.key)} twice")
    for key, value in item.items():
        if key not in KEYS:
            _check_value(f"{place}, {preview(key)[1:-1]}", value)


def _check_value(place: str, value: Any, depth: int = 0) -> None:
    if isinstance(value, _DuplicateKey):
        raise InputError(f"{place}: expected each key once, got {preview(value.key)} twice")
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{place}: expected JSON, got {preview(value)}")
    if isinstance(value, dict | list):
        if depth == MAX_DEPTH:
            raise InputError(f"{place}: expected lists nested at most {MAX_DEPTH} deep, got deeper ones")
        for child in value.values() if isinstance(value, dict) else value:
            _check_value(place, child, depth + 1)
