"""Readers for typed words, files, pipes and the terminal. Input is JSON, or lines of text, `source<TAB>target`."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import select
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from io import BufferedReader, BytesIO
from typing import Any

from seq2seq_demo.config import FORMATS, INTEGERS
from seq2seq_demo.data.json_records import BOM, decode_utf8, parse_json, to_record
from seq2seq_demo.data.records import TEXT_HINT, Place, Record
from seq2seq_demo.declarations import parse_integer
from seq2seq_demo.errors import InputError

BLOCK_BYTES = 2**16  # read at once
MAX_LINE = 2**22  # bytes
MAX_DOCUMENT = 2**27  # bytes of JSON; the parsed Python objects take up to 25 times as much memory
BLANK = b" \t\r\n\v\f"
TEXT_NAMES, JSON_NAMES = (".tsv", ".txt"), (".json", ".jsonl")
JSON, TEXT = FORMATS
ProgressCallback = Callable[[int], object]


@dataclass(frozen=True)
class InputFormat:
    """The tokens of sources and targets, and the format of a file: "json", "text", or None to detect it."""

    in_tokens: str = INTEGERS
    out_tokens: str = INTEGERS
    format: str | None = None

    @property
    def is_text(self) -> bool:
        """Whether sources or targets are text."""
        return (self.in_tokens, self.out_tokens) != (INTEGERS, INTEGERS)

    @property
    def expected(self) -> str:
        """The expected content of a file, for errors."""
        if self.is_text:
            return 'texts, or JSON as in {"input": "...", "output": "..."}'
        return "a JSON list of integers, or integers alone"

    def for_file(self, title: str, first: bytes) -> InputFormat:
        """Return the format of a file, detected from its name and first line.

        For integers, the format stays None, because the format of each line is detected separately.
        """
        if self.format or not self.is_text:
            return self
        name, content = title.lower(), first.lstrip(BLANK).removeprefix(BOM).strip(BLANK)
        is_json = content in (b"[", b"{") or content.startswith((b"[{", b"[[", b'{"'))
        if name.endswith(TEXT_NAMES + JSON_NAMES):
            is_json = name.endswith(JSON_NAMES)
        elif content.startswith(b"[") and not is_json:
            is_json = _json_or_none(first) is not None
        return replace(self, format=JSON if is_json else TEXT)


INTEGER_FORMAT = InputFormat()


def read_words(words: Sequence[str], input_format: InputFormat = INTEGER_FORMAT, text_hint: str = TEXT_HINT) -> Record:
    """Return the record of one source typed as words: a text, or integers such as `3 1 4`, `3,1,4` or JSON.

    `text_hint` is appended to the error if the words are text but integers are expected.
    """
    place, text = Place("input"), " ".join(words)
    if input_format.in_tokens != INTEGERS:
        return Record(place, text)
    line = text.encode(errors="surrogateescape")
    if _is_json(line):
        return _read_line(place, line, replace(input_format, format=JSON))
    parts = [part for word in words for part in word.replace(",", " ").split() or [word]]
    try:
        return Record(place, _parse_integers(parts, "input", text_hint))
    except InputError as error:
        return Record(place, error)


def read_file(
    name: str, input_format: InputFormat = INTEGER_FORMAT, on_progress: ProgressCallback = lambda _: None
) -> Iterator[Record | None]:
    """Yield the records of a file, or of standard input if the name is `-`.

    The file contains a JSON list of records, a single record, or one record per line. A record is a list of symbols,
    or an object, `{"input": [...], "output": [...], "id": ...}`, in which only the input is required. A line may also
    consist of integers, optionally followed by a tab and the output. For text, a string may replace a list, and a line
    that is not JSON is a source, optionally followed by a tab and the output.

    Lines are read lazily, so a file may have any size or be a pipe; None means that no more input is available at the
    moment. To limit memory use, a line may have at most 4 MiB and any other document at most 128 MiB. After each block
    of lines, `on_progress` is called with the block's size in bytes.

    Raises:
        InputError: the file cannot be read, is empty, is invalid JSON, or is too long. For an invalid line, the
            record contains the error.
    """
    title = "standard input" if name == "-" else name
    try:
        if name == "-" and not sys.stdin:
            raise InputError("standard input: expected sequences, got a closed stream")
        yield from _read_records(title, _file_blocks(name), input_format, on_progress)
    except OSError as error:
        raise InputError(f"{title}: expected a file of sequences: {error.strerror}") from error


_kept_pipes = ContextVar[dict[str, Iterator[bytes]] | None]("_kept_pipes", default=None)  # blocks by file name


@contextlib.contextmanager
def pipes_kept() -> Iterator[None]:
    """A context in which `read_file` can read standard input or a pipe several times, each time from the start."""
    token = _kept_pipes.set({})
    try:
        yield
    finally:
        _kept_pipes.reset(token)


def _file_blocks(name: str) -> Iterator[bytes]:
    """Return the blocks of a file, a pipe or, for "-", standard input."""
    kept = _kept_pipes.get()
    if kept is None or (name != "-" and os.path.isfile(name)):
        return _open_blocks(name)
    kept[name], blocks = itertools.tee(kept.get(name) or _open_blocks(name))
    return blocks


def _open_blocks(name: str) -> Iterator[bytes]:
    with contextlib.nullcontext(sys.stdin.buffer) if name == "-" else open(name, "rb") as file:
        yield from _blocks(file)  # type: ignore[arg-type]  # typeshed: stdin.buffer has no read1


def read_terminal(input_format: InputFormat = INTEGER_FORMAT) -> Iterator[Record]:
    """Yield one record per line that the user types, until end of file."""
    import readline  # noqa: F401  (gives input() line editing and a history)

    input_format = input_format if input_format.in_tokens == INTEGERS else replace(input_format, format=TEXT)
    for number in itertools.count(1):
        try:
            line = input("> ")
        except EOFError:
            print()
            return
        if line.strip():
            yield _read_line(Place("", "line", number), line.encode(errors="surrogateescape"), input_format)


def _read_records(
    title: str, blocks: Iterator[bytes], input_format: InputFormat, on_progress: ProgressCallback
) -> Iterator[Record | None]:
    """Yield the records of a file; if the first line is a complete record, every line is one."""
    number, block = _first_block(title, blocks, input_format)
    blocks, first = itertools.chain([block], blocks), next(BytesIO(block))
    input_format = input_format.for_file(title, first)
    is_document = input_format.format != TEXT and not title.lower().endswith(".jsonl") and _is_json(first)
    if not is_document or _is_whole_record(first, input_format.is_text):
        yield from _read_lines(title, number, blocks, input_format, on_progress)
        return
    document = parse_json(Place(title), _read_document(title, number, blocks), input_format.expected)
    if isinstance(document, list) and document and all(isinstance(item, list | dict) for item in document):
        for index, item in enumerate(document):
            yield to_record(Place(title, "sequence", index), item)
    else:
        yield to_record(Place(title), document)


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
                if not is_rest and not _is_blank(line):
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


def _first_block(title: str, blocks: Iterable[bytes], input_format: InputFormat) -> tuple[int, bytes]:
    """Skip blank lines; return the number of the first line with text, and the block from this line on."""
    number = 1
    for block in blocks:
        start = 0
        for line in BytesIO(block):
            if not _is_blank(line):
                return number, block[start:]
            start += len(line)
            number += 1
    raise InputError(f"{title}: expected {input_format.expected}, got nothing")


def _read_document(title: str, number: int, blocks: Iterable[bytes]) -> bytearray:
    """Return the document that begins on line `number`."""
    document = bytearray(b"\n" * (number - 1))  # so that a JSON error has the line number of the file
    for block in blocks:
        document += block
        if len(document) > MAX_DOCUMENT:
            expected = f"expected a JSON document of at most {MAX_DOCUMENT >> 20} MiB, or one sequence per line"
            raise InputError(f"{title}: {expected}, got a longer document")
    return document


def _blocks(file: BufferedReader) -> Iterator[bytes]:
    """Yield blocks of whole lines, and an empty block whenever no more input is available at the moment.

    A line of more than MAX_LINE bytes is yielded in parts.
    """
    partial = bytearray()  # a line whose end has not been read yet
    while chunk := file.read1(BLOCK_BYTES):
        lines, end, last = chunk.rpartition(b"\n")
        if end:
            yield b"".join([partial, lines, end])
            partial.clear()
        partial += last
        if len(partial) > MAX_LINE:
            yield bytes(partial)
            partial.clear()
        if not _is_ready(file):
            yield b""
    if partial:
        yield bytes(partial)


def _is_ready(file: BufferedReader) -> bool:
    """Return whether a read returns at once: always for a file, and for a pipe if it has data or has ended."""
    try:
        return bool(select.select([file], [], [], 0)[0])
    except (OSError, ValueError):  # the stream has no file descriptor
        return True


def _is_json(line: bytes) -> bool:
    return line.lstrip(BLANK).removeprefix(BOM).lstrip(BLANK).startswith((b"[", b"{", b'"'))


def _is_blank(line: bytes) -> bool:
    """Return whether a line is blank. A line that is too long is not, so that endless white space causes an error."""
    return line.strip(BLANK) in (b"", BOM) and len(line) <= MAX_LINE


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


def _read_line(place: Place, line: bytes, input_format: InputFormat) -> Record:
    """Return the record of a line; for an invalid line, the record contains the InputError."""
    try:
        if len(line) > MAX_LINE:
            raise InputError(f"{place}: expected a line of at most {MAX_LINE >> 20} MiB, got a longer one")
        if input_format.format == JSON or (input_format.format is None and _is_json(line)):
            return to_record(place, parse_json(place, line, input_format.expected))
        return _read_fields(place, decode_utf8(place, line), input_format)
    except InputError as error:
        return Record(place, error)


def _read_fields(place: Place, line: str, input_format: InputFormat) -> Record:
    """Return the record of a line of text: a source, optionally followed by a tab and the output."""
    fields = line.removesuffix("\n").removesuffix("\r").split("\t")
    if len(fields) > 2:
        hint = "select two columns, for example with `cut -f1,2`"
        raise InputError(f"{place}: expected a source, a tab and a target, got {len(fields) - 1} tabs; {hint}")
    sides = ("word", input_format.in_tokens), ("target word", input_format.out_tokens)
    values: list[Any] = [
        field if tokens != INTEGERS else _parse_integers(field.replace(",", " ").split(), f"{place}, {name}", TEXT_HINT)
        for field, (name, tokens) in zip(fields, sides, strict=False)
    ]
    return Record(place, *values)


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
