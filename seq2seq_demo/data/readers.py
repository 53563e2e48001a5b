"""The second step of reading: yield the records of typed words, a file, a pipe or the terminal."""

from __future__ import annotations

import contextlib
import csv
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from seq2seq_demo.config import CSV, INTEGERS, JSON, TSV
from seq2seq_demo.data.layout import (
    BRACKETS,
    InputFormat,
    Layout,
    Table,
    Tokens,
    csv_rows,
    file_format,
    find_layout,
    integers_or_text,
    recognise,
)
from seq2seq_demo.data.lines import BLANK, BOM, MAX_LINE, Line, file_blocks, file_title, is_blank, numbered_lines
from seq2seq_demo.data.records import TEXT_HINT, Place, Record, decode_utf8, parse_json, to_record
from seq2seq_demo.declarations import parse_integer, preview
from seq2seq_demo.errors import InputError

MAX_DOCUMENT = 2**27  # bytes of JSON; the parsed Python objects take up to 25 times as much memory
SAMPLE_BYTES = 2**18  # the beginning of a file, from which tokens and columns are recognised
SAMPLE_RECORDS = 10_000  # the same for a JSON document
INTEGER_FORMAT = InputFormat()
Lines = Iterable[Line | None]
Records = Iterator[Record | None]  # None: no more input is available at the moment
ProgressCallback = Callable[[int], object]


def read_words(words: Sequence[str], tokens: str | None = INTEGERS, text_hint: str = TEXT_HINT) -> Record:
    """Return the record of one source typed as words: a text, or integers such as `3 1 4`, `3,1,4` or JSON.

    `text_hint` is appended to the error if the words are text but integers are expected.
    """
    place, text = Place("input"), " ".join(words)
    if tokens != INTEGERS:
        return Record(place, text)
    try:
        if text.startswith(("[", "{")):
            return to_record(
                place, parse_json(place, text.encode(errors="surrogateescape"), Layout(INTEGER_FORMAT).expected)
            )
        parts = [part for word in words for part in word.replace(",", " ").split() or [word]]
        return Record(place, _parse_integers(parts, place, "", text_hint))
    except InputError as error:
        return Record(place, text, error=error)


def read_terminal(tokens: Tokens = INTEGER_FORMAT.tokens) -> Iterator[Record]:
    """Yield one record per line that the user types, until end of file."""
    with contextlib.suppress(ImportError):  # Windows lacks it, but its console edits lines
        import readline  # noqa: F401  (gives input() line editing and a history)

    layout = Layout(InputFormat(tokens))
    for number in itertools.count(1):
        try:
            line = input("> ")
        except EOFError:
            print()
            return
        if line.strip():
            yield _read_line(Place("", "line", number), line.encode(errors="surrogateescape"), layout)


def read_file(
    name: str,
    given: InputFormat = INTEGER_FORMAT,
    on_progress: ProgressCallback = lambda _: None,
    on_layout: Callable[[Layout], object] = lambda _: None,
) -> Records:
    """Yield the records of a file, or of standard input if the name is `-`. The file may be compressed by gzip.

    The file contains JSON (a list of records, a single record, or one record per line), a table, or lines. A record is
    a list of symbols, or an object, `{"input": [...], "output": [...], "id": ...}`, in which only the input is
    required; for text, a string may replace a list. A line is a source, optionally followed by a tab and the output.

    Lines are read lazily, so a file may have any size or be a pipe; None means that no more input is available at the
    moment. To limit memory use, a line may have at most 4 MiB and any other document at most 128 MiB.

    Args:
        name: the file.
        given: the tokens and the format, as far as they are given.
        on_progress: called after each block of lines, with its number of bytes.
        on_layout: called with the layout of the file, before the first record that is not a blank line.

    Raises:
        InputError: the file cannot be read, is empty, is invalid JSON, or is too long. For an invalid line, the
            record contains the error.
    """
    title = file_title(name)
    try:
        if name == "-" and not sys.stdin:
            raise InputError("standard input: expected sequences, got a closed stream")
        lines = numbered_lines(file_blocks(name), on_progress)
        for first in lines:
            if first and not is_blank(first[1]):
                break
            yield from _blank_record(title, first, given)
        else:
            raise InputError(f"{title}: expected {Layout(given).expected}, got nothing")
        sample = _sample(first, lines, given.is_paired, file_format(title, given) in (CSV, TSV))
        layout = find_layout(title, [content for _, content in sample], given)
        lines = itertools.chain(sample, lines)
        document = [*read_records(title, lines, layout)] if layout.is_document else None
        sampled = read_records(title, sample, layout) if document is None else document[:SAMPLE_RECORDS]
        layout = replace(layout, given=replace(given, tokens=recognise(given.tokens, sampled)))
        on_layout(layout)
        yield from read_records(title, lines, layout) if document is None else document
    except OSError as error:
        raise InputError(f"{title}: expected a file of sequences: {error.strerror}") from error


