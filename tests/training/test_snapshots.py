import os
import random
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
from helpers import end, snapshot_in, start, wait_for

from seq2seq_demo.callbacks import Callback
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.sequence_pattern import find_pattern
from seq2seq_demo.errors import Interrupted, TrainingError
from seq2seq_demo.trained_network import Destination, Progress, load, untrained
from seq2seq_demo.training.loop import fit
from seq2seq_demo.training.snapshots import Interruption, Snapshots

MODEL = ModelConfig("embedding_attention", cell_size=7, embedding_size=5)
REVERSED = find_pattern("reversed")
TRAIN = ["train", "30000", "-p", "reversed", "-m", "embedding_attention", "-e", "3", "--batch-size", "16"]
TRAIN += ["--cell-size", "7", "--embedding-size", "5", "--in-len", "4", "--out-len", "3", "-r", "0.003"]
TRAIN += ["--lr-schedule", "cosine"]


def snapshots_in(folder, interruption=None, warn=lambda text: None, keeps=Snapshots):
    """The snapshots of a training of `reversed`."""
    return keeps(folder, "reversed", Destination(), interruption or Interruption(), warn)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    assert end(start(folder, *TRAIN, "-o", "w"))[0] == 0
    assert os.listdir(folder) == ["w"]  # the snapshot is gone
    return (folder / "w").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_killed_again_and_again_it_ends_with_the_same_bits(tmp_path, undisturbed, seed):
    rng = random.Random(seed)
    process = start(tmp_path, *TRAIN, "-o", "w")
    for _ in range(2):
        wait_for(lambda: snapshot_in(tmp_path) or (tmp_path / "w").exists())
        time.sleep(rng.uniform(0, 1.5))
        process.kill()
        end(process)
        if (tmp_path / "w").exists():
            break
        assert load(snapshot_in(tmp_path)).trained.start_step == 0
        process = start(tmp_path, "train", "--resume")  # where to save is known
        time.sleep(rng.uniform(0, 6))
    process.kill()
    end(process)
    if not (tmp_path / "w").exists():
        status, err = end(start(tmp_path, *TRAIN, "--resume", "-o", "w"))
        assert status == 0, err
    assert (tmp_path / "w").read_bytes() == undisturbed
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == ["w"]


