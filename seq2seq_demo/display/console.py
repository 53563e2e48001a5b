"""Lines on standard output and standard error, and tables of text.

What is printed may hold what a file or a stranger said: every character that is not for reading is written as Python's
repr writes it, so that a terminal cannot be made to act.
"""

import contextlib
import errno
import io
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TextIO, cast

from seq2seq_demo.declarations import with_option_names
from seq2seq_demo.errors import Seq2SeqError

JOINERS = "\u200c\u200d"  # zero width
VISIBLE = {" ": "\u2423", "\u00a0": "\u237d"}  # an open box, a shouldered one


@contextlib.contextmanager
def safe_streams() -> Iterator[None]:
    """Make the standard streams what the rest of the program takes them for, whatever the shell made of them.

    What standard error cannot take is lost, silently; standard output that is closed refuses what is written.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass  # it was closed, and must not become that of a file, which TensorFlow's messages would be written into
    os.close(descriptor)
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = sys.stdout or _Closed(), cast(TextIO, _Unfailing(sys.stderr or _Closed()))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # an ü, where the locale has none
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _Closed(io.TextIOBase):
    """A standard stream that the shell has closed."""

    def write(self, _: str) -> int:
        """Raise OSError."""
        raise OSError(errno.EBADF, "it is closed")


class _Unfailing:
    """A standard error that may have lost its reader, or its disk may be full: then the rest is lost."""

    def __init__(self, stream: TextIO | _Closed) -> None:
        """Write to this stream, as long as it takes what is written."""
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or lose it."""
        with self._lost():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or lose it."""
        with self._lost():
            self._stream.flush()

    @contextlib.contextmanager
    def _lost(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError):
            _silence(self._stream)

    def __getattr__(self, name: str) -> Any:
        """Return any other attribute of the stream, its descriptor for example."""
        return getattr(self._stream, name)


def _silence(stream: TextIO | _Closed) -> None:
    """Let what is written to the stream, and what it still holds, go nowhere."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def printable(text: str) -> str:
    """Return the text with every character that is not for reading as `repr` writes it; lines stay lines."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if _is_for_reading(c) else repr(c)[1:-1] for c in text)


def _is_for_reading(character: str) -> bool:
    """Say whether a terminal shows it; spaces, and what joins letters or keeps them apart, do nothing else."""
    return character.isprintable() or character in f"\n\t{JOINERS}" or unicodedata.category(character) == "Zs"


def print_result(text: str, coloured: bool = False) -> None:
    """Print what the program was asked for; where nobody can get it, the program has failed.

    `coloured` text holds our own escape sequences, and nothing from a file.

    Raises:
        BrokenPipeError: the reader, `head` say, has seen enough.
        Seq2SeqError: standard output is closed, or its disk is full.
    """
    try:
        print(text if coloured else printable(text), flush=True)
    except BrokenPipeError:
        _silence(sys.stdout)
        raise
    except OSError as error:
        _silence(sys.stdout)
        raise Seq2SeqError(f"standard output: {error.strerror}") from error


def print_line(text: str, coloured: bool = False) -> None:
    """Print a line of a training's report, which continues even where nobody reads it any more."""
    try:
        print_result(text, coloured)
    except BrokenPipeError:
        pass
    except Seq2SeqError as error:
        if not isinstance(sys.stdout, _Closed):
            print_notice(f"{error}; the training continues")


def print_notices(notices: list[str]) -> None:
    """Print the notices that were collected, once: the list is empty then."""
    while notices:
        print_notice(notices.pop(0))


def print_notice(text: str) -> None:
    """Print something that is not a result, in a line: on standard error."""
    print(in_a_line(with_option_names(text)), file=sys.stderr)


def in_a_line(text: str) -> str:
    """Return the text as `printable` does, with its ends of lines and its tabs escaped too."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def counted(n: int, what: str) -> str:
    """Return a number with what it counts, in the singular where it is 1."""
    return f"{n} {what}{'' if n == 1 else 's'}"


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: 2 for a Chinese character, 0 for an accent on its own."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def padded(text: str, width: int, adjust: Callable[[str, int], str] = str.rjust) -> str:
    """Return a text padded with spaces to a width in columns."""
    return adjust(text, width - columns(text) + len(text))


def symbol(name: object) -> str:
    """Return how a symbol is shown on its own: any space and joiner can be seen, and nothing acts on a terminal."""
    text = str(name)
    if len(text) == 1 and text not in VISIBLE and not text.isprintable():
        return repr(text)[1:-1]
    return "".join(VISIBLE.get(c, c) for c in in_a_line(text))


def table(header: list[str], rows: Sequence[list[str]], adjust: Callable[[str, int], str] = str.rjust) -> str:
    """Return rows under a header, each column as wide as its widest cell, the first one to the left."""
    header, *rows = ([*map(in_a_line, row)] for row in (header, *rows))
    widths = [max(map(columns, column)) for column in zip(header, *rows, strict=True)]
    lines = []
    for row in [header, *rows]:
        first, *others = zip(row, widths, strict=True)
        cells = [padded(*first, str.ljust), *(padded(*cell, adjust) for cell in others)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
