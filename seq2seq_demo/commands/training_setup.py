"""Sets up a training run: a new one, from fresh weights or a weights file, or the rest of an interrupted one."""

import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from seq2seq_demo.commands import network_selection
from seq2seq_demo.commands.options import TrainOptions
from seq2seq_demo.console import print_notice
from seq2seq_demo.data.pair_task import PairTask, Task, pair_task
from seq2seq_demo.data.patterns import PatternTask
from seq2seq_demo.errors import InputError, UsageError, WeightsError
from seq2seq_demo.files import atomic_files, file_names
from seq2seq_demo.trained.trained_network import TrainedNetwork
from seq2seq_demo.trained.weights_file import LENGTHS
from seq2seq_demo.training import workers
from seq2seq_demo.training.settings import new_run, run_notices
from seq2seq_demo.training.snapshots import Snapshot, load_snapshot

MAX_SKIPPED = 0.1  # the largest fraction of the records of a file that --keep-going skips


@dataclass(frozen=True)
class TrainingSetup:
    """A training run to start or resume, with its task and the path of its result."""

    task: Task
    snapshot: Snapshot  # the state to start or resume from
    result: Path | None  # None: the next unused canonical name, claimed when the run starts
    lock: BinaryIO | None = None  # the snapshot beside the result, locked, if the run is resumed
    began: float = field(default_factory=time.monotonic)  # from which a time limit counts


# ---- New runs ----


def new_training(options: TrainOptions) -> TrainingSetup:
    """Set up a training run that starts from fresh weights or from a weights file.

    Raises:
        Seq2SeqError: the options contradict the weights or the pairs, or one of these cannot be read.
    """
    began = time.monotonic()
    path, start, settings = _start_path(options), None, options.settings
    if path is not None:
        start = network_selection.load_with_task(path)
        network_selection.check_options_match(options, path, start)
    pattern, points = options.pattern_task, settings.get("points")
    pairs = _read_pairs(options, points, pattern, start) if options.from_file else None
    task = pairs or pattern or network_selection.pattern_to_train(start)
    if pairs and options.pattern and not start:  # by default, targets have the same symbols as sources
        largest = pairs.largest_symbols()["in_max_int"]
        settings = {"out_max_int": settings.get("in_max_int", largest), **settings}
    result = named_result(options)
    if options.iter_num is not None and result and os.path.lexists(result):
        n = options.iter_num + 1
        raise WeightsError(f"{result} exists already: continue from it with --iter-num {n}, or give -o FILE")
    snapshot = new_run(task, settings, start)
    if not snapshot.run.config.epochs:
        snapshot = Snapshot(_untrained(options, start, snapshot.network))
        return TrainingSetup(task, snapshot, result)
    if start:
        _print_continuation(start, path, snapshot)
    for notice in run_notices(task, snapshot, start):
        print_notice(notice)
    return TrainingSetup(task, snapshot, result, began=began)


def _read_pairs(
    options: TrainOptions, n: int | None, pattern: PatternTask | None, network: TrainedNetwork | None
) -> PairTask:
    """Read the pairs to train on, of which some are held out for validation, unless there is a file of others."""
    return pair_task(
        n=n,
        pattern=pattern,
        lowercase=options.lowercase,
        holds_out=True,
        validation=options.validation_file,
        max_skipped=MAX_SKIPPED if options.keep_going else 0.0,
        **network_selection.pair_arguments(options, network),
    )


def _untrained(options: TrainOptions, start: TrainedNetwork | None, begun: TrainedNetwork) -> TrainedNetwork:
    """Return the network that `-e 0` saves: with initial weights, or converted from a weights file.

    `begun` is the network that a training run would start from. A converted network keeps what its file records.
    """
    lengths = {name: getattr(begun, name) for name in LENGTHS}
    if start is None:
        return replace(begun, run=None)
    if start.in_len is not None or not options.settings.keys() & {"in_len", "out_len"}:
        lengths = {}
    task = begun.task if options.from_file or options.pattern else start.task
    return replace(start, task=task, **lengths)


