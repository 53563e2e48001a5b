import io

import numpy as np
import pytest

from seq2seq_demo.display import heatmap
from seq2seq_demo.predictions import Prediction

SOURCE, PREDICTED, EXPECTED = [3, 12, 0], [5, 7], [5, 3]
ATTENTION = np.array([[0.05, 0.95, 0], [0.25, 0.3, 0.45]], np.float32)
LEGEND = "Each output (row) spreads an attention of 1 over the inputs (columns): 0 "


def draw(source, predicted, expected, attention, colour=False):
    return heatmap.attention_text(Prediction(source, predicted, expected, attention=attention), colour)


def test_without_colour():
    lines = ["     3 12  0", "5 |   @@@   |", "7 |:::---===| (expected 3)", LEGEND + "| .:-=+*#%@| 1"]
    assert draw(SOURCE, PREDICTED, EXPECTED, ATTENTION).split("\n") == lines


def test_in_colour():
    white, navy = "\x1b[48;5;231m   ", "\x1b[48;5;17m   "
    thirds = "\x1b[48;5;153m   \x1b[48;5;111m   \x1b[48;5;69m   "
    header, first, second, legend = draw(SOURCE, PREDICTED, EXPECTED, ATTENTION, True).split("\n")
    assert header == "     3 12  0"
    assert first == f"5 |{white}{navy}{white}\x1b[0m|"
    assert second == f"\x1b[31m7\x1b[0m |{thirds}\x1b[0m|\x1b[31m (expected 3)\x1b[0m"
    scale = "".join(f"\x1b[48;5;{n}m  " for n in (231, 189, 153, 111, 69, 27, 21, 20, 18, 17))
    assert legend == f"{LEGEND}|{scale}\x1b[0m| 1"


@pytest.mark.parametrize("colour", [False, True])
def test_without_expected_symbols_nothing_is_marked_wrong(colour):
    unknown = draw(SOURCE, PREDICTED, None, ATTENTION, colour)
    assert unknown == draw(SOURCE, PREDICTED, PREDICTED, ATTENTION, colour)
    assert "expected" not in unknown
    assert "\x1b[31m" not in unknown


def test_labels_are_right_aligned():
    lines = draw([4, 7], [5, 100], [5, 99], np.array([[1, 0], [0, 1]])).split("\n")
    assert lines[:3] == ["      4 7", "  5 |@@  |", "100 |  @@| (expected 99)"]


def test_symbols_that_are_extra_or_missing():
    p = Prediction([1], [*"axbbed"], [*"abbec d"], attention=np.ones((7, 1)), ended=True)
    lines = heatmap.attention_text(p, colour=False).split("\n")
    notes = [line.partition("|@@|")[2] for line in lines[1:8]]
    assert notes == ["", " (expected no symbol)", "", "", "", " (expected c ␣ d)", ""]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_each_tenth_has_its_own_shade(kind):
    edges = np.arange(11, dtype=kind)[None] / 10
    drawn = draw([0] * 11, [1], None, edges).split("\n")[1]
    assert drawn == "1 |  ..::--==++**##%%@@@@|"
    below = draw([0] * 11, [1], None, edges - kind(0.001)).split("\n")[1]
    assert below == "1 |    ..::--==++**##%%@@|"
    assert draw([0, 0], [1], None, np.array([[np.nan, 1]], kind)).split("\n")[1] == "1 |  @@|"  # NaN stays blank


@pytest.mark.parametrize(
    ("tty", "environment", "colour"),
    [
        (True, {"TERM": "xterm-256color"}, True),
        (False, {"TERM": "xterm-256color"}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {}, False),
        (True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
    ],
)
def test_has_colour(monkeypatch, tty, environment, colour):
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: tty)
    assert heatmap.has_colour(stream) is colour
