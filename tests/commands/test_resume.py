"""`train --resume` continues from the snapshot beside the result, and succeeds once the training run is saved."""

import contextlib
import json
import os
import shlex
import signal
import threading
from pathlib import Path

import pytest
from helpers import SMALL, SMALL_PAIRS, finished_snapshot, save_random

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import pair_task_from_rows
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.display.training_report import TrainingReport
from seq2seq_demo.errors import WeightsError
from seq2seq_demo.files import atomic_files, weights_file
from seq2seq_demo.files.stored_network import DataFingerprint
from seq2seq_demo.trained_network import load
from seq2seq_demo.training import snapshots, trainer
from seq2seq_demo.training.snapshots import load_snapshot

pytestmark = pytest.mark.slow

TINY = f"{shlex.join(SMALL)} --cell-type BasicRNNCell"
TRAIN = f"train 60 -e 1 -p reversed {TINY}"
SNAPSHOT = "s2s_checkpoint__w.h5"
CANONICAL = "ts2s__basic__reversed_1.weights.h5"


def files():
    """The names and contents of the files in the working directory."""
    return {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()}


def reversed_fingerprint(**settings):
    """The fingerprint of the data of `finished_snapshot`."""
    return DataFingerprint(
        None, find_pattern("reversed").fingerprint(TrainConfig(**{"points": 60} | settings), ModelConfig())
    )


# ---- The same bits ----


class Killed(BaseException):
    """Stands for the death of the process: no handler of the program catches it."""


