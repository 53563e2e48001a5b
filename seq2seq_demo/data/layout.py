"""The first step of reading a file: find its layout. Its suffix and the options decide, not its content.

The content decides only what the options leave out: which columns have known names, and the kinds of tokens.
"""

from __future__ import annotations

import csv
import functools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

from seq2seq_demo.config import CHARACTERS, CSV, INTEGERS, JSON, TEXT, WORDS
from seq2seq_demo.data.lines import BLANK, BOM, UTF_8, plain_name
from seq2seq_demo.data.records import Place, Record, decode_utf8
from seq2seq_demo.declarations import preview
from seq2seq_demo.errors import InputError

SUFFIXES = {".csv": CSV, ".json": JSON, ".jsonl": JSON}  # any other file contains lines of text
BRACKETS = b"[", b"{"  # the start of a JSON list or object
# The names by which a header is recognised. A header of several columns must contain both kinds.
KINDS = (  # names of sources, then names of targets
    {"source", "src", "input", "x", "word", "text", "question", "lemma", "spelling", "grapheme", "graphemes"},
    {"target", "tgt", "output", "y", "answer", "label", "translation", "pronunciation", "phonemes", "phones", "ipa"},
)
# The words of a side recur if it has at most FEW_WORDS different words, plus one for every MEAN_COUNT words. A network
# learns little about rarer words, and cannot read words that occur only in new texts.
FEW_WORDS, MEAN_COUNT = 50, 25
Tokens = tuple[str | None, str | None]  # the kinds of sources and of targets; None: to be recognised
_NOT_IN_WORDS = re.compile(r"[0-9!-/:-@\[-`{-~]")  # digits and ASCII punctuation
_INTEGERS = re.compile(r"\s*(0|[1-9][0-9]{0,9})([\s,]+(0|[1-9][0-9]{0,9}))+[\s,]*")  # no leading zeros, unlike dates
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(,[0-9]{3})+")  # a single number, such as 1,234


@dataclass(frozen=True)
class InputFormat:
    """The options that describe a file; what they leave out follows from the file."""

    tokens: Tokens = (INTEGERS, INTEGERS)
    format: str | None = None  # None: the suffix decides
    columns: tuple[str, ...] = ()  # the names or numbers of the columns of sources and targets
    header: bool | None = None  # None: the first row is a header if it has known names
    is_paired: bool = False  # every record must have a target
    blank_lines: bool = False  # a blank line has a record, too
    encoding: str = UTF_8
    delimiter: str | None = None  # None: in a CSV file, the more frequent one of comma and semicolon


@dataclass(frozen=True)
class Table:
    """How the columns of a file are separated, and which of them are the source and the target."""

    format: str
    delimiter: str
    n_columns: int
    columns: tuple[int, ...]  # the source and, if there is one, the target
    header: tuple[str, ...] | None  # None: the first row is a record

    @functools.cached_property
    def others(self) -> dict[str, int]:
        """The index of each named column besides source and target; its cells are copied to the answers."""
        return {name: n for n, name in enumerate(self.header or ()) if n not in self.columns}

    @property
    def name(self) -> str:
        """The format as it is written in messages."""
        return self.format if self.format == TEXT else self.format.upper()

    def __str__(self) -> str:
        names = [preview(self.header[n]) if self.header else f"column {n + 1}" for n in self.columns]
        semicolon = " separated by semicolons" if self.delimiter == ";" else ""
        described = f"{self.name}{semicolon} with{'' if self.header else 'out'} a header"
        return f"{described}: sources are {names[0]}" + (f", targets are {names[1]}" if names[1:] else "")


