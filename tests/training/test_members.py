"""Training runs of several networks."""

import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from helpers import REAL_PROGRAM, Watcher, end, environment, pairs_of, same_arrays, wait_for

from seq2seq_demo import PatternTask, load, train
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.display.training_report import MembersReport
from seq2seq_demo.errors import TrainingError, UsageError
from seq2seq_demo.evaluation import EvaluationOptions, measure
from seq2seq_demo.trained_network import untrained
from seq2seq_demo.training import members
from seq2seq_demo.training.members import can_move, check_jobs
from seq2seq_demo.training.results import combined

ROWS = [([n % 7, n % 5, n % 3][: 1 + n % 3], [n % 4, n % 2]) for n in range(60)]
SETTINGS = {"learning_rate": 0.02, "epochs": 2, "batch_size": 4, "dropout": 0.2, "keep_best": True, "seed": 3}
MODEL = {"model": "embedding_attention", "cell_type": "GRUCell", "cell_size": 7, "embedding_size": 5}


@pytest.mark.slow
def test_members_are_equal_side_by_side_and_one_after_another(fast_members, capsys):
    together = train(ROWS, members=2, jobs=2, verbose=True, **SETTINGS, **MODEL)
    lines = re.findall(r"^Member (\d): Epoch (\d)/2: loss .* exact match", capsys.readouterr().out, re.MULTILINE)
    assert sorted(lines) == [(n, epoch) for n in "12" for epoch in "12"]
    watcher = Watcher()
    in_turn = train(ROWS, members=2, callbacks=[watcher], **SETTINGS, **MODEL)
    assert [call for call in watcher.calls if call[0] in ("member", "begin")] == [
        call for member in (1, 2) for call in (("member", member), ("begin", 1), ("begin", 2))
    ]
    for one, other in zip(together.networks, in_turn.networks, strict=True):
        assert same_arrays(one.weights, other.weights)
        assert (one.step, one.moments, len(one.history)) == (other.step, {}, 2)
    assert [each.trained.config.seed for each in together.networks] == [3, 4]
    assert together.reached == in_turn.reached != in_turn.networks[1].reached
    assert (together.temperature, together.calibration_error) == (in_turn.temperature, in_turn.calibration_error)


def test_an_ensemble_is_validated_on_sources_that_no_member_was_trained_on():
    """Three members train on most of the 100 sources of length 2, each on others."""
    task, config = find_pattern("copy"), TrainConfig(100, 2, 2, members=3)
    networks = [each.start for each in members.members_of(task, config, members_start(task, config), 1)]
    network = combined(networks, task)
    drawn = [task.draw(each.trained.config, each.model_config) for each in networks]
    seen = {tuple(source) for training, _ in drawn for source in training.sources.rows()}
    unseen = np.array([tuple(source) not in seen for source in drawn[0][1].sources.rows()])
    assert 0 < unseen.sum() < len(unseen)
    options = EvaluationOptions(network.max_out_len)
    assert network.reached == measure(network.to_numpy(), drawn[0][1][unseen], options).figures


def members_start(task, config):
    """The network of the first member at the start of its training run."""
    from seq2seq_demo.training.settings import begin_run

    return begin_run(untrained(ModelConfig(cell_size=3, embedding_size=2), config.seed), task, config)


class Runs:
    """Runs of one command in a folder, each of which resumes the one before."""

    def __init__(self, folder):
        self.folder, self.process = folder, None

    def begin(self, *options):
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        command = [*REAL_PROGRAM, *shlex.split(MEMBERS), *options]
        self.process = subprocess.Popen(command, cwd=self.folder, env=environment(), **streams)

    def children(self):
        listed = ["ps", "-o", "pid=", "--ppid", str(self.process.pid)]
        return [*map(int, subprocess.run(listed, capture_output=True, text=True, check=False).stdout.split())]

    def snapshots(self):
        return [*self.folder.glob("s2s_members__w.h5/s2s_checkpoint__*")]


