"""The recipe chooses settings for a user's pairs, from their number, lengths and vocabularies, or for a pattern.

`scripts/recipe/README.md` lists the measurements behind the numbers.
"""

import math
from typing import Any

from seq2seq_demo.config import ModelConfig, given_values
from seq2seq_demo.network.parameters import weight_shapes

# On 3,000 pairs, neither 192 units nor two layers were better, and both took twice as long.
MODEL = {"model": "attention", "cell_type": "LSTMCell", "cell_size": 128, "embedding_size": 64, "bidirectional": True}
TRAINING = {"lr_schedule": "cosine", "batch_size": 32, "label_smoothing": 0.1, "keep_best": True}

# A thousand symbols or more, such as Chinese characters, need wider embeddings; fewer do not.
LARGE_VOCABULARY, LARGE_EMBEDDING = 1000, 192

# Training on a pattern takes about PATTERN_SAMPLES samples, with sources of every length up to `in_len`.
PATTERN = {"model": "attention", "lr_schedule": "cosine", "learning_rate": 0.005, "min_in_len": 1}
PATTERN_SAMPLES, MAX_PATTERN_EPOCHS = 500_000, 100

# 3,600 pairs of a word and its phones get 60 epochs. Ten times as many pairs get 24 epochs, so training takes four
# times as long. Pairs that need more computation, because of long sequences or large vocabularies, get fewer epochs.
REFERENCE_PAIRS, REFERENCE_EPOCHS, REFERENCE_MULTIPLICATIONS = 3600, 60, 3.2e6
PAIRS_EXPONENT, MULTIPLICATIONS_EXPONENT = 0.4, 0.75
MIN_EPOCHS, MAX_EPOCHS, MIN_SAMPLES = 3, 200, 48_000  # 1,500 batches

# Few pairs leave too few validation pairs to end training by patience. A second dropout mask for each pair makes
# training take 1.5 times as long. It pays off if there are few pairs, unless symbols are rare or sources are short.
FEW_PAIRS, CONSISTENCY = 2000, 2.0

# Symbols are rare if an input symbol occurs fewer than RARE times on average. Few updates then involve each symbol, so
# training takes RARE_EPOCHS times as many epochs.
RARE, RARE_EPOCHS = 10, 1.5

# With FEW_PAIRS or more, a training run ends early after 22% of the planned epochs without improvement.
PATIENCE, MIN_PATIENCE = 0.22, 5

# Few pairs need much dropout. With many pairs, dropout helps less, and there are too few epochs for much dropout.
DROPOUT, DROPOUT_EXPONENT = 0.5, 0.25

# A source of fewer than SHORT_BITS bits, such as a number, is short: the rest of the source does not reveal
# what dropout hides.
SHORT_BITS, SHORT_DROPOUT = 20, 0.2

# With 3,600 pairs, a learning rate of 0.0015 was at least 3 percentage points worse. Whether 0.003 or 0.006 is better
# depends on the set. With 110,000 pairs, 0.002 is better than 0.004, and a network of 192 units diverges with 0.004.
LEARNING_RATE, LEARNING_RATE_EXPONENT = 0.004, 0.2


def recommended_settings(
    *, n_pairs: int, in_max_int: int, out_max_int: int, mean_in_len: float, mean_out_len: float
) -> dict[str, Any]:
    """Return the recommended settings for training a network on pairs.

    Args:
        n_pairs: the number of training pairs.
        in_max_int: the largest symbol number in sources, at least 1.
        out_max_int: the largest symbol number in targets, at least 1.
        mean_in_len: the mean length of the sources.
        mean_out_len: the mean length of the targets, without END.
    """
    n_input_symbols = in_max_int + 1
    are_rare = n_pairs * mean_in_len < RARE * n_input_symbols
    is_short = mean_in_len * math.log2(n_input_symbols) < SHORT_BITS
    many = min(1.0, REFERENCE_PAIRS / n_pairs)  # below 1 if there are many pairs
    dropout = (SHORT_DROPOUT if is_short else DROPOUT) * many**DROPOUT_EXPONENT
    learning_rate = LEARNING_RATE * many**LEARNING_RATE_EXPONENT

    is_large = max(in_max_int, out_max_int) >= LARGE_VOCABULARY - 1
    model = MODEL | ({"embedding_size": LARGE_EMBEDDING} if is_large else {})
    model_config = ModelConfig(
        **given_values(ModelConfig, model), in_max_int=in_max_int, out_max_int=out_max_int, ends=True
    )
    work = multiplications(model_config, mean_in_len, mean_out_len)
    pairs_factor = (REFERENCE_PAIRS / n_pairs) ** PAIRS_EXPONENT * (RARE_EPOCHS if are_rare else 1)
    lengths_factor = (REFERENCE_MULTIPLICATIONS / work) ** MULTIPLICATIONS_EXPONENT
    min_epochs = max(MIN_EPOCHS, round(MIN_SAMPLES / n_pairs))
    epochs = min(MAX_EPOCHS, max(min_epochs, round(REFERENCE_EPOCHS * pairs_factor * lengths_factor)))

    scaled = {"learning_rate": round(learning_rate, 4), "dropout": round(dropout, 2), "epochs": epochs}
    if n_pairs < FEW_PAIRS:
        consistency = 0.0 if are_rare or is_short else CONSISTENCY
        return model | TRAINING | scaled | {"lr_schedule": "adaptive", "consistency": consistency, "patience": None}
    return model | TRAINING | scaled | {"patience": patience_of(epochs)}


def settings_for_pattern(points: int) -> dict[str, Any]:
    """Return the recommended settings for training a network on this number of points of a pattern."""
    return PATTERN | {"epochs": min(MAX_PATTERN_EPOCHS, max(MIN_EPOCHS, round(PATTERN_SAMPLES / points)))}


def patience_of(epochs: int) -> int:
    """Return the number of epochs without improvement after which a training run ends."""
    return max(MIN_PATIENCE, round(PATIENCE * epochs))


def multiplications(model_config: ModelConfig, in_len: float, out_len: float) -> float:
    """Return the number of multiplications in a forward pass over one pair of these mean lengths."""
    kernels = {name: math.prod(shape) for name, shape in weight_shapes(model_config).items() if "kernel" in name}
    keys = kernels.pop("decoder/attention/key/kernel")
    bridges = sum(kernels.pop(name) for name in list(kernels) if name.startswith("encoder/bridge"))
    encoder = keys + sum(size for name, size in kernels.items() if name.startswith("encoder/"))
    decoder = sum(size for name, size in kernels.items() if name.startswith("decoder/"))
    attention = in_len * (model_config.cell_size + model_config.memory_size)  # scores and context
    return bridges + in_len * encoder + (out_len + 1) * (decoder + attention)
