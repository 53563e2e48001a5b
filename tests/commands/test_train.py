import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers import SMALL, environment, largest_difference, line_of, save_random

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.errors import WeightsError
from seq2seq_demo.evaluation import Figures
from seq2seq_demo.trained_network import Destination, Progress, TrainedNetwork, TrainingRun, load

SNAPSHOT = "s2s_checkpoint__basic__reversed_1.weights.h5"


@pytest.mark.parametrize("model", ["embedding_rnn", "embedding_attention"])
def test_train_save_load_predict_at_other_lengths(run, model):
    status, out, err = run("-m", model, "-p", "reversed", "train", 300, "-e", 2, "-o", "w.tfl", "-v", "-v", *SMALL)
    assert status == 0, err
    lines = out.splitlines()
    assert lines[0] == "Training on 300 point dataset (pattern 'reversed'), with 2 epochs"
    parameters = json.loads(out[out.index("{") : out.index("}") + 1])
    assert (parameters["model"], parameters["cell_size"], parameters["learning_rate"]) == (model, 7, 1e-4)
    assert "270 training points, 30 validation points" in lines
    assert [line.split(":")[0] for line in lines if line.startswith("Epoch")] == ["Epoch 1/2", "Epoch 2/2"]
    for figure in ("loss", "accuracy", "validation loss", "forced", "free-running", "exact match"):
        assert figure in lines[-3]
    assert lines[-4].partition(", prediction")[0] == lines[-2].partition(", prediction")[0]  # the same probe each time
    assert lines[-1] == "Saved w.tfl"
    assert err.splitlines()[-1].startswith("Exact match 0.0000 is below 0.99. To get closer, try ")

    network = load("w.tfl")
    status, out, err = run("-i", "w.tfl", "predict", *range(10))
    assert (status, err) == (0, "Using weights w.tfl\n")
    assert out == line_of(network, list(range(10)), "9 8 7 6 5 4 3 2 1 0")
    source = [k % 10 for k in range(20)]
    status, out, err = run("predict", *source, "-i", "w.tfl", "-m", model, "--in-len", 20, "--out-len", 8)
    assert status == 0, err
    assert out == line_of(network, source, "9 8 7 6 5 4 3 2", out_len=8)


@pytest.mark.slow
def test_the_same_command_writes_the_same_file(shell, tmp_path):
    for name in "ab":
        done = shell("train", 200, "-e", 1, "-m", "embedding_attention", "-o", name, *SMALL, "--seed", 5)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_train_without_a_name_takes_the_next_unused_one(run):
    for n in (1, 2):
        status, out, _ = run("train", 20, "-e", 0, "-p", "reversed", "--seed", n)
        assert status == 0
        assert out.endswith(f"Saved ts2s__basic__reversed_{n}.weights.h5\n")
    run("train", 20, "-e", 0, "-p", "reversed", "-n", "mine")
    assert os.path.exists("ts2s__mine__reversed_1.weights.h5")


@pytest.mark.slow
def test_a_series_of_iterations(run):
    args = ["train", 60, "-e", 1, "-p", "reversed", "--data-dir", "d", *SMALL]
    os.mkdir("d")
    status, out, err = run(*args, "--iter-num", 3)
    assert status == 0, err
    assert "No d/ts2s__basic__reversed_3.weights.h5: starting afresh" in err
    assert "Saved d/ts2s__basic__reversed_4.weights.h5" in out
    status, out, err = run(*args, "--iter-num", 4)
    assert "Continuing from d/ts2s__basic__reversed_4.weights.h5" in err
    assert (
        load("d/ts2s__basic__reversed_5.weights.h5").step == 2 * load("d/ts2s__basic__reversed_4.weights.h5").step > 0
    )
    status, _, err = run(*args, "--iter-num", 4)
    assert status == 1
    assert "ts2s__basic__reversed_5.weights.h5 exists" in err
    status, _, err = run("predict", *range(10), "-p", "reversed", "--data-dir", "d", "--iter-num", 5)
    assert (status, err) == (0, "Using weights d/ts2s__basic__reversed_5.weights.h5\n")
    status, _, err = run("predict", *range(10), "-p", "reversed", "--data-dir", "d", "--iter-num", 6)
    assert status == 1
    assert "expected a weights file, found none" in err


