import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import pytest
from helpers import DEMO, PROGRAM, REAL_PROGRAM, SMALL, environment, largest_difference, line_of, save_random
from hostile import with_checksum

from seq2seq_demo.commands.options import TrainOptions
from seq2seq_demo.commands.start import start_of_training
from seq2seq_demo.commands.train import _snapshots
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import task_of_rows
from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.errors import WeightsError
from seq2seq_demo.figures import EpochFigures, Figures
from seq2seq_demo.files import access, destinations, weights_file
from seq2seq_demo.files.destinations import Destination
from seq2seq_demo.files.weights_file import DataFingerprint, Progress, Snapshot, StoredNetwork, TrainingRun
from seq2seq_demo.trained_network import TrainedNetwork, load
from seq2seq_demo.training.snapshots import Interruption, training_id

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
def test_the_same_command_writes_the_same_file(tmp_path):
    """Whatever Python's seed of hashes is: that of the real program is another one."""
    argv = ["train", "200", "-e", "1", "-m", "embedding_attention", *SMALL, "--seed", "5"]
    for name, program in (("a", PROGRAM), ("b", REAL_PROGRAM)):
        subprocess.run([*program, *argv, "-o", name], cwd=tmp_path, env=environment(), capture_output=True, check=True)
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
    assert "none: expected a weights file or a name that `networks` lists, found neither" in err


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


def finished_snapshot(path=SNAPSHOT, fingerprint=None, task="reversed", ends=False, **changes):
    """The snapshot of a training whose last epoch is over, but which a kill kept from being saved."""
    config = TrainConfig(**{"points": 60, "epochs": 1} | changes)
    figures = Figures(2.0, 0.1, 0.0, 0.1, 0.0)
    progress = Progress(epoch=1, history=(EpochFigures(1, 1, 2.0, 0.1, figures),))
    about = {"step": 1, "task": task, "trained": TrainingRun(config, 0), "reached": figures}
    network = save_random(path, ModelConfig(ends=ends), **about)
    snapshot = Snapshot(network, progress, fingerprint or DataFingerprint())
    Path(path).write_bytes(weights_file.to_bytes(snapshot))
    return snapshot


@pytest.mark.parametrize(
    ("noted", "options", "saved"),
    [
        (Destination(Path("d/noted"), True), [], "d/noted"),
        (Destination(Path("d/noted"), True), ["-o", "asked"], "asked"),
        (Destination(), [], "ts2s__basic__reversed_1.weights.h5"),
        (None, [], "ts2s__basic__reversed_1.weights.h5"),
        (None, ["-o", "asked"], "asked"),
    ],
)
def test_a_resumed_training_saves_where_its_user_noted_unless_told_otherwise(run, noted, options, saved):
    os.mkdir("d")
    snapshot = finished_snapshot()
    if noted:
        destinations.note(Path(SNAPSHOT), training_id(snapshot), noted)
    status, out, err = run("train", "--resume", *options)
    assert status == 0, err
    assert f"Resuming {SNAPSHOT}, epoch 2, step 1" in err
    assert ("is not known here" in err) == (noted is None and not options)
    assert out.endswith(f"Saved {os.path.abspath(saved) if saved == 'd/noted' else saved}\n")
    assert largest_difference(load(saved), snapshot.network) == 0
    assert isinstance(weights_file.read(Path(saved)), StoredNetwork)
    assert load(saved).trained == snapshot.network.trained
    left = [path for path in os.listdir() if path != "d"] + os.listdir("d")
    assert left == [os.path.basename(saved)]
    assert destinations.noted(Path(SNAPSHOT), training_id(snapshot)) is None


def test_a_snapshot_does_not_say_where_it_is_written_to(run, tmp_path):
    """Those of earlier versions did."""
    os.mkdir("d")
    finished_snapshot("w")
    with h5py.File("w", "r+") as file:
        training = json.loads(file.attrs["training"])
        training["trained"] |= {"output": f"{tmp_path}/d/planted", "name": "../../d/planted", "data": None}
        file.attrs["training"] = json.dumps(training)
    content = with_checksum(Path("w").read_bytes()[512:])
    os.remove("w")
    Path("s2s_checkpoint__x__reversed_1.weights.h5").write_bytes(content)
    Path("s2s_checkpoint__x\x1b[2J__reversed_1.weights.h5").write_bytes(content)  # could act, and is passed over
    status, out, err = run("train", "--resume")
    assert status == 0, err
    assert out.endswith("Saved ts2s__x__reversed_1.weights.h5\n")
    assert "\x1b" not in out + err
    assert os.listdir("d") == []


