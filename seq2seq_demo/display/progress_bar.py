"""A bar on standard error that shows how far long work is."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

PATIENCE = 1.0  # seconds: shorter work needs no bar


class ProgressBar:
    """Counts sequences; on a terminal, a bar moves meanwhile once a second has passed, and is gone at the end.

    Whoever prints meanwhile calls `hide` first.
    """

    def __init__(self, what: str, total: int | None = None, may_show: bool = True) -> None:
        """Begin; `total` is in steps, which are sequences unless `advance` is told otherwise; None: nobody knows it."""
        self.what, self.total, self.n, self.steps = what, total, 0, 0
        self.may_show = may_show and sys.stderr.isatty() and "NO_COLOR" not in os.environ
        self.begun, self.bar = time.monotonic(), None

    def __enter__(self) -> ProgressBar:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away, whatever ended the work."""
        self.hide()

    def advance(self, n: int, steps: int | None = None) -> None:
        """Note that n more sequences are done, and so many more steps, by default n."""
        self.n += n
        self.steps += n if steps is None else steps
        if self.may_show and time.monotonic() - self.begun > PATIENCE:
            self._show()

    def hide(self) -> None:
        """Take the bar away until more is done."""
        if self.bar:
            self.bar.stop()

    bar: Any  # rich is loaded only for work that is long

    def _show(self) -> None:
        if self.bar is None:
            self.bar = new_bar("{task.fields[n]:,} sequences")
            self.bar.add_task(self.what, total=self.total, completed=self.steps, n=self.n)
        self.bar.start()
        self.bar.update(self.bar.task_ids[0], completed=self.steps, n=self.n)


def new_bar(done: str, *figures: str) -> Any:
    """Return a bar of rich's, which tells how much is done, then how long the rest takes, then figures."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

    columns: list[str | ProgressColumn] = ["{task.description}", BarColumn(), done, TimeRemainingColumn()]
    columns += map(TextColumn, figures)
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
