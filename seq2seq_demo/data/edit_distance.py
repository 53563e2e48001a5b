"""How answers differ from what was expected: edit distances (Levenshtein 1966), and the edits themselves."""

from collections import Counter

import numpy as np

from seq2seq_demo.data.sequences import Sequences

Confusions = Counter[tuple[int | None, int | None]]  # expected and predicted; None where one has nothing there


def edit_distances(symbols: np.ndarray, lengths: np.ndarray, targets: Sequences) -> np.ndarray:
    """Return, of each answer `[B, P]` of these lengths, how many symbols to change, add or remove for its target."""
    found: np.ndarray = _distances(symbols, lengths, targets)[lengths, np.arange(len(symbols)), targets.lengths]
    return found


def _distances(symbols: np.ndarray, lengths: np.ndarray, targets: Sequences) -> np.ndarray:
    """Return how far the first p symbols of each answer are from the first t of its target, `[P + 1, B, T + 1]`."""
    expected = targets.padded()
    steps = np.arange(expected.shape[1] + 1)
    row = np.tile(steps, (len(symbols), 1))  # [B, T + 1]: of the first p symbols of the answer, p = 0
    distances = [row]
    for p in range(int(lengths.max(initial=0))):
        added, substituted = row + 1, row[:, :-1] + (symbols[:, p, None] != expected)
        added[:, 1:] = np.minimum(added[:, 1:], substituted)
        row = np.minimum.accumulate(added - steps, axis=1) + steps  # or left out: one more from each t to the next
        distances.append(row)
    return np.stack(distances)


def confusions(symbols: np.ndarray, lengths: np.ndarray, targets: Sequences) -> Confusions:
    """Count the edits that make the targets of the answers `[B, P]`: changed, left out, or added."""
    found: Confusions = Counter()
    distances, expected = _distances(symbols, lengths, targets), targets.padded()
    rows, p, t = np.arange(len(symbols)), lengths, targets.lengths  # from the ends back
    while (is_open := (p > 0) | (t > 0)).any():
        rows, p, t = rows[is_open], p[is_open], t[is_open]
        here = distances[p, rows, t]
        said, wanted = symbols[rows, p - 1], (expected[rows, t - 1] if expected.shape[1] else np.zeros_like(rows))
        is_paired = (p > 0) & (t > 0) & (here == distances[p - 1, rows, t - 1] + (said != wanted))
        is_left_out = ~is_paired & (t > 0) & (here == distances[p, rows, t - 1] + 1)
        is_added = ~is_paired & ~is_left_out
        is_changed = is_paired & (said != wanted)
        found.update(zip(wanted[is_changed].tolist(), said[is_changed].tolist(), strict=True))
        found.update((symbol, None) for symbol in wanted[is_left_out].tolist())
        found.update((None, symbol) for symbol in said[is_added].tolist())
        p, t = p - (is_paired | is_added), t - (is_paired | is_left_out)
    return found
