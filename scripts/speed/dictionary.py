"""Random pairs with the statistics of a pronunciation dictionary: 40 symbols, sources of 3 to 20 symbols."""

import numpy as np

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.data.sequences import Pairs, Sequences

N_SYMBOLS, SHORTEST, LONGEST = 40, 3, 20  # symbols are 1 to 40, because plain Keras pads with 0
MEAN, DEVIATION = 7.5, 2.3  # source length, as in CMUdict (scripts/published)
N_SILENT = 6  # source symbols that are not in the target; targets are 0.85 times as long as sources, as in CMUdict


def dictionary_pairs(n: int, seed: int = 0) -> Pairs:
    """Return n pairs; a fixed permutation maps each source symbol, except the silent ones, to a target symbol."""
    rng = np.random.default_rng(seed)
    skewed = rng.gamma((MEAN / DEVIATION) ** 2, DEVIATION**2 / MEAN, n)
    lengths = np.clip(np.rint(skewed), SHORTEST, LONGEST).astype(np.int64)
    symbols = rng.integers(1, N_SYMBOLS, lengths.sum(), np.uint8, endpoint=True)
    mapping = np.append(np.uint8(0), 1 + rng.permutation(N_SYMBOLS).astype(np.uint8))
    is_voiced = symbols > N_SILENT
    n_voiced = np.add.reduceat(is_voiced, np.cumsum(lengths) - lengths, dtype=np.int64)
    return Pairs(Sequences(symbols, lengths), Sequences(mapping[symbols[is_voiced]], n_voiced))


def dictionary_network(cell_size: int, num_layers: int = 1, bidirectional: bool = False) -> ModelConfig:
    """Return an attention network for these pairs."""
    return ModelConfig(
        "embedding_attention",
        num_layers=num_layers,
        cell_size=cell_size,
        embedding_size=64,
        in_max_int=N_SYMBOLS,
        out_max_int=N_SYMBOLS,
        bidirectional=bidirectional,
        ends=True,
    )
