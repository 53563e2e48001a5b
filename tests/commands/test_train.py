import json
import os
import shutil
import subprocess
from pathlib import Path

import h5py
import pytest
from helpers import (
    DEMO,
    PROGRAM,
    REAL_PROGRAM,
    SMALL,
    SNAPSHOT,
    environment,
    finished_snapshot,
    largest_difference,
    line_of,
    save_random,
)
from hostile import with_checksum

from seq2seq_demo.cli.parser import parse
from seq2seq_demo.commands import train as commands_train
from seq2seq_demo.commands.options import TrainOptions
from seq2seq_demo.commands.train import _snapshots
from seq2seq_demo.commands.training_setup import set_up_training
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import pair_task_from_rows
from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.errors import WeightsError
from seq2seq_demo.files import atomic_files, resume_notes, weights_file
from seq2seq_demo.files.resume_notes import Destination
from seq2seq_demo.files.weights_file import DataFingerprint, StoredNetwork, TrainingRun
from seq2seq_demo.trained_network import load
from seq2seq_demo.training.snapshots import SignalHandler, training_id


@pytest.mark.parametrize("model", ["embedding_rnn", pytest.param("embedding_attention", marks=pytest.mark.slow)])
def test_train_save_load_predict_at_other_lengths(run, model):
    out, err = run.ok(f"-m {model} -p reversed train 300 -e 2 -o w.tfl -v -v", *SMALL)
    lines = out.splitlines()
    assert lines[0] == "Training on 300 point dataset (pattern 'reversed'), with 2 epochs"
    parameters = json.loads(out[out.index("{") : out.index("}") + 1])
    assert (parameters["model"], parameters["cell_size"], parameters["learning_rate"]) == (model, 7, 1e-4)
    assert "270 training points, 30 validation points" in lines
    assert [line.split(":")[0] for line in lines if line.startswith("Epoch")] == ["Epoch 1/2", "Epoch 2/2"]
    for figure in ("loss", "accuracy", "validation loss", "forced", "free-running", "exact match"):
        assert figure in lines[-3]
    assert lines[-4].partition(", prediction")[0] == lines[-2].partition(", prediction")[0]  # the same probe
    assert lines[-1] == "Saved w.tfl"
    assert err.splitlines()[-1].startswith("Exact match 0.0000 is below 0.99. To improve it, try ")

    network = load("w.tfl")
    status, out, err = run("-i w.tfl predict 0 1 2 3 4 5 6 7 8 9")
    assert (status, err) == (0, "Using weights w.tfl\n")
    assert out == line_of(network, list(range(10)), "9 8 7 6 5 4 3 2 1 0")
    source = [k % 10 for k in range(20)]
    out, err = run.ok("predict", *source, "-i", "w.tfl", "-m", model, "--in-len", 20, "--out-len", 8)
    assert out == line_of(network, source, "9 8 7 6 5 4 3 2", out_len=8)


@pytest.mark.slow
def test_the_same_command_writes_the_same_file(tmp_path):
    """The file does not depend on Python's hash seed, which differs between the two programs."""
    argv = ["train", "200", "-e", "1", "-m", "embedding_attention", *SMALL, "--seed", "5"]
    for name, program in (("a", PROGRAM), ("b", REAL_PROGRAM)):
        subprocess.run([*program, *argv, "-o", name], cwd=tmp_path, env=environment(), capture_output=True, check=True)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.slow
