"""Writes the figures of every epoch to a JSON file, and draws them as training curves."""

import json
from collections.abc import Sequence
from pathlib import Path

from seq2seq_demo import plots
from seq2seq_demo.callbacks import Callback
from seq2seq_demo.console import print_notice
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.errors import Seq2SeqError
from seq2seq_demo.files import atomic_files
from seq2seq_demo.metrics import EpochFigures
from seq2seq_demo.trained_network import TrainedNetwork


class HistoryFiles(Callback):
    """Rewrites the JSON file at `path` and the picture at `plot` after each epoch, unless the path is None.

    Raises:
        UsageError: the picture cannot be drawn.
        Seq2SeqError: one of the files cannot be written, or another program wrote it and `force` is False.
    """

    def __init__(self, path: Path | None, plot: Path | None, force: bool = False) -> None:
        self.path, self.plot = path, plot
        if path is not None:
            atomic_files.check_replaceable(path, "a history", force)
        if plot is not None:
            plots.check(plot, force)

    def on_epoch_end(self, history: Sequence[EpochFigures], network: TrainedNetwork, validation: Pairs) -> None:
        """Write the files."""
        self.write(history)

    def write(self, history: Sequence[EpochFigures]) -> None:
        """Write the files; a failure prints a notice and does not stop the training."""
        try:
            if self.path is not None:
                epochs = [figures.to_json() for figures in history]
                atomic_files.write(self.path, (json.dumps(epochs, indent=2) + "\n").encode())
            if self.plot is not None:
                plots.save(plots.History(history).plot(), self.plot)
        except (Seq2SeqError, OSError) as error:
            print_notice(f"Could not write the history: {error}")
