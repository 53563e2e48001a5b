"""Training runs of several networks."""

import fcntl
import os
import re
import shlex
import signal
import subprocess
import sys
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import AS_PATTERNS, REAL_PROGRAM, Watcher, end, environment, same_arrays, wait_for
from loky import ProcessPoolExecutor

from seq2seq_demo import load, train
from seq2seq_demo.config import TrainConfig
from seq2seq_demo.console import notice
from seq2seq_demo.data.pattern_task import PatternTask
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.errors import Interrupted, TrainingError
from seq2seq_demo.trained.counts import count_answers
from seq2seq_demo.training import members
from seq2seq_demo.training.members import combined, n_jobs
from seq2seq_demo.training.settings import new_run
from seq2seq_demo.training.snapshots import SIGNALS

ROWS = [([n % 7, n % 5, n % 9, n % 4][: 3 + n % 2], [n % 4, n % 2]) for n in range(60)]
SETTINGS = {"learning_rate": 0.02, "epochs": 2, "batch_size": 4, "dropout": 0.2, "keep_best": True, "seed": 3}
MODEL = AS_PATTERNS | {"cell_type": "BasicRNNCell", "cell_size": 7, "embedding_size": 5}


@pytest.mark.slow
def test_with_callbacks_members_are_trained_one_after_another(capfd, fast_steps):
    watcher = Watcher()
    network = train(ROWS, members=2, callbacks=[watcher], verbose=True, **MODEL | SETTINGS)
    lines = re.findall(r"^Member (\d): Epoch (\d)/2: loss .* exact match", capfd.readouterr().out, re.MULTILINE)
    assert lines == [(n, epoch) for n in "12" for epoch in "12"]
    assert [call[1] for call in watcher.calls if call[0] == "begin"] == [1, 2, 1, 2]
    second, alone = network.members[1], train(ROWS, **MODEL | SETTINGS | {"seed": 4})
    assert same_arrays(second.weights, alone.weights)
    assert (second.step, second.moments, len(second.history)) == (alone.step, {}, 2)
    assert [member.run.config.seed for member in network.members] == [3, 4]
    assert network.validation != second.validation
    assert network.calibration


def members_in(folder, task, **settings):
    """The members of an ensemble, whose files are in a folder."""
    sizes = {"points": 100, "in_len": 2, "out_len": 2, "cell_size": 3, "embedding_size": 2}
    first = new_run(task, sizes | settings)
    return members.members_of(task, first, [[]] * settings["members"], folder, False)


def test_an_ensemble_is_validated_on_sources_that_no_member_was_trained_on():
    """Three members train on most of the 100 sources of length 2, each on others."""
    task = find_pattern("copy")
    networks = [each.start.network for each in members_in(None, task, members=3)]
    network = combined(networks, task)
    drawn = [task.draw(each.run.config, each.model_config) for each in networks]
    seen = {tuple(source) for training, _ in drawn for source in training.sources.rows()}
    unseen = np.array([tuple(source) not in seen for source in drawn[0][1].sources.rows()])
    assert 0 < unseen.sum() < len(unseen)
    assert network.validation == count_answers(network.to_numpy(), network, drawn[0][1][unseen]).metrics


MEMBERS = """train 6000 -p mine.py:f --members 2 --jobs 1 --seed 5 -e 2 --batch-size 16 --in-len 4 --out-len 3
    --cell-type BasicRNNCell --cell-size 6 --history h.json --log-dir logs -o w.h5 --resume"""


def member_trains(folder):
    """Whether a process holds the lock of a member's snapshot."""
    for path in folder.glob("s2s_members__w.h5/s2s_checkpoint__*"):
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    return False


@pytest.mark.slow
def test_members_whose_parent_is_killed_end_with_the_same_bits(tmp_path, tmp_path_factory, monkeypatch):
    def begin(**changes):
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        argv = [*REAL_PROGRAM, *shlex.split(MEMBERS)]
        return subprocess.Popen(argv, cwd=tmp_path, env=environment(**changes), **streams)

    (tmp_path / "mine.py").write_text("def f(source):\n    return source[::-1]\n")
    try:
        process = begin()
        wait_for(lambda: member_trains(tmp_path))
        process.kill()
        process.communicate(timeout=10)  # standard error closes once all processes have ended
        programs = tmp_path_factory.mktemp("programs")
        process = begin(TMPDIR=str(programs), TF_XLA_FLAGS="", SEQ2SEQ_DEMO_CACHE=str(programs / "cache"))
        status, err = end(process)
        assert (status, "Resuming s2s_checkpoint__w.h5\n" in err) == (0, True), err
    finally:
        process.kill()
    from seq2seq_demo.training.trainer import fit

    monkeypatch.chdir(tmp_path)
    assert sorted(os.listdir()) == ["h.2.json", "h.json", "logs", "mine.py", "w.h5"]
    assert os.listdir(programs) == ["cache"]  # the processes of the members have removed their copies
    assert sorted(os.listdir("logs")) == ["member_1", "member_2"]
    settings = {"epochs": 2, "in_len": 4, "out_len": 3, "cell_type": "BasicRNNCell", "cell_size": 6, "batch_size": 16}
    task = find_pattern("mine.py:f")
    interrupted, _ = load("w.h5").members
    begun = new_run(task, settings | {"points": 6000, "seed": 5})
    assert same_arrays(fit(task, begun).weights, interrupted.weights)


