"""The figures of every epoch, in a JSON file and as curves in a picture."""

import json
from collections.abc import Sequence
from pathlib import Path

from seq2seq_demo.callbacks import Callback
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.display import plots
from seq2seq_demo.display.console import print_notice
from seq2seq_demo.errors import Seq2SeqError
from seq2seq_demo.figures import EpochFigures
from seq2seq_demo.files import atomic_files
from seq2seq_demo.trained_network import TrainedNetwork


class History(Callback):
    """Writes both anew after each epoch."""

    def __init__(self, path: Path | None, plot: Path | None) -> None:
        """Note where to; None leaves it out.

        Raises:
            Seq2SeqError: one of them cannot be written.
        """
        self.path, self.plot = path, plot
        if path is not None:
            atomic_files.check_writable(path, "the history")
            atomic_files.check_replaceable(path, lambda file: file.read(1) in b"[{", "a place for the history")
        if plot is not None:
            plots.check(plot)

    def on_epoch_end(self, history: Sequence[EpochFigures], network: TrainedNetwork, validation: Pairs) -> None:
        """Write both; where that fails, say so, and let the training continue."""
        try:
            if self.path is not None:
                facts = [figures.to_json() for figures in history]
                atomic_files.write(self.path, (json.dumps(facts, indent=2) + "\n").encode())
            if self.plot is not None:
                plots.history(self.plot, history)
        except (Seq2SeqError, OSError) as error:
            print_notice(f"No history: {error}")
