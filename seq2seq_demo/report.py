"""What the program prints: the progress of `train`, the answers of `predict` and `evaluate`, as text or as JSON."""

import json
import os
import sys
from dataclasses import asdict
from typing import NamedTuple

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.dataset import Pairs
from seq2seq_demo.evaluation import Evaluation
from seq2seq_demo.heatmap import has_colour, red
from seq2seq_demo.numpy_decoder import predict
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
        source, expected = (symbols[:1] for symbols in validation)
        predicted = predict(network, source, expected.shape[1])
        line(probe_line(*(symbols[0].tolist() for symbols in (source, predicted, expected)), has_colour(sys.stdout)))


def training_header(model: ModelConfig, train: TrainConfig, pattern: str, verbose: int) -> None:
    """Print what is going to be trained."""
    line(f"Training on {train.points} point dataset (pattern '{pattern}'), with {train.epochs} epochs")
    if verbose >= 2:
        line(f"model parameters: {json.dumps(asdict(model) | asdict(train), indent=4)}")
    line(f"{train.n_training} training points, {train.n_validation} validation points")


def advice(model: ModelConfig, train: TrainConfig, exact_match: float, more_points: bool) -> str:
    """Return a line on what to try after a training that ended below 99 % exact match; there may be more points."""
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
    if more_points:
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


class Prediction(NamedTuple):
    """What a network says to a source, and what was expected of it, if anybody knows."""

    source: list[int]
    predicted: list[int]
    expected: list[int] | None
    probabilities: list[float] | None = None  # of each predicted symbol
    attention: np.ndarray | None = None  # [T, S]

    @property
    def exact(self) -> bool | None:
        """Whether it is right."""
        return None if self.expected is None else self.predicted == self.expected


def prediction_line(p: Prediction) -> str:
    """Return the line that 2016 printed for a sequence, without what nobody expects."""
    text = f"==> For input {p.source}, prediction=[{' '.join(map(str, p.predicted))}]"
    return text if p.expected is None else f"{text} (expected=[{' '.join(map(str, p.expected))}])"


def prediction_json(p: Prediction) -> str:
    """Return a JSON object in a line; the attention only if it is there."""
    facts = {"input": p.source, "prediction": p.predicted, "expected": p.expected, "exact": p.exact}
    facts["probabilities"] = [round(probability, 6) for probability in p.probabilities]
    if p.attention is not None:
        facts["attention"] = [[round(weight, 6) for weight in row] for row in p.attention.tolist()]
    return json.dumps(facts)


def probe_line(source: list[int], predicted: list[int], expected: list[int], colour: bool) -> str:
    """Return a line that marks each wrong symbol with a star, and in colour."""
    mark = red if colour else str
    marked = [str(p) if p == e else mark(f"{p}*") for p, e in zip(predicted, expected, strict=True)]
    expectation = "" if predicted == expected else f" (expected=[{' '.join(map(str, expected))}])"
    return f"    probe {source}, prediction=[{' '.join(marked)}]{expectation}"


def evaluation_dict(e: Evaluation, in_len: int) -> dict:
    """Return an evaluation as JSON has it."""
    f = e.figures
    forced = {"token_accuracy": f.forced_token_accuracy, "exact_match": f.forced_exact_match}
    free = {"token_accuracy": f.token_accuracy, "exact_match": f.exact_match}
    positions = {"forced": (e.forced_right / e.n).tolist(), "free_running": (e.right / e.n).tolist()}
    symbols = [
        {"symbol": symbol, "n": int(n), "accuracy": float(right / n)}
        for symbol, (n, right) in enumerate(zip(e.expected, e.expected_and_right, strict=True))
        if n
    ]
    confusions = [
        {"expected": expected, "predicted": predicted, "times": times}
        for (expected, predicted), times in sorted(e.confusions.items(), key=lambda item: (-item[1], item[0]))
    ]
    return {
        "n": e.n,
        "in_len": in_len,
        "out_len": len(e.right),
        "loss": e.loss,
        "forced": forced,
        "free_running": free,
        "gap": {name: forced[name] - free[name] for name in forced},
        "by_position": positions,
        "by_symbol": symbols,
        "confusions": confusions,
    }


def evaluation_text(e: dict) -> str:
    """Return an `evaluation_dict` as tables."""
    figures = [
        [name.replace("_", " "), *(f"{e[way][name]:.5f}" for way in ("forced", "free_running")), f"{gap:+.5f}"]
        for name, gap in e["gap"].items()
    ]
    ways = e["by_position"]
    positions = [
        [str(t), f"{forced:.5f}", f"{free:.5f}"]
        for t, (forced, free) in enumerate(zip(ways["forced"], ways["free_running"], strict=True), start=1)
    ]
    symbols = [[str(s["symbol"]), str(s["n"]), f"{s['accuracy']:.5f}"] for s in e["by_symbol"]]
    confusions = [[str(value) for value in c.values()] for c in e["confusions"][:5]]
    return "\n\n".join(
        [
            table(["", "forced", "free-running", "gap"], figures) + f"\nloss {e['loss']:.5f} nats a symbol, forced",
            table(["output position", "forced", "free-running"], positions),
            table(["symbol", "expected", "free-running"], symbols),
            table(["expected", "predicted", "times"], confusions) if confusions else "No symbol was wrong.",
        ]
    )


def lengths_text(evaluations: list[dict]) -> str:
    """Return a row for each length's evaluation."""
    header = ["length", "target", "sequences", "token accuracy forced", "free-running", "exact match"]
    rows = [
        [str(e["in_len"]), str(e["out_len"]), str(e["n"]), f"{e['forced']['token_accuracy']:.5f}"]
        + [f"{value:.5f}" for value in e["free_running"].values()]
        for e in evaluations
    ]
    return table(header, rows)


def table(header: list[str], rows: list[list[str]], adjust=str.rjust) -> str:
    """Return rows under a header, each column as wide as its widest cell, the first one to the left."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = []
    for first, *others in [header, *rows]:
        cells = [first.ljust(widths[0]), *map(adjust, others, widths[1:])]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def line(text: str) -> None:
    """Print a line of a training's report, which goes on even where nobody reads it any more."""
    try:
        print(text, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            notice(f"Standard output: {error.strerror}; the training goes on")


def say(notices: list[str]) -> None:
    """Say what there is to say, once: the list is empty then."""
    while notices:
        notice(notices.pop(0))


def notice(text: str) -> None:
    """Say something that is not a result: on standard error."""
    print(text, file=sys.stderr)
