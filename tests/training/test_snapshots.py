import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace

import pytest
from helpers import SIGNALLED_PROGRAM, end, snapshot_in, wait_for

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.errors import Interrupted
from seq2seq_demo.files import atomic_files, resume_notes
from seq2seq_demo.files.resume_notes import Destination
from seq2seq_demo.files.weights_file import Snapshot, TrainingRun
from seq2seq_demo.trained_network import load, untrained
from seq2seq_demo.training.snapshots import SignalHandler, Snapshots, load_snapshot, training_id
from seq2seq_demo.training.trainer import fit

MODEL = ModelConfig("embedding_attention", cell_size=7, embedding_size=5)
REVERSED = find_pattern("reversed")
# Enough samples for XLA.
TRAIN = ["train", "20000", "-p", "reversed", "-m", "embedding_attention", "-e", "3", "--batch-size", "16"]
TRAIN += ["--cell-size", "7", "--embedding-size", "5", "--in-len", "5", "--out-len", "3", "-r", "0.003"]
TRAIN += ["--lr-schedule", "cosine"]


def snapshots_in(folder, interruption=None, warn=lambda text: None, cls=Snapshots):
    """The snapshots of a training run on `reversed`."""
    return cls(folder, None, "reversed", Destination(), interruption or SignalHandler(), warn)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_and_interrupted_training_ends_with_the_same_bits(tmp_path, start):
    """An epoch has 1125 steps, in calls of 64."""
    undisturbed, stopped = tmp_path / "undisturbed", tmp_path / "stopped"
    undisturbed.mkdir()
    stopped.mkdir()
    train = [*TRAIN, "-m", "embedding_rnn", "--cell-type", "BasicRNNCell"]  # compiles fast
    reference = start(undisturbed, *train, "-o", "w")

    for signum, ended, kept in (signal.SIGKILL, -signal.SIGKILL, 1125), (signal.SIGTERM, 143, 1125 + 6 * 64):
        argv = [signum, 1500, *train, "--resume", "-o", "w"]
        assert end(start(stopped, *argv, program=SIGNALLED_PROGRAM))[0] == ended
        assert load(snapshot_in(stopped)).step == kept
    status, err = end(start(stopped, "train", "--resume"))  # without -o: the destination is recorded
    assert status == 0, err

    assert end(reference)[0] == 0
    assert (stopped / "w").read_bytes() == (undisturbed / "w").read_bytes()
    for folder in (undisturbed, stopped):  # the snapshot has been removed
        assert [path.name for path in folder.iterdir() if not path.name.startswith(".")] == ["w"]


@pytest.mark.slow
@pytest.mark.parametrize(("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_leaves_a_snapshot_and_prints_how_to_resume(tmp_path, start, signum, status):
    # Few samples, which need no XLA, in many steps, which take longer than the wait for the signal.
    process = start(tmp_path, "train", "500", *TRAIN[2:], "-e", "100", "--batch-size", "1", "-o", "w")
    wait_for(lambda: snapshot_in(tmp_path) and load(snapshot_in(tmp_path)).step)
    process.send_signal(signum)
    ended, err = end(process)
    assert ended == status
    assert err.startswith("Stopping after this step")
    assert err.count("\n") == 2
    assert "train --resume" in err
    assert str(snapshot_in(tmp_path).name) in err


def snapshot_of(folder, **changes):
    """Interrupt a training run after its first steps; return the path of its snapshot."""
    config = TrainConfig(**{"points": 200, "epochs": 2, "batch_size": 16, "in_len": 4, "out_len": 3} | changes)
    interruption = SignalHandler()
    interruption.signum = signal.SIGTERM
    snapshots = snapshots_in(folder, interruption)
    with pytest.raises(Interrupted) as error, snapshots:
        fit(REVERSED, config, untrained(MODEL, config.seed), snapshots=snapshots)
    assert error.value.exit_status == 143
    return snapshots.last


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """The content of the snapshot of an interrupted training run."""
    return snapshot_of(tmp_path_factory.mktemp("interrupted")).read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["300"], "has points 200, but the options ask for 300"),
        (["-p", "sorted"], "has pattern reversed, but the options ask for sorted"),
        (["-m", "embedding_rnn"], "has model embedding_attention, but the options ask for embedding_rnn"),
        (["--cell-size", "8"], "has cell-size 7, but the options ask for 8"),
        (["--seed", "1"], "has seed 0, but the options ask for 1"),
        (["-r", "0.5"], "has learning-rate 0.0001, but the options ask for 0.5"),
        (["-e", "3"], "has epochs 2, but the options ask for 3"),
    ],
)
def test_resuming_with_other_options_is_refused(run, tmp_path, interrupted, options, message):
    path = tmp_path / "s2s_checkpoint__basic__reversed_1.weights.h5"
    path.write_bytes(interrupted)
    status, out, err = run("train", "--resume", *options)
    assert (status, out) == (2, "")
    assert f"{path.name} {message}" in err
    assert path.exists()


