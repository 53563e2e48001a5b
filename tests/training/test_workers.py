"""Several workers, each in a separate process on this machine."""

import json
import os
import re
import signal
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from helpers import PYTHON, environment, fit, random_weights, wait_for

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.errors import TrainingError, UsageError
from seq2seq_demo.trained.trained_network import TrainedNetwork, load
from seq2seq_demo.training import workers

RNN = ModelConfig("embedding_rnn", "BasicRNNCell", 1, 7, 5, in_max_int=10, out_max_int=12)  # compiles fast
# 45 training points: the last batch has 13 rows, all in the first worker's half.
CONFIG = TrainConfig(50, in_len=6, out_len=4, learning_rate=0.001, epochs=2, batch_size=32)
# The longest source in one part of a batch may be shorter than in the whole batch.
ANY_LENGTH = replace(CONFIG, out_len=6, min_in_len=2, few_symbols=0.25, dropout=0.3)
CLI = "import sys; from seq2seq_demo.commands import cli; sys.exit(cli.main())"

TRAIN = """
import sys
from seq2seq_demo import load
from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.pair_task import pair_task
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.training import steps, trainer, workers
from seq2seq_demo.training.settings import begin_run
from seq2seq_demo.training.snapshots import Snapshot
{before}
task = find_pattern("reversed")
steps.use_xla = lambda *_: {xla}
trainer.fit(task, Snapshot(begin_run(load(sys.argv[1]), task, {config}))).save("w")
"""
TWO_DEVICES = """
import tensorflow as tf
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
workers.strategy = lambda batch_size: mirrored
"""


EXPOSED = r"during training, TensorFlow listens on a port of every network interface .*\n"


class Worker:
    """A Python process that runs `code` as a worker, in a new directory."""

    def __init__(self, directory: Path, tf_config: dict | None, code: str, *argv):
        directory.mkdir()
        self.directory = directory
        changes = {"TF_CONFIG": json.dumps(tf_config)} if tf_config else {}
        with open(directory / "stdout", "w") as stdout, open(directory / "stderr", "w") as stderr:
            options = {"stdout": stdout, "stderr": stderr, "cwd": directory, "env": environment(**changes)}
            self.process = subprocess.Popen([*PYTHON, "-c", code, *map(str, argv)], **options)

    @property
    def out(self) -> str:
        return (self.directory / "stdout").read_text()

    @property
    def err(self) -> str:
        return (self.directory / "stderr").read_text()

    def files(self) -> set[str]:
        return set(os.listdir(self.directory)) - {"stdout", "stderr"}

    def end(self, seconds: float = 60) -> int:
        return self.process.wait(seconds)


def cluster(*jobs: str) -> list[dict]:
    """One TF_CONFIG per job, on free ports."""
    sockets = [socket.create_server(("localhost", 0)) for _ in jobs]
    hosts = {job: [] for job in jobs}
    tasks = []
    for job, listening in zip(jobs, sockets, strict=True):
        tasks.append({"type": job, "index": len(hosts[job])})
        hosts[job].append(f"localhost:{listening.getsockname()[1]}")
        listening.close()
    return [{"cluster": hosts, "task": task} for task in tasks]


@pytest.fixture
def start(tmp_path):
    """A function that starts a process with `code`. Processes that outlive the test are killed."""
    started = []

    def start(tf_config, code, *argv):
        started.append(Worker(tmp_path / f"process_{len(started)}", tf_config, code, *argv))
        return started[-1]

    yield start
    for worker in started:
        worker.process.kill()
        worker.process.wait()


def largest_difference_in_all(a: TrainedNetwork, b: TrainedNetwork) -> float:
    a, b = ({**network.weights, **network.moments} for network in (a, b))
    return max(np.abs(a[name] - b[name]).max() for name in a)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tf_configs", "before", "config", "factor", "xla"),
    [
        (cluster("worker", "worker"), "", CONFIG, 60, True),  # large output weights, so that gradients are clipped
        ([None], TWO_DEVICES, ANY_LENGTH, 1, False),
    ],
    ids=["processes", "devices"],
)
def test_together_workers_train_like_one(start, tmp_path, tf_configs, before, config, factor, xla):
    arrays = random_weights(RNN)
    arrays["decoder/projection/kernel"] *= factor
    TrainedNetwork(RNN, arrays).save(tmp_path / "w")
    code = TRAIN.format(before=before, xla=xla, config=config)
    processes = [start(tf_config, code, tmp_path / "w") for tf_config in tf_configs]
    alone = fit(find_pattern("reversed"), config, load(tmp_path / "w"))
    assert [(process.end(), process.err) for process in processes] == [(0, "")] * len(processes)
    trained = [load(process.directory / "w") for process in processes]
    assert largest_difference_in_all(trained[0], alone) < 1e-5
    assert largest_difference_in_all(trained[0], trained[-1]) == 0
    assert trained[0].step == 4