def test_iterations_continue_from_the_previous_weights(run, fast_steps):
    train = ["train 60 -e 1 -p reversed --data-dir d", *SMALL, "--iter-num"]
    predict = "predict 0 1 2 3 4 5 6 7 8 9 -p reversed --data-dir d --iter-num"
    path = "d/ts2s__basic__reversed_{}.weights.h5".format
    os.mkdir("d")
    out, err = run.ok(*train, 3)
    assert f"Found no {path(3)}: starting from fresh weights" in err
    assert f"Saved {path(4)}" in out
    assert f"Continuing from {path(4)}" in run.ok(*train, 4)[1]
    assert load(path(5)).step == 2 * load(path(4)).step > 0
    assert load(path(5)).moments_since == 0
    err = run.ok("train 60 -e 1 --no-optimizer -o small.h5 -i", path(4))[1]
    assert "Adam's moments start at zero" not in err
    assert load("small.h5").moments == {}
    assert (
        "; the file has no state of the optimiser, so Adam's moments start at zero"
        in run.ok("train 60 -e 1 -o further.h5 -i small.h5")[1]
    )
    further = load("further.h5")
    assert further.step - further.moments_since == load(path(4)).step
    run.refuses([*train, 4], "ts2s__basic__reversed_5.weights.h5 exists", 1)
    assert run.ok(f"{predict} 5")[1] == f"Using weights {path(5)}\n"
    run.refuses(f"{predict} 6", "expected a weights file, found none", 1)


def test_unusable_destinations_are_refused_before_training(run, monkeypatch):
    os.mkdir("d")
    run.refuses("train 50 -o d", "d: expected a place for a weights file, found a directory", 1)
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("d"))
    message = "d/ts2s__basic__copy_1.weights.h5: expected a place for a weights file, but "
    run.refuses("train 50 -p copy --data-dir d", message, 1)


@pytest.mark.slow
def test_a_failed_save_keeps_the_snapshot(run, monkeypatch, fast_steps):
    os.mkdir("d")
    write = weights_file.write

    def full_disk(network, path, *how):
        if str(path).startswith("d/"):
            raise WeightsError(f"{path}: could not be written: No space left on device")
        write(network, path, *how)

    with monkeypatch.context() as patch:
        patch.setattr(weights_file, "write", full_disk)
        status, _, err = run("train 60 -e 1 -p reversed", *SMALL, "-o", "d/w")
    assert status == 1
    assert f": d/w: could not be written: No space left on device; the trained network is kept in {SNAPSHOT}" in err
    assert load(SNAPSHOT).step == 1
    _, err = run.ok("train --resume -o d/w")
    assert load("d/w").step == 1
    assert os.listdir() == ["d"]


@pytest.mark.parametrize(
    ("recorded", "options", "saved"),
    [
        (Destination(Path("d/recorded"), True), [], "d/recorded"),
        (Destination(Path("d/recorded"), True), ["-o", "given"], "given"),
        (Destination(), [], "ts2s__basic__reversed_1.weights.h5"),
        (None, [], "ts2s__basic__reversed_1.weights.h5"),
        (None, ["-o", "given"], "given"),
    ],
)
def test_a_resumed_training_saves_to_the_recorded_path_unless_o_is_given(run, recorded, options, saved):
    os.mkdir("d")
    snapshot = finished_snapshot()
    if recorded:
        resume_notes.save_destination(Path(SNAPSHOT), training_id(snapshot.network), recorded)
    out, err = run.ok("train --resume", *options)
    assert f"Resuming {SNAPSHOT}, epoch 2, step 1" in err
    assert ("Found no note on the destination" in err) == (recorded is None and not options)
    assert out.endswith(f"Saved {os.path.abspath(saved) if saved == 'd/recorded' else saved}\n")
    assert largest_difference(load(saved), snapshot.network) == 0
    assert isinstance(weights_file.read(Path(saved)), StoredNetwork)
    assert load(saved).trained.config == snapshot.network.trained.config
    remaining = [path for path in os.listdir() if path != "d"] + os.listdir("d")
    assert remaining == [os.path.basename(saved)]
    assert resume_notes.load_destination(Path(SNAPSHOT), training_id(snapshot.network)) is None


def test_output_paths_in_a_snapshot_are_ignored(run, tmp_path):
    """Earlier versions wrote output paths to snapshots."""
    os.mkdir("d")
    finished_snapshot("w")
    with h5py.File("w", "r+") as file:
        training = json.loads(file.attrs["training"])
        training["trained"] |= {"output": f"{tmp_path}/d/planted", "name": "../../d/planted", "data": None}
        file.attrs["training"] = json.dumps(training)
    content = with_checksum(Path("w").read_bytes()[512:])
    os.remove("w")
    Path("s2s_checkpoint__x__reversed_1.weights.h5").write_bytes(content)
    Path("s2s_checkpoint__x\x1b[2J__reversed_1.weights.h5").write_bytes(content)  # skipped because of its name
    out, err = run.ok("train --resume")
    assert out.endswith("Saved ts2s__x__reversed_1.weights.h5\n")
    assert "\x1b" not in out + err
    assert os.listdir("d") == []


