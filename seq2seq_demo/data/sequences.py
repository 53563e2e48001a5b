"""Sequences that the user gives, as words, JSON or plain lines: checked one by one, handed on in batches."""

from __future__ import annotations

import collections
import contextlib
import io
import itertools
import json
import math
import select
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2seq_demo.config import parse_integer
from seq2seq_demo.errors import InputError

LARGEST = 2**31 - 1  # what a symbol can be at most
CHUNK = 2**16  # bytes read at once
MAX_LINE = 2**22  # bytes
MAX_DOCUMENT = 2**27  # bytes; as Python's objects, JSON takes up to 25 times as many
MAX_DEPTH = 100  # of lists and objects in an id
EXPECTED = "a JSON list of integers, or integers alone"
KEYS = ("input", "output", "id")
BOM = b"\xef\xbb\xbf"
BLANK = b" \t\r\n\v\f"


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
    has_id: bool = False  # an id may be null


class Batch(NamedTuple):
    """Sources, and what is known of each."""

    rows: list[Located]

    @property
    def sources(self) -> np.ndarray:
        """The sources `[B, S]` of a batch in which all have one length."""
        return np.array([row.values for row in self.rows])

    def by_length(self) -> dict[int, list[int]]:
        """Return the numbers of the rows of each length."""
        numbers: dict[int, list[int]] = {}
        for number, row in enumerate(self.rows):
            numbers.setdefault(len(row.values), []).append(number)  # type: ignore[arg-type]
        return numbers


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
    file of any size, or a pipe, will do; None says that no more of it is waiting just now. A line may have 4 MiB, and
    a document that is not one sequence a line 128 MiB, so that one without an end does not fill the memory.

    Raises:
        InputError: no such file, nothing in it, a document that is no JSON, or one that is too long.
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
    target_len: Callable[[int], int] | None = None,
    mixed: bool = False,
) -> Iterator[Batch | None]:
    """Yield the sequences in batches of up to `rows`; `in_len` None takes the first one's length.

    Where the sequences say None, that no more are waiting, those so far are yielded, and then None. `skip` is called
    with the error of each bad sequence. Without it, the first bad one's error is raised, after the sequences ahead of
    it were yielded. A sequence of another length is told the `hint`, with its length in place of {}. `target_len`
    says how many symbols are predicted for a source of a length, and so how many an expected output must have. Of
    `mixed` batches, the sequences have any lengths unless `in_len` says one.

    Raises:
        InputError: a sequence that is no list of integers, of another length, or with a symbol outside 0…in_max_int;
            an output likewise.
    """
    batch: list[Located] = []
    try:
        for row in sequences:
            if row is None:
                yield from _batch(batch)
                yield None
                batch = []
                continue
            try:
                values = _checked(row, in_len, in_max_int, hint, target_len, mixed)
            except InputError as error:
                if not skip:
                    raise
                skip(error)
                continue
            in_len = in_len if mixed else len(values)
            batch.append(row)
            if len(batch) == rows:
                yield from _batch(batch)
                batch = []
    except InputError:
        yield from _batch(batch)
        raise
    yield from _batch(batch)


def _checked(
    row: Located,
    in_len: int | None,
    in_max_int: int | None,
    hint: str,
    target_len: Callable[[int], int] | None,
    mixed: bool,
) -> list[int]:
    """Return the symbols of a sequence, if it and its output can be read."""
    if isinstance(row.values, InputError):
        raise row.values
    check_symbols(row.place, row.values, in_len, in_max_int, hint)
    if row.output is not None:
        check_symbols(f"{row.place}, output", row.output, at_least=0 if mixed else 1)
        n, T = len(row.output), target_len(len(row.values)) if target_len else len(row.output)
        if n != T:
            raise InputError(f"{row.place}: expected an output of {T} integers, got {n}; give --out-len {n}")
    return row.values


def _batch(rows: list[Located]) -> Iterator[Batch]:
    if rows:
        yield Batch(rows)


def source_rows(sources: Any, largest: int) -> list[list[int]]:
    """Return the sources that a caller gives, an array `[B, S]` or lists of any lengths, as lists of integers.

    Raises:
        InputError: they are something else, or hold a symbol outside 0…largest; the message names the row.
    """
    rows = plain(sources)
    if not isinstance(rows, list):
        raise InputError(f"expected a list of sources, each a list of integers, got {_shown(sources)}")
    rows = [plain(row) for row in rows]
    if rows and isinstance(rows[0], int):
        alone = f"a source alone is written [{_shown(rows)}]"
        raise InputError(f"sources, row 0: expected a list of integers, got {rows[0]}; {alone}")
    for index, row in enumerate(rows):
        check_symbols(f"sources, row {index}", row, largest=largest)
    return rows


