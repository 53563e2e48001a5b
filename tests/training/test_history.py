import json
import os
from types import SimpleNamespace

import pytest

from seq2seq_demo.trained.metrics import Epoch
from seq2seq_demo.trained.plots import History
from seq2seq_demo.training.run_files import HistoryFiles

HISTORY = [Epoch(epoch, 10 * epoch, 2.0, 0.1, 1.0, 0.6, 0.2, 0.5, 0.3) for epoch in (1, 2)]


def report_epoch(history, metrics):
    history.on_epoch_end(SimpleNamespace(history=History(metrics)))


def test_both_files_are_rewritten_after_each_epoch(tmp_path):
    history = HistoryFiles(tmp_path / "h.json", tmp_path / "h.svg")
    assert os.listdir(tmp_path) == []
    pictures = []
    for n in (1, 2):
        report_epoch(history, HISTORY[:n])
        written = json.loads((tmp_path / "h.json").read_text())
        assert written == [epoch.to_dict() for epoch in HISTORY[:n]]
        pictures.append((tmp_path / "h.svg").read_bytes())
    assert pictures[0] != pictures[1]
    assert (written[1]["epoch"], written[1]["loss"], written[1]["validation_loss"]) == (2, 2, 1)


@pytest.mark.parametrize("name", ["h.json", "h.svg"])
def test_write_errors_are_reported_and_do_not_stop_the_training(tmp_path, capsys, caplog, name):
    path = tmp_path / "folder" / name
    path.parent.mkdir()
    history = HistoryFiles(path, None) if name == "h.json" else HistoryFiles(None, path)
    report_epoch(history, HISTORY)
    assert os.listdir(path.parent) == [name]
    path.unlink()
    path.parent.rmdir()
    report_epoch(history, HISTORY)
    assert capsys.readouterr() == ("", "")
    (message,) = caplog.messages
    assert message.startswith("The history was not saved: cannot write ")