def test_going_on_from_a_file(run):
    save_random("w", step=40)
    status, out, err = run("train", 60, "-e", 1, "-i", "w", "-o", "v")
    assert status == 0, err
    assert "pattern 'reversed'" in out
    assert load("v").step == 41
    assert load("w").step == 40
    status, _, err = run("train", 60, "-e", 1, "-i", "none")
    assert status == 1
    assert "none: expected a weights file, found none" in err


def test_where_weights_cannot_be_saved_is_said_before_training(run):
    os.mkdir("d")
    os.mkfifo("pipe")
    for path, message in [
        ("d", "found a directory"),
        ("none/w", "there is no directory"),
        ("pipe", "found a device or pipe"),
        ("/dev/null", "found a device or pipe"),
    ]:
        status, out, err = run("train", 50, "-o", path)
        assert (status, out) == (1, "")
        assert message in err


def test_a_training_that_cannot_be_saved_is_kept_elsewhere(run, monkeypatch):
    os.mkdir("d")
    save = TrainedNetwork.save

    def full_disk(network, path, overwrite=True):
        if str(path) == "d/w":
            raise WeightsError(f"{path}: could not be written: No space left on device")
        save(network, path, overwrite)

    with monkeypatch.context() as patch:
        patch.setattr(TrainedNetwork, "save", full_disk)
        status, _, err = run("train", 60, "-e", 1, "-p", "reversed", *SMALL, "-o", "d/w")
    assert status == 1
    assert f"d/w: could not be written: No space left on device; the trained network is kept in {SNAPSHOT}" in err
    assert load(SNAPSHOT).step == 1
    status, _, err = run("train", "--resume", "-o", "d/w")
    assert status == 0, err
    assert load("d/w").step == 1
    assert os.listdir() == ["d"]


@pytest.mark.parametrize(
    ("noted", "options", "saved"),
    [
        ("d/noted", [], "d/noted"),
        ("d/noted", ["-o", "asked"], "asked"),
        (None, [], "ts2s__basic__reversed_1.weights.h5"),
        (None, ["-o", "asked"], "asked"),
    ],
)
def test_a_resumed_training_saves_where_its_snapshot_says_unless_told_otherwise(run, noted, options, saved):
    os.mkdir("d")
    config = TrainConfig(points=60, epochs=1)
    figures = Figures(2.0, 0.1, 0.0, 0.1, 0.0)
    progress = Progress(epoch=1)  # its last epoch is over, but a kill kept it from being saved
    destination = Destination(None, noted and os.path.abspath(noted), None)
    network = save_random(
        "w", step=1, trained=TrainingRun(config, 0), reached=figures, progress=progress, destination=destination
    )
    os.rename("w", SNAPSHOT)
    status, out, err = run("train", "--resume", *options)
    assert status == 0, err
    assert f"Resuming {SNAPSHOT}, epoch 2, step 1" in err
    assert out.endswith(f"Saved {os.path.abspath(saved) if saved == noted else saved}\n")
    assert largest_difference(load(saved), network) == 0
    assert (load(saved).progress, load(saved).destination, load(saved).trained) == (None, None, network.trained)
    left = [path for path in os.listdir() if path != "d"] + os.listdir("d")
    assert left == [os.path.basename(saved)]


@pytest.mark.slow
def test_no_bar_and_no_colour_where_nobody_looks(tmp_path):
    """On a terminal there is a bar; with NO_COLOR, or where standard output goes elsewhere, there is none."""
    command = f"{sys.executable} -m seq2seq_demo train 60 -e 1 -o w {' '.join(SMALL)}"
    shown = {}
    for name, line in {"terminal": command, "file": f"{command} > out", "no colour": f"NO_COLOR=1 {command}"}.items():
        done = subprocess.run(
            ["script", "-qec", line, "/dev/null"], capture_output=True, cwd=tmp_path, env=environment(), check=True
        )
        shown[name] = done.stdout
    assert b"Epoch 1/1" in shown["terminal"]
    assert b"\x1b[" in shown["terminal"]
    assert b"\x1b[" not in shown["file"] + shown["no colour"]
    assert b"Epoch 1/1: loss" in (tmp_path / "out").read_bytes()


@pytest.mark.slow
def test_a_home_that_cannot_be_written(shell, tmp_path):
    (tmp_path / "file").write_text("")
    done = shell("train", 60, "-e", 1, "-o", "gewichte ä", *SMALL, HOME=str(tmp_path / "file" / "home"))
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("Exact match")


