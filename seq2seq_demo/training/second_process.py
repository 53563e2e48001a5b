"""A second process that computes half of each batch: two cores for networks whose operations are too short to share.

The compiled calls of one process take turns, so a second core needs a second process. Both hold the same weights. Of
each batch, each takes half of the rows; they exchange their sums, one vector `[2 + N]` as of workers, through memory
that both map, add the two up in the same order, and have Adam change their weights alike. So a step is that of the
whole batch, up to rounding.

Where other programs want the cores too, two processes that wait for each other at every step are slower than one. Then
the first one computes both halves itself for a while. The bits are the same either way.
"""

from __future__ import annotations

import contextlib
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from mmap import mmap
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.network.parameters import Weights

if TYPE_CHECKING:
    import tensorflow as tf

    from seq2seq_demo.training.loop import Trainer

# Measured on two cores, batches of 128: with the second process, attention trains 1.1 to 1.3 times as fast at 32 units
# (1.7 times at length 50), 1.5 times at 64, 1.2 times at 128; rnn 1.1, 1.5 and 1.3 times. At 256 an operation on both
# cores is as fast.
PAYS_BELOW = 256  # units
PAYS_FROM = 300_000  # samples: that many win back the second or two that it takes more to start
BATCHES = 16  # of an epoch: with fewer, what the processes tell each other between epochs counts
LOOKS = 5000  # for the other's sums, each a microsecond or less, before a process waits asleep
NAP = 0.00005  # seconds
# The share of the time in which a process waited for a core, or for the other one: 0.1 on free cores, rarely 0.35, and
# 0.45 to 0.9 where one more program wants a core.
BUSY = 0.35
LINE = 64  # bytes that cores exchange at once


def pays(config: TrainConfig, model_config: ModelConfig) -> bool:
    """Say whether a second process would make a training faster, and can be had."""
    return (
        sys.platform == "linux"  # where memory can be shared without a file
        and platform.machine() == "x86_64"  # where other cores see what is written in the order of writing
        and bool(sys.executable)
        and cores() > 1
        and not os.environ.get("TF_CONFIG")  # each worker may have one core
        and model_config.cell_size < PAYS_BELOW
        and config.batch_size % 2 == 0
        and config.epochs * config.n_training >= PAYS_FROM
        and config.n_training >= BATCHES * config.batch_size
    )


