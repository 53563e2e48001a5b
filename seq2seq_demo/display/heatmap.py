"""The attention matrix as text: a row an output, a column an input, and the darker a cell, the larger its α."""

import os
from collections.abc import Iterable
from typing import TextIO

import numpy as np

from seq2seq_demo.display.console import columns, padded, symbol
from seq2seq_demo.predictions import Prediction

# Ten shades, one a tenth of α: characters for any file, colours of the 256 that terminals number for the others.
CHARACTERS = " .:-=+*#%@"
COLOURS = (231, 189, 153, 111, 69, 27, 21, 20, 18, 17)  # white to dark blue


def draw(p: Prediction, colour: bool) -> str:
    """Return a line with the S inputs, one for each of the T outputs (END too) with its α, and one that explains them.

    A wrong output is followed by the expected one, and red if there is colour.

    Raises:
        ValueError: the prediction has no attention.
    """
    if p.attention is None:
        raise ValueError("expected a prediction with attention, got one without")
    inputs, written = [*map(symbol, p.source)], [*map(symbol, p.predicted_symbols)]
    width = 1 + _widest(inputs)  # of a cell, so that the inputs above stand apart
    margin, wrong = _widest(written), p.mistakes
    tenths = np.clip(np.nan_to_num(p.attention) * 10, 0, 9).astype(int)  # [T, S]
    lines = [" " * (margin + 2) + "".join(padded(name, width) for name in inputs)]
    for t, (name, row) in enumerate(zip(written, tenths, strict=True)):
        label, note = padded(name, margin), ""
        if t in wrong:
            mark = red if colour else str
            label, note = mark(label), mark(f" (expected {symbol(wrong[t])})")
        lines.append(f"{label} |{_cells(row, width, colour)}|{note}")
    scale = _cells(range(10), 2 if colour else 1, colour)
    lines.append(f"Each output (row) spreads an attention of 1 over the inputs (columns): 0 |{scale}| 1")
    return "\n".join(lines)


def has_colour(stream: TextIO) -> bool:
    """Return whether the stream is a terminal that shows colours, and its user has not refused them."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM", "dumb") != "dumb"


def _widest(texts: Iterable[str]) -> int:
    return max(map(columns, texts), default=0)


def _cells(tenths: Iterable[int], width: int, colour: bool) -> str:
    if colour:
        return "".join(f"\x1b[48;5;{COLOURS[tenth]}m{'':{width}}" for tenth in tenths) + "\x1b[0m"
    return "".join(CHARACTERS[tenth] * width for tenth in tenths)


def red(text: str) -> str:
    """Return the text as a terminal shows it in red."""
    return f"\x1b[31m{text}\x1b[0m"