def test_a_snapshot_in_use_is_not_resumed(run):
    finished_snapshot()
    with access.open_locked(Path(SNAPSHOT), "a snapshot"):
        for options in ([], [60]):
            status, out, err = run("train", "--resume", *options)
            assert (status, out) == (1, "")
            assert f"{SNAPSHOT}: expected the snapshot of a training that stopped, but this one is still being" in err
        finished_snapshot(SNAPSHOT.replace("basic", "other"), points=70)
        status, out, err = run("train", "--resume")
        assert status == 0, err
        assert f"Resuming {SNAPSHOT.replace('basic', 'other')}" in err
    assert os.path.exists(SNAPSHOT)


def test_a_damaged_snapshot_or_weights_file_does_not_keep_others_from_being_found(run):
    finished_snapshot()
    for name in (SNAPSHOT, "ts2s__basic__reversed_1.weights.h5"):
        with open(name.replace("_1.", "_7."), "w"):
            pass
        os.symlink("nothing", name.replace("_1.", "_8."))
        os.mkdir(name.replace("_1.", "_9."))
    status, _, err = run("train", "--resume")
    assert status == 0, err
    skipped = SNAPSHOT.replace("_1.", "_7.")
    assert f"Skipping {skipped}: expected a weights file, of this program or of 2016, found something else\n" in err
    os.utime("ts2s__basic__reversed_7.weights.h5", (2**32, 2**32))  # the newest
    status, _, err = run("predict", *range(10), "-p", "reversed")
    assert status == 0, err
    assert "Skipping ts2s__basic__reversed_7.weights.h5: " in err
    assert "Using weights ts2s__basic__reversed_10.weights.h5\n" in err


@pytest.mark.slow
def test_resume_without_a_snapshot_starts_afresh_where_the_options_say_what_to_train(run):
    status, out, err = run("train", "--resume", 60, "-e", 1, "-p", "reversed", *SMALL, "-o", "w")
    assert status == 0, err
    assert err.startswith("No snapshot in .: starting afresh\n")
    assert load("w").step == 1
    status, out, err = run("train", "--resume", "-o", "w")
    assert (status, out) == (1, "")
    assert "expected a snapshot to resume from, found none" in err


def test_a_pattern_or_pairs_that_are_others_than_before_are_not_trained_on(run):
    Path("mine.py").write_text("def f(sources):\n    return sources[:, ::-1]\n")
    pattern = find_pattern("mine.py:f")
    config = TrainConfig(points=60, epochs=1)
    name = SNAPSHOT.replace("reversed", "mine.f")
    fingerprint = DataFingerprint(None, pattern.fingerprint(config, ModelConfig()))
    finished_snapshot(name, fingerprint, task="mine:f")
    Path("mine.py").write_text("def f(sources):\n    return sources[:, ::+1]\n")
    status, out, err = run("train", "--resume", "-p", "mine.py:f", "-o", "w")
    assert (status, out) == (2, "")
    assert f"{name}: pattern 'mine:f' makes other targets than when its training began" in err
    Path("mine.py").write_text("def f(sources):\n    # as before\n    return sources[:, ::-1]\n")
    assert run("train", "--resume", "-p", "mine.py:f", "-o", "w")[0] == 0


def test_iterations_that_are_made_at_the_same_time_are_both_kept(run, monkeypatch):
    """Whether while this one trains, or while it waits to be resumed."""
    name = "ts2s__basic__reversed_{}.weights.h5"
    save_random(name.format(1))
    save = TrainedNetwork.save

    def late(network, path, overwrite=True):
        if str(path) == name.format(2):
            monkeypatch.setattr(TrainedNetwork, "save", save)
            save_random(path, task="copy")
        save(network, path, overwrite)

    monkeypatch.setattr(TrainedNetwork, "save", late)
    status, out, err = run("train", "-e", 0, "--iter-num", 1, "-p", "reversed")
    assert (status, out) == (0, f"Saved {name.format(3)}\n"), err
    assert f"{name.format(2)} was made by another training meanwhile: saving under the next unused name" in err
    assert load(name.format(2)).task == "copy"
    destinations.note(Path(SNAPSHOT), training_id(finished_snapshot()), Destination(Path(name.format(3))))
    status, out, err = run("train", "--resume")
    assert status == 0, err
    assert out.endswith(f"Saved {name.format(4)}\n")


