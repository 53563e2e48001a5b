"""Finds the layout of a file (format, delimiter, columns, header), and turns its lines or rows into records.

A file's suffix and the options decide how it is read. Its content decides only what these leave open: the delimiter of
a CSV file and which columns have known names.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from seq2seq_demo.config import CSV, JSON, TEXT, UTF_8
from seq2seq_demo.data.records import Place, Record, is_bracketed, listed, named_columns, parse_json, to_record
from seq2seq_demo.declarations import preview
from seq2seq_demo.errors import InputError

SUFFIXES = {".csv": CSV, ".json": JSON, ".jsonl": JSON}  # any other file contains lines of text
DELIMITERS = ",;\t"  # in a CSV file
csv.field_size_limit(2**31 - 1)  # characters in a cell
CARRIAGE_RETURN = "expected a line feed at the end of each line, got a carriage return within a line"
# Our errors, by words in the csv module's errors
CSV_ERRORS = {"new-line": CARRIAGE_RETURN, "unexpected end": "a quotation mark is not closed"}
_UNDECODED = re.compile("[\udc80-\udcff]")  # bytes that the file's encoding cannot decode


@dataclass(frozen=True)
class InputFormat:
    """The options that describe a file; whatever they leave open is inferred from the file."""

    format: str | None = None  # None means that the suffix decides
    columns: tuple[str, ...] = ()  # the names or numbers of the columns of sources and targets, or JSON keys
    header: bool | None = None  # None means that the first row is a header if it has known names
    encoding: str = UTF_8
    blank_lines: bool = False  # whether a blank line also becomes a record
    json_lines: bool = False  # whether a line of text that begins with a bracket is JSON

    def format_of(self, title: str) -> str:
        """Return the format of a file: the given one, else the one that its suffix implies, else lines of text."""
        name = plain_name(title)
        return self.format or next((SUFFIXES[suffix] for suffix in SUFFIXES if name.endswith(suffix)), TEXT)


AS_SUFFIX = InputFormat()


@dataclass(frozen=True)
class Layout:
    """How a file is read."""

    file_format: InputFormat
    format: str
    delimiter: str = "\t"
    n_columns: int | None = None  # None means no table: a line contains a source, and perhaps a tab and a target
    columns: tuple[int, ...] = (0, 1)  # the indices of the source and, if present, the target
    header: tuple[str, ...] | None = None  # None means that the first row is a record

    def __str__(self) -> str:
        format = "text" if self.format == TEXT else self.format.upper()
        if self.n_columns is None:
            return format
        names = [preview(self.header[n]) if self.header else f"column {n + 1}" for n in self.columns]
        sides = ", ".join(f"{side} are {name}" for side, name in zip(("sources", "targets"), names, strict=False))
        return f"{format} with{'' if self.header else 'out'} a header: {sides}"


def plain_name(title: str) -> str:
    """Return the name of a file in lower case and without `.gz`, so that its suffix shows the format."""
    return title.lower().removesuffix(".gz")


def find_layout(title: str, text: str, file_format: InputFormat) -> Layout:
    """Return the layout of a file.

    The first row is a header if the options say so or select a column by name. Otherwise, it is a header if it contains
    known names for a source and a target.

    Raises:
        InputError: one of the given `columns` is missing, or there are more than two columns and it is unclear which
            ones to use.
    """
    format = file_format.format_of(title)
    if format == JSON:
        return Layout(file_format, format)
    delimiters = DELIMITERS if format == CSV else "\t"
    layouts = [Layout(file_format, format, delimiter=delimiter) for delimiter in delimiters]
    first_rows = [_first_row(title, text, layout) for layout in layouts]
    first_row = max(first_rows, key=len)
    layout = layouts[first_rows.index(first_row)]  # the delimiter that gives the most columns
    if len(first_row) < 2 and [] in first_rows:  # all rows are empty, or one is invalid; its record reports the error
        _require_decoded(Place(title, "line", 1), text.partition("\n")[0], file_format.encoding)
        return layouts[first_rows.index([])]
    names = tuple(cell.strip() for cell in first_row)
    has_header = file_format.header
    if has_header is None:
        has_header = None not in named_columns(names) or any(not column.isdecimal() for column in file_format.columns)
    if format == TEXT and not file_format.columns and file_format.header is None and not has_header:
        return layout
    columns = _find_columns(title, first_row, names if has_header else (), file_format)
    return replace(layout, n_columns=len(first_row), columns=columns, header=names if has_header else None)


def _first_row(title: str, text: str, layout: Layout) -> list[str]:
    """Return the cells of the first row that is not empty, or an empty list if there is none or it is invalid."""
    rows = _rows(title, io.StringIO(text), layout)
    first = next((cells for _, cells in rows if isinstance(cells, InputError) or "".join(cells).strip()), [])
    return [] if isinstance(first, InputError) else first


def _rows(title: str, lines: Iterable[str], layout: Layout) -> Iterator[tuple[Place, list[str] | InputError]]:
    """Yield the place and the cells of each row; if a row is not valid CSV, the error replaces the cells."""
    if layout.format in (JSON, TEXT):
        for number, line in enumerate(lines, start=1):
            yield Place(title, "line", number), line.rstrip("\r\n").split("\t")
        return
    reader = csv.reader(lines, delimiter=layout.delimiter, strict=True)
    while True:
        place = Place(title, "line", reader.line_num + 1)
        try:
            yield place, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            unknown = f"expected {layout.format.upper()}: {error}"
            reason = next((reason for words, reason in CSV_ERRORS.items() if words in str(error)), unknown)
            yield place, InputError(f"{place}: {reason}")


def _find_columns(title: str, row: Sequence[str], names: Sequence[str], file_format: InputFormat) -> tuple[int, ...]:
    """Return the indices of the source column and, if present, the target column."""
    if file_format.columns:
        return tuple(_column_index(title, column, len(row), names) for column in file_format.columns)
    source, target = named_columns(names)
    if source is not None and target is not None:
        return source, target
    if len(row) > 2:
        expected = "expected two columns, or `columns` to select them"
        raise InputError(f"{title}: {expected}, got {len(row)} columns: {listed(row)}")
    return tuple(range(len(row)))


def _column_index(title: str, column: str, n: int, names: Sequence[str]) -> int:
    """Return the index of the column with this name or this number, counted from 1."""
    for choices in (names, [*map(str, range(1, n + 1))]):
        if column in choices:
            return choices.index(column)
    known = f"one of {listed(names)}, or " if names else ""
    raise InputError(f"{title}: expected each of `columns` to be {known}a number from 1 to {n}, got {preview(column)}")


def to_records(title: str, lines: Iterable[str], layout: Layout) -> Iterator[Record]:
    """Yield the record of each line or row as it arrives."""
    awaits_header = layout.header is not None
    for place, cells in _rows(title, lines, layout):
        if isinstance(cells, InputError):
            yield Record(place, None, error=cells)
            continue
        text = "".join(cells)
        if text and not text.isspace():
            if awaits_header:
                awaits_header = False
            else:
                yield _row_record(place, cells, text, layout)
        elif layout.file_format.blank_lines:
            yield Record(place, "")


def _row_record(place: Place, cells: list[str], text: str, layout: Layout) -> Record:
    """Return the record of a row whose cells make up `text`; if the row is invalid, its record contains the error.

    The cells of all other named columns are copied to the answer.
    """
    file_format, n = layout.file_format, layout.n_columns
    try:
        _require_decoded(place, text, file_format.encoding)
        if "\r" in text and layout.format in (JSON, TEXT):
            raise InputError(f"{place}: {CARRIAGE_RETURN}")
        may_be_json = file_format.json_lines and n is None and not file_format.format
        if layout.format == JSON or (may_be_json and is_bracketed(text)):
            return to_record(place, parse_json(place, "\t".join(cells)), file_format.columns)
        if len(cells) != (n or min(len(cells), 2)):
            expected = f"{n} columns, as in the first row" if n else "a source, a tab and a target, or `columns`"
            raise InputError(f"{place}: expected {expected}, got {len(cells)} columns")
        names = enumerate(layout.header or ())
        others: dict[str, object] = {name: cells[k] for k, name in names if k not in layout.columns}
        source, *output = [cells[n] for n in layout.columns if n < len(cells)]
        return Record(place, source, output[0] if output else None, others=others or None)
    except InputError as error:
        return Record(place, None, error=error)


def _require_decoded(place: Place, text: str, encoding: str) -> None:
    """Raise InputError if a string contains a byte that its file's encoding cannot decode."""
    if not text.isascii() and (found := _UNDECODED.search(text)):
        byte = f"byte 0x{ord(found[0]) - 0xDC00:02x}"
        raise InputError(f"{place}: expected {encoding.upper()}, got {byte}; `encoding` selects a different encoding")
