from dataclasses import replace

import pytest
from helpers import trained_network

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.trained.metrics import Epoch
from seq2seq_demo.trained.network_facts import TrainingRun
from seq2seq_demo.trained.plots import History
from seq2seq_demo.training.results import best_epoch, stop_reason, summary


def history(*reached):
    """Epochs with these pairs (validation exact match, validation loss). All other figures improve every epoch."""
    return tuple(
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


@pytest.mark.parametrize(
    ("reached", "patience", "reason"),
    [
        ([], 1, ""),
        ([(0.5, 1.0), (0.5, 1.0)], 1, "1): no later epoch was better than epoch 1"),
        ([(0.5, 1.0), (0.4, 0.9), (0.4, 0.8)], 2, "2): no later epoch was better than epoch 1"),
        ([(0.5, 1.0), (0.4, 0.9), (0.4, 0.8)], 3, ""),
        ([(0.5, 1.0), (0.4, 0.9), (0.6, 0.8)], 2, ""),
        ([(0.5, 1.0), (0.4, 0.9), (0.4, 0.8)], None, ""),
        ([(0.1, 1.0), (0.5, 0.9), (0.4, 0.8), (0.4, 0.7), (0.4, 0.6)], 3, "3): no later epoch was better than epoch 2"),
        ([(0.1, 1.0), (0.5, 0.9), (0.4, 0.8), (0.4, 0.7), (0.4, 0.6)], 4, ""),
        ([(0.9, 1.0), (1.0, 0.9), (1.0, 0.8), (1.0, 0.7)], 9, "9): the exact match stayed at 1"),  # in three epochs
        ([(1.0, 1.0), (0.9, 0.9), (1.0, 0.8), (1.0, 0.7)], 9, ""),
    ],
)
def test_a_training_that_does_not_improve_has_stalled(reached, patience, reason):
    expected = f"`patience` {reason}" if reason else None
    assert stop_reason(history(*reached), TrainConfig(patience=patience)) == expected


@pytest.mark.parametrize(
    ("step", "settings", "start", "end"),
    [
        (100, {}, ": epoch 1 of 2, ", ")"),
        (200, {"keep_best": True}, ": epoch 2 of 2, ", "; the epoch was chosen on the same sources)"),
        (0, {"keep_best": True}, ": epoch 0 of 2, ", "; no epoch improved the network)"),
    ],
)
def test_the_summary_has_the_epoch_and_the_interval_of_wilson(step, settings, start, end):
    """By hand, with z²/n = 0.012805: (0.023333 + 0.006403 ∓ √(0.012805 (0.022789 + 0.003201))) / 1.012805."""
    run, reached = TrainingRun(TrainConfig(**settings), 0), history((7 / 300, 1.0), (0.01, 1.0))
    network = replace(trained_network(), step=step, run=run, history=History(reached), n_validated=300)
    line = summary(replace(network, validation=reached[0].validation))
    assert line == f"{start}exact match 0.0233 (7 of 300 validation sources, 0.011 to 0.047{end}"
    assert summary(replace(network, history=History())) == ""