@pytest.mark.slow
def test_two_trainings_at_once_keep_both(shell, tmp_path):
    with ThreadPoolExecutor() as pool:
        args = ["train", 60, "-e", 1, "-p", "reversed", *SMALL]
        done = list(pool.map(lambda seed: shell(*args, "--seed", seed), [1, 2]))
    assert [process.returncode for process in done] == [0, 0]
    assert sorted(os.listdir(tmp_path)) == [f"ts2s__basic__reversed_{n}.weights.h5" for n in (1, 2)]
    seeds = {load(path).trained.config.seed for path in tmp_path.iterdir()}
    assert seeds == {1, 2}


@pytest.mark.slow
@pytest.mark.parametrize(("reader", "said"), [("| head -1", ""), ("> /dev/full", "No space left on device")])
def test_a_training_goes_on_where_nobody_reads_its_report(tmp_path, reader, said):
    command = f"{sys.executable} -m seq2seq_demo train 3000 -e 3 -o w {' '.join(SMALL)} {reader}"
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, cwd=tmp_path, env=environment(), check=True
    )
    assert said in done.stderr
    assert done.stderr.count("\n") == 1 + bool(said)
    assert load(tmp_path / "w").trained.config.epochs == 3
    assert os.listdir(tmp_path) == ["w"]


def test_through_a_symbolic_link(run):
    os.mkdir("d")
    os.symlink("d/real", "link")
    status, _, err = run("train", 20, "-e", 0, "-o", "link")
    assert status == 0, err
    assert os.path.islink("link")
    assert load("d/real").task == "sorted"


def test_history(run):
    args = ["-p", "copy", "-e", 3, *SMALL, "--history", "h.json", "--history-plot", "h.svg", "-o", "w"]
    status, out, err = run("train", 200, *args)
    assert status == 0, err
    with open("h.json") as file:
        history = json.load(file)
    assert [epoch["epoch"] for epoch in history] == [1, 2, 3]
    last = next(line for line in out.splitlines() if line.startswith("Epoch 3/3"))
    assert f"validation loss {history[2]['validation_loss']:.4f}" in last
    assert history[2]["validation_exact_match"] == load("w").reached.exact_match
    assert os.path.exists("h.svg")
    os.mkdir("d")
    status, out, err = run("train", 200, "--history", "d")
    assert (status, out) == (1, "")
    assert "d: expected a place for the history, found a directory" in err


def test_what_a_converted_file_does_not_say_stays_unknown(run, reference_2016):
    shutil.copy(reference_2016 / "ts2s__attention__sorted_1.tfl", "old.tfl")
    for options, known in (
        ([], (None, None, None)),
        (["--in-len", 20, "--out-len", 20], (None, 20, 20)),
        (["-p", "sorted"], ("sorted", None, None)),
    ):
        assert run("train", "-i", "old.tfl", "-o", "new.h5", "-e", 0, *options)[0] == 0
        new = load("new.h5")
        assert (new.task, new.in_len, new.out_len) == known


@pytest.mark.slow
def test_a_file_of_2016_is_converted_and_trained_further(run, reference_2016):
    old = str(reference_2016 / "ts2s__attention__sorted_1.tfl")
    status, out, _ = run("train", "-i", old, "-o", "new.h5", "-e", 0)
    assert (status, out) == (0, "Saved new.h5\n")
    new, of_2016 = load("new.h5"), load(old)
    assert new.step == of_2016.step == 14080
    assert all((new.weights[name] == weight).all() for name, weight in of_2016.weights.items())
    assert all((new.moments[name] == moment).all() for name, moment in of_2016.moments.items())
    status, out, err = run("train", 300, "-i", old, "-o", "on.h5", "-e", 1, "--in-len", 20, "--out-len", 20)
    assert status == 0, err
    assert "with sources of 20 and targets of 20 symbols" in err
    assert load("on.h5").step == 14080 + 3
    accuracy = float(out.split("accuracy ")[1].split(";")[0])
    assert accuracy > 0.6  # though it never saw a 9; an untrained network is right by chance, 0.1


def test_a_data_dir_that_cannot_be_written_is_said_before_training(run, monkeypatch):
    os.mkdir("d")
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("d"))
    status, out, err = run("train", 50, "-p", "copy", "--data-dir", "d")
    assert (status, out) == (1, "")
    assert "d/ts2s__basic__copy_1.weights.h5: expected a place for a weights file, but " in err