@dataclass(frozen=True)
class Layout:
    """How a file is read."""

    given: InputFormat  # `tokens` are those of the file
    format: str = TEXT
    table: Table | None = None  # None: JSON, or lines without columns
    is_document: bool = False  # the file is a single JSON document
    looks_like_json: bool = False  # although it is read as text

    @property
    def tokens(self) -> tuple[str, str]:
        """The kinds of tokens in sources and targets, which `read_file` recognises if they are not given."""
        return cast(tuple[str, str], self.given.tokens)

    @functools.cached_property
    def expected(self) -> str:
        """The expected content, for errors."""
        is_text = self.given.tokens != (INTEGERS, INTEGERS)
        if self.format != JSON:
            return "texts" if is_text else "a JSON list of integers, or integers alone"
        content = 'JSON as in {"input": "...", "output": "..."}' if is_text else "a JSON list of integers"
        return content + ", or a list of these (one per line needs the suffix .jsonl)" * self.is_document

    @functools.cached_property
    def has_json_lines(self) -> bool:
        """Whether a line that begins with a bracket is JSON."""
        is_plain = not self.table and not self.given.format
        return self.format == JSON or (is_plain and self.tokens[0] == INTEGERS)


def file_format(title: str, given: InputFormat) -> str:
    """Return the format of a file: the one that is given, else the one of its suffix, else lines of text."""
    name = plain_name(title)
    return given.format or next((SUFFIXES[suffix] for suffix in SUFFIXES if name.endswith(suffix)), TEXT)


def find_layout(title: str, sample: Sequence[bytes], given: InputFormat) -> Layout:
    """Return the layout of a file; unknown tokens stay unknown.

    Args:
        title: the name of the file.
        sample: the first lines of the file, from its first line with text. They contain the first row of a table.
        given: the options that describe the file.

    Raises:
        InputError: a column of `columns` is missing, or there are more than two columns and it is unclear which to
            take, or the first row is invalid.
    """
    format, first = file_format(title, given), sample[0]
    has_columns = bool(given.columns) or given.header is not None
    if format == JSON:
        if has_columns:
            raise InputError(f"{title}: expected a table with `columns` or `header`, got JSON; if not, give `format`")
        return Layout(given, format, is_document=plain_name(title).endswith(".json"))
    delimiter = given.delimiter or ("\t" if format != CSV else max(",;", key=lambda x: first.count(x.encode())))
    text, *rest = (line.removeprefix(BOM).decode(errors="replace") for line in sample)
    try:
        row = split_row(text, iter(rest), format, delimiter)
    except csv.Error as error:
        decode_utf8(Place(title), first)
        expected = f"expected {format.upper()} in UTF-8 with lines that end with \\n or \\r\\n"
        raise InputError(f"{title}: {expected}, got an invalid line") from error
    header = _find_header(row, given, format == TEXT)
    if format == TEXT and header is None and not has_columns:
        return Layout(given, looks_like_json=given.tokens[0] != INTEGERS and is_bracketed(first))
    return Layout(given, format, Table(format, delimiter, len(row), _find_columns(title, row, header, given), header))


def is_bracketed(line: bytes) -> bool:
    """Return whether a line begins with a bracket, as a JSON list or object does."""
    return (b"[" in line or b"{" in line) and line.removeprefix(BOM).lstrip(BLANK).startswith(BRACKETS)


def split_row(line: str, following: Iterator[str], format: str, delimiter: str) -> list[str]:
    """Return the cells of a row, as Python's csv module reads them; in text, a quotation mark is a character.

    The row takes lines from `following` while a quotation is open.

    Raises:
        csv.Error: a carriage return is outside quotation marks, or a cell is very long.
    """
    row = line.removesuffix("\n").removesuffix("\r")
    if format == TEXT or not ('"' in row or "\r" in row):
        return row.split(delimiter)
    return next(csv.reader(chain([line], following), delimiter=delimiter))


def _find_header(row: Sequence[str], given: InputFormat, is_text: bool) -> tuple[str, ...] | None:
    """Return the names of the columns if the first row is a header.

    It is one if the options say so or select a column by name. Otherwise, it is one if it has known names; but a single
    column of text may begin with any word, such as `input`.
    """
    names, is_header = tuple(cell.strip() for cell in row), given.header
    if is_header is None:
        found = [number is not None for number in named_columns(names)]
        is_known = all(found) if len(names) > 1 else any(found) and not is_text
        is_header = is_known or any(not column.isdecimal() for column in given.columns)
    return names if is_header else None


