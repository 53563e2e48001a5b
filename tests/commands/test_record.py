"""`train --record`, resumed training runs, and files that must not be overwritten."""

from dataclasses import replace
from pathlib import Path

import pytest
from helpers import SMALL

from seq2seq_demo.commands.options import TrainOptions
from seq2seq_demo.commands.training_setup import new_training
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.files.recording import find_recording
from seq2seq_demo.files.weights_file import Checkpoint, Progress, to_bytes
from seq2seq_demo.network_facts import TrainingRun
from seq2seq_demo.trained_network import load, untrained
from seq2seq_demo.training.recorder import start_recording
from seq2seq_demo.training.snapshots import Snapshot, load_snapshot

QUICK = ["train", 60, "-p", "reversed", "-e", 1, *SMALL]


def recording_at(path):
    """Load the recording beside a weights file."""
    return find_recording(path, load(path).weights)


@pytest.mark.slow
def test_recordings_have_canonical_names_and_restart_when_training_continues(run, fast_steps):
    out, _ = run.ok(*QUICK, "--record")
    assert out.endswith("Recorded 2 steps in ts2s__basic__reversed_1.weights.record.h5\n")
    first = Path("ts2s__basic__reversed_1.weights.h5")
    initial = untrained(load(first).model_config, 0).weights["encoder/embedding"].astype("float16")
    assert (recording_at(first).weights[0]["encoder/embedding"] == initial).all()
    out, _ = run.ok(f"train 60 -e 1 -i {first} -o {first} --record")
    assert load(first).step == 2
    assert recording_at(first).steps == (0, 1)
    assert not (recording_at(first).weights[0]["encoder/embedding"] == initial).all()


def test_continuing_from_a_snapshot_starts_a_new_training(tmp_path):
    """The new training run ignores the best epoch and the recording of the snapshot."""
    network, config = untrained(ModelConfig(), 0), TrainConfig(points=60, keep_best=True)
    network = replace(start_recording(network, config), run=TrainingRun(config, 0))
    (tmp_path / "w").write_bytes(to_bytes(Snapshot(network, best=Checkpoint(network.weights, 3, {})).content))
    loaded = load_snapshot(tmp_path / "w")
    assert (loaded.best.step, loaded.network.recording.steps) == (3, (0,))
    for record in (False, True):
        settings = {"points": 60, "epochs": 1}
        options = TrainOptions(settings=settings, pattern="sorted", input_weights=[tmp_path / "w"], record=record)
        start = new_training(options)
        assert (start.snapshot.progress, start.snapshot.best) == (Progress(), None)
        assert (start.snapshot.network.recording is None) == (not record)
