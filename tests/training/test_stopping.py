"""When a training run ends, its best epoch, and what its report says about both."""

from dataclasses import replace

import pytest
from helpers import Watcher, fit, same_arrays, snapshots_in_memory, trained_network

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.trained import weights_file
from seq2seq_demo.trained.metrics import Epoch, Metrics
from seq2seq_demo.trained.plots import History
from seq2seq_demo.trained.saved_network import TrainingRun
from seq2seq_demo.trained.trained_network import untrained
from seq2seq_demo.training import trainer
from seq2seq_demo.training.report import summary
from seq2seq_demo.training.settings import new_run
from seq2seq_demo.training.validation import best_epoch, kept_epoch, last_epoch, learned_after, stop_after

REVERSED = find_pattern("reversed")


def history(*reached):
    """Epochs with these pairs (validation exact match, validation loss). All other metrics improve every epoch."""
    return History(
        Epoch(n, 100 * n, 1 / n, n / 10, loss, n / 10, n / 10, n / 10, exact)
        for n, (exact, loss) in enumerate(reached, start=1)
    )


EARLY = "; training ended early because the exact match was high enough"
WORSE = [(0.5, 1.0), (0.4, 0.9), (0.4, 0.8)]
PEAK = [(0.1, 1.0), (0.5, 0.9), (0.4, 0.8), (0.4, 0.7), (0.4, 0.6)]
PERFECT = [(0.9, 1.0), (1.0, 0.9), (1.0, 0.8), (1.0, 0.7)]  # the exact match stayed at 1 for three epochs


@pytest.mark.parametrize(
    ("reached", "settings", "stop", "reason"),
    [
        ([(0.5, 1.0), (0.5, 1.0)], {"patience": 1}, "patience", "the exact match no longer improved"),
        (WORSE, {"patience": 2}, "patience", "the exact match no longer improved"),
        (WORSE, {"patience": None}, None, None),
        (PEAK, {"patience": 3}, "patience", "the exact match no longer improved"),
        (PEAK, {"patience": 4}, None, None),
        (PERFECT, {"patience": 9}, "patience", "the exact match no longer improved"),
        ([(1.0, 1.0), (0.9, 0.9), (1.0, 0.8), (1.0, 0.7)], {"patience": 9}, None, None),
        ([(0.2, 1.0), (0.75, 0.9)], {"stop_at_exact": 0.7}, "stop_at_exact", "the exact match was high enough"),
        ([(0.75, 1.0), (0.2, 0.9)], {"stop_at_exact": 0.7}, None, None),
        (WORSE, {"epochs": 3, "patience": 2}, "epochs", None),
    ],
)
def test_a_run_stops_for_a_setting_and_the_summary_gives_the_reason(reached, settings, stop, reason):
    config = TrainConfig(**settings)
    assert stop_after(history(*reached), config) == stop
    run, epochs = TrainingRun(config, 0), history((0.1, 9.0), *reached)
    network = replace(trained_network(), step=100, run=run, history=epochs, n_validated=3)
    line = summary(replace(network, validation=epochs[0].validation))
    assert line.partition("; training ended early because ")[2] == (reason or "")


def test_the_adaptive_schedule_ends_a_run_soon_after_its_pairs_are_learned():
    config = TrainConfig(lr_schedule="adaptive", epochs=40)
    accuracies, exact_matches = (
        (1.0, 1.0, 0.999, 0.998, 0.999, 1.0, 0.999, 0.5),
        (0.97, 0.98, 0.99, 1, 0.98, 0.98, 1, 0),
    )
    reached = enumerate(zip(accuracies, exact_matches, strict=True), start=1)
    epochs = History(Epoch(n, n, 0, x, 1, x, x, x, exact) for n, (x, exact) in reached)
    assert [learned_after(epochs[:n], config) for n in (6, 7, 8)] == [None, 7, 7]
    assert [last_epoch(epochs[:n], config) for n in (6, 7, 8)] == [40, 11, 11]
    assert last_epoch(epochs, replace(config, epochs=9)) == 9
    assert last_epoch(epochs, replace(config, epochs=12)) == 10  # at least three epochs
    assert last_epoch(epochs, replace(config, lr_schedule="cosine")) == 40
    rest = [replace(epochs[-1], epoch=n) for n in (9, 10, 11)]
    assert [stop_after(History([*epochs, *rest[:n]]), config) for n in (2, 3)] == [None, "lr_schedule"]


