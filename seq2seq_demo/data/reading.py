"""Reads records from a file or the terminal, with the layout that `layout.py` finds."""

import codecs
import contextlib
import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO, cast

from seq2seq_demo.config import CSV, FORMATS, INTEGERS, JSON, TEXT, TSV, UTF_8
from seq2seq_demo.console import notice
from seq2seq_demo.data.layout import InputFormat, Layout, find_layout, plain_name, to_records
from seq2seq_demo.data.records import (
    EXPECTED_JSON,
    Place,
    Record,
    parse_json,
    python_records,
    to_record,
    valid,
    with_output,
)
from seq2seq_demo.data.tokens import recognise
from seq2seq_demo.data.vocabulary import Vocabulary
from seq2seq_demo.declarations import preview, require_choice, require_flag
from seq2seq_demo.errors import InputError, MissingInput, UsageError, system_reason

# ---- Files ----


def read(data: object, title: str, file_format: InputFormat) -> tuple[list[Record], bool]:
    """Return the records of a file if `data` is a path, else of rows, as `python_records` reads them.

    Also return whether the records are fields of a table or lines of text, in which integers are strings. The file
    contains a JSON document (a list of records, or a single one), a table, or lines. In JSON, a record is a list of
    symbols or an object, `{"input": [...], "output": [...], "id": ...}`, in which only the input is required; a string
    may replace a list. A line is JSON, or a source that may be followed by a tab and the output. The name `-` means
    standard input; `title` names the rows in errors.

    Raises:
        InputError: the file cannot be read, is empty, or is invalid JSON. If a line is invalid, its record
            contains the error instead.
    """
    if not isinstance(data, str | os.PathLike):
        return [*python_records(data, title, names=file_format.columns)], False
    name = os.fspath(data)
    title, text = file_title(name), _read_text(name, file_format.encoding)
    if not text or text.isspace():
        raise InputError(f"{title} is empty")
    layout = find_layout(title, text, file_format)
    if layout.format == JSON and plain_name(title).endswith(".json"):
        records = [*_document(title, text, file_format.columns)]
    else:
        records = [*to_records(title, io.StringIO(text), layout)]
    first = next((record for record in records if not record.error), None)
    is_certain = file_format.format and (file_format.header is not None or file_format.columns)
    if first and (layout.n_columns or first.output is not None) and not is_certain:
        pair = " → ".join(preview(side) for side in (first.values, first.output) if side is not None)
        options = "`format`, `header` or `columns`"
        notice(f"Reading {title} as {layout}, first {pair}; if not, give {options}", is_warning=False)
    return records, layout.format != JSON


def stream_file(name: str, file_format: InputFormat) -> Iterator[Record]:
    """Yield the record of each line of a file or pipe as it arrives; lines are JSON, or text without a header.

    Raises:
        InputError: the file cannot be read, or it is a table.
    """
    title, format = file_title(name), file_format.format_of(name)
    if format in (CSV, TSV) or file_format.header or (file_format.columns and format != JSON):
        raise InputError(f"{title}: `line_buffered` needs lines of text or JSON, got a table")
    with _opened(name, file_format.encoding) as lines:
        yield from to_records(title, lines, Layout(file_format, format))


