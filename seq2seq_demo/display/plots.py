"""Pictures of attention and of training curves. They need Matplotlib, an optional package, imported on first use."""

import functools
import io
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from math import ceil, sqrt
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seq2seq_demo.console import display_width, print_notice, visible_symbol
from seq2seq_demo.display.heatmap import expected_text
from seq2seq_demo.errors import UsageError
from seq2seq_demo.files import atomic_files
from seq2seq_demo.metrics import EpochFigures
from seq2seq_demo.predictions import Prediction

PROGRAM = "seq2seq-demo"
# The metadata of a picture, without a date, so that equal figures give equal bytes. `atomic_files` recognises the name.
PICTURES: dict[str, dict[str, str | None]] = {
    ".png": {"Software": PROGRAM},
    ".svg": {"Creator": PROGRAM, "Date": None},
    ".pdf": {"Creator": PROGRAM, "CreationDate": None},
}
MAX_PANELS = 16
MAX_CELL, MAX_PANEL = 0.3, 6  # the longest side of a cell, and of a panel, in inches
MAX_FONT, MIN_FONT = 10, 3  # the font size of labels, in points
DPI, SCREEN_DPI = 200, 100  # dots per inch of a picture in a file and in a notebook
WRONG_COLOUR = "tab:red"


class _Layout(NamedTuple):
    """The size of a panel, and the largest fonts in which the labels of its axes fit."""

    width: float  # inches
    height: float
    input_font: float  # points; an axis has labels if the font has at least MIN_FONT, otherwise positions
    output_font: float


def check(path: Path, force: bool = False) -> None:
    """Check before long work that a picture can be drawn and written.

    Raises:
        UsageError: the suffix is unknown, or Matplotlib is not installed.
        Seq2SeqError: the file cannot be written, or another program wrote it and `force` is False.
    """
    if path.suffix.lower() not in PICTURES:
        suffixes = ", ".join(PICTURES)
        raise UsageError(f"{path}: expected a picture's name to end in one of {suffixes}, got {path.suffix!r}")
    _import_matplotlib("matplotlib")
    atomic_files.check_replaceable(path, "a picture", force)


