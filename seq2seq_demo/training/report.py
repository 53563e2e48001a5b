"""The report of a training run: a header, a progress bar, a line per epoch, and a summary of the result."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.console import has_colour, new_bar, notice, one_line, pluralize, print_line, red
from seq2seq_demo.data.pair_task import PairTask, Task
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.trained.metrics import Calibration, Epoch, wilson_interval
from seq2seq_demo.trained.plots import History
from seq2seq_demo.trained.predictions import UNENDED, Prediction, bracketed
from seq2seq_demo.trained.trained_network import TrainedNetwork
from seq2seq_demo.training.callbacks import Callback, TrainingState
from seq2seq_demo.training.validation import last_epoch, stop_after

DOCUMENTS = Path(__file__).parents[1] / "docs"
PAIR_ADVICE = "DATA.md", "My exact match is 0.4: what now?"  # the document and its heading
PATTERN_ADVICE = "TRAINING.md", "Settings"
EARLY_ENDS = {
    "lr_schedule": "the training pairs were learned",
    "patience": "the exact match no longer improved",
    "stop_at_exact": "the exact match was high enough",
}
MIN_TIMED = 8  # batches; fewer are too few to estimate the time
PROBE_CANDIDATES = 20  # the probe is chosen from this number of validation pairs


class TrainingReport(Callback, contextlib.AbstractContextManager[Any]):
    """Shows the progress of a training run.

    If `verbose` is True, it prints a line per epoch to standard output and, on a terminal, shows a progress bar on
    standard error. Unless `verbose` is False, it also shows this bar in a notebook.
    """

    def __init__(self, config: TrainConfig, verbose: bool | None = True) -> None:
        self.config, self.prints = config, bool(verbose)
        self.bar = new_bar("{task.completed:,.0f}/{task.total:,.0f}", "{task.fields[metrics]}")
        is_terminal = sys.stdout.isatty() and sys.stderr.isatty()
        in_notebook = self.bar.console.is_jupyter and verbose is not False
        self.bar.disable = not (in_notebook or (verbose and is_terminal))
        self.total = config.n_training  # the length of the bar, in training points
        self.task = self.bar.add_task("", total=self.total, metrics="")
        self.metrics = ""  # shown next to the bar
        self.points = 0  # training points used so far in all epochs
        self.first: tuple[int, float] | None = None  # the points of the first call, which compiles, and when it ended
        self.has_estimate = False  # whether a line with the time that is left has been printed

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def on_epoch_begin(self, state: TrainingState) -> None:
        """Show an empty bar for this epoch."""
        self.bar.reset(self.task, description=f"Epoch {state.epoch}/{self.config.epochs}", metrics=self.metrics)
        self.bar.start()

    def on_steps_end(self, state: TrainingState) -> None:
        """Advance the bar and show the loss and accuracy next to it."""
        self.metrics = f"loss {state.figures.loss:.4f} accuracy {state.figures.forced_token_accuracy:.4f}"
        self.points = (state.epoch - 1) * self.total + state.points
        self.first = self.first or (self.points, time.monotonic())
        if self.prints and not self.has_estimate and (left := self._time_left(state.history)):
            self.has_estimate = True
            self.bar.stop()
            print_line(left.capitalize())
            self.bar.start()
        self.bar.update(self.task, completed=state.points, metrics=self.metrics)

    def on_epoch_end(self, state: TrainingState) -> None:
        """Complete the bar; if lines are printed, stop it, and print one for the epoch and one for the probe."""
        self.metrics += f" validation exact match {state.figures.validation_exact_match:.4f}"
        self.bar.update(self.task, metrics=self.metrics, refresh=True)
        if not self.prints:
            return
        self.bar.stop()
        n_points, n = self.config.n_validation, len(state._pairs)
        if state.epoch == 1 and n < n_points and self.config.validation_points is None:  # only for patterns
            seen = f"{n_points - n:,} of the {n_points:,} validation points are also training points"
            notice(f"{seen}: the metrics are measured on the other {n:,}")
        left, self.has_estimate = self._time_left(state.history), True
        print_line(epoch_line(state.figures, self.config) + f"; {left}" * bool(left))
        print_line(probe_line(probe(state), has_colour(sys.stdout)), coloured=True)

    def _time_left(self, history: History) -> str:
        """Return the time that is left, as in "about 4 min left"; nothing if it is unknown or less than a minute."""
        if self.first is None or stop_after(history, self.config):
            return ""
        timed, seconds = self.points - self.first[0], time.monotonic() - self.first[1]
        if timed < MIN_TIMED * self.config.batch_size:
            return ""
        minutes = seconds / timed * (last_epoch(history, self.config) * self.total - self.points) / 60
        may_end_early = self.config.patience or self.config.lr_schedule == "adaptive"
        left = f"{minutes:.0f} min left" if minutes < 90 else f"{minutes / 60:.1f} h left"
        return "" if minutes < 1 else f"{'at most' if may_end_early else 'about'} {left}"


def epoch_line(epoch: Epoch, config: TrainConfig) -> str:
    """Return the metrics of an epoch in one line."""
    number, forced = f"{epoch.epoch:{len(str(config.epochs))}}/{config.epochs}", epoch.validation_forced_token_accuracy
    accuracy = f"{forced:.4f} forced, {epoch.validation_token_accuracy:.4f} free-running"
    return (
        f"Epoch {number}: loss {epoch.loss:.4f}, accuracy {epoch.forced_token_accuracy:.4f}; "
        f"validation loss {epoch.validation_loss:.4f}, token accuracy {accuracy}, "
        f"exact match {epoch.validation_exact_match:.4f}"
    )


def probe_line(p: Prediction, colour: bool) -> str:
    """Return a line about the probe, a validation pair; wrong symbols are starred and, with `colour`, red."""
    mark, mistakes = red if colour else str, p.mistakes
    # The symbols are escaped one by one, because escaping the whole answer would also escape the colours.
    tokens = [*map(str, p.prediction_tokens or ())]
    names = [mark(f"{one_line(name)}*") if t in mistakes else one_line(name) for t, name in enumerate(tokens)]
    answer = ("" if "".join(tokens) == p.prediction else " ").join(names)
    answer = answer if isinstance(p.prediction, str) else f"[{answer}]"
    ending = UNENDED * (p.ended is False)
    expected = "" if p.exact else f" (expected={bracketed(p.expected)})"
    return f"    probe {one_line(str(p.source))}, prediction={answer}{ending}{expected}"


def probe(state: TrainingState) -> Prediction:
    """Return the network's prediction for the probe's source, with the nearest of this source's targets."""
    network, validation = state.network, state._pairs
    source, expected = probe_pair(validation)
    rows = np.flatnonzero(validation.sources.lengths == len(source))
    targets = validation.targets[rows[(validation.sources[rows].array() == source).all(axis=1)]]
    pairs = [(source, target) for target in targets.rows()]
    answers = network.predict_numbers(pairs, None if network.ends else len(expected))
    return min(answers, key=lambda answer: answer.edits or 0)


