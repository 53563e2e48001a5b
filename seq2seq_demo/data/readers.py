"""Readers for typed words, files, pipes and the terminal. Input is JSON, a table, or lines, `source<TAB>target`."""

from __future__ import annotations

import contextlib
import itertools
import json
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

from seq2seq_demo.config import INTEGERS, JSON, TEXT
from seq2seq_demo.data.blocks import BLANK, MAX_LINE, file_blocks, file_title, is_blank, plain_name, sampled
from seq2seq_demo.data.json_records import BOM, decode_utf8, parse_json, to_record
from seq2seq_demo.data.recognition import integers_or_text, recognise
from seq2seq_demo.data.records import TEXT_HINT, Place, Record, preview
from seq2seq_demo.data.tables import ANY_TABLE, Lines, Table, TableOptions, find_table, read_table, split
from seq2seq_demo.declarations import parse_integer
from seq2seq_demo.errors import InputError

MAX_DOCUMENT = 2**27  # bytes of JSON; the parsed Python objects take up to 25 times as much memory
SAMPLE_BYTES = 2**18  # the beginning of a file of pairs, from which tokens and columns are recognised
SAMPLE_RECORDS = 10_000  # the same for a JSON document
TEXT_NAMES, JSON_NAMES = (".tsv", ".txt"), (".json", ".jsonl")
ProgressCallback = Callable[[int], object]


@dataclass(frozen=True)
class InputFormat:
    """The tokens of sources and targets, and the format of a file; None means that it is recognised."""

    tokens: tuple[Any, Any] = (INTEGERS, INTEGERS)
    format: str | None = None
    table: TableOptions = ANY_TABLE
    blank_lines: bool = False  # a blank line has a record, too
    line_by_line: bool = False  # every line has a record, except in a JSON document of several lines

    @property
    def is_text(self) -> bool:
        """Whether sources or targets are, or may be, text."""
        return self.tokens != (INTEGERS, INTEGERS)

    @property
    def is_known(self) -> bool:
        """Whether the tokens are known."""
        return None not in self.tokens

    @property
    def expected(self) -> str:
        """The expected content of a file, for errors."""
        if self.is_text:
            return ("" if self.format == JSON else "texts, or ") + 'JSON as in {"input": "...", "output": "..."}'
        return "a JSON list of integers, or integers alone"

    def with_tokens(self, records: Iterable[Record | None]) -> InputFormat:
        """Return the format with all tokens; recognise unknown tokens from records that were read with this format."""
        return replace(self, tokens=recognise(self.tokens, records))

    def for_file(self, title: str, first: bytes) -> InputFormat:
        """Return the format of a file, detected from its name and first line.

        For integers and unknown tokens, the format stays None, because the format of each line is detected separately.
        """
        if self.format or not self.is_text or not self.is_known:
            return self
        name, is_json = plain_name(title), _looks_like_json(first)
        if name.endswith(TEXT_NAMES + JSON_NAMES):
            is_json = name.endswith(JSON_NAMES)
        return replace(self, format=JSON if is_json else TEXT)


INTEGER_FORMAT = InputFormat()


def read_words(words: Sequence[str], input_format: InputFormat = INTEGER_FORMAT, text_hint: str = TEXT_HINT) -> Record:
    """Return the record of one source typed as words: a text, or integers such as `3 1 4`, `3,1,4` or JSON.

    `text_hint` is appended to the error if the words are text but integers are expected.
    """
    place, text = Place("input"), " ".join(words)
    if input_format.tokens[0] != INTEGERS:
        return Record(place, text)
    line = text.encode(errors="surrogateescape")
    if _is_json(line):
        record = _read_line(place, line, replace(input_format, format=JSON))
        error = record.values if isinstance(record.values, InputError) else None
        return Record(place, text, error=error) if error else record
    parts = [part for word in words for part in word.replace(",", " ").split() or [word]]
    try:
        return Record(place, _parse_integers(parts, "input", text_hint))
    except InputError as error:
        return Record(place, text, error=error)


