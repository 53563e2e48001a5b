"""Sequences that the user gives, as words, JSON or a stream of JSON lines: checked one by one, handed on in batches."""

import contextlib
import io
import itertools
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from seq2seq_demo.config import parse_integer
from seq2seq_demo.dataset import Pairs
from seq2seq_demo.errors import InputError
from seq2seq_demo.patterns import SequencePattern

LARGEST = 2**31 - 1  # what a symbol can be at most
ROWS = 10_000  # how many are turned into an array at once
HINT = "; for sequences of that length give --in-len {}"
PAIR = '{"input": [...], "output": [...]}'


class Located(NamedTuple):
    """A sequence, or the error that reading it was, where it stands, and the output that the user expects for it."""

    where: str
    values: list | InputError
    output: list | None = None


class Batch(NamedTuple):
    """Sources `[B, S]`, and what is known of each."""

    sources: np.ndarray
    rows: list[Located]


def from_words(words: list[str], where: str = "input") -> Iterator[Located]:
    """Yield the one sequence that was typed as words.

    Raises:
        InputError: a word is not an integer.
    """
    values = []
    for position, word in enumerate(words, start=1):
        try:
            values.append(parse_integer(word))
        except ValueError as error:
            raise InputError(f"{where} {position}: expected an integer, got {word[:40]!r}") from error
    yield Located(where, values)


def from_file(name: str) -> Iterator[Located]:
    """Yield the sequences of a file (`-`: standard input): one JSON list, a list of lists, or a list a line.

    Instead of a list there may be an object, `{"input": [...], "output": [...]}`, without the output too. Those on
    lines of their own are read as they are needed, so that a file of any size, or a pipe, will do.

    Raises:
        InputError: no such file, or nothing in it.
    """
    title = "standard input" if name == "-" else name
    try:
        if name == "-" and not sys.stdin:
            raise InputError("standard input: expected sequences, but it is closed")
        with contextlib.nullcontext(sys.stdin.buffer) if name == "-" else open(name, "rb") as file:
            yield from _sequences(title, file)
    except OSError as error:
        raise InputError(f"{title}: expected a file of sequences: {error.strerror}") from error


def from_terminal() -> Iterator[Located]:
    """Yield the sequences that the user types, one a line, as words or as a JSON list, until end of file."""
    import readline  # noqa: F401  (makes input() an editor with a history)

    for number in itertools.count(1):
        try:
            line = input("> ")
        except EOFError:
            print()
            return
        where = f"line {number}"
        if line.lstrip().startswith(("[", "{")):
            yield _located_line(where, line.encode())
        elif line.strip():
            yield _located_words(where, line.replace(",", " ").split())


def _located_words(where: str, words: list[str]) -> Located:
    try:
        return next(from_words(words, f"{where}, word"))._replace(where=where)
    except InputError as error:
        return Located(where, error)


def batches(
    sequences: Iterable[Located], rows: int, in_len: int | None, in_max_int: int | None, skip: Callable | None = None
) -> Iterator[Batch]:
    """Yield the sequences in batches of up to `rows`; `in_len` None takes the first one's length.

    `skip` is called with the error of each bad sequence. Without it, the first bad one's error is raised, after the
    sequences ahead of it were yielded.

    Raises:
        InputError: a sequence that is no list of integers, of another length, or with a symbol outside 0…in_max_int.
    """
    batch, hint = [], HINT if in_len else ""
    for row in sequences:
        try:
            if isinstance(row.values, InputError):
                raise row.values
            _check(row.where, row.values, in_len, in_max_int, hint)
            if row.output is not None:
                _check(f"{row.where}, output", row.output)
        except InputError as error:
            if not skip:
                yield from _batch(batch)
                raise
            skip(error)
            continue
        in_len = len(row.values)
        batch.append(row)
        if len(batch) == rows:
            yield from _batch(batch)
            batch = []
    yield from _batch(batch)


def _batch(rows: list[Located]) -> Iterator[Batch]:
    if rows:
        yield Batch(np.array([row.values for row in rows]), rows)