def _import_matplotlib(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise UsageError(f"pictures need Matplotlib: install it for {sys.executable}") from error


def _new_figure(size: tuple[float, float], layout: str) -> Any:
    """Return an empty figure; a notebook shows it even without pyplot."""
    figure = _import_matplotlib("matplotlib.figure").Figure(size, layout=layout)
    figure._repr_png_ = functools.partial(_picture, figure, ".png", SCREEN_DPI)
    return figure


def check_panel_count(n: int) -> None:
    """Raise UsageError if a picture cannot show n sequences."""
    if n > MAX_PANELS:
        raise UsageError(f"expected at most {MAX_PANELS} sequences in a picture, got {n} or more")


def attention_figure(predictions: list[Prediction]) -> Any:
    """Draw the attention of each prediction in a panel: inputs across, outputs down, wrong outputs in red.

    Raises:
        UsageError: more than MAX_PANELS predictions, or Matplotlib is not installed.
    """
    check_panel_count(len(predictions))
    B, columns = len(predictions), ceil(sqrt(len(predictions)))
    rows = ceil(B / columns)
    layout = _layout(predictions)
    size = (columns * (layout.width + 2) + 1, rows * (layout.height + 1))  # generous; empty margins are cropped
    figure = _new_figure(size, "compressed")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    images = [_panel(ax, prediction, layout) for ax, prediction in zip(axes, predictions, strict=False)]
    for k, ax in enumerate(axes[:B] if B > 1 else (), start=1):
        ax.set_title(f"sequence {k}")
    for ax in axes[B:]:
        ax.remove()
    figure.colorbar(images[0], ax=axes[:B], label="attention α", aspect=20 * rows, fraction=0.1 / columns, pad=0.02)
    return figure


def history_figure(epochs: Sequence[EpochFigures]) -> Any:
    """Draw the training curves of one or more epochs.

    Raises:
        UsageError: Matplotlib is not installed.
    """
    figure = _new_figure((10, 4), "constrained")
    from matplotlib.ticker import LogLocator, MaxNLocator

    history = [epoch.to_json() for epoch in epochs]
    losses, accuracies = figure.subplots(1, 2)
    _curves(losses, history, {"loss": "training", "validation_loss": "validation"})
    losses.set(title="Loss, with teacher forcing", ylabel="nats per symbol")
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
    return figure


def _layout(predictions: list[Prediction]) -> _Layout:
    """Choose square cells or, if labels would be too small in them, stretched ones in panels of a minimum size."""
    T, S = max(len(p.predicted_symbols) for p in predictions), max(len(p.source) for p in predictions)
    labels = [visible_symbol(name) for p in predictions for name in (*p.source, *p.predicted_symbols)]
    label_width = max(map(display_width, labels))
    cell = min(MAX_CELL, MAX_PANEL / max(S, T))
    width, height = S * cell, T * cell
    if _max_font(cell, label_width) < MIN_FONT:
        width, height = max(width, MAX_PANEL / 4), max(height, MAX_PANEL / 4)
    return _Layout(width, height, _max_font(width / S, label_width), _max_font(height / T, 1))


def _max_font(inches: float, label_width: int) -> float:
    """Return the largest font size, in points, at which labels of `label_width` columns fit into cells of `inches`."""
    return 72 * inches / (0.64 * label_width + 0.3)  # a digit is 0.64 of the font size wide


def _panel(ax: Any, p: Prediction, layout: _Layout) -> Any:
    """Draw the attention of a prediction; return the image that the colour bar describes."""
    T, S = len(p.predicted_symbols), len(p.source)
    image = ax.imshow(p.attention, cmap="Blues", vmin=0, vmax=1, extent=(0, S, T, 0))
    ax.set(aspect=layout.height / layout.width * S / T, xlim=(0, S), ylim=(T, 0))
    ax.xaxis.set(ticks_position="top", label_position="top")
    inputs, outputs = (ax.xaxis, "input", p.source), (ax.yaxis, "prediction", p.predicted_symbols)
    for (axis, name, symbols), font in ((inputs, layout.input_font), (outputs, layout.output_font)):
        if font < MIN_FONT:
            axis.set_label_text(f"{name}, by position")
            continue
        axis.set_label_text(name)
        labels = [visible_symbol(symbol) for symbol in symbols]
        axis.set_ticks(np.arange(len(symbols)) + 0.5, labels=labels, parse_math=False)  # keeps $
        axis.set_tick_params(length=0, labelsize=min(MAX_FONT, font))
    _mark_wrong(ax, p, layout)
    return image


def _mark_wrong(ax: Any, p: Prediction, layout: _Layout) -> None:
    """Mark wrong outputs in red, and write the expected symbols beside them or, if there is no room, their number."""
    T, S, mistakes = len(p.predicted_symbols), len(p.source), p.mistakes
    if layout.output_font >= MIN_FONT:
        style = {"color": WRONG_COLOUR, "fontsize": min(MAX_FONT, layout.output_font), "va": "center"}
        for t, expected in mistakes.items():
            ax.get_yticklabels()[t].set_color(WRONG_COLOUR)
            ax.text(S + 0.3, t + 0.5, expected_text(expected), parse_math=False, **style)
    elif mistakes:
        thickness = max(0.75, 72 * layout.height / T)  # points
        marks = [t + 0.5 for t in mistakes]
        ax.hlines(marks, 1.01 * S, 1.04 * S, color=WRONG_COLOUR, linewidth=thickness, clip_on=False)
        ax.text(1.05 * S, T / 2, f"{len(mistakes)} of {T} wrong", color=WRONG_COLOUR, rotation=270, va="center")


def _curves(ax: Any, history: list[dict[str, float]], names: dict[str, str]) -> None:
    """Draw one curve per name; markers make a single epoch visible."""
    epochs = [epoch["epoch"] for epoch in history]
    for name, label in names.items():
        values = [epoch[name] for epoch in history]
        ax.plot(epochs, values, "o-", markersize=min(4, 100 / len(epochs)), label=label)


def _picture(figure: Any, suffix: str, dpi: int = DPI) -> bytes:
    """Return the content of a picture in the format of this suffix."""
    from matplotlib import rc_context

    picture, settings = io.BytesIO(), {"svg.hashsalt": PROGRAM, "svg.fonttype": "none"}
    with rc_context(settings):  # type: ignore[arg-type]  # it expects the names of all settings
        figure.savefig(picture, format=suffix[1:], metadata=PICTURES[suffix], dpi=dpi, bbox_inches="tight")
    return picture.getvalue()


def save(figure: Any, path: Path) -> None:
    """Write a figure atomically, in the format of the path's suffix.

    Raises:
        Seq2SeqError: the file could not be written.
    """
    suffix = path.suffix.lower()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        content = _picture(figure, suffix)
    if any("missing from font" in str(warning.message) for warning in caught) and suffix != ".svg":
        print_notice(f"{path}: Matplotlib's font lacks some symbols and draws them as boxes; use .svg to show them")
    atomic_files.write(path, content)
