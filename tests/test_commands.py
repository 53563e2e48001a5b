import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import random_weights
from test_cli import imported

from seq2seq_demo import weights
from seq2seq_demo.config import ModelConfig
from seq2seq_demo.numpy_decoder import NumpyNetwork
from seq2seq_demo.parameters import TrainedNetwork

SMALL = ["--cell-size", "7", "--embedding-size", "5"]


def untrained(path, **changes):
    """Save a network of random weights that claims to reverse 10 symbols."""
    model = changes.pop("model", ModelConfig())
    values = {"pattern": "reversed", "in_len": 10, "out_len": 10} | changes
    network = TrainedNetwork(model, random_weights(model), **values)
    weights.save(network, path)
    return network


def line_of(network, source, expected, out_len=10):
    predicted = NumpyNetwork(network.model, network.weights).decode(np.array([source]), out_len).symbols[0]
    return f"==> For input {source}, prediction=[{' '.join(map(str, predicted))}] (expected=[{expected}])\n"


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

    network = weights.load("w.tfl")
    status, out, err = run("-i", "w.tfl", "predict", *range(10))
    assert (status, err) == (0, "Using weights w.tfl\n")
    assert out == line_of(network, list(range(10)), "9 8 7 6 5 4 3 2 1 0")
    source = [k % 10 for k in range(20)]
    status, out, err = run("predict", *source, "-i", "w.tfl", "-m", model, "--in-len", 20, "--out-len", 8)
    assert status == 0, err
    assert out == line_of(network, source, "9 8 7 6 5 4 3 2", out_len=8)


def test_both_engines_print_the_same(run):
    untrained("w", model=ModelConfig("embedding_attention"))
    sources = np.random.default_rng(1).integers(0, 10, (5, 10)).tolist()
    with open("in.json", "w") as file:
        json.dump(sources, file)
    numpy = run("predict", "-i", "w", "--from-file", "in.json")
    keras = run("predict", "-i", "w", "--from-file", "in.json", "--engine", "keras")
    assert numpy == keras
    assert numpy[0] == 0
    assert numpy[1].count("\n") == 5


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