def test_a_snapshot_in_use_is_not_resumed(run):
    finished_snapshot()
    message = f"{SNAPSHOT}: expected the snapshot of an interrupted training run, but this one is still being"
    with atomic_files.open_locked(Path(SNAPSHOT), "a snapshot"):
        for line in ("train --resume", "train --resume 60"):
            run.refuses(line, message, 1)
        finished_snapshot(SNAPSHOT.replace("basic", "other"), points=70)
        assert f"Resuming {SNAPSHOT.replace('basic', 'other')}" in run.ok("train --resume")[1]
    assert os.path.exists(SNAPSHOT)


@pytest.mark.parametrize(("seconds", "pays", "is_named"), [(0, True, True), (0, False, False), (60, True, False)])
def test_a_long_training_run_names_processes_if_they_would_pay(run, monkeypatch, seconds, pays, is_named):
    finished_snapshot()
    monkeypatch.setattr(commands_train, "LONG_TRAINING", seconds)
    monkeypatch.setattr(commands_train, "would_pay", lambda *_: pays)
    assert ("With --processes 2, training on two cores is faster" in run.ok("train --resume")[1]) == is_named


def test_damaged_files_are_skipped_in_a_search(run):
    finished_snapshot()
    for name in (SNAPSHOT, "ts2s__basic__reversed_1.weights.h5"):
        Path(name.replace("_1.", "_7.")).touch()
        os.symlink("nothing", name.replace("_1.", "_8."))
        os.mkdir(name.replace("_1.", "_9."))
    _, err = run.ok("train --resume")
    skipped = SNAPSHOT.replace("_1.", "_7.")
    assert f"Skipping {skipped}: expected a weights file of this program or of 2016, got something else\n" in err
    os.utime("ts2s__basic__reversed_7.weights.h5", (2**32, 2**32))  # the newest
    _, err = run.ok("predict 0 1 2 3 4 5 6 7 8 9 -p reversed")
    assert "Skipping ts2s__basic__reversed_7.weights.h5: " in err
    assert "Using weights ts2s__basic__reversed_10.weights.h5\n" in err


def test_a_changed_pattern_cannot_be_resumed(run):
    Path("mine.py").write_text("def f(sources):\n    return sources[:, ::-1]\n")
    pattern = find_pattern("mine.py:f")
    config = TrainConfig(points=60, epochs=1)
    name = SNAPSHOT.replace("reversed", "mine.f")
    fingerprint = DataFingerprint(None, pattern.fingerprint(config, ModelConfig()))
    finished_snapshot(name, fingerprint, task="mine:f")
    Path("mine.py").write_text("def f(sources):\n    return sources[:, ::+1]\n")
    message = f"{name}: pattern 'mine:f' no longer makes the targets that this training run began with"
    run.refuses("train --resume -p mine.py:f -o w", message)
    Path("mine.py").write_text("def f(sources):\n    # as before\n    return sources[:, ::-1]\n")
    assert run("train --resume -p mine.py:f -o w")[0] == 0


def test_concurrent_iterations_get_different_names(run, monkeypatch):
    """Another training run saves the same iteration while this one trains, or while this one waits to be resumed."""
    name = "ts2s__basic__reversed_{}.weights.h5"
    save_random(name.format(1))
    write = weights_file.write

    def write_late(network, path, *how):
        if str(path) == name.format(2):
            monkeypatch.setattr(weights_file, "write", write)
            save_random(path, task="copy")
        write(network, path, *how)

    monkeypatch.setattr(weights_file, "write", write_late)
    status, out, err = run("train -e 0 --iter-num 1 -p reversed")
    assert (status, out) == (0, f"Saved {name.format(3)}\n"), err
    assert f"Another training run has written {name.format(2)} meanwhile; saved in {name.format(3)} instead" in err
    assert load(name.format(2)).task == "copy"
    resume_notes.save_destination(
        Path(SNAPSHOT), training_id(finished_snapshot().network), Destination(Path(name.format(3)))
    )
    out, err = run.ok("train --resume")
    assert out.endswith(f"Saved {os.path.abspath(name.format(4))}\n")


