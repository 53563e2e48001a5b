"""Attention as text and as a picture, and training curves.

Pictures need Matplotlib, an optional package, which is imported on first use.
"""

from __future__ import annotations

import functools
import io
import sys
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import fields
from importlib import import_module
from math import ceil, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex, overload

import numpy as np

from seq2seq_demo.console import align, display_width, notice, red
from seq2seq_demo.declarations import require_choice
from seq2seq_demo.errors import UsageError
from seq2seq_demo.files import atomic_files
from seq2seq_demo.trained.metrics import Epoch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Ten shades, one per tenth of α: characters for plain text, and colours of the 256-colour palette for terminals.
CHARACTERS = " .:-=+*#%@"
COLOURS = (231, 189, 153, 111, 69, 27, 21, 20, 18, 17)  # white to dark blue

PROGRAM = "seq2seq-demo"
# The metadata of a picture, without a date, so that equal pictures have equal bytes. `atomic_files` recognises PROGRAM.
PICTURES: dict[str, dict[str, str | None]] = {
    ".png": {"Software": PROGRAM},
    ".svg": {"Creator": PROGRAM, "Date": None},
    ".pdf": {"Creator": PROGRAM, "CreationDate": None},
}
MAX_PANELS = 16  # the largest number of sequences in a picture that `predict` draws
CELL, MAX_SIDE = 0.3, 6  # the side of a cell, and the longest side of a panel, in inches
MAX_FONT, MIN_FONT = 10, 3  # the font size of labels, in points; an axis whose labels would be smaller has none
DPI, SCREEN_DPI = 200, 100  # dots per inch of a picture in a file and in a notebook
WRONG_COLOUR = "tab:red"


class Attention(NamedTuple):
    """The attention of an answer, with the labels that are displayed."""

    inputs: list[str]
    outputs: list[str]
    weights: np.ndarray  # [T, S]
    mistakes: dict[int, str]  # for each wrong output, the expected symbols, as in "expected 3"


# ---- Text ----


def attention_text(attention: Attention, colour: bool) -> str:
    """Return a line of inputs, a line per output (END included) with its α, and a legend.

    If an output is wrong, or if expected symbols are missing before it, its line ends with the expected symbols. With
    `colour`, the output and these symbols are red.
    """
    inputs, outputs, weights, mistakes = attention
    width = 1 + _max_width(inputs)  # columns per cell, with a space between inputs
    margin, mark = _max_width(outputs), red if colour else str
    tenths = np.clip(np.nan_to_num(weights) * 10, 0, 9).astype(int)  # [T, S]
    lines = [" " * (margin + 2) + "".join(align(name, width) for name in inputs)]
    for t, (name, row) in enumerate(zip(outputs, tenths, strict=True)):
        label, note = align(name, margin), ""
        if t in mistakes:
            label, note = mark(label), mark(f" ({mistakes[t]})")
        lines.append(f"{label} |{_cells(row, width, colour)}|{note}")
    scale = _cells(range(10), 2 if colour else 1, colour)
    lines.append(f"Each output (row) spreads an attention of 1 over the inputs (columns): 0 |{scale}| 1")
    return "\n".join(lines)


def _max_width(texts: Iterable[str]) -> int:
    return max(map(display_width, texts), default=0)


def _cells(tenths: Iterable[int], width: int, colour: bool) -> str:
    if colour:
        return "".join(f"\x1b[48;5;{COLOURS[tenth]}m{'':{width}}" for tenth in tenths) + "\x1b[0m"
    return "".join(CHARACTERS[tenth] * width for tenth in tenths)


# ---- Pictures ----


