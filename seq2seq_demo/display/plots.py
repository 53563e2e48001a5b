"""Pictures of attention and of a training. Matplotlib, which draws them, is optional: only functions import it."""

import io
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from itertools import count
from math import ceil, sqrt
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seq2seq_demo.display.console import columns, print_notice, symbol
from seq2seq_demo.errors import UsageError
from seq2seq_demo.figures import EpochFigures
from seq2seq_demo.files import atomic_files
from seq2seq_demo.predictions import Prediction

# What a picture's name may end in, and what keeps the time out of it: the same figures give the same bytes.
METADATA: dict[str, dict[str, None]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
MAX_PANELS = 16
CELL, PANEL = 0.3, 6  # inches: the most that a cell and a panel measure
FONT, LEGIBLE, THINNED = 10, 3, 6  # points of labels: the most; if they were less than LEGIBLE, some are left out
MAX_CELLS = 20_000  # drawn one by one, in all panels; more are an image
DOTS, PIXELS = 200, 160  # of a picture and of an image in it, at most, an inch: no pixel falls between dots
WRONG = "tab:red"


class _Layout(NamedTuple):
    """How large a panel is, and what of it is shown."""

    width: float  # inches
    height: float
    font: float  # points
    across: int  # of so many inputs, one bears a label
    down: int
    as_image: bool


def check(path: Path) -> None:
    """Find out, before long work, whether a picture could be drawn and written there.

    Raises:
        UsageError: its name ends in nothing known, or Matplotlib is not installed.
        Seq2SeqError: there is no place for it.
    """
    if path.suffix.lower() not in METADATA:
        raise UsageError(f"{path}: expected a picture's name to end in one of {', '.join(METADATA)}")
    try:
        import_module("matplotlib")
    except ImportError as error:
        raise UsageError(f"pictures need Matplotlib: {_how_to_install('matplotlib')}") from error
    atomic_files.check_writable(path, "a picture")


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
        Seq2SeqError: the picture could not be written.
    """
    check_number(len(predictions))
    from matplotlib.figure import Figure

    B, columns = len(predictions), ceil(sqrt(len(predictions)))
    rows = ceil(B / columns)
    layout = _layout(predictions)
    size = (columns * (layout.width + 2) + 1, rows * (layout.height + 1))  # ample: what stays empty is cut off
    figure = Figure(size, layout="compressed")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    meshes = [_panel(ax, prediction, layout) for ax, prediction in zip(axes, predictions, strict=False)]
    for k, ax in enumerate(axes[:B] if B > 1 else (), start=1):
        ax.set_title(f"sequence {k}")
    for ax in axes[B:]:
        ax.remove()
    label = "attention α" + _pooled(predictions[0], layout)
    figure.colorbar(meshes[0], ax=axes[:B], label=label, aspect=20 * rows, fraction=0.1 / columns, pad=0.02)
    _save(figure, path)


def history(path: Path, figures: Sequence[EpochFigures]) -> None:
    """Draw a training's curves, of one epoch at least.

    Raises:
        Seq2SeqError: the picture could not be written.
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


def _layout(predictions: list[Prediction]) -> _Layout:
    """Return square cells with a label each; where these were illegible, longer cells and fewer labels."""
    T, S = max(len(p.predicted_symbols) for p in predictions), max(len(p.source) for p in predictions)
    labels = [label for p in predictions for label in (*map(symbol, p.source), *map(symbol, p.predicted_symbols))]
    digits = max(map(columns, labels))
    cell = min(CELL, PANEL / max(S, T))
    width, height = S * cell, T * cell
    across = down = 1
    font = _room(cell, digits)
    if font < LEGIBLE:
        width, height = max(width, PANEL / 4), max(height, PANEL / 4)
        across, down = _step(_room(width / S, digits)), _step(_room(height / T, 1))
        font = min(across * _room(width / S, digits), down * _room(height / T, 1))
    as_image = len(predictions) * S * T > MAX_CELLS
    return _Layout(width, height, min(FONT, font), across, down, as_image)


def _room(inches: float, digits: int) -> float:
    """Return the size, in points, of labels of so many digits which just stay apart. A digit is 0.64 of it wide."""
    return 72 * inches / (0.64 * digits + 0.3)


def _step(room: float) -> int:
    """Return of how many symbols one bears a label, a round number: 1 if the room for each is enough."""
    if room >= LEGIBLE:
        return 1
    return int(next(step for k in count() for step in (10**k, 2 * 10**k, 5 * 10**k) if step * room >= THINNED))


def _panel(ax: Any, p: Prediction, layout: _Layout) -> Any:
    """Draw a sequence; return what the colour bar is of."""
    T, S = len(p.predicted_symbols), len(p.source)
    if layout.as_image:
        mesh = _image(ax, p, layout)
    else:
        mesh = ax.pcolormesh(p.attention, cmap="Blues", vmin=0, vmax=1, edgecolors="0.9", linewidth=0.5)
    ax.set(aspect=layout.height / layout.width * S / T, xlim=(0, S), ylim=(T, 0))
    ax.set(xlabel="input" + _every(layout.across), ylabel="prediction" + _every(layout.down))
    ax.xaxis.set(ticks_position="top", label_position="top")
    ax.tick_params(length=0, labelsize=layout.font)
    for axis, step, symbols in ((ax.xaxis, layout.across, p.source), (ax.yaxis, layout.down, p.predicted_symbols)):
        labels = [symbol(name) for name in symbols[::step]]
        axis.set_ticks(np.arange(0, len(symbols), step) + 0.5, labels=labels, parse_math=False)  # a $ is a $
        axis.set_tick_params(length=0 if step == 1 else 2)
    _mark_wrong(ax, p, layout)
    return mesh


def _image(ax: Any, p: Prediction, layout: _Layout) -> Any:
    """Draw the cells as pixels, of several cells if there are many: their largest α, so that none is lost."""
    pixels, extent = np.asarray(p.attention), (0, len(p.source), len(p.predicted_symbols), 0)
    for axis, n in enumerate(_pixels(p, layout)):
        pixels = np.maximum.reduceat(pixels, np.arange(n) * pixels.shape[axis] // n, axis)
    return ax.imshow(pixels, cmap="Blues", vmin=0, vmax=1, interpolation="nearest", extent=extent)


def _pixels(p: Prediction, layout: _Layout) -> tuple[int, int]:
    """Return how many rows and columns are shown: pixels of an image, or the cells."""
    T, S = len(p.predicted_symbols), len(p.source)
    if not layout.as_image:
        return T, S
    return min(T, int(PIXELS * layout.height)), min(S, int(PIXELS * layout.width))


def _pooled(p: Prediction, layout: _Layout) -> str:
    """Say what a pixel of an image shows that is of several cells."""
    rows, columns = _pixels(p, layout)
    height, width = ceil(len(p.predicted_symbols) / rows), ceil(len(p.source) / columns)
    return "" if height == width == 1 else f", the largest of {height} x {width} cells"


def _every(step: int) -> str:
    return "" if step == 1 else f", every {step}{'nd' if step == 2 else 'th'} symbol"


def _mark_wrong(ax: Any, p: Prediction, layout: _Layout) -> None:
    """Mark wrong outputs red, and say what was expected, or with few labels only where and how many they are."""
    T, S, wrong, labels = len(p.predicted_symbols), len(p.source), p.mistakes, ax.get_yticklabels()
    for t, expected in wrong.items():
        if t % layout.down == 0:
            labels[t // layout.down].set_color(WRONG)
        if layout.down == 1:
            style = {"color": WRONG, "fontsize": layout.font, "va": "center", "parse_math": False}
            ax.text(S + 0.3, t + 0.5, f"expected {symbol(expected)}", **style)
    if wrong and layout.down > 1:
        rows, _ = _pixels(p, layout)
        marks = (np.unique(np.array([*wrong]) * rows // T) + 0.5) * T / rows
        thickness = max(0.75, 72 * layout.height / rows)  # points
        ax.hlines(marks, 1.01 * S, 1.04 * S, color=WRONG, linewidth=thickness, clip_on=False)
        ax.text(1.05 * S, T / 2, f"{len(wrong)} of {T} wrong", color=WRONG, rotation=270, va="center")


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
    settings: dict[Any, str] = {"svg.hashsalt": "seq2seq-demo", "svg.fonttype": "none"}
    with rc_context(settings), warnings.catch_warnings(record=True) as w:
        warnings.simplefilter("always")
        figure.savefig(picture, format=suffix[1:], metadata=METADATA[suffix], dpi=DOTS, bbox_inches="tight")
    if any("missing from font" in str(warning.message) for warning in w) and suffix != ".svg":
        print_notice(
            f"{path}: Matplotlib's font lacks some of the symbols, which are boxes there: a .svg picture shows them"
        )
    atomic_files.write(path, picture.getvalue())