def _find_columns(title: str, row: Sequence[str], header: Sequence[str] | None, given: InputFormat) -> tuple[int, ...]:
    """Return the indices of the columns of the source and, if there is one, of the target."""
    n, names = len(row), header or ()
    if given.columns:
        return tuple(_column_index(title, column, n, names) for column in given.columns)
    source, target = named_columns(names)
    if n == 2:
        return (1, 0) if source == 1 or target == 0 else (0, 1)
    if source is not None and target is not None:
        return source, target
    if source is not None and not given.is_paired:
        return (source,)
    if n > 2:
        expected = "two columns, `columns` to select them, or `format` text"
        raise InputError(f"{title}: expected {expected}, got {n} columns: {_listed(row)}")
    return tuple(range(n))


def named_columns(names: Sequence[str]) -> tuple[int | None, int | None]:
    """Return the index of the column with a known source name, and of one with a known target name; None if missing."""
    source, target = (next((k for k, name in enumerate(names) if name.casefold() in kind), None) for kind in KINDS)
    return source, target


def _column_index(title: str, column: str, n: int, names: Sequence[str]) -> int:
    """Return the index of the column with this name or, counted from 1, this number."""
    if column in names:
        return names.index(column)
    if column.isdecimal() and 1 <= int(column) <= n:
        return int(column) - 1
    expected = f"one of {_listed(names)}, or " if names else ""
    raise InputError(f"{title}: expected `columns` to be {expected}numbers from 1 to {n}, got {preview(column)}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(preview, names[:10]))


def integers_or_text(field: str) -> list[int] | str:
    """Return the integers of a field such as `3 1 4` or `3,1,4`; return any other field unchanged.

    A single number is also returned unchanged, with or without thousands separators, and so are several lines.
    """
    if _INTEGERS.fullmatch(field) and not _THOUSANDS.fullmatch(field) and "\n" not in field:
        return [int(word) for word in field.replace(",", " ").split()]
    return field


def recognise(tokens: Tokens, records: Iterable[Record | None]) -> tuple[str, str]:
    """Return the kinds of tokens in sources and targets; recognise each kind that is None from the records."""
    source, target = tokens
    if source and target:
        return source, target
    rows = [row for row in records if row and not row.error]
    sources, targets = [row.values for row in rows], [row.output for row in rows if row.output is not None]
    source = source or _kind(sources, target == INTEGERS)
    target = target or _kind(targets or sources, source == INTEGERS)
    if target == INTEGERS and tokens[0] is None:
        source = _kind(sources, True)
    return source, target


def _kind(values: list[Any], is_beside_integers: bool) -> str:
    """Return the kind of tokens in the values of one side; each value is a text or a list.

    The side is integers if at least half of its values are lists of integers or numbers, and some are lists or the
    other side is integers. It is words if a list contains a string of several characters, or if texts contain spaces
    and their words recur: there are few, most occur twice, and most are without digits and punctuation. Otherwise, it
    is characters.
    """
    texts = [value for value in values if isinstance(value, str) and value]
    lists = [value for value in values if isinstance(value, list | tuple) and value]
    n_lists = sum(all(isinstance(item, int) for item in value) for value in lists)
    n_integers = n_lists + sum(text.isdecimal() for text in texts)
    if (n_lists or (is_beside_integers and n_integers)) and 2 * n_integers >= len(texts) + len(lists):
        return INTEGERS
    if any(isinstance(item, str) and len(item) > 1 for item in chain.from_iterable(lists)):
        return WORDS
    words = [word for text in texts for word in text.split()]
    counts = Counter(words)
    has_spaces = len(words) > sum(not text.isspace() for text in texts)  # a text has several words
    n_once, n_unusual = [*counts.values()].count(1), sum(bool(_NOT_IN_WORDS.search(word)) for word in words)
    recur = len(counts) <= FEW_WORDS + len(words) / MEAN_COUNT and 2 * n_once <= len(counts)
    return WORDS if has_spaces and recur and 2 * n_unusual <= len(words) else CHARACTERS
