import json

import numpy as np

from seq2seq_demo.display.predictions import answers_json, prediction_line, probe_line
from seq2seq_demo.predictions import Prediction


def test_prediction_lines():
    line = "==> For input [1, 2], prediction=[2 3]"
    assert prediction_line(Prediction([1, 2], [2, 3])) == line
    assert prediction_line(Prediction([1, 2], [2, 3], [2, 1])) == f"{line} (expected=[2 1])"


def test_answers_as_json():
    attention = np.array([[0.25, 0.75], [1, 1e-7]])
    facts = json.loads(answers_json([Prediction([1, 2], [2, 3], [2, 1], [0.5, 1 / 3], attention)], {"id": "a"}, None))
    names = ["id", "input", "prediction", "expected", "exact", "probabilities", "attention"]
    values = ["a", [1, 2], [2, 3], [2, 1], False, [0.5, 0.333333], [[0.25, 0.75], [1, 0]]]
    assert [*facts.items()] == [*zip(names, values, strict=True)]
    unknown = json.loads(answers_json([Prediction([1, 2], [2, 3], probabilities=[0.5, 0.5])], {}, None))
    assert (unknown["expected"], unknown["exact"]) == (None, None)
    assert "attention" not in unknown


def test_probe_lines():
    right = "    probe [1, 2], prediction=[2 1]"
    assert probe_line(Prediction([1, 2], [2, 1], [2, 1]), colour=True) == right
    wrong = Prediction([1, 2], [2, 3], [2, 1])
    assert probe_line(wrong, colour=False) == "    probe [1, 2], prediction=[2 3*] (expected=[2 1])"
    red = "    probe [1, 2], prediction=[2 \033[31m3*\033[0m] (expected=[2 1])"
    assert probe_line(wrong, colour=True) == red
    text = Prediction(["a", "b"], ["U", "\033"], ["U", "V"], tokens=("characters", "words"))
    expected = "    probe ab, prediction=U \033[31m\\x1b*\033[0m (expected=U V)"  # our colours are not escaped
    assert probe_line(text, colour=True) == expected