def test_files_that_must_not_be_written_over_one_another(run):
    finished_snapshot()
    save_random("w")
    Path("pairs.jsonl").write_text('{"input": [1, 2], "output": [2, 1]}\n' * 4)
    Path("mine.py").write_text("def f(sources):\n    return sources\n")
    os.link("pairs.jsonl", "same.jsonl")
    os.symlink(SNAPSHOT, "link")
    before = {name: Path(name).read_bytes() for name in os.listdir()}
    pairs = ["--from-file", "pairs.jsonl"]
    for options, expected in [
        ([*pairs, "-o", "same.jsonl"], "--from-file and -o to be different files, got pairs.jsonl twice"),
        ([*pairs, "--history", "./pairs.jsonl"], "--from-file and --history to be different files"),
        (["50", "-p", "mine.py:f", "-o", "mine.py"], "-p and -o to be different files"),
        (["50", "-i", "w", "--history", "w"], "-i and --history to be different files"),
        (["50", "-o", "new", "--history", "new"], "-o and --history to be different files"),
        (["50", "--history-plot", "a.png", "--history", "a.png"], "--history and --history-plot to be different files"),
        (["--resume", "-o", SNAPSHOT], "-o to name no snapshot"),
        (["--resume", "-o", "link"], "-o to name no snapshot"),
        (["50", "-o", "s2s_checkpoint__a__b_1.weights.h5"], "-o to name no snapshot"),
        (["--resume", "-i", "w"], "-i/--input-weights or --resume, got both"),
    ]:
        status, out, err = run("train", *options)
        assert (status, out) == (2, ""), (options, err)
        assert err.startswith(f"seq2seq-demo: error: expected {expected}"), err
    assert {name: Path(name).read_bytes() for name in os.listdir()} == before
    assert run("train", "-e", 0, "-i", "w", "-o", "w")[0] == 0


def test_long_names_are_shortened_before_training(run):
    function = "f" * 200
    Path("mine.py").write_text(f"def {function}(sources):\n    return sources\n")
    for _ in range(2):
        status, out, err = run("train", "-e", 0, "-p", f"mine.py:{function}", "-n", "ü" * 50, *SMALL)
        assert status == 0, err
    assert len(list(Path().glob("ts2s__*~*_[12].weights.h5"))) == 2
    status, _, err = run("predict", *range(10), "-p", f"mine.py:{function}", "-n", "ü" * 50)
    assert status == 0, err
    assert out.split("Saved ")[1].strip() in err


@pytest.mark.parametrize("file_name", ["my__pairs.jsonl", "_pairs_.jsonl", "my\npairs.jsonl", "a\x1b[2Jb.jsonl"])
def test_names_of_data_that_hold_what_separates_names(run, file_name):
    Path(file_name).write_text('{"input": [1, 2], "output": [2, 1]}\n' * 4)
    saved = [run("train", "--from-file", file_name, "-e", 0, *SMALL)[1] for _ in range(2)]
    assert [line[-14:] for line in saved] == ["_1.weights.h5\n", "_2.weights.h5\n"]
    assert all(line.count("\n") == 1 and "\x1b" not in line for line in saved)
    status, _, err = run("predict", 1, 2)
    assert status == 0, err
    assert saved[1].split()[1] in err


@pytest.mark.slow
def test_no_bar_and_no_colour_where_nobody_looks(tmp_path):
    """On a terminal there is a bar; with NO_COLOR, or where standard output goes elsewhere, there is none."""
    command = f"{DEMO} train 60 -e 1 -o w {' '.join(SMALL)}"
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
    command = f"{DEMO} train 3000 -e 3 -o w {' '.join(SMALL)} {reader}"
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