def read_pairs(
    path: str | os.PathLike[str],
    format: str | None = None,
    columns: str | Sequence[str] = (),
    header: bool | None = None,
    encoding: str = UTF_8,
) -> list[tuple[Any, Any]]:
    """Return the pairs in a file, in the form that `train` and `evaluate` accept.

    Each side of a pair is a string or a list of symbols.

    Args:
        path: a file of text lines, CSV, TSV or JSON, optionally compressed with gzip (`.gz`).
        format: "text", "csv", "tsv" or "json"; by default, the suffix decides.
        columns: the names or numbers (from "1") of the source and target columns, or the keys in JSON, as in "word,ipa"
            or ("word", "ipa").
        header: whether the first row names the columns; by default, true if it contains known names.
        encoding: one of Python's codecs.

    Raises:
        UsageError: `format` is unknown, there are more than two `columns`, or `header` is not a bool.
        InputError: the file cannot be read, or a record is invalid or has no target.
    """
    require_choice("`format`", format or TEXT, FORMATS)
    header = None if header is None else require_flag("`header`", header)
    file_format = InputFormat(format, parse_columns(columns), header, encoding=encoding)
    records, are_fields = read(path, "", file_format)
    kinds = recognise((None, None), records, are_fields)
    rows = valid(map(with_output, records))
    to_integers = Vocabulary(INTEGERS).tokenize
    source, target = (to_integers if kind == INTEGERS else lambda value, place: value for kind in kinds)
    return [(source(row.values, row.place), target(row.output, row.place.of_output)) for row in rows]


def parse_columns(columns: str | Iterable[object]) -> tuple[str, ...]:
    """Return the names or numbers of one or two columns; split a string such as `word,3` at its comma.

    Raises:
        UsageError: there are more than two columns.
    """
    names = tuple(columns.split(",") if isinstance(columns, str) else map(str, columns))
    if len(names) > 2:
        raise UsageError(f"expected `columns` SOURCE,TARGET, such as 1,3, got {preview(columns, repr)}")
    return names


def file_title(name: str) -> str:
    """Return the name of a file for messages."""
    return "standard input" if name == "-" else name


@contextlib.contextmanager
def _opened(name: str, encoding: str) -> Iterator[TextIO]:
    """Open a file as text whose lines end with a line feed; an invalid byte becomes a lone surrogate."""
    title = file_title(name)
    try:
        codec = "utf-8-sig" if codecs.lookup(encoding).name == UTF_8 else encoding
        how: Any = {"encoding": codec, "errors": "surrogateescape", "newline": "\n"}
        if name == "-":
            cast(io.TextIOWrapper, sys.stdin).reconfigure(**how)
            yield sys.stdin
            return
        with (gzip.open if name.lower().endswith(".gz") else open)(name, "rt", **how) as file:
            yield cast(TextIO, file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"cannot read {title}: {error}") from error
    except InputError:
        raise
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise MissingInput(f"{title}: no such file") from error
        raise InputError(f"cannot read {title}: {system_reason(error)}") from error
    except (LookupError, ValueError) as error:
        raise InputError(f"cannot read {title} with `encoding` {encoding}: {error}") from error


def _read_text(name: str, encoding: str) -> str:
    """Return the content of a file; raise InputError if it is an Excel workbook."""
    with _opened(name, encoding) as file:
        text = file.read()
    if text.startswith("PK\3\4"):
        raise InputError(f"{file_title(name)}: expected a file of sequences, got an Excel workbook: save it as CSV")
    return text


def _document(title: str, text: str, keys: Sequence[str]) -> Iterator[Record]:
    """Yield the records of a JSON document; `keys` are as in `to_record`."""
    document = parse_json(Place(title), text, f"{EXPECTED_JSON}, or a list of these (lines need the suffix .jsonl)")
    if isinstance(document, list) and any(isinstance(item, list | dict) for item in document):
        yield from (to_record(Place(title, "sequence", index), item, keys) for index, item in enumerate(document))
    elif document == []:
        raise InputError(f"{title} is empty")
    else:
        yield to_record(Place(title), document, keys)


# ---- The terminal ----


def read_terminal(file_format: InputFormat) -> Iterator[Record]:
    """Yield one record per line that the user types, until the end of the input."""
    with contextlib.suppress(ImportError):  # Windows lacks this module, but its console can edit lines
        import readline  # noqa: F401  (gives input() line editing and a history)

    def lines() -> Iterator[str]:
        with contextlib.suppress(EOFError):
            while True:
                yield input("> ")
        print()

    yield from to_records("", lines(), Layout(file_format, TEXT))
