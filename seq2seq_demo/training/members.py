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
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from seq2seq_demo import system_memory
from seq2seq_demo.callbacks import Callback
from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.pattern_task import SequencePattern, find_pattern
from seq2seq_demo.data.patterns import PATTERNS, is_user_function
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.data.tasks import Task
from seq2seq_demo.declarations import require_integer
from seq2seq_demo.display import tensorboard
from seq2seq_demo.display.history import History
from seq2seq_demo.errors import Interrupted, Seq2SeqError, TrainingError, UsageError
from seq2seq_demo.figures import EpochFigures
from seq2seq_demo.files import atomic_files, file_names, weights_file
from seq2seq_demo.files.stored_network import Snapshot
from seq2seq_demo.network.parameters import initial_weights
from seq2seq_demo.trained_network import TrainedNetwork, load
from seq2seq_demo.training.results import stop_reason
from seq2seq_demo.training.snapshots import Snapshots, load_snapshot

MEMBER_BYTES = 10**9  # the memory of a process that trains a network of 128 units
# Python cannot exit while a thread waits for `sys.stdin`.
COMMAND = (
    "import pickle, sys; stdin = open(0, 'rb'); sys.path[:] = pickle.load(stdin); from {} import main; main(stdin)"
)


class Outputs(NamedTuple):
    """The files that a training run writes beside its result."""

    history: Path | None = None
    history_plot: Path | None = None
    force: bool = False
    log_dir: Path | None = None
    tensorboard_verbose: int = 0

    def of_member(self, number: int) -> "Outputs":
        """Return the outputs of a member; the second one has `a.2.json` for `a.json`, and its own log directory."""
        log_dir = self.log_dir and self.log_dir / f"member_{number}"
        history, plot = self.history, self.history_plot
        if number > 1:
            history, plot = (path and path.with_suffix(f".{number}{path.suffix}") for path in (history, plot))
        return Outputs(history, plot, self.force, log_dir, self.tensorboard_verbose)


NO_OUTPUTS = Outputs()


@dataclass(frozen=True)
class Member:
    """The training run of a member; `number` counts from 1, and a pattern that has a name is its name."""

    number: int
    task: Task | str
    config: TrainConfig
    start: TrainedNetwork
    path: Path | None  # the weights file, beside which the snapshot is; None saves neither
    outputs: Outputs


Report = Callable[[int, str, Any], None]  # is called with the number of a member, and the name and value of an event


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
    """Whether another process can have the task: a name stands for it, or it can be pickled without `__main__`."""
    try:
        return _is_named(task) or b"__main__" not in pickle.dumps(task)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False


def _is_named(task: Task) -> bool:
    return isinstance(task, SequencePattern) and (task.name in PATTERNS or is_user_function(task.name))


def config_of(config: TrainConfig, number: int) -> TrainConfig:
    """Return the config of a member; only its seed differs from `config`."""
    return replace(config, seed=config.seed + number - 1)


def start_of(first: TrainedNetwork, config: TrainConfig, number: int) -> TrainedNetwork:
    """Return the initial network of a member; `first` is that of the first one, at the start of its training run."""
    if number == 1:
        return first
    own_config = config_of(config, number)
    run = first.trained and replace(first.trained, config=own_config)
    return replace(first, weights=initial_weights(first.model_config, own_config.seed), trained=run)


def remove(folder: Path, config: TrainConfig) -> None:
    """Remove the files of an ensemble's members, and their folder unless it contains other files."""
    if config.members == 1:  # the folder, if there is one, belongs to another run
        return
    with contextlib.suppress(OSError):
        for number in range(1, config.members + 1):
            path = path_of(folder, number)
            path.unlink(missing_ok=True)
            file_names.snapshot_path(path).unlink(missing_ok=True)
        folder.rmdir()


def path_of(folder: Path, number: int) -> Path:
    """Return the path of the weights file of a member in the folder of all members."""
    return folder / f"member_{number}.h5"


# ---- The parent ----


