"""Sequences read from words, files, pipes and a terminal: JSON, or lines of text, `source<TAB>target`."""

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
from seq2seq_demo.data.json_records import BOM, decoded, parse, sequence_of
from seq2seq_demo.data.records import TEXT_HINT, Place, Record
from seq2seq_demo.declarations import parse_integer
from seq2seq_demo.errors import InputError

BLOCK_BYTES = 2**16  # bytes read at once
MAX_LINE = 2**22  # bytes
MAX_DOCUMENT = 2**27  # bytes; as Python's objects, JSON takes up to 25 times as many
BLANK = b" \t\r\n\v\f"
TEXT_NAMES, JSON_NAMES = (".tsv", ".txt"), (".json", ".jsonl")
JSON, TEXT = FORMATS
ProgressCallback = Callable[[int], object]


@dataclass(frozen=True)
class InputFormat:
    """How sequences are written: what sources and targets consist of, and the format of a file (None: it tells)."""

    in_tokens: str = INTEGERS
    out_tokens: str = INTEGERS
    format: str | None = None

    @property
    def is_text(self) -> bool:
        """Whether there are texts among them."""
        return (self.in_tokens, self.out_tokens) != (INTEGERS, INTEGERS)

    @property
    def expected(self) -> str:
        """The content of a file of them, as errors name it."""
        if self.is_text:
            return 'texts, or JSON as in {"input": "...", "output": "..."}'
        return "a JSON list of integers, or integers alone"

    def of_file(self, title: str, first: bytes) -> InputFormat:
        """Return the form with the format of a file that begins so; where it has none, each line tells by itself."""
        if self.format or not self.is_text:
            return self
        name, content = title.lower(), first.lstrip(BLANK).removeprefix(BOM).strip(BLANK)
        is_json = content in (b"[", b"{") or content.startswith((b"[{", b"[[", b'{"'))
        if name.endswith(TEXT_NAMES + JSON_NAMES):
            is_json = name.endswith(JSON_NAMES)
        elif content.startswith(b"[") and not is_json:
            is_json = _json_in(first) is not None
        return replace(self, format=JSON if is_json else TEXT)


INTEGER_FORMAT = InputFormat()


def from_words(words: Sequence[str], form: InputFormat = INTEGER_FORMAT, text_hint: str = TEXT_HINT) -> Record:
    """Return the one sequence that was typed as words: a text, or integers as `3 1 4`, `3,1,4` or JSON.

    The hint is told where the words are a text instead.
    """
    place, text = Place("input"), " ".join(words)
    if form.in_tokens != INTEGERS:
        return Record(place, text)
    line = text.encode(errors="surrogateescape")
    if _is_json(line):
        return _from_line(place, line, replace(form, format=JSON))
    parts = [part for word in words for part in word.replace(",", " ").split() or [word]]
    try:
        return Record(place, _integers(parts, "input", text_hint))
    except InputError as error:
        return Record(place, error)


def from_file(
    name: str, form: InputFormat = INTEGER_FORMAT, on_progress: ProgressCallback = lambda _: None
) -> Iterator[Record | None]:
    """Yield the sequences of a file (`-`: standard input): one JSON list, a list of lists, or a list a line.

    Instead of a list there may be an object, `{"input": [...], "output": [...], "id": ...}`, which needs only the
    input; or a line of plain integers, perhaps with a tab and the output. For texts, a string may replace a list, a
    list holds the symbols, and lines are texts as they are. Sequences on lines of their own are read as they
    are needed, so that a file of any size, or a pipe, will do; None says that no more of it is waiting just now. A line
    may have 4 MiB, and a document that is not one sequence a line 128 MiB, so that one without an end does not fill the
    memory. For lines, `on_progress` is called with the number of bytes read since, after their sequences.

    Raises:
        InputError: there is no file, nothing in it, a document that is no JSON, or one that is too long.
    """
    title = "standard input" if name == "-" else name
    try:
        if name == "-" and not sys.stdin:
            raise InputError("standard input: expected sequences, but it is closed")
        with _open(name) as file:
            yield from _sequences(title, file, form, on_progress)
    except OSError as error:
        raise InputError(f"{title}: expected a file of sequences: {error.strerror}") from error


class _KeptPipe:
    """A pipe that keeps what it has read, to be read again from the start."""

    def __init__(self, file: Any) -> None:
        self.file, self.chunks, self.n_read = file, list[bytes](), 0
        self.fileno = file.fileno

    def read1(self, size: int) -> bytes:
        """Return the next chunk."""
        if self.n_read == len(self.chunks):
            self.chunks.append(self.file.read1(size))
        self.n_read += 1
        return self.chunks[self.n_read - 1]