CASES = {  # options, the signal (None: a kill), and the epoch that it interrupts
    "one length, killed": ("100 -p reversed --in-len 4 --out-len 3 --dropout 0.2 -e 3", None, 2),
    "range, SIGTERM": ("80 -p sorted --in-len 1-4 -e 2 --batch-size 80 --record", signal.SIGTERM, 2),
    "pairs, SIGHUP": (
        "--from-file p.tsv -e 3 --keep-best --dropout 0.2 --label-smoothing 0.1 --record",
        signal.SIGHUP,
        3,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_interrupted_run_ends_with_the_same_bits(run, monkeypatch, case):
    """A signal leaves the snapshot of the first 8 or 64 steps, or of the only step of an epoch; a kill, of an epoch."""
    options, signum, last_epoch = CASES[case]
    Path("p.tsv").write_text("".join(f"{'abc'[n % 3]}{'ä ' * (n % 5)}x\t{n % 7}\n" for n in range(80)))
    pairs = ["--from-file", "p.tsv"] if "p.tsv" in options else []
    line = f"train --batch-size 1 {options} {TINY} {shlex.join(SMALL_PAIRS[4:]) if pairs else ''} -r 0.01"
    run.ok(f"{line} -o undisturbed")
    line += " --history h.json"
    monkeypatch.setattr(snapshots, "EPOCH_INTERVAL", 0.0)
    epochs = []

    def strike(*_):
        if len(epochs) == last_epoch:
            if signum is None:
                raise Killed
            os.kill(os.getpid(), signum)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingReport, "on_epoch_begin", lambda _, epoch: epochs.append(epoch))
        patch.setattr(TrainingReport, "on_epoch_end", lambda *_: None)
        patch.setattr(TrainingReport, "on_steps_end", strike)
        if signum is None:
            with pytest.raises(Killed):
                run(f"{line} -o w.h5")
        else:
            status, _, err = run(f"{line} -o w.h5")
            assert status == 128 + signum
            assert f"kept in {SNAPSHOT}: resume it with `seq2seq-demo train --resume -o w.h5" in err
    assert len(json.loads(Path("h.json").read_text())) == last_epoch - 1  # it is written after each epoch
    _, err = run.ok("train --resume", *pairs)
    assert f"Resuming {SNAPSHOT}" in err
    assert Path("w.h5").read_bytes() == Path("undisturbed").read_bytes()
    if "--record" in line:
        assert Path("w.record.h5").read_bytes() == Path("undisturbed.record.h5").read_bytes()
    assert not Path(SNAPSHOT).exists()


# ---- Which snapshot, and where its result goes ----


@pytest.mark.parametrize(
    ("options", "resumed", "saved"),
    [
        ("-o w.h5", SNAPSHOT, "w.h5"),
        ("", "s2s_checkpoint__v", "v"),  # the newest
        ("--data-dir d", f"d/s2s_checkpoint__{CANONICAL}", f"d/{CANONICAL}"),
        ("--iter-num 1 -p reversed", f"s2s_checkpoint__{CANONICAL.replace('_1', '_2')}", CANONICAL.replace("_1", "_2")),
        ("-n mine", "s2s_checkpoint__ts2s__mine__reversed_7.weights.h5", "ts2s__mine__reversed_7.weights.h5"),
    ],
)
def test_the_snapshot_beside_the_result_is_resumed(run, fast_steps, options, resumed, saved):
    os.mkdir("d")
    paths = [SNAPSHOT, f"d/s2s_checkpoint__{CANONICAL}", f"s2s_checkpoint__{CANONICAL.replace('_1', '_2')}"]
    paths += ["s2s_checkpoint__ts2s__mine__reversed_7.weights.h5", "s2s_checkpoint__v"]
    for time, path in enumerate(paths):
        written = finished_snapshot(path, reversed_fingerprint())
        os.utime(path, (time, time))
    Path("s2s_checkpoint__x\x1b[2J.h5").touch()  # ignored, because its name could control a terminal
    out, err = run.ok(f"train --resume {options} --history h.json")
    assert f"Resuming {resumed}, epoch 2, step 1" in err
    assert [row["epoch"] for row in json.loads(Path("h.json").read_text())] == [1]  # although no epoch was left
    assert out.endswith(f"Saved {saved}\n")
    assert (load(saved).trained, load(saved).step) == (written.network.trained, 1)
    assert [path for path in paths if not os.path.exists(path)] == [resumed]


def test_nothing_to_resume(run, fast_steps):
    run.refuses("train --resume", ".: expected a snapshot to resume from, found none", 1)
    run.refuses("train --resume -o w.h5", f"{SNAPSHOT}: expected a snapshot to resume from, found none", 1)
    _, err = run.ok(f"{TRAIN} --resume -o w.h5")
    assert "Found no snapshot to resume: starting a new training run" in err
    assert load("w.h5").step == 1


def test_a_damaged_snapshot_is_an_error(run):
    Path(SNAPSHOT).write_bytes(b"x" * 1000)
    run.refuses(f"{TRAIN} --resume", f"{SNAPSHOT}: expected a weights file of this program", 1)
    save_random("w")
    os.rename("w", SNAPSHOT)
    run.refuses(f"{TRAIN} --resume", f"{SNAPSHOT}: expected a snapshot of this version, got weights", 1)


# ---- Options that contradict the run ----


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("300", "has points 60, but the options ask for 300"),
        ("-p sorted", "has pattern reversed, but the options ask for sorted"),
        ("--cell-size 8", "has cell-size 32, but the options ask for 8"),
        ("-e 3", "has epochs 1, but the options ask for 3"),
        ("--budget 3", "has budget None, but the options ask for 3.0"),
        ("--record", "has no recording of the training so far"),
        ("--from-file p.tsv", "was trained on pattern 'reversed': expected no --from-file"),
    ],
)
def test_options_that_contradict_the_snapshot_are_refused(run, options, message):
    Path("p.tsv").write_text("1 2\t2\n" * 60)
    finished_snapshot(SNAPSHOT, reversed_fingerprint())
    before = files()
    assert message in run.refuses(f"train --resume {options}", SNAPSHOT)
    assert files() == before


def test_a_changed_pattern_cannot_be_resumed(run, fast_steps):
    Path("mine.py").write_text("def f(source):\n    return source[::-1]\n")
    fingerprint = find_pattern("mine.py:f").fingerprint(TrainConfig(points=60, epochs=1), ModelConfig())
    finished_snapshot(SNAPSHOT, DataFingerprint(None, fingerprint), task="mine:f")
    Path("mine.py").write_text("def f(source):\n    return source[::+1]\n")
    message = f"{SNAPSHOT}: pattern 'mine:f' no longer makes the targets that this training run began with"
    run.refuses("train --resume -p mine.py:f", message)
    run.refuses("train --resume", "expected -p with your function again")
    Path("mine.py").write_text("def f(source):\n    # as before\n    return source[::-1]\n")
    run.ok("train --resume -p mine.py:f")


ROWS = [([1, 2], [2, 1])] * 4 + [([3, 3], [3, 3])]
LINES = "".join(json.dumps({"input": source, "output": target}) + "\n" for source, target in ROWS)


def pair_snapshot(by_content=True, **changes):
    """Write the snapshot of a training run on ROWS."""
    digest = pair_task_from_rows(ROWS).digest
    lengths = {"in_len": 2, "min_in_len": 2, "out_len": 2}
    finished_snapshot(
        SNAPSHOT, DataFingerprint(digest, digest), "pairs", True, by_content, points=5, **lengths | changes
    )


