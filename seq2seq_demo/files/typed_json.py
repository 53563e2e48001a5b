"""JSON from a file, as a dataclass whose types it has to have: a file says what it likes."""

import json
from dataclasses import MISSING, fields
from typing import Any, NoReturn, TypeVar, get_args, get_type_hints

from seq2seq_demo.errors import WeightsError, require

T = TypeVar("T")
MAX_NUMBER = 10**50  # of a number's size; JSON's own limit is thousands of digits


def parse_object(text: str) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        WeightsError: it is something else, holds NaN or infinity, or a key twice.
    """
    try:
        value = json.loads(text, parse_constant=_refuse, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"expected JSON, got {text[:40]!r}") from error
    return require_type("metadata", value, dict)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object, unless a key stands in it twice."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key that stands twice")
    return values


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def require_type(name: str, value: Any, *types: type[T]) -> T:
    """Return a value that is of one of the types; an integer will do for a float, True for neither.

    Raises:
        WeightsError: it is of another type, a float that is not finite, or an integer beyond all reason.
    """
    is_huge = type(value) in (int, float) and not abs(value) < MAX_NUMBER
    if float in types and type(value) is int and not is_huge:
        value = float(value)
    if type(value) not in types or is_huge:
        expected = " or ".join("null" if kind is type(None) else kind.__name__ for kind in types)
        raise WeightsError(f"expected {name!r} as {expected}, got {repr(value)[:40]}")
    return value  # type: ignore[no-any-return]


def typed(cls: type[T], values: dict[str, Any]) -> T:
    """Return a dataclass of a JSON object's values; its fields are of simple types, or of such or None.

    Raises:
        WeightsError: a value is of another type than its field, missing, or of no field.
    """
    types = get_type_hints(cls)
    for name in sorted(values.keys() - types.keys()):
        raise WeightsError(f"expected the keys {', '.join(types)}, got {name!r}")
    for field in fields(cls):  # type: ignore[arg-type]
        require(field.name in values or field.default is not MISSING, f"expected the key {field.name!r}, got none")
    return cls(**{name: require_type(name, value, *_alternatives(types[name])) for name, value in values.items()})


def _alternatives(hint: Any) -> tuple[type, ...]:
    return get_args(hint) or (hint,)