def cores() -> int:
    """Return how many cores this process may use at once, of the machine or of its container."""
    n = len(os.sched_getaffinity(0))
    with contextlib.suppress(OSError, ValueError):  # there is no such limit, or it is "max"
        quota, period = map(int, Path("/sys/fs/cgroup/cpu.max").read_text().split())
        n = min(n, quota // period)
    return n


@contextlib.contextmanager
def second_process(config: TrainConfig, model_config: ModelConfig) -> Iterator[SecondProcess | None]:
    """Start a second process if it pays, before TensorFlow is loaded, as that loads it too; end it at the end."""
    second = None
    if pays(config, model_config):
        with contextlib.suppress(OSError):  # then one process trains
            second = SecondProcess()
    try:
        yield second
    finally:
        if second is not None:
            second.close()


class Recipe(NamedTuple):
    """What `loop.trainer_of` makes the same trainer of in the second process."""

    task: str
    config: TrainConfig
    model_config: ModelConfig
    weights: Weights
    widths: Any  # of padding, where lengths vary
    alternatives: bool


class Steps(NamedTuple):
    """Some steps to take, with all that they depend on."""

    number: int  # of the first of them, among all of this training
    state: list[np.ndarray]  # weights and Adam's moments, each [N], and Adam's step
    data: list[np.ndarray]  # as `Trainer.batches` returns it
    first: int
    rows: int
    learning_rates: np.ndarray  # [K]
    sums: list[np.float32]  # of loss and of correct symbols, before these steps


class Exchange:
    """The vectors that the two processes add up, in memory that both map."""

    def __init__(self, memory: int, size: int, index: int, is_alone: Callable[[], bool]) -> None:
        """Map the memory, a file descriptor, for vectors of this size; `index` is 0 or 1, which process this is."""
        os.ftruncate(memory, 2 * LINE + 4 * 4 * size)
        shared = mmap(memory, 0)
        # Two places for each process: one may write its next vector while the other still reads the last one.
        self.vectors = np.frombuffer(shared, np.float32, offset=2 * LINE).reshape(2, 2, size)
        numbers = memoryview(shared)[: 2 * LINE].cast("q")
        self.numbers = [numbers[0:1], numbers[LINE // 8 : LINE // 8 + 1]]  # of the last vector of each
        self.index, self.is_alone = index, is_alone
        self.seconds_waited = 0.0

    def total(self, own: np.ndarray, number: int) -> np.ndarray:
        """Return the sum of both processes' vectors of this number, of which each is above the last.

        Raises:
            ConnectionError: there is no other process any more.
        """
        first, second = self.vectors[:, number % 2]
        np.copyto((first, second)[self.index], own)
        self.numbers[self.index][0] = number  # after the vector: x86 keeps the order
        theirs, looks, start = self.numbers[1 - self.index], 0, time.perf_counter()
        while theirs[0] < number:
            looks += 1
            if looks < LOOKS:
                os.sched_yield()  # to whoever else wants the core
            else:
                time.sleep(NAP)
                if looks % LOOKS == 0 and self.is_alone():
                    raise ConnectionError
        self.seconds_waited += time.perf_counter() - start
        total: np.ndarray = first + second
        return total


class Half:
    """A trainer that computes half of each batch at a time."""

    def __init__(self, trainer: Trainer) -> None:
        """Take the steps of this trainer; both processes have one."""
        import tensorflow as tf

        self.trainer, self.batch_size = trainer, trainer.config.batch_size
        self.state = [trainer.adam.weights, trainer.adam.m, trainer.adam.v, trainer.adam.iterations]
        self.function = tf.function(self._step, autograph=False, jit_compile=True)
        self.step: Callable[..., tf.Tensor] | None = None  # the same, traced: its calls take a tenth less
        self.finish = tf.function(self._finish, autograph=False, jit_compile=True)

    def set_state(self, state: list[np.ndarray]) -> None:
        """Give the network these weights, and Adam this state."""
        for variable, value in zip(self.state, state, strict=True):
            variable.assign(value)

    def take(self, steps: Steps, exchange: Exchange | None) -> list[np.float32]:
        """Take the steps, with the other process or, without an exchange, alone.

        Returns the sums of loss and of correct symbols.
        """
        import tensorflow as tf

        rates, sums = [tf.constant(rate) for rate in steps.learning_rates], steps.sums
        total, rate = tf.zeros(2 + sum(self.trainer.adam.sizes)), rates[0]
        no, yes = tf.constant(False), tf.constant(True)
        for k in range(steps.first, -(-steps.rows // self.batch_size)):
            batch = [tf.constant(x[k]) for x in steps.data]
            arguments = [total, rate, tf.constant(steps.rows - k * self.batch_size), *batch]
            self.step = self.step or self.function.get_concrete_function(no, no, *arguments)
            is_later = yes if k > steps.first else no
            if exchange is None:
                both = self.step(no, is_later, *arguments).numpy() + self.step(yes, no, *arguments).numpy()
            else:
                own = self.step(yes if exchange.index else no, is_later, *arguments).numpy()
                both = exchange.total(own, steps.number + k - steps.first)
            sums = [a + b for a, b in zip(sums, both[:2], strict=True)]
            total, rate = tf.constant(both), rates[k]
        self.finish(total, rate)
        return sums

    def _step(
        self,
        of_second_half: tf.Tensor,
        is_later: tf.Tensor,
        total: tf.Tensor,
        rate: tf.Tensor,
        rows: tf.Tensor,
        *batch: tf.Tensor,
    ) -> tf.Tensor:
        """Have Adam take the step before by its total, if this is a later one; return the sums over half of a batch."""
        import tensorflow as tf

        tf.cond(is_later, lambda: self._finish(total, rate), lambda: rate)
        shared, whole = self.trainer.parted([*batch], rows)
        n = self.batch_size // 2
        # One program for both halves: were the half a constant, the first process would compile two.
        return self.trainer.packed_sums(*(tf.where(of_second_half, x[n:], x[:n]) for x in shared), *whole)

    def _finish(self, total: tf.Tensor, rate: tf.Tensor) -> tf.Tensor:
        """Have Adam take a step by the total of both halves; return the rate, as a graph wants a value."""
        self.trainer.adam.apply(total[2:], rate)
        return rate


class Cores:
    """Whether two processes get two cores at the moment."""

    def __init__(self) -> None:
        """Begin with the hope that they do."""
        self.times_busy = self.times_alone = 0

    def are_free(self) -> bool:
        """Say whether to take the next steps together."""
        self.times_alone = max(0, self.times_alone - 1)
        return not self.times_alone

    def note(self, share_lost: float) -> None:
        """Note the share of the time that was lost while they took steps together."""
        self.times_busy = self.times_busy + 1 if share_lost > BUSY else 0
        if self.times_busy == 2:
            self.times_busy, self.times_alone = 1, 33  # after 32 times alone, they try again once


def seconds_delayed() -> float:
    """Return how long threads of this process wanted to run, and had no core."""
    nanoseconds = 0
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError, IndexError):  # the thread is over, or the kernel does not count
            nanoseconds += int((task / "schedstat").read_text().split()[1])
    return nanoseconds / 1e9


class SecondProcess:
    """The second process, and this one's half of the work."""

    def __init__(self) -> None:
        """Start it. It gets no signals from the terminal; it ends when this process does."""
        here, there = socket.socketpair()
        self.memory = os.memfd_create("seq2seq-demo")
        path = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]  # the package, wherever it is
        with there:
            descriptors = there.fileno(), self.memory
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "seq2seq_demo.training.second_process", *map(str, descriptors)],
                pass_fds=descriptors,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path)), "CUDA_VISIBLE_DEVICES": "-1"},
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        self.connection = Connection(here.detach())
        self.number, self.cores, self.is_lost = 1, Cores(), False

    def join(self, trainer: Trainer, recipe: Recipe) -> None:
        """Take the steps of this trainer from now on."""
        with contextlib.suppress(OSError):  # it is noticed with the first steps
            self.connection.send(recipe)
        self.exchange = Exchange(self.memory, 2 + sum(trainer.adam.sizes), 0, lambda: self.process.poll() is not None)
        self.half = Half(trainer)
        trainer.take = self.take

    def take(
        self, data: list[tf.Tensor], first: int, rows: int, learning_rates: tf.Tensor, sums: list[np.float32]
    ) -> list[np.float32]:
        """Take steps, as `Trainer.take_alone` does, with the second process or, where that is not to be had, alone."""
        state = [variable.numpy().copy() for variable in self.half.state]
        steps = Steps(self.number, state, [x.numpy() for x in data], first, rows, learning_rates.numpy(), sums)
        self.number += -(-rows // self.half.batch_size) - first
        if not self.is_lost and self.cores.are_free():
            try:
                return self._take_together(steps)
            except OSError:
                self.is_lost = True
                self.half.set_state(state)
        return self.half.take(steps, None)

    def _take_together(self, steps: Steps) -> list[np.float32]:
        """Take steps with the second process; note whether there were cores for both.

        Raises:
            OSError: the second process is lost.
        """
        start, delayed, waited = time.perf_counter(), seconds_delayed(), self.exchange.seconds_waited
        self.connection.send(steps)
        sums = self.half.take(steps, self.exchange)
        lost = seconds_delayed() - delayed + self.exchange.seconds_waited - waited
        if steps.number > 1:  # the first ones are compiled
            self.cores.note(lost / (time.perf_counter() - start))
        return sums

    def close(self) -> None:
        """End it."""
        self.connection.close()
        self.process.kill()
        self.process.wait()
        os.close(self.memory)


def serve(connection: Connection, memory: int, is_alone: Callable[[], bool]) -> None:
    """Be the second process: take steps as long as there is a first one."""
    from seq2seq_demo.network.keras_network.tensorflow_setup import set_threads
    from seq2seq_demo.training.loop import trainer_of

    with contextlib.suppress(EOFError, OSError):
        recipe = connection.recv()
        set_threads(recipe.model_config.cell_size, shares_cores=True)
        trainer = trainer_of(recipe)
        exchange = Exchange(memory, 2 + sum(trainer.adam.sizes), 1, is_alone)
        half = Half(trainer)
        while True:
            steps = connection.recv()
            half.set_state(steps.state)
            half.take(steps, exchange)


def main() -> None:
    """Serve the process that started this one with the numbers of a socket and of the memory."""
    first_process = os.getppid()
    serve(Connection(int(sys.argv[1])), int(sys.argv[2]), lambda: os.getppid() != first_process)


if __name__ == "__main__":
    main()