def read_file(
    name: str,
    input_format: InputFormat = INTEGER_FORMAT,
    on_progress: ProgressCallback = lambda _: None,
    on_format: Callable[[InputFormat, Table | None], object] = lambda *_: None,
) -> Iterator[Record | None]:
    """Yield the records of a file, or of standard input if the name is `-`. The file may be compressed by gzip.

    The file contains a JSON list of records, a single record, one record per line, or a table. A record is a list of
    symbols, or an object, `{"input": [...], "output": [...], "id": ...}`, in which only the input is required. A line
    may also consist of integers, optionally followed by a tab and the output. For text, a string may replace a list,
    and a line that is not JSON is a source, optionally followed by a tab and the output.

    Lines are read lazily, so a file may have any size or be a pipe; None means that no more input is available at the
    moment. To limit memory use, a line may have at most 4 MiB and any other document at most 128 MiB.

    Args:
        name: the file.
        input_format: the tokens and the format, as far as they are given.
        on_progress: called after each block of lines, with its number of bytes.
        on_format: called before the first record, with the tokens and the table that were recognised or given.

    Raises:
        InputError: the file cannot be read, is empty, is invalid JSON, or is too long. For an invalid line, the
            record contains the error.
    """
    title = file_title(name)
    try:
        if name == "-" and not sys.stdin:
            raise InputError("standard input: expected sequences, got a closed stream")
        yield from _read_records(title, file_blocks(name), input_format, on_progress, on_format)
    except OSError as error:
        raise InputError(f"{title}: expected a file of sequences: {error.strerror}") from error


def read_terminal(input_format: InputFormat = INTEGER_FORMAT) -> Iterator[Record]:
    """Yield one record per line that the user types, until end of file."""
    with contextlib.suppress(ImportError):  # Windows lacks it, but its console edits lines
        import readline  # noqa: F401  (gives input() line editing and a history)

    input_format = input_format if input_format.tokens[0] == INTEGERS else replace(input_format, format=TEXT)
    for number in itertools.count(1):
        try:
            line = input("> ")
        except EOFError:
            print()
            return
        if line.strip():
            yield _read_line(Place("", "line", number), line.encode(errors="surrogateescape"), input_format)


def _read_records(
    title: str,
    blocks: Iterator[bytes],
    form: InputFormat,
    on_progress: ProgressCallback,
    on_format: Callable[[InputFormat, Table | None], object],
) -> Iterator[Record | None]:
    """Yield the records of a file; if the first line is a complete record, every line is a record."""
    number, block = yield from _read_blank_lines(title, blocks, form)
    if not block:
        raise InputError(f"{title}: expected {form.expected}, got nothing")
    sample, blocks = sampled(block, blocks, SAMPLE_BYTES if form.table.is_paired else 0)
    first, name = next(BytesIO(sample)), plain_name(title)
    table = find_table(title, sample, form.format, form.table, _looks_like_json(first))

    def read(blocks: Iterable[bytes], form: InputFormat, on_progress: ProgressCallback) -> Iterator[Record | None]:
        if not table:
            return _read_lines(title, number, blocks, form, on_progress)
        lines = Lines(title, number, split(blocks, on_progress), form.blank_lines)
        return read_table(lines, table, lambda place, fields: _read_fields(place, fields, form))

    form = form.for_file(title, first)
    is_document = form.format != TEXT and not table and not name.endswith(".jsonl") and _is_json(first)
    is_document = is_document and not _is_whole_record(first, form.is_text)
    if form.line_by_line:
        is_document &= _may_continue(first)
    if not form.is_known:  # a text may begin with a bracket
        is_document &= name.endswith(".json") or _looks_like_json(first)
    if is_document:
        document = parse_json(Place(title), _read_document(title, number, blocks), form.expected)
        records = _document_records(title, document)
        on_format(form.with_tokens(records[:SAMPLE_RECORDS]), None)
        yield from records
        return
    if not form.is_known:
        form = form.with_tokens(read([sample], form, lambda _: None)).for_file(title, first)
    on_format(form, table)
    yield from read(blocks, form, on_progress)


