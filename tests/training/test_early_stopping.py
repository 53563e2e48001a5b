import numpy as np
import pytest

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.figures import EpochFigures, Figures
from seq2seq_demo.files.weights_file import Checkpoint
from seq2seq_demo.trained_network import TrainedNetwork
from seq2seq_demo.training.early_stopping import best_epoch, finished, has_stalled


def history(*reached):
    """Epochs that reached so much: exact match and loss in validation. The other figures point elsewhere."""
    return tuple(
        EpochFigures(
            n, 100 * n, loss=1 / n, token_accuracy=n / 10, validation=Figures(loss, n / 10, n / 10, n / 10, exact)
        )
        for n, (exact, loss) in enumerate(reached, start=1)
    )


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


def test_what_a_training_ends_with():
    reached = history((0.5, 1.0), (0.7, 2.0), (0.6, 0.1))
    arrays = [{"w": np.full(2, x)} for x in (3.0, 4.0, 5.0, 6.0)]
    last = TrainedNetwork(
        ModelConfig(), arrays[0], "mine", in_len=3, reached=reached[-1].validation, step=300, moments=arrays[1]
    )
    end = finished(last, Checkpoint(arrays[2], 200, arrays[3]), reached)
    assert (end.weights, end.step, end.moments) == (arrays[2], 200, arrays[3])
    assert (end.reached.exact_match, end.reached.loss) == (0.7, 2.0)
    assert (end.task, end.in_len) == ("mine", 3)
    assert finished(last, None, reached) is last  # nothing was kept
    assert finished(last, Checkpoint(arrays[2], 0, arrays[3]), ()) is last  # no epoch: none was best
