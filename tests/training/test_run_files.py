"""The files of a training run: TensorBoard's logs, and the history."""

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from helpers import Watcher, fit

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.trained.metrics import Epoch
from seq2seq_demo.trained.plots import History
from seq2seq_demo.trained.trained_network import untrained
from seq2seq_demo.training.run_files import HistoryFiles, TensorBoard

MODEL = ModelConfig("embedding_attention", cell_size=7, embedding_size=6, in_max_int=10, out_max_int=12)
# 19 steps per epoch.
CONFIG = TrainConfig(1300, in_len=5, out_len=4, epochs=2, batch_size=64)


def read(log_dir: Path) -> dict[tuple[str, str], list[tuple[int, np.ndarray]]]:
    """Read a directory's events: (plugin, tag) → the steps and values, in the order of writing."""
    events = {}
    for path in sorted(log_dir.iterdir()):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                key = value.metadata.plugin_data.plugin_name, value.tag
                events.setdefault(key, []).append((event.step, tf.make_ndarray(value.tensor)))
    return events


@pytest.mark.slow
def test_the_logs_match_the_training(tmp_path, fast_steps):
    watcher = Watcher()
    fit(find_pattern("reversed"), CONFIG, untrained(MODEL, 0), [watcher, TensorBoard(tmp_path)])
    logs = read(tmp_path)
    metrics = ("loss", "forced_token_accuracy", "forced_exact_match", "token_accuracy", "exact_match")
    scalars = [f"train/{name}" for name in metrics[:2]] + [f"validation/{name}" for name in metrics]
    assert logs.keys() == {("scalars", name) for name in scalars} | {("text", "probe/answer")}
    assert [step for step, _ in logs["text", "probe/answer"]] == [19, 38]
    assert [state.step for state in watcher.steps] == [8, 19, 38]
    for name in metrics[:2]:
        trained = [(state.step, np.float32(getattr(state.figures, name))) for state in watcher.steps]
        assert logs["scalars", f"train/{name}"] == trained
    for name in metrics:
        validated = [(state.step, np.float32(getattr(state.figures.validation, name))) for state in watcher.end]
        assert [step for step, _ in validated] == [19, 38]
        assert logs["scalars", f"validation/{name}"] == validated


TRAIN = ["train", 100, "-p", "reversed", "-e", 1, "--cell-size", 7, "-o", "w"]


@pytest.mark.slow
def test_train_writes_logs_on_request_and_prints_their_directory(run, temporary, fast_steps):
    before = {*os.listdir(temporary)}
    assert "Log directory" not in run.ok(*TRAIN)[0]
    assert {*os.listdir(temporary)} == before
    out, _ = run.ok(*TRAIN, "--tensorboard-verbose", 3)  # as in 2016; all levels log the same
    log_dir = Path(out.splitlines()[2].removeprefix("Log directory: "))
    assert (log_dir.parent, log_dir.name.rpartition("-")[0]) == (temporary, "seq2seq_demo_logs")
    assert "\nLog directory: a/b\n" in run.ok("--log-dir a/b", *TRAIN)[0]
    for each in (log_dir, Path("a/b")):
        assert {tag.partition("/")[0] for _, tag in read(each)} == {"train", "validation", "probe"}
    run.refuses([*TRAIN, "--log-dir", "w/logs"], "w/logs: not a directory\n", 1)


def test_files_are_rewritten_after_each_epoch_and_write_errors_are_reported(tmp_path, caplog):
    folder, pictures = tmp_path / "folder", set()
    folder.mkdir()
    files = HistoryFiles(folder / "h.json", folder / "h.svg")
    for n in (1, 2):
        history = History(Epoch(epoch, 10 * epoch, 2.0, 0.1, 1.0, 0.6, 0.2, 0.5, 0.3) for epoch in range(1, n + 1))
        files.on_epoch_end(SimpleNamespace(history=history))
        assert json.loads((folder / "h.json").read_text()) == [epoch.to_dict() for epoch in history]
        pictures.add((folder / "h.svg").read_bytes())
    assert len(pictures) == 2
    shutil.rmtree(folder)
    files.on_epoch_end(SimpleNamespace(history=history))  # the training continues
    (message,) = caplog.messages
    assert message.startswith("The history was not saved: cannot write ")
