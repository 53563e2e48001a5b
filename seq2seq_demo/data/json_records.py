"""JSON that a user gives: a list is a sequence, and an object has one as its input."""

import collections
import json
import math
from typing import Any

from seq2seq_demo.data.records import Place, Record, shown
from seq2seq_demo.errors import InputError

MAX_DEPTH = 100  # of lists and objects in an id
KEYS = ("input", "output", "id")
BOM = b"\xef\xbb\xbf"


def decoded(place: Place, text: bytes | bytearray) -> str:
    """Return a text without a byte order mark; raise InputError unless it is UTF-8."""
    try:
        return text.removeprefix(BOM).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: expected UTF-8, got byte 0x{text[error.start]:02x} at {error.start}") from error


def parse(place: Place, text: bytes | bytearray, expected: str) -> Any:
    """Parse a text in JSON; where it is none, raise InputError, which names what is `expected`."""
    try:
        return json.loads(decoded(place, text), object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise InputError(f"{place}: expected {expected}: {error}") from error
    except RecursionError as error:
        raise InputError(f"{place}: expected {expected}, got lists nested too deep") from error
    except ValueError as error:  # Python reads no integer of more than 4300 digits
        raise InputError(f"{place}: expected {expected}, got an integer of thousands of digits") from error


class _Repeated(dict[str, Any]):
    """A JSON object in which a key stands twice; `json` keeps its last value alone, silently."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        ((self.key, _),) = collections.Counter(key for key, _ in pairs).most_common(1)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    return values if len(values) == len(pairs) else _Repeated(pairs)


def sequence_of(place: Place, item: Any) -> Record:
    """Return the sequence that a list, or an object with an input, is."""
    if not isinstance(item, dict):
        return Record(place, item)
    try:
        _check(place, item)
    except InputError as error:
        return Record(place, error)
    return Record(place, item["input"], item.get("output"), item.get("id"), "id" in item)


def _check(place: Place, item: dict[str, Any]) -> None:
    """Raise InputError for a key that is missing, unknown or there twice, and for an id that JSON cannot say again."""
    keys = ", ".join(KEYS)
    if isinstance(item, _Repeated):
        raise InputError(f"{place}: expected the keys {keys} once each, got {shown(item.key)} twice")
    for key in item:
        if key not in KEYS:
            raise InputError(f"{place}: expected the keys {keys}, got {shown(key)}")
    if "input" not in item:
        raise InputError(f'{place}: expected {{"input": [...]}}, got no input in {shown(item)}')
    _check_id(place, item.get("id"))


def _check_id(place: Place, value: Any, depth: int = 0) -> None:
    if isinstance(value, _Repeated):
        raise InputError(f"{place}, id: expected each key once, got {shown(value.key)} twice")
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{place}, id: expected JSON, got {shown(value)}")
    if isinstance(value, dict | list):
        if depth == MAX_DEPTH:
            raise InputError(f"{place}, id: expected lists nested at most {MAX_DEPTH} deep, got some nested deeper")
        for below in value.values() if isinstance(value, dict) else value:
            _check_id(place, below, depth + 1)