def test_a_pattern_with_fewer_sources_than_points_gets_a_notice(run, capsys):
    save_random("w", in_len=2, out_len=2, task="copy", step=1, trained=TrainingRun(TrainConfig(100, in_len=2), 0))
    few = "There are only {} sources of length {}, and {} were drawn"
    for line, expected in {
        "train 110 -p copy --in-len 1-2": few.format(110, "1-2", 110),
        "train 109 -p copy --in-len 1-2": "",
        "train 99 -p copy --in-len 2": "",
        "train 99 -p copy -i w": few.format(100, 2, 199),  # the earlier points count
    }.items():
        set_up_training(parse([*line.split(), "-o", "v"]))
        err = capsys.readouterr().err
        assert (expected in err) if expected else ("There are only" not in err), line


def test_options_that_name_the_same_file_are_refused(run):
    finished_snapshot()
    save_random("w")
    Path("pairs.jsonl").write_text('{"input": [1, 2], "output": [2, 1]}\n' * 4)
    Path("mine.py").write_text("def f(sources):\n    return sources\n")
    os.link("pairs.jsonl", "same.jsonl")
    os.symlink(SNAPSHOT, "link")
    before = {name: Path(name).read_bytes() for name in os.listdir()}
    for options, expected in [
        ("--from-file pairs.jsonl -o same.jsonl", "--from-file and -o to be different files, got pairs.jsonl twice"),
        ("--from-file pairs.jsonl --history ./pairs.jsonl", "--from-file and --history to be different files"),
        ("50 -p mine.py:f -o mine.py", "-p and -o to be different files"),
        ("50 -i w --history w", "-i and --history to be different files"),
        ("50 -o new --history new", "-o and --history to be different files"),
        ("50 --history-plot a.png --history a.png", "--history and --history-plot to be different files"),
        (f"--resume -o {SNAPSHOT}", "-o to name a file that is not a snapshot"),
        ("--resume -o link", "-o to name a file that is not a snapshot"),
        ("50 -o s2s_checkpoint__a__b_1.weights.h5", "-o to name a file that is not a snapshot"),
        ("--resume -i w", "-i/--input-weights or --resume, got both"),
    ]:
        run.refuses(f"train {options}", f"error: expected {expected}")
    assert {name: Path(name).read_bytes() for name in os.listdir()} == before
    run.ok("train -e 0 -i w -o w")


def test_long_names_are_shortened_before_training(run):
    function = "f" * 200
    Path("mine.py").write_text(f"def {function}(sources):\n    return sources\n")
    for _ in range(2):
        out, err = run.ok("train -e 0 -p", f"mine.py:{function}", "-n", "ü" * 50, *SMALL)
    assert len(list(Path().glob("ts2s__*~*_[12].weights.h5"))) == 2
    _, err = run.ok("predict 0 1 2 3 4 5 6 7 8 9 -p", f"mine.py:{function}", "-n", "ü" * 50)
    assert out.split("Saved ")[1].strip() in err


@pytest.mark.parametrize("file_name", ["my__pairs.jsonl", "_pairs_.jsonl", "my\npairs.jsonl", "a\x1b[2Jb.jsonl"])
def test_data_file_names_may_contain_separators_and_control_characters(run, file_name):
    Path(file_name).write_text('{"input": [1, 2], "output": [2, 1]}\n' * 4)
    saved = [run("train --from-file", file_name, "-e", 0, *SMALL)[1] for _ in range(2)]
    assert [line[-14:] for line in saved] == ["_1.weights.h5\n", "_2.weights.h5\n"]
    assert all(line.count("\n") == 1 and "\x1b" not in line for line in saved)
    _, err = run.ok("predict 1 2")
    assert saved[1].split()[1] in err


