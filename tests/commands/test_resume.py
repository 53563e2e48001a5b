"""`train --resume` continues from the snapshot next to the result."""

import json
import os
import shlex
import shutil
import signal
from pathlib import Path

import pytest
from helpers import SMALL, finished_snapshot, save_random

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import pair_task
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.files import atomic_files, file_names
from seq2seq_demo.trained.loading import load
from seq2seq_demo.training import snapshots
from seq2seq_demo.training.report import TrainingReport

pytestmark = pytest.mark.slow

TINY = f"{shlex.join(SMALL)} --cell-type BasicRNNCell"
TRAIN = f"train 60 -e 1 -p reversed {TINY}"
SNAPSHOT = "s2s_checkpoint__w.h5"
CANONICAL = "ts2s__basic__reversed_1.weights.h5"


def files():
    """The names and contents of the files in the working directory."""
    return {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()}


def reversed_fingerprint():
    """The fingerprint of the task of `finished_snapshot`."""
    return find_pattern("reversed").fingerprint(TrainConfig(points=60), ModelConfig())


# ---- The same bits ----


def test_a_killed_run_ends_with_the_same_bits(run, monkeypatch, tmp_path_factory):
    """A kill leaves the files of that moment: a copy that is made within the second epoch."""
    killed, save = tmp_path_factory.mktemp("killed") / "copy", snapshots.Snapshots.save

    def save_and_copy(self, snapshot):
        save(self, snapshot)
        if (len(snapshot.network.history), snapshot.progress.points) == (1, 64):
            shutil.copytree(".", killed)

    monkeypatch.setattr(snapshots, "SNAPSHOT_INTERVAL", 1)
    monkeypatch.setattr(snapshots.Snapshots, "save", save_and_copy)
    Path("p.tsv").write_text("".join(f"{'abc'[n % 3]}{'ä ' * (n % 5)}x\t{n % 7}\n" for n in range(80)))
    line = f"train p.tsv --batch-size 1 {TINY} -m embedding_rnn --no-bidirectional --dropout 0.2 --consistency 0 -e 2"
    run.ok(f"{line} --in-len 1-9 --history h.json")
    undisturbed = files()
    monkeypatch.chdir(killed)
    assert len(json.loads(Path("h.json").read_text())) == 1  # it is written after each epoch
    _, err = run.ok(f"{line} --in-len 1-9 --history h.json --resume")
    assert "Resuming s2s_checkpoint__ts2s__basic__p.tsv_1.weights.h5, epoch 2, step " in err
    assert files() == undisturbed


def test_a_run_that_a_signal_ended_is_resumed_by_the_command_in_the_error(run, fast_steps, monkeypatch):
    """The signal is that of a terminal which is closed."""
    words = shlex.split(f"train 80 -p sorted -n 'a b' --in-len 1-4 --batch-size 1 {TINY} -e 3 --log-dir logs")
    run.ok("", *words)
    (result,) = undisturbed = files()
    os.remove(result)

    def close_terminal(_, state):
        if state.epoch == 2:
            os.kill(os.getpid(), signal.SIGHUP)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingReport, "on_steps_end", close_terminal)
        status, _, err = run("", *words)
    assert status == 128 + signal.SIGHUP
    command = shlex.split(err.partition("resume it with `seq2seq-demo ")[2].rstrip("`\n"))
    assert command == [*words, "--resume", "-o", result]  # the program has chosen this name
    assert f"Resuming s2s_checkpoint__{result}, epoch 2, step " in run.ok("", *command)[1]
    assert files() == undisturbed


# ---- Which snapshot, and where its result goes ----


def test_the_snapshot_beside_the_result_is_resumed(run, fast_steps):
    os.mkdir("d")
    results = {
        "": "v",  # the newest
        "-n mine": "ts2s__mine__reversed_7.weights.h5",
        "--data-dir d": f"d/{CANONICAL}",
        "--iter-num 1 -p reversed": CANONICAL.replace("_1", "_2"),
        "-o w.h5": "w.h5",
    }
    kept = {saved: file_names.snapshot_path(Path(saved)) for saved in results.values()}
    for age, snapshot in enumerate(kept.values()):
        written = finished_snapshot(snapshot, reversed_fingerprint())
        os.utime(snapshot, (9 - age, 9 - age))
    Path("s2s_checkpoint__x\x1b[2J.h5").touch()  # ignored, because its name could control a terminal
    for options, saved in results.items():
        out, err = run.ok(f"train --resume {options}")
        assert f"Resuming {kept[saved]}, epoch 2, step 1" in err
        assert f"Saved {saved}: epoch " in out
        assert (load(saved).run, load(saved).step) == (written.network.run, 1)
        assert not kept.pop(saved).exists()
        assert all(snapshot.exists() for snapshot in kept.values())


def test_nothing_to_resume(run, fast_steps):
    run.refuses("train --resume", ".: no snapshot to resume", 1)
    run.refuses("train --resume -o w.h5", f"{SNAPSHOT}: no snapshot to resume", 1)
    assert "Found no snapshot to resume: starting a new training run" in run.ok(f"{TRAIN} --resume -o w.h5")[1]
    Path("s2s_checkpoint__v.h5").write_bytes(b"damaged")
    run.refuses(f"{TRAIN} --resume -o v.h5", "s2s_checkpoint__v.h5: neither a weights file of this program", 1)