def test_a_series_of_iterations(run):
    args = ["train", 60, "-e", 1, "-p", "reversed", "--data-dir", "d", *SMALL]
    os.mkdir("d")
    status, out, err = run(*args, "--iter-num", 3)
    assert status == 0, err
    assert "No d/ts2s__basic__reversed_3.weights.h5: starting afresh" in err
    assert "Saved d/ts2s__basic__reversed_4.weights.h5" in out
    status, out, err = run(*args, "--iter-num", 4)
    assert "Going on from d/ts2s__basic__reversed_4.weights.h5" in err
    assert (
        weights.load("d/ts2s__basic__reversed_5.weights.h5").step
        == 2 * weights.load("d/ts2s__basic__reversed_4.weights.h5").step
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
    untrained("w", step=40)
    status, out, err = run("train", 60, "-e", 1, "-i", "w", "-o", "v")
    assert status == 0, err
    assert "pattern 'reversed'" in out
    assert weights.load("v").step == 41
    assert weights.load("w").step == 40
    status, _, err = run("train", 60, "-e", 1, "-i", "none")
    assert status == 1
    assert "none: expected a weights file, found none" in err


def test_which_weights_predict_takes(run):
    for n, (name, pattern, model) in enumerate(
        [
            ("basic", "reversed", "embedding_attention"),
            ("basic", "reversed", "embedding_rnn"),
            ("mine", "maxmin_dup", "embedding_rnn"),
        ]
    ):
        path = f"ts2s__{name}__{pattern}_{n + 1}.weights.h5"
        untrained(path, pattern=pattern, model=ModelConfig(model))
        os.utime(path, (n, n))

    def used(*options):
        status, _, err = run("predict", *range(10), *options)
        assert status == 0, err
        return err.removeprefix("Using weights ").strip()

    assert used() == "ts2s__mine__maxmin_dup_3.weights.h5"
    assert used("-p", "reversed") == "ts2s__basic__reversed_2.weights.h5"
    assert used("-m", "embedding_attention") == "ts2s__basic__reversed_1.weights.h5"
    assert used("-n", "basic") == "ts2s__basic__reversed_2.weights.h5"
    shipped = "trained_weights/ts2s__{}__sorted_1.weights.h5, as none in . fit"
    assert used("-p", "sorted").endswith(shipped.format("embedding_rnn"))
    assert used("-p", "sorted", "-m", "embedding_attention").endswith(shipped.format("embedding_attention"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-p", "sorted"], "w has pattern reversed, but the options ask for sorted"),
        (["-m", "embedding_attention"], "w has model embedding_rnn, but the options ask for embedding_attention"),
        (["--cell-size", 31], "w has cell-size 32, but the options ask for 31"),
        (["--out-max-int", 8], "w has out-max-int 9, but the options ask for 8"),
    ],
)
def test_an_option_that_contradicts_the_file(run, options, message):
    untrained("w")
    for command in (["predict", *range(10)], ["train", 50, "-o", "v"]):
        status, out, err = run(*command, "-i", "w", *options)
        assert (status, out) == (2, "")
        assert message in err
    assert not os.path.exists("v")


@pytest.mark.parametrize(
    ("values", "status", "message"),
    [
        ([1, 2, 3], 1, "expected 10 integers, got 3; for sequences of that length give --in-len 3\n"),
        ([*range(9), 10], 1, "expected integers from 0 to 9, got 10"),
        ([*range(9), -1], 1, "expected integers from 0 to 9, got -1"),
        ([*range(9), "1.5"], 1, "input 10: expected an integer, got '1.5'"),
        ([*range(10), "--out-len", 11], 2, "--out-len can be at most 10, got 11"),
    ],
)
def test_input_that_the_network_cannot_read(run, values, status, message):
    untrained("w")
    got, out, err = run("predict", "-i", "w", *values)
    assert (got, out) == (status, "")
    assert message in err
    assert err.count("\n") == 1


def test_nothing_good_is_lost_before_a_bad_sequence(run):
    network = untrained("w")
    good = list(range(10))
    with open("in.jsonl", "w") as file:
        file.write(f"{good}\n{good}\n[1]\n{good}\n")
    status, out, err = run("predict", "-i", "w", "--from-file", "in.jsonl")
    assert status == 1
    assert out == 2 * line_of(network, good, "9 8 7 6 5 4 3 2 1 0")
    assert "in.jsonl, line 3: expected 10 integers, got 1" in err


def test_keep_going_skips_what_is_wrong(run):
    network = untrained("w")
    good = list(range(10))
    with open("in.jsonl", "w") as file:
        file.write(f"{good}\n[1]\nnonsense\n{good}\n[0, 1, 2, 3, 4, 5, 6, 7, 8, true]\n{good}\n")
    status, out, err = run("predict", "-i", "w", "--from-file", "in.jsonl", "--keep-going")
    assert status == 1
    assert out == 3 * line_of(network, good, "9 8 7 6 5 4 3 2 1 0")
    assert [line.split(":")[0] for line in err.splitlines()[:3]] == [f"in.jsonl, line {n}" for n in (2, 3, 5)]
    assert err.endswith("expected sequences that the network can read, skipped 3 that are not\n")


def test_standard_input_and_a_large_file(shell, tmp_path):
    network = untrained(tmp_path / "w")
    sources = np.random.default_rng(1).integers(0, 10, (3500, 10)).tolist()
    done = shell("predict", "-i", "w", "--from-file", "-", stdin="".join(f"{source}\n" for source in sources))
    assert done.returncode == 0
    lines = done.stdout.splitlines(keepends=True)
    assert len(lines) == 3500
    for n in (0, 999, 1000, 3499):
        assert lines[n] == line_of(network, sources[n], " ".join(map(str, sources[n][::-1])))


def test_a_pipe_that_closes_early_ends_quietly(shell, tmp_path):
    untrained(tmp_path / "w")
    (tmp_path / "in.jsonl").write_text(f"{list(range(10))}\n" * 5000)
    command = f"{sys.executable} -m seq2seq_demo predict -i w --from-file in.jsonl | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.count("\n") == 1
    assert done.stderr == "Using weights w\n"


def test_predict_imports_neither_tensorflow_nor_keras(tmp_path):
    untrained(tmp_path / "w")
    assert imported(["predict", "-i", str(tmp_path / "w"), *map(str, range(10))], "tensorflow", "keras") == []


def test_a_pattern_that_is_not_known_here_expects_nothing(run):
    untrained("w", pattern="my.module:function")
    status, out, _ = run("predict", "-i", "w", *range(10))
    assert status == 0
    assert "prediction=" in out
    assert "expected" not in out


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
    save = weights.save

    def full_disk(network, path, overwrite=True):
        if str(path) == "d/w":
            raise weights.WeightsError(f"{path}: could not be written: No space left on device")
        save(network, path, overwrite)

    with monkeypatch.context() as patch:
        patch.setattr(weights, "save", full_disk)
        status, _, err = run("train", 60, "-e", 1, "-p", "reversed", *SMALL, "-o", "d/w")
    assert status == 1
    kept = "s2s_checkpoint__basic__reversed_1.weights.h5"
    assert f"d/w: could not be written: No space left on device; the trained network is kept in {kept}" in err
    assert weights.load(kept).step == 1
    status, _, err = run("train", "--resume", "-o", "d/w")
    assert status == 0, err
    assert weights.load("d/w").step == 1
    assert os.listdir() == ["d"]


def test_no_bar_and_no_colour_where_nobody_looks(tmp_path):
    """On a terminal there is a bar; with NO_COLOR, or where standard output goes elsewhere, there is none."""
    command = f"{sys.executable} -m seq2seq_demo train 60 -e 1 -o w {' '.join(SMALL)}"
    shown = {}
    for name, line in {"terminal": command, "file": f"{command} > out", "no colour": f"NO_COLOR=1 {command}"}.items():
        done = subprocess.run(["script", "-qec", line, "/dev/null"], capture_output=True, cwd=tmp_path, check=True)
        shown[name] = done.stdout
    assert b"Epoch 1/1" in shown["terminal"]
    assert b"\x1b[" in shown["terminal"]
    assert b"\x1b[" not in shown["file"] + shown["no colour"]
    assert b"Epoch 1/1: loss" in (tmp_path / "out").read_bytes()


def test_a_home_that_cannot_be_written(shell, tmp_path):
    (tmp_path / "file").write_text("")
    done = shell("train", 60, "-e", 1, "-o", "gewichte ä", *SMALL, HOME=str(tmp_path / "file" / "home"))
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("Exact match")


def test_two_trainings_at_once_keep_both(shell, tmp_path):
    with ThreadPoolExecutor() as pool:
        args = ["train", 60, "-e", 1, "-p", "reversed", *SMALL]
        done = list(pool.map(lambda seed: shell(*args, "--seed", seed), [1, 2]))
    assert [process.returncode for process in done] == [0, 0]
    assert sorted(os.listdir(tmp_path)) == [f"ts2s__basic__reversed_{n}.weights.h5" for n in (1, 2)]
    seeds = {weights.load(path).trained["seed"] for path in tmp_path.iterdir()}
    assert seeds == {1, 2}


@pytest.mark.parametrize("model", ["LSTMCell", "BasicLSTMCell"])
def test_two_names_of_one_cell_do_not_contradict_each_other(run, model):
    untrained("w", model=ModelConfig(cell_type=model))
    for name in ("LSTMCell", "BasicLSTMCell"):
        assert run("predict", "-i", "w", *range(10), "--cell-type", name)[0] == 0


@pytest.mark.parametrize(("reader", "said"), [("| head -1", ""), ("> /dev/full", "No space left on device")])
def test_a_training_goes_on_where_nobody_reads_its_report(tmp_path, reader, said):
    command = f"{sys.executable} -m seq2seq_demo train 3000 -e 3 -o w {' '.join(SMALL)} {reader}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert said in done.stderr
    assert done.stderr.count("\n") == 1 + bool(said)
    assert weights.load(tmp_path / "w").trained["epochs"] == 3
    assert os.listdir(tmp_path) == ["w"]


def test_through_a_symbolic_link(run):
    os.mkdir("d")
    os.symlink("d/real", "link")
    status, _, err = run("train", 20, "-e", 0, "-o", "link")
    assert status == 0, err
    assert os.path.islink("link")
    assert weights.load("d/real").pattern == "sorted"


def test_files_of_2016_are_found_by_their_names(run, reference_2016):
    shutil.copy(reference_2016 / "ts2s__attention__sorted_1.tfl", ".")
    numbers = [9, 8, 7, 6, 5, 4, 3, 2, 1, 2, 5, 1, 8, 7, 7, 3, 9, 1, 4, 6]
    readme_of_2016 = (
        "==> For input [9, 8, 7, 6, 5, 4, 3, 2, 1, 2, 5, 1, 8, 7, 7, 3, 9, 1, 4, 6], "
        "prediction=[1 1 1 2 2 3 3 4 4 5 5 6 6 7 7 7 7 8 8 8] (expected=[1 1 1 2 2 3 3 4 4 5 5 6 6 7 7 7 8 8 9 9])\n"
    )
    asked = ["-p", "sorted", "--in-len=20", "--out-len=20", "-m", "embedding_attention"]
    for options in (
        ["-i", "ts2s__attention__sorted_1.tfl", *asked],
        ["-i", "ts2s__attention__sorted_1.tfl"],
        ["-n", "attention", "--iter-num", "1", *asked],
        [],
    ):
        status, out, err = run(*options, "predict", *numbers)
        assert (status, out) == (0, readme_of_2016)
        assert "Using weights ts2s__attention__sorted_1.tfl\nInferred from the file: embedding_attention, 1 x " in err


def test_what_a_converted_file_does_not_say_stays_unknown(run, reference_2016):
    shutil.copy(reference_2016 / "ts2s__attention__sorted_1.tfl", "old.tfl")
    for options, known in (
        ([], (None, None, None)),
        (["--in-len", 20, "--out-len", 20], (None, 20, 20)),
        (["-p", "sorted"], ("sorted", None, None)),
    ):
        assert run("train", "-i", "old.tfl", "-o", "new.h5", "-e", 0, *options)[0] == 0
        new = weights.load("new.h5")
        assert (new.pattern, new.in_len, new.out_len) == known


def test_a_file_of_2016_is_converted_and_trained_further(run, reference_2016):
    old = str(reference_2016 / "ts2s__attention__sorted_1.tfl")
    status, out, _ = run("train", "-i", old, "-o", "new.h5", "-e", 0)
    assert (status, out) == (0, "Saved new.h5\n")
    new, of_2016 = weights.load("new.h5"), weights.load(old)
    assert new.step == of_2016.step == 14080
    assert all((new.weights[name] == weight).all() for name, weight in of_2016.weights.items())
    assert all((new.moments[name] == moment).all() for name, moment in of_2016.moments.items())
    status, out, err = run("train", 300, "-i", old, "-o", "on.h5", "-e", 1, "--in-len", 20, "--out-len", 20)
    assert status == 0, err
    assert "with sources of 20 and targets of 20 symbols" in err
    assert weights.load("on.h5").step == 14080 + 3
    accuracy = float(out.split("accuracy ")[1].split(";")[0])
    assert accuracy > 0.6  # though it never saw a 9; an untrained network is right by chance, 0.1


def test_tracebacks_only_below_v_v(run):
    with open("w", "w") as file:
        file.write("no weights")
    for flags, traceback in ([], False), (["-v"], False), (["-v", "-v"], True):
        status, _, err = run("predict", 1, "-i", "w", *flags)
        assert status == 1
        assert ("Traceback" in err) == traceback
        assert "expected a weights file" in err.splitlines()[-1]