@pytest.mark.slow
@pytest.mark.parametrize(("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_a_snapshot_and_says_how_to_go_on(tmp_path, undisturbed, signum, status):
    process = start(tmp_path, *TRAIN, "-o", "w")
    wait_for(lambda: snapshot_in(tmp_path))
    process.send_signal(signum)
    ended, err = end(process)
    assert ended == status
    assert err.startswith("Stopping after this step")
    assert err.count("\n") == 2
    assert "train --resume" in err
    assert str(snapshot_in(tmp_path).name) in err
    assert end(start(tmp_path, "train", "--resume"))[0] == 0
    assert (tmp_path / "w").read_bytes() == undisturbed


def snapshot_of(folder, **changes):
    """Leave the snapshot of a training that was interrupted after its first steps."""
    config = TrainConfig(**{"points": 200, "epochs": 2, "batch_size": 16, "in_len": 4, "out_len": 3} | changes)
    interruption = Interruption()
    interruption.signum = signal.SIGTERM
    snapshots = snapshots_in(folder, interruption)
    with pytest.raises(Interrupted) as error:
        fit(REVERSED, config, untrained(MODEL, config.seed), snapshots=snapshots)
    assert error.value.exit_status == 143
    return snapshots.path


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """The content of a snapshot."""
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
def test_a_snapshot_of_other_options_is_refused(run, tmp_path, interrupted, options, message):
    path = tmp_path / "s2s_checkpoint__basic__reversed_1.weights.h5"
    path.write_bytes(interrupted)
    status, out, err = run("train", "--resume", *options)
    assert (status, out) == (2, "")
    assert f"{path.name} {message}" in err
    assert path.exists()


@pytest.mark.slow
def test_a_resumed_training_tells_the_figures_of_every_epoch(tmp_path):
    class Recorder(Callback):
        def on_epoch_end(self, history, network, validation):
            self.history = history
            interruption.signum = signal.SIGINT if len(history) == stop_after else None

    config = TrainConfig(300, in_len=4, out_len=3, epochs=3, batch_size=16)
    interruption, recorder = Interruption(), Recorder()
    stop_after = None
    fit(REVERSED, config, untrained(MODEL, 0), [recorder])
    undisturbed, stop_after = recorder.history, 2
    snapshots = snapshots_in(tmp_path, interruption)
    with pytest.raises(Interrupted):
        fit(REVERSED, config, untrained(MODEL, 0), [recorder], snapshots)
    assert recorder.history == undisturbed[:2]
    fit(REVERSED, config, load(snapshots.path), [recorder])
    assert recorder.history == undisturbed


@pytest.mark.slow
def test_the_snapshot_that_fits_is_found_among_others(run, tmp_path):
    snapshot_of(tmp_path, seed=5)
    other = snapshot_of(tmp_path, seed=6)
    status, out, err = run("train", "--resume", "--seed", 5)
    assert status == 0, err
    assert "s2s_checkpoint__basic__reversed_1.weights.h5" in err
    assert "Saved ts2s__basic__reversed_1.weights.h5" in out
    assert list(tmp_path.glob("s2s*")) == [other]


def test_no_snapshot_to_resume(run):
    status, _, err = run("train", "--resume")
    assert status == 1
    assert "expected a snapshot to resume from, found none" in err


def test_a_snapshot_every_5000_steps_and_every_epoch(tmp_path):
    kept = []

    class Recorder(Snapshots):
        def save(self, network):
            kept.append((network.step, network.progress.epoch))

    snapshots = snapshots_in(tmp_path, keeps=Recorder)
    for before, after in [(4936, 4999), (4999, 5063), (5063, 5100), (9990, 10_000)]:
        snapshots.after_steps(before, after, lambda after=after: untrained_at(after))
    assert [step for step, _ in kept] == [5063, 10_000]
    kept.clear()
    config = TrainConfig(points=200, epochs=3, batch_size=16, in_len=4, out_len=3)
    fit(REVERSED, config, untrained(MODEL, 0), snapshots=snapshots)
    assert kept == [(12, 1), (24, 2), (36, 3)]


def untrained_at(step):
    return replace(untrained(MODEL, 0), step=step, progress=Progress(epoch=0))


def test_a_folder_that_cannot_be_written_does_not_stop_the_training(tmp_path):
    config = TrainConfig(points=200, epochs=2, batch_size=16, in_len=4, out_len=3)
    warnings = []
    trained = fit(
        REVERSED, config, untrained(MODEL, 0), snapshots=snapshots_in(tmp_path / "none", warn=warnings.append)
    )
    assert trained.step == 24
    path = tmp_path / "none" / "s2s_checkpoint__basic__reversed_1.weights.h5"
    assert (
        warnings
        == [f"No snapshot: {path}: expected a place for a weights file, but there is no directory {path.parent}"] * 2
    )


@pytest.mark.slow
def test_training_that_diverges_keeps_the_last_good_snapshot(tmp_path):
    snapshots = snapshots_in(tmp_path)
    config = TrainConfig(points=200, epochs=2, batch_size=16, in_len=4, out_len=3)
    first = fit(REVERSED, config, untrained(MODEL, 0), snapshots=snapshots)
    first.weights["decoder/projection/bias"][0] = np.inf
    with pytest.raises(TrainingError, match="try a lower --learning-rate"):
        fit(REVERSED, config, first, snapshots=snapshots)
    kept = load(snapshots.path)
    assert kept.step == 24
    assert all(np.isfinite(weight).all() for weight in kept.weights.values())


def test_how_to_resume_names_what_is_needed_again(tmp_path):
    folder = tmp_path / "my data"
    folder.mkdir()
    interruption = Interruption()
    interruption.signum = signal.SIGINT
    for data, again in ((None, ""), ("a digest", " and the same -p or --from-file")):
        snapshots = Snapshots(folder, "sorted", Destination(data=data), interruption, print)
        with pytest.raises(Interrupted) as error:
            snapshots.after_steps(0, 1, lambda: untrained(MODEL, 0))
        assert str(error.value).endswith(f"--resume --data-dir '{folder}'`{again}")
