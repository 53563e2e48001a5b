"""`train --resume` can be repeated until it succeeds: it exits with status 0 once the training run is saved."""

import contextlib
import json
import os
import shlex
import threading
from pathlib import Path

import pytest
from helpers import SMALL, SMALL_PAIRS, SNAPSHOT, finished_snapshot, save_random

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import pair_task_from_rows
from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.files import atomic_files, resume_notes
from seq2seq_demo.files.resume_notes import Destination
from seq2seq_demo.files.weights_file import DataFingerprint
from seq2seq_demo.training.snapshots import training_id

pytestmark = pytest.mark.usefixtures("fast_steps")
TRAIN = f"train 20 -e 1 -p reversed {shlex.join(SMALL)} --resume"


def read_only(monkeypatch, name):
    """Make files with this suffix impossible to remove, as in a folder that is read-only or sticky."""
    unlink = Path.unlink

    def refuse(path, missing_ok=False):
        if path.name.endswith(name):
            raise PermissionError(1, "Operation not permitted")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)


@pytest.mark.parametrize("options", [[], ["-o", "w"]])
def test_a_snapshot_that_cannot_be_removed(run, monkeypatch, options):
    fingerprint = find_pattern("reversed").fingerprint(TrainConfig(points=60), ModelConfig())
    snapshot = finished_snapshot(fingerprint=DataFingerprint(None, fingerprint))
    resume_notes.save_destination(Path(SNAPSHOT), training_id(snapshot.network), Destination(Path("w"), True))
    read_only(monkeypatch, SNAPSHOT)
    out, err = run.ok("train --resume", *options)
    saved = str(Path("w").absolute()) if not options else "w"
    assert out.endswith(f"Saved {saved}\n")
    assert f"Could not remove {SNAPSHOT}, which is no longer needed: Operation not permitted" in err
    content = Path("w").read_bytes()
    for _ in range(2):
        out, _ = run.ok("train --resume", *options)
        assert out == f"{saved} already contains the result of this training run\n"
    assert Path("w").read_bytes() == content


@pytest.mark.parametrize("options", ["-o w", "-o w --record", "--iter-num 0", ""])
def test_a_finished_training_is_not_an_error(run, options):
    """`until seq2seq-demo train ... --resume; do sleep 1; done` ends."""
    out, _ = run.ok(f"{TRAIN} {options}")
    saved = next(line for line in out.splitlines() if line.startswith("Saved ")).removeprefix("Saved ")
    before = {name: Path(name).read_bytes() for name in os.listdir()}
    out, _ = run.ok(f"{TRAIN} {options}")
    assert out == f"{saved} already contains the result of this training run\n"
    assert {name: Path(name).read_bytes() for name in os.listdir()} == before


def test_another_file_at_the_destination_is_an_error(run):
    run.ok(f"{TRAIN} -o w")
    before = Path("w").read_bytes()
    message = "w contains another training run: leave out --resume to train again"
    for other in ("--seed 1", "-p copy", "--cell-size 8", "--record"):
        run.refuses(f"{TRAIN} -o w {other}", message, 1)
    finished_snapshot("w.h5")  # a snapshot, not the saved result
    run.refuses(f"{TRAIN} -o w.h5", "expected a new file or a weights file", 1)
    assert Path("w").read_bytes() == before


def test_changed_data_under_the_same_name_is_another_training(run):
    line = f"train -e 1 --from-file pairs.tsv {shlex.join(SMALL_PAIRS)} --resume -o w"
    Path("pairs.tsv").write_text("1 2\t2 1\n3 4\t4 3\n" * 4)
    for _ in range(2):
        run.ok(line)
    Path("pairs.tsv").write_text("1 2\t2 1\n3 4\t4 4\n" * 4)
    run.refuses(line, "w contains another training run", 1)


def test_a_training_that_was_killed_after_saving_leaves_no_snapshot(run):
    run.ok(f"{TRAIN} -o w")
    snapshot = finished_snapshot(points=60)
    resume_notes.save_destination(Path(SNAPSHOT), training_id(snapshot.network), Destination(Path("v"), True))
    run.ok("train --resume")
    finished_snapshot(points=60)
    out, _ = run.ok("train --resume -o v")
    assert out == "v already contains the result of this training run\n"
    assert sorted(os.listdir()) == ["v", "w"]


