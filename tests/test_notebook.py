"""The output of notebooks: tables of networks, predictions, evaluations and histories, their pictures, and a bar."""

import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import prediction_of, trained_network

from seq2seq_demo import Evaluation, History, ensemble, load, train
from seq2seq_demo.config import CHARACTERS
from seq2seq_demo.console import MAX_CELL, html_table
from seq2seq_demo.errors import UsageError
from seq2seq_demo.trained.metrics import Calibration, Epoch
from seq2seq_demo.trained.predictions import MAX_SHOWN, Predictions

TINY = {"cell_size": 3, "embedding_size": 2, "in_len": 2, "batch_size": 1}
HISTORY = History(Epoch(n, 70 * n, 2.0, 0.5, 1.5, 0.6, 0.2, 0.4, 0.25) for n in (1, 2))


def cells(shown) -> list[list[str]]:
    """The strings in the cells of a table, by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", shown._repr_html_(), re.DOTALL)
    return [re.findall(r">(.*?)</t[hd]>", row) for row in rows]


def test_a_table_escapes_texts_cuts_long_ones_and_leaves_out_none():
    table = html_table(["a_b", "<script>&"], ["none", None], ["long", "x" * 1000], ["metric", 1 / 3, 7])
    assert "<script>" not in table and "none" not in table
    assert ">a b</th>" in table and ">&lt;script&gt;&amp;</td>" in table
    assert f">{'x' * MAX_CELL}…</td>" in table
    assert ">0.3333</td>" in table and ">7</td>" in table


def test_tables_of_networks_predictions_evaluations_and_histories():
    network = trained_network(step=7)
    trained_on = ["training", "trained on &#x27;reversed&#x27;, 11 symbols in and 4 out"]
    assert cells(network)[:3] == [["network", network.summary()], trained_on, ["loss", "0.5000"]]
    assert cells(network)[-1] == ["exact match", "0.7500"]
    texts = {"ended": False, "tokens": (CHARACTERS, CHARACTERS), "calibration": Calibration(1.0)}
    text = prediction_of(["<", "b"], ["&"], ["x"], probabilities=[0.5], **texts)
    columns = ["source", "prediction", "expected", "probability", "confidence"]
    shown = ["&lt;b", "&amp; ... (did not end)", "x", "0.0000", "0.0000"]
    assert cells(text) == [*map(list, zip(columns, shown, strict=True))]
    listed = Predictions([[text, text], [prediction_of([1], [2], [2], probabilities=[0.5])]])
    numbers = ["1", "2", "2", "0.5000", ""]
    assert cells(listed) == [["", *columns], ["0", *shown], ["0", *shown], ["1", *numbers]]
    assert cells(Predictions([text] * (MAX_SHOWN + 1)))[-1] == ["and 1 more"]
    (failed,) = network.predict([["x"]], details=True, on_error="return")
    assert cells(failed)[1][0] == "error"
    evaluation = cells(Evaluation(4, 4, exact_match=0.75, symbol_error_rate=0.0, loss=0.5))
    assert evaluation[:3] == [["sequences", "4"], ["loss", "0.5000"], ["exact match", "0.7500"]]
    assert evaluation[-1] == ["symbol error rate", "0.0000"]
    metrics = ["epoch", "loss", "validation_loss", "validation_token_accuracy", "validation_exact_match"]
    assert cells(HISTORY)[:2] == [metrics, ["1", "2.0000", "1.5000", "0.4000", "0.2500"]]


def test_pictures():
    prediction = prediction_of([1, 2], [3], attention=np.array([[0.5, 0.5]]))
    for figure in (HISTORY.plot(), prediction.plot_attention()):
        assert figure._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match=r"^the history is empty$"):
        History().plot()
    with pytest.raises(UsageError, match=r"^the prediction has no attention$"):
        prediction_of([1], [2]).plot_attention()


def test_a_network_has_the_history_of_its_training(fast_steps, tmp_path):
    network = train("copy", points=20, epochs=3, **TINY)
    assert [(epoch.epoch, epoch.step) for epoch in network.history] == [(1, 18), (2, 36), (3, 54)]
    assert network.history[-1].validation == network.validation
    assert network.history["step"] == [18, 36, 54]
    assert network.history[1:] == History(network.history[1:]) and network.history[1:]["epoch"] == [2, 3]
    assert [*network.history.to_dict()] == [*network.history[0].to_dict()]
    with pytest.raises(UsageError, match=r"^unknown metric 'accuracy': expected one of epoch, step, loss, "):
        network.history["accuracy"]
    network.save(tmp_path / "w")
    assert load(tmp_path / "w").history == network.history
    assert train("copy", points=20, epochs=0, start=network).history == History()
    together = ensemble([network, train("copy", points=20, epochs=2, seed=1, **TINY)])
    together.save(tmp_path / "w")
    kept = [each.history for each in load(tmp_path / "w").members]
    assert kept == [each.history for each in together.members]
    assert (len(kept[0]), len(kept[1])) == (3, 2)


# ---- The bar, and verbose ----


@pytest.fixture
def notebook(monkeypatch):
    """Pretend that this process is the kernel of a notebook; a list of the HTML that its cell showed, in order."""
    shown = []
    handle = SimpleNamespace(update=shown.append)
    ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    display = SimpleNamespace(HTML=str, display=lambda html, display_id: shown.append("new") or handle)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return shown


def test_a_notebook_shows_a_bar(fast_steps, notebook, capsys):
    train("copy", points=80, epochs=2, **TINY)
    assert capsys.readouterr() == ("", "")
    bar = '<progress max="72" value="{}"></progress>'
    assert [shown.partition("loss")[0] for shown in notebook] == [
        "new",
        *(f"Epoch 1/2 {bar.format(n)} " for n in (0, 8, 64, 72, 72)),
        f"Epoch 2/2 {bar.format(0)} ; validation exact match 0.0000",
        *(f"Epoch 2/2 {bar.format(n)} " for n in (64, 72, 72)),
    ]
    assert notebook[-1].endswith("loss 0.3333 accuracy 0.0000; validation exact match 0.0000")
    notebook.clear()
    train("copy", points=20, epochs=1, verbose=False, **TINY)
    assert (notebook, capsys.readouterr()) == ([], ("", ""))


def test_verbose_prints_the_report_of_the_command(fast_steps, capsys, notebook, monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython")
    train("copy", points=20, epochs=1, **TINY)
    assert capsys.readouterr() == ("", "")
    train([(a + b, a + b) for a in "abcde" for b in "abcde"], epochs=1, verbose=True, cell_size=8)
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "Training on 25 pairs ('pairs', sources of 2 symbols), with 1 epoch"
    starts = ("Vocabularies: 5 characters in sources, ", "22 training pairs, ", "Settings for 22 pairs: embedding_")
    starts += ("Epoch 1/1: loss ", "    probe ", "The confidences are uncertain", "A table of", "Exact match 0.0000 is")
    assert all(map(str.startswith, lines[1:-1], starts)), lines
    assert lines[-1] == "Trained: epoch 1 of 1, exact match 0.0000 (0 of 3 validation sources, 0.000 to 0.562)"
    assert (err, notebook) == ("", [])
    with pytest.raises(UsageError, match=r"^expected `verbose` to be True or False, got 1$"):
        train("copy", points=20, verbose=1, **TINY)
