"""Settings as dataclass fields: each declares its option, help text and valid values, and is checked against them."""

import math
import numbers
import operator
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import Field, field, fields
from types import UnionType
from typing import Any, NamedTuple, TypeVar, cast

from seq2seq_demo.errors import UsageError

T = TypeVar("T")
_OPTION_NAMES: set[str] = set()  # every declared option, such as `--in-len`


class Range(NamedTuple):
    """The valid real numbers of a setting."""

    description: str  # completes "expected `dropout` ..."
    contains: Callable[[float], bool]


class Option(NamedTuple):
    """How a field is set on the command line, and which values it accepts."""

    usage: str = ""  # flags and metavar, such as `-L --num-layers N`; empty: no option
    help: str = ""  # {choices} and {default} are replaced by the choices and the default
    error_name: str | None = None  # the field's name in errors; None: its Python name in backticks
    at_least: int = 1  # lower bound of an integer
    at_most: int | None = None  # upper bound of an integer
    choices: Collection[str] = ()  # valid strings; empty: any string
    within: Range | None = None  # valid real numbers
    again: bool = False  # whether a resumed training run needs the option again

    @property
    def flags(self) -> list[str]:
        """The short flag, if the option has one, and the long flag."""
        return [word for word in self.usage.split() if word.startswith("-")]

    @property
    def metavar(self) -> str | None:
        """The placeholder of the value in the help; None if the option takes no value."""
        return next((word for word in self.usage.split() if not word.startswith("-")), None)

    def words(self, value: object) -> list[str]:
        """Return the option with a value, as a user types it."""
        return [self.flags[0], *([] if self.metavar is None else [str(value)])]


def setting(default: T, usage: str = "", help: str = "", **constraints: Any) -> T:
    """Declare a dataclass field with an `Option`; the class must call `check_fields` in `__post_init__`.

    `constraints` are the other fields of `Option`.
    """
    option = Option(usage, **constraints)
    _OPTION_NAMES.update(option.flags)
    help = help.format(choices=", ".join(option.choices), default=default)
    return field(default=default, metadata={"option": option._replace(help=help)})


def copied_setting(config: type, name: str, default: T) -> T:
    """Declare a field with this default and with the `Option` of the field `name` of the dataclass `config`."""
    return field(default=default, metadata=config.__dataclass_fields__[name].metadata)  # type: ignore[attr-defined]


def declared_fields(config: Any) -> dict[str, Field[Any]]:
    """Return the fields that a dataclass declares with `setting` or `copied_setting`, by name."""
    return {declared.name: declared for declared in fields(config) if "option" in declared.metadata}


def declared_option(declared: Field[Any]) -> Option:
    """Return the `Option` of a declared field."""
    return cast(Option, declared.metadata["option"])


def value_type(declared: Field[Any]) -> Any:
    """Return the type of a field; for `X | None`, return X."""
    return declared.type.__args__[0] if isinstance(declared.type, UnionType) else declared.type


def check_fields(config: Any) -> None:
    """Validate every declared field of a frozen dataclass, and convert each value to a plain Python type, for JSON.

    Raises:
        UsageError: a value is out of range.
    """
    for name, declared in declared_fields(config).items():
        object.__setattr__(config, name, checked_value(declared, getattr(config, name)))


def checked_value(declared: Field[Any], value: object) -> object:
    """Validate a field's value; return it as a plain int, float, bool or str, or as None if None is the default.

    Raises:
        UsageError: the value is out of range.
    """
    option, kind = declared_option(declared), value_type(declared)
    if value is None and declared.default is None:
        return None
    name = option.error_name or f"`{declared.name}`"
    if option.choices:
        return require_choice(name, value, option.choices)
    if kind is bool:
        return require_flag(name, value)
    if kind is int:
        return require_integer(name, value, option.at_least, option.at_most)
    if option.within is None:
        return value
    number = _to_float(value)
    if not option.within.contains(number):
        raise UsageError(f"expected {name} {option.within.description}, got {preview(value, as_python)}")
    return number


def with_option_names(message: str) -> str:
    """Replace each argument in backticks, such as `in_len`, by its option, such as --in-len."""

    def option_name(match: re.Match[str]) -> str:
        name = f"--{match[1].replace('_', '-')}"
        return name if name in _OPTION_NAMES else match[0]

    return re.sub(r"`(\w+)`", option_name, message)


def parse_integer(text: str) -> int:
    """Parse an integer in ASCII decimal digits; raise ValueError for anything else, including `1_0` and `１`."""
    if not text.isascii() or "_" in text:
        raise ValueError(text)
    return int(text)


def require_integer(name: str, value: Any, at_least: int, at_most: int | None = None) -> int:
    """Return a value of any integer type as an int; raise UsageError if it is out of range or not an integer."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < at_least:
        raise UsageError(f"expected {name} to be an integer of at least {at_least}, got {preview(value, as_python)}")
    if at_most is not None and number > at_most:
        raise UsageError(f"expected {name} of at most {at_most}, got {preview(number, as_python)}")
    return number


def require_flag(name: str, value: object) -> bool:
    """Return a bool; raise UsageError for any other type."""
    if not isinstance(value, bool):
        raise UsageError(f"expected {name} to be True or False, got {preview(value, as_python)}")
    return value


def _to_float(value: object) -> float:
    """Convert a real number of any type to a float; return nan, which no `Range` contains, for anything else."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def as_python(value: object) -> str:
    """Format a value as Python code; a number of any type is formatted as its digits."""
    return str(value) if isinstance(value, numbers.Number) else repr(value)


def as_json(value: object) -> str:
    """Format a value as JSON. Unicode characters are escaped only if the text contains a lone surrogate."""
    import json  # only needed for an error

    text = json.dumps(value, ensure_ascii=False)
    return text if text.isascii() or text.encode(errors="ignore").decode() == text else json.dumps(value)


def preview(value: object, write: Callable[[object], str] = as_json) -> str:
    """Format an invalid value for an error, on one line of at most 40 characters; as Python code if `write` fails."""
    for each in (write, as_python):
        try:
            return " ".join(each(value).split())[:40]
        except (TypeError, ValueError, RecursionError):
            continue
    return "a number of thousands of digits"  # Python prints no integer of more than 4300 digits


def suggestions(name: str, choices: Iterable[str], n: int) -> list[str]:
    """Return the `n` choices that are most similar to a name, or fewer if no others are similar; case is ignored."""
    import difflib  # only needed for an error

    folded = {choice.casefold(): choice for choice in reversed([*choices])}
    return [folded[match] for match in difflib.get_close_matches(name.casefold(), folded, n, 0.65)]


def require_choice(kind: str, value: object, choices: Collection[str]) -> str:
    """Return the value as a plain str if it is a choice; else raise UsageError, which suggests a similar choice."""
    if isinstance(value, str) and value in choices:
        return str(value)
    similar = suggestions(str(value), choices, 1)
    hint = f"did you mean {similar[0]}? " if similar else ""
    raise UsageError(f"unknown {kind} {preview(value, as_python)}: {hint}expected one of {', '.join(choices)}")
