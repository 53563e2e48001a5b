"""The recipe: settings that suit a user's pairs, from their number, their lengths and their symbols.

The numbers were chosen on nine sets of pairs and four languages of SIGMORPHON 2020, and tested on others:
`scripts/recipe/`.
"""

from typing import NamedTuple

from seq2seq_demo.config import Settings

CELL_SIZE, EMBEDDING_SIZE, BATCH_SIZE = 128, 64, 32
MIN_EPOCHS, MAX_EPOCHS = 5, 200
# Pairs of the size of an English word and its phones take 60 epochs if there are 3,600 of them. More pairs need fewer
# epochs: ten times as many take a quarter as long per pair, and four times as long in all.
REFERENCE_PAIRS, REFERENCE_EPOCHS, REFERENCE_COST = 3600, 60, 3.2e6
FEWER_EPOCHS_FOR_MORE_PAIRS, FEWER_EPOCHS_FOR_LONGER_PAIRS = 0.4, 0.75


class PairStatistics(NamedTuple):
    """Statistics of the training pairs."""

    n_pairs: int
    n_input_symbols: int
    n_output_symbols: int
    mean_in_len: float
    mean_out_len: float


def recommended_settings(statistics: PairStatistics) -> Settings:
    """Return the settings for pairs with these statistics."""
    return {
        "model": "embedding_attention",
        "cell_type": "LSTMCell",
        "cell_size": CELL_SIZE,
        "embedding_size": EMBEDDING_SIZE,
        "bidirectional": True,
        "dropout": 0.3,
        "batch_size": BATCH_SIZE,
        "learning_rate": 0.003,
        "lr_schedule": "cosine",
        "epochs": _epochs(statistics),
        "keep_best": True,
    }


def _epochs(statistics: PairStatistics) -> int:
    """Return fewer epochs for more pairs, and for pairs that cost more time."""
    of_pairs: float = (REFERENCE_PAIRS / statistics.n_pairs) ** FEWER_EPOCHS_FOR_MORE_PAIRS
    of_cost: float = (REFERENCE_COST / multiplications(statistics)) ** FEWER_EPOCHS_FOR_LONGER_PAIRS
    return min(MAX_EPOCHS, max(MIN_EPOCHS, round(REFERENCE_EPOCHS * of_pairs * of_cost)))


def multiplications(statistics: PairStatistics) -> float:
    """Return the multiplications that a pair of mean lengths takes in a forward pass."""
    H, E, V = CELL_SIZE, EMBEDDING_SIZE, statistics.n_output_symbols
    cell = 4 * H * (E + H)
    encoder_step = 2 * cell + 2 * H * H  # two directions, and a key of attention
    decoder_step = cell + E * (E + 2 * H) + 2 * H * H + V * (V + 3 * H) + 3 * H * statistics.mean_in_len
    return statistics.mean_in_len * encoder_step + (statistics.mean_out_len + 1) * decoder_step
