"""Records are pairs or sources as the user gave them, in JSON, typed words or Python objects, with their places.

In JSON, a list is a source, and an object has the keys "input", "output" and any others. The first two may also be
"source" and "target", or keys that the user names.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2seq_demo.declarations import preview
from seq2seq_demo.errors import InputError

# The names by which a header is recognised. It must contain a name of each kind.
COLUMN_NAMES = (  # names for sources, then names for targets
    {"source", "src", "input", "x", "word", "text", "question", "lemma", "spelling", "grapheme", "graphemes"},
    {"target", "tgt", "output", "y", "answer", "label", "translation", "pronunciation", "phonemes", "phones", "ipa"},
)
EXPECTED_JSON = 'JSON, a list of symbols or an object such as {"input": [1, 2], "output": "ab"}'
MAX_DEPTH = 100  # levels of nested lists and objects in a value that is copied to the answer


class Place(NamedTuple):
    """The place of a record in its file or list, used as the prefix of errors."""

    title: str  # the file or the argument
    kind: str = ""  # "line", counted from 1; "sequence" (in a JSON list) or "row", counted from 0
    number: int = 0
    side: str = ""  # "output", or empty for the source or the whole record

    @property
    def of_output(self) -> Place:
        """The place of the record's output."""
        return self._replace(side="output")

    def __str__(self) -> str:
        number = f"{self.kind} {self.number}" if self.kind else ""
        return ", ".join(part for part in (self.title, number, self.side) if part)


class Record(NamedTuple):
    """A source, with an optional output and any other values that the user gives, or the error from reading it."""

    place: Place
    values: Any  # a list or string; before validation, any JSON value; None if it cannot be read
    output: Any = None  # the expected answer
    others: dict[str, object] | None = None  # further values by name, such as an id, which are copied to the answer
    error: InputError | None = None  # why the record is invalid; its `values` are then unchanged


def valid(records: Iterable[Record]) -> list[Record]:
    """Return the records, or raise the error of the first invalid record, with its `row`."""
    return without_errors(records, may_skip=False)[0]


def without_errors(
    records: Iterable[Record], may_skip: bool, n: int | None = None
) -> tuple[list[Record], list[InputError]]:
    """Read all records, or until n are valid; return the valid records, and the errors of the others that were read.

    Raises:
        InputError: a record is invalid, and `may_skip` is False. The error contains the record's `row`.
    """
    kept, errors = list[Record](), list[InputError]()
    for record in records:
        if len(kept) == n:
            break
        if record.error is None:
            kept.append(record)
        elif may_skip:
            errors.append(record.error)
        else:
            record.error.row = record.place.number if record.place.kind == "row" else None
            raise record.error
    return kept, errors


def by_length(records: Sequence[Record]) -> dict[int, list[int]]:
    """Return the indices of records for each source length; unreadable records are not included."""
    indices: dict[int, list[int]] = {}
    for index, record in enumerate(records):
        if record.error is None:
            indices.setdefault(len(record.values), []).append(index)
    return indices


def with_output(record: Record) -> Record:
    """Return the record, with an error if it has no output."""
    if record.error or record.output is not None:
        return record
    expected = 'expected a target, after a tab (in CSV, a comma), as "target" in JSON, or as the second of `columns`'
    return record._replace(error=InputError(f"{record.place}: {expected}, got only {preview(record.values)}"))


# ---- JSON ----


def is_bracketed(line: str) -> bool:
    """Whether a line begins with a bracket, as a JSON list or object does."""
    return line.lstrip().startswith(("[", "{"))


def parse_json(place: Place, text: str, expected: str = EXPECTED_JSON) -> Any:
    """Parse JSON; if it is invalid, raise InputError."""
    try:
        return json.loads(text.rstrip())
    except json.JSONDecodeError as error:
        line = "" if place.kind == "line" else f"line {error.lineno} "
        raise InputError(f"{place}: expected {expected}: {error.msg}: {line}column {error.colno}") from error
    except (RecursionError, ValueError) as error:  # ValueError: also for an integer of more than 4300 digits
        raise InputError(f"{place}: expected {expected}: {error}") from error


def to_record(place: Place, item: Any, keys: Sequence[str] = ()) -> Record:
    """Return the record of a JSON value; if it is an invalid object, the record contains the error.

    `keys` contains an object's keys for the source and the target, by default the known names.
    """
    if not isinstance(item, dict):
        return Record(place, item)
    known = "input" if "input" in item else "source", "output" if "output" in item else "target"
    source, target = (*keys, *known[len(keys) :])
    others = {key: value for key, value in item.items() if key not in (source, target)}
    try:
        _check_copied(place, others)
        if source not in item:
            named = preview(source) if keys else '"input" or "source"'
            hint = "; `columns` names other keys" if place.kind in ("line", "sequence") and not keys else ""
            raise InputError(f"{place}: expected an object with {named}, got {preview(item)}{hint}")
    except InputError as error:
        return Record(place, None, others=others or None, error=error)
    return Record(place, item[source], item.get(target), others=others or None)


