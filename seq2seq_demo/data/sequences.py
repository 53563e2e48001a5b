"""Sequences that the user gives, as words, JSON or plain lines: checked one by one, handed on in batches."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import select
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2seq_demo.config import parse_integer
from seq2seq_demo.errors import InputError

LARGEST = 2**31 - 1  # what a symbol can be at most
CHUNK = 2**16  # bytes read at once
EXPECTED = "a JSON list of integers, or integers alone"
BOM = b"\xef\xbb\xbf"
BLANK = b" \t\r\n\v\f" + BOM


class Place(NamedTuple):
    """Where a sequence stands."""

    title: str
    kind: str = ""  # "line", counted from 1, or "sequence" of a JSON list, from 0
    number: int = 0

    def __str__(self) -> str:
        """Return it as errors name it."""
        number = f"{self.kind} {self.number}" if self.kind else ""
        return ", ".join(part for part in (self.title, number) if part)


class Located(NamedTuple):
    """A sequence, or the error that reading it was, where it stands, and what the user says of it."""

    place: Place
    values: list[Any] | InputError
    output: list[Any] | None = None  # what the user expects for it
    id: object = None  # the user's name for it


class Batch(NamedTuple):
    """Sources `[B, S]`, and what is known of each."""

    sources: np.ndarray
    rows: list[Located]


def from_words(words: Sequence[str]) -> Located:
    """Return the one sequence that was typed as words, `3 1 4`, `3,1,4` or JSON."""
    place, text = Place("input"), " ".join(words).encode(errors="surrogateescape")
    if _is_json(text):
        return _from_line(place, text)
    parts = [part for word in words for part in word.replace(",", " ").split() or [word]]
    try:
        return Located(place, _integers(parts, "input"))
    except InputError as error:
        return Located(place, error)


def from_file(name: str) -> Iterator[Located | None]:
    """Yield the sequences of a file (`-`: standard input): one JSON list, a list of lists, or a list a line.

    Instead of a list there may be an object, `{"input": [...], "output": [...], "id": ...}`, of which only the input
    must be there; or a line of plain integers. Those on lines of their own are read as they are needed, so that a
    file of any size, or a pipe, will do; None says that no more of it is waiting just now.

    Raises:
        InputError: no such file, or nothing in it.
    """
    title = "standard input" if name == "-" else name
    try:
        if name == "-" and not sys.stdin:
            raise InputError("standard input: expected sequences, but it is closed")
        with contextlib.nullcontext(sys.stdin.buffer) if name == "-" else open(name, "rb") as file:
            yield from _sequences(title, file)  # type: ignore[arg-type]  # typeshed has no read1 for stdin.buffer
    except OSError as error:
        raise InputError(f"{title}: expected a file of sequences: {error.strerror}") from error


def from_terminal() -> Iterator[Located]:
    """Yield the sequences that the user types, one a line, until end of file."""
    import readline  # noqa: F401  (makes input() an editor with a history)

    for number in itertools.count(1):
        try:
            line = input("> ")
        except EOFError:
            print()
            return
        if line.strip():
            yield _from_line(Place("", "line", number), line.encode(errors="surrogateescape"))


def batches(
    sequences: Iterable[Located | None],
    rows: int,
    in_len: int | None,
    in_max_int: int | None,
    skip: Callable[[InputError], object] | None = None,
    hint: str = "",
) -> Iterator[Batch | None]:
    """Yield the sequences in batches of up to `rows`; `in_len` None takes the first one's length.

    Where the sequences say None, that no more are waiting, those so far are yielded, and then None. `skip` is called
    with the error of each bad sequence. Without it, the first bad one's error is raised, after the sequences ahead of
    it were yielded. A sequence of another length is told the `hint`, with its length in place of {}.

    Raises:
        InputError: a sequence that is no list of integers, of another length, or with a symbol outside 0…in_max_int.
    """
    batch: list[Located] = []
    for row in sequences:
        if row is None:
            yield from _batch(batch)
            yield None
            batch = []
            continue
        try:
            values = _checked(row, in_len, in_max_int, hint)
        except InputError as error:
            if not skip:
                yield from _batch(batch)
                raise
            skip(error)
            continue
        in_len = len(values)
        batch.append(row)
        if len(batch) == rows:
            yield from _batch(batch)
            batch = []
    yield from _batch(batch)


def _checked(row: Located, in_len: int | None, in_max_int: int | None, hint: str) -> list[int]:
    """Return the symbols of a sequence, if it and its output can be read."""
    if isinstance(row.values, InputError):
        raise row.values
    check_symbols(row.place, row.values, in_len, in_max_int, hint)
    if row.output is not None:
        check_symbols(f"{row.place}, output", row.output)
    return row.values


def _batch(rows: list[Located]) -> Iterator[Batch]:
    if rows:
        yield Batch(np.array([row.values for row in rows]), rows)


def source_rows(sources: Any, largest: int) -> list[list[int]]:
    """Return the sources that a caller gives, an array `[B, S]` or lists of any lengths, as lists of integers.

    Raises:
        InputError: they are something else, or hold a symbol outside 0…largest; the message names the row.
    """
    if isinstance(sources, np.ndarray):
        sources = sources.tolist()
    if not isinstance(sources, list | tuple):
        raise InputError(f"expected a list of sources, each a list of integers, got {_shown(sources)}")
    rows = [plain(row) for row in sources]
    if rows and isinstance(rows[0], int):
        alone = f"a source alone is written [{_shown(rows)}]"
        raise InputError(f"sources, row 0: expected a list of integers, got {rows[0]}; {alone}")
    for index, row in enumerate(rows):
        check_symbols(f"sources, row {index}", row, largest=largest)
    return rows


def plain(row: Any) -> Any:
    """Return a row as a list of Python's numbers, where it can be one."""
    if isinstance(row, tuple | list | np.ndarray):
        return [symbol.item() if isinstance(symbol, np.generic) else symbol for symbol in row]
    return row


