"""Tables: files with columns, as CSV, TSV or text, in which a source and its target are two of the columns."""

from __future__ import annotations

import contextlib
import csv
import functools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

from seq2seq_demo.config import CSV, JSON, TEXT
from seq2seq_demo.data.blocks import MAX_LINE, is_blank, plain_name
from seq2seq_demo.data.json_records import BOM, decode_utf8
from seq2seq_demo.data.records import Place, Record, preview
from seq2seq_demo.errors import InputError

# The names by which a header is recognised. A header of several columns must contain both kinds.
KINDS = (  # names of sources, then names of targets
    {"source", "src", "input", "x", "word", "text", "question", "lemma", "spelling", "grapheme", "graphemes"},
    {"target", "tgt", "output", "y", "answer", "label", "translation", "pronunciation", "phonemes", "phones", "ipa"},
)
MIN_ROWS = 3  # minimum number of rows below a header that is recognised by its letters
CONSISTENT = 0.9  # minimum share of rows with the same number of columns, to recognise CSV or a header
_INTEGERS = re.compile(rb"[\d\s,+\[\]-]*")  # a line of integers, which is never recognised as CSV


@dataclass(frozen=True)
class TableOptions:
    """The options that describe a table; the reader recognises what they leave out."""

    columns: tuple[str, ...] = ()  # the names or numbers of the columns of sources and targets
    header: bool | None = None
    is_paired: bool = False  # every record must have a target


ANY_TABLE = TableOptions()


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

    def __str__(self) -> str:
        names = [preview(self.header[n]) if self.header else f"column {n + 1}" for n in self.columns]
        semicolon = " separated by semicolons" if self.delimiter == ";" else ""
        described = f"{_written(self.format)}{semicolon} with{'' if self.header else 'out'} a header"
        return f"{described}: sources are {names[0]}" + (f", targets are {names[1]}" if names[1:] else "")


def _written(format: str) -> str:
    return format if format == TEXT else format.upper()


def find_table(title: str, sample: bytes, format: str | None, options: TableOptions, is_json: bool) -> Table | None:
    """Return the table that a file contains; None if it is JSON, or plain lines of text or integers.

    Args:
        title: the name of the file.
        sample: the beginning of the file, from its first line with text.
        format: the format of the file; None if it is not given.
        options: the options that describe the table.
        is_json: whether the beginning looks like JSON.

    Raises:
        InputError: a column of `columns` is missing, or there are more than two columns and it is unclear which to
            take, or the first row is invalid.
    """
    is_given = bool(options.columns) or options.header is not None
    name = plain_name(title)
    if format == JSON or (not format and (is_json or name.endswith((".json", ".jsonl")))):
        if is_given:
            raise InputError(f"{title}: expected a table with `columns` or `header`, got JSON; if not, give `format`")
        return None
    first = next(BytesIO(sample))
    found = format or (CSV if _is_csv(name, first, sample, options) else TEXT)
    delimiter = _csv_delimiter(first) if found == CSV else "\t"
    rows = _sample_rows(sample, found, delimiter)
    if not rows and found != TEXT:
        decode_utf8(Place(title), first)
        expected = f"expected {found.upper()} with lines that end with \\n or \\r\\n"
        raise InputError(f"{title}: {expected}, got an invalid line")
    header = _find_header(rows, options, found == TEXT) if rows else None
    if not rows or (found == TEXT and header is None and not is_given):
        return None
    return Table(found, delimiter, len(rows[0]), _find_columns(title, rows[0], header, options), header)


def _is_csv(name: str, first: bytes, sample: bytes, options: TableOptions) -> bool:
    """Return whether a file whose format is not given is CSV; `first` is its first line.

    Lines of integers are never CSV. Without the suffix .csv, a file of pairs is CSV if it has hardly any tabs, and
    almost all rows have the same number of columns. Any other file is CSV if its first line has a comma, and `columns`
    is given.
    """
    if _INTEGERS.fullmatch(first.removeprefix(BOM)):
        return False
    if name.endswith(".csv"):
        return b"\t" not in first or b"," in first or b";" in first
    if b"\t" in first:
        return False
    if not options.is_paired:
        return bool(options.columns) and b"," in first
    widths = Counter(map(len, _sample_rows(sample, CSV, _csv_delimiter(first))))
    width, n = widths.most_common(1)[0] if widths else (0, 0)
    return width > 1 and n - sample.count(b"\t") >= CONSISTENT * widths.total()


def _csv_delimiter(first: bytes) -> str:
    return ";" if first.count(b";") > first.count(b",") else ","


def _reader(lines: Iterable[str], format: str, delimiter: str) -> Iterator[list[str]]:
    """Return a csv.reader; in text, a quotation mark is a character like any other."""
    return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE if format == TEXT else csv.QUOTE_MINIMAL)


def _sample_rows(sample: bytes, format: str, delimiter: str) -> list[list[str]]:
    """Return the rows of a sample before the first invalid one."""
    lines = (line.decode(errors="replace") for line in BytesIO(sample.removeprefix(BOM)) if not is_blank(line))
    rows: list[list[str]] = []
    with contextlib.suppress(csv.Error):
        for row in _reader(lines, format, delimiter):
            rows.append(row)
    return rows


