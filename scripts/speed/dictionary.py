"""Pairs like those of a pronunciation dictionary, made at random: 40 symbols, 3 to 20 of them in a source."""

import numpy as np

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.data.sequences import Pairs, Sequences

N_SYMBOLS, SHORTEST, LONGEST = 40, 3, 20  # symbols 1 to 40; plain Keras needs the 0 for padding
MEAN, DEVIATION = 7.5, 2.3  # of a source's length, as in CMUdict (scripts/published)
N_SILENT = 6  # symbols that bring nothing to the target, so that it has 0.85 times a source's length, as there


def dictionary_pairs(n: int, seed: int = 0) -> Pairs:
    """Return n pairs; a target has for each symbol of the source that is not silent another one."""
    rng = np.random.default_rng(seed)
    skewed = rng.gamma((MEAN / DEVIATION) ** 2, DEVIATION**2 / MEAN, n)
    lengths = np.clip(np.rint(skewed), SHORTEST, LONGEST).astype(np.int64)
    symbols = rng.integers(1, N_SYMBOLS, lengths.sum(), np.uint8, endpoint=True)
    written = np.append(np.uint8(0), 1 + rng.permutation(N_SYMBOLS).astype(np.uint8))[symbols]
    is_heard = symbols > N_SILENT
    n_heard = np.add.reduceat(is_heard, np.cumsum(lengths) - lengths, dtype=np.int64)
    return Pairs(Sequences(symbols, lengths), Sequences(written[is_heard], n_heard))


def dictionary_network(cell_size: int, num_layers: int = 1, bidirectional: bool = False) -> ModelConfig:
    """Return a network with attention for such pairs."""
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
