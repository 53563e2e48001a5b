"""Trains the members of an ensemble side by side, in several processes with one thread each.

A member is a training run with its own seed, snapshot and logs. A process runs `main`, which reads one `Member` after
another from standard input, and writes events to standard output. It stops when standard input is closed, because the
parent stops the training or has ended. Both streams consist of pickled objects of this program.
"""

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from seq2seq_demo import system_memory
from seq2seq_demo.callbacks import Callback
from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.pair_task import Task
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.declarations import require_integer
from seq2seq_demo.display.tensorboard import TensorBoard
from seq2seq_demo.errors import Interrupted, Seq2SeqError, TrainingError, UsageError
from seq2seq_demo.files import atomic_files, file_names, weights_file
from seq2seq_demo.files.stored_network import Snapshot
from seq2seq_demo.metrics import EpochFigures
from seq2seq_demo.network.parameters import initial_weights
from seq2seq_demo.trained_network import TrainedNetwork, load
from seq2seq_demo.training.results import stop_reason
from seq2seq_demo.training.snapshots import Snapshots, Stopped, load_snapshot

MEMBER_BYTES = 10**9  # the memory of a process that trains a network of 128 units
COMMAND = f"import sys; sys.path[:] = sys.argv[1:]; from {__name__} import main; main()"


@dataclass(frozen=True)
class Member:
    """The training run of a member; `number` counts from 1."""

    number: int
    task: Task
    config: TrainConfig
    start: TrainedNetwork
    path: Path | None = None  # the weights file, beside which the snapshot is; None saves neither
    logs: TensorBoard | None = None


Event = tuple[int, str, Any]  # the number of a member, and the name and value of an event
Report = Callable[[int, str, Any], None]  # is called with an event


