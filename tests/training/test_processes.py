import contextlib
import errno
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from helpers import PYTHON, ROOT, largest_difference, snapshot_in, snapshots_in_memory, wait_for

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.errors import TrainingError, UsageError
from seq2seq_demo.files.weights_file import to_bytes
from seq2seq_demo.trained_network import load, untrained
from seq2seq_demo.training import processes
from seq2seq_demo.training.processes import READY, ParentConnection, ProcessGroup, map_vectors, own_core
from seq2seq_demo.training.recorder import start_recording
from seq2seq_demo.training.trainer import fit

REVERSED = find_pattern("reversed")
MODEL = ModelConfig("embedding_rnn", "BasicRNNCell", 1, 7, 5, ends=True)  # compiles fast
# 541 training points make 91 steps per epoch, in calls of 64 and 27; the last batch has one row.
CONFIG = TrainConfig(601, 4, 4, 0.01, epochs=2, batch_size=6, min_in_len=2, processes=3)


class ThreadGroup(ProcessGroup):
    """A group of threads instead of processes, which need not load TensorFlow again."""

    def __init__(self, n):
        super().__init__()
        firsts = [ParentConnection(self.connect().detach()) for _ in range(n - 1)]
        arguments = [(first.serve, [index, self.memory.fileno()]) for index, first in enumerate(firsts, 1)]
        self.threads = [threading.Thread(target=serve, args=args) for serve, args in arguments]
        for thread in self.threads:
            thread.start()

    def close(self):
        super().close()
        for thread in self.threads:
            thread.join()


def trained(start, snapshots=None):
    with contextlib.closing(ThreadGroup(CONFIG.processes)) as group:
        return fit(REVERSED, CONFIG, start, (), snapshots, group.attach)


# ---- Training ----


@pytest.mark.slow
def test_several_processes_train_like_one_and_resume_with_the_same_bits():
    start, kept = untrained(MODEL, 0), {}
    together = trained(start, snapshots_in_memory(kept))
    assert (kept[91 + 64].progress.epoch, kept[91 + 64].progress.points) == (1, 64 * 6)
    assert to_bytes(trained(kept[91 + 64])) == to_bytes(together)
    recorded = trained(start_recording(start, CONFIG))  # which ends calls after other steps
    assert to_bytes(replace(recorded, recording=None)) == to_bytes(together)
    alone = fit(REVERSED, replace(CONFIG, processes=1), start)
    assert 0 < largest_difference(together, alone) < 1e-5
    assert largest_difference(together, start) > 0.05
    assert together.reached.loss == pytest.approx(alone.reached.loss, abs=1e-6)
    assert together.trained.config.processes == 3  # recorded in snapshots


def test_sums_are_added_up_in_the_order_of_the_processes():
    size = 50_000
    own = [np.full(size, value, np.float32) for value in (1, 1e8, -1e8)]  # (1 + 1e8) - 1e8 = 0 in float32
    totals = {}

    def add_up(index, first):
        vectors = map_vectors(group.memory.fileno(), 3, size)
        totals[index] = [first.all_reduce(vectors, index, own[index]).copy() for _ in range(20)]

    with contextlib.closing(ProcessGroup()) as group:
        group.share_vectors(3, size)
        firsts = [ParentConnection(group.connect().detach()) for _ in range(2)]
        threads = [threading.Thread(target=add_up, args=each) for each in enumerate(firsts, 1)]
        for thread in threads:
            thread.start()
        totals[0] = [group.all_reduce(own[0]).copy() for _ in range(20)]
        for thread in threads:
            thread.join()
    assert [len(each) for each in totals.values()] == [20] * 3
    assert all(total.shape == (size,) and (total == 0).all() for each in totals.values() for total in each)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")
def test_processes_that_need_all_cores_keep_to_one_each():
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()

    def cores():
        return [os.sched_getaffinity(each) for each in (0, thread.native_id)]

    own = os.sched_getaffinity(0)
    with own_core(len(own) - 1, len(own)):
        assert cores() == [{max(own)}] * 2
    assert cores() == [own] * 2
    with own_core(0, len(own) + 1):
        assert cores() == [own] * 2
    ended.set()
    thread.join()