@pytest.mark.slow
def test_resuming_finds_the_snapshot_with_the_same_options(run, tmp_path, fast_steps):
    snapshot_of(tmp_path, seed=5)
    other = snapshot_of(tmp_path, seed=6)
    status, out, err = run("train", "--resume", "--seed", 5)
    assert status == 0, err
    assert "s2s_checkpoint__basic__reversed_1.weights.h5" in err
    assert "Saved ts2s__basic__reversed_1.weights.h5" in out
    assert list(tmp_path.glob("s2s*")) == [other]


@pytest.mark.slow
def test_snapshots_that_could_not_be_in_the_data_directory_are_named(run, tmp_path, monkeypatch, fast_steps):
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    snapshot_of(tmp_path / "temporary")
    (tmp_path / "data").mkdir()
    _, err = run.ok("train --resume 200 -e 1 --cell-size 3 -o w --data-dir data")
    found = f"but there are some in {tmp_path / 'temporary'} (see --data-dir): starting from fresh weights"
    assert f"Found no snapshot in data, {found}" in err


def test_resuming_without_a_snapshot_is_an_error(run):
    status, _, err = run("train", "--resume")
    assert status == 1
    assert "expected a snapshot to resume from, found none" in err


@pytest.mark.slow
def test_snapshots_are_saved_every_5000_steps_and_every_epoch(tmp_path, fast_steps):
    kept = []

    class Recorder(Snapshots):
        def save(self, snapshot):
            kept.append((snapshot.network.step, snapshot.progress.epoch))

    snapshots = snapshots_in(tmp_path, cls=Recorder)
    for before, after in [(4936, 4999), (4999, 5063), (5063, 5100), (9990, 10_000)]:
        snapshots.after_steps(before, after, lambda after=after: untrained_at(after))
    assert [step for step, _ in kept] == [5063, 10_000]
    kept.clear()
    config = TrainConfig(points=200, epochs=3, batch_size=16, in_len=4, out_len=3)
    fit(REVERSED, config, untrained(MODEL, 0), snapshots=snapshots)
    assert kept == [(12, 1), (24, 2), (36, 3)]
    kept.clear()
    snapshots.saved_at = time.monotonic() + 60  # all epochs end too soon for a snapshot, but the last one is saved
    fit(REVERSED, config, untrained(MODEL, 0), snapshots=snapshots)
    assert kept == [(36, 3)]


def test_an_epoch_within_2_seconds_of_the_latest_snapshot_saves_none(tmp_path, monkeypatch):
    with snapshots_in(tmp_path) as snapshots:
        for seconds, kept in [(100.0, 100), (101.9, 100), (102.0, 102), (103.9, 102), (104.1, 104)]:
            monkeypatch.setattr(time, "monotonic", lambda seconds=seconds: seconds)
            snapshots.after_epoch(lambda seconds=seconds: untrained_at(int(seconds)), False)
            assert load(snapshots.last).step == kept
        snapshots.after_epoch(lambda: untrained_at(105), True)
        assert load(snapshots.last).step == 105


def untrained_at(step):
    run = TrainingRun(TrainConfig(), 0)
    return Snapshot(replace(untrained(MODEL, 0), step=step, trained=run))