def _read_blank_lines(
    title: str, blocks: Iterable[bytes], form: InputFormat
) -> Generator[Record | None, None, tuple[int, bytes]]:
    """Yield the records of blank lines at the start of a file, if blank lines have records.

    Return the number of the first line with text, and its block from this line on; 0 and b"" if there is none.
    """
    number = 1
    for block in blocks:
        start = 0
        for line in BytesIO(block):
            if not is_blank(line):
                return number, block[start:]
            yield from _blank_record(title, number, form)
            start += len(line)
            number += 1
        if not block:
            yield None
    return 0, b""


def _blank_record(title: str, number: int, form: InputFormat) -> Iterator[Record]:
    """Yield an empty record for a blank line if blank lines have records."""
    if form.blank_lines:
        yield Record(Place(title, "line", number), [] if form.tokens[0] == INTEGERS else "")


def _may_continue(first: bytes) -> bool:
    """Return whether the first line of a file may be the beginning of a JSON document of several lines."""
    text = first.decode(errors="replace").removeprefix("\ufeff").strip()
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos >= len(text) and text.endswith(("[", "{", ",", ":"))
    except (ValueError, RecursionError):
        return False
    return True


def _document_records(title: str, document: Any) -> list[Record]:
    """Return the records of a JSON document."""
    if isinstance(document, list) and document and all(isinstance(item, list | dict) for item in document):
        return [to_record(Place(title, "sequence", index), item) for index, item in enumerate(document)]
    return [to_record(Place(title), document)]


def _read_lines(
    title: str, number: int, blocks: Iterable[bytes], input_format: InputFormat, on_progress: ProgressCallback
) -> Iterator[Record | None]:
    """Yield the records of blocks of lines; `number` is the line number of the first line."""
    is_rest = False  # whether the next bytes are the rest of a line that is too long
    for block in blocks:
        if not block:
            yield None
        elif not is_rest and (rows := _integer_rows(title, number, block, input_format)) is not None:
            yield from rows
            number += len(rows)
        else:
            for line in BytesIO(block):
                if not is_rest and is_blank(line):
                    yield from _blank_record(title, number, input_format)
                elif not is_rest:
                    yield _read_line(Place(title, "line", number), line, input_format)
                is_rest = not line.endswith(b"\n")
                number += not is_rest
        on_progress(len(block))


# A line's shape is what remains without digits, commas and spaces. Only lines of these shapes are parsed together.
JSON_SHAPES = {b"[]\n", *(b'{"input":[]%b}\n' % rest for rest in (b"", b'"output":[]', b'"id":', b'"output":[]"id":'))}
TEXT_SHAPES = {b"\n", b"\t\n"}


def _integer_rows(title: str, number: int, block: bytes, input_format: InputFormat) -> list[Record] | None:
    """Parse a block of integer lines at once; return None if a line is invalid or the lines have different shapes.

    The caller then parses the lines one by one, which is slower but finds the invalid line.
    """
    shapes, n = block.translate(None, b"0123456789, \r"), block.count(b"\n")
    shape = shapes[: shapes.find(b"\n") + 1]
    if input_format.is_text or shapes != shape * n or len(block) > MAX_LINE:
        return None
    places = (Place(title, "line", number + k) for k in range(n))
    try:
        if input_format.format != TEXT and shape in JSON_SHAPES:
            items = json.loads(b"[%b]" % block[:-1].replace(b"\n", b","))
            # A line such as `[1],5` has more than one item.
            return [*map(to_record, places, items)] if len(items) == n else None
        if input_format.format != JSON and shape in TEXT_SHAPES:
            lines = BytesIO(block.replace(b",", b" "))
            rows: list[list[Any]] = [[[*map(int, field.split())] for field in line.split(b"\t")] for line in lines]
            if all(source for source, *_ in rows):  # no blank lines
                return [Record(place, *row) for place, row in zip(places, rows, strict=True)]
    except ValueError:  # invalid JSON
        pass
    return None