def plain(row: Any) -> Any:
    """Return a list, tuple or array as a list of what Python calls numbers, where nothing is lost by that."""
    if isinstance(row, np.ndarray):
        return row.tolist() if _is_plain(row) else row
    if isinstance(row, tuple | list):
        return [item.item() if isinstance(item, np.generic) and _is_plain(item) else item for item in row]
    return row


def _is_plain(array: np.ndarray | np.generic) -> bool:
    """Say whether Python has numbers like these: it knows no masks, and NumPy makes integers of some times."""
    return array.dtype.kind not in "mM" and not has_mask(array)


def has_mask(value: Any) -> bool:
    """Say whether it is a masked array, without loading `numpy.ma`."""
    return isinstance(value, np.ndarray) and hasattr(value, "mask")


def check_symbols(
    place: object,
    values: Any,
    length: int | None = None,
    largest: int | None = None,
    hint: str = "",
    at_least: int = 1,
) -> None:
    """Raise InputError unless these are integers from 0 to largest, so many of them (None: `at_least`).

    The `hint` is told only where the length is all that is wrong.
    """
    if not isinstance(values, list):
        raise InputError(f"{place}: expected a list of integers, got {_shown(values)}")
    if largest is None:
        largest = LARGEST
    if values and (set(map(type, values)) != {int} or min(values) < 0 or max(values) > largest):
        if all(isinstance(value, list) for value in values):
            raise InputError(f"{place}: expected a list of integers, got a list of lists")
        wrong = next(value for value in values if type(value) is not int or not 0 <= value <= largest)
        raise InputError(f"{place}: expected integers from 0 to {largest}, got {_shown(wrong)}")
    n = len(values)
    if n != (length or max(n, at_least)):
        raise InputError(
            f"{place}: expected {length or 'some'} integers, got {n or 'none'}{hint.format(n) if n else ''}"
        )


def _shown(value: object) -> str:
    """Return a wrong value in a line, as JSON has it, or as Python has it, cut short."""
    for write in (json.dumps, repr):
        try:
            return " ".join(write(value).split())[:40]
        except (TypeError, ValueError, RecursionError):
            continue
    return "an integer of thousands of digits"  # which Python does not write


def _sequences(title: str, file: io.BufferedReader) -> Iterator[Located | None]:
    """Yield a document's sequences: a first line that is a whole sequence means one a line."""
    lines = _lines(file)
    number, first = _first_line(title, lines)
    if title.endswith(".jsonl") or not _is_json(first) or _is_whole_sequence(first):
        yield from _sequences_of_lines(title, number, itertools.chain([first], lines))
        return
    document = _parse(Place(title), _document(title, number, first, lines))
    if not (isinstance(document, list) and document and all(isinstance(item, list | dict) for item in document)):
        yield _from_item(Place(title), document)
        return
    for index, item in enumerate(document):
        yield _from_item(Place(title, "sequence", index), item)


def _sequences_of_lines(title: str, number: int, lines: Iterator[bytes | None]) -> Iterator[Located | None]:
    """Yield the sequences of lines, of which the first has this number."""
    is_rest = False  # of a line that is too long
    for line in lines:
        if line is None:
            yield None
            continue
        if not is_rest and not _is_blank(line):
            yield _from_line(Place(title, "line", number), line)
        is_rest = not line.endswith(b"\n")
        number += not is_rest


def _first_line(title: str, lines: Iterator[bytes | None]) -> tuple[int, bytes]:
    """Return the first line that is not blank, and its number."""
    for number, line in enumerate(filter(None, lines), start=1):
        if not _is_blank(line):
            return number, line
    raise InputError(f"{title}: expected {EXPECTED}, found nothing")


def _document(title: str, number: int, first: bytes, lines: Iterator[bytes | None]) -> bytearray:
    """Return the document that begins with this line, below as many blank ones as in the file: errors count lines."""
    document = bytearray(b"\n" * (number - 1) + first)
    for line in filter(None, lines):
        document += line
        if len(document) > MAX_DOCUMENT:
            most = f"a JSON document of at most {MAX_DOCUMENT >> 20} MiB"
            raise InputError(f"{title}: expected {most}, or one sequence a line, of any number, got more")
    return document


