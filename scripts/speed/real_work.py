"""Training and decoding speed on realistic data: pairs of different lengths, 64 to 256 units."""

from __future__ import annotations

import contextlib
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
    EpochFunctions,
    epoch_calls,
    measure,
    n_weights,
    new_trainer,
    our_trainers,
    time_epochs,
    use_threads,
)

if TYPE_CHECKING:
    import tensorflow as tf

    from seq2seq_demo.training.trainer import Trainer

NETWORKS = {  # by name: network, dropout
    "1 x 128, bidirectional, dropout 0.2": (dictionary_network(128, bidirectional=True), 0.2),
    "2 x 64": (dictionary_network(64, num_layers=2), 0.0),
    "1 x 256": (dictionary_network(256), 0.0),
}
BATCH, LEARNING_RATE, BEAM = 128, 0.002, 5
BUCKETS = [6, 8, 10, 13]  # for plain Keras: the longest source in each bucket; a last bucket takes all longer sources


def dictionary_trainer(model_config: ModelConfig, dropout: float, pairs: Pairs, processes: int = 1) -> Trainer:
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
        processes=processes,
    )
    return new_trainer(pairs, config, model_config)


def dataset(pairs: Pairs, go: int, bucketed: bool) -> tf.data.Dataset:
    """Return shuffled, padded batches for `fit`; with `bucketed`, the sources of a batch have similar lengths."""
    import tensorflow as tf

    def rows() -> Iterator[tuple[tuple[list[int], list[int]], list[int]]]:
        for source, target in zip(pairs.sources.rows(), pairs.targets.rows(), strict=True):
            yield (source, [go, *target]), [*target, go]

    row = tf.TensorSpec([None], tf.int32)
    shuffled = tf.data.Dataset.from_generator(rows, output_signature=((row, row), row)).cache().shuffle(len(pairs))
    if not bucketed:
        return shuffled.padded_batch(BATCH).prefetch(2)
    bounds, sizes = [longest + 1 for longest in BUCKETS], [BATCH] * (len(BUCKETS) + 1)
    return shuffled.bucket_by_sequence_length(lambda inputs, _: tf.size(inputs[0]), bounds, sizes).prefetch(2)


@contextlib.contextmanager
def epochs(ways: list[str], name: str, pairs: Pairs) -> Iterator[tuple[EpochFunctions, dict[str, Trainer]]]:
    """Yield functions that train an epoch in each way, and our trainers."""
    model_config, dropout = NETWORKS[name]
    use_threads(ways, model_config.cell_size)
    with our_trainers(ways, lambda n: dictionary_trainer(model_config, dropout, pairs, n)) as trainers:
        calls = epoch_calls(trainers, pairs)
        if KERAS in ways:
            calls |= keras_epochs(model_config, dropout, pairs)
        yield calls, trainers


def training_speed(ways: list[str], name: str, n_pairs: int, rounds: int) -> dict:
    """Return the seconds per epoch of each way; if ONE is among them, also weights, padding and decoding speed."""
    pairs = dictionary_pairs(n_pairs)
    with epochs(ways, name, pairs) as (calls, trainers):
        speeds = time_epochs(calls, rounds)
    if ONE not in ways:
        return {"speeds": speeds}
    return {
        "speeds": speeds,
        "weights": n_weights(NETWORKS[name][0]),
        "padding": padding(trainers[ONE], pairs),
        "decoding": decoding(trainers[ONE].trained_network(), min(rounds, 3)),
    }


def keras_epochs(model_config: ModelConfig, dropout: float, pairs: Pairs) -> dict[str, Callable]:
    """Return functions that train plain Keras for one epoch, on batches with and without buckets."""
    from speed.plain_keras import plain_keras

    network, expected = plain_keras(model_config, None, dropout, LEARNING_RATE), n_weights(model_config)
    if network.count_params() != expected:
        raise AssertionError(f"expected plain Keras to have {expected} weights, got {network.count_params()}")
    data = {way: dataset(pairs, model_config.go, way == BUCKETED) for way in (KERAS, BUCKETED)}
    return {way: lambda batches=batches: network.fit(batches, verbose=0) for way, batches in data.items()}


def training_beside_keras(name: str, n_pairs: int, rounds: int) -> dict:
    """Return each way's pairs per second and seconds of the first call, the shares of padding, and decoding speed.

    The ratios compare our speed with plain Keras: two processes if they were measured, otherwise one.
    """
    result = measure(training_speed, NETWORKS[name][0], [KERAS, BUCKETED], name, n_pairs, rounds)
    times = result.pop("speeds")
    speeds = {way: n_pairs / epoch for way, (epoch, _) in times.items()}
    ours = speeds.get(TWO, speeds[ONE])
    return result | {
        "network": name,
        "pairs_per_second": {way: round(speed) for way, speed in speeds.items()},
        "ratio": round(ours / speeds[KERAS], 2),
        "ratio_bucketed": round(ours / speeds[BUCKETED], 2),
        "first_call_seconds": {way: round(first, 1) for way, (_, first) in times.items()},
    }


def padding(trainer: Trainer, pairs: Pairs) -> dict[str, float]:
    """Return the share of padding in the symbols that an epoch computes: in the loops, outside the loops, and overall.

    A loop takes as many steps as the batch's longest sequence. Operations outside the loops, such as projections,
    compute all positions of the batch's width.
    """
    order = trainer.order(pairs)
    batches = order[: len(order) // BATCH * BATCH].reshape(-1, BATCH)
    lengths = np.stack([pairs.sources.lengths[batches], 1 + pairs.targets.lengths[batches]], axis=-1)  # [N, B, 2]
    steps = lengths.max(axis=1)  # [N, 2]
    widths = np.array(trainer.widths.usual)  # [W, 2]
    fits = (steps[:, None] <= widths).all(axis=2)  # [N, W]
    symbols, looped, padded = lengths.sum(), BATCH * steps.sum(), BATCH * widths[fits.argmax(axis=1)].sum()
    return {
        "loops": round(1 - symbols / looped, 4),
        "outside": round(1 - symbols / padded, 4),
        "all": round(1 - 2 * symbols / (looped + padded), 4),
    }


def decoding(network: Any, rounds: int) -> dict[str, float]:
    """Return the sources per second that NumPy decodes, greedily and with a beam, and the share of ended answers."""
    pairs = dictionary_pairs(2000, seed=1)
    sources, n = pairs.sources.rows(), len(pairs)
    beam_sizes = {"greedy": None, "beam": BEAM}
    times = {
        name: statistics.median(seconds(lambda k=k: network.predict(sources, beam_size=k)) for _ in range(rounds))
        for name, k in beam_sizes.items()
    }
    ended = np.mean([p.ended for p in network.predict(sources[:500], details=True)])
    return {name: round(n / time) for name, time in times.items()} | {"ended": round(float(ended), 3)}