def _read_document(title: str, number: int, blocks: Iterable[bytes]) -> bytearray:
    """Return the document that begins on line `number`."""
    document = bytearray(b"\n" * (number - 1))  # so that a JSON error has the line number of the file
    for block in blocks:
        document += block
        if len(document) > MAX_DOCUMENT:
            expected = f"expected a JSON document of at most {MAX_DOCUMENT >> 20} MiB, or one sequence per line"
            raise InputError(f"{title}: {expected}, got a longer document")
    return document


def _is_json(line: bytes) -> bool:
    return line.lstrip(BLANK).removeprefix(BOM).lstrip(BLANK).startswith((b"[", b"{", b'"'))


def _looks_like_json(first: bytes) -> bool:
    """Return whether the first line of a file is the start of JSON, rather than a text that begins with a bracket."""
    content = first.lstrip(BLANK).removeprefix(BOM).strip(BLANK)
    if content in (b"[", b"{") or content.startswith((b"[{", b"[[", b'{"')):
        return True
    return content.startswith(b"[") and _json_or_none(content) is not None


def _is_whole_record(line: bytes, is_text: bool) -> bool:
    value = _json_or_none(line)
    return isinstance(value, dict | str if is_text else dict) or (
        isinstance(value, list) and not any(isinstance(item, list | dict) for item in value)
    )


def _json_or_none(line: bytes) -> Any:
    """Parse a line as JSON; return None if it is invalid, too long, or null."""
    if len(line) > MAX_LINE:
        return None
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _read_line(place: Place, line: bytes, form: InputFormat) -> Record:
    """Return the record of a line; for an invalid line, the record contains the InputError."""
    try:
        if len(line) > MAX_LINE:
            raise InputError(f"{place}: expected a line of at most {MAX_LINE >> 20} MiB, got a longer one")
        is_json = form.format == JSON or (form.format is None and _is_json(line))
        if is_json and (form.format or form.is_known or _json_or_none(line) is not None):
            return to_record(place, parse_json(place, line.rstrip(), form.expected))
        fields = decode_utf8(place, line).removesuffix("\n").removesuffix("\r").split("\t")
        if len(fields) > 2:
            hint = "select two columns with `columns`, as in `columns` 1,2"
            raise InputError(f"{place}: expected a source, a tab and a target, got {len(fields) - 1} tabs; {hint}")
        return _read_fields(place, fields, form)
    except InputError as error:
        return Record(place, error)


def _read_fields(place: Place, fields: list[str], form: InputFormat) -> Record:
    """Return the record of one or two fields: a source and, if given, an output."""
    sides = zip(("word", "target word"), form.tokens, fields, strict=False)
    try:
        return Record(place, *(_read_field(place, *side) for side in sides))
    except InputError as error:
        return Record(place, error)


def _read_field(place: Place, name: str, tokens: str | None, field: str) -> Any:
    if tokens == INTEGERS:
        if "\n" in field:  # in quotes
            raise InputError(f"{place}: expected integers, got a cell with a line break, {preview(field)}")
        return _parse_integers(field.replace(",", " ").split(), f"{place}, {name}", TEXT_HINT)
    return field if tokens else integers_or_text(field)


def _parse_integers(words: Iterable[str], name: str, hint: str) -> list[int]:
    """Parse words as integers; raise InputError for any other word. `hint` is appended if the first word is text."""
    values = []
    for position, word in enumerate(words, start=1):
        try:
            values.append(parse_integer(word))
        except ValueError as error:
            hint = "" if position > 1 or _is_number(word) else hint
            raise InputError(f"{name} {position}: expected an integer, got {word[:40]!r}{hint}") from error
    return values


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
