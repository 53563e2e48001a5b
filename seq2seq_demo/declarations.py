"""Declares settings as dataclass fields, with their defaults, options, help and valid values, and checks them."""

import math
import numbers
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import field, fields
from types import MappingProxyType, UnionType
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

from seq2seq_demo.errors import UsageError

T = TypeVar("T")
NO_ALIASES: Mapping[str, str] = MappingProxyType({})
_FLAGS: dict[str, str] = {}  # maps the Python name of every option, such as `in_len`, to its flag, `--in-len`


class Range(NamedTuple):
    """The real numbers that are valid for a setting."""

    description: str  # completes "expected `dropout` ..."
    contains: Callable[[float], bool]


class Setting(NamedTuple):
    """A declared field: its default, its option on the command line, and its valid values."""

    default: Any
    usage: str = ""  # flags and metavar, such as `-L --num-layers N`; empty means no option
    help: str = ""  # {choices} stands for the choices
    error_name: str | None = None  # the field's name in errors; None means its Python name in backticks
    at_least: int = 1  # lower bound of an integer
    at_most: int | None = None  # upper bound of an integer
    within: Range | None = None  # valid real numbers
    choices: Collection[str] = ()  # valid strings, by default the values of a Literal type; empty means any string
    aliases: Mapping[str, str] = NO_ALIASES  # other names for choices
    name: str = ""  # the name of the field
    kind: Any = None  # the type of its values, apart from None

    @property
    def flags(self) -> list[str]:
        """The short flag, if the option has one, and the long flag."""
        return [word for word in self.usage.split() if word.startswith("-")]

    @property
    def metavar(self) -> str | None:
        """The placeholder for the value in the help; None if the option takes no value."""
        return next((word for word in self.usage.split() if not word.startswith("-")), None)

    def as_field(self) -> Any:
        """Return a dataclass field with this declaration; the class must call `check_fields` in `__post_init__`."""
        if self.usage:
            long_flag = self.flags[-1]
            _FLAGS[long_flag[2:].replace("-", "_")] = long_flag
        return field(default=self.default, metadata={"setting": self})

    def checked(self, value: object) -> object:
        """Check a value and return it as a plain int, float, bool or str (for JSON), or as None if that is the default.

        Raises:
            UsageError: the value is not valid.
        """
        if value is None and self.default is None:
            return None
        name = self.error_name or f"`{self.name}`"
        if self.choices:
            return require_choice(name, value, self.choices, self.aliases)
        if self.kind is bool:
            return require_flag(name, value)
        if self.kind is int:
            return require_integer(name, value, self.at_least, self.at_most)
        if self.within is None:
            return value
        is_real = isinstance(value, numbers.Real) and not isinstance(value, bool)
        try:
            number = float(value) if is_real else math.nan  # type: ignore[arg-type]
        except OverflowError:  # an integer or fraction above the largest float
            number = math.inf
        if not self.within.contains(number):
            raise UsageError(f"expected {name} {self.within.description}, got {preview(value, as_python)}")
        return number


def setting(default: T, usage: str = "", help: str = "", **constraints: Any) -> T:
    """Declare a dataclass field; `constraints` are other fields of `Setting`, such as `at_least=0`."""
    return Setting(default, usage, help, **constraints).as_field()  # type: ignore[no-any-return]


def declared_settings(config: type) -> dict[str, Setting]:
    """Return the declared fields of a dataclass by name, with their types and choices.

    Each help text ends with the default, unless it already mentions one.
    """
    settings = {}
    for attribute in fields(config):
        declared = attribute.metadata.get("setting")
        if declared is None:
            continue
        is_optional = get_origin(attribute.type) in (Union, UnionType)
        kind = get_args(attribute.type)[0] if is_optional else attribute.type
        choices = declared.choices or (get_args(kind) if get_origin(kind) is Literal else ())
        help, default = declared.help.format(choices=", ".join(choices)), declared.default
        if declared.metavar and default not in (None, ()) and "default" not in help:
            help += f" (default {f'{default:g}' if isinstance(default, float) else default})"
        settings[attribute.name] = declared._replace(name=attribute.name, kind=kind, choices=choices, help=help)
    return settings


def declared_options(config: type) -> dict[str, Setting]:
    """Return the declared fields of a dataclass that are command-line options, by name."""
    return {name: declared for name, declared in declared_settings(config).items() if declared.usage}


def check_fields(config: Any) -> None:
    """Check each declared value of a frozen dataclass, and replace it with the result of `Setting.checked`.

    Raises:
        UsageError: a value is out of range.
    """
    for name, declared in declared_settings(type(config)).items():
        object.__setattr__(config, name, declared.checked(getattr(config, name)))


def with_option_names(message: str) -> str:
    """Replace each argument in backticks, such as `in_len`, with its option, such as --in-len."""
    return re.sub(r"`(\w+)`", lambda match: _FLAGS.get(match[1], match[0]), message)


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
        raise UsageError(f"expected {name} to be at most {at_most}, got {preview(number, as_python)}")
    return number


def require_flag(name: str, value: object) -> bool:
    """Return a bool unchanged; raise UsageError for a value of any other type."""
    if not isinstance(value, bool):
        raise UsageError(f"expected {name} to be True or False, got {preview(value, as_python)}")
    return value


def as_python(value: object) -> str:
    """Format a value as Python code, except that a number of any type becomes plain digits."""
    return str(value) if isinstance(value, numbers.Number) else repr(value)


def as_json(value: object) -> str:
    """Format a value as JSON. Non-ASCII characters are escaped only if the JSON contains a lone surrogate."""
    import json  # needed only for errors

    text = json.dumps(value, ensure_ascii=False)
    return text if text.isascii() or text.encode(errors="ignore").decode() == text else json.dumps(value)


def preview(value: object, write: Callable[[object], str] = as_json) -> str:
    """Format an invalid value for an error message, on one line of at most 40 characters.

    If `write` fails, the value is formatted as Python code. A longer line is truncated: an ellipsis and the last
    character, such as a quotation mark, replace its end.
    """
    try:
        text = write(value)
    except (TypeError, ValueError, RecursionError):
        text = as_python(value)
    text = " ".join(text.split())
    return text if len(text) <= 40 else f"{text[:38]}…{text[-1]}"


def likely_name(name: str, names: Iterable[str]) -> str | None:
    """Return the valid name that is most similar to an unknown one, or None if no name is similar.

    Dashes, underscores and case are ignored.
    """
    import difflib  # needed only for errors

    folded = {_fold(each): each for each in names}
    return next((folded[near] for near in difflib.get_close_matches(_fold(name), folded, 1, 0.7)), None)


def _fold(name: str) -> str:
    return name.replace("-", "").replace("_", "").casefold()


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return the end of an error message: a question about the likely name or, if there is none, nothing."""
    near = likely_name(name, names)
    return f"; did you mean {near}?" if near else ""


def require_choice(kind: str, value: object, choices: Collection[str], aliases: Mapping[str, str] = NO_ALIASES) -> str:
    """Return the choice that a value names, perhaps by an alias; otherwise, raise UsageError with a likely choice."""
    if isinstance(value, str) and (choice := aliases.get(value, str(value))) in choices:
        return choice
    hint = did_you_mean(str(value), [*choices, *aliases])
    raise UsageError(f"unknown {kind} {preview(value, as_python)}: expected one of {', '.join(choices)}{hint}")