def probe_pair(pairs: Pairs) -> tuple[list[int], list[int]]:
    """Return the source and target of the probe.

    The probe is one of the first PROBE_CANDIDATES pairs. It has the longest source with more than two different symbols
    or, if there are no sources of this kind, the longest source.
    """
    first = pairs[:PROBE_CANDIDATES]
    sources, targets = first.sources.rows(), first.targets.rows()
    best = max(range(len(sources)), key=lambda i: (len(set(sources[i])) > 2, len(sources[i])))
    return sources[best], targets[best]


def training_header(model_config: ModelConfig, config: TrainConfig, task: Task, verbose: int) -> None:
    """Print the task, vocabularies, numbers of points and settings for pairs; `verbose` 2 adds all settings."""
    has_validation_file = isinstance(task, PairTask) and task.validation is not None
    points = config.n_training if has_validation_file else config.points
    lengths = f", sources of {config.lengths} symbols" if model_config.ends else ""
    noun, data = "point", f"{points} point dataset (pattern '{task.name}'{lengths})"
    if task.is_pairs:
        noun, data = "pair", f"{pluralize(points, 'pair')} ('{task.name}'{lengths})"
    print_line(f"Training on {data}, with {pluralize(config.epochs, 'epoch')}")
    if task.vocabularies.are_text:
        sides = [f"{len(x.symbols)} {x.tokens}" if x.is_text else x.tokens for x in task.vocabularies]
        print_line(f"Vocabularies: {sides[0]} in sources, {sides[1]} in targets")
    if verbose >= 2:
        print_line(f"model parameters: {json.dumps(asdict(model_config) | asdict(config), indent=4)}")
    origin = " from the validation file" if has_validation_file else ""
    n_training = pluralize(config.n_training, f"training {noun}")
    print_line(f"{n_training}, {pluralize(config.n_validation, f'validation {noun}')}{origin}")
    if task.is_pairs:
        print_line(settings_line(model_config, config))


