"""Records: sequences as the user gave them, with their place; JSON, typed words and Python objects become records.

In JSON, a list is a source, and an object has the keys "input", "output" and any others. The keys may also be "source"
and "target", or have other names that the user gives.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2seq_demo.config import CHARACTERS, INTEGERS, WORDS
from seq2seq_demo.declarations import preview
from seq2seq_demo.errors import InputError

# The names by which a header is recognised. A header of several columns must contain both kinds.
KINDS = (  # names of sources, then names of targets
    {"source", "src", "input", "x", "word", "text", "question", "lemma", "spelling", "grapheme", "graphemes"},
    {"target", "tgt", "output", "y", "answer", "label", "translation", "pronunciation", "phonemes", "phones", "ipa"},
)
EXPECTED_JSON = 'JSON, a list of symbols or an object such as {"input": [1, 2], "output": "ab"}'
RECOGNISED = 10_000  # the first records, from which kinds of tokens are recognised
# The words of a side recur if it has at most FEW_WORDS different words, plus one for every MEAN_COUNT words. A network
# learns little about rarer words, and cannot read words that occur only in new texts.
FEW_WORDS, MEAN_COUNT = 50, 25
Tokens = tuple[str | None, str | None]  # the kinds of sources and of targets; None: to be recognised
MAX_DEPTH = 100  # levels of nested lists and objects in a value that is copied to the answer
_NOT_IN_WORDS = re.compile(r"[!-/:-@\[-`{-~]|^[0-9]|[0-9](?!$)")  # ASCII punctuation, and digits but for one at the end
_INTEGERS = re.compile(r"\s*(0|[1-9][0-9]{0,9})([\s,]+(0|[1-9][0-9]{0,9}))+[\s,]*")  # no leading zeros, unlike dates


class Place(NamedTuple):
    """The place of a record in its file or list, used as the prefix of errors."""

    title: str  # the file or the argument
    kind: str = ""  # "line", counted from 1; "sequence" (of a JSON list) or "row", counted from 0
    number: int = 0
    side: str = ""  # "output", or empty for the source or the whole record

    @property
    def of_output(self) -> Place:
        """The place of the record's output."""
        return Place(self.title, self.kind, self.number, "output")

    def __str__(self) -> str:
        number = f"{self.kind} {self.number}" if self.kind else ""
        return ", ".join(part for part in (self.title, number, self.side) if part)


class Record(NamedTuple):
    """A source with the optional output and other values that the user gives, or the error from reading it."""

    place: Place
    values: Any  # a list or text; before validation, any JSON value; None if it cannot be read
    output: Any = None  # the expected answer
    others: dict[str, object] | None = None  # further values by name, such as an id, which are copied to the answer
    error: InputError | None = None  # why the record is invalid; its `values` are then unchanged


# ---- JSON ----


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these pairs; a hook for `json`, which would silently keep the last value of a key.

    Raises:
        ValueError: a key occurs twice.
    """
    values = dict(pairs)
    if len(values) < len(pairs):
        ((key, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"{preview(key)} twice in one object")
    return values


_decode = json.JSONDecoder(object_pairs_hook=unique_keys).decode  # made once, because it is called for every line


def is_bracketed(line: str) -> bool:
    """Whether a line begins with a bracket, as a JSON list or object does."""
    return line.lstrip().startswith(("[", "{"))


def parse_json(place: Place, text: str, expected: str = EXPECTED_JSON) -> Any:
    """Parse JSON; if it is invalid, raise InputError."""
    try:
        return _decode(text.rstrip())
    except json.JSONDecodeError as error:
        line = "" if place.kind == "line" else f"line {error.lineno} "
        raise InputError(f"{place}: expected {expected}: {error.msg}: {line}column {error.colno}") from error
    except (RecursionError, ValueError) as error:  # ValueError: also for an integer of more than 4300 digits
        raise InputError(f"{place}: expected {expected}, got {error}") from error


def to_record(place: Place, item: Any, keys: Sequence[str] = ()) -> Record:
    """Return the record of a JSON value; for an invalid object, the record contains the InputError.

    `keys` are the keys of source and target in an object, by default those with known names.
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
            raise InputError(f"{place}: expected an object with {named}, got {preview(item)}")
    except InputError as error:
        return Record(place, None, None, others or None, error=error)
    return Record(place, item[source], item.get(target), others or None)


def read_words(words: Sequence[str]) -> Record:
    """Return the record of one source of integers typed as words, such as `3 1 4`, `3,1,4` or JSON."""
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


