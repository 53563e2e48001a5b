"""The declaration of a field: how a user sets it, and which values it takes; the checks that follow from it."""

import math
import numbers
import operator
import re
from collections.abc import Callable, Collection
from dataclasses import Field, field, fields
from types import UnionType
from typing import Any, NamedTuple, TypeVar, cast

from seq2seq_demo.errors import UsageError

T = TypeVar("T")
_OPTION_NAMES: set[str] = set()  # every declared option, as `--in-len`


class Range(NamedTuple):
    """A range of real numbers: how an error describes it, and whether it holds a number."""

    text: str
    holds: Callable[[float], bool]


class Option(NamedTuple):
    """The declaration of a field: how a user sets it, and which values it takes."""

    written: str = ""  # on the command line, as `-L --num-layers N`; empty: it is no option there
    help: str = ""  # in which {choices} and {default} stand for those of the field
    called: str | None = None  # by errors; None: as the field
    at_least: int = 1  # of integers, as the next
    at_most: int | None = None
    choices: Collection[str] = ()  # of words; none: any word will do
    within: Range | None = None  # of real numbers

    @property
    def names(self) -> list[str]:
        """The letter, if there is one, and the name."""
        return [word for word in self.written.split() if word.startswith("-")]

    @property
    def metavar(self) -> str | None:
        """What stands for the value, None for a flag."""
        return next((word for word in self.written.split() if not word.startswith("-")), None)


def setting(default: T, written: str = "", help: str = "", **about: Any) -> T:
    """Declare a field, by the fields of `Option`, of a dataclass whose `__post_init__` calls `check_fields`."""
    option = Option(written, **about)
    _OPTION_NAMES.update(option.names)
    shown = help.format(choices=", ".join(option.choices), default=default)
    return field(default=default, metadata={"option": option._replace(help=shown)})


def setting_like(declaring: type, name: str, default: T) -> T:
    """Declare a field as another class declares its own, but for the default."""
    return field(default=default, metadata=declaring.__dataclass_fields__[name].metadata)  # type: ignore[attr-defined]


def declared_fields(config: Any) -> dict[str, Field[Any]]:
    """Return the fields of a dataclass that were declared with `setting`."""
    return {declared.name: declared for declared in fields(config) if "option" in declared.metadata}


def declared_option(declared: Field[Any]) -> Option:
    """Return how a field was declared."""
    return cast(Option, declared.metadata["option"])


def value_type(declared: Field[Any]) -> Any:
    """Return the type of a field's values, None aside."""
    return declared.type.__args__[0] if isinstance(declared.type, UnionType) else declared.type


def check_fields(config: Any) -> None:
    """Check every field that `setting` declared, and keep its plain value; `config` is frozen, and being made.

    Raises:
        UsageError: a value is out of its range.
    """
    for name, declared in declared_fields(config).items():
        object.__setattr__(config, name, checked_value(declared, getattr(config, name)))


def checked_value(declared: Field[Any], value: object) -> object:
    """Return a field's value as a plain int, float, bool or str; None where that is the default.

    Raises:
        UsageError: it is out of its range.
    """
    option, kind = declared_option(declared), value_type(declared)
    if value is None and declared.default is None:
        return None
    name = option.called or f"`{declared.name}`"
    if option.choices:
        return require_choice(name, value, option.choices)
    if kind is bool:
        return require_flag(name, value)
    if kind is int:
        return require_integer(name, value, option.at_least, option.at_most)
    if option.within is None:
        return value
    number = _real(value)
    if not option.within.holds(number):
        raise UsageError(f"expected {name} {option.within.text}, got {_shown(value)}")
    return number


def with_option_names(message: str) -> str:
    """Return a message in which each argument in backticks, `in_len`, is replaced by its option, --in-len."""

    def option_name(match: re.Match[str]) -> str:
        name = f"--{match[1].replace('_', '-')}"
        return name if name in _OPTION_NAMES else match[0]

    return re.sub(r"`(\w+)`", option_name, message)


def parse_integer(text: str) -> int:
    """Return the integer that `text` spells in decimal digits, else raise ValueError: `1_0` and `１` are none."""
    if not text.isascii() or "_" in text:
        raise ValueError(text)
    return int(text)


def require_integer(name: str, value: object, at_least: int, at_most: int | None = None) -> int:
    """Return an integer of any type as an int; raise UsageError unless it is one in that range."""
    number = _integer(value)
    if number is None or number < at_least:
        expected = f"expected {name} to be an integer of at least {at_least}"
        raise UsageError(f"{expected}, got {_shown(value if number is None else number)}")
    if at_most is not None and number > at_most:
        raise UsageError(f"expected {name} of at most {at_most}, got {_shown(number)}")
    return number


def require_flag(name: str, value: object) -> bool:
    """Return a bool; raise UsageError for anything else."""
    if not isinstance(value, bool):
        raise UsageError(f"expected {name} to be True or False, got {_shown(value)}")
    return value


def _integer(value: Any) -> int | None:
    """Return an integer of any type as an int; None for what is none, as a bool."""
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def _real(value: object) -> float:
    """Return a real number of any type as a float; nan, which no range holds, for what is none, as a bool."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _shown(value: object) -> str:
    """Return a value in a line, cut short; of a number, its digits alone, as in 0.5, not np.float64(0.5)."""
    try:
        return " ".join((str(value) if isinstance(value, numbers.Number) else repr(value)).split())[:40]
    except ValueError:
        return "one of thousands of digits"


def require_choice(kind: str, value: object, choices: Collection[str]) -> str:
    """Return the choice that `value` is; raise UsageError, naming the nearest choice and all of them, if it is none."""
    for choice in choices:
        if isinstance(value, str) and value == choice:
            return choice
    import difflib  # only an error needs it

    parts = [choice for choice in choices if value and str(value).casefold() in choice.casefold()]
    near = difflib.get_close_matches(str(value), choices, n=1) or parts
    hint = f"did you mean {near[0]}? " if near else ""
    raise UsageError(f"unknown {kind} {_shown(value)}: {hint}expected one of {', '.join(choices)}")
