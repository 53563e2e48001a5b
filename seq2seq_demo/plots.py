"""Pictures of attention and of a training. Matplotlib, which draws them, is optional: only functions import it."""

import io
from importlib import import_module
from math import ceil, sqrt
from pathlib import Path

import numpy as np

from seq2seq_demo import files
from seq2seq_demo.errors import DemoError, UsageError
from seq2seq_demo.report import Prediction

# What a picture's name may end in, and what keeps the time out of it: the same figures give the same bytes.
METADATA = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
MAX_PANELS = 16
CELL, PANEL = 0.3, 6  # inches: the most that a cell and a panel measure
WRONG = "tab:red"


def check(path: Path) -> None:
    """Find out, before long work, whether a picture could be drawn and written there.

    Raises:
        UsageError: its name ends in nothing known, or Matplotlib is not installed.
        DemoError: there is no place for it.
    """
    if path.suffix.lower() not in METADATA:
        raise UsageError(f"{path}: expected a picture's name to end in one of {', '.join(METADATA)}")
    try:
        import_module("matplotlib")
    except ImportError as error:
        raise UsageError("pictures need Matplotlib: pip install 'seq2seq-demo[plot]'") from error
    files.check_writable(path, "a picture")


def check_number(n: int) -> None:
    """Raise UsageError if so many sequences do not fit a picture."""
    if n > MAX_PANELS:
        raise UsageError(f"expected at most {MAX_PANELS} sequences in a picture, got {n} or more")


def attention(path: Path, predictions: list[Prediction]) -> None:
    """Draw the attention of each prediction in a panel: the S inputs across, the T outputs down, the wrong ones red.

    Raises:
        UsageError: more than MAX_PANELS predictions.
        DemoError: the picture could not be written.
    """
    check_number(len(predictions))
    from matplotlib.figure import Figure

    B, (T, S) = len(predictions), predictions[0].attention.shape
    columns = ceil(sqrt(B))
    rows = ceil(B / columns)
    cell = min(CELL, PANEL / max(S, T))
    size = (columns * (S * cell + 2) + 1, rows * (T * cell + 1))  # ample: what stays empty is cut off
    figure = Figure(size, layout="compressed")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    digits = len(str(max(max(p.source + p.predicted) for p in predictions)))
    font = min(10, 72 * cell / (0.64 * digits + 0.3))  # points, of which a digit is 0.64 wide: neighbours stay apart
    for k, (ax, prediction) in enumerate(zip(axes, predictions, strict=False), start=1):
        mesh = _panel(ax, prediction, font)
        ax.set_title(f"sequence {k}" if B > 1 else "")
    for ax in axes[B:]:
        ax.remove()
    figure.colorbar(mesh, ax=axes[:B], label="attention α", aspect=20 * rows, fraction=0.1 / columns, pad=0.02)
    _save(figure, path)


def history(path: Path, history: list[dict]) -> None:
    """Draw a training's curves; `history` is what `Watcher.epoch_ends` is told, of one epoch at least.

    Raises:
        DemoError: the picture could not be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, MaxNLocator

    figure = Figure((10, 4), layout="constrained")
    losses, accuracies = figure.subplots(1, 2)
    _curves(losses, history, {"loss": "training", "validation_loss": "validation"})
    losses.set(title="Loss, with teacher forcing", ylabel="nats a symbol")
    if all(epoch[name] > 0 for epoch in history for name in ("loss", "validation_loss")):
        losses.set_yscale("log")
        losses.yaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter="{x:g}", minor_formatter="")
    shares = {
        "validation_forced_token_accuracy": "token accuracy, teacher forcing",
        "validation_token_accuracy": "token accuracy, free-running",
        "validation_exact_match": "exact match, free-running",
    }
    _curves(accuracies, history, shares)
    accuracies.set(title="Validation accuracy", ylim=(-0.02, 1.02))
    for ax in (losses, accuracies):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.set(xlabel="epoch", xlim=(history[0]["epoch"] - 0.5, history[-1]["epoch"] + 0.5))
        ax.grid(alpha=0.3)
        ax.legend()
    _save(figure, path)


def _panel(ax, p: Prediction, font: float):
    """Draw a sequence; return what the colour bar is of."""
    T, S = p.attention.shape
    mesh = ax.pcolormesh(p.attention, cmap="Blues", vmin=0, vmax=1, edgecolors="0.9", linewidth=0.5)
    ax.set(aspect="equal", xlabel="input", ylabel="prediction")
    ax.invert_yaxis()
    ax.xaxis.set(ticks_position="top", label_position="top")
    ax.tick_params(length=0, labelsize=font)
    ax.set_xticks(np.arange(S) + 0.5, labels=p.source)
    ax.set_yticks(np.arange(T) + 0.5, labels=p.predicted)
    for t, right in enumerate(p.expected or p.predicted):
        if p.predicted[t] != right:
            ax.get_yticklabels()[t].set_color(WRONG)
            ax.text(S + 0.3, t + 0.5, f"expected {right}", color=WRONG, fontsize=font, va="center")
    return mesh


def _curves(ax, history: list[dict], names: dict[str, str]) -> None:
    """Draw a curve for each name, with markers, so that an epoch shows that is alone."""
    epochs = [epoch["epoch"] for epoch in history]
    for name, label in names.items():
        values = [epoch[name] for epoch in history]
        ax.plot(epochs, values, "o-", markersize=min(4, 100 / len(epochs)), label=label)


def _save(figure, path: Path) -> None:
    """Write the picture whole or not at all."""
    from matplotlib import rc_context

    suffix, picture = path.suffix.lower(), io.BytesIO()
    with rc_context({"svg.hashsalt": "seq2seq-demo", "svg.fonttype": "none"}):
        figure.savefig(picture, format=suffix[1:], metadata=METADATA[suffix], dpi=200, bbox_inches="tight")
    try:
        files.write(path, picture.getvalue())
    except OSError as error:
        raise DemoError(f"{path}: could not be written: {error.strerror or error}") from error