def test_changed_data_cannot_be_resumed(run, fast_steps):
    pair_snapshot()
    run.refuses("train --resume", "was trained on pairs ('pairs'): expected --from-file again, got none")
    expected = f"{SNAPSHOT}: expected the data that its training began with, its --validation-file included"
    lines = LINES.splitlines(keepends=True)
    for content, found in {"".join(reversed(lines)): "got other data", "".join(lines[1:]): "expected 5 pairs"}.items():
        Path("p.jsonl").write_text(content)
        assert found in run.refuses("train --resume --from-file p.jsonl", expected)
    Path("p.jsonl").write_text(LINES + lines[0])  # pairs at the end are ignored
    run.ok("train --resume --from-file p.jsonl")


def test_a_snapshot_of_an_earlier_version_is_refused_if_it_lacks_its_data_or_has_another_split(run):
    advice = f"was written by an earlier version: finish the run there, or continue from its weights with -i {SNAPSHOT}"
    finished_snapshot(SNAPSHOT)
    run.refuses("train --resume", advice)
    Path(SNAPSHOT).unlink()
    pair_snapshot(by_content=None)
    Path("p.jsonl").write_text(LINES)
    run.refuses("train --resume --from-file p.jsonl", advice)


@pytest.mark.parametrize("kind", ["pipe", "stdin"])
@pytest.mark.timeout(60)
def test_an_endless_pipe_is_read_only_as_far_as_needed(run, shell, fast_steps, kind):
    pair_snapshot()
    if kind == "stdin":
        done = shell("train", "--resume", "--from-file", "-", stdin=LINES)
        assert done.returncode == 0, done.stderr
        return
    os.mkfifo("pipe")

    def write():
        with contextlib.suppress(BrokenPipeError), open("pipe", "w") as pipe:
            while True:
                pipe.write(LINES)

    threading.Thread(target=write, daemon=True).start()
    run.ok("train 5 --resume --from-file pipe")


# ---- Finished runs ----


@pytest.mark.parametrize(
    ("options", "output"),
    [("", "--iter-num 0"), ("--record", "-o w.h5"), ("--budget 0.001", ""), ("--members 2", "-o w.h5")],
)
def test_a_finished_run_is_not_an_error_whatever_may_be_left_out(run, fast_members, fast_steps, options, output):
    """`until seq2seq-demo train ... --resume; do sleep 1; done` ends."""
    epochs = "" if "budget" in options else "-e 1"
    out, _ = run.ok(f"train 20 {epochs} -p reversed {TINY} {options} {output} --resume")
    saved = next(line for line in out.splitlines() if line.startswith("Saved ")).removeprefix("Saved ")
    before = files()
    for again in (
        f"train 20 {epochs} -p reversed {options} {output}",
        f"train -p reversed {output}",
        f"train -o {saved}",
    ):
        assert run.ok(f"{again} --resume")[0] == f"{saved} already contains the result of this training run\n"
    assert files() == before


@pytest.mark.parametrize("start", ["", "-i start.h5"])
def test_a_finished_run_on_pairs_is_recognised_by_its_data(run, fast_steps, start):
    """The data are encoded with the vocabulary of the network, which a continued run has from its start."""
    Path("p.tsv").write_text("ab\tb\nba\ta\n" * 10)
    Path("q.tsv").write_text("abc\tb\nba\ta\n" * 10)
    run.ok("train -e 1 --from-file q.tsv -o start.h5 --cell-size 3 --batch-size 20")
    run.ok(f"train -e 1 --from-file p.tsv -o w.h5 {start} --batch-size 20")
    resume = "train --resume -o w.h5 --from-file"
    assert run.ok(f"{resume} p.tsv")[0] == "w.h5 already contains the result of this training run\n"
    run.refuses(f"{resume} q.tsv", "w.h5: expected the data that its training began with")


def test_another_run_at_the_destination_is_an_error(run, fast_steps):
    run.ok(f"{TRAIN} -o w.h5")
    before = files()
    for other in ("--seed 1", "-p copy", "--cell-size 8", "-e 2"):
        err = run.refuses(f"train 60 --resume -o w.h5 {other}", "leave out --resume to train again, or to continue")
        assert "w.h5 has " in err
    run.refuses(f"{TRAIN} --resume -o w.h5 --record", "w.h5 has no recording", 1)
    save_random("v")
    run.refuses("train --resume -o v", "v records no training run", 1)
    assert {name: content for name, content in files().items() if name != "v"} == before


