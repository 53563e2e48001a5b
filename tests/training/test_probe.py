"""The line for the probe in a training report."""

import pytest
from helpers import prediction_of

from seq2seq_demo.training.report import probe_line


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
