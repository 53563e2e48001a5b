"""A progress bar on standard error for long work."""

import contextlib
import os
import sys
import time
from typing import Any

from seq2seq_demo.console import print_notice

SHOW_AFTER = 1.0  # seconds; shorter work shows no bar


class ProgressBar(contextlib.AbstractContextManager["ProgressBar"]):
    """Counts sequences. On a terminal it shows a bar once a second has passed, and removes the bar at the end.

    Call `hide` before printing a result, and print notices with `notify`.

    Args:
        description: the label of the bar.
        total: the number of steps, usually one per sequence; None if it is unknown.
        may_show: False never shows the bar.
    """

    def __init__(self, description: str, total: int | None = None, may_show: bool = True) -> None:
        self.description, self.total, self.n, self.steps = description, total, 0, 0
        self.may_show = may_show and sys.stderr.isatty() and "NO_COLOR" not in os.environ
        self.started = time.monotonic()
        self.bar: Any = None  # created only when shown, because rich is slow to import

    def __exit__(self, *_: object) -> None:
        self.hide()

    def advance(self, n: int, steps: int | None = None) -> None:
        """Count n more finished sequences and `steps` more steps; None means n steps."""
        self.n += n
        self.steps += n if steps is None else steps
        if self.may_show and time.monotonic() - self.started > SHOW_AFTER:
            self._show()

    def hide(self) -> None:
        """Remove the bar until the next `advance`."""
        if self.bar:
            self.bar.stop()

    def notify(self, *notices: str) -> None:
        """Print notices, and hide the bar if there are any."""
        for notice in notices:
            self.hide()
            print_notice(notice)

    def _show(self) -> None:
        if self.bar is None:
            self.bar = new_bar("{task.fields[n]:,} sequences")
            self.bar.add_task(self.description, total=self.total, completed=self.steps, n=self.n)
        self.bar.start()
        self.bar.update(self.bar.task_ids[0], completed=self.steps, n=self.n)


def new_bar(progress: str, *figures: str) -> Any:
    """Return a `rich.progress.Progress` on standard error; `progress` and `figures` are columns in rich's format.

    The columns are the description, the bar, `progress`, the remaining time and `figures`.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

    columns: list[str | ProgressColumn] = ["{task.description}", BarColumn(), progress, TimeRemainingColumn()]
    columns += map(TextColumn, figures)
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
