"""Attention as text and as a picture, and training curves."""

import base64
import io
import re
import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from helpers import prediction_of

from seq2seq_demo.errors import UsageError
from seq2seq_demo.trained import plots
from seq2seq_demo.trained.metrics import Epoch

pytestmark = pytest.mark.slow  # Matplotlib

# ---- Text ----

SOURCE, PREDICTED, EXPECTED = [3, 12, 0], [5, 7], [5, 3]
WEIGHTS = np.array([[0.05, 0.95, 0], [0.25, 0.3, 0.45]], np.float32)
LEGEND = "Each output (row) spreads an attention of 1 over the inputs (columns): 0 "


def draw(source, predicted, expected, attention, colour=False):
    return plots.attention_text(
        prediction_of(source, predicted, expected, attention=attention).shown_attention(), colour
    )


def test_without_colour():
    lines = ["     3 12  0", "5 |   @@@   |", "7 |:::---===| (expected 3)", LEGEND + "| .:-=+*#%@| 1"]
    assert draw(SOURCE, PREDICTED, EXPECTED, WEIGHTS).split("\n") == lines


def test_in_colour():
    white, navy = "\x1b[48;5;231m   ", "\x1b[48;5;17m   "
    thirds = "\x1b[48;5;153m   \x1b[48;5;111m   \x1b[48;5;69m   "
    header, first, second, legend = draw(SOURCE, PREDICTED, EXPECTED, WEIGHTS, True).split("\n")
    assert header == "     3 12  0"
    assert first == f"5 |{white}{navy}{white}\x1b[0m|"
    assert second == f"\x1b[31m7\x1b[0m |{thirds}\x1b[0m|\x1b[31m (expected 3)\x1b[0m"
    scale = "".join(f"\x1b[48;5;{n}m  " for n in (231, 189, 153, 111, 69, 27, 21, 20, 18, 17))
    assert legend == f"{LEGEND}|{scale}\x1b[0m| 1"


def test_symbols_that_are_extra_or_missing():
    p = prediction_of([1], [*"axbbed"], [*"abbec d"], attention=np.ones((7, 1)), ended=True)
    lines = plots.attention_text(p.shown_attention(), colour=False).split("\n")
    notes = [line.partition("|@@|")[2] for line in lines[1:8]]
    assert notes == ["", " (expected no symbol)", "", "", "", " (expected c ␣ d)", ""]


def test_each_tenth_has_its_own_shade():
    edges = np.arange(11, dtype=np.float32)[None] / 10
    drawn = draw([0] * 11, [1], None, edges).split("\n")[1]
    assert drawn == "1 |  ..::--==++**##%%@@@@|"
    below = draw([0] * 11, [1], None, edges - 0.001).split("\n")[1]
    assert below == "1 |    ..::--==++**##%%@@|"
    assert draw([0, 0], [1], None, np.array([[np.nan, 1]])).split("\n")[1] == "1 |  @@|"  # NaN stays blank


# ---- Pictures ----

SVG = "{http://www.w3.org/2000/svg}"
# α is 0, 1/2 or 1, drawn in these colours of Matplotlib's Blues
ATTENTION = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0.5, 0.5], [0.5, 0.5, 0]])
PREDICTION = prediction_of([3, 12, 0], [7, 8, 9, 10, 11], [7, 8, 99, 10, 11], attention=ATTENTION)
WHITE, MIDDLE, NAVY, RED = "#f7fbff", "#6aaed6", "#08306b", "#d62728"


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """The SVG of a prediction."""
    path = tmp_path_factory.mktemp("pictures") / "a.svg"
    plots.save(PREDICTION.plot_attention(), path)
    return path


def groups(path, name):
    """Return the groups of an SVG whose ids are `name` and a number, in order."""
    root = ElementTree.parse(path).getroot()
    return [group for group in root.iter(f"{SVG}g") if re.fullmatch(rf"{name}_\d+", group.get("id", ""))]


def texts(element):
    """Return each text with its colour (None is black), in drawing order."""
    colours = [re.search(r"fill: (#\w+)", text.get("style")) for text in element.iter(f"{SVG}text")]
    return [(text.text, colour and colour[1]) for text, colour in zip(element.iter(f"{SVG}text"), colours, strict=True)]


def test_the_labels_of_one_sequence(picture):
    panel, bar = groups(picture, "axes")
    across = [(text, None) for text in ("3", "12", "0", "input")]
    down = [("7", None), ("8", None), ("9", RED), ("10", None), ("11", None), ("prediction", None)]
    assert texts(panel) == [*across, *down, ("expected 99", RED)]
    rows = {text.text: float(text.get("y")) for text in panel.iter(f"{SVG}text")}
    assert rows["expected 99"] == pytest.approx(rows["9"], abs=2)  # pixels; a row is 21 high
    assert [text for text, _ in texts(bar)] == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0", "attention α"]