def check_jobs(jobs: int | None, config: TrainConfig) -> int:
    """Return the number of members to train at the same time: `jobs`, by default one per core.

    Raises:
        UsageError: `jobs` is not a positive integer, or the processes would not fit in memory.
    """
    if jobs is None:
        return max(1, min(config.members, os.cpu_count() or 1, system_memory.total() // MEMBER_BYTES))
    n_processes = min(require_integer("`jobs`", jobs, at_least=1), config.members)
    if n_processes > 1 and (lack := system_memory.shortage(n_processes * MEMBER_BYTES)):
        raise UsageError(f"`jobs` {jobs} {lack}: use fewer")
    return n_processes


def can_move(task: Task) -> bool:
    """Whether another process can have the task: it can be pickled without `__main__`."""
    try:
        return b"__main__" not in pickle.dumps(task)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False


def members_of(task: Task, config: TrainConfig, first: TrainedNetwork, jobs: int) -> list[Member]:
    """Return the members of an ensemble, which differ in their seeds, and share its budget if they take turns.

    `first` is the initial network of the first member, at the start of its training run. `jobs` are trained at the same
    time.
    """
    assert first.trained
    members, share = [], config.budget and config.budget / -(-config.members // jobs)
    for number in range(1, config.members + 1):
        own = replace(config, seed=config.seed + number - 1)
        weights, run = initial_weights(first.model_config, own.seed), replace(first.trained, config=own)
        start = replace(first, weights=weights, trained=run)
        members.append(Member(number, task, replace(own, budget=share), start))
    return members


def remove(folder: Path) -> None:
    """Remove the files of an ensemble's members, and their folder unless it contains other files."""
    with contextlib.suppress(OSError):
        for path in [*folder.glob("member_*.h5"), *folder.glob(f"{file_names.SNAPSHOT}__member_*.h5")]:
            path.unlink()
        folder.rmdir()


# ---- The parent ----


def train_side_by_side(
    members: Sequence[Member], jobs: int, report: Report, signals: Stopped | None = None
) -> list[TrainedNetwork]:
    """Train the members of an ensemble, `jobs` at a time, and return them without their optimizers.

    Args:
        members: the members, whose tasks can be pickled. Those that are saved already are not trained again.
        jobs: the number of members that are trained at the same time.
        report: is called with each event.
        signals: the signals of this process.

    Raises:
        TrainingError: a member failed or its process was killed; the others have stopped, and their snapshots remain.
        Interrupted: a signal arrived; all members have stopped.
    """
    trained = {each.number: load(each.path) for each in members if each.path and each.path.exists()}
    remaining = [each for each in members if each.number not in trained]
    waiting, events = iter(remaining), queue.SimpleQueue[Event]()
    with contextlib.ExitStack() as ends:
        processes = [ends.enter_context(_start_process()) for _ in remaining[:jobs]]
        for process in processes:
            threading.Thread(target=_supervise, args=(process, waiting, events), daemon=True).start()
        ends.callback(lambda: [*map(_close, processes)])  # before it waits for the first one
        while len(trained) < len(members):
            if signals and signals.signum:
                raise Interrupted("interrupted", signals.signum)
            with contextlib.suppress(queue.Empty):
                number, event, value = events.get(timeout=0.2)
                if event == "error":
                    raise TrainingError(f"member {number}{value}")
                report(number, event, value)
                if event == "network":
                    trained[number] = value
    return [trained[each.number] for each in members]


def _start_process() -> subprocess.Popen[bytes]:
    """Start a process that trains members until its standard input is closed."""
    argv, pipe = [sys.executable, "-I", "-c", COMMAND, *sys.path], subprocess.PIPE
    # In a session of its own, the process does not receive the Ctrl-C of a terminal.
    return subprocess.Popen(argv, stdin=pipe, stdout=pipe, start_new_session=True)


def _supervise(process: subprocess.Popen[bytes], waiting: Iterator[Member], events: queue.SimpleQueue[Event]) -> None:
    """Send one waiting member after another to a process, and pass its events on. Threads share `waiting`."""
    stdin: Any = process.stdin
    stdout: Any = process.stdout
    for member in waiting:
        event = ""
        try:
            pickle.dump(member, stdin)
            stdin.flush()
            while event != "network":
                event, value = pickle.load(stdout)
                events.put((member.number, event, value))
        except (OSError, ValueError, EOFError, pickle.UnpicklingError):  # the process has ended or is stopped
            status = process.wait()
            cause = f"signal {-status}" if status < 0 else f"exit status {status}"
            events.put((member.number, "error", f" ended without a result: {cause}"))


def _close(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        assert process.stdin
        process.stdin.close()


# ---- The processes ----


class _Parent:
    """The parent process, which sends members; `signum` is SIGTERM once it has closed standard input."""

    signum: int | None = None

    def __init__(self) -> None:
        self.sent = queue.SimpleQueue[Member | None]()
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self) -> None:
        try:
            # Python cannot exit while a thread waits for `sys.stdin`.
            with contextlib.suppress(EOFError), open(0, "rb") as stdin:
                while True:
                    self.sent.put(pickle.load(stdin))
        finally:
            self.signum = signal.SIGTERM
            self.sent.put(None)


class _Sender(Callback):
    """Sends events to the parent; nothing reads them if the parent has ended."""

    def __init__(self, stdout: BinaryIO, config: TrainConfig) -> None:
        self.stdout, self.config, self.epochs = stdout, config, 0

    def __call__(self, event: str, value: object) -> None:
        with contextlib.suppress(OSError):
            pickle.dump((event, value), self.stdout)
            self.stdout.flush()

    def on_steps_end(self, step: int, points: int, loss: float, token_accuracy: float) -> None:
        """Send the number of training points so far, over all epochs."""
        self("points", self.epochs * self.config.n_training + points)

    def on_epoch_end(self, history: Sequence[EpochFigures], network: TrainedNetwork, validation: Pairs) -> None:
        """Send the history."""
        self.epochs = len(history)
        self("epoch", tuple(history))


def main() -> None:
    """Train the members that arrive on standard input; save each, and send it to the parent."""
    stdout = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a user's pattern may print
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # in Windows, Ctrl-C also reaches this process
    parent = _Parent()
    while member := parent.sent.get():
        send = _Sender(stdout, member.config)
        try:
            send("network", _trained(member, parent, send))
        except Interrupted:
            break
        except Seq2SeqError as error:
            send("error", f": {error}")
        except Exception as error:
            send("error", f": unexpected {type(error).__name__}: {error}")


def _trained(member: Member, parent: _Parent, send: _Sender) -> TrainedNetwork:
    run = member.start.trained
    if run and member.task.fingerprint(member.config, member.start.model_config) != run.fingerprint.fingerprint:
        raise TrainingError(f"expected pattern {member.task.name!r} to make the same targets in every process")
    from seq2seq_demo.network.keras_network.tensorflow_setup import set_threads  # before TensorFlow

    # isort: split
    import tensorflow as tf

    set_threads(1)
    tf.zeros(())  # starts the threads, whose number is then final
    from seq2seq_demo.training.trainer import fit

    snapshot, callbacks = Snapshot(member.start), [send, member.logs] if member.logs else [send]
    snapshots = Snapshots(member.path or Path(), "", parent, lambda text: send("notice", text))
    with member.logs or contextlib.nullcontext(), snapshots:
        if member.path and os.path.lexists(snapshots.path):
            snapshots.file = atomic_files.open_locked(snapshots.path, "the snapshot of a member")
            snapshot = load_snapshot(snapshots.path)
        network = fit(member.task, member.config, snapshot, callbacks, snapshots if member.path else None)
        if reason := stop_reason(member.config, network.history):
            send("notice", reason)
        network = network.without_optimizer()
        if member.path:
            weights_file.write(network, member.path, overwrite=False)
            snapshots.remove()
    return network