def _print_continuation(start: TrainedNetwork, path: Path | None, snapshot: Snapshot) -> None:
    """Print what a training run continues from."""
    config = snapshot.run.config
    up_to = "up to " if snapshot.network.ends else ""
    trained = f"sources of {config.lengths} and targets of {up_to}{config.out_len} symbols"
    unknown = "" if start.in_len else "; the file records no lengths: --in-len and --out-len set them"
    fresh = "" if start.moments else "; the file has no state of the optimiser, so Adam's moments start at zero"
    print_notice(f"Continuing from {path}: {start.summary()}; with {trained}{unknown}{fresh}")


def named_result(options: TrainOptions) -> Path | None:
    """Return the path of -o, or of the iteration that follows --iter-num; None without these options.

    Raises:
        WeightsError: -o names a file of another kind.
    """
    if options.output is not None:
        atomic_files.check_replaceable(options.output, "a weights file", options.force, WeightsError)
        return options.result
    if options.iter_num is None:
        return None
    task = network_selection.task_of_file_name(options, options.from_file)
    return file_names.canonical_path(options.data_dir, options.name, task, options.iter_num + 1)


def _start_path(options: TrainOptions) -> Path | None:
    """Return the weights file to start from; None for fresh weights."""
    path = network_selection.path_from_options(options, options.from_file)
    if path is None or options.iter_num is None or path.exists():
        return path
    print_notice(f"Found no {path}: starting from fresh weights")
    return None


# ---- Interrupted runs ----


def resume_training(options: TrainOptions) -> TrainingSetup | Path | None:
    """Set up the rest of an interrupted training run, or return the path of its result if it has no snapshot.

    The snapshot is the one beside the result that -o or --iter-num names, else the newest one in --data-dir whose name
    has the NAME and the task of the options. Return None if there is neither a snapshot nor a result, and the options
    describe a new training run.

    Raises:
        Seq2SeqError: the options contradict the snapshot, or it cannot be read.
        WeightsError: there is nothing to resume, and the options do not describe a new training run.
    """
    result, found = named_result(options), options.data_dir
    if result:
        found = file_names.snapshot_path(result)
        snapshots = [found] if os.path.lexists(found) else []
    else:
        has_task = options.pattern or options.from_file
        task = network_selection.task_of_file_name(options, options.from_file) if has_task else None
        snapshots = file_names.newest_first(options.data_dir, options.name, task, file_names.SNAPSHOT)
    if snapshots:
        return _resume(options, snapshots[0])
    if result and os.path.lexists(result) and result not in options.input_weights:
        return result
    if not (options.settings.get("points") or options.from_file):
        raise WeightsError(f"{found}: expected a snapshot to resume from, found none")
    return None


def _resume(options: TrainOptions, path: Path) -> TrainingSetup:
    """Set up the rest of an interrupted run; of several workers, only the chief locks and writes the snapshot."""
    began, snapshot = time.monotonic(), load_snapshot(path)
    network_selection.check_options_match(options, path, snapshot.network, resume=True)
    task, kind = _task_of_run(options, path, snapshot.network), "the snapshot of an interrupted training run"
    lock = atomic_files.open_locked(path, kind) if workers.is_chief() else None
    snapshot = load_snapshot(path)  # the last one, which no other process replaces any more
    at = f", epoch {len(snapshot.network.history) + 1}, step {snapshot.network.step}"
    print_notice(f"Resuming {path}{'' if snapshot.run.config.members > 1 else at}")
    return TrainingSetup(task, snapshot, file_names.result_path(path), lock, began)


def _task_of_run(options: TrainOptions, path: Path, network: TrainedNetwork) -> Task:
    """Return the task of the training run of a snapshot.

    Raises:
        UsageError: the options do not name the data that the training began with, or the pattern has changed.
    """
    assert network.run
    config = network.run.config
    expected = f"{path}: expected the data that its training began with, {network.task!r} and any --validation-file"
    n_used = config.points - (config.n_validation if options.validation_file else 0)
    pattern, n_read = options.pattern_task, options.settings.get("points") if options.keep_going else n_used
    try:
        pairs = _read_pairs(options, n_read, pattern, network) if options.from_file else None
    except InputError as error:
        raise UsageError(f"{expected}: {error}") from error
    if (pairs and pairs.digest) != network.run.data:
        raise UsageError(f"{expected}, got {'other data' if pairs else 'no --from-file'}")
    task = pairs or pattern or network_selection.pattern_to_train(network)
    if network.run.fingerprint != task.fingerprint(config, network.model_config):
        raise UsageError(f"{path}: pattern {task.name!r} no longer makes the targets that this training run began with")
    return task
