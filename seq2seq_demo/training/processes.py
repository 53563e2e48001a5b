"""Several processes on one machine that share each batch, started only where `processes` of the config asks for them.

The compiled calls of one process take turns, so a second core needs a second process. All N hold the same weights, and
each takes 1 / N of the rows of a batch. The others send their sums, one vector `[2 + W]` as of workers, to the first
process, which adds up all of them in the order of the processes and sends the total back; then Adam changes the weights
of each alike. So a step is that of the whole batch up to rounding, and its bits depend on N alone.

The others speak first: whatever the first process sends answers a message, so it never waits for one that is busy.
All along, they send heartbeats. One that is silent is stopped, and ends the training as a lost worker does.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.errors import TrainingError, UsageError

if TYPE_CHECKING:
    from seq2seq_demo.training.batches import Batch
    from seq2seq_demo.training.trainer import Trainer

SECONDS_OF_SILENCE = 20  # a process not heard of for this long is lost; one that is killed is missed at once
READY, BEAT = "ready", None  # messages of the other processes, beside sums and errors

# What another process runs: it takes this package from where it is here, and all else from where the interpreter looks
# first, the standard library, then installed packages; at last from wherever else modules are imported from here.
PROGRAM = """
import sys, threading
parent, index, folder, *others = sys.argv[1:]
sys.path[:] = [folder, *sys.path, *others]
import seq2seq_demo  # which imports nothing more yet
del sys.path[0]
from seq2seq_demo.training.processes import FirstProcess
first = FirstProcess(0)
threading.Thread(target=first.send_heartbeats, args=[int(parent)], daemon=True).start()
first.serve(int(index))
"""


def check(config: TrainConfig) -> None:
    """Raise UsageError unless that many processes can share each batch here."""
    n, asked = config.processes, f"for {config.processes} processes"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    is_program = not sys.executable or getattr(sys, "frozen", False)
    refused = [
        (config.batch_size % n, f"`batch_size` to be a multiple of {n}, the processes, got {config.batch_size}"),
        (os.environ.get("TF_CONFIG"), f"no TF_CONFIG {asked}: its workers share each batch themselves"),
        (is_program, f"a Python interpreter {asked}, got a program that has none"),
        (cores < n, f"at least {n} cores {asked}, got {cores}"),
    ]
    for is_refused, expected in refused:
        if n > 1 and is_refused:
            raise UsageError(f"expected {expected}")


@contextlib.contextmanager
def processes(config: TrainConfig) -> Iterator[Callable[[Trainer], None] | None]:
    """Start the other processes, if any are asked for, before TensorFlow is loaded, as they load it too.

    They end with the context, or with this process. Yield a function that makes a trainer share its batches with them,
    or None.

    Raises:
        UsageError: that many processes cannot share this training here.
        TrainingError: the system starts no more processes.
    """
    check(config)
    with contextlib.closing(Processes()) as group:
        for index in range(1, config.processes):
            group.start(index)
        yield group.join if group.processes else None


class Processes:
    """The other processes, as the first one sees them."""

    def __init__(self) -> None:
        """Begin without others."""
        self.connections: list[Connection] = []
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, index: int) -> None:
        """Start another process, whose standard input is the connection, and which gets no signals from the terminal.

        Raises:
            TrainingError: the system starts no more processes.
        """
        # The flags of this interpreter, as multiprocessing hands them on.
        flags, null = subprocess._args_from_interpreter_flags(), subprocess.DEVNULL  # type: ignore[attr-defined]
        try:
            others = [entry for entry in sys.path if entry not in ("", os.getcwd())]
            arguments = map(str, (os.getpid(), index, Path(__file__).parents[2], *others))
            command = [sys.executable, *flags, "-P", "-c", PROGRAM, *arguments]
            with self.connect() as there:
                end = there.fileno()
                process = subprocess.Popen(command, stdin=end, stdout=null, stderr=null, start_new_session=True)
                self.processes.append(process)
        except OSError as error:
            raise TrainingError(f"expected to start {sys.executable} once more: {error.strerror}") from error

    def connect(self) -> socket.socket:
        """Return the other end of a new connection; the end here fails after some seconds of silence."""
        here, there = socket.socketpair()
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            here.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", SECONDS_OF_SILENCE, 0))
        self.connections.append(Connection(here.detach()))
        return there

    def join(self, trainer: Trainer) -> None:
        """Have the others take part in the steps of this trainer, which has taken none yet.

        Raises:
            UsageError: TensorFlow has a GPU.
            TrainingError: another process failed, or is lost.
        """
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU"):
            raise UsageError("expected no GPU for several processes: CUDA_VISIBLE_DEVICES=-1 hides it")
        run_share = share_of(trainer, 0, self.add_up)
        self.exchange(lambda _: (trainer.config, trainer.start, trainer.widths))
        trainer.run_steps = lambda *steps: run_share(*self.exchange(lambda _: steps))

    def add_up(self, own: Any) -> Any:
        """Return the sum of the vectors of all processes."""
        return self.exchange(lambda others: sum(others, own))

    def exchange(self, answer_to: Callable[[list[Any]], Any]) -> Any:
        """Hear a message of each other process; send all of them the same answer, and return it.

        Raises:
            TrainingError: another process failed, or is lost.
        """
        expected, messages = f"expected all {len(self.connections) + 1} processes to stay to the end, but one", []
        try:
            for connection in self.connections:
                while (message := connection.recv()) is BEAT:
                    pass
                if isinstance(message, TrainingError):
                    raise message
                messages.append(message)
            answer = answer_to(messages)
            for connection in self.connections:
                connection.send(answer)
            return answer
        except BlockingIOError as error:
            raise TrainingError(f"{expected} has been silent for {SECONDS_OF_SILENCE} s: is it stopped?") from error
        except (EOFError, OSError) as error:
            raise TrainingError(f"{expected} is lost: was it killed, or is memory short?") from error

    def close(self) -> None:
        """End the others."""
        for connection in self.connections:
            connection.close()
        for process in self.processes:
            process.kill()
            process.wait()


class FirstProcess:
    """The first process, as another one sees it."""

    def __init__(self, descriptor: int) -> None:
        """Talk over this socket."""
        self.connection, self.lock = Connection(descriptor), threading.Lock()

    def send_heartbeats(self, pid: int, seconds_between: float = 1) -> None:
        """Send heartbeats; end this process when the one with this id, its parent, is over."""
        with contextlib.suppress(OSError):
            while os.getppid() == pid:
                with self.lock:
                    self.connection.send(BEAT)
                time.sleep(seconds_between)
        os._exit(1)

    def ask(self, message: Any) -> Any:
        """Send a message; return the answer.

        Raises:
            EOFError, OSError: the first process is gone.
        """
        with self.lock:
            self.connection.send(message)
        return self.connection.recv()

    def serve(self, index: int) -> None:
        """Take steps as process `index`, as long as there is a first process, which hears of an error."""
        try:
            from seq2seq_demo.network.keras_network.tensorflow_setup import set_threads  # loads TensorFlow
            from seq2seq_demo.training.trainer import Trainer

            config, start, widths = self.ask(READY)
            set_threads(start.network.model_config.cell_size, shares_cores=True)
            run_share = share_of(Trainer(config, start, widths), index, self.ask)
            while True:
                run_share(*self.ask(READY))
        except Exception as error:
            text = f"process {index + 1}: {type(error).__name__}: {error}".splitlines()[0]
            with contextlib.suppress(OSError, EOFError):  # the first process is gone
                self.ask(TrainingError(text))


def share_of(trainer: Trainer, index: int, add_up: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return a `Trainer.run_steps` that computes the sums over the rows of process `index` alone, and adds up all.

    `add_up` returns the sum of the vectors of all processes.
    """
    import tensorflow as tf

    n, B, share = trainer.config.processes, trainer.config.batch_size, tf.constant(index)

    def sums_of(share: tf.Tensor, *batch: tf.Tensor) -> tf.Tensor:  # of which all processes compile the same program
        by_rows, whole = trainer.parted(batch)
        return trainer.packed_sums(*(tf.reshape(x, (n, -1, *x.shape[1:]))[share] for x in by_rows), *whole)

    sums_compiled = tf.function(sums_of, autograph=False, jit_compile=True)
    apply = tf.function(trainer.adam.apply, autograph=False, jit_compile=True)

    def run_steps(data: Batch, first: tf.Tensor, rows: tf.Tensor, rates: tf.Tensor, sums: Any) -> Any:
        arrays = [x.numpy() for x in (*data, rates)]
        steps = [[tf.constant(array[k]) for array in arrays] for k in range(int(first), -(-int(rows) // B))]
        traced = sums_compiled.get_concrete_function(share, *steps[0][:-1])  # its calls take a tenth less
        for *batch, rate in steps:
            total = add_up(traced(share, *batch).numpy())
            apply(tf.constant(total[2:]), rate)
            sums = total[:2] + sums
        return sums

    return run_steps
