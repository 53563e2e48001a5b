"""Snapshots of a training run, and the signals that end it."""

import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from helpers import ATTENTION, fit

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.errors import Interrupted, WeightsError
from seq2seq_demo.trained.loading import load
from seq2seq_demo.trained.saved_network import TrainingRun
from seq2seq_demo.trained.trained_network import untrained
from seq2seq_demo.training.snapshots import SignalHandler, Snapshot, Snapshots, write_snapshot


def snapshots_in(folder, cls=Snapshots):
    """The snapshots of a training run whose result will be w.h5."""
    return cls(folder / "w.h5", "seq2seq-demo train --resume", SignalHandler())


def state_at(step):
    """The state of a training run after some steps."""
    return Snapshot(replace(untrained(ATTENTION, 0), step=step, run=TrainingRun(TrainConfig(), 0)))


@pytest.mark.slow
def test_snapshots_are_saved_every_5000_steps_and_every_epoch(tmp_path, fast_steps):
    kept = []

    class Recorder(Snapshots):
        def save(self, snapshot):
            kept.append((snapshot.network.step, len(snapshot.network.history)))

    snapshots = snapshots_in(tmp_path, cls=Recorder)
    for before, after in [(4936, 4999), (4999, 5063), (5063, 5100), (9990, 10_000)]:
        snapshots.after_steps(before, after, lambda after=after: state_at(after))
    assert [step for step, _ in kept] == [5063, 10_000]
    kept.clear()
    config = TrainConfig(points=200, epochs=3, batch_size=16, in_len=4, out_len=3)
    fit(find_pattern("reversed"), config, untrained(ATTENTION, 0), snapshots=snapshots)
    assert kept == [(12, 1), (24, 2), (36, 3)]


def test_an_epoch_within_2_seconds_of_the_latest_snapshot_saves_none(tmp_path, monkeypatch):
    with snapshots_in(tmp_path) as snapshots:
        for seconds, kept in [(100.0, 100), (101.9, 100), (102.0, 102), (103.9, 102), (104.1, 104)]:
            monkeypatch.setattr(time, "monotonic", lambda seconds=seconds: seconds)
            snapshots.after_epoch(lambda seconds=seconds: state_at(int(seconds)), False)
            assert load(snapshots.path).step == kept
        snapshots.after_epoch(lambda: state_at(105), True)
        assert load(snapshots.path).step == 105


def test_a_snapshot_that_cannot_be_written_leaves_the_earlier_one(tmp_path, monkeypatch, caplog):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with snapshots_in(tmp_path) as snapshots:
        with monkeypatch.context() as patch, pytest.raises(WeightsError, match=r"cannot write .*: no space left"):
            patch.setattr(os, "fsync", full)
            write_snapshot(state_at(0), tmp_path / "w.h5", overwrite=False)
        snapshots.save(state_at(4))
        monkeypatch.setattr(os, "fsync", full)
        snapshots.signals.signum = signal.SIGTERM
        message = rf"at step 5; the snapshot is kept in {snapshots.path}: resume it with `seq2seq-demo train --resume`$"
        with pytest.raises(Interrupted, match=message) as error:
            snapshots.after_steps(5, 5, lambda: state_at(5))
        assert error.value.exit_status == 143
        assert load(snapshots.path).step == 4
    notice = f"No new snapshot: cannot write {snapshots.path}: no space left on device"
    assert caplog.messages == [notice]


@pytest.mark.parametrize(("second", "status"), [(signal.SIGTERM, -15), (signal.SIGINT, -2)])
def test_the_first_signal_sets_a_flag_and_the_second_one_ends_the_process(second, status):
    code = """
import signal
from seq2seq_demo.training.snapshots import SignalHandler
with SignalHandler():
    print("ready", flush=True)
    while True:
        signal.pause()
"""
    argv = [sys.executable, "-c", code]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            process.terminate()
            message = "Stopping after this step; interrupt again to stop at once\n"
            assert [process.stderr.readline() for _ in range(2)] == ["\n", message]
            process.send_signal(second)
            assert process.wait() == status
        finally:
            process.kill()


def test_ignored_signals_stay_ignored():
    """nohup and the background jobs of scripts rely on this."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with SignalHandler() as interruption:
            os.kill(os.getpid(), signal.SIGHUP)
            assert interruption.signum is None
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
