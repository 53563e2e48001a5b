"""Trains the members of an ensemble in separate runs with different seeds.

Members that are trained side by side run in processes with one thread each, so the number of processes does not change
the bits of their weights. loky starts the processes; its cloudpickle can also send them functions from `__main__`.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import connection
from pathlib import Path

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.console import show_notices
from seq2seq_demo.data.pair_task import Task
from seq2seq_demo.data.sequences import concatenate
from seq2seq_demo.declarations import require_integer
from seq2seq_demo.errors import Interrupted, TrainingError, WeightsError
from seq2seq_demo.files import atomic_files, file_names
from seq2seq_demo.network.parameters import initial_weights
from seq2seq_demo.trained import weights_file
from seq2seq_demo.trained.loading import load
from seq2seq_demo.trained.trained_network import TrainedNetwork
from seq2seq_demo.training.callbacks import Callback
from seq2seq_demo.training.report import MemberReport, TrainingReport
from seq2seq_demo.training.snapshots import SIGNALS, Snapshot, Snapshots, load_snapshot
from seq2seq_demo.training.validation import calibrated, validation_metrics

SECONDS_TO_SAVE = 2  # the time that members get to save snapshots after their parent was killed


@dataclass(frozen=True)
class Member:
    """The training run of one member."""

    number: int  # counted from 1
    task: Task
    start: Snapshot  # uses this member's seed
    callbacks: Sequence[Callback]
    path: Path | None  # its weights file, next to its snapshot; None saves neither
    quiet: bool  # whether notices are hidden


def n_jobs(jobs: int | None, config: TrainConfig) -> int:
    """Return the number of members to train at the same time.

    It is `jobs`; by default, it is the number of cores that this process may use.

    Raises:
        UsageError: `jobs` is not a positive integer.
    """
    if jobs is None and config.members > 1:
        from loky import cpu_count

        jobs = cpu_count()
    return min(require_integer("`jobs`", 1 if jobs is None else jobs, at_least=1), config.members)


def members_of(
    task: Task, first: Snapshot, callbacks: Sequence[Sequence[Callback]], folder: Path | None, verbose: bool
) -> list[Member]:
    """Return the members of an ensemble, each with its own seed.

    Args:
        task: the task of all members.
        first: the first member at the start of its run.
        callbacks: the callbacks of each member.
        folder: the folder for the members' weights files; None saves no files.
        verbose: whether to print notices, and a line for each epoch of each member.
    """
    members = []
    for number, own in enumerate(callbacks, 1):
        report = [MemberReport(number, first.run.config)] if verbose else []
        config = replace(first.run.config, seed=first.run.config.seed + number - 1)
        weights = initial_weights(first.network.model_config, config.seed)
        network = replace(first.network, weights=weights, run=replace(first.run, config=config))
        start, path = Snapshot(network), folder and folder / f"member_{number}.h5"
        each = Member(number=number, task=task, start=start, callbacks=[*report, *own], path=path, quiet=not report)
        members.append(each)
    return members


def remove(folder: Path) -> None:
    """Remove the files of all members, and their folder unless it contains other files."""
    with contextlib.suppress(OSError):
        for path in [*folder.glob("member_*.h5"), *folder.glob(f"{file_names.SNAPSHOT}__member_*.h5")]:
            path.unlink()
        folder.rmdir()


def train_run(
    task: Task,
    start: Snapshot,
    callbacks: Sequence[Sequence[Callback]],
    *,
    verbose: bool | None,
    jobs: int | None,
    began: float,
    snapshots: Snapshots | None = None,
) -> TrainedNetwork:
    """Train the network of a training run, or the members of an ensemble, and return it.

    Args:
        task: the task, which provides the pairs.
        start: the run before its first step, or a snapshot to resume.
        callbacks: the callbacks of each member.
        verbose: as in `TrainingReport`.
        jobs: as in `n_jobs`. Without `snapshots`, members that have callbacks are trained one after another in this
            process.
        began: the value of `time.monotonic()` when a time limit starts.
        snapshots: saves the state of the run; the members are saved in a folder next to the result.

    Raises:
        UsageError: `jobs` is not a positive integer.
        WeightsError: the folder contains members of a different training run.
        TrainingError: training failed, or a process was killed; the other members have stopped.
        Interrupted: a signal arrived; all members have stopped.
    """
    config = start.run.config
    jobs = n_jobs(jobs, config)
    if config.members == 1:
        from seq2seq_demo.training.trainer import fit  # loads TensorFlow

        with TrainingReport(config, verbose) as report:
            return fit(task, start, [report, *callbacks[0]], snapshots, began)
    if not snapshots:
        members = members_of(task, start, callbacks, None, bool(verbose))
        return combined([*map(train_member, members)] if any(callbacks) else train_side_by_side(members, jobs), task)
    folder = file_names.members_folder(snapshots.result)
    folder.mkdir(exist_ok=True)
    members = members_of(task, start, callbacks, folder, bool(verbose))
    try:
        return combined(train_side_by_side(members, jobs, snapshots.stop_signal), task)
    except (Interrupted, TrainingError) as error:
        error.args = (f"{error}; {snapshots.how_to_resume()}",)
        raise


def train_member(member: Member) -> TrainedNetwork:
    """Train a member in this process, without snapshots; return it without its optimiser."""
    from seq2seq_demo.training.trainer import fit

    return fit(member.task, member.start, member.callbacks).without_optimizer()


def train_side_by_side(
    members: Sequence[Member], jobs: int, stop_signal: Callable[[], int | None] = lambda: None
) -> list[TrainedNetwork]:
    """Train the members that are not saved yet, in `jobs` processes; return all members, without optimisers.

    Raises:
        WeightsError: a file of a member belongs to a different training run.
        TrainingError: a member failed, or a process was killed; the snapshots of the others remain.
        Interrupted: `stop_signal` has returned a signal; all members have stopped, and their snapshots remain.
    """
    from loky import ProcessPoolExecutor

    trained = {member.number: saved for member in members if (saved := _saved(member))}
    remaining = [member for member in members if member.number not in trained]
    # Closing `stop_writer` stops a member; closing `life_writer` soon ends its process. A kill closes both.
    (stop, stop_writer), (life, life_writer) = (multiprocessing.Pipe(duplex=False) for _ in range(2))
    environment = {"PYTHONSAFEPATH": "1"}  # do not import modules from the working directory
    futures: dict[int, Future[TrainedNetwork]] = {}
    with _blocked_signals():
        pool = ProcessPoolExecutor(jobs, timeout=1, initializer=_begin_process, initargs=(stop, life), env=environment)
    try:
        with _blocked_signals():
            futures |= {member.number: pool.submit(_train, member) for member in remaining}
        _wait(futures, stop_signal)
        return [trained.get(member.number) or futures[member.number].result() for member in members]
    except BaseException:
        stop_writer.close()
        if members[0].path:  # the members save snapshots
            wait([future for future in futures.values() if not future.cancel()])
        raise
    finally:  # a process that ends by itself keeps its compiled programs
        pool.shutdown(kill_workers=not all(future.done() for future in futures.values()))
        life_writer.close()


def combined(networks: Sequence[TrainedNetwork], task: Task) -> TrainedNetwork:
    """Return the ensemble of networks that learned a task, validated on pairs that none of them was trained on.

    An ensemble that learned a user's pairs is also calibrated.
    """
    network = replace(networks[0], others=tuple(networks[1:]), calibration=None)
    drawn = [task.draw(each.run.config, each.model_config) for each in networks if each.run]
    validation = drawn[0][1].without(concatenate(training.sources for training, _ in drawn))
    if task.is_pairs:
        return calibrated(network, validation)
    return replace(network, validation=validation_metrics(task, network, validation), n_validated=len(validation))


def _saved(member: Member) -> TrainedNetwork | None:
    """Return the saved network of a member, or None if the member has not been trained yet.

    Raises:
        WeightsError: its weights file or its snapshot belongs to a different training run.
    """
    if member.path is None:
        return None
    networks = [load(path) for path in (member.path, file_names.snapshot_path(member.path)) if os.path.lexists(path)]
    for network in networks:
        if (network.model_config, network.run) != (member.start.network.model_config, member.start.run):
            found = f"{member.path.parent}: member {member.number} belongs to a different training run"
            raise WeightsError(f"{found}; `force` retrains all members")
    return networks[0] if os.path.lexists(member.path) else None


def _wait(futures: Mapping[int, Future[TrainedNetwork]], stop_signal: Callable[[], int | None]) -> None:
    """Wait until all members are trained; raise an error if a member fails or a signal arrives."""
    pending = {*futures.values()}
    while pending:
        _, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
        if signum := stop_signal():
            raise Interrupted("interrupted", signum)
        for number, future in futures.items():
            if future.done() and (error := future.exception()):
                if isinstance(error, BrokenProcessPool):
                    raise TrainingError("a process that was training a member was killed") from error
                raise TrainingError(f"member {number}: {error}") from error


# ---- The processes ----


@contextlib.contextmanager
def _blocked_signals() -> Iterator[None]:
    """Block the signals that stop a training run until the end of this context; processes started here inherit this.

    A Ctrl-C in a terminal would otherwise end a process that has not reached `_begin_process`.
    """
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # otherwise loky starts it, which unblocks the signals in Python 3.11
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)


STOP: list[connection.Connection] = []  # a pipe; when its other end is closed, the members stop


def _end_with_parent(life: connection.Connection) -> None:
    """Wait until the parent ends, give a member time to save a snapshot, and end this process."""
    connection.wait([life])
    time.sleep(SECONDS_TO_SAVE)
    os._exit(1)


def _begin_process(stop: connection.Connection, life: connection.Connection) -> None:
    """Prepare a process that trains members: it uses one thread, ignores signals, and ends with its parent."""
    threading.Thread(target=_end_with_parent, args=(life,), daemon=True).start()
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # blocked by the parent
    STOP.append(stop)
    from seq2seq_demo.network.keras_network.tensorflow_setup import set_threads  # before TensorFlow

    # isort: split
    import tensorflow as tf

    set_threads(1)
    tf.zeros(())  # starts TensorFlow's threads, so that their number cannot change


def _train(member: Member) -> TrainedNetwork | None:
    """Train a member; if it has a path, start from any snapshot and save the result. Return None if it stopped."""
    from seq2seq_demo.training.trainer import fit

    if member.path is None:
        return train_member(member)
    snapshot = member.start
    saving = Snapshots(member.path, "", lambda: signal.SIGTERM if connection.wait(STOP, timeout=0) else None)
    with show_notices(member.quiet), saving as snapshots, contextlib.suppress(Interrupted):
        if os.path.lexists(snapshots.path):
            snapshots.file = atomic_files.open_locked(snapshots.path, "the snapshot of a member")
            snapshot = load_snapshot(snapshots.path)
        network = fit(member.task, snapshot, member.callbacks, snapshots).without_optimizer()
        weights_file.write(network, member.path, overwrite=False)
        snapshots.remove()
        return network
    return None
