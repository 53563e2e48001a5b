"""The files that a training run writes next to its result: per-epoch metrics and TensorBoard logs.

The logs contain metrics, and optionally gradients, weights and activations. They are written with
`tf.summary.write`, because `tf.summary.scalar` and `tf.summary.histogram` need the tensorboard package. TensorFlow does
not install that package; users need it only to view the logs.
"""

import contextlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.console import notice
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.errors import Seq2SeqError
from seq2seq_demo.files import atomic_files
from seq2seq_demo.trained import plots
from seq2seq_demo.training.callbacks import Callback, TrainingState
from seq2seq_demo.training.report import probe, probe_line

PROBE_ROWS = 128  # the largest number of validation pairs for gradients and activations
HISTOGRAM_BUCKETS = 30


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
    """Writes a new event file, indexed by Adam's steps. A resumed training run can therefore use the same directory.

    `verbosity` 0 logs loss and metrics; 1 adds gradients, 2 adds weights, and 3 adds activations.
    """

    def __init__(self, log_dir: Path, verbosity: int) -> None:
        self.log_dir, self.verbosity = log_dir, verbosity
        # These are created on first use, after training has configured TensorFlow.
        self.writer: Any = None
        self.network: Any = None

    def on_steps_end(self, state: TrainingState) -> None:
        """Log the training loss and token accuracy."""
        metrics = {"loss": state.figures.loss, "forced_token_accuracy": state.figures.forced_token_accuracy}
        with self._writer_at(state.step):
            _write("scalars", "train", metrics)

    def on_epoch_end(self, state: TrainingState) -> None:
        """Log the validation metrics, the probe, and the details of verbosity 1 to 3."""
        with self._writer_at(state.step):
            _write("scalars", "validation", asdict(state.figures.validation))
            _write("text", "probe", {"answer": probe_line(probe(state), colour=False).strip()})
            if self.verbosity >= 1:
                self._write_details(state)

    def _writer_at(self, step: int) -> contextlib.AbstractContextManager[None]:
        """Return a context where TensorFlow writes the logs of this step."""
        import tensorflow as tf

        self.writer = self.writer or tf.summary.create_file_writer(os.fsencode(self.log_dir))
        return self.writer.as_default(step)  # type: ignore[no-any-return]

    def _write_details(self, state: TrainingState) -> None:
        """Write the gradients of the mean loss and, if `verbosity` selects them, the weights and activations."""
        import tensorflow as tf

        network = state.network
        # This is a copy, because several workers may share the network that is being trained.
        self.network = self.network or network.to_keras()
        self.network.assign_named(network.weights)
        sources, targets = _probes(state._pairs, network.model_config)
        with tf.GradientTape() as tape:
            losses, _ = self.network.losses(sources, targets)  # [B, T]
            loss = tf.reduce_mean(losses)
        gradients = {name: g.numpy() for name, g in tape.gradient(loss, self.network.named_variables()).items()}
        _write("scalars", "gradients", {"global_norm": np.sqrt(sum((g**2).sum() for g in gradients.values()))})
        _write("histograms", "gradients", {name: _buckets(gradient) for name, gradient in gradients.items()})
        if self.verbosity >= 2:
            _write("histograms", "weights", {name: _buckets(weight) for name, weight in network.weights.items()})
        if self.verbosity >= 3:
            memory, states = self.network.encoder(sources)
            _, logits, attention = self.network.decoder.greedy(memory, states, targets.shape[1])
            arrays = {"memory": memory, "logits": logits}
            if network.model_config.has_attention:
                arrays["attention"] = attention
            _write("histograms", "activations", {name: _buckets(array.numpy()) for name, array in arrays.items()})


def _probes(validation: Pairs, model_config: ModelConfig) -> tuple[np.ndarray, np.ndarray]:
    """Return sources `[B, S]` and targets `[B, T]` of up to PROBE_ROWS pairs with the same lengths as the first pair.

    The targets include END if the network writes END.
    """
    sources, targets = validation.sources, validation.targets
    has_same_lengths = (sources.lengths == sources.lengths[0]) & (targets.lengths == targets.lengths[0])
    chosen = np.flatnonzero(has_same_lengths)[:PROBE_ROWS]
    T = int(targets.lengths[0]) + model_config.ends
    return sources[chosen].array(), targets[chosen].padded(T, model_config.go)


def _write(plugin: str, group: str, values: dict[str, Any]) -> None:
    """Write values in the format of a TensorBoard plugin, under the names `group/name`."""
    import tensorflow as tf

    metadata = tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": plugin})
    for name, value in values.items():
        tf.summary.write(f"{group}/{name}", value, metadata=metadata)


def _buckets(array: np.ndarray) -> np.ndarray:
    """Return a histogram of the finite values, with one row per bucket: left edge, right edge and count."""
    counts, edges = np.histogram(array[np.isfinite(array)].astype(float), HISTOGRAM_BUCKETS)
    return np.stack([edges[:-1], edges[1:], counts], axis=1)