# ---- Options that contradict the run ----


def test_options_that_contradict_the_snapshot_are_refused(run):
    Path("p.tsv").write_text("1 2\t2\n" * 60)
    finished_snapshot(SNAPSHOT, reversed_fingerprint())
    before = files()
    began = f"{SNAPSHOT}: expected the data that its training began with ('reversed' and any --validation-file)"
    for options, message in {"300": "has points 60, but the options ask for 300", "--from-file p.tsv": began}.items():
        run.refuses(f"train --resume -o w.h5 {options}", message)
    assert files() == before


def test_a_changed_pattern_cannot_be_resumed(run, fast_steps):
    Path("mine.py").write_text("def f(source):\n    return source[::-1]\n")
    fingerprint = find_pattern("mine.py:f").fingerprint(TrainConfig(points=60, epochs=1), ModelConfig())
    finished_snapshot(SNAPSHOT, fingerprint, task="mine:f")
    Path("mine.py").write_text("def f(source):\n    return source[::+1]\n")
    message = f"{SNAPSHOT}: pattern 'mine:f' no longer returns the targets that this run began with"
    run.refuses("train --resume -o w.h5 -p mine.py:f", message)
    run.refuses("train --resume -o w.h5", "give -p with your function")
    Path("mine.py").write_text("def f(source):\n    return [*reversed(source)]\n")
    run.ok("train --resume -o w.h5 -p mine.py:f")


ROWS = [([1, 2], [2, 1])] * 4 + [([3, 3], [3, 3])]
LINES = "".join(json.dumps({"input": source, "output": target}) + "\n" for source, target in ROWS)


def test_changed_data_cannot_be_resumed(run, fast_steps):
    digest, lengths = pair_task(ROWS).digest, {"in_len": 2, "min_in_len": 2, "out_len": 2}
    finished_snapshot(SNAPSHOT, digest, "pairs", True, digest, True, points=5, **lengths)
    expected = f"{SNAPSHOT}: expected the data that its training began with ('pairs' and any --validation-file)"
    run.refuses("train --resume -o w.h5", "the network was trained on 'pairs': give a file of pairs")
    lines = LINES.splitlines(keepends=True)
    for content, found in {"".join(reversed(lines)): "different data", "".join(lines[1:]): "expected 5 pairs"}.items():
        Path("p.jsonl").write_text(content)
        assert found in run.refuses("train --resume -o w.h5 --from-file p.jsonl", expected)
    Path("p.jsonl").write_text(LINES + lines[0])  # pairs at the end are ignored
    run.ok("train --resume -o w.h5 --from-file p.jsonl")


# ---- Finished runs ----


def test_a_run_whose_result_exists_is_already_saved(run):
    """`until seq2seq-demo train ... --resume; do sleep 1; done` ends, whatever else the options are."""
    save_random("w.h5")
    save_random(CANONICAL)
    before = files()
    for options in ("-o w.h5", "99 -p copy -i other.h5 -o w.h5"):
        assert run.ok(f"train {options} --resume")[0] == "w.h5 is already saved: nothing to resume\n"
    assert run.ok(f"{TRAIN} --iter-num 0 --resume")[0] == f"{CANONICAL} is already saved: nothing to resume\n"
    assert files() == before


def test_a_run_that_continues_in_place_is_not_saved_by_its_start(run, fast_steps):
    """However the one file is spelled: by its name, by a link, or by an absolute path."""
    save_random("w.h5")
    os.symlink("w.h5", "link")
    for step, (start, result) in enumerate([("w.h5", "link"), ("link", Path("w.h5").absolute())], 1):
        run.ok("train 60 -e 1 --resume", "-i", start, "-o", result)
        assert load("w.h5").step == step


def test_a_run_that_was_killed_after_saving_is_saved_again(run, fast_steps):
    finished_snapshot(SNAPSHOT, reversed_fingerprint())
    content = Path(SNAPSHOT).read_bytes()
    run.ok("train --resume")
    saved = files()
    Path(SNAPSHOT).write_bytes(content)
    run.ok("train --resume")
    assert files() == saved
    assert [*saved] == ["w.h5"]


# ---- One run, one place ----


def test_a_new_run_beside_a_snapshot_needs_force(run, fast_steps):
    finished_snapshot(SNAPSHOT, reversed_fingerprint(), seed=5)
    before = files()
    expected = f"{SNAPSHOT} already exists: --resume continues that training run, and --force starts"
    run.refuses(f"{TRAIN} -o w.h5", expected, 1)
    with atomic_files.open_locked(Path(SNAPSHOT), "a snapshot"):
        for line in (TRAIN, f"{TRAIN} --force", "train --resume"):
            run.refuses(f"{line} -o w.h5", "another process is using this file", 1)
    assert files() == before
    run.ok(f"{TRAIN} -o w.h5 --force")
    assert load("w.h5").run.config.seed == 0
    assert [*files()] == ["w.h5"]


def test_a_run_without_o_claims_a_name_that_neither_a_result_nor_a_snapshot_has(run, fast_steps):
    save_random(CANONICAL)
    finished_snapshot(f"s2s_checkpoint__{CANONICAL.replace('_1', '_4')}")
    assert f"Saved {CANONICAL.replace('_1', '_5')}: " in run.ok(TRAIN)[0]