def _lines(file: io.BufferedReader) -> Iterator[bytes | None]:
    """Yield the lines with their ends; None where no more is waiting just now.

    Of a line of more than MAX_LINE bytes, those read so far are yielded, then the rest likewise.
    """
    beginning = bytearray()  # of a line whose end is to come
    while chunk := file.read1(CHUNK):
        *ends, last = chunk.split(b"\n")
        for end in ends:
            yield b"".join([beginning, end, b"\n"]) if beginning else end + b"\n"
            beginning.clear()
        beginning += last
        if len(beginning) > MAX_LINE:
            yield bytes(beginning)
            beginning.clear()
        if not _more_is_waiting(file):
            yield None
    if beginning:
        yield bytes(beginning)


def _more_is_waiting(file: io.BufferedReader) -> bool:
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


def _is_whole_sequence(line: bytes) -> bool:
    if len(line) > MAX_LINE:
        return False
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
        if len(line) > MAX_LINE:
            raise InputError(f"{place}: expected a line of at most {MAX_LINE >> 20} MiB, got a longer one")
        if _is_json(line):
            return _from_item(place, _parse(place, line))
        return Located(place, _integers(_decoded(place, line).replace(",", " ").split(), f"{place}, word"))
    except InputError as error:
        return Located(place, error)


def _from_item(place: Place, item: Any) -> Located:
    """Return the sequence that a list, or an object with an input, is."""
    if not isinstance(item, dict):
        return Located(place, item)
    try:
        _check_object(place, item)
    except InputError as error:
        return Located(place, error)
    return Located(place, item["input"], item.get("output"), item.get("id"), "id" in item)


def _check_object(place: Place, item: dict[str, Any]) -> None:
    """Raise InputError for a key that is missing, unknown or there twice, and for an id that JSON cannot say again."""
    if isinstance(item, _Repeated):
        raise InputError(f"{place}: expected the keys {', '.join(KEYS)} once each, got {_shown(item.key)} twice")
    unknown = [key for key in item if key not in KEYS]
    if unknown:
        raise InputError(f"{place}: expected the keys {', '.join(KEYS)}, got {_shown(unknown[0])}")
    if "input" not in item:
        raise InputError(f'{place}: expected {{"input": [...]}}, got no input in {_shown(item)}')
    if isinstance(item.get("id"), dict | list | float):
        _check_id(f"{place}, id", item["id"])


def _check_id(place: str, value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, _Repeated):
                raise InputError(f"{place}: expected each key once, got {_shown(item.key)} twice")
            if isinstance(item, float) and not math.isfinite(item):
                raise InputError(f"{place}: expected JSON, got {_shown(item)}")
            if isinstance(item, dict | list):
                below += item.values() if isinstance(item, dict) else item
        level = below
    if level:
        raise InputError(f"{place}: expected lists nested at most {MAX_DEPTH} deep, got some nested deeper")


class _Repeated(dict[str, Any]):
    """A JSON object in which a key stands twice."""

    key: str


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; `json` keeps the last value of a key alone, silently."""
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    repeated = _Repeated(values)
    ((repeated.key, _),) = collections.Counter(key for key, _ in pairs).most_common(1)
    return repeated


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


def _integers(words: Iterable[str], what: str) -> list[int]:
    values = []
    for position, word in enumerate(words, start=1):
        try:
            values.append(parse_integer(word))
        except ValueError as error:
            raise InputError(f"{what} {position}: expected an integer, got {word[:40]!r}") from error
    return values


def _decoded(place: Place, text: bytes | bytearray) -> str:
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: expected UTF-8, got byte 0x{text[error.start]:02x} at {error.start}") from error


def _parse(place: Place, text: bytes | bytearray) -> Any:
    decoded = _decoded(place, text)
    try:
        return _DECODER.decode(decoded)
    except json.JSONDecodeError as error:
        raise InputError(f"{place}: expected {EXPECTED}: {error}") from error
    except RecursionError as error:
        raise InputError(f"{place}: expected {EXPECTED}, got lists nested too deep") from error
    except ValueError as error:  # Python reads no integer of more than 4300 digits
        raise InputError(f"{place}: expected {EXPECTED}, got an integer of thousands of digits") from error