def steps_by_folder(snapshots):
    """Map the name of each folder with a snapshot to the snapshot's step."""
    return {path.parent.name: load(path).step for path in snapshots.files if path.exists()}


@pytest.fixture
def full_folders(tmp_path, monkeypatch):
    """Create the three folders in which snapshots are tried in turn; return the set of full ones."""
    for name in ("data", "temporary", "home"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    full = set()
    write_locked = atomic_files.write_locked

    def write(path, content, overwrite=True):
        if path.parent.name in full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_locked(path, content, overwrite)

    monkeypatch.setattr(atomic_files, "write_locked", write)
    return full


def test_if_a_folder_is_full_the_next_one_gets_the_snapshot(tmp_path, full_folders):
    warnings = []
    interruption = SignalHandler()
    with snapshots_in(tmp_path / "data", interruption, warnings.append) as snapshots:
        snapshots.save(untrained_at(1))
        assert steps_by_folder(snapshots) == {"data": 1}
        full_folders.add("data")
        snapshots.save(untrained_at(2))
        assert steps_by_folder(snapshots) == {"data": 1, "temporary": 2}
        assert snapshots.last == tmp_path / "temporary" / "s2s_checkpoint__basic__reversed_1.weights.h5"
        full_folders.add("temporary")
        snapshots.save(untrained_at(3))
        assert steps_by_folder(snapshots) == {"data": 1, "temporary": 2, "home": 3}
        full_folders.remove("data")
        snapshots.save(untrained_at(4))
        assert steps_by_folder(snapshots) == {"data": 4, "temporary": 2, "home": 3}
        full_folders |= {"data", "home"}
        interruption.signum = signal.SIGTERM
        with pytest.raises(Interrupted, match="at step 5; this step could not be saved, but an earlier one is in "):
            snapshots.after_steps(5, 5, lambda: untrained_at(5))
        assert snapshots.last is None
        full_folders.clear()
        with pytest.raises(Interrupted, match=f"interrupted at step 6; kept in {tmp_path}/data/s2s"):
            snapshots.after_steps(6, 6, lambda: untrained_at(6))
        assert steps_by_folder(snapshots)["data"] == 6
        full = "No space left on device"
        in_data = f"Could not write a snapshot to {tmp_path}/data: {full}"
        assert warnings[0] == f"{in_data}; saved in {tmp_path}/temporary/s2s_checkpoint__basic__reversed_1.weights.h5"
        assert warnings[2] == f"{in_data}; or to {tmp_path}/temporary: {full}; or to {tmp_path}/home: {full}"
        snapshots.remove()
        assert steps_by_folder(snapshots) == {}


@pytest.mark.parametrize("remove", [shutil.rmtree, lambda folder: folder.rename(folder.with_name("renamed"))])
def test_a_snapshot_moves_on_if_its_folder_is_removed(tmp_path, full_folders, remove):
    """Each reported path contains a readable snapshot of the last step."""
    interruption = SignalHandler()
    with snapshots_in(tmp_path / "data", interruption) as snapshots:
        snapshots.save(untrained_at(1))
        remove(tmp_path / "data")
        assert snapshots.keep(untrained_at(2).network).parent == tmp_path / "temporary"
        assert load(snapshots.last).step == 2
        interruption.signum = signal.SIGINT
        with pytest.raises(Interrupted, match=f"--resume --data-dir {tmp_path}/temporary`$"):
            snapshots.after_steps(3, 3, lambda: untrained_at(3))
        assert load(snapshots.last).step == 3
        assert snapshots.keep(untrained_at(4).network) == snapshots.last
        assert load(snapshots.last).step == 3


def test_without_a_usable_folder_no_snapshot_is_kept(tmp_path, full_folders, monkeypatch):
    warnings = []
    full_folders |= {"data", "temporary", "home"}
    interruption = SignalHandler()
    interruption.signum = signal.SIGTERM
    with snapshots_in(tmp_path / "data", interruption, warnings.append) as snapshots:
        with pytest.raises(Interrupted, match=r"interrupted at step 3; no snapshot could be kept$"):
            snapshots.after_steps(3, 3, lambda: untrained_at(3))
        monkeypatch.setattr("tempfile.gettempdir", lambda: tmp_path / "none" / "at" / "all")
        monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path / "none")
        assert snapshots.keep(untrained_at(4).network) is None
    assert len(warnings) == 2