def read_words(words: Sequence[str]) -> Record:
    """Return the record of a single source of integers, typed as words such as `3 1 4`, `3,1,4` or JSON."""
    place, text = Place("input"), " ".join(words)
    try:
        return to_record(place, parse_json(place, text)) if is_bracketed(text) else Record(place, text)
    except InputError as error:
        return Record(place, text, error=error)


def _check_copied(place: Place, value: Any, depth: int = 0) -> None:
    """Raise InputError if JSON cannot represent a value that is copied to the answer."""
    if depth > MAX_DEPTH or (isinstance(value, float) and not math.isfinite(value)):
        raise InputError(f"{place}: expected finite numbers and at most {MAX_DEPTH} nested lists in further keys")
    if isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            _check_copied(place, child, depth + 1)


# ---- Python objects ----


def python_records(rows: Any, title: str, is_paired: bool = True, names: Sequence[str] = ()) -> Iterator[Record]:
    """Yield the records of pairs or, unless `is_paired`, of sources.

    Each side of a pair is a string, or a list or array of symbols.

    Args:
        rows: pairs (source, target) or sources; dictionaries with the keys "source" and "target" or "input" and
            "output"; records, which are unchanged; a pandas column; or a DataFrame, whose columns must be named source
            and target unless there are no others.
        title: the name of the rows, for errors.
        is_paired: whether the rows are pairs; otherwise, they are sources.
        names: the columns or keys of sources and targets, if they have other names.

    Raises:
        InputError: `rows` has an unsupported type, or the DataFrame has unsuitable columns.
    """
    rows = _to_plain(rows)
    if hasattr(rows, "columns"):
        columns = _frame_columns(rows, title, 1 + is_paired, names)
        rows = zip(*columns, strict=True) if is_paired else columns[0]
    elif hasattr(rows, "dtype"):
        rows = _column(rows)
    elif isinstance(rows, str | dict | set) or not isinstance(rows, Iterable):
        expected = "pairs of a source and a target" if is_paired else "a list of sources"
        raise InputError(f"{title}: expected {expected}, got {preview(rows)}")
    for index, row in enumerate(rows):
        place = Place(title, "row", index)
        if isinstance(row, Record):
            yield row
        elif isinstance(row, dict):
            known = {key: to_python(value) for key, value in row.items() if not _is_missing(value)}
            yield to_record(place, known, names)
        elif not is_paired:
            yield Record(place, to_python(row))
        elif not isinstance(row, tuple | list) or len(row) != 2 or any(map(_is_missing, row)):
            error = InputError(f"{place}: expected a pair (source, target), got {preview(row, repr)}")
            yield Record(place, None, error=error)
        else:
            yield Record(place, to_python(row[0]), to_python(row[1]))


def to_python(row: Any) -> Any:
    """Convert a list, tuple or array to a list of Python values; return any other value unchanged."""
    row = _to_plain(row)
    return [*map(_to_plain, row)] if isinstance(row, tuple | list) else row


def _to_plain(value: Any) -> Any:
    """Convert an array or NumPy scalar to Python values; a float that is an integer, such as 100.0, becomes an int."""
    plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    return int(plain) if isinstance(plain, float) and plain.is_integer() else plain


def _is_missing(value: Any) -> bool:
    """Whether a value is None, NaN or pandas.NA."""
    return value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and math.isnan(value))


def _frame_columns(frame: Any, title: str, n: int, names: Sequence[str]) -> list[list[Any]]:
    """Return the source column of a DataFrame and, if `n` is 2, the target column; `names` selects them."""
    keys = [*frame.columns]
    known = [keys[number] for number in named_columns([*map(str, keys)])[:n] if number is not None]
    named = [key for name in names for key in keys if str(key) == name] if names else known
    chosen = named if names or len(named) == n else keys
    if len(chosen) != n or len({*keys}) < len(keys):
        expected = "columns source and target, or `columns` to name two" if n == 2 else "a column source, or one column"
        expected = f"columns {listed(names)}" if len(names) >= n else expected
        raise InputError(f"{title}: expected a DataFrame with {expected}, got {listed(keys) or 'none'}")
    return [_column(frame[key]) for key in chosen]


def _column(values: Any) -> list[Any]:
    """Return the values of a column; integers become strings, because only lists are sequences of integers.

    If values are missing, pandas stores integers as floats, such as 100.0.
    """
    plain = map(to_python, values)
    return [str(value) if isinstance(value, int) and not isinstance(value, bool) else value for value in plain]


def named_columns(names: Sequence[str]) -> tuple[int | None, int | None]:
    """Return the indices of the columns with known names for sources and targets; None means a missing column."""
    sources, targets = ([k for k, name in enumerate(names) if name.casefold() in known] for known in COLUMN_NAMES)
    return next(iter(sources), None), next(iter(targets), None)


def listed(names: Sequence[str]) -> str:
    """Format the first ten names for an error."""
    return ", ".join(map(preview, names[:10]))
