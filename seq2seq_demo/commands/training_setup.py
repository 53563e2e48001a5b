"""Sets up a new training run from initial weights or a weights file, or the rest of an interrupted training run."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from seq2seq_demo.commands import network_selection
from seq2seq_demo.commands.options import TrainOptions
from seq2seq_demo.config import TrainConfig, given_values, lengths_text
from seq2seq_demo.console import notice
from seq2seq_demo.data.pair_task import Task, pair_task
from seq2seq_demo.errors import InputError, UsageError, WeightsError
from seq2seq_demo.files import atomic_files, file_names
from seq2seq_demo.trained.trained_network import TrainedNetwork
from seq2seq_demo.trained.weights_file import LENGTHS
from seq2seq_demo.training.report import training_header
from seq2seq_demo.training.settings import new_run, resolve, run_notices
from seq2seq_demo.training.snapshots import Snapshot, load_snapshot

MAX_SKIPPED = 0.1  # the largest fraction of a file's records that --keep-going skips


@dataclass(frozen=True)
class FinishedRun:
    """A training run that has saved its result."""

    result: Path


@dataclass(frozen=True)
class InterruptedRun:
    """A training run that has left a snapshot next to its result."""

    snapshot: Path


@dataclass(frozen=True, kw_only=True)
class TrainingSetup:
    """A training run to start or resume."""

    task: Task
    snapshot: Snapshot  # the state to start or resume from
    is_new: bool
    result: Path | None  # None means the next unused canonical name, which a new run claims when it starts


# ---- New runs ----


def new_training(options: TrainOptions) -> TrainingSetup:
    """Set up a training run that starts from initial weights or from a weights file.

    Raises:
        Seq2SeqError: the options contradict the weights or the pairs, or these cannot be read.
    """
    path, start, settings = network_selection.path_from_options(options, options.from_file), None, options.settings
    if path and options.iter_num is not None and not path.exists():
        notice(f"{path} does not exist: starting from new weights")
    elif path:
        start = network_selection.load_with_task(path)
        network_selection.check_options_match(options, path, start)
    task = _task(options, start, settings.get("points"))
    if options.from_file and options.pattern and not start:  # by default, targets have the same symbols as sources
        in_max_int = settings.get("in_max_int", task.largest_symbols()["in_max_int"])
        settings = {"out_max_int": in_max_int, **settings}
    result = named_result(options)
    if options.iter_num is not None and result and os.path.lexists(result):
        n = options.iter_num + 1
        raise WeightsError(f"{result} already exists: continue from it with --iter-num {n}, or give -o FILE")
    snapshot = new_run(task, settings, start)
    if snapshot.run.config.epochs or task.is_pairs:
        if start:
            _print_continuation(start, path, snapshot)
        for text in run_notices(task, snapshot, start):
            notice(text)
    if not snapshot.run.config.epochs:
        if task.is_pairs and not options.quiet:
            notice("Without `epochs` 0, this training run would begin:")
            training_header(*resolve(task, {**settings, "epochs": None}, start), task, options.verbose)
        snapshot = Snapshot(_untrained(options, start, snapshot.network))
    return TrainingSetup(task=task, snapshot=snapshot, is_new=True, result=result)


def _task(options: TrainOptions, network: TrainedNetwork | None, n_pairs: int | None) -> Task:
    """Return the task that the options name, by default the network's; read the first `n_pairs` pairs of a file."""
    if options.from_file:
        return pair_task(
            n=n_pairs,
            pattern=options.pattern_task,
            lowercase=options.lowercase,
            holds_out=True,
            validation=options.validation_file,
            max_skipped=MAX_SKIPPED if options.keep_going else 0.0,
            **network_selection.pair_arguments(options, network),
        )
    return options.pattern_task or network_selection.pattern_to_train(network)


def named_result(options: TrainOptions) -> Path | None:
    """Return the file that -o names or that the next iteration after --iter-num writes; None without these options.

    Raises:
        WeightsError: -o names an existing file that is not a weights file.
    """
    if options.output is not None:
        atomic_files.check_replaceable(options.output, "a weights file", options.force, WeightsError)
        return Path(os.path.realpath(options.output)) if os.path.islink(options.output) else options.output
    if options.iter_num is None:
        return None
    task = network_selection.task_of_file_name(options, options.from_file)
    return file_names.canonical_path(options.data_dir, options.name, task, options.iter_num + 1)


