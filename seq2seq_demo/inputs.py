"""Sequences that the user gives, as words, JSON or a stream of JSON lines: checked one by one, yielded in batches."""

import contextlib
import io
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from seq2seq_demo.config import parse_integer
from seq2seq_demo.errors import InputError


class Located(NamedTuple):
    """A sequence, or the error that reading it was, and where it stands."""

    where: str
    values: list | InputError


def from_words(words: list[str]) -> Iterator[Located]:
    """Yield the one sequence that was typed on the command line.

    Raises:
        InputError: a word is not an integer.
    """
    values = []
    for position, word in enumerate(words, start=1):
        try:
            values.append(parse_integer(word))
        except ValueError as error:
            raise InputError(f"input {position}: expected an integer, got {word[:40]!r}") from error
    yield Located("input", values)


def from_file(name: str) -> Iterator[Located]:
    """Yield the sequences of a file (`-`: standard input) that holds one JSON list, a list of lists, or a list a line.

    Lists on lines of their own are read as they are needed, so that a file of any size, or a pipe, will do.

    Raises:
        InputError: no such file, or something in it that is not a list of integers.
    """
    title = "standard input" if name == "-" else name
    try:
        if name == "-" and not sys.stdin:
            raise InputError("standard input: expected sequences, but it is closed")
        with contextlib.nullcontext(sys.stdin.buffer) if name == "-" else open(name, "rb") as file:
            yield from _sequences(title, file)
    except OSError as error:
        raise InputError(f"{title}: expected a file of sequences: {error.strerror}") from error


def batches(
    sequences: Iterator[Located], rows: int, in_len: int | None, in_max_int: int, skip: Callable | None = None
) -> Iterator[np.ndarray]:
    """Yield the sequences as arrays `[≤ rows, in_len]`; `in_len` None takes the first one's length.

    `skip` is called with the error of each bad sequence. Without it, the first bad one's error is raised, after the
    sequences ahead of it were yielded.

    Raises:
        InputError: a sequence that is no list of integers, of another length, or with a symbol outside 0…in_max_int.
    """
    batch = []
    for where, values in sequences:
        try:
            if isinstance(values, InputError):
                raise values
            _check(where, values, len(values) if in_len is None and isinstance(values, list) else in_len, in_max_int)
        except InputError as error:
            if not skip:
                yield from _arrays(batch)
                raise
            skip(error)
            continue
        in_len = len(values)
        batch.append(values)
        if len(batch) == rows:
            yield from _arrays(batch)
            batch = []
    yield from _arrays(batch)


def _arrays(batch: list[list[int]]) -> Iterator[np.ndarray]:
    if batch:
        yield np.array(batch)


def _sequences(title: str, file: io.BufferedIOBase) -> Iterator[Located]:
    """Yield a document's sequences: a first line that is a whole list of integers means a list a line."""
    lines = enumerate(file, start=1)
    first = next(((number, line) for number, line in lines if line.removeprefix(b"\xef\xbb\xbf").strip()), None)
    if first is None:
        raise InputError(f"{title}: expected a JSON list of integers, found nothing")
    if title.endswith(".jsonl") or _is_whole_list(first[1]):
        for number, line in itertools.chain([first], lines):
            if line.strip():
                yield _located_line(f"{title}, line {number}", line)
        return
    document = _parse(title, first[1] + file.read())
    if not (isinstance(document, list) and document and all(isinstance(item, list) for item in document)):
        yield Located(title, document)
        return
    for index, values in enumerate(document):
        yield Located(f"{title}, sequence {index}", values)


def _located_line(where: str, line: bytes) -> Located:
    try:
        return Located(where, _parse(where, line))
    except InputError as error:  # the lines after it can still be read
        return Located(where, error)


def _is_whole_list(line: bytes) -> bool:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, list) and not any(isinstance(item, list) for item in value)


def _parse(where: str, text: bytes):
    try:
        return json.loads(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: expected UTF-8, got byte 0x{text[error.start]:02x} at {error.start}") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{where}: expected a JSON list of integers: {error}") from error
    except RecursionError as error:
        raise InputError(f"{where}: expected a JSON list of integers, got lists nested too deep") from error
    except ValueError as error:  # Python reads no integer of more than 4300 digits
        raise InputError(f"{where}: expected a JSON list of integers, got one of thousands of digits") from error


def _check(where: str, values, in_len: int, in_max_int: int) -> None:
    if not isinstance(values, list):
        raise InputError(f"{where}: expected a list of integers, got {json.dumps(values)[:40]}")
    if len(values) != in_len:
        n = len(values)
        hint = f"; for sequences of that length give --in-len {n} --out-len {n}" if n else ""
        raise InputError(f"{where}: expected {in_len} integers, got {n}{hint}")
    if set(map(type, values)) != {int} or min(values) < 0 or max(values) > in_max_int:
        wrong = next(value for value in values if type(value) is not int or not 0 <= value <= in_max_int)
        raise InputError(f"{where}: expected integers from 0 to {in_max_int}, got {json.dumps(wrong)[:40]}")
