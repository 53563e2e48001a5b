"""Training and decoding where people's work is: pairs of different lengths, 64 to 256 units."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.sequences import Pairs
from speed.dictionary import dictionary_network, dictionary_pairs
from speed.measuring import seconds
from speed.ways import (
    BUCKETED,
    KERAS,
    ONE,
    TWO,
    epochs_of,
    measured,
    n_weights,
    our_trainers,
    set_threads_of,
    timed,
    trainer_on,
)

if TYPE_CHECKING:
    import tensorflow as tf

    from seq2seq_demo.training.trainer import Trainer

NETWORKS = {  # name: model, dropout
    "1 x 128, bidirectional, dropout 0.2": (dictionary_network(128, bidirectional=True), 0.2),
    "2 x 64": (dictionary_network(64, num_layers=2), 0.0),
    "1 x 256": (dictionary_network(256), 0.0),
}
BATCH, LEARNING_RATE, BEAM = 128, 0.002, 5
BUCKETS = [6, 8, 10, 13]  # for plain Keras: the longest sources of all buckets but the last


def trainer_of(model_config: ModelConfig, dropout: float, pairs: Pairs, processes: int = 1) -> Trainer:
    """Return what trains a network on these pairs, as `train --from-file` would."""
    config = TrainConfig(
        len(pairs) + 1,
        in_len=int(pairs.sources.lengths.max()),
        min_in_len=int(pairs.sources.lengths.min()),
        out_len=int(pairs.targets.lengths.max()),
        validation_points=1,
        learning_rate=LEARNING_RATE,
        epochs=1000,  # which pays for compiling
        batch_size=BATCH,
        dropout=dropout,
        processes=processes,
    )
    return trainer_on(pairs, config, model_config)


def dataset(pairs: Pairs, go: int, bucketed: bool) -> tf.data.Dataset:
    """Return shuffled batches for `fit`: each padded to its longest, drawn from buckets of like lengths or from all."""
    import tensorflow as tf

    def rows() -> Iterator[tuple[tuple[list[int], list[int]], list[int]]]:
        for source, target in zip(pairs.sources.rows(), pairs.targets.rows(), strict=True):
            yield (source, [go, *target]), [*target, go]

    row = tf.TensorSpec([None], tf.int32)
    shuffled = tf.data.Dataset.from_generator(rows, output_signature=((row, row), row)).cache().shuffle(len(pairs))
    if not bucketed:
        return shuffled.padded_batch(BATCH).prefetch(2)
    bounds, sizes = [longest + 1 for longest in BUCKETS], [BATCH] * (len(BUCKETS) + 1)
    return shuffled.bucket_by_sequence_length(lambda given, _: tf.size(given[0]), bounds, sizes).prefetch(2)


def training_speed(ways: list[str], name: str, n_pairs: int, rounds: int) -> dict:
    """Return the speeds of these ways to train on as many pairs; with one process, also the rest."""
    model_config, dropout = NETWORKS[name]
    set_threads_of(ways, model_config.cell_size)
    pairs = dictionary_pairs(n_pairs)
    with our_trainers(ways, lambda n: trainer_of(model_config, dropout, pairs, n)) as trainers:
        epochs = epochs_of(trainers, pairs)
        if KERAS in ways:
            epochs |= keras_epochs(model_config, dropout, pairs)
        speeds = timed(epochs, rounds)
    if ONE not in ways:
        return {"speeds": speeds}
    return {
        "speeds": speeds,
        "weights": n_weights(model_config),
        "padding": padding(trainers[ONE], pairs),
        "decoding": decoding(trainers[ONE].trained_network(), min(rounds, 3)),
    }


def keras_epochs(model_config: ModelConfig, dropout: float, pairs: Pairs) -> dict[str, Callable]:
    """Return what trains an epoch in plain Keras, on batches of both kinds."""
    from speed.plain_keras import plain_keras

    network, expected = plain_keras(model_config, None, dropout, LEARNING_RATE), n_weights(model_config)
    if network.count_params() != expected:
        raise AssertionError(f"expected plain Keras to have {expected} weights, got {network.count_params()}")
    data = {way: dataset(pairs, model_config.go, way == BUCKETED) for way in (KERAS, BUCKETED)}
    return {way: lambda batches=batches: network.fit(batches, verbose=0) for way, batches in data.items()}


def training_beside_keras(name: str, n_pairs: int, rounds: int) -> dict:
    """Return pairs a second and the seconds of the first call, each by way, what padding takes, and decoding's speed.

    The ratios to plain Keras are those of two processes, where two are measured.
    """
    found = measured(training_speed, NETWORKS[name][0], [KERAS, BUCKETED], name, n_pairs, rounds)
    times = found.pop("speeds")
    speeds = {way: n_pairs / epoch for way, (epoch, _) in times.items()}
    ours = speeds.get(TWO, speeds[ONE])
    return found | {
        "network": name,
        "pairs_per_second": {way: round(speed) for way, speed in speeds.items()},
        "ratio": round(ours / speeds[KERAS], 2),
        "ratio_bucketed": round(ours / speeds[BUCKETED], 2),
        "first_call_seconds": {way: round(first, 1) for way, (_, first) in times.items()},
    }


def padding(trainer: Trainer, pairs: Pairs) -> dict[str, float]:
    """Return the share of padding in an epoch's symbols: in what the loops compute, outside of them, and in both.

    A loop takes as many steps as the longest of a batch; what is outside of the loops, as the projections, computes
    all positions of the batch's width.
    """
    order = trainer.order(pairs)
    whole = order[: len(order) // BATCH * BATCH].reshape(-1, BATCH)
    lengths = np.stack([pairs.sources.lengths[whole], 1 + pairs.targets.lengths[whole]], axis=-1)  # [N, B, 2]
    steps = lengths.max(axis=1)  # [N, 2]
    usual = np.array(trainer.widths.usual)  # [W, 2]
    holds = (steps[:, None] <= usual).all(axis=2)  # [N, W]
    symbols, looped, wide = lengths.sum(), BATCH * steps.sum(), BATCH * usual[holds.argmax(axis=1)].sum()
    return {
        "loops": round(1 - symbols / looped, 4),
        "outside": round(1 - symbols / wide, 4),
        "all": round(1 - 2 * symbols / (looped + wide), 4),
    }


def decoding(network: Any, rounds: int) -> dict[str, float]:
    """Return how many fresh sources a second NumPy decodes, greedily and with a beam, and what comes of it."""
    pairs = dictionary_pairs(2000, seed=1)
    sources, n = pairs.sources.rows(), len(pairs)
    ways = {"greedy": None, "beam": BEAM}
    times = {
        way: statistics.median(seconds(lambda k=k: network.predict(sources, beam_size=k)) for _ in range(rounds))
        for way, k in ways.items()
    }
    ended = np.mean([p.ended for p in network.predict(sources[:500], details=True)])
    return {way: round(n / times[way]) for way in ways} | {"ended": round(float(ended), 3)}