@pytest.mark.slow
def test_only_the_chief_prints_and_saves(start):
    words = "train 3000 -m embedding_attention --in-max-int 3 --out-max-int 3 --in-len 2 --out-len 2 -r 0.02 -e 18"
    processes = [
        start(tf_config, CLI, *words.split(), "--stop-at-exact", "0.9") for tf_config in cluster("worker", "chief")
    ]
    other, chief = processes
    assert [process.end() for process in processes] == [0, 0]
    assert re.fullmatch(r"(Training .*\n|2700 .*\n|Log .*\n)+(Epoch .*\n +probe .*\n){1,17}Saved .*\n", chief.out)
    assert chief.files() == {"ts2s__basic__sorted_1.weights.h5"}
    assert (other.out, other.files()) == ("", set())
    assert re.fullmatch(r"There are only 16 sources .*\n" + EXPOSED, other.err)


@pytest.mark.slow
def test_if_one_worker_is_killed_the_chief_stops_and_keeps_its_snapshot(start):
    words = ["train", "400", "-e", "100", "--cell-size", "7", "--batch-size", "2"]
    processes = [start(tf_config, CLI, *words) for tf_config in cluster("worker", "worker")]
    wait_for(lambda: any(load(path).step > 0 for path in processes[0].directory.glob("s2s_checkpoint*")))
    chief, victim = processes
    victim.process.send_signal(signal.SIGKILL)
    assert chief.end(60) == 1
    assert re.fullmatch(EXPOSED + r"seq2seq-demo: error: expected all 2 workers .*\n", chief.err)
    (snapshot,) = chief.files()
    assert load(chief.directory / snapshot).step > 0
    assert victim.files() == set()


@pytest.mark.slow
def test_a_worker_alone_does_not_wait_for_ever(start):
    code = CLI.replace("cli;", "cli; from seq2seq_demo.training import workers; workers.SECONDS_TO_GATHER = 1;")
    worker = start(cluster("worker", "worker")[1], code, "train", "100")
    assert worker.end(30) == 1
    assert re.fullmatch(EXPOSED + r"seq2seq-demo: error: expected all 2 workers .* within 1 s .*\n", worker.err)


@pytest.mark.slow
def test_workers_with_different_options_stop(start):
    tf_configs = cluster("worker", "worker")
    processes = [start(tf_config, CLI, "train", "100", "--seed", seed) for seed, tf_config in enumerate(tf_configs)]
    assert [process.end() for process in processes] == [2, 2]
    message = "the workers differ in their options, their pattern or data"
    assert all(message in process.err for process in processes)


def test_gpus_of_one_machine_are_mirrored(monkeypatch):
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", lambda: "mirrored")
    for gpus, expected in ((0, tf.distribute.get_strategy()), (1, tf.distribute.get_strategy()), (4, "mirrored")):
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind, gpus=gpus: [kind] * gpus)
        assert workers.strategy(64) is expected
    with pytest.raises(UsageError, match="multiple of 4, the number of replicas, got 66"):
        workers.strategy(66)


WORKERS = {"worker": ["a:1", "b:2"]}


def tf_config(cluster=WORKERS, task="worker", index=0):
    return json.dumps({"cluster": cluster, "environment": "cloud", "task": {"type": task, "index": index}})


@pytest.mark.parametrize(
    "text",
    [
        *("worker 0", "w\n\x1b[2J", "[]", "{}", tf_config(task=[]), tf_config(task="chief"), tf_config(["a:1"])),
        tf_config({"worker": ["a:1"], "ps": ["b:2"]}),  # Kubernetes' TFJob, for example, sets a TF_CONFIG with ps
        *("[" * 9999, *(tf_config(index=index) for index in (None, 2, -1))),
    ],
)
def test_invalid_tf_configs_are_refused(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UsageError, match=r"expected TF_CONFIG like .* got '[ -~]{1,40}'$") as error:
        workers.is_chief()
    assert workers.EXAMPLE in str(error.value)


def test_another_error_of_tensorflow_is_said_in_one_line():
    message = "^TensorFlow failed with ResourceExhaustedError: out of memory$"
    with pytest.raises(TrainingError, match=message), workers.report_lost_workers():
        raise tf.errors.ResourceExhaustedError(None, None, "out of memory\nat a node")
