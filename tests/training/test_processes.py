import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from multiprocessing.connection import Connection
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import largest_difference

from seq2seq_demo.callbacks import Callback
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.sequence_pattern import find_pattern
from seq2seq_demo.errors import Interrupted
from seq2seq_demo.files.destinations import Destination
from seq2seq_demo.trained_network import Lesson, load, untrained
from seq2seq_demo.training import second_process as module
from seq2seq_demo.training.loop import fit
from seq2seq_demo.training.second_process import (
    BUSY,
    Cores,
    Exchange,
    SecondProcess,
    cores,
    pays,
    second_process,
    serve,
)
from seq2seq_demo.training.snapshots import Interruption, Snapshots

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no second process")
REVERSED = find_pattern("reversed")
MODEL = ModelConfig("embedding_rnn", "BasicRNNCell", 1, 7, 5)  # which compiles fast
# 180 points to train on, 45 steps an epoch; of 181, the last batch is one row.
CONFIG = TrainConfig(200, in_len=6, out_len=6, learning_rate=0.01, epochs=2, batch_size=4)
VARIED = TrainConfig(201, 6, 6, 0.01, epochs=2, batch_size=4, min_in_len=2, dropout=0.3)


class SecondThread(SecondProcess):
    """The same in a thread, which need not load TensorFlow again."""

    def __init__(self):
        here, there = (Connection(end.detach()) for end in socket.socketpair())
        self.memory = os.memfd_create("test")
        self.process = SimpleNamespace(poll=lambda: None)
        self.connection, self.number, self.cores, self.is_lost = here, 1, Cores(), False
        self.thread = threading.Thread(target=serve, args=[there, self.memory, lambda: False])
        self.thread.start()

    def close(self):
        self.connection.close()
        self.thread.join()
        assert not self.is_lost


def trained(config, start=None, callbacks=(), snapshots=None):
    with contextlib.closing(SecondThread()) as second:
        return fit(REVERSED, config, start or untrained(MODEL, 0), callbacks, snapshots, second)


@pytest.mark.slow
@pytest.mark.parametrize("config", [CONFIG, VARIED], ids=["of one length", "of several, with dropout"])
def test_two_processes_train_what_one_does_and_it_may_compute_both_halves(monkeypatch, config):
    alone = fit(REVERSED, config, untrained(MODEL, 0))
    together = trained(config)
    assert 0 < largest_difference(together, alone) < 1e-5
    assert largest_difference(together, untrained(MODEL, 0)) > 0.05
    monkeypatch.setattr(Cores, "are_free", lambda self: False)
    assert trained(config).to_bytes() == together.to_bytes()


@pytest.mark.slow
def test_a_training_goes_on_without_the_second_process_and_ends_with_the_same_bits():
    class Killing(Callback):
        def on_epoch_begin(self, epoch):
            if epoch == 1:
                second.process.kill()

    undisturbed = trained(CONFIG)
    with contextlib.closing(SecondProcess()) as second:
        network = fit(REVERSED, CONFIG, untrained(MODEL, 0), [Killing()], second=second)
        assert second.is_lost
    assert network.to_bytes() == undisturbed.to_bytes()


@pytest.mark.slow
def test_resumed_it_ends_with_the_same_bits(tmp_path):
    class Interrupting(Callback):
        def on_steps_end(self, step, points, loss, token_accuracy):
            interruption.signum = signal.SIGTERM if step == 100 + 64 else None

    # 200 points to train on, 100 steps an epoch, of which 64 are taken at once.
    config, interruption = TrainConfig(222, 6, 6, 0.01, epochs=2, batch_size=2), Interruption()
    snapshots = Snapshots(tmp_path, None, "reversed", Lesson(), Destination(), interruption, lambda text: None)
    with pytest.raises(Interrupted), snapshots:
        trained(config, None, [Interrupting()], snapshots)
    snapshot = load(snapshots.last)
    assert (snapshot.progress.epoch, snapshot.progress.points) == (1, 128)
    assert trained(config, snapshot).to_bytes() == trained(config).to_bytes()


@pytest.mark.slow
def test_it_ends_with_the_first_process():
    code = (
        "import os; from seq2seq_demo.training.second_process import SecondProcess\n"
        "second = SecondProcess(); print(second.process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    deadline = time.monotonic() + 60
    while os.path.exists(f"/proc/{done.stdout.strip()}/fd/0"):  # a process that is over has none
        assert time.monotonic() < deadline
        time.sleep(0.1)


def both_exchanges(size, is_alone=lambda: False):
    memory = os.memfd_create("test")
    return [Exchange(memory, size, index, is_alone) for index in (0, 1)]


def test_both_get_the_sum_of_both():
    exchanges, totals = both_exchanges(3), {}

    def take_part(exchange):
        for number in range(1, 201):
            own = np.float32([number, 1000 * exchange.index, exchange.index + 1])
            totals[exchange.index, number] = exchange.total(own, number)

    threads = [threading.Thread(target=take_part, args=[exchange]) for exchange in exchanges]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(totals) == 400
    assert all((total == [2 * number, 1000, 3]).all() for (_, number), total in totals.items())


def test_who_is_alone_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr(module, "LOOKS", 5)
    exchange, _ = both_exchanges(3, is_alone=lambda: True)
    with pytest.raises(ConnectionError):
        exchange.total(np.zeros(3, np.float32), 1)


def test_busy_cores_are_left_alone_for_a_while():
    both = Cores()
    both.note(BUSY + 0.1)
    assert both.are_free()  # once is chance
    both.note(BUSY - 0.1)
    both.note(BUSY + 0.1)
    assert both.are_free()
    both.note(BUSY + 0.1)
    assert [both.are_free() for _ in range(33)] == [False] * 32 + [True]
    both.note(BUSY + 0.1)  # still
    assert [both.are_free() for _ in range(33)] == [False] * 32 + [True]
    both.note(BUSY - 0.1)
    both.note(BUSY + 0.1)
    assert both.are_free()


@pytest.mark.parametrize(
    ("change", "model"),
    [
        ({"points": 200_000, "epochs": 1}, {}),
        ({"points": 1000, "epochs": 1000}, {}),
        ({"batch_size": 125}, {}),
        ({}, {"cell_size": 256}),
        ({"cores": 1}, {}),
        ({"TF_CONFIG": "{}"}, {}),
    ],
    ids=str,
)
def test_where_it_pays(monkeypatch, change, model):
    monkeypatch.setattr(module.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(module, "cores", lambda: 2)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert pays(TrainConfig(), ModelConfig())
    monkeypatch.setattr(module, "cores", lambda: change.get("cores", 2))
    if "TF_CONFIG" in change:
        monkeypatch.setenv("TF_CONFIG", change["TF_CONFIG"])
    settings = {name: value for name, value in change.items() if name in TrainConfig.__dataclass_fields__}
    config = TrainConfig(**settings)
    assert not pays(config, ModelConfig(**model))
    with second_process(config, ModelConfig(**model)) as second:
        assert second is None


def test_cores_are_those_that_this_process_may_use():
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert 1 <= cores() <= len(allowed)
