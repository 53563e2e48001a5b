"""The output of notebooks: pictures of predictions and histories, and a bar."""

import sys
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
from helpers import prediction_of

from seq2seq_demo import History, train
from seq2seq_demo.errors import UsageError
from seq2seq_demo.trained.metrics import Epoch

TINY = {"cell_size": 3, "embedding_size": 2, "in_len": 2, "batch_size": 1}
HISTORY = History(Epoch(n, 70 * n, 2.0, 0.5, 1.5, 0.6, 0.2, 0.4, 0.25) for n in (1, 2))


def test_pictures():
    assert HISTORY.plot()._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match=r"^the history is empty$"):
        History().plot()
    with pytest.raises(UsageError, match=r"^the prediction has no attention$"):
        prediction_of([1], [2]).plot_attention()


def test_a_network_has_the_history_of_its_training(fast_steps):
    network = train("copy", points=20, epochs=3, **TINY)
    assert network.history[-1].validation == network.validation
    assert network.history["step"] == [18, 36, 54]
    assert network.history[1:] == History(network.history[1:]) and network.history[1:]["epoch"] == [2, 3]
    assert [*network.history.to_dict()] == [*network.history[0].to_dict()]
    with pytest.raises(UsageError, match=r"^unknown metric 'accuracy': expected one of epoch, step, loss, "):
        network.history["accuracy"]
    assert train("copy", points=20, epochs=0, start=network).history == History()


# ---- The bar, and verbose ----


@pytest.fixture
def notebook(monkeypatch):
    """Pretend that this process is the kernel of a notebook; a list of the bars that it showed, as text."""
    shown = []
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    display = SimpleNamespace(display=lambda widget: shown.append(str(widget.text)))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setitem(sys.modules, "ipywidgets", SimpleNamespace(Output=lambda **_: MagicMock(text="new")))
    return shown


def test_a_notebook_shows_a_bar(fast_steps, notebook, capsys):
    train("copy", points=80, epochs=2, **TINY)
    assert capsys.readouterr() == ("", "")
    assert notebook[0] == "new" and notebook.count("new") == 1
    assert notebook[1].startswith("Epoch 1/2 ") and " 0/72 " in notebook[1]
    (last,) = [bar for bar in notebook if bar.startswith("Epoch 2/2 ") and "exact match" in bar and " 72/72 " in bar]
    assert last.rstrip().endswith("loss 0.3333 accuracy 0.0000 validation exact match 0.0000")
    notebook.clear()
    train("copy", points=20, epochs=1, verbose=False, **TINY)
    assert (notebook, capsys.readouterr()) == ([], ("", ""))


def test_verbose_prints_the_report_of_the_command(fast_steps, capsys):
    train("copy", points=20, epochs=1, **TINY)
    assert capsys.readouterr() == ("", "")
    train([(a + b, a + b) for a in "abcde" for b in "abcde"], epochs=1, verbose=True, cell_size=8)
    out, err = capsys.readouterr()
    starts = ["Training on 25 pairs", "Vocabularies: ", "22 training pairs, ", "Settings for 22 pairs", "Epoch 1/1: "]
    starts += ["    probe ", "The confidences are uncertain", "A table of", "Exact match 0.0000 is", "Trained: epoch 1"]
    assert all(map(str.startswith, out.splitlines(), starts)), out
    assert err == ""
    with pytest.raises(UsageError, match=r"^expected `verbose` to be True or False, got 1$"):
        train("copy", points=20, verbose=1, **TINY)