def train_side_by_side(
    task: Task,
    config: TrainConfig,
    first: TrainedNetwork,
    jobs: int,
    report: Report,
    folder: Path | None = None,
    outputs: Outputs = NO_OUTPUTS,
    signals: Any = None,
) -> list[TrainedNetwork]:
    """Train the members of an ensemble, `jobs` at a time, and return them without their optimizers.

    Args:
        task: the task, which can be pickled.
        config: the config of the ensemble; the members share its budget.
        first: the initial network of the first member, at the start of its training run.
        jobs: the number of members that are trained at the same time.
        report: is called with each event.
        folder: the folder of weights files and snapshots, from which earlier members are continued; None writes none.
        outputs: the other files of the ensemble.
        signals: has an attribute `signum`, which is not None once a signal has arrived.

    Raises:
        TrainingError: a member failed or its process was killed; the others have stopped, and their snapshots remain.
        Interrupted: a signal arrived; all members have stopped.
    """
    share = config.budget and config.budget / -(-config.members // jobs)
    numbers, trained = range(1, config.members + 1), {}
    if folder is not None:
        trained = {n: load(path) for n in numbers if (path := path_of(folder, n)).exists()}
    waiting = [
        Member(
            n,
            task.name if _is_named(task) else task,
            replace(config_of(config, n), budget=share),
            start_of(first, config, n),
            folder and path_of(folder, n),
            outputs.of_member(n),
        )
        for n in numbers
        if n not in trained
    ]
    processes: list[subprocess.Popen[bytes]] = []
    current: dict[int, int] = {}  # the number of the member that a process trains, by the index of the process
    events: queue.SimpleQueue[tuple[int, str, Any]] = queue.SimpleQueue()

    def send_next(index: int) -> None:
        member = waiting.pop(0)
        current[index] = member.number
        _send(processes[index], member)

    with tempfile.TemporaryDirectory(prefix="seq2seq-demo-") as compiled, contextlib.ExitStack() as ends:
        for index in range(min(jobs, len(waiting))):
            processes.append(ends.enter_context(_process(index, events, compiled)))
            send_next(index)
        ends.callback(lambda: [*map(_close, processes)])  # before it waits for the first one
        while current:
            if signals and signals.signum:
                raise Interrupted("interrupted", signals.signum)
            with contextlib.suppress(queue.Empty):
                index, event, value = events.get(timeout=0.2)
                if index not in current:  # a process has ended, because no member was left
                    continue
                number = current[index]
                if event == "end":
                    raise TrainingError(f"member {number} ended without a result: {_cause(processes[index].wait())}")
                if event == "error":
                    raise TrainingError(f"member {number}: {value}")
                report(number, event, value)
                if event == "network":
                    trained[number] = value
                    del current[index]
                    if waiting:
                        send_next(index)
    return [trained[n] for n in numbers]


def _cause(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"


def _send(process: subprocess.Popen[bytes], value: object) -> None:
    assert process.stdin
    with contextlib.suppress(OSError):  # it has ended, as its events will show
        pickle.dump(value, process.stdin)
        process.stdin.flush()


@contextlib.contextmanager
def _process(
    index: int, events: queue.SimpleQueue[tuple[int, str, Any]], compiled: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that trains members. A thread passes its events on. It ends after the step in which it is closed.

    `compiled` is a folder for compiled programs, so that each is compiled once.
    """
    argv, pipe = [sys.executable, "-I", "-c", COMMAND.format(__name__)], subprocess.PIPE
    flags = f"{os.environ.get('TF_XLA_FLAGS', '')} --tf_xla_persistent_cache_directory={compiled}"
    # In a session of its own, the process does not receive the Ctrl-C of a terminal.
    process = subprocess.Popen(
        argv, stdin=pipe, stdout=pipe, start_new_session=True, env=os.environ | {"TF_XLA_FLAGS": flags}
    )
    assert process.stdin
    assert process.stdout
    stream: Any = process.stdout

    def pass_on() -> None:
        with contextlib.suppress(EOFError, pickle.UnpicklingError), stream:
            while True:
                events.put((index, *pickle.load(stream)))
        events.put((index, "end", None))

    threading.Thread(target=pass_on, daemon=True).start()
    _send(process, sys.path)
    try:
        yield process
    finally:
        _close(process)
        process.wait()


def _close(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        assert process.stdin
        process.stdin.close()


# ---- The processes ----


class _Parent:
    """The parent process, which sends members; `signum` is SIGTERM once it has closed standard input."""

    signum: int | None = None

    def __init__(self, stdin: BinaryIO) -> None:
        self.stdin, self.sent = stdin, queue.SimpleQueue[Member | None]()
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self) -> None:
        with contextlib.suppress(EOFError):
            while True:
                self.sent.put(pickle.load(self.stdin))
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


def main(stdin: BinaryIO) -> None:
    """Train the members that arrive on standard input; save each, and send it to the parent."""
    stdout = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a user's pattern may print
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # in Windows, Ctrl-C also reaches this process
    parent = _Parent(stdin)
    while member := parent.sent.get():
        send = _Sender(stdout, member.config)
        try:
            send("network", _trained(member, parent, send))
        except Interrupted:
            break
        except Seq2SeqError as error:
            send("error", str(error))
        except Exception as error:
            send("error", f"unexpected {type(error).__name__}: {error}")


def _trained(member: Member, parent: _Parent, send: _Sender) -> TrainedNetwork:
    task = find_pattern(member.task) if isinstance(member.task, str) else member.task
    fingerprint = task.fingerprint(member.config, member.start.model_config)
    if member.start.trained and fingerprint != member.start.trained.fingerprint.fingerprint:
        raise TrainingError(f"expected pattern {task.name!r} to make the same targets in every process")
    from seq2seq_demo.network.keras_network.tensorflow_setup import set_threads  # before TensorFlow

    # isort: split
    import tensorflow as tf

    set_threads(1)
    tf.zeros(())  # starts the threads, whose number is then final
    from seq2seq_demo.training.trainer import fit

    outputs, snapshot = member.outputs, Snapshot(member.start)
    with contextlib.ExitStack() as stack:
        history = History(outputs.history, outputs.history_plot, outputs.force)
        callbacks: list[Callback] = [send, history]
        if outputs.log_dir:
            callbacks.append(stack.enter_context(tensorboard.TensorBoard(outputs.log_dir, outputs.tensorboard_verbose)))
        snapshots = Snapshots(Path(), "", parent, lambda text: send("notice", text))
        if member.path:
            stack.enter_context(snapshots)
            path = file_names.snapshot_path(member.path)
            if os.path.lexists(path):
                snapshots.file = atomic_files.open_locked(path, "the snapshot of a member")
                snapshots.result, snapshot = member.path, load_snapshot(path)
            else:
                snapshots.claim(snapshot, member.path, overwrite=False)
        network = fit(task, member.config, snapshot, callbacks, snapshots if member.path else None)
        history.write(network.history)  # the run may have been interrupted after its last epoch
        if reason := stop_reason(member.config, network.history):
            send("notice", reason)
        network = network.without_optimizer()
        if member.path:
            weights_file.write(network, member.path, overwrite=False)
            snapshots.remove()
    return network
