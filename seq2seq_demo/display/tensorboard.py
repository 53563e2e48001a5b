"""Logs of a training that TensorBoard shows: figures, and at will gradients, weights and activations.

`tf.summary.scalar` and its like need the package tensorboard, which TensorFlow does not bring along. What they rest on,
`tf.summary.write`, does not, so only who looks at the logs needs it.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seq2seq_demo.callbacks import Callback
from seq2seq_demo.config import ModelConfig
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.display.console import print_notice
from seq2seq_demo.display.predictions import probe_line
from seq2seq_demo.display.training_report import probe
from seq2seq_demo.errors import Seq2SeqError
from seq2seq_demo.figures import EpochFigures
from seq2seq_demo.files.file_names import DEFAULT_NAME, file_name_part
from seq2seq_demo.trained_network import TrainedNetwork

if TYPE_CHECKING:
    from seq2seq_demo.network.keras_network.model import Seq2Seq

PROBE_ROWS = 128  # of the validation set, for gradients and activations; the first one is the probe
BUCKETS = 30  # of a histogram
CELL, PICTURE = 16, 1024  # pixels along an attention weight, and along a picture, which makes cells smaller if need be


def default_log_dir(name: str | None, task: str) -> Path:
    """Return a directory that no other run has, among this user's temporary ones; it is not made yet."""
    try:
        temporary = tempfile.gettempdir()
    except FileNotFoundError:  # there is no place to write: a training can do without logs
        temporary = "/tmp"
    run = "__".join([time.strftime("%Y%m%d-%H%M%S"), name or DEFAULT_NAME, file_name_part(task), secrets.token_hex(3)])
    return Path(temporary) / f"seq2seq_demo_logs-{os.getuid()}" / run


def check(log_dir: Path) -> None:
    """Make the directory; raise Seq2SeqError if no logs can be written there."""
    try:
        log_dir.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=log_dir).close()
    except OSError as error:
        raise Seq2SeqError(f"{log_dir}: expected a directory to write logs to, got: {error.strerror}") from error


class TensorBoard(Callback):
    """Logs at Adam's steps, in a file of its own: a resumed training can use the same directory."""

    def __init__(self, log_dir: Path, verbosity: int) -> None:
        """Note where, and what: 0 loss and metrics; 1 gradients; 2 weights; 3 activations too."""
        self.log_dir, self.verbosity, self.failed = log_dir, verbosity, False
        # Made when they are needed: training has set TensorFlow up by then.
        self.writer: Any = None
        self.network: Seq2Seq | None = None

    def __enter__(self) -> TensorBoard:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        if self.writer:
            self.writer.close()

    def on_steps_end(self, step: int, points: int, loss: float, token_accuracy: float) -> None:
        """Log the figures since the last time."""
        self._log(step, lambda: _write("scalars", "train", {"loss": loss, "token_accuracy": token_accuracy}))

    def on_epoch_end(self, history: Sequence[EpochFigures], network: TrainedNetwork, validation: Pairs) -> None:
        """Log the validation figures, and what the verbosity asks for."""
        figures = asdict(history[-1].validation)
        self._log(network.step, lambda: _write("scalars", "validation", figures))
        answer = probe_line(probe(network, validation), colour=False).strip()
        self._log(network.step, lambda: _write("text", "probe", {"answer": answer}))
        if self.verbosity >= 1:
            probes = _probes(validation, network.model_config)
            self._log(network.step, lambda: self._examine(network, probes))

    def _log(self, step: int, write: Callable[[], None]) -> None:
        """Call `write` to write at this step; once that fails, say so and write no more: the training continues."""
        import tensorflow as tf

        if self.failed:
            return
        try:
            self.writer = self.writer or tf.summary.create_file_writer(os.fsencode(self.log_dir))
            with self.writer.as_default(step):
                write()
                self.writer.flush()  # where `as_default` is the first to fail at that, it does not end
        except tf.errors.OpError as error:
            self.failed = True
            reason = re.sub(r"{{.*?}} | \[Op:.*", "", error.message).partition("\n")[0]
            print_notice(f"No logs from step {step} on: {reason}")

    def _examine(self, network: TrainedNetwork, probes: Probes) -> None:
        """Write what levels 1 to 3 add."""
        # Not the network in training, which several workers may share.
        self.network = self.network or network.to_keras()
        self.network.assign_named(network.weights)
        sources, targets = probes
        gradients = _gradients(self.network, probes)
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
                _write("images", "probe", {"attention": _picture(attention[0].numpy())})
            _write("histograms", "activations", {name: _buckets(array.numpy()) for name, array in arrays.items()})


Probes = tuple[np.ndarray, np.ndarray]  # sources [B, S] and targets [B, T]


def _probes(validation: Pairs, model_config: ModelConfig) -> Probes:
    """Return the first pairs that are as long as the first one, with END after each target if the network ends."""
    sources, targets = validation.sources, validation.targets
    alike = (sources.lengths == sources.lengths[0]) & (targets.lengths == targets.lengths[0])
    chosen = np.flatnonzero(alike)[:PROBE_ROWS]
    T = int(targets.lengths[0]) + model_config.ends
    return sources[chosen].array(), targets[chosen].padded(T, model_config.go)


def _gradients(network: Seq2Seq, probes: Probes) -> dict[str, np.ndarray]:
    """Return the gradient of the mean loss by each weight."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        losses, _ = network.losses(*probes)  # [B, T]
        loss = tf.reduce_mean(losses)
    return {name: g.numpy() for name, g in tape.gradient(loss, network.named_variables()).items()}


def _write(plugin: str, group: str, values: dict[str, Any]) -> None:
    """Write values that a plugin of TensorBoard's shows, each in its form."""
    import tensorflow as tf

    metadata = tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": plugin})
    for name, value in values.items():
        tf.summary.write(f"{group}/{name}", value, metadata=metadata)


def _buckets(array: np.ndarray) -> np.ndarray:
    """Return a histogram: a bucket a row, with its left edge, its right edge and its count."""
    counts, edges = np.histogram(array[np.isfinite(array)].astype(float), BUCKETS)
    return np.stack([edges[:-1], edges[1:], counts], axis=1)


def _picture(attention: np.ndarray) -> Any:
    """Return α `[T, S]` as an image, a row a step, 0 black and 1 white: its width, its height and the PNG."""
    import tensorflow as tf

    cell = max(1, min(CELL, PICTURE // max(attention.shape)))
    pixels = np.rint(255 * attention).astype(np.uint8).repeat(cell, axis=0).repeat(cell, axis=1)
    height, width = pixels.shape
    return tf.stack([str(width), str(height), tf.io.encode_png(pixels[..., None])])
