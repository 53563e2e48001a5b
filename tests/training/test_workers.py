"""Several workers, each in a separate process on this machine."""

import contextlib
import json
import os
import re
import socket
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from helpers import PYTHON, environment, fit, random_weights, same_arrays, wait_for

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.errors import TrainingError, UsageError
from seq2seq_demo.trained.loading import load
from seq2seq_demo.trained.trained_network import TrainedNetwork
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
    """A function that starts a worker in a new directory and returns both; no worker outlives the test."""
    with contextlib.ExitStack() as stack:

        def start(tf_config, code, *argv):
            changes = {"TF_CONFIG": json.dumps(tf_config)} if tf_config else {}
            folder = tempfile.mkdtemp(dir=tmp_path)
            streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
            command = [*PYTHON, "-c", code, *map(str, argv)]
            process = subprocess.Popen(command, cwd=folder, env=environment(**changes), **streams)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process, Path(folder)

        yield start


def end(process):
    """Wait until a worker ends; return its exit status, stdout and stderr."""
    out, err = process.communicate()
    return process.returncode, out, err


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
    started = [start(tf_config, code, tmp_path / "w") for tf_config in tf_configs]
    alone = fit(find_pattern("reversed"), config, load(tmp_path / "w"))
    assert [end(process) for process, _ in started] == [(0, "", "")] * len(started)
    trained = [load(folder / "w") for _, folder in started]
    expected, first, last = (network.weights | network.moments for network in (alone, trained[0], trained[-1]))
    assert max(np.abs(first[name] - array).max() for name, array in expected.items()) < 1e-5
    assert same_arrays(first, last)
    assert trained[0].step == 4


@pytest.mark.slow
def test_only_the_chief_prints_and_saves(start):
    words = "train 3000 --cell-type BasicRNNCell --in-max-int 3 --out-max-int 3 --in-len 2 --out-len 2 -r 0.02 -e 18"
    argv = [CLI, *words.split(), "--stop-at-exact", "0.9"]
    (other, of_other), (chief, of_chief) = (start(tf_config, *argv) for tf_config in cluster("worker", "chief"))
    status, out, _ = end(chief)
    assert status == 0
    assert re.fullmatch(r"(Training .*\n|2700 .*\n|Log .*\n)+(Epoch .*\n +probe .*\n){1,17}Saved .*\n", out)
    assert os.listdir(of_chief) == ["ts2s__basic__sorted_1.weights.h5"]
    status, out, err = end(other)
    assert (status, out, os.listdir(of_other)) == (0, "", [])
    assert re.fullmatch(r"There are only 16 sources .*\n" + EXPOSED, err)


@pytest.mark.slow
def test_if_one_worker_is_killed_the_chief_stops_and_keeps_its_snapshot(start):
    words = ["train", "400", "-e", "1000000", "--cell-type", "BasicRNNCell", "--cell-size", "7", "--batch-size", "2"]
    (chief, of_chief), (victim, of_victim) = (start(each, CLI, *words) for each in cluster("worker", "worker"))
    wait_for(lambda: any(load(path).step > 0 for path in of_chief.glob("s2s_checkpoint*")))
    victim.kill()
    status, _, err = end(chief)
    assert status == 1
    assert re.fullmatch(EXPOSED + r"seq2seq-demo: error: expected all 2 workers .*\n", err)
    (snapshot,) = of_chief.iterdir()
    assert load(snapshot).step > 0
    assert os.listdir(of_victim) == []


@pytest.mark.slow
def test_a_worker_alone_does_not_wait_for_ever(start):
    code = CLI.replace("cli;", "cli; from seq2seq_demo.training import workers; workers.SECONDS_TO_GATHER = 1;")
    status, _, err = end(start(cluster("worker", "worker")[1], code, "train", "100")[0])
    assert status == 1
    assert re.fullmatch(EXPOSED + r"seq2seq-demo: error: expected all 2 workers .* within 1 s .*\n", err)


@pytest.mark.slow
def test_workers_with_different_options_stop(start):
    seeds = enumerate(cluster("worker", "worker"))
    for process, _ in [start(tf_config, CLI, "train", "100", "--seed", seed) for seed, tf_config in seeds]:
        status, _, err = end(process)
        assert status == 2
        assert "the workers differ in their options, their pattern or data" in err


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


def test_invalid_tf_configs_are_refused(monkeypatch):
    with_ps = tf_config({"worker": ["a:1"], "ps": ["b:2"]})  # as Kubernetes' TFJob may set it
    for text in (
        *("worker 0", "w\n\x1b[2J", "[" * 9999, "[]", "{}", with_ps, tf_config(task=[]), tf_config(task="chief")),
        *(tf_config(["a:1"]), tf_config(index=None), tf_config(index=2), tf_config(index=-1)),
    ):
        monkeypatch.setenv("TF_CONFIG", text)
        with pytest.raises(UsageError, match=r"expected TF_CONFIG like .* got '[ -~]{1,40}'$") as error:
            workers.is_chief()
        assert workers.EXAMPLE in str(error.value)


def test_another_error_of_tensorflow_is_said_in_one_line():
    message = "^TensorFlow failed with ResourceExhaustedError: out of memory$"
    with pytest.raises(TrainingError, match=message), workers.report_lost_workers():
        raise tf.errors.ResourceExhaustedError(None, None, "out of memory\nat a node")
