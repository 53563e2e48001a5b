"""The report of `train`: a header, a progress bar, a line per epoch, and advice after the training."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from seq2seq_demo.callbacks import Callback
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.edit_distance import edit_distances
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.data.tasks import Task
from seq2seq_demo.display.console import pluralize, print_line
from seq2seq_demo.display.heatmap import has_colour
from seq2seq_demo.display.predictions import probe_line
from seq2seq_demo.display.progress_bar import new_bar
from seq2seq_demo.figures import EpochFigures
from seq2seq_demo.predictions import Prediction
from seq2seq_demo.trained_network import TrainedNetwork

Epochs = Sequence[EpochFigures]
PROBE_CANDIDATES = 20  # the number of validation pairs from which the probe is chosen


class TrainingReport(Callback):
    """Prints a line per epoch on standard output. On a terminal, shows a progress bar on standard error."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.history: Epochs = ()
        self.bar = new_bar("{task.completed:,.0f}/{task.total:,.0f}", "{task.fields[figures]}")
        self.bar.disable = "NO_COLOR" in os.environ or not (sys.stdout.isatty() and sys.stderr.isatty())

    def __enter__(self) -> TrainingReport:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def on_member_begin(self, finished: Sequence[TrainedNetwork]) -> None:
        """Print a heading for the member."""
        number = len(finished)
        print_line(f"Member {number + 1}/{self.config.members}, seed {self.config.seed + number}")

    def on_epoch_begin(self, epoch: int) -> None:
        """Show an empty bar for this epoch."""
        name = f"Epoch {epoch}/{self.config.epochs}"
        self.task = self.bar.add_task(name, total=self.config.n_training, figures="")
        self.bar.start()

    def on_steps_end(self, step: int, points: int, loss: float, token_accuracy: float) -> None:
        """Advance the bar, and show the loss and accuracy beside the bar."""
        self.bar.update(self.task, completed=points, figures=f"loss {loss:.4f} accuracy {token_accuracy:.4f}")

    def on_epoch_end(self, history: Epochs, network: TrainedNetwork, validation: Pairs) -> None:
        """Remove the bar, and print a line for the epoch and one for the probe."""
        self.bar.stop()
        self.bar.remove_task(self.task)
        last, validated, n, self.history = history[-1], history[-1].validation, self.config.epochs, history
        accuracy = f"{validated.forced_token_accuracy:.4f} forced, {validated.token_accuracy:.4f} free-running"
        print_line(
            f"Epoch {last.epoch:{len(str(n))}}/{n}: loss {last.loss:.4f}, accuracy {last.token_accuracy:.4f}; "
            f"validation loss {validated.loss:.4f}, token accuracy {accuracy}, exact match {validated.exact_match:.4f}"
        )
        print_line(probe_line(probe(network, validation), has_colour(sys.stdout)), coloured=True)


def ensemble_line(network: TrainedNetwork) -> str:
    """Return the validation figures of an ensemble as text."""
    assert network.reached
    figures = f"validation loss {network.reached.loss:.4f}, exact match {network.reached.exact_match:.4f}"
    return f"Ensemble of {len(network.networks)} networks: {figures}"


def probe(network: TrainedNetwork, validation: Pairs) -> Prediction:
    """Return the network's prediction for the probe source, with the nearest of the targets of this source."""
    source, expected = probe_pair(validation)
    ((prediction,),) = network.predict_numbers([source], None if network.ends else len(expected))
    rows = np.flatnonzero(validation.sources.lengths == len(source))
    targets = validation.targets[rows[(validation.sources[rows].array() == source).all(axis=1)]]
    answers = np.array([prediction.predicted] * len(targets), np.int64)
    edits = edit_distances(answers, np.full(len(targets), len(prediction.predicted)), targets)
    return network.with_symbols(prediction._replace(expected=targets.rows()[edits.argmin()]))


def probe_pair(pairs: Pairs) -> tuple[list[int], list[int]]:
    """Return the source and target of the probe. It has the longest source of the first PROBE_CANDIDATES pairs."""
    longest = int(pairs.sources.lengths[:PROBE_CANDIDATES].argmax())
    pair = pairs[longest : longest + 1]
    return pair.sources.rows()[0], pair.targets.rows()[0]