def python_records(rows: Any, title: str, is_paired: bool = True) -> Iterator[Record]:
    """Yield the records of pairs or, unless `is_paired`, of sources; a side is a text, or a list or array of symbols.

    Args:
        rows: pairs (source, target) or sources; dictionaries with the keys "source" and "target" or "input" and
            "output"; a column of pandas; or a DataFrame with columns named source and target, or without others.
        title: the name of the rows, for errors.
        is_paired: whether a row has a target.

    Raises:
        InputError: `rows` has another type, or the DataFrame has other columns.
    """
    if hasattr(rows, "columns"):
        columns = _frame_columns(rows, title, 1 + is_paired)
        rows = zip(*columns, strict=True) if is_paired else columns[0]
    elif hasattr(rows, "dtype") and not isinstance(rows, np.ndarray):
        rows = _column(rows)
    elif isinstance(rows, str | dict | set) or not isinstance(rows, Iterable):
        expected = "pairs of a source and a target" if is_paired else "a list of sources"
        raise InputError(f"{title}: expected {expected}, got {preview(rows)}")
    for index, row in enumerate(rows):
        place = Place(title, "row", index)
        if isinstance(row, dict):
            yield to_record(place, {key: to_python(value) for key, value in row.items() if not _is_missing(value)})
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
    """Convert an array or NumPy scalar; a float that is an integer, such as 100.0, becomes one."""
    plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    return int(plain) if isinstance(plain, float) and plain.is_integer() else plain


def _is_missing(value: Any) -> bool:
    """Whether a value is None, NaN or pandas.NA."""
    return value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and math.isnan(value))


def _frame_columns(frame: Any, title: str, n: int) -> list[list[Any]]:
    """Return the source column of a DataFrame and, if `n` is 2, the target column."""
    keys = [*frame.columns]
    named = [keys[number] for number in named_columns([*map(str, keys)])[:n] if number is not None]
    chosen = named if len(named) == n else keys
    if len(chosen) != n or len({*keys}) < len(keys):
        expected = "columns source and target, or two columns" if n == 2 else "a column source, or one column"
        raise InputError(f"{title}: expected a DataFrame with {expected}, got {listed(keys) or 'none'}")
    return [_column(frame[key]) for key in chosen]


def _column(values: Any) -> list[Any]:
    """Return the values of a column; integers become texts, because a sequence of integers is a list.

    A column of integers with missing values consists of floats, such as 100.0.
    """
    plain = map(to_python, values)
    return [str(value) if isinstance(value, int) and not isinstance(value, bool) else value for value in plain]


def named_columns(names: Sequence[str]) -> tuple[int | None, int | None]:
    """Return the index of the column with a known source name, and of one with a known target name; None if missing."""
    source, target = (next((k for k, name in enumerate(names) if name.casefold() in kind), None) for kind in KINDS)
    return source, target


def listed(names: Sequence[str]) -> str:
    """Format the first ten names for an error."""
    return ", ".join(map(preview, names[:10]))


# ---- Kinds of tokens ----


def recognise(tokens: Tokens, records: Sequence[Record], has_fields: bool = False) -> tuple[str, str]:
    """Return the kinds of tokens in sources and targets; recognise each kind that is None from the first records.

    `has_fields` means that the records are the fields of a file, in which integers are written as text.
    """
    source, target = tokens
    if source and target:
        return source, target
    rows = [row for row in records[:RECOGNISED] if not row.error]
    sources, targets = [row.values for row in rows], [row.output for row in rows if row.output is not None]
    if has_fields:
        sources, targets = [*map(_integers_or_text, sources)], [*map(_integers_or_text, targets)]
    source = source or _kind(sources, target == INTEGERS)
    target = target or _kind(targets or sources, source == INTEGERS)
    if target == INTEGERS and tokens[0] is None:
        source = _kind(sources, True)
    return source, target


def _integers_or_text(field: Any) -> Any:
    """Return the integers of a field such as `3 1 4` or `3,1,4`; return any other value, and a number, unchanged."""
    is_list = isinstance(field, str) and "\n" not in field and _INTEGERS.fullmatch(field)
    return [int(word) for word in field.replace(",", " ").split()] if is_list else field


def _kind(values: list[Any], is_beside_integers: bool) -> str:
    """Return the kind of tokens in the values of one side; each value is a text or a list.

    The side is integers if at least half of its values are lists of integers or numbers, and some are lists or the
    other side is integers. It is words if a list contains a string of several characters, or if texts contain spaces
    and their words recur: there are few, most occur twice, and most are without punctuation and without digits but for
    one at the end. Otherwise, it is characters.
    """
    texts = [value for value in values if isinstance(value, str) and value]
    lists = [value for value in values if isinstance(value, list | tuple) and value]
    n_lists = sum(all(isinstance(item, int) for item in value) for value in lists)
    n_integers = n_lists + sum(text.isdecimal() for text in texts)
    if (n_lists or (is_beside_integers and n_integers)) and 2 * n_integers >= len(texts) + len(lists):
        return INTEGERS
    if any(isinstance(item, str) and len(item) > 1 for item in itertools.chain.from_iterable(lists)):
        return WORDS
    words = [word for text in texts for word in text.split()]
    counts = Counter(words)
    has_spaces = len(words) > sum(not text.isspace() for text in texts)  # a text has several words
    n_once, n_unusual = [*counts.values()].count(1), sum(bool(_NOT_IN_WORDS.search(word)) for word in counts)
    recur = len(counts) <= FEW_WORDS + len(words) / MEAN_COUNT and 2 * max(n_once, n_unusual) <= len(counts)
    return WORDS if has_spaces and recur else CHARACTERS