def test_somebodys_data_are_not_replaced_by_weights(run):
    for name, content in {"test.tsv": b"a\tb\n", "mine.py": b"x = 1\n" * 200, "p.html": b"<p>"}.items():
        with open(name, "wb") as file:
            file.write(content)
        status, out, err = run("train", 50, "-e", 0, *SMALL, "-o", name)
        assert (status, out) == (1, "")
        assert err.endswith(f"{name}: expected a new file or one of weights for -o, found another kind of file\n")
        with open(name, "rb") as file:
            assert file.read() == content
    open("empty", "wb").close()  # as `mktemp` makes one
    for _ in range(2):
        assert run("train", 50, "-e", 0, *SMALL, "-o", "empty")[0] == 0


def test_a_file_of_2016_is_not_replaced_by_what_it_begins(run, reference_2016):
    shutil.copy(reference_2016 / "ts2s__attention__sorted_1.tfl", "old.tfl")
    os.symlink("old.tfl", "link.h5")
    for output in ("old.tfl", "./old.tfl", "link.h5"):
        status, out, err = run("train", "-i", "old.tfl", "-o", output, "-e", 0)
        assert (status, out) == (2, "")
        assert "expected -o to be another file than the checkpoint of 2016 to start from, got" in err
    assert os.path.getsize("old.tfl") == os.path.getsize(reference_2016 / "ts2s__attention__sorted_1.tfl")
    assert run("train", "-i", "old.tfl", "-o", "new.h5", "-e", 0)[0] == 0
    assert run("train", "-i", "new.h5", "-o", "new.h5", "-e", 0)[0] == 0


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


def test_a_history_replaces_nothing_but_a_history(run):
    save_random("w")
    Path("mine.py").write_text("def f(sources):\n    return sources\n")
    Path("old.json").write_text("[]\n")
    for name in ("w", "mine.py"):
        before = Path(name).read_bytes()
        status, _, err = run("train", 60, "-e", 1, *SMALL, "--history", name)
        assert (status, err) == (
            1,
            f"seq2seq-demo: error: {name}: expected a place for the history, found another kind of file\n",
        )
        assert Path(name).read_bytes() == before
    assert run("train", 60, "-e", 0, *SMALL, "--history", "old.json")[0] == 0


def test_the_snapshot_of_the_same_data_is_found_below_a_newer_one(run):
    lines = ['{"input": [1, 2], "output": [2, 1]}\n'] * 4 + ['{"input": [3, 3], "output": [3, 3]}\n']
    Path("pairs.jsonl").write_text("".join(lines))
    Path("other.jsonl").write_text("".join(reversed(lines)))
    for name in ("other", "pairs"):
        file = f"{name}.jsonl"
        pairs = [(row["input"], row["output"]) for row in map(json.loads, Path(file).read_text().splitlines())]
        digest = task_of_rows(pairs).digest
        path = f"s2s_checkpoint__basic__{file}_1.weights.h5"
        lengths = {"in_len": 2, "min_in_len": 2, "out_len": 2}
        finished_snapshot(path, DataFingerprint(digest, digest), file, ends=True, points=5, **lengths)
        os.utime(path, (2**32, 2**32) if name == "other" else (1, 1))
    finished_snapshot()
    status, _, err = run("train", "--resume", "--from-file", "pairs.jsonl", "-n", "basic")
    assert status == 0, err
    assert "Resuming s2s_checkpoint__basic__pairs.jsonl_1.weights.h5" in err
    status, _, err = run("train", "--resume")
    assert status == 0, err
    assert f"Resuming {SNAPSHOT}" in err


def test_another_place_to_save_is_noted_for_the_next_time(run):
    destinations.note(Path(SNAPSHOT), training_id(finished_snapshot()), Destination(Path("first").absolute()))
    start = start_of_training(TrainOptions(resume=True, output=Path("second")))
    with start.lock, _snapshots(start, TrainOptions(resume=True), Interruption()):
        noted = destinations.noted(Path(SNAPSHOT), training_id(start.snapshot))
    assert noted.output == Path("second").absolute()
    assert destinations.noted(Path(SNAPSHOT), training_id(finished_snapshot(seed=7))) is None


def test_a_directory_that_is_removed(run, monkeypatch):
    os.mkdir("gone")
    monkeypatch.chdir("gone")
    os.rmdir(os.getcwd())
    status, _, err = run("train", 60, "-e", 0, *SMALL, "-o", "w")
    assert (status, err.count("\n")) == (1, 1)
    assert err.endswith("expected to run in a directory, but this one was removed\n")