def training_header(model_config: ModelConfig, config: TrainConfig, task: Task, verbose: int) -> None:
    """Print the task, the vocabularies and the numbers of points; `verbose` 2 adds all settings."""
    has_validation_file = isinstance(task, PairTask) and task.validation is not None
    points = config.n_training if has_validation_file else config.points
    data = f"{'pairs of' if isinstance(task, PairTask) else 'pattern'} '{task.name}'"
    lengths = f", sources of {config.lengths} symbols" if model_config.ends else ""
    print_line(f"Training on {points} point dataset ({data}{lengths}), with {pluralize(config.epochs, 'epoch')}")
    if task.vocabularies.are_text:
        sides = [f"{len(x.symbols)} {x.tokens}" if x.is_text else x.tokens for x in task.vocabularies]
        print_line(f"Vocabularies: {sides[0]} in sources, {sides[1]} in targets")
    if verbose >= 2:
        print_line(f"model parameters: {json.dumps(asdict(model_config) | asdict(config), indent=4)}")
    origin = " from the validation file" if has_validation_file else ""
    n_training = pluralize(config.n_training, "training point")
    print_line(f"{n_training}, {pluralize(config.n_validation, 'validation point')}{origin}")


# Signs of overfitting, as ratios of losses.
MIN_RISE = 1.05  # last validation loss / lowest validation loss; less may be chance
MIN_GAP = 1.3  # validation loss / training loss; less is common
MAX_DROPOUT = 0.5
MORE_POINTS = "more points (train 100000)"


def advice(model: ModelConfig, config: TrainConfig, exact_match: float, more_points: bool, history: Epochs) -> str:
    """Return advice, on one line, after a training run that ended below an exact match of 0.99.

    `more_points` is True if the task can provide more training points.
    """
    best_epoch = _overfitted_since(history)
    if best_epoch or (history and history[-1].validation.loss > MIN_GAP * history[-1].loss):
        measures = _against_overfitting(config, more_points)
    else:
        measures = _against_underfitting(model, config, more_points)
    suggestions = ", or ".join([text for text, applies in measures.items() if applies][:3])
    shortfall = f"Exact match {exact_match:.4f} is below 0.99"
    if best_epoch:
        reason = f"since epoch {best_epoch} the validation loss has risen while the training loss has fallen"
        return f"{shortfall}, and the network overfits: {reason}. Try {suggestions}."
    return f"{shortfall}. To improve it, try {suggestions}."


def _overfitted_since(history: Epochs) -> int | None:
    """Return the epoch of the lowest validation loss if the network has overfitted since then, else None.

    A network overfits if the validation loss rises while the training loss falls.
    """
    if not history:
        return None
    lowest, last = min(history, key=lambda epoch: epoch.validation.loss), history[-1]
    overfits = last.validation.loss > MIN_RISE * lowest.validation.loss and last.loss < lowest.loss
    return lowest.epoch if overfits else None


def _against_underfitting(model: ModelConfig, config: TrainConfig, more_points: bool) -> dict[str, bool]:
    """Return suggestions for a network that underfits, and whether each applies."""
    rate = 0.005 if model.has_attention else 0.01
    return {
        f"-r {rate} --lr-schedule cosine": config.lr_schedule == "constant",
        f"more epochs (-e {max(10, 2 * config.epochs)})": True,
        MORE_POINTS: more_points,
        "-m embedding_attention": not model.has_attention,
        f"a larger cell (--cell-size {2 * model.cell_size})": True,
    }


def _against_overfitting(config: TrainConfig, more_points: bool) -> dict[str, bool]:
    """Return suggestions for a network that overfits, and whether each applies."""
    return {
        f"--dropout {min(MAX_DROPOUT, config.dropout + 0.2):.1f}": config.dropout < MAX_DROPOUT,
        "--keep-best, which saves the best epoch": not config.saves_best,
        "--patience 3, which stops early": config.keep_best and config.patience is None,
        MORE_POINTS if more_points else "more pairs": True,
    }
