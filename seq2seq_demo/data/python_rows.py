"""Rows of Python objects: pairs, dictionaries, arrays, and the columns of pandas."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from seq2seq_demo.data.layout import named_columns
from seq2seq_demo.data.records import Place, Record, to_python, to_record
from seq2seq_demo.declarations import preview
from seq2seq_demo.errors import InputError


def python_pairs(rows: Any, title: str) -> Iterator[Record]:
    """Yield the records of pairs, whose sides are texts, or lists or arrays of symbols.

    Args:
        rows: pairs (source, target), dictionaries with the keys "source" and "target" or "input" and "output", or a
            DataFrame with columns named source and target, or with only two columns.
        title: the name of the rows, for errors.

    Raises:
        InputError: `rows` has another type, a row is not a pair, or the DataFrame has other columns.
    """
    if isinstance(rows, str) or not isinstance(rows, Iterable):
        raise InputError(f"{title}: expected pairs of a source and a target, got {preview(rows)}")
    if hasattr(rows, "columns"):
        rows = zip(*_columns(rows, title, 2), strict=True)
    records = enumerate(rows)
    for index, row in records:
        place = Place(title, "row", index)
        if _is_missing(row):
            n = 1 + sum(_is_missing(other) for _, other in records)
            raise InputError(f"{place}: expected a source and a target, got a missing value, in {n} of the rows")
        if isinstance(row, dict):
            yield to_record(place, {key: to_python(value) for key, value in row.items()})
            continue
        if not isinstance(row, tuple | list) or len(row) != 2:
            found = " ".join(repr(row).split())[:40]
            raise InputError(f"{place}: expected a pair (source, target), got {found}")
        yield Record(place, to_python(row[0]), to_python(row[1]))


def _is_missing(row: Any) -> bool:
    """Whether a side of a pair is None, NaN or pandas.NA."""
    sides = row if isinstance(row, tuple | list) else ()
    return any(x is None or type(x).__name__ == "NAType" or (isinstance(x, float) and math.isnan(x)) for x in sides)


def python_sources(sources: Any) -> Any:
    """Convert an array, a column of pandas, or the source column of a DataFrame to a list.

    Return any other value unchanged. The source column has a name such as source, or is the only column. In a list, a
    dictionary becomes its "input" or "source".
    """
    if hasattr(sources, "columns"):
        (sources,) = _columns(sources, "sources", 1)
    elif hasattr(sources, "dtype") and not isinstance(sources, np.ndarray | np.generic):
        sources = _column(sources)
    rows = to_python(sources)
    if not isinstance(rows, list):
        return rows
    return [to_python(row.get("input", row.get("source", row)) if isinstance(row, dict) else row) for row in rows]


def _columns(frame: Any, title: str, n: int) -> list[list[Any]]:
    """Return the source column of a DataFrame and, if `n` is 2, the target column."""
    keys = [*frame.columns]
    numbers: tuple[int | None, ...] = named_columns([*map(str, keys)])[:n]
    if None in numbers:
        if len(keys) != n:
            expected = "columns source and target, or two columns" if n == 2 else "a column source, or one column"
            found = ", ".join(map(preview, keys))[:200]
            raise InputError(f"{title}: expected a DataFrame with {expected}, got {found or 'none'}")
        numbers = tuple(range(n))
    chosen = [keys[number or 0] for number in numbers]
    for key in chosen:
        if keys.count(key) > 1:
            raise InputError(f"{title}: expected each column name once, got {preview(key)} twice")
    return [_column(frame[key]) for key in chosen]


def _column(values: Any) -> list[Any]:
    """Return the values of a column; integers become texts, because a sequence of integers is a list.

    A column of integers with missing values consists of floats, such as 100.0.
    """
    plain = map(to_python, values)
    return [str(value) if isinstance(value, int) and not isinstance(value, bool) else value for value in plain]