@pytest.mark.parametrize("name", ["w.h5", CANONICAL])
def test_a_run_that_was_killed_after_saving_leaves_no_snapshot(run, fast_steps, monkeypatch, name):
    """In a folder that is read-only or sticky, the snapshot stays, and the run is still finished."""
    snapshot, unlink = f"s2s_checkpoint__{name}", Path.unlink
    finished_snapshot(snapshot, reversed_fingerprint())

    def refuse(path, missing_ok=False):
        if path.name == snapshot:
            raise PermissionError(1, "Operation not permitted")
        unlink(path, missing_ok)

    finished = f"{name} already contains the result of this training run\n"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        out, err = run.ok("train --resume")
        assert out.endswith(f"Saved {name}\n")
        assert f"Could not remove {snapshot}, which is no longer needed: Operation not permitted" in err
        content = Path(name).read_bytes()
        assert run.ok("train --resume --history h.json")[0] == finished
        assert len(json.loads(Path("h.json").read_text())) == 1
    assert run.ok("train --resume")[0] == finished
    assert files() == {name: content, "h.json": Path("h.json").read_bytes()}


# ---- One run, one place ----


def test_a_new_run_beside_a_snapshot_needs_force(run, fast_steps):
    finished_snapshot(SNAPSHOT, reversed_fingerprint(), seed=5)
    before = files()
    expected = f"{SNAPSHOT}: expected no snapshot, found one: --resume continues that training run, and --force starts"
    run.refuses(f"{TRAIN} -o w.h5", expected, 1)
    with atomic_files.open_locked(Path(SNAPSHOT), "a snapshot"):
        for option in ("", "--force", "--resume"):
            run.refuses(f"{TRAIN} -o w.h5 {option}", "another process is using this file", 1)
    assert files() == before
    run.ok(f"{TRAIN} -o w.h5 --force")
    assert load("w.h5").trained.config.seed == 0
    assert [*files()] == ["w.h5"]


def test_a_run_without_o_claims_a_name_that_neither_a_result_nor_a_snapshot_has(run, fast_steps):
    save_random(CANONICAL)
    finished_snapshot(f"s2s_checkpoint__{CANONICAL.replace('_1', '_4')}")
    assert f"Saved {CANONICAL.replace('_1', '_5')}\n" in run.ok(TRAIN)[0]


def test_the_first_snapshot_precedes_the_first_step(run, monkeypatch):
    claimed = []

    def interrupted(*arguments):
        claimed.append(load_snapshot(Path(SNAPSHOT)).network.step)
        raise Killed

    monkeypatch.setattr(trainer, "fit", interrupted)
    with pytest.raises(Killed):
        run(f"{TRAIN} -o w.h5")
    assert claimed == [0]


def test_the_command_to_resume_repeats_the_options(run, monkeypatch, fast_steps):
    Path("p x.tsv").write_text("1,2\n2,1\n" * 10)
    options = ["--from-file", "p x.tsv", "--format", "csv", "--header", "no", "--keep-going"]
    options += ["--history", "h.json", "--log-dir", "logs", "--tensorboard-verbose", "1", "--no-optimizer"]
    options += ["-e", "2", "--cell-size", "3", "--in-tokens", "characters"]
    with monkeypatch.context() as patch:
        patch.setattr(TrainingReport, "on_steps_end", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        _, _, err = run("train", "-o", "w.h5", *options)
    command = err.rpartition("resume it with `seq2seq-demo ")[2].rstrip("`\n")
    assert shlex.split(command) == ["train", "--resume", "-o", "w.h5", *options]
    run.ok(*shlex.split(command))
    assert load("w.h5").moments == {}


# ---- Failures to save ----


def test_a_failed_save_names_the_snapshot_that_keeps_the_training(run, monkeypatch, fast_steps):
    def full_disk(network, path, *how):
        raise WeightsError(f"{path}: could not be written: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(weights_file, "write", full_disk)
        err = run(f"{TRAIN} -o w.h5")[2]
    assert f": w.h5: could not be written: No space left on device; kept in {SNAPSHOT}: resume it with " in err
    assert load(SNAPSHOT).step == 1
    run.ok("train --resume")
    assert load("w.h5").step == 1
    assert [*files()] == ["w.h5"]


def test_a_file_at_the_destination_is_kept(run, fast_steps):
    Path("w.h5").write_text("thesis")
    finished_snapshot(SNAPSHOT, reversed_fingerprint())
    status, _, err = run("train --resume")
    assert status == 1
    assert f"w.h5: expected an unused name, found a file; kept in {SNAPSHOT}: resume it with" in err
    assert Path("w.h5").read_text() == "thesis"
    assert load(SNAPSHOT).step == 1
