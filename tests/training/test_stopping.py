"""When a training run ends, its best epoch, and what its report says about both."""

from dataclasses import replace

import pytest
from helpers import trained_network

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.trained.metrics import Epoch
from seq2seq_demo.trained.plots import History
from seq2seq_demo.trained.saved_network import TrainingRun
from seq2seq_demo.training.report import outcome_notices, summary
from seq2seq_demo.training.validation import best_epoch, stop_after


def history(*reached):
    """Epochs with these pairs (validation exact match, validation loss). All other metrics improve every epoch."""
    return History(
        Epoch(n, 100 * n, 1 / n, n / 10, loss, n / 10, n / 10, n / 10, exact)
        for n, (exact, loss) in enumerate(reached, start=1)
    )


@pytest.mark.parametrize(
    ("reached", "best"),
    [
        ([(0.5, 1.0)], 1),
        ([(0.5, 1.0), (0.7, 2.0), (0.6, 0.1)], 2),  # exact match counts, not the loss
        ([(0.5, 1.0), (0.5, 0.4), (0.5, 0.7)], 2),  # at equal exact match, the lower loss decides
        ([(0.5, 0.4), (0.5, 0.4), (0.5, 0.4)], 1),  # at equal loss, the earlier epoch is best
    ],
)
def test_the_best_epoch_has_the_highest_exact_match(reached, best):
    assert best_epoch(history(*reached)).epoch == best


WORSE = [(0.5, 1.0), (0.4, 0.9), (0.4, 0.8)]
PEAK = [(0.1, 1.0), (0.5, 0.9), (0.4, 0.8), (0.4, 0.7), (0.4, 0.6)]
PERFECT = [(0.9, 1.0), (1.0, 0.9), (1.0, 0.8), (1.0, 0.7)]  # the exact match stayed at 1 for three epochs


@pytest.mark.parametrize(
    ("reached", "settings", "stop", "best"),
    [
        ([], {"patience": 1}, None, None),
        ([(0.5, 1.0), (0.5, 1.0)], {"patience": 1}, "patience", "epoch 1 of 2 was the best, with exact match 0.5000"),
        (WORSE, {"patience": 2}, "patience", "epoch 1 of 3 was the best, with exact match 0.5000"),
        (WORSE, {"patience": 3}, None, None),
        ([*WORSE[:2], (0.6, 0.8)], {"patience": 2}, None, None),
        (WORSE, {"patience": None}, None, None),
        (PEAK, {"patience": 3}, "patience", "epoch 2 of 5 was the best, with exact match 0.5000"),
        (PEAK, {"patience": 4}, None, None),
        (PERFECT, {"patience": 9}, "patience", "epoch 4 of 4 was the best, with exact match 1.0000"),
        ([(1.0, 1.0), (0.9, 0.9), (1.0, 0.8), (1.0, 0.7)], {"patience": 9}, None, None),
        ([(0.2, 1.0), (0.75, 0.9)], {"stop_at_exact": 0.7}, "stop_at_exact", "epoch 2 of 2 was the best, "),
        ([(0.75, 1.0), (0.2, 0.9)], {"stop_at_exact": 0.7}, None, None),
        (WORSE, {"epochs": 3, "patience": 2}, "epochs", None),
        (WORSE, {"epochs": 3, "minutes": 2.0}, None, None),  # a run with a time limit counts no epochs
    ],
)
def test_a_run_stops_for_a_setting_that_a_notice_names(reached, settings, stop, best):
    config = TrainConfig(**settings)
    assert stop_after(history(*reached), config) == stop
    network = trained_network(run=TrainingRun(config, 0), history=history(*reached))
    early = [line for line in outcome_notices(network, find_pattern("copy")) if line.startswith("Stopped")]
    assert len(early) == bool(best)
    assert not best or early[0].startswith(f"Stopped early (`{stop}` {settings[stop]}): {best}")


@pytest.mark.parametrize(
    ("step", "settings", "start", "end"),
    [
        (100, {}, ": epoch 1 of 2, ", ")"),
        (200, {"keep_best": True}, ": epoch 2 of 2, ", "; the epoch was chosen on the same sources)"),
        (200, {"stop_at_exact": 0.01}, ": epoch 2 of 2, ", "; the epoch was chosen on the same sources)"),
        (200, {"stop_at_exact": 0.9}, ": epoch 2 of 2, ", ")"),
        (0, {"keep_best": True}, ": epoch 0 of 2, ", "; no epoch improved the network)"),
    ],
)
def test_the_summary_has_the_epoch_and_the_interval_of_wilson(step, settings, start, end):
    """By hand, with z²/n = 0.012805: (0.023333 + 0.006403 ∓ √(0.012805 (0.022789 + 0.003201))) / 1.012805."""
    run, reached = TrainingRun(TrainConfig(**settings), 0), history((7 / 300, 1.0), (0.01, 1.0))
    network = replace(trained_network(), step=step, run=run, history=reached, n_validated=300)
    line = summary(replace(network, validation=reached[0].validation))
    assert line == f"{start}exact match 0.0233 (7 of 300 validation sources, 0.011 to 0.047{end}"
    assert summary(replace(network, history=History())) == ""
