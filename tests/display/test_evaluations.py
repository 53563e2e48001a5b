from collections import Counter

import numpy as np
import pytest

from seq2seq_demo.display.evaluations import evaluation_dict, evaluation_text, lengths_text
from seq2seq_demo.evaluation import Evaluation


def counted(**changes):
    """An evaluation of 10 sequences of 2 symbols, 0 to 2, and GO, that was made up."""
    confusions = Counter({(1, 0): 1, (1, 2): 2, (2, 1): 4, (2, 3): 1})
    values = {"n": 10, "loss_sum": 5.0, "forced_correct": np.array([9, 6]), "correct": np.array([8, 4])}
    values |= {"forced_exact": 5, "exact": 3, "confusions": confusions}
    values |= {"expected": np.array([5, 6, 9, 0]), "expected_and_correct": np.array([5, 3, 4, 0])}
    return Evaluation(**values | changes)


def test_an_evaluation_as_json():
    assert evaluation_dict(counted(), in_len=7) == {
        "n": 10,
        "in_len": 7,
        "out_len": 2,
        "loss": 0.25,
        "forced": {"token_accuracy": 0.75, "exact_match": 0.5},
        "free_running": {"token_accuracy": 0.6, "exact_match": 0.3},
        "gap": {"token_accuracy": pytest.approx(0.15), "exact_match": pytest.approx(0.2)},
        "by_position": {"forced": [0.9, 0.6], "free_running": [0.8, 0.4]},
        "by_symbol": [
            {"symbol": 0, "n": 5, "accuracy": 1.0},
            {"symbol": 1, "n": 6, "accuracy": 0.5},
            {"symbol": 2, "n": 9, "accuracy": pytest.approx(4 / 9)},
        ],
        "confusions": [
            {"expected": 2, "predicted": 1, "times": 4},
            {"expected": 1, "predicted": 2, "times": 2},
            {"expected": 1, "predicted": 0, "times": 1},
            {"expected": 2, "predicted": 3, "times": 1},
        ],
    }


def test_an_evaluation_as_text():
    text = evaluation_text(evaluation_dict(counted(), in_len=7))
    rows = [line.split() for line in text.splitlines()]
    for row in (
        ["token", "accuracy", "0.75000", "0.60000", "+0.15000"],
        ["exact", "match", "0.50000", "0.30000", "+0.20000"],
        ["2", "0.60000", "0.40000"],
        ["1", "6", "0.50000"],
        ["2", "1", "4"],
    ):
        assert row in rows
    perfect = evaluation_dict(counted(confusions=Counter()), 7)
    assert evaluation_text(perfect).endswith("\n\nNo symbol was wrong.")


def test_a_row_for_each_length():
    shown = lengths_text([evaluation_dict(counted(), in_len) for in_len in (7, 13)])
    assert [line.split() for line in shown.splitlines()[1:]] == [
        ["7", "2", "10", "0.75000", "0.60000", "0.30000"],
        ["13", "2", "10", "0.75000", "0.60000", "0.30000"],
    ]
