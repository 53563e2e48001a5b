"""Lines on standard output and standard error, and tables of text."""

import os
import sys
from collections.abc import Callable, Sequence


def line(text: str) -> None:
    """Print a line of a training's report, which continues even where nobody reads it any more."""
    try:
        print(text, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            notice(f"Standard output: {error.strerror}; the training continues")


def say(notices: list[str]) -> None:
    """Print the notices that were collected, once: the list is empty then."""
    while notices:
        notice(notices.pop(0))


def notice(text: str) -> None:
    """Print something that is not a result: on standard error."""
    print(text, file=sys.stderr)


def table(header: list[str], rows: Sequence[list[str]], adjust: Callable[[str, int], str] = str.rjust) -> str:
    """Return rows under a header, each column as wide as its widest cell, the first one to the left."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = []
    for first, *others in [header, *rows]:
        cells = [first.ljust(widths[0]), *map(adjust, others, widths[1:])]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