_kept_pipes = ContextVar[dict[str, _KeptPipe] | None]("_kept_pipes", default=None)  # by name; None: keep none


@contextlib.contextmanager
def pipes_kept() -> Iterator[None]:
    """A context in which `from_file` can read standard input or a pipe several times, each time from the start."""
    pipes: dict[str, _KeptPipe] = {}
    token = _kept_pipes.set(pipes)
    try:
        yield
    finally:
        _kept_pipes.reset(token)
        for name, pipe in pipes.items():
            if name != "-":
                pipe.file.close()


def _open(name: str) -> contextlib.AbstractContextManager[Any]:
    """Open a file, a pipe or, for "-", standard input."""
    pipes = _kept_pipes.get()
    if pipes is None or (name != "-" and os.path.isfile(name)):
        return contextlib.nullcontext(sys.stdin.buffer) if name == "-" else open(name, "rb")
    if name not in pipes:
        pipes[name] = _KeptPipe(sys.stdin.buffer if name == "-" else open(name, "rb"))  # noqa: SIM115
    pipes[name].n_read = 0
    return contextlib.nullcontext(pipes[name])


def from_terminal(form: InputFormat = INTEGER_FORMAT) -> Iterator[Record]:
    """Yield the sequences that the user types, one a line, until end of file."""
    import readline  # noqa: F401  (makes input() an editor with a history)

    form = form if form.in_tokens == INTEGERS else replace(form, format=TEXT)
    for number in itertools.count(1):
        try:
            line = input("> ")
        except EOFError:
            print()
            return
        if line.strip():
            yield _from_line(Place("", "line", number), line.encode(errors="surrogateescape"), form)


def _sequences(
    title: str, file: BufferedReader, form: InputFormat, on_progress: ProgressCallback
) -> Iterator[Record | None]:
    """Yield a document's sequences: a first line that is a whole sequence means one a line."""
    blocks = _blocks(file)
    number, block = _first_block(title, blocks, form)
    blocks, first = itertools.chain([block], blocks), next(BytesIO(block))
    form = form.of_file(title, first)
    is_document = form.format != TEXT and not title.lower().endswith(".jsonl") and _is_json(first)
    if not is_document or _is_whole_sequence(first, form.is_text):
        yield from _of_lines(title, number, blocks, form, on_progress)
        return
    document = parse(Place(title), _document(title, number, blocks), form.expected)
    if isinstance(document, list) and document and all(isinstance(item, list | dict) for item in document):
        for index, item in enumerate(document):
            yield sequence_of(Place(title, "sequence", index), item)
    else:
        yield sequence_of(Place(title), document)


def _of_lines(
    title: str, number: int, blocks: Iterable[bytes], form: InputFormat, on_progress: ProgressCallback
) -> Iterator[Record | None]:
    """Yield the sequences of blocks of lines; the first line has this number."""
    is_rest = False  # of a line that is too long
    for block in blocks:
        if not block:
            yield None
        elif not (is_rest or form.is_text) and (rows := _integer_rows(title, number, block, form.format)) is not None:
            yield from rows
            number += len(rows)
        else:
            for line in BytesIO(block):
                if not is_rest and not _is_blank(line):
                    yield _from_line(Place(title, "line", number), line, form)
                is_rest = not line.endswith(b"\n")
                number += not is_rest
        on_progress(len(block))


# What is left of lines that are read at once, without integers, commas and spaces.
JSON_SHAPES = {b"[]\n", *(b'{"input":[]%b}\n' % rest for rest in (b"", b'"output":[]', b'"id":', b'"output":[]"id":'))}
TEXT_SHAPES = {b"\n", b"\t\n"}


def _integer_rows(title: str, number: int, block: bytes, format: str | None) -> list[Record] | None:
    """Return the sequences of lines, read at once, if all are of one shape and nothing in them is wrong; or else None.

    Then the lines are read one by one, which is slower and tells what is wrong, and where.
    """
    marks, n = block.translate(None, b"0123456789, \r"), block.count(b"\n")
    shape = marks[: marks.find(b"\n") + 1]
    if marks != shape * n or len(block) > MAX_LINE:
        return None
    places = (Place(title, "line", number + k) for k in range(n))
    try:
        if format != TEXT and shape in JSON_SHAPES:
            items = json.loads(b"[%b]" % block[:-1].replace(b"\n", b","))
            return [*map(sequence_of, places, items)] if len(items) == n else None  # or integers stand beside the lists
        if format != JSON and shape in TEXT_SHAPES:
            lines = BytesIO(block.replace(b",", b" "))
            rows: list[list[Any]] = [[[*map(int, field.split())] for field in line.split(b"\t")] for line in lines]
            if all(source for source, *_ in rows):  # or there are blank lines
                return [Record(place, *row) for place, row in zip(places, rows, strict=True)]
    except ValueError:  # no JSON
        pass
    return None


