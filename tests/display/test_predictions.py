import json

import numpy as np
import pytest

from seq2seq_demo.data.records import Place, Record
from seq2seq_demo.display.predictions import answers_json, probe_line
from seq2seq_demo.predictions import Prediction


def test_answers_as_json():
    attention = np.array([[0.25, 0.75], [1, 1e-7]])
    row = Record(Place("f", "row", 1), [1, 2], None, {"id": "a"})
    facts = json.loads(answers_json([Prediction([1, 2], [2, 3], [2, 1], [0.5, 1 / 3], attention)], row, None))
    names = ["id", "input", "prediction", "expected", "exact", "probability", "probabilities", "attention"]
    values = ["a", [1, 2], [2, 3], [2, 1], False, 0.166667, [0.5, 0.333333], [[0.25, 0.75], [1, 0]]]
    assert [*facts.items()] == [*zip(names, values, strict=True)]
    row = row._replace(others=None)
    unknown = json.loads(answers_json([Prediction([1, 2], [2, 3], probabilities=[0.5, 0.5])], row, None))
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


@pytest.mark.parametrize(
    ("predicted", "expected", "ended", "shown"),
    [
        ([1, 9, 2, 3, 4], [1, 2, 3, 4], True, "1 9* 2 3 4"),
        ([1, 2, 3, 4], [1, 2, 3, 4], False, "1 2 3 4"),  # all symbols are right, but END is missing
        ([2, 3, 4], [1, 2, 3, 4], True, "2* 3 4"),  # one star, because 1 is missing before 2
        ([1, 2, 3], [1, 2, 3, 4], True, "1 2 3"),  # 4 is missing before END
        ([1, 2, 9], [1, 2, 3, 4], True, "1 2 9*"),
        ([9, 1, 2, 3], [1, 2, 3, 4], None, "9* 1* 2* 3*"),  # a network without END: compared by position
    ],
)
def test_a_probe_is_aligned_with_its_target(predicted, expected, ended, shown):
    line = probe_line(Prediction([1], predicted, expected, ended=ended), colour=False)
    ending = " ... (did not end)" if ended is False else ""
    assert line == f"    probe [1], prediction=[{shown}]{ending} (expected=[{' '.join(map(str, expected))}])"