MEMBERS = """train 6000 -p mine.py:f --members 2 --jobs 1 --seed 5 -e 2 --batch-size 16 --in-len 4 --out-len 3
    --cell-size 6 --history h.json --log-dir logs -o w.h5"""


@pytest.mark.slow
def test_members_that_are_killed_or_orphaned_end_with_the_same_bits(tmp_path, monkeypatch):
    runs = Runs(tmp_path)
    (tmp_path / "mine.py").write_text("def f(x):\n    print('a pattern may print')\n    return x[:, ::-1]\n")
    try:
        runs.begin()
        wait_for(runs.snapshots)
        children = runs.children()
        runs.process.kill()
        end(runs.process)
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))
        runs.begin("--resume")
        wait_for(runs.children)
        os.kill(runs.children()[0], signal.SIGKILL)
        status, err = end(runs.process)
        assert status == 1
        again = "resume it with `seq2seq-demo train --resume -o w.h5 -p mine.py:f --history"
        assert re.search(
            rf"error: member \d ended without a result: signal 9; kept in s2s_checkpoint__w.h5: {again}", err
        )
        runs.begin("--resume")
        status, err = end(runs.process)
        assert (status, "of 2 members are trained" in err) == (0, True), err
    finally:
        runs.process.kill()
    monkeypatch.chdir(tmp_path)
    assert sorted(os.listdir()) == ["h.2.json", "h.json", "logs", "mine.py", "w.h5"]
    assert sorted(os.listdir("logs")) == ["member_1", "member_2"]
    settings = {"epochs": 2, "in_len": 4, "out_len": 3, "cell_size": 6, "batch_size": 16}
    for seed, network in zip((5, 6), load("w.h5").networks, strict=True):
        assert same_arrays(train("mine.py:f", points=6000, seed=seed, **settings).weights, network.weights)


@pytest.mark.slow
def test_an_error_of_a_member_names_it(fast_members):
    with pytest.raises(TrainingError, match=r"^member 1: .*try a lower `learning_rate`$"):
        train(ROWS, members=2, jobs=1, **SETTINGS | {"learning_rate": 1e20}, **MODEL)


def test_only_tasks_that_another_process_can_have_move():
    assert can_move(PairTask("p", pairs_of(*ROWS)))
    assert can_move(find_pattern("sorted"))
    assert can_move(PatternTask("flipped", np.flip))
    assert not can_move(PatternTask("local", lambda x: x))


def test_jobs_are_limited_by_the_members_and_by_memory(monkeypatch):
    config = TrainConfig(members=3)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(members.system_memory, "total", lambda: 2.5e9)
    assert (check_jobs(None, config), check_jobs(2, config), check_jobs(1, config)) == (2, 2, 1)
    with pytest.raises(UsageError, match=r"^`jobs` 3 would need 2\.8 GiB .* has 2\.3 GiB: use fewer$"):
        check_jobs(3, config)
    monkeypatch.setattr(members.system_memory, "total", lambda: 2e10)
    assert (check_jobs(None, config), check_jobs(9, config)) == (3, 3)


def test_the_report_counts_the_points_of_all_members(capsys):
    report = MembersReport(TrainConfig(20, epochs=3, members=2))  # 18 training points
    for event in ((1, "points", 18), (2, "points", 7), (2, "network", untrained(ModelConfig(), 0)), (1, "notice", "x")):
        report(*event)
    assert (report.bar.tasks[0].total, report.bar.tasks[0].completed) == (108, 18 + 54)
    assert capsys.readouterr() == ("", "Member 1: x\n")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"members": 2, "epochs": 0}, "expected `epochs` of at least 1 with `members`, got 0"),
        ({"members": 2, "record": True}, "expected one network with `record`, got `members` 2"),
    ],
)
def test_settings_that_contradict_members_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        train("reversed", points=20, **settings)