@pytest.mark.slow
def test_bar_and_colour_appear_only_on_a_terminal(tmp_path):
    """NO_COLOR and redirected output turn them off."""
    command = f"{DEMO} train 60 -e 1 -o w {' '.join(SMALL)}"

    def terminal_output(line):
        terminal = ["script", "-qec", line, "/dev/null"]
        return subprocess.run(terminal, capture_output=True, cwd=tmp_path, env=environment(), check=True).stdout

    on_terminal = terminal_output(command)
    assert b"Epoch 1/1" in on_terminal
    assert b"\x1b[" in on_terminal
    assert b"\x1b[" not in terminal_output(f"{command} > out") + terminal_output(f"NO_COLOR=1 {command}")
    assert b"Epoch 1/1: loss" in (tmp_path / "out").read_bytes()


@pytest.mark.slow
def test_training_works_without_a_writable_home(shell, tmp_path):
    (tmp_path / "file").write_text("")
    done = shell("train", 60, "-e", 1, "-o", "gewichte ä", *SMALL, HOME=str(tmp_path / "file" / "home"))
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("Exact match")


@pytest.mark.slow
def test_train_writes_the_history(run, fast_steps):
    out, _ = run.ok("train 200 -p copy -e 3 --history h.json --history-plot h.svg -o w", *SMALL)
    history = json.loads(Path("h.json").read_text())
    assert [epoch["epoch"] for epoch in history] == [1, 2, 3]
    last = next(line for line in out.splitlines() if line.startswith("Epoch 3/3"))
    assert f"validation loss {history[2]['validation_loss']:.4f}" in last
    assert history[2]["validation_exact_match"] == load("w").reached.exact_match
    assert os.path.exists("h.svg")
    run.ok("train 60 -e 0 --history h.json", *SMALL)
    before = Path("w").read_bytes()
    run.refuses(
        "train 60 --history w", "w: expected a new file or a history that this program wrote, found another file", 1
    )
    assert Path("w").read_bytes() == before


def test_conversion_leaves_unknown_values_unknown(run, reference_2016):
    shutil.copy(reference_2016 / "ts2s__attention__sorted_1.tfl", "old.tfl")
    lengths = "--in-len 20 --out-len 20"
    for options, expected in {"": (None,) * 3, lengths: (None, 20, 20), "-p sorted": ("sorted", None, None)}.items():
        run.ok(f"train -i old.tfl -o new.h5 -e 0 {options}")
        new = load("new.h5")
        assert (new.task, new.in_len, new.out_len) == expected


def test_weights_overwrite_only_weights(run):
    for name, content in {"test.tsv": b"a\tb\n", "mine.py": b"x = 1\n" * 200, "p.html": b"<p>"}.items():
        Path(name).write_bytes(content)
        message = f"{name}: expected a new file or a weights file that this program wrote, found another file; --force "
        run.refuses(f"train 50 -e 0 -o {name}", message, 1)
        assert Path(name).read_bytes() == content
    Path("empty").touch()  # like a file from `mktemp`
    for _ in range(2):
        run.ok("train 50 -e 0 -o empty", *SMALL)


def test_a_checkpoint_of_2016_is_not_overwritten_by_its_continuation(run, reference_2016):
    content = (reference_2016 / "ts2s__attention__sorted_1.tfl").read_bytes()
    Path("old.tfl").write_bytes(content)
    os.symlink("old.tfl", "link.h5")
    message = ": expected a new file or a weights file that this program wrote, found another file"
    for output in ("old.tfl", "./old.tfl", "link.h5"):
        run.refuses(f"train -i old.tfl -o {output} -e 0", message, 1)
    assert Path("old.tfl").read_bytes() == content
    for start in ("old.tfl", "new.h5"):
        run.ok(f"train -i {start} -o new.h5 -e 0")