@pytest.mark.slow
def test_the_processes_of_members_start_with_blocked_signals_because_a_terminal_sends_ctrl_c_to_all():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with members._blocked_signals():
        pool = ProcessPoolExecutor(1)
        task = pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, ())
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
    assert {*SIGNALS} <= task.result()
    pool.shutdown()


def test_a_killed_member_is_an_error_in_one_line():
    future = Future()
    future.set_exception(BrokenProcessPool("a message\nof several lines"))
    with pytest.raises(TrainingError, match=r"^a process that was training a member was killed$"):
        members._wait({1: future}, lambda: None)


@pytest.mark.slow
def test_an_error_of_a_member_names_it_and_a_local_function_can_be_the_pattern():
    parent = os.getpid()
    local = PatternTask("local", lambda source: source if os.getpid() == parent else 1 / 0)
    with pytest.raises(TrainingError, match=r"^member 1: .*division by zero"):
        train(local, members=2, jobs=1, points=100, epochs=1)


TWO = "train 100 -p reversed --members 2 -e 1 --in-len 2 --out-len 2 --cell-size 3 --embedding-size 2 -o w.h5"


@pytest.mark.parametrize(
    ("name", "pattern", "change"),
    [
        ("member_2.h5", "copy", {}),
        ("member_2.h5", "reversed", {"seed": 1}),
        ("s2s_checkpoint__member_2.h5", "reversed", {"cell_size": 4}),
    ],
)
def test_a_member_of_another_training_run_is_an_error_unless_force_removes_it(run, monkeypatch, name, pattern, change):
    """Such as one that remains of an interrupted run, which --resume may not find any more."""
    folder = Path("s2s_members__w.h5")
    folder.mkdir()
    (folder / "mine.h5").touch()
    _, second = members_in(folder, find_pattern(pattern), members=2, epochs=1, **change)
    second.start.network.save(folder / name)
    message = "s2s_members__w.h5: member 2 belongs to a different training run; --force retrains all"
    status, _, err = run(TWO)
    assert (status, message in err) == (1, True), err

    def train_side_by_side(*_):
        assert os.listdir(folder) == ["mine.h5"]
        raise TrainingError("member 1: No space left on device")

    monkeypatch.setattr(members, "train_side_by_side", train_side_by_side)
    _, _, err = run(f"{TWO} --force")
    kept = "1: No space left on device; the snapshot is kept in s2s_checkpoint__w.h5: resume it with "
    assert f"{kept}`seq2seq-demo {TWO} --force --resume`" in err


def test_jobs_are_limited_by_the_members_and_by_default_by_cores(monkeypatch):
    config = TrainConfig(members=3)
    monkeypatch.setattr("loky.cpu_count", lambda: 8)
    assert (n_jobs(None, config), n_jobs(3, config), n_jobs(9, config)) == (3, 3, 3)
    monkeypatch.setattr("loky.cpu_count", lambda: 2)  # of those that the process may use
    assert (n_jobs(None, config), n_jobs(3, config), n_jobs(None, TrainConfig())) == (2, 3, 1)


def test_a_quiet_member_shows_no_notices(monkeypatch, capsys, tmp_path):
    def fit(*_):
        notice("the disk is full")
        raise Interrupted("interrupted", 15)

    monkeypatch.setitem(sys.modules, "seq2seq_demo.training.trainer", SimpleNamespace(fit=fit))
    first = new_run(find_pattern("copy"), {"points": 100, "members": 1})
    for verbose, err in ((True, "the disk is full\n"), (False, "")):
        (member,) = members.members_of(find_pattern("copy"), first, [[]], tmp_path, verbose)
        assert members._train(member) is None
        assert capsys.readouterr().err == err
