"""The figures of every epoch, in a JSON file and as curves in a picture."""

import json
from pathlib import Path

from seq2seq_demo import files, plots
from seq2seq_demo.dataset import Pairs
from seq2seq_demo.errors import DemoError
from seq2seq_demo.parameters import TrainedNetwork
from seq2seq_demo.report import notice
from seq2seq_demo.watchers import Watcher


class History(Watcher):
    """Writes both anew after each epoch."""

    def __init__(self, path: Path | None, plot: Path | None):
        """Note where; None leaves it out.

        Raises:
            DemoError: one of them cannot be written.
        """
        self.path, self.plot = path, plot
        if path is not None:
            files.check_writable(path, "the history")
        if plot is not None:
            plots.check(plot)

    def epoch_ends(self, history: list[dict], network: TrainedNetwork, validation: Pairs) -> None:
        """Write both; where that fails, say so, and let the training go on."""
        try:
            if self.path is not None:
                files.write(self.path, (json.dumps(history, indent=2) + "\n").encode())
            if self.plot is not None:
                plots.history(self.plot, history)
        except (DemoError, OSError) as error:
            notice(f"No history: {error}")