def _untrained(options: TrainOptions, start: TrainedNetwork | None, begun: TrainedNetwork) -> TrainedNetwork:
    """Return the network that `-e 0` saves; it has initial weights or is converted from a weights file.

    `begun` is the network that a training run would start from. A converted network keeps what its file records.
    """
    if start is None:
        return replace(begun, run=None)
    has_new_lengths = start.in_len is None and options.settings.keys() & {"in_len", "out_len"}
    lengths = {name: getattr(begun, name) for name in LENGTHS} if has_new_lengths else {}
    return replace(start, task=begun.task if options.from_file or options.pattern else start.task, **lengths)


def _print_continuation(start: TrainedNetwork, path: Path | None, snapshot: Snapshot) -> None:
    """Print which network a training run continues from and which lengths it trains on."""
    config = snapshot.run.config
    up_to = "up to " if snapshot.network.ends else ""
    trained = f"sources of {config.lengths} and targets of {up_to}{config.out_len} symbols"
    unknown = "" if start.in_len else "; the file records no lengths: --in-len and --out-len set them"
    fresh = "" if start.moments else "; the file lacks the optimiser's state, so Adam's moments start at zero"
    notice(f"Continuing from {path}: {start.summary()}; training on {trained}{unknown}{fresh}")


# ---- Earlier runs ----


def find_run(options: TrainOptions) -> FinishedRun | InterruptedRun | None:
    """Return the training run that --resume refers to, or None for a new run.

    This is the run whose result -o or --iter-num names. Without these options, it is the run with the newest snapshot
    in --data-dir whose name contains the given NAME and task. An existing result means that the run has finished,
    unless -i names the same file.

    Raises:
        WeightsError: there is nothing to resume, and the options do not describe a new training run.
    """
    if not options.resume:
        return None
    if result := named_result(options):
        place = snapshot = file_names.snapshot_path(result)
        if os.path.lexists(snapshot):
            return InterruptedRun(snapshot)
        if os.path.lexists(result) and os.path.realpath(result) not in map(os.path.realpath, options.input_weights):
            return FinishedRun(result)
    else:
        place, has_task = options.data_dir, options.pattern or options.from_file
        task = network_selection.task_of_file_name(options, options.from_file) if has_task else None
        if snapshots := file_names.newest_first(options.data_dir, options.name, task, file_names.SNAPSHOT):
            return InterruptedRun(snapshots[0])
    if not (options.settings.get("points") or options.from_file):
        raise WeightsError(f"{place}: no snapshot to resume")
    return None


def resumed_training(options: TrainOptions, path: Path) -> TrainingSetup:
    """Set up the rest of the training run whose snapshot is at `path`.

    Raises:
        Seq2SeqError: the options contradict the snapshot, or the snapshot cannot be read.
    """
    snapshot = load_snapshot(path)
    network_selection.check_options_match(options, path, snapshot.network)
    _check_settings_match(options, path, snapshot.run.config)
    task = _task_of_run(options, path, snapshot)
    notice(f"Resuming {path}, epoch {len(snapshot.network.history) + 1}, step {snapshot.network.step}")
    return TrainingSetup(task=task, snapshot=snapshot, is_new=False, result=file_names.result_path(path))


def _check_settings_match(options: TrainOptions, path: Path, config: TrainConfig) -> None:
    """Raise UsageError for a given setting that differs from `config`, the settings of the training run."""
    recorded = vars(config) | {"in_len": config.lengths}
    given = given_values(TrainConfig, options.settings)
    if options.from_file:  # the pairs determine the lengths, which the options may exceed
        given = {name: value for name, value in given.items() if name not in LENGTHS}
    if options.validation_file:  # then N counts only the training pairs
        recorded["points"] = config.n_training
    if "in_len" in given:
        given["in_len"] = lengths_text(given.pop("min_in_len", None), given["in_len"])
    network_selection.require_recorded(path, recorded, given)


def _task_of_run(options: TrainOptions, path: Path, snapshot: Snapshot) -> Task:
    """Return the task of a snapshot's training run.

    Raises:
        UsageError: the options do not name the data that the training began with, or the pattern has changed.
    """
    run, network = snapshot.run, snapshot.network
    expected = f"{path}: expected the data that its training began with ({network.task!r} and any --validation-file)"
    n_used = run.config.n_training if options.validation_file else run.config.points
    n_pairs = options.settings.get("points") if options.keep_going else n_used
    try:
        task = _task(options, network, n_pairs)
    except InputError as error:
        raise UsageError(f"{expected}: {error}") from error
    if task.digest != run.data:
        raise UsageError(f"{expected}, got different data")
    if task.fingerprint(run.config, network.model_config) != run.fingerprint:
        raise UsageError(f"{path}: pattern {task.name!r} no longer returns the targets that this run began with")
    return task
