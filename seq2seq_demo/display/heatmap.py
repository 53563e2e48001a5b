"""The attention matrix as text: one row per output, one column per input; darker cells have a larger α."""

import os
from collections.abc import Iterable
from typing import TextIO

import numpy as np

from seq2seq_demo.console import align, display_width, visible_symbol
from seq2seq_demo.predictions import Prediction

# Ten shades, one per tenth of α: characters for plain text, and colours of the 256-colour palette for terminals.
CHARACTERS = " .:-=+*#%@"
COLOURS = (231, 189, 153, 111, 69, 27, 21, 20, 18, 17)  # white to dark blue


def attention_text(p: Prediction, colour: bool) -> str:
    """Return a line of inputs, a line per output (END included) with its α, and a legend.

    If an output is wrong, or if expected symbols are missing before it, its line ends with the expected symbols. With
    `colour`, the output and these symbols are red.
    """
    assert p.attention is not None
    inputs, outputs = [*map(visible_symbol, p.source)], [*map(visible_symbol, p.predicted_symbols)]
    width = 1 + _max_width(inputs)  # columns per cell, with a space between inputs
    margin, mistakes = _max_width(outputs), p.mistakes
    tenths = np.clip(np.nan_to_num(p.attention) * 10, 0, 9).astype(int)  # [T, S]
    lines = [" " * (margin + 2) + "".join(align(name, width) for name in inputs)]
    for t, (name, row) in enumerate(zip(outputs, tenths, strict=True)):
        label, note = align(name, margin), ""
        if t in mistakes:
            mark = red if colour else str
            label, note = mark(label), mark(f" ({expected_text(mistakes[t])})")
        lines.append(f"{label} |{_cells(row, width, colour)}|{note}")
    scale = _cells(range(10), 2 if colour else 1, colour)
    lines.append(f"Each output (row) spreads an attention of 1 over the inputs (columns): 0 |{scale}| 1")
    return "\n".join(lines)


def expected_text(symbols: list[str]) -> str:
    """Return a note that these symbols were expected in place of the predicted symbol."""
    return f"expected {' '.join(map(visible_symbol, symbols)) or 'no symbol'}"


def has_colour(stream: TextIO) -> bool:
    """Return whether the stream is a colour terminal and NO_COLOR is not set."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM", "dumb") != "dumb"


def _max_width(texts: Iterable[str]) -> int:
    return max(map(display_width, texts), default=0)


def _cells(tenths: Iterable[int], width: int, colour: bool) -> str:
    if colour:
        return "".join(f"\x1b[48;5;{COLOURS[tenth]}m{'':{width}}" for tenth in tenths) + "\x1b[0m"
    return "".join(CHARACTERS[tenth] * width for tenth in tenths)


def red(text: str) -> str:
    """Wrap a text in the escape sequences for red."""
    return f"\x1b[31m{text}\x1b[0m"
