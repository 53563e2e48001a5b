"""Edit distances (Levenshtein 1966) and alignments between answers and targets."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from seq2seq_demo.data.sequences import Sequences

# (expected, predicted) symbols; predicted is None for a missing symbol, expected is None for an extra one
Confusions = Counter[tuple[int | None, int | None]]


def edit_distances(symbols: np.ndarray, lengths: np.ndarray, targets: Sequences) -> np.ndarray:
    """Return the edit distance from each answer to its target, `[B]`.

    `symbols` `[B, P]` are the padded answers and `lengths` `[B]` their lengths.
    """
    table = _distance_table(symbols, lengths, targets.padded())
    return np.asarray(table[lengths, np.arange(len(symbols)), targets.lengths])


def _distance_table(symbols: np.ndarray, lengths: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return `[P + 1, B, T + 1]`: the distance from an answer's first p symbols to its target's first t symbols.

    `expected` `[B, T]` are the padded targets.
    """
    t = np.arange(expected.shape[1] + 1)
    row = np.tile(t, (len(symbols), 1))  # [B, T + 1], for p = 0
    table = [row]
    for p in range(int(lengths.max(initial=0))):
        extra, substituted = row + 1, row[:, :-1] + (symbols[:, p, None] != expected)
        extra[:, 1:] = np.minimum(extra[:, 1:], substituted)
        row = np.minimum.accumulate(extra - t, axis=1) + t  # each missing symbol costs 1
        table.append(row)
    return np.stack(table)


def confusions(symbols: np.ndarray, lengths: np.ndarray, targets: Sequences) -> Confusions:
    """Count the wrong, missing and extra symbols by (expected, predicted); arguments as in `edit_distances`."""
    table = _distance_table(symbols, lengths, targets.padded())
    pairs = zip(Sequences.of_padded(symbols, lengths).rows(), targets.rows(), strict=True)
    traces = (_trace_back(table[:, row], *pair) for row, pair in enumerate(pairs))
    return Counter(edit for edit in itertools.chain.from_iterable(traces) if edit[0] != edit[1])


def align(answer: Sequence[str], target: Sequence[str]) -> list[list[str]]:
    """Align an answer with its target by the fewest edits; return a list of target symbols for each answer symbol.

    Each list contains the target symbols that are missing before the answer symbol, and then the target symbol that
    is aligned with it. The list of an extra symbol is empty.
    """
    # The trace runs backwards, so both sequences are reversed. Answer and target also swap roles, so that an extra
    # symbol precedes a missing one, as on the page.
    sides = target[::-1], answer[::-1]
    symbols, expected = (np.array([side], object) for side in sides)
    table = _distance_table(symbols, np.array([len(target)]), expected)[:, 0]
    aligned: list[list[str]] = []
    due: list[str] = []
    for answer_symbol, target_symbol in _trace_back(table, *sides):
        due += [] if target_symbol is None else [target_symbol]
        if answer_symbol is not None:
            aligned.append(due)
            due = []
    return aligned


def _trace_back(table: np.ndarray, answer: Sequence[Any], target: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield the best alignment as pairs (expected, predicted), from the end to the start.

    `predicted` is None for a missing symbol, and `expected` is None for an extra one. `table` `[P + 1, T + 1]` contains
    the edit distances of one answer. Among equally good alignments, a missing symbol is yielded before an extra one.
    """
    p, t = len(answer), len(target)
    while p or t:
        if p and t and table[p, t] == table[p - 1, t - 1] + (answer[p - 1] != target[t - 1]):
            p, t = p - 1, t - 1
            yield target[t], answer[p]
        elif t and table[p, t] == table[p, t - 1] + 1:
            t -= 1
            yield target[t], None
        else:
            p -= 1
            yield None, answer[p]
