"""Several processes on one machine that share each batch, started only where `processes` of the config asks for them.

The compiled calls of one process take turns, so a second core needs a second process. All N hold the same weights, and
each takes 1 / N of the rows of a batch. The others send their sums, one vector `[2 + W]` as of workers, to the first
process, which adds up all of them in the order of the processes and sends the total back; then Adam changes the weights
of each alike. So a step is that of the whole batch up to rounding, and its bits depend on N alone.

The others speak first: whatever the first process sends answers a message, so it never waits for one that is busy.
While they compute, they send heartbeats. One that is silent is stopped, and ends the training as a lost worker does.
What they run is in `process`.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.errors import TrainingError, UsageError

if TYPE_CHECKING:
    import tensorflow as tf

    from seq2seq_demo.training.packed import PackedAdam

SECONDS_OF_SILENCE = 20  # a process not heard of for this long is lost; one that is killed is missed at once
READY, BEAT = "ready", None  # messages of the other processes, beside sums and errors


class SharedTrainer(Protocol):
    """What the processes need of a trainer."""

    config: TrainConfig
    adam: PackedAdam
    take: Callable[..., Any]

    def parted(self, batch: Sequence[tf.Tensor]) -> tuple[tuple[tf.Tensor, ...], tuple[tf.Tensor, ...]]:
        """Return what of a batch is shared by rows, and what each share has to know of the whole."""

    def packed_sums(self, *arguments: tf.Tensor) -> tf.Tensor:
        """Return the sums of loss and of correct symbols, and the gradients, `[2 + W]`."""


@contextlib.contextmanager
def processes(config: TrainConfig) -> Iterator[Processes | None]:
    """Start the other processes, if any are asked for, before TensorFlow is loaded, as they load it too.

    They end with the context, or with this process. Yield None if this one trains alone.

    Raises:
        UsageError: so many processes cannot share this training here.
        TrainingError: the system starts no more processes.
    """
    check(config)
    with contextlib.closing(Processes()) as group:
        for index in range(1, config.processes):
            group.start(index)
        yield group if group.processes else None


def check(config: TrainConfig) -> None:
    """Raise UsageError unless so many processes can share each batch here."""
    if config.processes == 1:
        return
    n, asked = config.processes, f"for {config.processes} processes"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if config.batch_size % n:
        raise UsageError(f"expected batch-size to be a multiple of {n}, the processes, got {config.batch_size}")
    if os.environ.get("TF_CONFIG"):
        raise UsageError(f"expected no TF_CONFIG {asked}: its workers share each batch themselves")
    if not sys.executable or getattr(sys, "frozen", False):
        raise UsageError(f"expected a Python interpreter {asked}, got a program that has none")
    if cores < n:
        raise UsageError(f"expected at least {n} cores {asked}, got {cores}")


class Steps(NamedTuple):
    """Some steps to take, with all that they depend on."""

    state: list[np.ndarray]  # weights and Adam's moments, each [W], and Adam's step
    data: list[np.ndarray]  # as `Trainer.batches` returns it
    first: int
    rows: int
    learning_rates: np.ndarray  # [K]
    sums: list[np.float32]  # of loss and of correct symbols, before these steps


class Share:
    """The steps of a trainer on the rows of one process."""

    def __init__(self, trainer: SharedTrainer, index: int, add_up: Callable[[np.ndarray], np.ndarray]) -> None:
        """Take the rows of process `index`; `add_up` returns the sum of the vectors of all processes."""
        import tensorflow as tf

        self.trainer, self.index, self.add_up = trainer, tf.constant(index), add_up
        self.state = [trainer.adam.weights, trainer.adam.m, trainer.adam.v, trainer.adam.iterations]
        self.sums = tf.function(self._sums, autograph=False, jit_compile=True)
        self.apply = tf.function(trainer.adam.apply, autograph=False, jit_compile=True)
        self.traced: Callable[..., tf.Tensor] | None = None  # `sums`, whose calls take a tenth less then

    def take(self, steps: Steps) -> list[np.float32]:
        """Take steps with the other processes; return the sums of loss and of correct symbols."""
        import tensorflow as tf

        B, sums = self.trainer.config.batch_size, steps.sums
        for k in range(steps.first, -(-steps.rows // B)):
            arguments = [self.index, *(tf.constant(x[k]) for x in steps.data)]
            self.traced = self.traced or self.sums.get_concrete_function(*arguments)
            total = self.add_up(self.traced(*arguments).numpy())
            self.apply(tf.constant(total[2:]), tf.constant(steps.learning_rates[k]))
            sums = [a + b for a, b in zip(sums, total[:2], strict=True)]
        return sums

    def _sums(self, index: tf.Tensor, *batch: tf.Tensor) -> tf.Tensor:
        """Return the sums over a share of a batch. With its index as an argument, all compile the same program."""
        import tensorflow as tf

        shared, whole = self.trainer.parted(batch)
        n = self.trainer.config.processes
        return self.trainer.packed_sums(*(tf.reshape(x, (n, -1, *x.shape[1:]))[index] for x in shared), *whole)


class Processes:
    """The other processes, and the share of this one, which is the first."""

    def __init__(self) -> None:
        """Begin without others."""
        self.connections: list[Connection] = []
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, index: int) -> None:
        """Start another process, which gets no signals from the terminal.

        Raises:
            TrainingError: the system starts no more processes.
        """
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # as multiprocessing does
        script, folder = Path(__file__).with_name("process.py"), Path(__file__).parents[2]
        with self.connect() as there:
            arguments = [script, there.fileno(), os.getpid(), index, folder, *sys.path]
            try:
                process = subprocess.Popen(
                    [sys.executable, *flags, "-P", *map(str, arguments)],
                    pass_fds=[there.fileno()],
                    env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"},
                    start_new_session=True,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            except OSError as error:
                raise TrainingError(f"expected to start {sys.executable} once more: {error.strerror}") from error
        self.processes.append(process)

    def connect(self) -> socket.socket:
        """Return the other end of a new connection; the end here fails after some seconds of silence."""
        here, there = socket.socketpair()
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            here.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", SECONDS_OF_SILENCE, 0))
        self.connections.append(Connection(here.detach()))
        return there

    def join(self, trainer: SharedTrainer, recipe: Any) -> None:
        """Take the steps of this trainer from now on; of the recipe, the others make one like it.

        Raises:
            UsageError: TensorFlow has a GPU.
            TrainingError: another process failed, or is lost.
        """
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU"):
            raise UsageError(
                "expected no GPU for several processes, which share cores: CUDA_VISIBLE_DEVICES=-1 hides it"
            )
        self.share = Share(trainer, 0, self.add_up)
        self.exchange(lambda _: recipe)
        trainer.take = self.take

    def take(
        self, data: list[tf.Tensor], first: int, rows: int, learning_rates: tf.Tensor, sums: list[np.float32]
    ) -> list[np.float32]:
        """Take steps with the other processes, as `Trainer.take_alone` does without them.

        Raises:
            TrainingError: another process failed, or is lost.
        """
        state = [variable.numpy() for variable in self.share.state]
        steps = Steps(state, [x.numpy() for x in data], first, rows, learning_rates.numpy(), sums)
        return self.share.take(self.exchange(lambda _: steps))

    def add_up(self, own: np.ndarray) -> np.ndarray:
        """Return the sum of the vectors of all processes."""
        total: np.ndarray = self.exchange(lambda others: functools.reduce(np.add, others, own))
        return total

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
