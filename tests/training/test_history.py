import json
import os
import shutil
from types import SimpleNamespace

from seq2seq_demo.trained.metrics import Epoch
from seq2seq_demo.trained.plots import History
from seq2seq_demo.training.run_files import HistoryFiles

HISTORY = [Epoch(epoch, 10 * epoch, 2.0, 0.1, 1.0, 0.6, 0.2, 0.5, 0.3) for epoch in (1, 2)]


def report_epoch(history, metrics):
    history.on_epoch_end(SimpleNamespace(history=History(metrics)))


def test_files_are_rewritten_after_each_epoch_and_write_errors_are_reported(tmp_path, capsys, caplog):
    folder, pictures = tmp_path / "folder", set()
    folder.mkdir()
    history = HistoryFiles(folder / "h.json", folder / "h.svg")
    assert os.listdir(folder) == []
    for n in (1, 2):
        report_epoch(history, HISTORY[:n])
        assert sorted(os.listdir(folder)) == ["h.json", "h.svg"]
        assert json.loads((folder / "h.json").read_text()) == [epoch.to_dict() for epoch in HISTORY[:n]]
        pictures.add((folder / "h.svg").read_bytes())
    assert len(pictures) == 2
    shutil.rmtree(folder)
    report_epoch(history, HISTORY)  # the training continues
    assert capsys.readouterr() == ("", "")
    (message,) = caplog.messages
    assert message.startswith("The history was not saved: cannot write ")
