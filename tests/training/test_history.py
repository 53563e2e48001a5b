import json
import os
import shutil
from types import SimpleNamespace

import pytest

from seq2seq_demo.trained.metrics import Epoch
from seq2seq_demo.trained.plots import History
from seq2seq_demo.training.run_files import HistoryFiles

HISTORY = [Epoch(epoch, 10 * epoch, 2.0, 0.1, 1.0, 0.6, 0.2, 0.5, 0.3) for epoch in (1, 2)]


def report_epoch(history, metrics):
    history.on_epoch_end(SimpleNamespace(history=History(metrics)))


@pytest.mark.parametrize("name", ["h.json", "h.svg"])
def test_a_file_is_rewritten_after_each_epoch_and_write_errors_are_reported(tmp_path, capsys, caplog, name):
    path = tmp_path / "folder" / name
    path.parent.mkdir()
    history = HistoryFiles(path, None) if name == "h.json" else HistoryFiles(None, path)
    assert os.listdir(path.parent) == []
    contents = [None]
    for n in (1, 2):
        report_epoch(history, HISTORY[:n])
        assert os.listdir(path.parent) == [name]
        contents.append(path.read_bytes())
        assert name == "h.svg" or json.loads(contents[n]) == [epoch.to_dict() for epoch in HISTORY[:n]]
    assert contents[1] != contents[2]
    shutil.rmtree(path.parent)
    report_epoch(history, HISTORY)  # the training continues
    assert capsys.readouterr() == ("", "")
    (message,) = caplog.messages
    assert message.startswith("The history was not saved: cannot write ")
