from dataclasses import replace

import numpy as np
import pytest

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.evaluation import EpochFigures, Figures
from seq2seq_demo.trained_network import Kept, Progress, TrainedNetwork
from seq2seq_demo.training.best import best_epoch, finished, has_stalled, kept


def history(*reached):
    """Epochs that reached so much: exact match and loss in validation. The other figures point elsewhere."""
    return tuple(
        EpochFigures(
            n, 100 * n, loss=1 / n, token_accuracy=n / 10, validation=Figures(loss, n / 10, n / 10, n / 10, exact)
        )
        for n, (exact, loss) in enumerate(reached, start=1)
    )


def network(*reached, best=None):
    """A network after these epochs."""
    n = len(reached)
    arrays = [{"w": np.full(2, x)} for x in (n, 10 * n)]
    progress = Progress(n, history=history(*reached)) if n else None
    return TrainedNetwork(ModelConfig(), arrays[0], step=100 * n, moments=arrays[1], progress=progress, best=best)


@pytest.mark.parametrize(
    ("reached", "best"),
    [
        ([(0.5, 1.0)], 1),
        ([(0.5, 1.0), (0.7, 2.0), (0.6, 0.1)], 2),  # exact match counts, not the loss
        ([(0.5, 1.0), (0.5, 0.4), (0.5, 0.7)], 2),  # of equal ones, the lower loss
        ([(0.5, 0.4), (0.5, 0.4), (0.5, 0.4)], 1),  # then the earlier one
        ([(0.0, 3.0), (0.0, 2.0), (0.0, 1.0)], 3),
        ([(1.0, 0.5), (0.9, 0.1)], 1),
    ],
)
def test_the_best_epoch(reached, best):
    assert best_epoch(history(*reached)).epoch == best


@pytest.mark.parametrize(
    ("reached", "patience", "stalled"),
    [
        ([], 1, False),
        ([(0.5, 1.0)], 1, False),
        ([(0.5, 1.0), (0.5, 1.0)], 1, True),
        ([(0.5, 1.0), (0.5, 0.9)], 1, False),
        ([(0.5, 1.0), (0.4, 0.9), (0.4, 0.8)], 2, True),
        ([(0.5, 1.0), (0.4, 0.9), (0.4, 0.8)], 3, False),
        ([(0.5, 1.0), (0.4, 0.9), (0.6, 0.8)], 2, False),
        ([(0.5, 1.0), (0.4, 0.9), (0.4, 0.8)], None, False),
        ([(0.1, 1.0), (0.5, 0.9), (0.4, 0.8), (0.4, 0.7), (0.4, 0.6)], 3, True),
        ([(0.1, 1.0), (0.5, 0.9), (0.4, 0.8), (0.4, 0.7), (0.4, 0.6)], 4, False),
    ],
)
def test_a_training_that_does_not_improve_has_stalled(reached, patience, stalled):
    assert has_stalled(history(*reached), TrainConfig(patience=patience)) is stalled


def test_what_is_kept():
    config, earlier = TrainConfig(keep_best=True), Kept({"w": np.zeros(2)}, 7, {})
    better = network((0.5, 1.0), (0.7, 2.0))
    assert kept(better, config, earlier) == (better.weights, 200, better.moments)
    assert kept(better, config, None) == (better.weights, 200, better.moments)
    assert kept(network((0.5, 1.0), (0.4, 0.1)), config, earlier) is earlier
    assert kept(network((0.5, 1.0), (0.5, 1.0)), config, earlier) is earlier  # no better, so the earlier one
    assert kept(better, TrainConfig(), None) is None


def test_what_a_training_ends_with():
    best = Kept({"w": np.full(2, 5.0)}, 200, {"w": np.full(2, 6.0)})
    last = replace(network((0.5, 1.0), (0.7, 2.0), (0.6, 0.1), best=best), task="mine", in_len=3)
    end = finished(last)
    assert (end.weights, end.step, end.moments) == (best.weights, 200, best.moments)
    assert (end.reached.exact_match, end.reached.loss) == (0.7, 2.0)
    assert (end.progress, end.best, end.task, end.in_len) == (None, None, "mine", 3)


def test_a_training_that_keeps_nothing_ends_with_what_it_is():
    last = replace(network((0.7, 1.0), (0.6, 2.0)), reached=history((0.6, 2.0))[0].validation)
    end = finished(last)
    assert (end.weights, end.step, end.moments, end.reached) == (last.weights, 200, last.moments, last.reached)
    assert end.progress is None
    untouched = replace(network(), best=Kept({}, 0, {}))  # no epoch: nothing was best
    assert finished(untouched).weights is untouched.weights