# ---- Lost and silent processes ----


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not report a silent process")
def test_a_stopped_process_ends_the_training_and_the_snapshot_remains(run, monkeypatch, tmp_path):
    stopped = []

    class StoppingGroup(ProcessGroup):
        """Stops its child within the second epoch, and then waits only a second for a message."""

        n_steps = 0

        def all_reduce(self, vector):
            self.n_steps += 1
            if self.n_steps == 30:
                stopped.extend(self.processes)
                self.processes[0].send_signal(signal.SIGSTOP)
                with socket.socket(fileno=os.dup(self.connections[0].fileno())) as end:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 1, 0))
            return super().all_reduce(vector)

    monkeypatch.setattr(processes, "ProcessGroup", StoppingGroup)
    line = "train 300 -p reversed --cell-type BasicRNNCell --cell-size 7 --embedding-size 5 --batch-size 10 -e 100000"
    status, _, err = run(*line.split(), "--processes", 2, "--data-dir", tmp_path)
    assert status == 1
    assert err.splitlines()[-1].startswith("seq2seq-demo: error: expected all 2 processes to stay to the end, but one ")
    assert "has been silent" in err.splitlines()[-1]
    assert load(snapshot_in(tmp_path)).step == 27  # the end of the first epoch
    assert [process.returncode for process in stopped] == [-signal.SIGKILL]


@pytest.mark.slow
def test_processes_ignore_modules_in_the_working_directory_and_end_with_the_first_process(tmp_path):
    for name in ("json", "seq2seq_demo"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(1)")
    code = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from seq2seq_demo.training.processes import READY, ProcessGroup
sys.path.insert(0, "")
group = ProcessGroup()
group.start(1)
print(group.processes[0].pid, flush=True)
while (message := group.connections[0].recv()) != READY:
    assert message is None, message
print(READY, flush=True)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    pid, ready = done.stdout.split()
    assert ready == READY
    wait_for(lambda: not os.path.exists(f"/proc/{pid}/fd/0"), 10)  # an ended process has no open files


def test_an_error_in_another_process_is_reported(monkeypatch):
    monkeypatch.setitem(sys.modules, "seq2seq_demo.training.trainer", None)
    with contextlib.closing(ThreadGroup(2)) as group, pytest.raises(TrainingError) as raised:
        group.exchange(lambda messages: messages)
    assert str(raised.value).startswith(
        "process 2: ModuleNotFoundError: import of seq2seq_demo.training.trainer halted"
    )


@pytest.mark.slow
def test_a_lost_process_is_noticed_at_once_and_a_silent_one_after_a_while(monkeypatch):
    monkeypatch.setattr(processes, "SECONDS_OF_SILENCE", 1)
    for reason, is_open in (("is lost", False), ("has been silent for 1 s", True)):
        with contextlib.closing(ProcessGroup()) as group, group.connect() as other_end:
            if not is_open:
                other_end.close()
            with pytest.raises(TrainingError, match=f"all 2 processes to stay to the end, but one {reason}"):
                group.exchange(lambda messages: messages)


@pytest.mark.slow
def test_a_process_that_does_not_read_counts_as_silent(monkeypatch):
    monkeypatch.setattr(processes, "SECONDS_OF_SILENCE", 1)
    with contextlib.closing(ProcessGroup()) as group, group.connect() as other_end:
        ParentConnection(os.dup(other_end.fileno())).connection.send(READY)
        with pytest.raises(TrainingError, match="silent"):
            group.exchange(lambda messages: bytes(10**7))


@pytest.mark.slow
def test_heartbeats_keep_a_process_connected_and_stop_with_its_parent(monkeypatch):
    ended = []
    monkeypatch.setattr(processes, "SECONDS_OF_SILENCE", 1)
    monkeypatch.setattr(processes.os, "_exit", ended.append)
    with contextlib.closing(ProcessGroup()) as group:
        first = ParentConnection(group.connect().detach())
        threads = [threading.Thread(target=first.send_heartbeats, args=[os.getppid(), 0.1])]
        threads += [threading.Timer(1.5, first.request, [READY])]
        for thread in threads:
            thread.start()
        assert group.exchange(lambda messages: messages) == [READY]
    for thread in threads:
        thread.join()
    assert ended == [1]
    first.send_heartbeats(os.getppid() + 1)  # not the parent's id
    assert ended == [1, 1]


# ---- Errors at the start ----


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"batch_size": 127}, "expected `batch_size` to be a multiple of `processes` 2, got 127"),
        ({"processes": 4}, "expected at least 4 cores for 4 processes, got 3"),
        ({"TF_CONFIG": "{}"}, "expected no TF_CONFIG for 2 processes: its workers already share each batch"),
        ({"executable": ""}, "expected a Python interpreter for 2 processes, got a program that has none"),
        ({"frozen": True}, "expected a Python interpreter for 2 processes, got a program that has none"),
    ],
    ids=str,
)
def test_errors_at_the_start(monkeypatch, changes, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 5}, raising=False)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    fields = {name: value for name, value in changes.items() if name in TrainConfig.__dataclass_fields__}
    for name, value in changes.items():
        if name == "TF_CONFIG":
            monkeypatch.setenv(name, value)
        elif name not in fields:
            monkeypatch.setattr(sys, name, value, raising=False)
    config = TrainConfig(**{"processes": 2} | fields)
    with pytest.raises(UsageError) as raised, processes.process_group(config):
        pass
    assert str(raised.value) == expected
    with processes.process_group(replace(config, processes=1)) as group:
        assert group is None