def pairs(
    sequences: Iterable[Located],
    pattern: SequencePattern | None,
    in_len: int | None = None,
    out_len: int | None = None,
    in_max_int: int | None = None,
    out_max_int: int | None = None,
) -> Pairs:
    """Return sources `[N, S]` and targets `[N, T]`; a length or largest symbol that is None is taken from them.

    A pattern makes the targets, with symbols as large as the sources' unless `out_max_int` says otherwise, and has to
    agree with the outputs that stand beside the sources.

    Raises:
        InputError: as `batches`; or no output, one of another length or symbols, or not the pattern's.
        UsageError: the pattern cannot make targets of these sources.
    """
    parts, rows = [], []
    for batch in batches(sequences, ROWS, in_len, in_max_int):
        in_len = batch.sources.shape[1]
        parts.append(_compact(batch.sources))
        rows += [(row.where, row.output) for row in batch.rows]
    sources = np.concatenate(parts)
    if pattern is None:
        return Pairs(sources, _outputs(rows, out_len, out_max_int))
    largest = max(1, int(sources.max()))
    pattern.check(in_len, out_len, in_max_int or largest, out_max_int or in_max_int or largest)
    targets = pattern.targets(sources, out_len, out_max_int or in_max_int or largest)
    for (where, output), target in zip(rows, targets, strict=True):
        if output is not None and output[:out_len] != target.tolist():
            raise InputError(f"{where}: expected the output of {pattern.name!r}, {target.tolist()}, got {output}")
    return Pairs(sources, targets)


def _outputs(rows: list[tuple[str, list | None]], out_len: int | None, out_max_int: int | None) -> np.ndarray:
    """Return the outputs `[N, T]`, which must be there."""
    for where, output in rows:
        if output is None:
            raise InputError(f"{where}: expected an output too, as in {PAIR}, or a pattern (-p) that makes it")
        _check(f"{where}, output", output, out_len, out_max_int)
        out_len = len(output)
    return _compact(np.array([output for _, output in rows]))


def _compact(symbols: np.ndarray) -> np.ndarray:
    return symbols.astype(np.min_scalar_type(symbols.max()))


def _sequences(title: str, file: io.BufferedIOBase) -> Iterator[Located]:
    """Yield a document's sequences: a first line that is a whole list of integers, or object, means one a line."""
    lines = enumerate(file, start=1)
    first = next(((number, line) for number, line in lines if line.removeprefix(b"\xef\xbb\xbf").strip()), None)
    if first is None:
        raise InputError(f"{title}: expected a JSON list of integers, found nothing")
    if title.endswith(".jsonl") or _is_whole_sequence(first[1]):
        for number, line in itertools.chain([first], lines):
            if line.strip():
                yield _located_line(f"{title}, line {number}", line)
        return
    document = _parse(title, first[1] + file.read())
    if not (isinstance(document, list) and document and all(isinstance(item, list | dict) for item in document)):
        yield _located(title, document)
        return
    for index, item in enumerate(document):
        yield _located(f"{title}, sequence {index}", item)


def _located_line(where: str, line: bytes) -> Located:
    try:
        return _located(where, _parse(where, line))
    except InputError as error:  # the lines after it can still be read
        return Located(where, error)


def _located(where: str, item) -> Located:
    """Return the sequence that a list, or an object with an input, is."""
    if not isinstance(item, dict):
        return Located(where, item)
    if "input" not in item:
        return Located(where, InputError(f"{where}: expected {PAIR}, got no input in {json.dumps(item)[:80]}"))
    return Located(where, item["input"], item.get("output"))


def _is_whole_sequence(line: bytes) -> bool:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) or (
        isinstance(value, list) and not any(isinstance(item, list | dict) for item in value)
    )


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


def _check(where: str, values, length: int | None = None, max_int: int | None = None, hint: str = "") -> None:
    """Raise InputError unless these are integers, so many (None: one at least), from 0 to max_int."""
    if not isinstance(values, list):
        raise InputError(f"{where}: expected a list of integers, got {json.dumps(values)[:40]}")
    n = len(values)
    if n != (length or max(n, 1)):
        raise InputError(f"{where}: expected {length or 'some'} integers, got {n}{hint.format(n) if n else ''}")
    largest = LARGEST if max_int is None else max_int
    if set(map(type, values)) != {int} or min(values) < 0 or max(values) > largest:
        wrong = next(value for value in values if type(value) is not int or not 0 <= value <= largest)
        raise InputError(f"{where}: expected integers from 0 to {largest}, got {json.dumps(wrong)[:40]}")
