"""Prints lines to standard output and standard error, and makes text tables and progress bars.

Printed text may come from an untrusted file. Control characters are therefore escaped, as in Python's `repr`, so that
they cannot control the terminal.
"""

import contextlib
import os
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, TextIO

from seq2seq_demo.declarations import with_option_names
from seq2seq_demo.errors import Seq2SeqError, system_reason

LOGGER = "seq2seq_demo"  # the name of the logger for notices
JOINERS = "\u200c\u200d"  # zero-width characters
SHOW_AFTER = 1.0  # seconds; shorter tasks show no bar
VISIBLE_SPACES = {" ": "\u2423", "\u00a0": "\u237d"}  # Unicode's OPEN BOX and SHOULDERED OPEN BOX


def _redirect_to_devnull(stream: TextIO) -> None:
    """Discard the stream's buffer and all later writes."""
    with contextlib.suppress(OSError), open(os.devnull, "wb") as devnull:
        os.dup2(devnull.fileno(), stream.fileno())


def printable(text: str) -> str:
    """Escape unprintable characters as `repr` does, except newlines, tabs, Unicode spaces and joiners."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if _is_displayable(c) else repr(c)[1:-1] for c in text)


def _is_displayable(character: str) -> bool:
    return character.isprintable() or character in f"\n\t{JOINERS}" or unicodedata.category(character) == "Zs"


def print_result(text: str, unchanged: bool = False) -> None:
    """Print a result to standard output.

    If `unchanged`, the text is not escaped: it contains our escape sequences for colours or is not for a terminal.

    Raises:
        BrokenPipeError: the reader, for example `head`, has closed the pipe.
        Seq2SeqError: standard output cannot be written, for example because a disk is full.
    """
    try:
        print(text if unchanged else printable(text), flush=True)
    except OSError as error:
        _redirect_to_devnull(sys.stdout)
        if isinstance(error, BrokenPipeError):
            raise
        raise Seq2SeqError(f"cannot write to standard output: {system_reason(error)}") from error


def print_line(text: str, coloured: bool = False) -> None:
    """Print a line of a training report; a failure to write to standard output does not stop the training."""
    with contextlib.suppress(BrokenPipeError, Seq2SeqError):
        print_result(text, unchanged=coloured)


def print_error(text: str) -> None:
    """Hide the progress bar and print one line to standard error, replacing arguments in backticks with options.

    A failure to write to standard error does not stop the program.
    """
    if ProgressBar.visible:
        ProgressBar.visible.hide()
    try:
        print(one_line(with_option_names(text)), file=sys.stderr, flush=True)
    except OSError:
        _redirect_to_devnull(sys.stderr)


def one_line(text: str) -> str:
    """Escape newlines, tabs and all characters that `printable` escapes."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


# ---- Notices: log records that the command line prints ----


def notice(text: str, is_warning: bool = True) -> None:
    """Log a notice. On the command line, `show_notices` prints it; in Python, the user's `logging` settings apply.

    By default, `logging` shows only warnings.
    """
    import logging  # the import takes milliseconds, and --help does not need it

    logging.getLogger(LOGGER).log(logging.WARNING if is_warning else logging.INFO, "%s", text, stacklevel=2)


@contextlib.contextmanager
def show_notices(is_quiet: bool = False) -> Iterator[None]:
    """Print each notice as `print_error` does, until the context ends; if `is_quiet`, show no notices."""
    import logging

    class Printer(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            print_error(record.getMessage())

    logger, printer = logging.getLogger(LOGGER), Printer()
    level, propagates = logger.level, logger.propagate
    logger.addHandler(printer)
    logger.propagate = False
    logger.setLevel(logging.ERROR if is_quiet else logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(printer)
        logger.propagate = propagates
        logger.setLevel(level)


# ---- Tables and colours ----


def pluralize(n: int, noun: str) -> str:
    """Return the number and its noun, as in `1 epoch` and `2 epochs`."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def display_width(text: str) -> int:
    """Return the width of a string in terminal columns: 2 for a Chinese character, 0 for a combining accent."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def align(text: str, width: int, adjust: Callable[[str, int], str] = str.rjust) -> str:
    """Pad a string with spaces to a display width; `adjust` is `str.rjust`, `str.ljust` or `str.center`."""
    return adjust(text, width - display_width(text) + len(text))


def visible_symbol(name: object) -> str:
    """Return a symbol as it is displayed on its own: spaces become visible, and control characters are escaped."""
    return "".join(VISIBLE_SPACES.get(c, c) for c in one_line(str(name)))


def table(header: list[str], rows: Sequence[list[str]], adjust: Callable[[str, int], str] = str.rjust) -> str:
    """Return a table as lines of text. Its first column is left-aligned; `adjust` aligns the other columns."""
    cells = [[*map(one_line, row)] for row in (header, *rows)]
    widths = [max(map(display_width, column)) for column in zip(*cells, strict=True)]
    adjusts = [str.ljust] + [adjust] * (len(header) - 1)
    return "\n".join("  ".join(map(align, row, widths, adjusts)).rstrip() for row in cells)


def has_colour(stream: TextIO) -> bool:
    """Return whether the stream is a colour terminal and NO_COLOR is not set."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM", "dumb") != "dumb"


def red(text: str) -> str:
    """Wrap a string in the escape sequences for red."""
    return f"\x1b[31m{text}\x1b[0m"


# ---- Progress bars ----


class ProgressBar(contextlib.AbstractContextManager["ProgressBar"]):
    """Counts sequences. On a terminal, a bar appears after a second and disappears at the end.

    Notices and errors hide the bar until `advance` is called again.

    Args:
        description: the label of the bar.
        total: the number of sequences; None means unknown.
        may_show: whether the bar may be shown.
    """

    visible: ClassVar["ProgressBar | None"] = None

    def __init__(self, description: str, total: int | None = None, may_show: bool = True) -> None:
        self.description, self.total, self.n = description, total, 0
        self.may_show = may_show and sys.stderr.isatty()
        self.started = time.monotonic()
        self.bar: Any = None  # created only when shown, because rich is slow to import

    def __exit__(self, *_: object) -> None:
        self.hide()

    def advance(self, n: int) -> None:
        """Count n more finished sequences."""
        self.n += n
        if self.may_show and time.monotonic() - self.started > SHOW_AFTER:
            self._show()

    def hide(self) -> None:
        """Remove the bar until `advance` is called again."""
        if self.bar:
            self.bar.stop()
        ProgressBar.visible = None

    def _show(self) -> None:
        if self.bar is None:
            self.bar = new_bar("{task.completed:,} sequences")
            self.bar.add_task(self.description, total=self.total, completed=self.n)
        self.bar.start()
        self.bar.update(self.bar.task_ids[0], completed=self.n)
        ProgressBar.visible = self


def new_bar(progress: str, *metrics: str) -> Any:
    """Return a `rich.progress.Progress` on standard error; `progress` and `metrics` are columns in rich's format.

    The columns are the description, the bar, `progress`, the remaining time and `metrics`. When the bar stops, it
    disappears from a terminal, but stays in a notebook.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

    columns: list[str | ProgressColumn] = ["{task.description}", BarColumn(), progress, TimeRemainingColumn()]
    columns += map(TextColumn, metrics)
    console = Console(stderr=True)
    return Progress(
        *columns, console=console, transient=not console.is_jupyter, redirect_stdout=False, redirect_stderr=False
    )
