"""Attention as text and as a picture, and training curves."""

import sys
from dataclasses import replace

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


# ---- Pictures ----

# α is 0, 1/2 or 1, drawn in these colours of Matplotlib's Blues
ATTENTION = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0.5, 0.5], [0.5, 0.5, 0]])
PREDICTION = prediction_of([3, 12, 0], [7, 8, 9, 10, 11], [7, 8, 99, 10, 11], attention=ATTENTION)
WHITE, MIDDLE, NAVY = "f7fbff", "6aaed6", "08306b"


def test_the_picture_of_one_attention():
    """There are five rows of three square cells, from the upper left corner."""
    panel, bar = PREDICTION.plot_attention().axes
    assert [label.get_text() for label in panel.get_xticklabels()] == ["3", "12", "0"]
    labels = [(label.get_text(), label.get_color()) for label in panel.get_yticklabels()]
    assert labels == [(str(n), plots.WRONG_COLOUR if n == 9 else "black") for n in range(7, 12)]
    (note,), (image,) = panel.texts, panel.images
    assert (note.get_text(), note.get_color(), note.get_position()[1]) == ("expected 99", plots.WRONG_COLOUR, 2.5)
    assert (image.get_extent(), panel.get_aspect(), bar.get_ylabel()) == ([0, 3, 5, 0], 1, "attention α")
    colours = {0: WHITE, 0.5: MIDDLE, 1: NAVY}
    expected = np.array([[[*bytes.fromhex(colours[a])] for a in row] for row in ATTENTION]) / 255
    assert image.to_rgba(image.get_array())[..., :3] == pytest.approx(expected, abs=0.01)


def test_a_panel_for_each_sequence():
    """All labels are black, because no prediction is known to be wrong."""
    sources = [[100, 101], [200, 201], [300, 301]]
    predictions = [prediction_of(source, [0, 7], attention=np.full((2, 2), 0.5)) for source in sources]
    *panels, _ = plots.attention_figure([each.shown_attention() for each in predictions]).axes
    for number, (panel, source) in enumerate(zip(panels, sources, strict=True), start=1):
        labels = [*panel.get_xticklabels(), *panel.get_yticklabels()]
        assert [label.get_text() for label in labels] == [*map(str, source), "0", "7"]
        assert {label.get_color() for label in labels} == {"black"}
        assert (panel.get_title(), [*panel.texts]) == (f"sequence {number}", [])


def test_many_cells_are_an_image_of_bounded_size(tmp_path):
    T, S = 300, 500
    expected = [1] * T
    expected[70], expected[71], expected[290] = 2, 2, 3
    figure = prediction_of([7] * S, [1] * T, expected, attention=np.zeros((T, S))).plot_attention()
    assert figure.axes[0].get_xlabel() == "input, by position"
    assert [text.get_text() for text in figure.axes[0].texts] == ["3 of 300 wrong"]
    plots.save(figure, tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_size < 1_000_000


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
