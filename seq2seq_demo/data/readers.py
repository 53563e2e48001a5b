"""The second step of reading: yield the records of typed words, a file, a pipe or the terminal."""

from __future__ import annotations

import contextlib
import csv
import itertools
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from seq2seq_demo.config import CSV, FORMATS, INTEGERS, JSON, TEXT, TSV
from seq2seq_demo.data.encoder import valid_records
from seq2seq_demo.data.layout import (
    InputFormat,
    Layout,
    Tokens,
    file_format,
    find_layout,
    integers_or_text,
    is_bracketed,
    recognise,
    split_row,
)
from seq2seq_demo.data.lines import MAX_LINE, Line, file_blocks, file_title, is_blank, numbered_lines
from seq2seq_demo.data.records import TEXT_HINT, Place, Record, decode_utf8, parse_json, to_record
from seq2seq_demo.declarations import parse_integer, preview, require_choice
from seq2seq_demo.errors import InputError

MAX_DOCUMENT = 2**27  # bytes of JSON; the parsed Python objects take up to 25 times as much memory
SAMPLE_BYTES = 2**18  # the beginning of a file, from which tokens and columns are recognised
SAMPLE_RECORDS = 10_000  # the same for a JSON document
SEPARATOR = re.compile(rb"(?:\xef\xbb\xbf)?sep=([!-~\t])\s*")  # Excel's first line of a CSV file
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
            return to_record(place, parse_json(place, text, Layout(INTEGER_FORMAT).expected))
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

    The file contains a JSON document (a list of records, or a single one), a table, or lines. A record is a list of
    symbols, or an object, `{"input": [...], "output": [...], "id": ...}`, in which only the input is required; for
    text, a string may replace a list. A line is JSON, or a source, optionally followed by a tab and the output.

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
        lines = numbered_lines(file_blocks(name, given.encoding), on_progress)
        for first in lines:
            if first and (separator := SEPARATOR.fullmatch(first[1])) and file_format(title, given) == CSV:
                given = replace(given, delimiter=separator[1].decode())
                continue
            if first and not is_blank(first[1]):
                break
            yield from _blank_record(title, first, given)
        else:
            raise InputError(f"{title}: expected {Layout(given).expected}, got nothing")
        sample = _sample(first, lines, given.is_paired, file_format(title, given) in (CSV, TSV))
        layout = find_layout(title, [content for _, content in sample], given)
        lines = itertools.chain(sample, lines)
        document = [*_read_document(title, lines, layout)] if layout.is_document else None
        sampled = _read_rows(title, sample, layout) if document is None else document[:SAMPLE_RECORDS]
        layout = replace(layout, given=replace(given, tokens=recognise(given.tokens, sampled)))
        on_layout(layout)
        yield from _read_rows(title, lines, layout) if document is None else document
    except OSError as error:
        raise InputError(f"{title}: expected a file of sequences: {error.strerror}") from error


def read_pairs(
    path: str | os.PathLike[str],
    format: str | None = None,
    columns: Sequence[str] = (),
    header: bool | None = None,
    encoding: str = InputFormat.encoding,
) -> list[tuple[Any, Any]]:
    """Return the pairs of a file, as `train` and `evaluate` take them.

    Each side is a text or a list of symbols; a missing target is None.

    Args:
        path: a file of lines, CSV, TSV or JSON, also compressed with gzip.
        format: "text", "csv", "tsv" or "json"; by default, the suffix decides.
        columns: the names or numbers, from "1", of the columns of sources and targets.
        header: whether the first row names the columns; by default, if it has known names.
        encoding: one of Python's codecs.

    Raises:
        UsageError: `format` is unknown.
        InputError: the file cannot be read, or a record is invalid.
    """
    require_choice("`format`", format or TEXT, FORMATS)
    given = InputFormat((None, None), format, tuple(map(str, columns)), header, is_paired=True, encoding=encoding)
    records = filter(None, valid_records(read_file(os.fspath(path), given)))
    return [(record.values, record.output) for record in records]


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