# The means over three epochs, for `window` 3: 0.5, 0.65, 0.7, 0.8, 0.8, 0.75.
NOISY = [(0.5, 1.0), (0.8, 0.9), (0.8, 0.8), (0.8, 0.7), (0.8, 0.6), (0.65, 0.5)]


def test_with_few_validation_pairs_the_last_epoch_is_kept_unless_another_was_clearly_better():
    for n_validation, settings, kept in (
        (81, {"epochs": 60}, 5),  # 0.8 - 0.75 = 0.05 is more than √(0.75 · 0.25 / 81) = 0.048
        (70, {"epochs": 60}, 6),  # the standard error is 0.052
        (200, {"epochs": 60}, 5),  # enough pairs: the epoch with the highest exact match and the lowest loss
        (70, {"epochs": 60, "patience": 9}, 5),
        (70, {"epochs": 20}, 5),  # a window of one epoch
        (30, {"epochs": 21}, 6),  # of two epochs: 0.8 and 0.725
    ):
        config = TrainConfig(points=300, validation_points=n_validation, keep_best=True, **settings)
        assert kept_epoch(history(*NOISY), config).epoch == kept


def test_a_resumed_run_completes_its_epoch_even_after_its_last_one(fast_steps):
    """The runs of 0.5.0 with a time limit did not count epochs."""
    kept = {}
    config = TrainConfig(1000, 3, 3, epochs=3, batch_size=5)  # calls end after steps 8, 64, 128 and 180 of epoch 1
    fit(REVERSED, config, untrained(ModelConfig(cell_size=3, embedding_size=2), 0), (), snapshots_in_memory(kept))
    snapshot, run = kept[424], replace(kept[424].run, config=replace(config, epochs=1))
    resumed = fit(REVERSED, config, replace(snapshot, network=replace(snapshot.network, run=run)))
    assert (snapshot.progress.points, resumed.step, len(resumed.history)) == (320, 540, 3)


def test_the_best_epoch_has_the_highest_mean_exact_match_then_the_lowest_loss():
    assert [best_epoch(history(*NOISY)[:n], 3).epoch for n in range(1, 7)] == [1, 2, 3, 4, 5, 5]
    start = Epoch(0, 0, validation_loss=2, validation_exact_match=0.1)  # counts only by itself
    assert [best_epoch([start, *history(*NOISY)[:n]], 3).epoch for n in range(7)] == [0, 1, 2, 3, 4, 5, 5]
    assert best_epoch([replace(start, validation_exact_match=0.81), *history(*NOISY)], 3).epoch == 0


def test_the_summary_has_the_epoch_and_the_interval_of_wilson():
    """By hand, with z²/n = 0.012805: (0.023333 + 0.006403 ∓ √(0.012805 (0.022789 + 0.003201))) / 1.012805."""
    reached = history((7 / 300, 1.0), (0.01, 1.0))
    for epoch, settings, end in (
        (1, {}, ")"),
        (2, {"keep_best": True}, "; the epoch was chosen on the same sources)"),
        (2, {"stop_at_exact": 0.01}, f"; the epoch was chosen on the same sources){EARLY}"),
        (0, {"keep_best": True}, "; no epoch improved the network)"),
    ):
        run = TrainingRun(TrainConfig(**settings), 0)
        network = replace(trained_network(), step=100 * epoch, run=run, history=reached, n_validated=300)
        line = summary(replace(network, validation=reached[0].validation))
        exact = "exact match 0.0233 (7 of 300 validation sources, 0.011 to 0.047"
        assert line == f": epoch {epoch} of 2, {exact}{end}"
        assert summary(replace(network, history=History())) == ""


# ---- A run with `keep_best` and `patience`, and the best epoch in its snapshot ----

# Exact match and loss after each epoch. Epoch 3 beats 2 because of its lower loss, 5 equals 3, and 7 is the best.
REACHED = [(0.2, 1.0), (0.6, 0.9), (0.6, 0.5), (0.5, 0.1), (0.6, 0.5), (0.6, 0.6), (0.7, 2.0), (0.7, 2.5)]
STEPS = 6  # per epoch


@pytest.fixture
def made_up_metrics(monkeypatch):
    """Replace the validation metrics by those in REACHED."""

    def validation_metrics(task, network, validation):
        exact, loss = REACHED[network.step // STEPS - 1]
        return Metrics(loss, 0.3, 0.3, 0.3, exact)

    monkeypatch.setattr(trainer, "validation_metrics", validation_metrics)


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


@pytest.mark.slow
def test_the_best_epoch_is_saved_and_patience_ends_a_resumed_training_too(fast_steps, made_up_metrics):
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