def test_cells_are_squares_coloured_by_attention(picture):
    """There are five rows of three cells, from the upper left corner."""
    from matplotlib.image import imread

    (image,) = groups(picture, "axes")[0].iter(f"{SVG}image")
    href = image.get("{http://www.w3.org/1999/xlink}href")
    pixels = imread(io.BytesIO(base64.b64decode(href.partition(",")[2])))[::-1]  # the last row comes first
    assert pixels.shape[0] / pixels.shape[1] == pytest.approx(5 / 3, rel=0.02)
    centres = [[int((n + 0.5) / size * pixels.shape[axis]) for n in range(size)] for axis, size in enumerate((5, 3))]
    colours = {0: WHITE, 0.5: MIDDLE, 1: NAVY}
    expected = np.array([[[*bytes.fromhex(colours[a][1:])] for a in row] for row in ATTENTION]) / 255
    assert pixels[np.ix_(*centres)][..., :3] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(("B", "T", "S"), [(5, 2, 1), (2, 3, 40)])
def test_a_panel_for_each_sequence(B, T, S):
    """All labels are black, because no prediction is known to be wrong."""
    symbols = np.arange(100, 100 + B * S).reshape(B, S).tolist()
    predictions = [prediction_of(row, [0] * T, attention=np.full((T, S), 1 / S)) for row in symbols]
    *panels, _ = plots.attention_figure([each.shown_attention() for each in predictions]).axes
    for number, (panel, row) in enumerate(zip(panels, symbols, strict=True), start=1):
        labels = [*panel.get_xticklabels(), *panel.get_yticklabels()]
        assert [label.get_text() for label in labels] == [*map(str, row), *["0"] * T]
        assert {label.get_color() for label in labels} == {"black"}
        names = panel.get_xlabel(), panel.get_ylabel(), panel.get_title()
        assert names == ("input", "prediction", f"sequence {number}")
        assert not panel.texts


def test_many_cells_are_an_image_of_bounded_size(tmp_path):
    T, S = 300, 500
    expected = [1] * T
    expected[70], expected[71], expected[290] = 2, 2, 3
    attention = np.zeros((T, S))
    plots.save(prediction_of([7] * S, [1] * T, expected, attention=attention).plot_attention(), tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_size < 1_000_000
    labels = texts(groups(tmp_path / "a.svg", "axes")[0])
    assert ("3 of 300 wrong", RED) in labels
    assert ("input, by position", None) in labels
    assert ("7", None) not in labels


def test_the_curves_of_a_history():
    history = [Epoch(n, 700, 2.0, 0.1, 1.0, 0.6, 0.2, 0.5, 0.3) for n in (1, 2, 3)]
    history[2] = replace(history[2], loss=0.5, validation_loss=0.25, validation_exact_match=0.9)
    losses, accuracies = plots.History(history).plot().axes
    drawn = [{line.get_label(): line.get_xydata().T.tolist() for line in axes.lines} for axes in (losses, accuracies)]
    assert drawn == [
        {"training": [[1, 2, 3], [2, 2, 0.5]], "validation": [[1, 2, 3], [1, 1, 0.25]]},
        {
            "token accuracy, teacher forcing": [[1, 2, 3], [0.6] * 3],
            "token accuracy, free-running": [[1, 2, 3], [0.5] * 3],
            "exact match, free-running": [[1, 2, 3], [0.3, 0.3, 0.9]],
        },
    ]
    assert (losses.get_title(), accuracies.get_title()) == ("Loss, with teacher forcing", "Validation accuracy")
    assert (losses.get_yscale(), losses.get_ylabel(), losses.get_xlim()) == ("log", "nats per symbol", (0.5, 3.5))


@pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("a.SVG", b"<?xml"), ("a.pdf", b"%PDF")])
def test_the_same_figures_give_the_same_bytes(tmp_path, monkeypatch, name, begins):
    from matplotlib.figure import Figure

    contents = []
    for _ in range(2):
        figure = Figure((2, 1))
        figure.subplots().imshow([[0.5]])
        plots.save(figure, tmp_path / name)
        contents.append((tmp_path / name).read_bytes())
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")  # Matplotlib would write it as the date
    assert contents[0].startswith(begins)
    assert contents[0] == contents[1]


def test_without_matplotlib_the_error_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=f"^pictures need Matplotlib: install it for {sys.executable}$"):
        plots.check(tmp_path / "a.png")
