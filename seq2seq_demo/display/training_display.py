"""The display of a training run in Python: a progress bar in a notebook and, if requested, the report of `train`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

from seq2seq_demo.callbacks import Callback
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.data.tasks import Task
from seq2seq_demo.declarations import require_flag
from seq2seq_demo.display.training_report import TrainingReport, training_header
from seq2seq_demo.figures import EpochFigures, in_notebook
from seq2seq_demo.trained_network import TrainedNetwork

SECONDS = 0.1  # the shortest time between two updates of a bar


@contextlib.contextmanager
def training_display(
    verbose: bool | None, model_config: ModelConfig, config: TrainConfig, task: Task
) -> Iterator[list[Callback]]:
    """Yield the callbacks that show a training run; the arguments are those of the run."""
    is_verbose = verbose is not None and require_flag("`verbose`", verbose)
    bars: list[Callback] = [NotebookBar(config)] if verbose is not False and in_notebook() else []
    if not is_verbose:
        yield bars
        return
    training_header(model_config, config, task, 1)
    with TrainingReport(config) as report:
        yield [*bars, report]


class NotebookBar(Callback):
    """Shows a line with a progress bar in a notebook, for the current epoch."""

    def __init__(self, config: TrainConfig) -> None:
        self.config, self.shown, self.member, self.validated = config, 0.0, "", ""
        self.display: Any = None

    def on_member_begin(self, finished: Sequence[TrainedNetwork]) -> None:
        """Name the member in the line."""
        self.member, self.validated = f"Member {len(finished) + 1}/{self.config.members}, ", ""

    def on_epoch_begin(self, epoch: int) -> None:
        """Show an empty bar."""
        self.epoch = epoch
        self._show(0)

    def on_steps_end(self, step: int, points: int, loss: float, token_accuracy: float) -> None:
        """Advance the bar."""
        self.figures = f"loss {loss:.4f}, accuracy {token_accuracy:.4f}"
        if time.monotonic() - self.shown > SECONDS:
            self._show(points, self.figures)

    def on_epoch_end(self, history: Sequence[EpochFigures], network: TrainedNetwork, validation: Pairs) -> None:
        """Fill the bar, and show the exact match."""
        self.validated = f"; validation exact match {history[-1].validation.exact_match:.4f}"
        self._show(self.config.n_training, self.figures)

    def _show(self, points: int, figures: str = "") -> None:
        from IPython.display import HTML, display

        n, self.shown = self.config.n_training, time.monotonic()
        epoch = f"{self.member}epoch {self.epoch}" + ("" if self.config.budget else f"/{self.config.epochs}")
        bar = HTML(f'{epoch} <progress max="{n}" value="{points}"></progress> {figures}{self.validated}')
        self.display = self.display or display(bar, display_id=True)
        self.display.update(bar)
