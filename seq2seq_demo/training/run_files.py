"""The files that a training run writes next to its result: per-epoch metrics and TensorBoard logs.

The logs are written with `tf.summary.write`, because `tf.summary.scalar` needs the tensorboard package. TensorFlow does
not install that package; users need it only to view the logs.
"""

import contextlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seq2seq_demo.console import notice
from seq2seq_demo.errors import Seq2SeqError
from seq2seq_demo.files import atomic_files
from seq2seq_demo.trained import plots
from seq2seq_demo.training.callbacks import Callback, TrainingState
from seq2seq_demo.training.report import probe, probe_line


class HistoryFiles(Callback):
    """Rewrites the JSON file at `path` and the picture at `plot` after each epoch; None means no file.

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

    def on_epoch_end(self, state: TrainingState) -> None:
        """Write the files; on failure, print a notice and let training continue."""
        try:
            if self.path is not None:
                epochs = [epoch.to_dict() for epoch in state.history]
                atomic_files.write(self.path, (json.dumps(epochs, indent=2) + "\n").encode())
            if self.plot is not None:
                plots.save(state.history.plot(), self.plot)
        except (Seq2SeqError, OSError) as error:
            notice(f"The history was not saved: {error}")


# ---- TensorBoard ----


class TensorBoard(Callback):
    """Writes a new event file, indexed by Adam's steps. A resumed training run can therefore use the same directory."""

    def __init__(self, log_dir: Path) -> None:
        self.log_dir = log_dir
        self.writer: Any = None  # created on first use, after training has configured TensorFlow

    def on_steps_end(self, state: TrainingState) -> None:
        """Log the training loss and token accuracy."""
        metrics = {"loss": state.figures.loss, "forced_token_accuracy": state.figures.forced_token_accuracy}
        with self._writer_at(state.step):
            _write("scalars", "train", metrics)

    def on_epoch_end(self, state: TrainingState) -> None:
        """Log the validation metrics and the probe."""
        with self._writer_at(state.step):
            _write("scalars", "validation", asdict(state.figures.validation))
            _write("text", "probe", {"answer": probe_line(probe(state), colour=False).strip()})

    def _writer_at(self, step: int) -> contextlib.AbstractContextManager[None]:
        """Return a context where TensorFlow writes the logs of this step."""
        import tensorflow as tf

        self.writer = self.writer or tf.summary.create_file_writer(os.fsencode(self.log_dir))
        return self.writer.as_default(step)  # type: ignore[no-any-return]


def _write(plugin: str, group: str, values: dict[str, Any]) -> None:
    """Write values in the format of a TensorBoard plugin, under the names `group/name`."""
    import tensorflow as tf

    metadata = tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": plugin})
    for name, value in values.items():
        tf.summary.write(f"{group}/{name}", value, metadata=metadata)
