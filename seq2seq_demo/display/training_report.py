"""What `train` prints: what is going to be trained, a bar, a line an epoch, and what to try next."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict

from seq2seq_demo.callbacks import Callback
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.data.tasks import Task
from seq2seq_demo.display.console import counted, print_line
from seq2seq_demo.display.heatmap import has_colour
from seq2seq_demo.display.predictions import probe_line
from seq2seq_demo.display.progress_bar import new_bar
from seq2seq_demo.figures import EpochFigures
from seq2seq_demo.predictions import Prediction
from seq2seq_demo.trained_network import TrainedNetwork

Epochs = Sequence[EpochFigures]
PROBED = 20  # of the validation pairs


class TrainingReport(Callback):
    """Prints a line an epoch on standard output; on a terminal, a bar on standard error moves meanwhile."""

    def __init__(self, config: TrainConfig) -> None:
        """Make the bar."""
        self.config = config
        self.history: Epochs = ()
        self.bar = new_bar("{task.completed:,.0f}/{task.total:,.0f}", "{task.fields[figures]}")
        self.bar.disable = "NO_COLOR" in os.environ or not (sys.stdout.isatty() and sys.stderr.isatty())

    def __enter__(self) -> TrainingReport:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away, whatever ended the training."""
        self.bar.stop()

    def on_epoch_begin(self, epoch: int) -> None:
        """Show an empty bar."""
        name = f"Epoch {epoch}/{self.config.epochs}"
        self.task = self.bar.add_task(name, total=self.config.n_training, figures="")
        self.bar.start()

    def on_steps_end(self, step: int, points: int, loss: float, token_accuracy: float) -> None:
        """Move the bar."""
        self.bar.update(self.task, completed=points, figures=f"loss {loss:.4f} accuracy {token_accuracy:.4f}")

    def on_epoch_end(self, history: Epochs, network: TrainedNetwork, validation: Pairs) -> None:
        """Take the bar away and print the epoch's line in its place."""
        self.bar.stop()
        self.bar.remove_task(self.task)
        last, reached, n, self.history = history[-1], history[-1].validation, self.config.epochs, history
        accuracy = f"{reached.forced_token_accuracy:.4f} forced, {reached.token_accuracy:.4f} free-running"
        print_line(
            f"Epoch {last.epoch:{len(str(n))}}/{n}: loss {last.loss:.4f}, accuracy {last.token_accuracy:.4f}; "
            f"validation loss {reached.loss:.4f}, token accuracy {accuracy}, exact match {reached.exact_match:.4f}"
        )
        print_line(probe_line(probe(network, validation), has_colour(sys.stdout)), coloured=True)


def probe(network: TrainedNetwork, validation: Pairs) -> Prediction:
    """Return the answer to one source: the longest of the first few."""
    source, expected = probed(validation)
    ((prediction,),) = network.predict_numbers([source], None if network.ends else len(expected))
    return network.with_symbols(prediction._replace(expected=expected))


def probed(pairs: Pairs) -> tuple[list[int], list[int]]:
    """Return that source and its target."""
    longest = int(pairs.sources.lengths[:PROBED].argmax())
    pair = pairs[longest : longest + 1]
    return pair.sources.rows()[0], pair.targets.rows()[0]


def training_header(model_config: ModelConfig, config: TrainConfig, task: Task, verbose: int) -> None:
    """Print what is going to be trained."""
    has_others = isinstance(task, PairTask) and task.validation is not None
    points = config.n_training if has_others else config.points
    data = f"{'pairs of' if isinstance(task, PairTask) else 'pattern'} '{task.name}'"
    lengths = f", sources of {config.lengths} symbols" if model_config.ends else ""
    print_line(f"Training on {points} point dataset ({data}{lengths}), with {counted(config.epochs, 'epoch')}")
    if task.vocabularies.are_text:
        sides = [f"{len(x.symbols)} {x.tokens}" if x.is_text else x.tokens for x in task.vocabularies]
        print_line(f"Sources of {sides[0]}, targets of {sides[1]}")
    if verbose >= 2:
        print_line(f"model parameters: {json.dumps(asdict(model_config) | asdict(config), indent=4)}")
    others = " of the validation file" if has_others else ""
    print_line(
        f"{counted(config.n_training, 'training point')}, {counted(config.n_validation, 'validation point')}{others}"
    )


RISE = 1.05  # of the validation loss, from its lowest: less may be chance
GAP = 1.3  # of the validation loss, over that of training: less is common
MOST_DROPOUT = 0.5
MORE_POINTS = "more points (train 100000)"


def advice(model: ModelConfig, config: TrainConfig, exact_match: float, more_points: bool, history: Epochs) -> str:
    """Return a line on what to try after a training that ended below 99 % exact match; there may be more points."""
    turn = _overfitted_since(history)
    # A gap: the network has learned its training points much better than others.
    if turn or (history and history[-1].validation.loss > GAP * history[-1].loss):
        applies = _against_overfitting(config, more_points)
    else:
        applies = _against_underfitting(model, config, more_points)
    tries = ", or ".join([text for text, does in applies.items() if does][:3])
    below = f"Exact match {exact_match:.4f} is below 0.99"
    if turn:
        fell = f"since epoch {turn} the validation loss has risen while that of training fell"
        return f"{below}, and the network overfits: {fell}. Try {tries}."
    return f"{below}. To get closer, try {tries}."


def _overfitted_since(history: Epochs) -> int | None:
    """Return the epoch of the lowest validation loss, if that has risen since while the training loss fell."""
    if not history:
        return None
    lowest, last = min(history, key=lambda epoch: epoch.validation.loss), history[-1]
    is_so = last.validation.loss > RISE * lowest.validation.loss and last.loss < lowest.loss
    return lowest.epoch if is_so else None


def _against_underfitting(model: ModelConfig, config: TrainConfig, more_points: bool) -> dict[str, bool]:
    """Return advice for a network that has not learned its training points, and whether it applies."""
    rate = 0.005 if model.has_attention else 0.01
    return {
        f"-r {rate} --lr-schedule cosine": config.lr_schedule == "constant",
        f"more epochs (-e {max(10, 2 * config.epochs)})": True,
        MORE_POINTS: more_points,
        "-m embedding_attention": not model.has_attention,
        f"a larger cell (--cell-size {2 * model.cell_size})": True,
    }


def _against_overfitting(config: TrainConfig, more_points: bool) -> dict[str, bool]:
    """Return advice for a network that knows its training points better than others, and whether it applies."""
    return {
        f"--dropout {min(MOST_DROPOUT, config.dropout + 0.2):.1f}": config.dropout < MOST_DROPOUT,
        "--keep-best, which saves the epoch that was best": not config.keep_best,
        "--patience 3, which stops in time": config.keep_best and config.patience is None,
        MORE_POINTS if more_points else "more pairs": True,
    }