@pytest.mark.slow
def test_a_checkpoint_of_2016_is_converted_and_trained_further(run, reference_2016):
    old = str(reference_2016 / "ts2s__attention__sorted_1.tfl")
    status, out, _ = run(f"train -i {old} -o new.h5 -e 0")
    assert (status, out) == (0, "Saved new.h5\n")
    new, original = load("new.h5"), load(old)
    assert new.step == original.step == 14080
    assert all((new.weights[name] == weight).all() for name, weight in original.weights.items())
    assert all((new.moments[name] == moment).all() for name, moment in original.moments.items())
    out, err = run.ok(f"train 300 -i {old} -o on.h5 -e 1 --in-len 20 --out-len 20")
    assert "with sources of 20 and targets of 20 symbols" in err
    assert load("on.h5").step == 14080 + 3
    accuracy = float(out.split("accuracy ")[1].split(";")[0])
    assert accuracy > 0.6  # the original network never saw a 9; guessing gives 0.1


def test_resume_prefers_the_snapshot_of_the_given_data_to_newer_ones(run):
    lines = ['{"input": [1, 2], "output": [2, 1]}\n'] * 4 + ['{"input": [3, 3], "output": [3, 3]}\n']
    Path("pairs.jsonl").write_text("".join(lines))
    Path("other.jsonl").write_text("".join(reversed(lines)))
    for name in ("other", "pairs"):
        file = f"{name}.jsonl"
        pairs = [(row["input"], row["output"]) for row in map(json.loads, Path(file).read_text().splitlines())]
        digest = pair_task_from_rows(pairs).digest
        path = f"s2s_checkpoint__basic__{file}_1.weights.h5"
        lengths = {"in_len": 2, "min_in_len": 2, "out_len": 2}
        finished_snapshot(path, DataFingerprint(digest, digest), file, ends=True, points=5, **lengths)
        os.utime(path, (2**32, 2**32) if name == "other" else (1, 1))
    finished_snapshot()
    _, err = run.ok("train --resume --from-file pairs.jsonl -n basic")
    assert "Resuming s2s_checkpoint__basic__pairs.jsonl_1.weights.h5" in err
    _, err = run.ok("train --resume")
    assert f"Resuming {SNAPSHOT}" in err


def test_resume_prefers_the_snapshot_of_the_given_output_to_newer_ones(run):
    paths = [SNAPSHOT.replace("basic", name) for name in ("a", "b", "newest")]
    for time, path in enumerate(paths, 1):
        snapshot = finished_snapshot(path, points=60 + 10 * time)
        os.utime(path, (time, time))
        destination = Destination(Path(f"{path[16]}.h5").absolute(), overwrite=True)
        resume_notes.save_destination(Path(path), training_id(snapshot.network), destination)
    run.ok("train --resume -o a.h5")
    assert load("a.h5").trained.config.points == 70
    _, err = run.ok("train --resume -o of_no_training.h5")
    assert f"Resuming {paths[2]}" in err
    run.ok("train --resume -o b.h5")
    assert load("b.h5").trained.config.points == 80


def test_a_new_output_path_is_recorded_for_the_next_resume(run):
    resume_notes.save_destination(
        Path(SNAPSHOT), training_id(finished_snapshot().network), Destination(Path("first").absolute())
    )
    start = set_up_training(TrainOptions(resume=True, output=Path("second")))
    with start.lock, _snapshots(start, TrainOptions(resume=True), SignalHandler()):
        recorded = resume_notes.load_destination(Path(SNAPSHOT), training_id(start.network))
    assert recorded.output == Path("second").absolute()
    assert resume_notes.load_destination(Path(SNAPSHOT), training_id(finished_snapshot("v", seed=7).network)) is None


def test_the_first_snapshot_precedes_the_first_step(run, monkeypatch, fast_steps):
    from seq2seq_demo.training import trainer

    def crash(*_):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "fit", crash)
        run("train 60 -p reversed -o w", *SMALL)
    assert load(SNAPSHOT).step == 0
    run.ok("train --resume")
    assert os.listdir() == ["w"]


def test_the_function_in_a_weights_file_never_runs(run):
    Path("mine.py").write_text("open('ran', 'w').close()\ndef f(sources):\n    return sources\n")
    save_random("w", task="mine.py:f")
    save_random("v", task="mine:f")
    for name in ("w", "v"):
        run(f"predict -i {name} 0 1 2 3 4 5 6 7 8 9")
        run(f"evaluate 10 -i {name}")
        run(f"page -i {name} -o p.html")
        run(f"train 20 -i {name}")
    assert not os.path.exists("ran")
