"""Text for people: what `train` says while it works, and the lines of `predict`."""

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.dataset import Pairs
from seq2seq_demo.parameters import TrainedNetwork
from seq2seq_demo.watchers import Watcher


class TrainingReport(Watcher):
    """Prints a line an epoch on standard output; on a terminal, a bar on standard error moves meanwhile."""

    def __init__(self, train: TrainConfig):
        """Make the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.train = train
        columns = (
            "{task.description}",
            BarColumn(),
            "{task.completed:,.0f}/{task.total:,.0f}",
            TimeRemainingColumn(),
        )
        self.bar = Progress(
            *columns,
            TextColumn("{task.fields[figures]}"),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self.bar.disable = "NO_COLOR" in os.environ or not (sys.stdout.isatty() and sys.stderr.isatty())

    def __enter__(self):
        """Begin."""
        return self

    def __exit__(self, *_):
        """Take the bar away, whatever ended the training."""
        self.bar.stop()

    def epoch_starts(self, epoch: int) -> None:
        """Show an empty bar."""
        name = f"Epoch {epoch + 1}/{self.train.epochs}"
        self.task = self.bar.add_task(name, total=self.train.n_training, figures="")
        self.bar.start()

    def progresses(self, step: int, points: int, loss: float, accuracy: float) -> None:
        """Move the bar."""
        self.bar.update(self.task, completed=points, figures=f"loss {loss:.4f} accuracy {accuracy:.4f}")

    def epoch_ends(self, history: list[dict], network: TrainedNetwork, validation: Pairs) -> None:
        """Take the bar away and print the epoch's line in its place."""
        self.bar.stop()
        self.bar.remove_task(self.task)
        last = history[-1]
        line(
            f"Epoch {last['epoch']:{len(str(self.train.epochs))}}/{self.train.epochs}: "
            f"loss {last['loss']:.4f}, accuracy {last['token_accuracy']:.4f}; "
            f"validation loss {last['validation_loss']:.4f}, "
            f"token accuracy {last['validation_forced_token_accuracy']:.4f} forced, "
            f"{last['validation_token_accuracy']:.4f} free-running, exact match {last['validation_exact_match']:.4f}"
        )


def training_header(model: ModelConfig, train: TrainConfig, pattern: str, verbose: int) -> None:
    """Print what is going to be trained."""
    line(f"Training on {train.points} point dataset (pattern '{pattern}'), with {train.epochs} epochs")
    if verbose >= 2:
        line(f"model parameters: {json.dumps(asdict(model) | asdict(train), indent=4)}")
    line(f"{train.n_training} training points, {train.n_validation} validation points")


def advice(model: ModelConfig, train: TrainConfig, exact_match: float) -> str:
    """Return a line on what to try after a training that ended below 99 % exact match."""
    rate = 0.005 if model.has_attention else 0.01
    tries = []
    if train.lr_schedule == "constant":
        tries.append(f"-r {rate} --lr-schedule cosine")
    if not model.has_attention:
        tries.append("-m embedding_attention")
    tries += [
        f"more epochs (-e {max(10, 2 * train.epochs)})",
        f"a larger cell (--cell-size {2 * model.cell_size})",
    ]
    if train.points < 100_000:
        tries.insert(0, "more points (train 100000)")
    return f"Exact match {exact_match:.4f} is below 0.99. To get closer, try {', or '.join(tries[:3])}."


def describe(network: TrainedNetwork) -> str:
    """Return what a network is, in a line."""
    m = network.model
    size = sum(weight.size for weight in network.weights.values())
    return (
        f"{m.model}, {m.num_layers} x {m.cell_type} of size {m.cell_size}, embedding size {m.embedding_size}, "
        f"symbols 0 to {m.in_max_int} in and 0 to {m.out_max_int} out, {size} weights"
    )


def prediction_line(source: Iterable[int], predicted: Iterable[int], expected: Iterable[int] | None) -> str:
    """Return the line that 2016 printed for a sequence; `expected` None leaves it out."""
    text = f"==> For input {list(source)}, prediction=[{' '.join(map(str, predicted))}]"
    return text if expected is None else f"{text} (expected=[{' '.join(map(str, expected))}])"


def line(text: str) -> None:
    """Print a line of a training's report, which goes on even where nobody reads it any more."""
    try:
        print(text, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            notice(f"Standard output: {error.strerror}; the training goes on")


def notice(text: str) -> None:
    """Say something that is not a result: on standard error."""
    print(text, file=sys.stderr)