def _sample(first: Line, lines: Lines, is_paired: bool, has_quotes: bool) -> list[Line]:
    """Return lines from which the layout is found: SAMPLE_BYTES of pairs, otherwise the first row.

    A client that writes sources to a pipe may wait for the first answer. With quotes, a row may have several lines.
    """
    sample, n_bytes, is_open = list[Line](), 0, False
    for line in itertools.chain([first], lines):
        if line:
            sample.append(line)
            n_bytes += len(line[1])
            is_open ^= line[1].count(b'"') % 2 == 1
            if n_bytes >= SAMPLE_BYTES or not (is_paired or (has_quotes and is_open)):
                break
    return sample


def read_records(title: str, lines: Lines, layout: Layout) -> Records:
    """Yield the records of the lines of a file; `lines` starts with the first line that is not blank."""
    if layout.is_document:
        return _read_document(title, lines, layout)
    return _read_table(title, lines, layout, layout.table) if layout.table else _read_lines(title, lines, layout)


def _read_document(title: str, lines: Lines, layout: Layout) -> Records:
    """Yield the records of a JSON document."""
    text = bytearray()
    for number, content in filter(None, lines):
        text += content if text else b"\n" * (number - 1) + content  # so that a JSON error has the line number
        if len(text) > MAX_DOCUMENT:
            expected = f"expected a JSON document of at most {MAX_DOCUMENT >> 20} MiB, or one sequence per line"
            raise InputError(f"{title}: {expected}, got a longer document")
    document = parse_json(Place(title), text, layout.expected)
    if isinstance(document, list) and document and all(isinstance(item, list | dict) for item in document):
        yield from (to_record(Place(title, "sequence", index), item) for index, item in enumerate(document))
    else:
        yield to_record(Place(title), document)


def _read_lines(title: str, lines: Lines, layout: Layout) -> Records:
    """Yield the records of lines of text, integers or JSON."""
    for line in lines:
        if line is None or is_blank(line[1]):
            yield from _blank_record(title, line, layout.given)
        elif line[0]:
            yield _read_line(Place(title, "line", line[0]), line[1], layout)


def _blank_record(title: str, line: Line | None, given: InputFormat) -> Records:
    """Yield an empty record for a blank line if blank lines have records; pass None on."""
    if line is None:
        yield None
    elif line[0] and given.blank_lines:
        yield Record(Place(title, "line", line[0]), [] if given.tokens[0] == INTEGERS else "")


def _read_line(place: Place, line: bytes, layout: Layout) -> Record:
    """Return the record of a line; for an invalid line, the record contains the InputError."""
    try:
        if len(line) > MAX_LINE:
            raise InputError(f"{place}: expected a line of at most {MAX_LINE >> 20} MiB, got a longer one")
        if layout.format == JSON or (layout.may_be_json and _is_bracketed(line)):
            try:
                return to_record(place, parse_json(place, line.rstrip(), layout.expected))
            except InputError:
                if layout.format == JSON or layout.given.tokens[0]:
                    raise  # otherwise, a text may begin with a bracket
        fields = decode_utf8(place, line).removesuffix("\n").removesuffix("\r").split("\t")
        if len(fields) > 2:
            hint = "select two columns with `columns`, as in `columns` 1,2"
            raise InputError(f"{place}: expected a source, a tab and a target, got {len(fields) - 1} tabs; {hint}")
        return _read_fields(place, fields, layout)
    except InputError as error:
        return Record(place, None, error=error)


def _is_bracketed(line: bytes) -> bool:
    return (b"[" in line or b"{" in line) and line.removeprefix(BOM).lstrip(BLANK).startswith(BRACKETS)


def _read_fields(place: Place, fields: Sequence[str], layout: Layout) -> Record:
    """Return the record of one or two fields: a source and, if given, an output."""
    source, target = layout.given.tokens
    try:
        values = _read_field(place, ", word", source, fields[0])
        return Record(place, values, _read_field(place, ", target word", target, fields[1]) if fields[1:] else None)
    except InputError as error:
        return Record(place, None, error=error)


