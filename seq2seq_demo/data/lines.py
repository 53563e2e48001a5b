"""Reads the numbered lines of a file, a pipe or standard input; decompresses gzip files."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import itertools
import os
import select
import stat
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from io import BufferedReader, BytesIO
from typing import cast

from seq2seq_demo.errors import InputError

UTF_8 = "utf-8"
BLOCK_BYTES = 2**16  # read at once
MAX_LINE = 2**22  # bytes
BLANK = b" \t\r\n\v\f"
BOM, GZIP = b"\xef\xbb\xbf", b"\x1f\x8b"
Line = tuple[int, bytes]  # the number of a line, from 1, and its content; number 0: the rest of a line that is too long


def file_blocks(name: str, encoding: str = UTF_8) -> Iterator[bytes]:
    """Yield blocks of whole lines, in UTF-8, of a file, a pipe or, for "-", standard input.

    An empty block means that no more input is available at the moment. A line of more than MAX_LINE bytes is yielded in
    parts, so that neither a long line nor a gzip file that expands to one takes much memory.

    Raises:
        InputError: a gzip file is damaged, Python lacks the encoding, or the file has another one. For UTF-8, callers
            decode the lines.
        OSError: the file cannot be read.
    """
    with contextlib.nullcontext(sys.stdin.buffer) if name == "-" else open(name, "rb") as file:
        file = cast(BufferedReader, file)
        first = file.peek(2)[:2]
        if not first or not GZIP.startswith(first):
            yield from _blocks(file, name, encoding)
            return
        try:
            with gzip.open(file) as unzipped:
                yield from _blocks(unzipped, name, encoding)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{file_title(name)}: expected a complete gzip file: {error}") from error


def file_title(name: str) -> str:
    """Return the name of a file for messages."""
    return "standard input" if name == "-" else name


def plain_name(title: str) -> str:
    """Return the name of a file in lower case and without `.gz`, so that its end shows its format."""
    return title.lower().removesuffix(".gz")


def _blocks(file: BufferedReader | gzip.GzipFile, name: str, encoding: str) -> Iterator[bytes]:
    partial = bytearray()  # a line whose end has not been read yet
    for chunk in _chunks(file, name, encoding):
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


def _chunks(file: BufferedReader | gzip.GzipFile, name: str, encoding: str) -> Iterator[bytes]:
    """Yield the content of a file in UTF-8, as it arrives."""
    chunks = iter(lambda: file.read1(BLOCK_BYTES), b"")
    try:
        if codecs.lookup(encoding).name == UTF_8:
            yield from chunks
            return
        decode = codecs.getincrementaldecoder(encoding)().decode
        for chunk in itertools.chain(chunks, [b""]):
            yield decode(chunk, not chunk).encode(errors="surrogatepass")
    except (AttributeError, LookupError, TypeError, ValueError) as error:  # also for codecs of other kinds, such as hex
        raise InputError(f"{file_title(name)}: cannot be read with `encoding` {encoding}: {error}") from error


def _is_ready(file: BufferedReader | gzip.GzipFile) -> bool:
    """Return whether a read returns at once: always for a file, and for a pipe if it has data or has ended.

    On Windows, False for every pipe.
    """
    try:
        is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except (OSError, ValueError):  # the stream has no file descriptor
        return True
    return is_file or (sys.platform != "win32" and bool(select.select([file], [], [], 0)[0]))


def numbered_lines(blocks: Iterable[bytes], on_progress: Callable[[int], object]) -> Iterator[Line | None]:
    """Yield the lines of the blocks; None means that no more input is available at the moment.

    A line of more than MAX_LINE bytes comes in parts; from the second on, their number is 0. `on_progress` is called
    after each block, with its number of bytes.
    """
    number, is_rest = 1, False
    for block in blocks:
        if not block:
            yield None
        for line in BytesIO(block):
            yield 0 if is_rest else number, line
            is_rest = not line.endswith(b"\n")
            number += not is_rest
        on_progress(len(block))


def is_blank(line: bytes, delimiter: str = "\t") -> bool:
    """Return whether a line consists of white space without tabs, or only of delimiters, between empty cells.

    A line that is too long counts as text, so that endless spaces cause an error.
    """
    contents = line.strip(BLANK.replace(b"\t", b"")), line.strip(f"{delimiter}\r\n".encode())
    return not {*contents}.isdisjoint({b"", BOM}) and len(line) <= MAX_LINE