def pair_snapshots(rows):
    """Write two snapshots: an older one of training on `rows`, and a newer one of training on as many other pairs."""
    for name, pairs in {"a": rows, "b": [*reversed(rows)]}.items():
        digest = pair_task_from_rows(pairs).digest
        path = f"s2s_checkpoint__{name}__pairs_1.weights.h5"
        lengths = {"in_len": 2, "min_in_len": 2, "out_len": 2}
        finished_snapshot(path, DataFingerprint(digest, digest), "pairs", ends=True, points=len(rows), **lengths)
        os.utime(path, (1, 1) if name == "a" else (2**32, 2**32))


ROWS = [([1, 2], [2, 1])] * 4 + [([3, 3], [3, 3])]
LINES = "".join(json.dumps({"input": source, "output": target}) + "\n" for source, target in ROWS)


@pytest.mark.parametrize("kind", ["pipe", "stdin", "descriptor"])
@pytest.mark.timeout(60)
def test_a_pipe_is_compared_with_every_snapshot(run, shell, monkeypatch, kind):
    pair_snapshots(ROWS)
    if kind == "stdin":
        done = shell("train", "--resume", "--from-file", "-", stdin=LINES)
        assert done.returncode == 0, done.stderr
        err = done.stderr
    elif kind == "pipe":
        os.mkfifo("pipe")
        writer = threading.Thread(target=lambda: Path("pipe").write_text(LINES))
        writer.start()
        _, err = run.ok("train --resume --from-file pipe")
        writer.join()
    else:  # like `<(...)` in a shell
        reading, writing = os.pipe()
        os.write(writing, LINES.encode())
        os.close(writing)
        _, err = run.ok(f"train --resume --from-file /dev/fd/{reading}")
        os.close(reading)
    assert "Resuming s2s_checkpoint__a__pairs_1.weights.h5" in err
    assert os.path.exists("s2s_checkpoint__b__pairs_1.weights.h5")


def test_an_endless_pipe_is_read_only_as_far_as_needed(run):
    pair_snapshots(ROWS)
    os.mkfifo("pipe")

    def write():
        with contextlib.suppress(BrokenPipeError), open("pipe", "w") as pipe:
            while True:
                pipe.write(LINES)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    assert "Resuming s2s_checkpoint__a" in run.ok("train 5 --resume --from-file pipe")[1]


def test_two_active_trainings_cannot_have_one_destination(run):
    """The second `train` with the same -o ends with an error before it trains."""
    save_random("w")
    os.symlink("w", "link")
    with atomic_files.reserved(Path("w"), "a file"):
        for output in ("w", "link", "./w"):
            message = "expected a place for a weights file, but another running process will write to it"
            run.refuses(f"train 20 -e 1 -o {output}", f"error: {Path(output)}: {message}", 1)
        run.ok(f"train 20 -e 0 {shlex.join(SMALL)} -o v")
    run.ok(f"train 20 -e 0 {shlex.join(SMALL)} -o w")
    assert sorted(os.listdir()) == ["link", "v", "w"]


def test_resuming_leaves_the_results_of_other_trainings(run):
    """A folder has the results w and v, and the snapshot of a training run that will be saved as u."""
    run.ok(f"{TRAIN} -o w")
    run.ok(f"train 20 -e 1 -p reversed {shlex.join(SMALL)} --seed 3 -o v")
    fingerprint = find_pattern("reversed").fingerprint(TrainConfig(points=60), ModelConfig())
    snapshot = finished_snapshot(fingerprint=DataFingerprint(None, fingerprint))
    resume_notes.save_destination(Path(SNAPSHOT), training_id(snapshot.network), Destination(Path("u"), True))
    before = {name: Path(name).read_bytes() for name in os.listdir()}
    for output in ("w", "v"):
        place = f"{SNAPSHOT} belongs to a training run that will be saved as {Path('u').absolute()}"
        expected = f"{place}: expected -o to name that file or a new one"
        run.refuses(f"train --resume -o {output}", f"{expected}, got {output}", 1)
    out, _ = run.ok(f"{TRAIN} -o w")  # the options contradict the snapshot
    assert out == "w already contains the result of this training run\n"
    run.refuses(f"{TRAIN} -o v", f"{SNAPSHOT} has ")
    assert {name: Path(name).read_bytes() for name in os.listdir()} == before
    run.ok("train --resume -o u")