def _find_header(rows: list[list[str]], options: TableOptions, is_text: bool) -> tuple[str, ...] | None:
    """Return the names of the columns if the first row is a header.

    The first row is a header if `columns` selects by name, if the row has known names, or if each cell has letters and
    a column below it consists of numbers.
    """
    names, is_header = tuple(cell.strip() for cell in rows[0]), options.header
    if is_header is None:
        has_kinds = [any(name.casefold() in kind for name in names) for kind in KINDS]
        is_known = any(has_kinds) if len(names) == 1 else all(has_kinds)
        has_columns = len(names) > 1 or not is_text  # a line of text may be any word, such as `input`
        is_named = any(not column.isdecimal() for column in options.columns)
        is_header = is_named or (has_columns and (is_known or _is_above_numbers(rows)))
    return names if is_header else None


def _is_above_numbers(rows: list[list[str]]) -> bool:
    """Return whether the first row has letters in every cell, and a column below it has only numbers."""
    first, others = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    is_consistent = len(others) >= max(MIN_ROWS, CONSISTENT * (len(rows) - 1))
    return is_consistent and all(map(_has_letter, first)) and any(map(_are_numbers, zip(*others, strict=True)))


def _has_letter(cell: str) -> bool:
    return any(map(str.isalpha, cell))


def _are_numbers(cells: tuple[str, ...]) -> bool:
    text = "".join(cells)
    return not _has_letter(text) and any(map(str.isdecimal, text))


def _find_columns(
    title: str, first: Sequence[str], header: tuple[str, ...] | None, options: TableOptions
) -> tuple[int, ...]:
    """Return the indices of the columns of the source and, if there is one, of the target."""
    n, names = len(first), header or ()
    if options.columns:
        if options.is_paired and len(options.columns) == 1:
            found = preview(options.columns[0])
            raise InputError(f"{title}: expected `columns` to select a source and a target, got only {found}")
        return tuple(_column_index(title, column, n, names) for column in options.columns)
    source, target = named_columns(names)
    if n == 2:
        return (1, 0) if source == 1 or target == 0 else (0, 1)
    if source is not None and target is not None:
        return source, target
    if source is not None and not options.is_paired:
        return (source,)
    if n > 2:
        raise InputError(f"{title}: expected two columns, or `columns` to select them, got {n}: {_listed(first)}")
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


@dataclass(eq=False)
class Lines(Iterator[str]):
    """The lines of a file, for csv.reader; an empty string means that no more input is available yet.

    Blank lines between rows are skipped or, with `blank_lines`, are empty rows.
    """

    title: str
    number: int  # the number of the next line
    lines: Iterator[bytes]
    blank_lines: bool
    first: int = 0  # the number of the first line of the current row; 0: no line has been read
    is_at_end: bool = False  # whether the file ends within a row
    _size: int = 0  # bytes of the current row
    _is_rest: bool = False  # whether the next bytes are the rest of a line that is too long

    def begin_row(self) -> None:
        """Forget the lines of the last row."""
        self.first = self._size = 0

    def __next__(self) -> str:
        for line in self.lines:
            if not line:
                return ""
            is_rest, self._is_rest = self._is_rest, not line.endswith(b"\n")
            if is_rest:
                continue
            place = Place(self.title, "line", self.number)
            self.number += 1
            if not self.first and is_blank(line):
                if not self.blank_lines:
                    continue
                self.first = place.number
                return "\n"
            self.first = self.first or place.number
            self._size += len(line)
            if self._size > MAX_LINE:
                raise InputError(f"{place}: expected a row of at most {MAX_LINE >> 20} MiB, got a longer one")
            return decode_utf8(place, line)
        self.is_at_end = self.first > 0
        raise StopIteration


def split(blocks: Iterable[bytes], on_progress: Callable[[int], object]) -> Iterator[bytes]:
    """Yield the lines of the blocks; an empty block is passed on."""
    for block in blocks:
        yield from BytesIO(block) if block else [block]
        on_progress(len(block))


def read_table(lines: Lines, table: Table, to_record: Callable[[Place, list[str]], Record]) -> Iterator[Record | None]:
    """Yield the records of a table, and None if no more input is available at the moment.

    Rows are read as Python's csv module reads them. An invalid row gives an error for each of its lines, so that the
    lines that a stray quotation mark swallows are counted.
    """
    rows = _reader(lines, table.format, table.delimiter)
    is_header = table.header is not None
    while True:
        lines.begin_row()
        message = ""
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            message = f"expected {_written(table.format)}: {error}"
        except InputError as error:
            message = str(error)
        if not lines.first:
            yield None
            continue
        place = Place(lines.title, "line", lines.first)
        if lines.is_at_end:
            message = "expected a second quotation mark, got the end of the file"
        elif not message and len(cells) not in (0, table.n_columns):
            message = f"expected as many columns as in the first row, {table.n_columns}, got {len(cells)}"
        if message:
            yield from _errors(place, lines.number, message)
        elif not cells:  # a blank line
            yield to_record(place, [""])
        elif not is_header:
            record = to_record(place, [cells[n] for n in table.columns])
            others: dict[str, object] = {name: cells[n] for name, n in table.others.items()}
            yield record._replace(others=others) if others else record
        is_header = False


def _errors(place: Place, end: int, message: str) -> Iterator[Record]:
    """Yield an error for each line of an invalid row, which ends before line `end`."""
    message = message if message.startswith(str(place.title)) else f"{place}: {message}"
    yield Record(place, InputError(message))
    for number in range(place.number + 1, end):
        inside = place._replace(number=number)
        yield Record(inside, InputError(f"{inside}: belongs to the invalid row that begins on line {place.number}"))
