"""Edit distances (Levenshtein 1966) between answers and targets, and counts of the edits."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from seq2seq_demo.data.sequences import Sequences

# (expected, predicted) symbols; predicted is None for a missing symbol, expected is None for an extra one
Confusions = Counter[tuple[int | None, int | None]]


def edit_distances(symbols: np.ndarray, lengths: np.ndarray, targets: Sequences) -> np.ndarray:
    """Return the edit distance from each answer to its target, `[B]`.

    `symbols` `[B, P]` are the padded answers and `lengths` `[B]` their lengths.
    """
    table = _distance_table(symbols, lengths, targets)
    return np.asarray(table[lengths, np.arange(len(symbols)), targets.lengths])


def _distance_table(symbols: np.ndarray, lengths: np.ndarray, targets: Sequences) -> np.ndarray:
    """Return `[P + 1, B, T + 1]`: the distance from an answer's first p symbols to its target's first t symbols."""
    expected = targets.padded()
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
    """Count the edits between answers, `symbols` `[B, P]` of `lengths` `[B]`, and their targets."""
    counts: Confusions = Counter()
    table, target_symbols = _distance_table(symbols, lengths, targets), targets.padded()
    rows, p, t = np.arange(len(symbols)), lengths, targets.lengths  # traced back from the ends
    while (is_open := (p > 0) | (t > 0)).any():
        rows, p, t = rows[is_open], p[is_open], t[is_open]
        distance = table[p, rows, t]
        predicted = symbols[rows, p - 1]
        expected = target_symbols[rows, t - 1] if target_symbols.shape[1] else np.zeros_like(rows)
        is_paired = (p > 0) & (t > 0) & (distance == table[p - 1, rows, t - 1] + (predicted != expected))
        is_missing = ~is_paired & (t > 0) & (distance == table[p, rows, t - 1] + 1)
        is_extra = ~is_paired & ~is_missing
        is_substituted = is_paired & (predicted != expected)
        counts.update(zip(expected[is_substituted].tolist(), predicted[is_substituted].tolist(), strict=True))
        counts.update((symbol, None) for symbol in expected[is_missing].tolist())
        counts.update((None, symbol) for symbol in predicted[is_extra].tolist())
        p, t = p - (is_paired | is_extra), t - (is_paired | is_missing)
    return counts


def align(answer: Sequence[str], target: Sequence[str]) -> list[list[str]]:
    """Align an answer with its target by the fewest edits; return a list of target symbols for each answer symbol.

    The list is empty for an extra symbol. It begins with the target symbols that are missing before the answer symbol.
    """
    ids = {symbol: number for number, symbol in enumerate({*answer, *target})}
    reversed_answer, reversed_target = ([ids[symbol] for symbol in reversed(side)] for side in (answer, target))
    table = _distance_table(np.array([reversed_answer]), np.array([len(answer)]), Sequences.of_rows([reversed_target]))
    distances, aligned, t = table[::-1, 0, ::-1], [], 0  # distances [P + 1, T + 1] from the rest of the answer
    for p, symbol in enumerate(answer):
        first = t
        while t < len(target):
            is_paired = distances[p, t] == distances[p + 1, t + 1] + (symbol != target[t])
            is_missing = not is_paired and distances[p, t] <= distances[p + 1, t]
            t += is_paired or is_missing
            if not is_missing:
                break
        aligned.append([*target[first:t]])
    return aligned
