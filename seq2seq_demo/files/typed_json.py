"""Parse untrusted JSON into dataclasses, checking the type of every value."""

import json
from dataclasses import MISSING, fields
from typing import Any, Literal, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from seq2seq_demo.data.records import unique_keys
from seq2seq_demo.errors import WeightsError, require

T = TypeVar("T")
MAX_NUMBER = 10**50  # the limit for numbers; Python would parse thousands of digits


def parse_object(text: str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        WeightsError: the text is not a JSON object, or it contains NaN, infinity or a duplicate key.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"expected JSON, got {text[:40]!r}") from error
    return require_type("metadata", value, dict)


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(constant)


def require_type(name: str, value: Any, *types: type[T]) -> T:
    """Return a value after checking its type; an integer passes for a float, a bool passes for neither.

    Raises:
        WeightsError: the value has another type, is not finite, or exceeds MAX_NUMBER.
    """
    is_huge = type(value) in (int, float) and not abs(value) < MAX_NUMBER
    if float in types and type(value) is int and not is_huge:
        value = float(value)
    if type(value) not in types or is_huge:
        expected = " or ".join("null" if kind is type(None) else kind.__name__ for kind in types)
        raise WeightsError(f"expected {name!r} as {expected}, got {repr(value)[:40]}")
    return value  # type: ignore[no-any-return]


def build_dataclass(cls: type[T], values: dict[str, Any]) -> T:
    """Return an instance of a dataclass; its fields are numbers, strings or bools, and may be optional.

    Raises:
        WeightsError: a value has the wrong type, is missing, or belongs to no field.
    """
    types = get_type_hints(cls)
    for name in sorted(values.keys() - types.keys()):
        raise WeightsError(f"expected the keys {', '.join(types)}, got {name!r}")
    for field in fields(cls):  # type: ignore[arg-type]
        require(field.name in values or field.default is not MISSING, f"expected the key {field.name!r}, got none")
    kinds = {name: str if get_origin(hint) is Literal else hint for name, hint in types.items()}
    allowed = {name: get_args(kind) or (kind,) for name, kind in kinds.items()}
    return cls(**{name: require_type(name, value, *allowed[name]) for name, value in values.items()})
