import signal

import numpy as np
import pytest
import tensorflow as tf
from helpers import imported, largest_difference, random_weights

from seq2seq_demo.callbacks import Callback
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.batches import Pairs
from seq2seq_demo.data.ragged import Ragged, RaggedPairs
from seq2seq_demo.data.sequence_pattern import find_pattern
from seq2seq_demo.errors import Interrupted
from seq2seq_demo.files.destinations import Destination
from seq2seq_demo.trained_network import Lesson, TrainedNetwork, load, untrained
from seq2seq_demo.training import loop
from seq2seq_demo.training.dropout_loop import dropout_trainer, row_keys
from seq2seq_demo.training.loop import fit
from seq2seq_demo.training.snapshots import Interruption, Snapshots
from seq2seq_demo.training.varied_loop import Widths

REVERSED = find_pattern("reversed")
MODEL = ModelConfig("embedding_attention", "GRUCell", 2, 7, 5, in_max_int=10, out_max_int=12, bidirectional=True)
# 180 points to train on, 90 steps an epoch, of which 64 are taken at once.
CONFIG = TrainConfig(200, in_len=6, out_len=6, learning_rate=0.01, epochs=2, batch_size=2, dropout=0.3)
VARIED = TrainConfig(200, 6, 6, 0.01, epochs=2, batch_size=2, dropout=0.3, min_in_len=2)
SOURCES = [[3, 1, 4, 1, 5], [2], [7, 7], [6, 0, 8, 2]]
TARGETS = [[4, 2], [], [9, 9, 1, 0, 3, 2], [5]]
PAIRS = RaggedPairs(Ragged.of_rows(SOURCES), Ragged.of_rows(TARGETS))
COUNTS = [3, 1, 7, 2]  # of symbols, with END


def test_keys_follow_from_seed_step_and_row():
    keys = row_keys(TrainConfig(batch_size=5, seed=2), 7, 3)
    assert (keys.shape, keys.dtype, len(np.unique(keys))) == ((3, 5), np.uint32, 15)
    assert (row_keys(TrainConfig(batch_size=5, seed=2, epochs=9), 8, 64)[:2] == keys[1:]).all()
    other_seed = row_keys(TrainConfig(batch_size=5, seed=10**30), 7, 3)
    assert not (other_seed == keys).any()


def test_a_batch_has_the_keys_of_its_steps():
    config = TrainConfig(10, in_len=6, out_len=4, batch_size=4, dropout=0.3)
    trainer = dropout_trainer("mine", config, untrained(MODEL, 0), None)
    trainer.adam.iterations.assign(7)
    pairs = Pairs(np.zeros((9, 6), np.uint8), np.zeros((9, 4), np.uint8))
    keys, sources, _ = trainer.batches(pairs)
    assert sources.shape == (64, 4, 6)
    assert (keys.numpy() == row_keys(config, 7, 64)).all()


@pytest.mark.slow
@pytest.mark.parametrize("config", [CONFIG, VARIED], ids=["of one length", "of several"])
def test_resumed_within_an_epoch_it_ends_with_the_same_bits(tmp_path, config):
    class Interrupting(Callback):
        def on_steps_end(self, step, points, loss, token_accuracy):
            interruption.signum = signal.SIGTERM if step == 90 + 64 else None

    start, interruption = untrained(ModelConfig("embedding_attention", "BasicRNNCell", 1, 7, 5), 0), Interruption()
    undisturbed = fit(REVERSED, config, start)
    snapshots = Snapshots(tmp_path, None, "reversed", Lesson(), Destination(), interruption, lambda text: None)
    with pytest.raises(Interrupted), snapshots:
        fit(REVERSED, config, start, [Interrupting()], snapshots)
    snapshot = load(snapshots.last)
    assert (snapshot.progress.epoch, snapshot.progress.points) == (1, 128)
    resumed = fit(REVERSED, config, snapshot)
    assert resumed.to_bytes() == undisturbed.to_bytes()
    assert largest_difference(resumed, start) > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("lengths", [{}, {"min_in_len": 2}], ids=["of one length", "of several"])
def test_xla_drops_the_same_units(monkeypatch, lengths):
    config = TrainConfig(100, in_len=4, out_len=4, learning_rate=0.001, epochs=1, batch_size=16, dropout=0.3, **lengths)
    trained = []
    for xla in (False, True):
        monkeypatch.setattr(loop, "use_xla", lambda *_, xla=xla: xla)
        trained.append(fit(REVERSED, config, untrained(MODEL, 0)))
    assert largest_difference(*trained) < 1e-5


def test_sums_of_shares_are_those_of_the_whole():
    """Of one length: the rows of a batch keep their keys, whichever worker has them."""
    config = TrainConfig(10, in_len=6, out_len=4, batch_size=4, dropout=0.3)
    trainer = dropout_trainer("mine", config, TrainedNetwork(MODEL, random_weights(MODEL)), None)
    rng = np.random.default_rng(1)
    keys = tf.constant(row_keys(config, 0, 1)[0])
    batch = keys, tf.constant(rng.integers(0, 11, (4, 6))), tf.constant(rng.integers(0, 13, (4, 4))), tf.ones(4)
    whole = trainer._sums(*batch, tf.constant(4.0))
    shares = [trainer._sums(*(x[first : first + 2] for x in batch), tf.constant(4.0)) for first in (0, 2)]
    for total, *parts in zip(whole, *shares, strict=True):
        assert np.abs(total - sum(map(tf.convert_to_tensor, parts))).max() < 1e-5
    other_keys = [trainer._sums(keys[2:], *(x[:2] for x in batch[1:]), tf.constant(4.0))[0] - shares[0][0]]
    assert abs(other_keys[0]) > 0.01


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("model", ["embedding_rnn", "embedding_attention"])
def test_sums_of_a_padded_batch_are_those_of_its_rows(model, bidirectional, num_layers):
    config = TrainConfig(4, 5, 6, batch_size=4, min_in_len=1, dropout=0.3)
    model_config = ModelConfig(model, "GRUCell", num_layers, 7, 5, 10, 12, bidirectional)
    trainer = dropout_trainer("mine", config, TrainedNetwork(model_config, random_weights(model_config)), PAIRS)
    keys = row_keys(config, 0, 1)[0]

    def sums(rows, S, T):
        sources = Ragged.of_rows(SOURCES[row] for row in rows)
        targets = Ragged.of_rows(TARGETS[row] for row in rows)
        arrays = sources.padded(S), targets.padded(T, 13), sources.lengths, targets.lengths + 1
        batch = [tf.constant(keys[[*rows]]), *(tf.constant(array.astype(np.int32)) for array in arrays)]
        trainer.widths = Widths([(S, T)], [])
        return [x.numpy() for x in trainer._sums(*batch, tf.constant(float(sum(COUNTS))), tf.constant(0))]

    found, wide = sums(range(4), 5, 7), sums(range(4), 8, 9)
    each = [sums([row], len(SOURCES[row]), COUNTS[row]) for row in range(4)]
    for total, total_of_wide, *parts in zip(found, wide, *each, strict=True):
        assert np.abs(total - sum(parts)).max() < 1e-5
        assert np.abs(total - total_of_wide).max() < 1e-5


@pytest.mark.slow
def test_a_training_without_it_loads_none_of_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = "network.keras_network.dropout", "network.keras_network.bidirectional", "training.dropout_loop"
    argv = ["train", "100", "-e", "1", "--cell-size", "7", "-o", "w"]
    assert imported(argv, "seq2seq_demo.training.loop", *(f"seq2seq_demo.{name}" for name in files)) == [
        "seq2seq_demo.training.loop"
    ]
