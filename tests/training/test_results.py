import pytest

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.metrics import Epoch
from seq2seq_demo.training.results import best_epoch, stop_reason


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
    ("reached", "patience", "stalled"),
    [
        ([], 1, False),
        ([(0.5, 1.0), (0.5, 1.0)], 1, True),
        ([(0.5, 1.0), (0.4, 0.9), (0.4, 0.8)], 2, True),
        ([(0.5, 1.0), (0.4, 0.9), (0.4, 0.8)], 3, False),
        ([(0.5, 1.0), (0.4, 0.9), (0.6, 0.8)], 2, False),
        ([(0.5, 1.0), (0.4, 0.9), (0.4, 0.8)], None, False),
        ([(0.1, 1.0), (0.5, 0.9), (0.4, 0.8), (0.4, 0.7), (0.4, 0.6)], 3, True),
        ([(0.1, 1.0), (0.5, 0.9), (0.4, 0.8), (0.4, 0.7), (0.4, 0.6)], 4, False),
        ([(0.9, 1.0), (1.0, 0.9), (1.0, 0.8), (1.0, 0.7)], 9, True),  # perfect in three epochs
        ([(1.0, 1.0), (0.9, 0.9), (1.0, 0.8), (1.0, 0.7)], 9, False),
    ],
)
def test_a_training_that_does_not_improve_has_stalled(reached, patience, stalled):
    assert bool(stop_reason(history(*reached), TrainConfig(patience=patience))) is stalled
