"""`train --record`, resumed training runs, and files that must not be overwritten."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import SIGNALLED_PROGRAM, SMALL, end, save_random, snapshot_in

from seq2seq_demo.commands.fresh_start import new_training
from seq2seq_demo.commands.options import TrainOptions
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.files.recording import find_recording
from seq2seq_demo.files.weights_file import Checkpoint, Progress, Snapshot, TrainingRun, to_bytes
from seq2seq_demo.trained_network import load, untrained
from seq2seq_demo.training.recorder import start_recording
from seq2seq_demo.training.snapshots import load_snapshot

TRAIN = ["train", 2000, "-p", "reversed", "-e", 4, "--batch-size", 16, "--in-len", 4, "--out-len", 3, *SMALL]
QUICK = ["train", 60, "-p", "reversed", "-e", 1, *SMALL]


def recording_at(path):
    """Load the recording beside a weights file."""
    return find_recording(path, load(path).weights)


@pytest.mark.slow
def test_a_killed_and_resumed_training_gives_the_same_recording(run, start, tmp_path):
    """The first snapshot already contains a recording, so --resume does not need --record."""
    out, _ = run.ok(*TRAIN, "-o", "w.h5", "--record")
    assert out.endswith("Saved w.h5\nRecorded 16 steps in w.record.h5\n")
    assert recording_at(tmp_path / "w.h5").steps == (0, 5, 7, 10, 14, 20, 28, 40, 57, 80, 113, 160, 226, 320, 339, 452)
    argv = [signal.SIGKILL, 120, *TRAIN, "-o", "killed.h5", "--record"]
    assert end(start(tmp_path, *argv, program=SIGNALLED_PROGRAM))[0] == -signal.SIGKILL
    assert load(snapshot_in(tmp_path)).recording.steps[-1] == 113  # the end of the first epoch
    out, _ = run.ok("train --resume")
    assert out.endswith(f"Recorded 16 steps in {tmp_path}/killed.record.h5\n")
    for ending in ("h5", "record.h5"):
        assert Path(f"killed.{ending}").read_bytes() == Path(f"w.{ending}").read_bytes()
    assert sorted(os.listdir()) == ["killed.h5", "killed.record.h5", "w.h5", "w.record.h5"]


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


def test_only_recordings_are_overwritten_by_recordings(run):
    names = "ts2s__basic__reversed_1.weights.record.h5", "w.record.h5"
    for name, options in zip(names, ([], ["-o", "w.h5"]), strict=True):
        Path(name).write_text("mine")
        run.refuses([*QUICK, "--record", *options], f"error: {name}: expected a ", 1)
    assert sorted(os.listdir()) == [*names]
    assert {Path(name).read_text() for name in names} == {"mine"}


def test_conflicting_options_are_refused(run):
    Path("w.record.h5").write_text("")
    for options, expected in [
        ("60 --record -e 0", "expected --epochs of at least 1 with --record, got 0"),
        ("60 --record -o w.h5 --history w.record.h5", "expected --history and --record to be different"),
        ("--record -o w.h5 --from-file w.record.h5", "expected --from-file and --record to be different"),
        ("60 --record -e 200 --cell-size 400", "expected a recording of at most 200 MB, got up to"),
    ]:
        run.refuses(f"train {options}", expected)


def test_record_cannot_be_added_on_resume(run):
    path = Path("s2s_checkpoint__basic__reversed_1.weights.h5")
    path.write_bytes(to_bytes(Snapshot(save_random("w", trained=TrainingRun(TrainConfig(points=60), 0)))))
    run.refuses("train --resume --record", f"expected no --record, because {path} has no recording")


def test_continuing_from_a_snapshot_starts_a_new_training(tmp_path):
    """The new training run ignores the best epoch and the recording of the snapshot."""
    network, config = untrained(ModelConfig(), 0), TrainConfig(points=60, keep_best=True)
    network = replace(start_recording(network, config), trained=TrainingRun(config, 0))
    (tmp_path / "w").write_bytes(to_bytes(Snapshot(network, best=Checkpoint(network.weights, 3, {}))))
    loaded = load_snapshot(tmp_path / "w")
    assert (loaded.best.step, loaded.network.recording.steps) == (3, (0,))
    for record in (False, True):
        settings = {"points": 60, "epochs": 1}
        options = TrainOptions(settings=settings, pattern="sorted", input_weights=[tmp_path / "w"], record=record)
        start = new_training(options)
        assert (start.snapshot.progress, start.snapshot.best) == (Progress(), None)
        assert (start.network.recording is None) == (not record)
