"""Notebooks: whether this process runs one, and the tables and pictures that it shows for an object."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_CELL = 200  # characters


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    return getattr(ipython and ipython.get_ipython(), "kernel", None) is not None


def html_table(*rows: Iterable[object]) -> str:
    """Return a table whose first column contains headings; rows with a None are left out, and long texts are cut."""
    kept = [cells for cells in map(list, rows) if None not in cells]
    lines = ("".join(map(_cell, cells, ["th", *["td"] * (len(cells) - 1)])) for cells in kept)
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _cell(value: object, tag: str) -> str:
    import html  # takes milliseconds

    text = f"{value:.4f}" if isinstance(value, float) else str(value)
    text = text if len(text) <= MAX_CELL else f"{text[:MAX_CELL]}…"
    text = text.replace("_", " ") if tag == "th" else text
    return f'<{tag} style="text-align: left">{html.escape(text)}</{tag}>'


def draw(name: str, values: object) -> Figure:
    """Call a function of `display.plots`, a higher layer; importing it by name avoids an import cycle."""
    figure: Figure = getattr(import_module("seq2seq_demo.display.plots"), name)(values)
    return figure
