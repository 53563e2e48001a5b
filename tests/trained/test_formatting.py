import json

import numpy as np
import pytest
from helpers import prediction_of

from seq2seq_demo.data.records import Place, Record
from seq2seq_demo.trained.formatting import json_line, probe_line, withheld


def test_a_line_of_json_always_has_the_same_keys():
    attention = np.array([[0.25, 0.75], [1, 1e-7]])
    row = Record(Place("f", "line", 7), [1, 2], None, {"id": "a", "source": 5})
    p = prediction_of([1, 2], [2, 3], [2, 1], probabilities=[0.5, 1 / 3], attention=attention)
    facts = json.loads(json_line([p], row, None, attention=False))
    expected = {"line": 7, "source": [1, 2], "prediction": [2, 3], "expected": [2, 1], "exact": False, "ended": None}
    expected |= {"probability": 0.166667, "confidence": None, "score": None, "error": None, "source_tokens": [1, 2]}
    expected |= {"prediction_tokens": [2, 3], "probabilities": [0.5, 0.333333], "record": {"id": "a", "source": 5}}
    assert [*facts.items()] == [*expected.items()]
    with_attention = json.loads(json_line([p], row, None, attention=True))
    assert with_attention == facts | {"attention": [[0.25, 0.75], [1, 1e-7]]}
    row = Record(Place("f"), [1, 2])
    two = [
        prediction_of([1, 2], [2], probabilities=[0.123456789e-9], ended=ended, score=-1.0) for ended in (True, False)
    ]
    facts = json.loads(json_line(two, row, 2, attention=False))
    assert [*facts] == [*expected, "n_best"]
    assert (facts["line"], facts["probability"], facts["record"]) == (None, 1.23457e-10, None)
    assert [answer["probability"] for answer in facts["n_best"]] == [1.23457e-10, 0]
    without = json.loads(json_line([withheld(two[0])], row, 2, attention=False))
    nulls = {"prediction", "score", "prediction_tokens", "probabilities", "n_best"}
    assert without == facts | dict.fromkeys(nulls)


def test_probe_lines():
    right = "    probe [1, 2], prediction=[2 1]"
    assert probe_line(prediction_of([1, 2], [2, 1], [2, 1]), colour=True) == right
    wrong = prediction_of([1, 2], [2, 3], [2, 1])
    assert probe_line(wrong, colour=False) == "    probe [1, 2], prediction=[2 3*] (expected=[2 1])"
    red = "    probe [1, 2], prediction=[2 \033[31m3*\033[0m] (expected=[2 1])"
    assert probe_line(wrong, colour=True) == red
    text = prediction_of(["a", "b"], ["U", "\033"], ["U", "V"], tokens=("characters", "characters"))
    expected = "    probe ab, prediction=U\033[31m\\x1b*\033[0m (expected=UV)"  # our colours are not escaped
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
    line = probe_line(prediction_of([1], predicted, expected, ended=ended), colour=False)
    ending = " ... (did not end)" if ended is False else ""
    assert line == f"    probe [1], prediction=[{shown}]{ending} (expected=[{' '.join(map(str, expected))}])"