def test_a_replaced_snapshot_is_left_alone(tmp_path):
    with snapshots_in(tmp_path) as snapshots:
        snapshots.save(untrained_at(1))
        first = snapshots.last
        first.unlink()
        first.write_text("theirs")
        snapshots.save(untrained_at(2))
        assert snapshots.last.name == "s2s_checkpoint__basic__reversed_2.weights.h5"
        snapshots.remove()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["theirs"]


def test_a_snapshot_that_reads_back_differently_moves_to_the_next_folder(tmp_path, full_folders, monkeypatch):
    warnings = []
    monkeypatch.setattr(
        atomic_files, "read", lambda path, kind: b"" if path.parent.name == "data" else path.read_bytes()
    )
    with snapshots_in(tmp_path / "data", warn=warnings.append) as snapshots:
        snapshots.save(untrained_at(1))
        assert snapshots.last.parent.name == "temporary"
    assert warnings == [
        f"Could not write a snapshot to {tmp_path}/data: the file differs from what was written; "
        f"saved in {snapshots.last}"
    ]


def test_a_snapshot_records_the_destination_of_its_training(tmp_path):
    destination = Destination(tmp_path / "w", True, tmp_path)
    with Snapshots(tmp_path, "mine", "reversed", destination, SignalHandler(), print) as snapshots:
        snapshots.save(untrained_at(1))
        assert snapshots.last.name == "s2s_checkpoint__mine__reversed_1.weights.h5"
        training = training_id(load_snapshot(snapshots.last).network)
        assert resume_notes.load_destination(snapshots.last, training) == destination
        snapshots.remove()
    assert resume_notes.load_destination(snapshots.last, training) is None


# Like compilation in TensorFlow, the hash runs outside the interpreter, so Python's signal handlers have to wait.
COMPUTING = """
import hashlib
from seq2seq_demo.training.snapshots import SignalHandler
with SignalHandler() as interruption:
    print("ready", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", {rounds})
print(interruption.signum)
"""


@pytest.mark.parametrize(("second", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_ends_the_process_even_outside_the_interpreter(second, status):
    argv = [sys.executable, "-c", COMPUTING.format(rounds=10**8)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.3)
            process.terminate()
            assert process.stderr.readline() == "Stopping after this step; interrupt again to stop at once\n"
            process.send_signal(second)
            assert process.wait(timeout=5) == status
            assert process.stderr.read() == "Stopped at once; the last snapshot remains\n"
        finally:
            process.kill()


def test_a_first_signal_is_handled_when_the_interpreter_runs_again():
    argv = [sys.executable, "-c", COMPUTING.format(rounds=10**6)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.communicate() == ("15\n", "Stopping after this step; interrupt again to stop at once\n")


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


def test_a_signal_is_handled_even_if_stderr_is_closed(monkeypatch):
    def closed(*_):
        raise BrokenPipeError

    monkeypatch.setattr(os, "write", closed)
    handlers = [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)]
    with SignalHandler() as interruption:
        os.kill(os.getpid(), signal.SIGTERM)
        assert interruption.signum == signal.SIGTERM
        assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL  # so a second signal ends the process at once
    assert [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_the_command_to_resume_repeats_the_necessary_options(tmp_path):
    folder = tmp_path / "my data"
    folder.mkdir()
    interruption = SignalHandler()
    interruption.signum = signal.SIGINT
    for options in ("", " --from-file 'my pairs.jsonl'"):
        snapshots = Snapshots(folder, None, "sorted", Destination(), interruption, print, options)
        with snapshots:
            with pytest.raises(Interrupted) as error:
                snapshots.after_steps(0, 1, lambda: untrained_at(1))
            assert str(error.value).endswith(f"--resume --data-dir '{folder}'{options}`")
