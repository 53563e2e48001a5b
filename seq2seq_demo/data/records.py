"""Sequences that the user gives, where they stand, and how errors name what they hold."""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from seq2seq_demo.errors import InputError

MAX_SYMBOL = 2**31 - 1  # what a symbol can be at most
TEXT_HINT = "; texts need `in_tokens` or `out_tokens` of characters or words, in training"


class Place(NamedTuple):
    """The place of a sequence in its file or list."""

    title: str
    kind: str = ""  # "line", counted from 1, or "sequence" of a JSON list, from 0
    number: int = 0

    def __str__(self) -> str:
        """Return it as errors name it."""
        number = f"{self.kind} {self.number}" if self.kind else ""
        return ", ".join(part for part in (self.title, number) if part)


@dataclass
class Places:
    """The places of the sequences of a file."""

    numbers: Any = field(default_factory=lambda: array("q"))
    last: Place | None = None

    def note(self, rows: list[Record]) -> None:
        """Note where the next rows stand."""
        self.numbers.extend(row.place.number for row in rows)
        self.last = rows[-1].place

    def __getitem__(self, index: int) -> Place:
        """Return the place of a sequence."""
        assert self.last  # there is one for each number
        return self.last._replace(number=self.numbers[index])


class Record(NamedTuple):
    """A sequence, or the error that reading it was, where it stands, and what the user says of it."""

    place: Place
    values: Any  # a list, a text, or an InputError; whatever else JSON holds
    output: Any = None  # what the user expects for it
    id: object = None  # the user's name for it
    has_id: bool = False  # an id may be null


class Output(NamedTuple):
    """The output beside a sequence, as errors name it."""

    place: object

    def __str__(self) -> str:
        """Return its name, which only an error asks for."""
        return f"{self.place}, output"


class RecordBatch(NamedTuple):
    """Sources, and what is known of each."""

    rows: list[Record]

    def by_length(self) -> dict[int, list[int]]:
        """Return the numbers of the rows of each length."""
        numbers: dict[int, list[int]] = {}
        for number, row in enumerate(self.rows):
            numbers.setdefault(len(row.values), []).append(number)
        return numbers


def plain(row: Any) -> Any:
    """Return a list, tuple or array as a list of what Python calls numbers, where nothing is lost by that."""
    if isinstance(row, np.ndarray):
        return row.tolist() if _is_plain(row) else row
    if isinstance(row, tuple | list):
        return [item.item() if isinstance(item, np.generic) and _is_plain(item) else item for item in row]
    return row


def _is_plain(array: np.ndarray | np.generic) -> bool:
    """Say whether Python has numbers like these: it knows no masks, and NumPy makes integers of some times."""
    return array.dtype.kind not in "mM" and not has_mask(array)


def has_mask(value: Any) -> bool:
    """Say whether it is a masked array, without loading `numpy.ma`."""
    return isinstance(value, np.ndarray) and hasattr(value, "mask")


def check_integers(place: object, values: Any, largest: int | None = None) -> None:
    """Raise InputError unless it is a list of integers from 0 to largest."""
    if not isinstance(values, list):
        hint = TEXT_HINT if isinstance(values, str) else ""
        raise InputError(f"{place}: expected a list of integers, got {shown(values)}{hint}")
    largest = MAX_SYMBOL if largest is None else largest
    if values and (set(map(type, values)) != {int} or min(values) < 0 or max(values) > largest):
        if all(isinstance(value, list) for value in values):
            raise InputError(f"{place}: expected a list of integers, got a list of lists")
        wrong = next(value for value in values if type(value) is not int or not 0 <= value <= largest)
        raise InputError(f"{place}: expected integers from 0 to {largest}, got {shown(wrong)}")


def _json(value: object) -> str:
    """Return JSON in which letters of all scripts can be read, but not half a pair of surrogates."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isascii() or text.encode(errors="ignore").decode() == text else json.dumps(value)


def shown(value: object) -> str:
    """Return a wrong value in a line, as JSON has it, or as Python has it, cut short."""
    for write in (_json, repr):
        try:
            return " ".join(write(value).split())[:40]
        except (TypeError, ValueError, RecursionError):
            continue
    return "an integer of thousands of digits"  # which Python does not write
