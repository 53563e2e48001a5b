"""The recipe: settings that suit a user's pairs, chosen on data sets of several kinds."""

from seq2seq_demo.config import Settings

PAIRS_SEEN = 600_000  # in all epochs together
MIN_EPOCHS, MAX_EPOCHS = 10, 100


def recipe(n_pairs: int, n_symbols: tuple[int, int], lengths: tuple[float, float]) -> Settings:
    """Return the settings for a new network of pairs, each of which replaces a default of 2016.

    Args:
        n_pairs: the number of pairs to train on.
        n_symbols: the numbers of symbols in the vocabularies of sources and targets.
        lengths: the mean lengths of sources and targets.
    """
    return {
        "model": "embedding_attention",
        "bidirectional": True,
        "cell_size": 128,
        "embedding_size": 64,
        "dropout": 0.3,
        "batch_size": 32,
        "learning_rate": 0.003,
        "lr_schedule": "cosine",
        "epochs": min(MAX_EPOCHS, max(MIN_EPOCHS, round(PAIRS_SEEN / n_pairs))),
        "keep_best": True,
    }