def _read_field(place: Place, name: str, tokens: str | None, field: str) -> Any:
    if tokens != INTEGERS:
        return field if tokens else integers_or_text(field)
    if "\n" in field:  # in quotes
        raise InputError(f"{place}: expected integers, got a cell with a line break, {preview(field)}")
    words = field.replace(",", " ").split()
    if field.isascii() and "_" not in field:
        try:
            return [*map(int, words)]  # faster than one by one
        except ValueError:
            pass
    return _parse_integers(words, place, name, TEXT_HINT)


def _parse_integers(words: Sequence[str], place: Place, name: str, hint: str) -> list[int]:
    """Parse words as integers; raise InputError for any other word. `hint` is appended if the first word is text."""
    values = []
    for position, word in enumerate(words, start=1):
        try:
            values.append(parse_integer(word))
        except ValueError as error:
            hint = hint if position == 1 and word[:1].isalpha() else ""
            raise InputError(f"{place}{name} {position}: expected an integer, got {word[:40]!r}{hint}") from error
    return values


class _TableLines(Iterator[str]):
    """The lines of a table, for csv.reader; an empty string means that no more input is available at the moment."""

    def __init__(self, title: str, lines: Lines, blank_lines: bool) -> None:
        self.title, self.lines, self.blank_lines = title, iter(lines), blank_lines
        self.is_at_end = False  # whether the file ends within a row
        self.last = 0  # the number of the last line
        self.begin_row()

    def begin_row(self) -> None:
        """Forget the lines of the last row."""
        self.first = self._n_bytes = 0  # the number of the first line, 0 before it is read; bytes of the row

    @property
    def place(self) -> Place:
        """The place of the current row."""
        return Place(self.title, "line", self.first)

    def __next__(self) -> str:
        for line in self.lines:
            if line is None:
                return ""
            number, content = line
            is_between = not self.first and is_blank(content)  # a blank line between rows
            if not number or (is_between and not self.blank_lines):
                continue
            self.first, self.last = self.first or number, number
            if is_between:
                return "\n"
            self._n_bytes += len(content)
            place = Place(self.title, "line", number)
            if self._n_bytes > MAX_LINE:
                raise InputError(f"{place}: expected a row of at most {MAX_LINE >> 20} MiB, got a longer one")
            return decode_utf8(place, content)
        self.is_at_end = self.first > 0
        raise StopIteration


def _read_table(title: str, all_lines: Lines, layout: Layout, table: Table) -> Records:
    """Yield the records of a table.

    An invalid row gives an error for each of its lines, so that the lines that a stray quotation mark swallows are
    counted.
    """
    lines, is_header = _TableLines(title, all_lines, layout.given.blank_lines), table.header is not None
    rows = csv_rows(lines, table.format, table.delimiter)
    while True:
        lines.begin_row()
        try:
            cells = _next_row(lines, rows, table)
        except StopIteration:
            return
        except InputError as error:
            yield from _row_errors(lines, error)
            cells = ["invalid"]
        else:
            if not cells:
                yield from _blank_record(title, (lines.first, b"") if lines.first else None, layout.given)
            elif not is_header:
                record = _read_fields(lines.place, [cells[n] for n in table.columns], layout)
                others: dict[str, object] = {name: cells[n] for name, n in table.others.items()}
                yield record._replace(others=others) if others else record
        is_header &= not cells


def _next_row(lines: _TableLines, rows: Iterator[list[str]], table: Table) -> list[str]:
    """Return the next row, as Python's csv module reads it; empty if a line is blank or no more input is available.

    Raises:
        InputError: the row is invalid.
        StopIteration: there are no more rows.
    """
    try:
        cells = next(rows)
    except csv.Error as error:
        raise InputError(f"{lines.place}: expected {table.name}: {error}") from error
    if lines.is_at_end:
        raise InputError(f"{lines.place}: expected a second quotation mark, got the end of the file")
    if len(cells) not in (0, table.n_columns):
        expected = f"expected as many columns as in the first row, {table.n_columns}"
        raise InputError(f"{lines.place}: {expected}, got {len(cells)}")
    return cells


def _row_errors(lines: _TableLines, error: InputError) -> Iterator[Record]:
    """Yield an error for each line of an invalid row."""
    yield Record(lines.place, None, error=error)
    for number in range(lines.first + 1, lines.last + 1):
        place = lines.place._replace(number=number)
        inside = InputError(f"{place}: belongs to the invalid row that begins on line {lines.first}")
        yield Record(place, None, error=inside)