@pytest.mark.parametrize(
    ("units", "batch_size", "n", "cores", "expected"),
    [
        (64, 128, 1, 2, True),
        (127, 30, 1, 3, True),
        (63, 128, 1, 2, False),
        (128, 128, 1, 2, False),
        (64, 127, 1, 2, False),
        (64, 128, 2, 4, False),
        (64, 128, 1, 1, False),
    ],
)
def test_when_a_second_process_would_pay(monkeypatch, units, batch_size, n, cores, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    config = TrainConfig(batch_size=batch_size, processes=n)
    assert processes.would_pay(ModelConfig("embedding_attention", cell_size=units), config) is expected
    assert not processes.would_pay(ModelConfig("embedding_rnn", cell_size=units), config)


def test_an_interpreter_that_does_not_start_is_an_error(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    monkeypatch.setattr(sys, "executable", "/not/there/python")
    with pytest.raises(TrainingError) as raised, processes.process_group(TrainConfig(processes=2)):
        pass
    assert str(raised.value) == "expected to start /not/there/python again, got: No such file or directory"


def test_only_several_processes_need_shared_memory(monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    monkeypatch.setattr(os, "memfd_create", refuse, raising=False)
    with processes.process_group(TrainConfig()) as group:
        assert group is None
    with pytest.raises(TrainingError) as raised, processes.process_group(TrainConfig(processes=2)):
        pass
    assert str(raised.value) == "expected memory that processes can share, got: Too many open files"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")
def test_a_sandbox_may_forbid_choosing_cores(monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    with own_core(0, len(os.sched_getaffinity(0))):
        pass


def test_a_gpu_is_refused(monkeypatch):
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    with contextlib.closing(ProcessGroup()) as group, pytest.raises(UsageError, match="expected no GPU for several"):
        group.attach(None)


FORKED = """
import os, signal, sys
import seq2seq_demo

def train():
    signal.alarm(60)
    seq2seq_demo.train("sorted", points=100, epochs=1, in_len=3, cell_size=2, cell_type="BasicRNNCell")

if "train" in sys.argv:
    train()
if "load" in sys.argv or "use" in sys.argv:
    import tensorflow
if "use" in sys.argv:
    tensorflow.constant(1)
if not (process := os.fork()):
    try:
        train()
    except seq2seq_demo.Seq2SeqError as error:
        os._exit(print(error, flush=True) or 3)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("before", ["nothing", "load", "use", "train"])
def test_a_forked_process_trains_unless_tensorflow_was_in_use(before):
    """TensorFlow's threads exist only in the parent process, so the forked process would hang."""
    python = PYTHON if before == "train" else [sys.executable]  # the server has imported `processes` before it forks
    done = subprocess.check_output([*python, "-c", FORKED, before], text=True, cwd=ROOT, timeout=100)
    error = 'expected a process started by "spawn", got one forked after TensorFlow had started'
    assert done.splitlines() == ([error, "3"] if before in ("use", "train") else ["0"])