def _read_rows(title: str, lines: Lines, layout: Layout) -> Records:
    """Yield the records of lines or of the rows of a table; `lines` starts with the first line that is not blank.

    An invalid row of a table gives an error for each of its lines, so that the lines that a stray quotation mark
    swallows are counted.
    """
    lines, is_header = iter(lines), layout.table is not None and layout.table.header is not None
    following: list[Line] = []
    taken = _taken(lines, following)
    for line in lines:
        if line is None or is_blank(line[1], layout.table.delimiter if layout.table else "\t"):
            yield from _blank_record(title, line, layout.given)
        elif line[0]:
            following.clear()
            record = _read_line(Place(title, "line", line[0]), line[1], layout, taken)
            if not is_header:
                yield record
            for number, _ in following if record.error else ():
                place = Place(title, "line", number)
                inside = InputError(f"{place}: belongs to the invalid row that begins on line {line[0]}")
                yield Record(place, None, error=inside)
            is_header = False


def _taken(lines: Iterator[Line | None], following: list[Line]) -> Iterator[Line]:
    """Yield the lines, and append each to `following`; None is left out."""
    for line in filter(None, lines):
        following.append(line)
        yield line


def _read_document(title: str, lines: Lines, layout: Layout) -> Records:
    """Yield the records of a JSON document."""
    text = bytearray()
    for number, content in filter(None, lines):
        text += content if text else b"\n" * (number - 1) + content  # so that a JSON error has the line number
        if len(text) > MAX_DOCUMENT:
            expected = f"expected a JSON document of at most {MAX_DOCUMENT >> 20} MiB, or one sequence per line"
            raise InputError(f"{title}: {expected}, got a longer document")
    document = parse_json(Place(title), decode_utf8(Place(title), text), layout.expected)
    if isinstance(document, list) and document and all(isinstance(item, list | dict) for item in document):
        yield from (to_record(Place(title, "sequence", index), item) for index, item in enumerate(document))
    else:
        yield to_record(Place(title), document)


def _blank_record(title: str, line: Line | None, given: InputFormat) -> Records:
    """Yield an empty record for a blank line if blank lines have records; pass None on."""
    if line is None:
        yield None
    elif line[0] and given.blank_lines:
        yield Record(Place(title, "line", line[0]), [] if given.tokens[0] == INTEGERS else "")


def _read_line(place: Place, line: bytes, layout: Layout, following: Iterable[Line] = ()) -> Record:
    """Return the record of a line; for an invalid line, the record contains the InputError.

    A row of a table takes lines from `following` while a quotation is open.
    """
    others: dict[str, object] = {}
    source, target = layout.given.tokens
    try:
        text = _decode_line(place, line, len(line))
        if layout.has_json_lines and (layout.format == JSON or is_bracketed(line)):
            return to_record(place, parse_json(place, text.rstrip(), layout.expected))
        if table := layout.table:
            rest = _decode_row(place, len(line), following)
            try:
                cells = split_row(text, rest, table.format, table.delimiter)
            except csv.Error as error:
                raise InputError(f"{place}: expected {table.name}: {error}") from error
            if len(cells) != table.n_columns:
                expected = f"expected as many columns as in the first row, {table.n_columns}"
                raise InputError(f"{place}: {expected}, got {len(cells)}")
            fields = [cells[n] for n in table.columns]
            others = {name: cells[n] for name, n in table.others.items()}
        else:
            fields = text.removesuffix("\n").removesuffix("\r").split("\t")
            if len(fields) > 2:
                hint = "select two columns with `columns`, as in `columns` 1,2"
                raise InputError(f"{place}: expected a source, a tab and a target, got {len(fields) - 1} tabs; {hint}")
        values = _read_field(place, ", word", source, fields[0])
        output = _read_field(place, ", target word", target, fields[1]) if fields[1:] else None
        return Record(place, values, output, others or None)
    except InputError as error:
        return Record(place, None, None, others or None, error=error)


def _decode_line(place: Place, line: bytes, n_bytes: int) -> str:
    """Decode a line of a row; raise InputError if the row, which has `n_bytes` so far, is too long."""
    if n_bytes > MAX_LINE:
        raise InputError(f"{place}: expected a line of at most {MAX_LINE >> 20} MiB, got a longer one")
    return decode_utf8(place, line)


def _decode_row(place: Place, n_bytes: int, lines: Iterable[Line]) -> Iterator[str]:
    """Decode further lines of a row, whose first line has `n_bytes`; raise InputError at the end of the file."""
    for number, content in lines:
        n_bytes += len(content)
        yield _decode_line(place._replace(number=number), content, n_bytes)
    raise InputError(f"{place}: expected a second quotation mark, got the end of the file")


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
