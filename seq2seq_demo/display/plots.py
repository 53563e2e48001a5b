"""Pictures of attention and of a training. Matplotlib, which draws them, is optional: only functions import it."""

import io
import sys
from collections.abc import Sequence
from importlib import import_module
from math import ceil, sqrt
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq_demo.errors import DemoError, UsageError
from seq2seq_demo.evaluation import EpochFigures
from seq2seq_demo.files import access
from seq2seq_demo.trained_network import Prediction

# What a picture's name may end in, and what keeps the time out of it: the same figures give the same bytes.
METADATA: dict[str, dict[str, None]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
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
        raise UsageError(f"pictures need Matplotlib: {_how_to_install('matplotlib')}") from error
    access.check_writable(path, "a picture")


def _how_to_install(package: str) -> str:
    """Return the command that adds a package to the environment that this program runs in."""
    if Path(sys.prefix, "uv-receipt.toml").exists():  # of `uv tool`, which installs no pip
        return f"uv pip install --python {sys.executable} {package}"
    if Path(sys.prefix, "pipx_metadata.json").exists():
        return f"pipx inject {Path(sys.prefix).name} {package}"
    return f"{sys.executable} -m pip install {package}"


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

    B, T, S = len(predictions), len(predictions[0].predicted), len(predictions[0].source)
    columns = ceil(sqrt(B))
    rows = ceil(B / columns)
    cell = min(CELL, PANEL / max(S, T))
    size = (columns * (S * cell + 2) + 1, rows * (T * cell + 1))  # ample: what stays empty is cut off
    figure = Figure(size, layout="compressed")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    digits = len(str(max(max(p.source + p.predicted) for p in predictions)))
    font = min(10, 72 * cell / (0.64 * digits + 0.3))  # points, of which a digit is 0.64 wide: neighbours stay apart
    meshes = [_panel(ax, prediction, font) for ax, prediction in zip(axes, predictions, strict=False)]
    for k, ax in enumerate(axes[:B] if B > 1 else (), start=1):
        ax.set_title(f"sequence {k}")
    for ax in axes[B:]:
        ax.remove()
    figure.colorbar(meshes[0], ax=axes[:B], label="attention α", aspect=20 * rows, fraction=0.1 / columns, pad=0.02)
    _save(figure, path)


def history(path: Path, figures: Sequence[EpochFigures]) -> None:
    """Draw a training's curves, of one epoch at least.

    Raises:
        DemoError: the picture could not be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, MaxNLocator

    history = [epoch.to_json() for epoch in figures]
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


def _panel(ax: Any, p: Prediction, font: float) -> Any:
    """Draw a sequence; return what the colour bar is of."""
    T, S = len(p.predicted), len(p.source)
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


def _curves(ax: Any, history: list[dict[str, float]], names: dict[str, str]) -> None:
    """Draw a curve for each name, with markers, so that an epoch shows that is alone."""
    epochs = [epoch["epoch"] for epoch in history]
    for name, label in names.items():
        values = [epoch[name] for epoch in history]
        ax.plot(epochs, values, "o-", markersize=min(4, 100 / len(epochs)), label=label)


def _save(figure: Any, path: Path) -> None:
    """Write the picture whole or not at all."""
    from matplotlib import rc_context

    suffix, picture = path.suffix.lower(), io.BytesIO()
    with rc_context({"svg.hashsalt": "seq2seq-demo", "svg.fonttype": "none"}):
        figure.savefig(picture, format=suffix[1:], metadata=METADATA[suffix], dpi=200, bbox_inches="tight")
    try:
        access.write(path, picture.getvalue())
    except OSError as error:
        raise DemoError(f"{path}: could not be written: {error.strerror or error}") from error