def settings_line(model: ModelConfig, config: TrainConfig) -> str:
    """Return the settings of a training run on pairs in one line."""
    epochs = f"{pluralize(config.epochs, 'epoch')} of batches of {config.batch_size}"
    rate = f"learning rate {config.learning_rate:g} ({config.lr_schedule})"
    smoothing = f"label smoothing {config.label_smoothing:g}, " if config.label_smoothing else ""
    smoothing += f"consistency {config.consistency:g}, " if config.consistency else ""
    best = "earlier epoch saved if clearly better" if config.best_epoch_window > 1 else "best epoch saved"
    saved = f", {best}" * config.saves_best + f", patience {config.patience}" * bool(config.patience)
    chosen = f"{model.architecture}, dropout {config.dropout:g}, {smoothing}{epochs}, {rate}{saved}"
    pairs = pluralize(config.n_training, "pair")
    return f"Settings for {pairs}: {chosen}; `train --help` lists the options that change them"


# ---- The end of a training run ----


def outcome_notices(network: TrainedNetwork, task: Task, earlier: Calibration | None) -> Iterator[str]:
    """Yield notices about the result of a training run: its calibration, a baseline and low accuracy.

    `earlier` is the calibration of the network that the run started from.
    """
    assert network.run
    config, calibration = network.run.config, network.calibration
    if calibration and calibration.error is None:
        yield "The confidences are uncertain: too few validation pairs, or no answer is right"
    elif calibration and calibration is earlier:
        yield "The confidences keep their earlier calibration: too few validation pairs, or no answer is right"
    elif calibration:
        yield f"Calibration error {calibration.error:.4f} (cross-validated on validation pairs)"
    if isinstance(task, PairTask) and (match := task.table_match()):
        yield f"A table of each symbol's most frequent target would reach exact match {match:.4f} in validation"
    exact_match = network.validation.exact_match if network.validation else 0.0
    if exact_match < min(0.99, config.stop_at_exact or 1):
        name, section = PAIR_ADVICE if task.is_pairs else PATTERN_ADVICE
        yield f"Exact match {exact_match:.4f} is below 0.99: “{section}” in {DOCUMENTS / name} lists what to change"


def summary(network: TrainedNetwork) -> str:
    """Return the saved epoch of a training run, its exact match and why it ended early, as the end of a line."""
    run, metrics, n, history = network.run, network.validation, network.n_validated, network.history
    if not (run and metrics and n and history):  # a callback has ended the run at once
        return ""
    has_improved = network.step > run.start_step
    keeps_last = run.config.best_epoch_window > 1 and network.step == history[-1].step
    number = next(epoch.epoch for epoch in history if epoch.step == network.step) if has_improved else 0
    choice, stop = "", stop_after(history, run.config)
    if not has_improved:
        choice = "; no epoch improved the network"
    elif (run.config.saves_best and len(history) > 1 and not keeps_last) or stop == "stop_at_exact":
        choice = "; the epoch was chosen on the same sources"
    n_right = round(metrics.exact_match * n)
    low, high = wilson_interval(n_right, n)
    fraction = f"{n_right:,} of {n:,} validation sources, {low:.3f} to {high:.3f}"
    reason = EARLY_ENDS.get(stop or "")
    end = f"; training ended early because {reason}" if reason else ""
    return f": epoch {number} of {len(history)}, exact match {metrics.exact_match:.4f} ({fraction}{choice}){end}"