def check(path: Path, force: bool = False) -> None:
    """Check in advance that a picture can be drawn and written.

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
    """Return an empty Matplotlib figure; a notebook shows it even without pyplot."""
    figure = _import_matplotlib("matplotlib.figure").Figure(size, layout=layout)
    figure._repr_png_ = functools.partial(_picture, figure, ".png", SCREEN_DPI)
    return figure


def attention_figure(attentions: Sequence[Attention]) -> Figure:
    """Draw each attention in a panel: inputs across, outputs down, wrong outputs in red.

    Raises:
        UsageError: Matplotlib is not installed.
    """
    B, columns = len(attentions), ceil(sqrt(len(attentions)))
    rows = ceil(B / columns)
    T, S = max(len(each.outputs) for each in attentions), max(len(each.inputs) for each in attentions)
    panel = min(MAX_SIDE, CELL * S), min(MAX_SIDE, CELL * T)  # inches
    label_width = _max_width(name for each in attentions for name in (*each.inputs, *each.outputs))
    fonts = _font(panel[0] / S, label_width), _font(panel[1] / T, 1)
    # This size is generous; empty margins are cropped.
    figure: Figure = _new_figure((columns * (panel[0] + 2) + 1, rows * (panel[1] + 1)), "compressed")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    images = [_panel(ax, each, panel[1] / panel[0], fonts) for ax, each in zip(axes, attentions, strict=False)]
    for k, ax in enumerate(axes[:B] if B > 1 else (), start=1):
        ax.set_title(f"sequence {k}")
    for ax in axes[B:]:
        ax.remove()
    figure.colorbar(images[0], ax=axes[:B], label="attention α", aspect=20 * rows, fraction=0.1 / columns, pad=0.02)
    return figure


def _font(inches: float, label_width: int) -> float:
    """Return the font size, in points, at which labels of `label_width` columns fit into cells of `inches`."""
    return min(MAX_FONT, 72 * inches / (0.64 * label_width + 0.3))  # a digit is 0.64 of the font size wide


def _panel(ax: Any, attention: Attention, aspect: float, fonts: tuple[float, float]) -> Any:
    """Draw an attention in a panel with height / width `aspect`; return the image that the colour bar describes."""
    inputs, outputs, weights, mistakes = attention
    T, S = len(outputs), len(inputs)
    image = ax.imshow(weights, cmap="Blues", vmin=0, vmax=1, extent=(0, S, T, 0))
    ax.set(aspect=aspect * S / T, xlim=(0, S), ylim=(T, 0))
    ax.xaxis.set(ticks_position="top", label_position="top")
    sides = (ax.xaxis, "input", inputs), (ax.yaxis, "prediction", outputs)
    for (axis, name, labels), font in zip(sides, fonts, strict=True):
        if font < MIN_FONT:
            axis.set_label_text(f"{name}, by position")
            continue
        axis.set_label_text(name)
        axis.set_ticks(np.arange(len(labels)) + 0.5, labels=labels, parse_math=False)  # shows $ unchanged
        axis.set_tick_params(length=0, labelsize=font)
    if fonts[1] < MIN_FONT and mistakes:
        ax.hlines([t + 0.5 for t in mistakes], 1.01 * S, 1.04 * S, color=WRONG_COLOUR, clip_on=False)
        ax.text(1.05 * S, T / 2, f"{len(mistakes)} of {T} wrong", color=WRONG_COLOUR, rotation=270, va="center")
        return image
    for t, note in mistakes.items():
        ax.get_yticklabels()[t].set_color(WRONG_COLOUR)
        ax.text(S + 0.3, t + 0.5, note, parse_math=False, color=WRONG_COLOUR, fontsize=fonts[1], va="center")
    return image


class History(tuple[Epoch, ...]):
    """The epochs of a training run. An index or a slice selects epochs; the name of a metric selects its values."""

    @overload
    def __getitem__(self, key: SupportsIndex) -> Epoch: ...
    @overload
    def __getitem__(self, key: slice) -> History: ...
    @overload
    def __getitem__(self, key: str) -> list[float]: ...
    def __getitem__(self, key: SupportsIndex | slice | str) -> Epoch | History | list[float]:
        if isinstance(key, str):
            metrics = self.to_dict()
            return metrics[require_choice("metric", key, metrics)]
        return History(super().__getitem__(key)) if isinstance(key, slice) else super().__getitem__(key)

    def to_dict(self) -> dict[str, list[float]]:
        """Return one list per metric, by name."""
        return {each.name: [getattr(epoch, each.name) for epoch in self] for each in fields(Epoch)}

    def plot(self) -> Figure:
        """Return a Matplotlib figure with the training curves.

        Raises:
            UsageError: there are no epochs, or Matplotlib is not installed.
        """
        if not self:
            raise UsageError("the history is empty")
        figure: Figure = _new_figure((10, 4), "constrained")
        from matplotlib.ticker import LogLocator, MaxNLocator

        losses, accuracies = figure.subplots(1, 2)
        self._curves(losses, {"loss": "training", "validation_loss": "validation"})
        losses.set(title="Loss, with teacher forcing", ylabel="nats per symbol")
        losses.set_yscale("log")
        losses.yaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter="{x:g}", minor_formatter="")
        shares = {
            "validation_forced_token_accuracy": "token accuracy, teacher forcing",
            "validation_token_accuracy": "token accuracy, free-running",
            "validation_exact_match": "exact match, free-running",
        }
        self._curves(accuracies, shares)
        accuracies.set(title="Validation accuracy", ylim=(-0.02, 1.02))
        for ax in (losses, accuracies):
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            ax.set(xlabel="epoch", xlim=(self[0].epoch - 0.5, self[-1].epoch + 0.5))
            ax.grid(alpha=0.3)
            ax.legend()
        return figure

    def _curves(self, ax: Any, names: dict[str, str]) -> None:
        """Draw one curve per name; markers make a single epoch visible."""
        for name, label in names.items():
            ax.plot(self["epoch"], self[name], "o-", markersize=min(4, 100 / len(self)), label=label)


def _picture(figure: Any, suffix: str, dpi: int = DPI) -> bytes:
    """Return the content of a picture in the format of this suffix."""
    from matplotlib import rc_context

    picture, settings = io.BytesIO(), {"svg.hashsalt": PROGRAM, "svg.fonttype": "none"}
    with rc_context(settings):  # type: ignore[arg-type]  # it expects the names of all settings
        figure.savefig(picture, format=suffix[1:], metadata=PICTURES[suffix], dpi=dpi, bbox_inches="tight")
    return picture.getvalue()


def save(figure: Any, path: Path) -> None:
    """Write a Matplotlib figure atomically, in the format of the path's suffix.

    Raises:
        Seq2SeqError: the file could not be written.
    """
    suffix = path.suffix.lower()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        content = _picture(figure, suffix)
    if any("missing from font" in str(warning.message) for warning in caught) and suffix != ".svg":
        notice(f"{path}: Matplotlib's font lacks some symbols and draws them as boxes; use .svg to show them")
    atomic_files.write(path, content)
