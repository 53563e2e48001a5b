"""Training and decoding speed on realistic data: pairs of different lengths, 64 to 256 units."""

from __future__ import annotations

import functools
import statistics
from typing import TYPE_CHECKING, Any

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.sequences import Pairs, Sequences
from speed.measuring import OURS, new_trainer, run_epoch, seconds, speed_columns, use_threads

if TYPE_CHECKING:
    from seq2seq_demo.training.trainer import Trainer

BATCH, LEARNING_RATE, BEAM = 128, 0.002, 5
N_SYMBOLS, SHORTEST, LONGEST = 40, 3, 20  # symbols are 1 to 40
MEAN, DEVIATION = 7.5, 2.3  # source length, as in CMUdict (scripts/published)
N_SILENT = 6  # source symbols that are not in the target; targets are 0.85 times as long as sources, as in CMUdict


def dictionary_pairs(n: int, seed: int = 0) -> Pairs:
    """Return n random pairs with the statistics of a pronunciation dictionary.

    A fixed permutation maps each source symbol, except the silent ones, to a target symbol.
    """
    rng = np.random.default_rng(seed)
    skewed = rng.gamma((MEAN / DEVIATION) ** 2, DEVIATION**2 / MEAN, n)
    lengths = np.clip(np.rint(skewed), SHORTEST, LONGEST).astype(np.int64)
    symbols = rng.integers(1, N_SYMBOLS, lengths.sum(), np.uint8, endpoint=True)
    mapping = np.append(np.uint8(0), 1 + rng.permutation(N_SYMBOLS).astype(np.uint8))
    is_voiced = symbols > N_SILENT
    n_voiced = np.add.reduceat(is_voiced, np.cumsum(lengths) - lengths, dtype=np.int64)
    return Pairs(Sequences(symbols, lengths), Sequences(mapping[symbols[is_voiced]], n_voiced))


def dictionary_network(cell_size: int, **sizes: Any) -> ModelConfig:
    """Return an attention network for these pairs."""
    sizes |= {"in_max_int": N_SYMBOLS, "out_max_int": N_SYMBOLS, "ends": True}
    return ModelConfig("embedding_attention", cell_size=cell_size, embedding_size=64, **sizes)


NETWORKS = {  # by name: network, dropout
    "1 x 128, bidirectional, dropout 0.2": (dictionary_network(128, bidirectional=True), 0.2),
    "2 x 64": (dictionary_network(64, num_layers=2), 0.0),
    "1 x 256": (dictionary_network(256), 0.0),
}


def dictionary_trainer(model_config: ModelConfig, dropout: float, pairs: Pairs) -> Trainer:
    """Return a trainer with the lengths that `train --from-file` would record for these pairs."""
    config = TrainConfig(
        len(pairs) + 1,
        in_len=int(pairs.sources.lengths.max()),
        min_in_len=int(pairs.sources.lengths.min()),
        out_len=int(pairs.targets.lengths.max()),
        validation_points=1,
        learning_rate=LEARNING_RATE,
        epochs=1000,  # many, so that the trainer uses XLA
        batch_size=BATCH,
        dropout=dropout,
    )
    return new_trainer(pairs, config, model_config)


def speed_row(name: str, n_pairs: int, rounds: int) -> list[str]:
    """Return the table row of a network: its weights, training speed, fractions of padding, and decoding speeds."""
    model_config, dropout = NETWORKS[name]
    use_threads(model_config.cell_size)
    pairs = dictionary_pairs(n_pairs)
    trainer = dictionary_trainer(model_config, dropout, pairs)
    speed, first = speed_columns({OURS: functools.partial(run_epoch, trainer, pairs)}, len(pairs), rounds)
    padded, network = " / ".join(f"{100 * part:.1f}%" for part in padding(trainer, pairs)), trainer.trained_network()
    return [name, f"{network.n_weights:,}", speed, first, padded, *decoding(network, min(rounds, 3))]


def padding(trainer: Trainer, pairs: Pairs) -> tuple[float, float, float]:
    """Return the fraction of padding in the symbols that an epoch computes: in the loops, outside them, and overall.

    A loop takes as many steps as the batch's longest sequence. Operations outside the loops, such as projections,
    compute all positions of the batch's width.
    """
    order = trainer.order(pairs)
    batches = order[: len(order) // BATCH * BATCH].reshape(-1, BATCH)
    lengths = np.stack([pairs.sources.lengths[batches], 1 + pairs.targets.lengths[batches]], axis=-1)  # [N, B, 2]
    steps = lengths.max(axis=1)  # [N, 2]
    widths = np.array(trainer.steps.widths.usual)  # [W, 2]
    fits = (steps[:, None] <= widths).all(axis=2)  # [N, W]
    symbols, looped, padded = lengths.sum(), BATCH * steps.sum(), BATCH * widths[fits.argmax(axis=1)].sum()
    return 1 - symbols / looped, 1 - symbols / padded, 1 - 2 * symbols / (looped + padded)


def decoding(network: Any, rounds: int) -> list[str]:
    """Return the sources per second that NumPy decodes, greedily and with a beam."""
    pairs = dictionary_pairs(2000, seed=1)
    sources = pairs.sources.rows()

    def time(beam_size: int | None) -> float:
        return statistics.median(seconds(lambda: network.predict(sources, beam_size=beam_size)) for _ in range(rounds))

    return [f"{len(pairs) / time(beam_size):,.0f}" for beam_size in (None, BEAM)]
