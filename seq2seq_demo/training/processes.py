"""Data parallelism on one machine: with `TrainConfig.processes` above 1, child processes share each batch.

A process runs one compiled call at a time, so a second core needs a second process. All N processes hold the same
weights. Each process computes the loss and the gradient of 1 / N of the rows of a batch (`Trainer.packed_sums`) and
writes them to shared memory, where the parent process adds them up in a fixed order. Each process then applies the same
Adam step. The result equals a step on the whole batch up to rounding, and its bits depend on N alone.

The processes wait for each other by messages. The parent sends a message only to a child that waits for a reply, so
sending never blocks. The children also send heartbeats. If a child ends, or sends nothing for SECONDS_OF_SILENCE,
training ends with an error.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.errors import TrainingError, UsageError, require_tensorflow

if TYPE_CHECKING:
    from seq2seq_demo.training.batches import Batch
    from seq2seq_demo.training.trainer import Trainer

MIN_UNITS_FOR_PROCESSES = 64  # with fewer, a second process gains less
SECONDS_OF_SILENCE = 20  # after which a child counts as lost; a killed child is noticed at once
THREADS = "/proc/self/task"  # on Linux, a directory with the ids of this process's threads
READY, HEARTBEAT = "ready", None  # messages of a child, besides errors

# The beginning of a child's program. It imports this package from the parent's folder, and everything else from the
# interpreter's default path first, then from the rest of the parent's path.
IMPORT_PACKAGE = """
import sys
folder, n, *rest = sys.argv[1:]
arguments, other_folders = rest[:int(n)], rest[int(n):]
sys.path[:] = [folder, *sys.path, *other_folders]
import seq2seq_demo  # imports no other module yet
del sys.path[0]
"""
PROGRAM = """
import threading
from seq2seq_demo.training.processes import ParentConnection
parent_id, index, memory = map(int, arguments)
parent = ParentConnection(0)
threading.Thread(target=parent.send_heartbeats, args=[parent_id], daemon=True).start()
parent.serve(index, memory)
"""

_lost_tensorflow_threads = threading.Event()  # set in a process that was forked after TensorFlow had started threads


def _note_fork() -> None:
    context = getattr(sys.modules.get("tensorflow.python.eager.context"), "_context", None)
    if getattr(context, "_context_handle", None) is not None:
        _lost_tensorflow_threads.set()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_note_fork)
if os.path.isdir(THREADS) and len(os.listdir(THREADS)) == threading.active_count():
    _note_fork()  # no TensorFlow thread runs; if TensorFlow was used, a fork came before this import


def check_processes(config: TrainConfig) -> None:
    """Check that this process can train, and that `config.processes` processes can share each batch.

    Raises:
        UsageError: this machine cannot run that many processes.
        TrainingError: TensorFlow is not installed; or this process was forked from one that used TensorFlow, and the
            training would hang.
    """
    if config.epochs > 0:
        require_tensorflow()
    if _lost_tensorflow_threads.is_set():
        raise TrainingError('expected a process started by "spawn", got one forked after TensorFlow had started')
    n, condition = config.processes, f"for {config.processes} processes"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    has_no_interpreter = not sys.executable or getattr(sys, "frozen", False)
    refusals = [
        (config.batch_size % n, f"`batch_size` to be a multiple of `processes` {n}, got {config.batch_size}"),
        (os.environ.get("TF_CONFIG"), f"no TF_CONFIG {condition}: its workers already share each batch"),
        (sys.platform == "win32", f"Linux or macOS {condition}, got Windows"),
        (has_no_interpreter, f"a Python interpreter {condition}, got a program that has none"),
        (cores < n, f"at least {n} cores {condition}, got {cores}"),
    ]
    for is_refused, expected in refusals:
        if n > 1 and is_refused:
            raise UsageError(f"expected {expected}")


def would_pay(model_config: ModelConfig, config: TrainConfig) -> bool:
    """Whether a second process would make training about 1.3 times as fast, as `scripts/README.md` measures."""
    import tensorflow as tf

    from seq2seq_demo.network.keras_network.tensorflow_setup import MIN_UNITS_FOR_THREADS

    has_size = MIN_UNITS_FOR_PROCESSES <= model_config.cell_size < MIN_UNITS_FOR_THREADS
    if config.processes > 1 or not (has_size and model_config.has_attention) or tf.config.list_physical_devices("GPU"):
        return False
    try:
        check_processes(replace(config, processes=2))
    except UsageError:
        return False
    return True


@contextlib.contextmanager
def process_group(config: TrainConfig) -> Iterator[Callable[[Trainer], None] | None]:
    """Start the child processes; yield `ProcessGroup.attach`, or None if the config asks for one process.

    The children load TensorFlow while this process does. They end when the context or this process ends.

    Raises:
        UsageError: this machine cannot run that many processes.
        TrainingError: a process could not be started.
    """
    check_processes(config)
    if config.processes == 1:
        yield None
        return
    with contextlib.closing(ProcessGroup()) as group:
        for index in range(1, config.processes):
            group.start(index)
        yield group.attach


def child_command(program: str, *arguments: int) -> list[str]:
    """Return the command that runs a program, Python code that may import this package, with the list `arguments`."""
    # The interpreter's flags, which multiprocessing also passes to its children.
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    other_folders = [entry for entry in sys.path if entry not in ("", os.getcwd())]
    words = map(str, (Path(__file__).parents[2], len(arguments), *arguments, *other_folders))
    return [sys.executable, *flags, "-P", "-c", IMPORT_PACKAGE + program, *words]


def open_memory() -> IO[bytes]:
    """Return a file without a name. Processes that map it share memory.

    Raises:
        TrainingError: the file could not be opened.
    """
    try:
        if hasattr(os, "memfd_create"):  # Linux; a file on a disk would be written back to it all the time
            return os.fdopen(os.memfd_create("seq2seq-demo"), "r+b", buffering=0)
        return tempfile.TemporaryFile(buffering=0)
    except OSError as error:
        raise TrainingError(f"expected memory that processes can share, got: {error.strerror}") from error


def map_vectors(memory: int, n: int, size: int) -> np.ndarray:
    """Map the file with the descriptor `memory` as `n` vectors, float32, of shape `[n, size]`.

    The first vector is the sum; vector `i` belongs to child `i`.
    """
    with os.fdopen(os.dup(memory), "r+b") as file:
        return np.asarray(np.memmap(file, np.float32, "r+", shape=(n, size)))


@contextlib.contextmanager
def own_core(index: int, n: int) -> Iterator[None]:
    """Keep all threads of this process on the core at `index` if there are only `n` cores for `n` processes.

    Linux would often wake a thread on the core of another process, although its own core is idle.
    """
    cores = os.sched_getaffinity(0) if os.path.isdir(THREADS) else set()
    if len(cores) != n:
        yield
        return
    _use_cores({sorted(cores)[index]})
    try:
        yield
    finally:
        _use_cores(cores)


def _use_cores(cores: set[int]) -> None:
    for thread in os.listdir(THREADS):
        with contextlib.suppress(OSError):  # the thread has ended, or a sandbox forbids the call
            os.sched_setaffinity(int(thread), cores)


class ProcessGroup:
    """The child processes, as the parent process uses them."""

    def __init__(self) -> None:
        self.memory = open_memory()
        self.vectors = np.zeros((0, 0), np.float32)
        self.connections: list[Connection] = []
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, index: int) -> None:
        """Start a child, which has the connection as standard input and receives no signals from the terminal.

        Raises:
            TrainingError: the process could not be started.
        """
        null, memory = subprocess.DEVNULL, self.memory.fileno()
        options: dict[str, Any] = {"stdout": null, "stderr": null, "pass_fds": [memory], "start_new_session": True}
        try:
            command = child_command(PROGRAM, os.getpid(), index, memory)
            with self.connect() as child_end:
                process = subprocess.Popen(command, stdin=child_end.fileno(), **options)
                self.processes.append(process)
        except OSError as error:
            raise TrainingError(f"expected to start {sys.executable} again, got: {error.strerror}") from error

    def connect(self) -> socket.socket:
        """Open a connection; return the child's end. The parent's end times out after SECONDS_OF_SILENCE."""
        parent_end, child_end = socket.socketpair()
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            parent_end.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", SECONDS_OF_SILENCE, 0))
        self.connections.append(Connection(parent_end.detach()))
        return child_end

    def attach(self, trainer: Trainer) -> None:
        """Make the children share the steps of this trainer, which must not have made a step.

        Raises:
            UsageError: TensorFlow has a GPU.
            TrainingError: a child failed or is lost.
        """
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU"):
            raise UsageError("expected no GPU for several processes: CUDA_VISIBLE_DEVICES=-1 hides it")
        run_share = share_steps(trainer, 0, self.all_reduce)
        self.share_vectors(trainer.config.processes, size_of_sums(trainer))
        self.exchange(lambda _: (trainer.config, trainer.start, trainer.widths))
        trainer.run_steps = lambda *arguments: run_share(*self.exchange(lambda _: arguments))

    def share_vectors(self, n: int, size: int) -> None:
        """Allocate the shared memory, which `map_vectors` maps.

        Raises:
            TrainingError: there is not enough memory.
        """
        try:
            self.memory.write(bytes(n * size * np.float32().itemsize))
        except OSError as error:
            raise TrainingError(f"expected memory for the sums of {n} processes, got: {error.strerror}") from error
        self.vectors = map_vectors(self.memory.fileno(), n, size)

    def all_reduce(self, vector: np.ndarray) -> np.ndarray:
        """Return the sum of the vectors of all processes. The next call overwrites it."""

        def add_up(_: list[Any]) -> None:
            self.vectors[0] = vector
            for other in self.vectors[1:]:
                self.vectors[0] += other

        self.exchange(add_up)  # writes the sum only when no child reads the last one any more
        total: np.ndarray = self.vectors[0]
        return total

    def exchange(self, make_reply: Callable[[list[Any]], Any]) -> Any:
        """Receive one message from each child, send all of them `make_reply(messages)`, and return that reply.

        Raises:
            TrainingError: a child failed or is lost.
        """
        expected, messages = f"expected all {len(self.connections) + 1} processes to stay to the end, but one", []
        try:
            for connection in self.connections:
                while (message := connection.recv()) is HEARTBEAT:
                    pass
                if isinstance(message, TrainingError):
                    raise message
                messages.append(message)
            reply = make_reply(messages)
            for connection in self.connections:
                connection.send(reply)
            return reply
        except BlockingIOError as error:
            raise TrainingError(f"{expected} has been silent for {SECONDS_OF_SILENCE} s: is it stopped?") from error
        except (EOFError, OSError) as error:
            raise TrainingError(f"{expected} is lost: was it killed, or is memory short?") from error

    def close(self) -> None:
        """Close the connections and the shared memory, and kill the children."""
        self.memory.close()
        for connection in self.connections:
            connection.close()
        for process in self.processes:
            process.kill()
            process.wait()


class ParentConnection:
    """A child's connection to the parent process, over a socket's file descriptor."""

    def __init__(self, descriptor: int) -> None:
        self.connection, self.lock = Connection(descriptor), threading.Lock()

    def send_heartbeats(self, parent_id: int, seconds_between: float = 1) -> None:
        """Send heartbeats until the parent ends; then end this process."""
        with contextlib.suppress(OSError):
            while os.getppid() == parent_id:
                with self.lock:
                    self.connection.send(HEARTBEAT)
                time.sleep(seconds_between)
        os._exit(1)

    def request(self, message: Any) -> Any:
        """Send a message; return the reply.

        Raises:
            EOFError, OSError: the parent has ended.
        """
        with self.lock:
            self.connection.send(message)
        return self.connection.recv()

    def all_reduce(self, vectors: np.ndarray, index: int, vector: np.ndarray) -> np.ndarray:
        """Return the sum of the vectors of all processes, as `ProcessGroup.all_reduce` does in the parent."""
        vectors[index] = vector
        self.request(READY)
        total: np.ndarray = vectors[0]
        return total

    def serve(self, index: int, memory: int) -> None:
        """Compute the share of process `index` in every batch until the parent ends; report errors to the parent.

        `memory` is the descriptor of the group's shared memory.
        """
        try:
            from seq2seq_demo.network.keras_network.tensorflow_setup import set_threads  # loads TensorFlow
            from seq2seq_demo.training.trainer import Trainer

            config, start, widths = self.request(READY)
            set_threads(start.network.model_config.cell_size, shares_cores=True)
            trainer = Trainer(config, start, widths)
            vectors = map_vectors(memory, config.processes, size_of_sums(trainer))
            run_share = share_steps(trainer, index, functools.partial(self.all_reduce, vectors, index))
            while True:
                run_share(*self.request(READY))
        except Exception as error:
            text = f"process {index + 1}: {type(error).__name__}: {error}".splitlines()[0]
            with contextlib.suppress(OSError, EOFError):  # the parent has ended
                self.request(TrainingError(text))


def size_of_sums(trainer: Trainer) -> int:
    """Return the size of the vector that `Trainer.packed_sums` returns."""
    return 2 + sum(trainer.adam.sizes)


def share_steps(trainer: Trainer, index: int, all_reduce: Callable[[np.ndarray], np.ndarray]) -> Callable[..., Any]:
    """Return a replacement for `Trainer.run_steps` that computes the share of process `index` in each batch.

    `all_reduce` maps this process's vector to the sum of the vectors of all processes.
    """
    import tensorflow as tf

    n, B, share_index = trainer.config.processes, trainer.batch_rows, tf.constant(index)
    no_sums = tf.zeros(size_of_sums(trainer))

    def apply(total: tf.Tensor, rate: tf.Tensor) -> None:
        trainer.adam.apply(total[2:], rate)

    def apply_and_sum(
        is_first: tf.Tensor, total: tf.Tensor, rate: tf.Tensor, share_index: tf.Tensor, *batch: tf.Tensor
    ) -> tf.Tensor:
        """Apply the sums of the step before, if there was one; return this process's sums for a batch."""
        tf.cond(is_first, lambda: None, lambda: apply(total, rate))
        shares = (tf.reshape(x, (n, -1, *x.shape[1:]))[share_index] for x in batch)
        return trainer.packed_sums(*shares, *trainer.batch_values(batch))

    # A call of a compiled program takes long, so a step is one call. All processes compile the same programs.
    compiled = functools.partial(tf.function, autograph=False, jit_compile=True)
    compiled_step, compiled_apply = compiled(apply_and_sum), compiled(apply)

    def run_steps(data: Batch, first: tf.Tensor, rows: tf.Tensor, rates: tf.Tensor, sums: Any) -> Any:
        arrays = [x.numpy() for x in (*data, rates)]
        steps = [[tf.constant(array[k]) for array in arrays] for k in range(int(first), -(-int(rows) // B))]
        is_first, total, last_rate = tf.constant(True), no_sums, steps[0][-1]
        step = compiled_step.get_concrete_function(is_first, total, last_rate, share_index, *steps[0][:-1])
        with own_core(index, n):
            for *batch, rate in steps:  # a concrete function is a tenth faster to call
                total = tf.constant(all_reduce(step(is_first, total, last_rate, share_index, *batch).numpy()))
                is_first, last_rate, sums = tf.constant(False), rate, total[:2] + sums
            compiled_apply(total, last_rate)
        return sums

    return run_steps
