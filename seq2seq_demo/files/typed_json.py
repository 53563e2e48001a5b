"""Parses untrusted JSON into dataclasses and checks the type of every value."""

import functools
import json
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from seq2seq_demo.errors import WeightsError, require

T = TypeVar("T")
MAX_NUMBER = 10**50  # the limit for numbers; Python would parse thousands of digits
_hints = functools.cache(get_type_hints)


def parse_json(text: str) -> Any:
    """Parse JSON.

    Raises:
        WeightsError: the string is not JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"expected JSON, got {text[:40]!r}") from error


def require_type(name: str, value: Any, *types: type[T]) -> T:
    """Return a value after checking its type; an integer is accepted as a float, but a bool as neither.

    Raises:
        WeightsError: the value has a different type, is not finite, or exceeds MAX_NUMBER.
    """
    is_huge = type(value) in (int, float) and not abs(value) < MAX_NUMBER
    if float in types and type(value) is int and not is_huge:
        value = float(value)
    if type(value) not in types or is_huge:
        expected = " or ".join("null" if kind is NoneType else kind.__name__ for kind in types)
        raise WeightsError(f"expected {name!r} as {expected}, got {repr(value)[:40]}")
    return value  # type: ignore[no-any-return]


def parse(kind: type[T], value: Any, name: str, **others: Any) -> T:
    """Convert a JSON value to a dataclass. Keys in `kind.REMOVED`, if the class has this attribute, are ignored.

    Args:
        kind: the dataclass.
        value: the JSON value.
        name: the name of the value in errors.
        others: the values of fields that the JSON lacks.

    Raises:
        WeightsError: a value has the wrong type, is missing, or belongs to no field.
    """
    removed = getattr(kind, "REMOVED", ())
    values = {key: each for key, each in require_type(name, value, dict).items() if key not in removed}
    hints = _hints(kind)  # type: ignore[arg-type]
    known = [field for field in fields(kind) if field.name not in others]  # type: ignore[arg-type]
    for key in sorted(values.keys() - {field.name for field in known}):
        raise WeightsError(f"unknown key {key[:40]!r}; the known keys are {', '.join(field.name for field in known)}")
    for field in known:
        is_optional = (field.default, field.default_factory) != (MISSING, MISSING)
        require(is_optional or field.name in values, f"the key {field.name!r} is missing")
    return kind(**{key: _parse_value(hints[key], each, key) for key, each in values.items()}, **others)


def _parse_value(hint: Any, value: Any, name: str) -> Any:
    """Convert a JSON value to a field's type: `X`, `X | None`, `Literal["a", "b"]`, `tuple[X, ...]` or a subclass."""
    sequence = get_origin(hint) or hint
    if isinstance(sequence, type) and issubclass(sequence, tuple):
        item, _ = get_args(hint) or get_args(hint.__orig_bases__[-1])
        return sequence(_parse_value(item, each, name) for each in require_type(name, value, list))
    kinds = get_args(hint) or (hint,)
    if is_dataclass(kind := kinds[0]) and isinstance(kind, type) and not (value is None and NoneType in kinds):
        return parse(kind, value, name)
    return require_type(name, value, *((str,) if get_origin(hint) is Literal else kinds))
