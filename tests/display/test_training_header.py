"""The lines that are printed before a training run."""

import pytest

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import pair_task_from_rows
from seq2seq_demo.display.training_report import training_header

ROWS = [([1, 2], [2]), ([0], [1]), ([2], [0])]


@pytest.mark.parametrize(
    ("validation", "epochs", "lines"),
    [
        (None, 2, ["dataset (pairs of 'pairs'", "with 2 epochs\n", "2 training points, 1 validation point\n"]),
        (ROWS[:1], 1, ["with 1 epoch\n", "3 training points, 1 validation point from the validation file\n"]),
        (ROWS[:2], 1, ["3 training points, 2 validation points from the validation file\n"]),
    ],
)
def test_the_header_counts_training_and_validation_points(capsys, validation, epochs, lines):
    task, model = pair_task_from_rows(ROWS, validation=validation), ModelConfig(ends=True)
    training_header(model, task.sized(TrainConfig(epochs=epochs), model, None, None), task, 0)
    out = capsys.readouterr().out
    assert out.startswith("Training on 3 point dataset (")
    assert all(line in out for line in lines), out