def check_symbols(
    place: object, values: Any, length: int | None = None, largest: int | None = None, hint: str = ""
) -> None:
    """Raise InputError unless these are integers, so many (None: one at least), from 0 to largest."""
    if not isinstance(values, list):
        raise InputError(f"{place}: expected a list of integers, got {_shown(values)}")
    n = len(values)
    if n != (length or max(n, 1)):
        if n and isinstance(values[0], list):
            raise InputError(f"{place}: expected a list of integers, got a list of lists")
        raise InputError(f"{place}: expected {length or 'some'} integers, got {n}{hint.format(n) if n else ''}")
    if largest is None:
        largest = LARGEST
    if set(map(type, values)) != {int} or min(values) < 0 or max(values) > largest:
        wrong = next(value for value in values if type(value) is not int or not 0 <= value <= largest)
        raise InputError(f"{place}: expected integers from 0 to {largest}, got {_shown(wrong)}")


def _shown(value: object) -> str:
    """Return a wrong value as JSON has it, or as Python has it, cut short."""
    for write in (json.dumps, repr):
        try:
            return write(value)[:40]
        except (TypeError, ValueError, RecursionError):
            continue
    return "an integer of thousands of digits"  # which Python does not write


def _sequences(title: str, file: io.BufferedReader) -> Iterator[Located | None]:
    """Yield a document's sequences: a first line that is a whole sequence means one a line."""
    lines = _lines(file)
    number, first = _first_line(title, lines)
    if title.endswith(".jsonl") or not _is_json(first) or _is_whole_sequence(first):
        for line in itertools.chain([first], lines):
            if line is None:
                yield None
                continue
            if line.strip(BLANK):
                yield _from_line(Place(title, "line", number), line)
            number += 1
        return
    document = _parse(Place(title), b"\n" * (number - 1) + b"".join([first, *filter(None, lines)]))
    if not (isinstance(document, list) and document and all(isinstance(item, list | dict) for item in document)):
        yield _from_item(Place(title), document)
        return
    for index, item in enumerate(document):
        yield _from_item(Place(title, "sequence", index), item)


def _first_line(title: str, lines: Iterator[bytes | None]) -> tuple[int, bytes]:
    """Return the first line that is not blank, and its number."""
    for number, line in enumerate(filter(None, lines), start=1):
        if line.strip(BLANK):
            return number, line
    raise InputError(f"{title}: expected {EXPECTED}, found nothing")


def _lines(file: io.BufferedReader) -> Iterator[bytes | None]:
    """Yield the lines with their ends; None where no more is waiting just now."""
    beginning: list[bytes] = []  # of a line whose end is to come
    while chunk := file.read1(CHUNK):
        *ends, last = chunk.split(b"\n")
        for end in ends:
            yield b"".join([*beginning, end, b"\n"]) if beginning else end + b"\n"
            beginning = []
        if last:
            beginning.append(last)
        if not _more_is_waiting(file):
            yield None
    if beginning:
        yield b"".join(beginning)


def _more_is_waiting(file: io.BufferedReader) -> bool:
    """Say whether reading would return at once: always true of a file, not of a pipe."""
    try:
        return bool(select.select([file], [], [], 0)[0])
    except (OSError, ValueError):  # a stream without a descriptor
        return True


def _is_json(line: bytes) -> bool:
    return line.lstrip(BLANK).startswith((b"[", b"{", b'"'))


def _is_whole_sequence(line: bytes) -> bool:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) or (
        isinstance(value, list) and not any(isinstance(item, list | dict) for item in value)
    )


def _from_line(place: Place, line: bytes) -> Located:
    """Return the sequence of a line, JSON or plain integers; the lines after a bad one can still be read."""
    try:
        if _is_json(line):
            return _from_item(place, _parse(place, line))
        return Located(place, _integers(_decoded(place, line).replace(",", " ").split(), f"{place}, word"))
    except InputError as error:
        return Located(place, error)


def _from_item(place: Place, item: Any) -> Located:
    """Return the sequence that a list, or an object with an input, is."""
    if not isinstance(item, dict):
        return Located(place, item)
    if "input" not in item:
        return Located(place, InputError(f'{place}: expected {{"input": [...]}}, got no input in {_shown(item)}'))
    return Located(place, item["input"], item.get("output"), item.get("id"))


def _integers(words: Iterable[str], what: str) -> list[int]:
    values = []
    for position, word in enumerate(words, start=1):
        try:
            values.append(parse_integer(word))
        except ValueError as error:
            raise InputError(f"{what} {position}: expected an integer, got {word[:40]!r}") from error
    return values


def _decoded(place: Place, text: bytes) -> str:
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: expected UTF-8, got byte 0x{text[error.start]:02x} at {error.start}") from error


def _parse(place: Place, text: bytes) -> Any:
    decoded = _decoded(place, text)
    try:
        return json.loads(decoded)
    except json.JSONDecodeError as error:
        raise InputError(f"{place}: expected {EXPECTED}: {error}") from error
    except RecursionError as error:
        raise InputError(f"{place}: expected {EXPECTED}, got lists nested too deep") from error
    except ValueError as error:  # Python reads no integer of more than 4300 digits
        raise InputError(f"{place}: expected {EXPECTED}, got an integer of thousands of digits") from error
