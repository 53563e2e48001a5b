"""Trainings with `keep_best` and `patience`, and the best epoch in a snapshot.

The validation metrics are made up, so that the best epoch is known.
"""

import pytest
from helpers import Watcher, fit, same_arrays, snapshots_in_memory

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.trained import weights_file
from seq2seq_demo.trained.metrics import Metrics
from seq2seq_demo.trained.trained_network import untrained
from seq2seq_demo.training import trainer
from seq2seq_demo.training.settings import new_run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fast_steps")]

# Exact match and loss after each epoch. Epoch 3 beats 2 because of its lower loss, 5 equals 3, and 7 is the best.
REACHED = [(0.2, 1.0), (0.6, 0.9), (0.6, 0.5), (0.5, 0.1), (0.6, 0.5), (0.6, 0.6), (0.7, 2.0), (0.7, 2.5)]
STEPS = 6  # per epoch


@pytest.fixture(autouse=True)
def metrics(monkeypatch):
    """Replace the validation metrics by those in REACHED."""

    def validation_metrics(task, network, validation):
        exact, loss = REACHED[network.step // STEPS - 1]
        return Metrics(loss, 0.3, 0.3, 0.3, exact)

    monkeypatch.setattr(trainer, "validation_metrics", validation_metrics)


REVERSED = find_pattern("reversed")
MODEL = ModelConfig("embedding_rnn", "BasicRNNCell", cell_size=7, embedding_size=5)
SIZES = {"points": 53, "in_len": 3, "out_len": 3, "batch_size": 8}


def fitted(callbacks=(), snapshots=None, start=None, **settings):
    """Train a small network, or continue the training of `start`."""
    config = TrainConfig(**SIZES, epochs=len(REACHED), keep_best=True, **settings)
    return fit(REVERSED, config, start or untrained(MODEL, 0), callbacks, snapshots)


def alike(network, other):
    """Whether steps, weights and moments are equal."""
    return network.step == other.step and all(
        same_arrays(getattr(network, arrays), getattr(other, arrays)) for arrays in ("weights", "moments")
    )


def test_the_best_epoch_is_saved_and_patience_ends_a_resumed_training_too():
    whole = Watcher()
    best = fitted([whole])
    assert len(whole.networks) == 8
    assert_saved(best, whole, 7)
    assert not alike(best, whole.networks[-1])
    stopping, kept = Watcher(), {}
    saved = fitted([stopping], snapshots_in_memory(kept), patience=3)
    assert len(stopping.networks) == 6
    assert_saved(saved, whole, 3)
    snapshot = kept[5 * STEPS]  # at the last step of epoch 5
    assert alike(snapshot.best, whole.networks[2])
    resumed = fitted(start=snapshot)
    assert weights_file.to_bytes(resumed) == weights_file.to_bytes(saved)

    # A continued run counts the network that it starts from as epoch 0; REACHED[7] has a higher loss than REACHED[6].
    kept.clear()
    begun = new_run(REVERSED, SIZES | {"epochs": 1, "keep_best": True}, best)
    continued = trainer.fit(REVERSED, begun, (), snapshots_in_memory(kept))
    assert_saved(continued, whole, 7)
    assert len(continued.history) == 1
    resumed = trainer.fit(REVERSED, kept[7 * STEPS])
    assert weights_file.to_bytes(resumed) == weights_file.to_bytes(continued)


def assert_saved(network, watcher, epoch):
    """Require the network and the metrics of an epoch."""
    assert alike(network, watcher.networks[epoch - 1])
    assert (network.validation.exact_match, network.validation.loss) == REACHED[epoch - 1]