def _first_block(title: str, blocks: Iterable[bytes], form: InputFormat) -> tuple[int, bytes]:
    """Return the first block from its first line on that is not blank, and the number of that line."""
    number = 1
    for block in blocks:
        start = 0
        for line in BytesIO(block):
            if not _is_blank(line):
                return number, block[start:]
            start += len(line)
            number += 1
    raise InputError(f"{title}: expected {form.expected}, found nothing")


def _document(title: str, number: int, blocks: Iterable[bytes]) -> bytearray:
    """Return the document that begins on line `number`, below as many blank ones as in the file: errors count lines."""
    document = bytearray(b"\n" * (number - 1))
    for block in blocks:
        document += block
        if len(document) > MAX_DOCUMENT:
            most = f"a JSON document of at most {MAX_DOCUMENT >> 20} MiB"
            raise InputError(f"{title}: expected {most}, or one sequence a line, of any number, got more")
    return document


def _blocks(file: BufferedReader) -> Iterator[bytes]:
    """Yield whole lines, those together that were read at once; nothing of them where no more is waiting just now.

    Of a line of more than MAX_LINE bytes, those read so far are yielded, then the rest in the same way.
    """
    beginning = bytearray()  # of a line whose end is to come
    while chunk := file.read1(BLOCK_BYTES):
        lines, end, last = chunk.rpartition(b"\n")
        if end:
            yield b"".join([beginning, lines, end])
            beginning.clear()
        beginning += last
        if len(beginning) > MAX_LINE:
            yield bytes(beginning)
            beginning.clear()
        if not _more_is_waiting(file):
            yield b""
    if beginning:
        yield bytes(beginning)


def _more_is_waiting(file: BufferedReader) -> bool:
    """Say whether reading would return at once: always true of a file, not of a pipe."""
    try:
        return bool(select.select([file], [], [], 0)[0])
    except (OSError, ValueError):  # a stream without a descriptor
        return True


def _is_json(line: bytes) -> bool:
    return line.lstrip(BLANK).removeprefix(BOM).lstrip(BLANK).startswith((b"[", b"{", b'"'))


def _is_blank(line: bytes) -> bool:
    """Say whether nothing stands in a line; one that is too long may have no end, and is not passed over."""
    return line.strip(BLANK) in (b"", BOM) and len(line) <= MAX_LINE


def _is_whole_sequence(line: bytes, may_be_text: bool = False) -> bool:
    value = _json_in(line)
    return isinstance(value, dict | str if may_be_text else dict) or (
        isinstance(value, list) and not any(isinstance(item, list | dict) for item in value)
    )


def _json_in(line: bytes) -> Any:
    """Return the value of a line that is JSON by itself; None: it is none, or null."""
    if len(line) > MAX_LINE:
        return None
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _from_line(place: Place, line: bytes, form: InputFormat) -> Record:
    """Return the sequence of a line, or the error that reading it is; the lines after a bad one can still be read."""
    try:
        if len(line) > MAX_LINE:
            raise InputError(f"{place}: expected a line of at most {MAX_LINE >> 20} MiB, got a longer one")
        if form.format == JSON or (form.format is None and _is_json(line)):
            return sequence_of(place, parse(place, line, form.expected))
        return _from_fields(place, decoded(place, line), form)
    except InputError as error:
        return Record(place, error)


def _from_fields(place: Place, line: str, form: InputFormat) -> Record:
    """Return the sequence of a line of text, a source, and perhaps a tab and the output."""
    fields = line.removesuffix("\n").removesuffix("\r").split("\t")
    if len(fields) > 2:
        two = "of more columns choose two, as with `cut -f1,2`"
        raise InputError(f"{place}: expected a source, a tab and a target, got {len(fields) - 1} tabs; {two}")
    sides = ("word", form.in_tokens), ("word of the target", form.out_tokens)
    values: list[Any] = [
        field if tokens != INTEGERS else _integers(field.replace(",", " ").split(), f"{place}, {name}", TEXT_HINT)
        for field, (name, tokens) in zip(fields, sides, strict=False)
    ]
    return Record(place, *values)


def _integers(words: Iterable[str], what: str, hint: str = "") -> list[int]:
    values = []
    for position, word in enumerate(words, start=1):
        try:
            values.append(parse_integer(word))
        except ValueError as error:
            hint = "" if position > 1 or _is_number(word) else hint  # or it is a slip
            raise InputError(f"{what} {position}: expected an integer, got {word[:40]!r}{hint}") from error
    return values


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
