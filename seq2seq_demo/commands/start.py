"""Where a training starts: from fresh weights, a file's or a snapshot's; on which task, and where it is saved."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from seq2seq_demo.commands.options import TrainOptions
from seq2seq_demo.commands.selection import (
    FewerPairsError,
    Skipped,
    check_agreement,
    load_named,
    name_of,
    named_network,
    read_task,
)
from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.data_warnings import oddities
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.pattern_task import SequencePattern, find_pattern
from seq2seq_demo.data.patterns import DEFAULT_PATTERN, is_own
from seq2seq_demo.data.tasks import Task
from seq2seq_demo.display.console import counted, notice
from seq2seq_demo.errors import DemoError, InputError, UsageError, WeightsError
from seq2seq_demo.files import access, canonical, destinations
from seq2seq_demo.files.access import are_one_file
from seq2seq_demo.files.checkpoint_2016 import is_checkpoint_file
from seq2seq_demo.files.container import HEADER_SIZE, is_container
from seq2seq_demo.files.destinations import Destination
from seq2seq_demo.files.weights_file import DataFingerprint, Snapshot, TrainingRun
from seq2seq_demo.network.ram import check_training_fits
from seq2seq_demo.trained_network import TrainedNetwork, untrained
from seq2seq_demo.training import workers
from seq2seq_demo.training.recorder import begun
from seq2seq_demo.training.settings import resolve
from seq2seq_demo.training.snapshots import load_snapshot, training_id


@dataclass(frozen=True)
class Start:
    """What is trained, how, on what, and where it is to be saved."""

    snapshot: Snapshot[TrainedNetwork]  # of --resume, or of a training that begins
    config: TrainConfig
    task: Task
    name: str | None  # the part NAME of canonical file names
    destination: Destination
    path: Path | None = None  # of the snapshot that --resume continues from
    lock: BinaryIO | None = None  # that snapshot, open and locked

    @property
    def network(self) -> TrainedNetwork:
        """The network to train."""
        return self.snapshot.network


def _fingerprint(task: Task, network: TrainedNetwork, config: TrainConfig) -> DataFingerprint:
    """Return the fingerprint that --resume has to find again."""
    data = task.digest if isinstance(task, PairTask) else None
    return DataFingerprint(data, task.fingerprint(config, network.model_config))


def start_of_training(options: TrainOptions) -> Start:
    """Return the training that the options mean: from fresh weights, a file's or a snapshot's."""
    pattern = find_pattern(options.pattern) if options.pattern else None
    if options.resume:
        resumed = _resumed(options, pattern)
        if resumed:
            return resumed
    path = _path_to_continue_from(options, pattern)
    network = None
    if path is not None:
        network = load_named(path)
        check_agreement(options, path, network, pattern)
        _require_kept(path, options.output)
    pairs = _pairs(options, options.settings.get("points"), pattern, network)
    task = pairs or pattern or _pattern_of(network)
    settings = options.settings
    if pairs and pattern and not network:  # the pattern's targets have symbols as large as the sources'
        largest = pairs.largest_symbols()["in_max_int"]
        settings = {"out_max_int": settings.get("in_max_int", largest), **settings}
    default_out_len = network.out_len if network else None
    model_config, config = resolve(task, settings, network, default_out_len or TrainConfig.out_len)
    name: str | None = task.name
    if network is None:
        network = replace(untrained(model_config, config.seed), vocabularies=task.vocabularies)
        network = _with_lengths(network, config)
    elif config.epochs:
        up_to = "up to " if network.ends else ""
        trained = f"sources of {config.lengths} and targets of {up_to}{config.out_len} symbols"
        unknown = "" if network.in_len else ", which are not of the file: --in-len and --out-len are"
        notice(f"Continuing from {path}: {network.summary()}; with {trained}{unknown}")
    else:  # converted as it is: what is not known stays so
        name = name if pairs or pattern else network.task
        if network.in_len is None and settings.keys() & {"in_len", "out_len"}:
            network = _with_lengths(network, config)
    network = replace(network, task=name, recording=None)
    if options.record:
        network = begun(network, config)
    destination = _destination(options, options.name, task)
    if pairs:
        _warn(pairs)
    snapshot = Snapshot(network)
    if config.epochs:
        network = replace(_with_lengths(network, config), trained=TrainingRun(config, network.step))
        snapshot = Snapshot(network, fingerprint=_fingerprint(task, network, config))
    return Start(snapshot, config, task, options.name, destination)


def _with_lengths(network: TrainedNetwork, config: TrainConfig) -> TrainedNetwork:
    """Return a network that records the lengths of a training."""
    return replace(network, in_len=config.in_len, out_len=config.out_len, min_in_len=config.min_in_len)


def _require_kept(path: Path, output: Path | None) -> None:
    """Raise UsageError where a checkpoint of 2016, which nothing makes again, would be replaced."""
    if output and are_one_file(path, output):
        with path.open("rb") as file:
            if is_checkpoint_file(file):
                what = "another file than the checkpoint of 2016 to start from"
                raise UsageError(f"expected -o to be {what}, got {output}")


def _warn(pairs: PairTask) -> None:
    """Warn about pairs that are valid but probably unintended."""
    for oddity in oddities(pairs):
        notice(oddity)


def _path_to_continue_from(options: TrainOptions, pattern: SequencePattern | None) -> Path | None:
    """Return the file of -i or --iter-num; None starts afresh."""
    if options.iter_num is None:
        return named_network(options.input_weights) if options.input_weights else None
    task = pattern.name if pattern else name_of(options.from_file) if options.from_file else DEFAULT_PATTERN
    path = canonical.iteration_path(options.data_dir, options.name, task, options.iter_num)
    if path.exists():
        return path
    notice(f"No {path}: starting afresh")
    return None


def _destination(options: TrainOptions, name: str | None, task: Task) -> Destination:
    """Return where -o or --iter-num wants a training saved.

    Raises:
        WeightsError: the iteration that --iter-num is to make exists already.
    """
    folder = options.data_dir
    if options.output is not None:
        _require_replaceable(options.output)
        return Destination(options.output, overwrite=True, folder=folder)
    if options.iter_num is None:
        return Destination(folder=folder)
    taken = canonical.iteration_path(folder, name, task.name, options.iter_num + 1)
    if os.path.lexists(taken):
        raise WeightsError(f"{taken} exists: continue from it with --iter-num {options.iter_num + 1}, or give -o FILE")
    return Destination(canonical.canonical_path(folder, name, task.name, options.iter_num + 1), folder=folder)


def _require_replaceable(output: Path) -> None:
    """Raise WeightsError where -o names a file of another kind: somebody's data, most likely."""
    if not output.is_file() or not os.access(output, os.R_OK):  # what is wrong with such, writing says
        return
    with output.open("rb") as file:
        header = file.read(HEADER_SIZE)
        is_weights = is_container(header) or is_checkpoint_file(file)
    if header and not is_weights:
        raise WeightsError(f"{output}: expected a new file or one of weights for -o, found another kind of file")


def _pairs(
    options: TrainOptions, n: int | None, pattern: SequencePattern | None, network: TrainedNetwork | None
) -> PairTask | None:
    """Return the pairs of --from-file as a task."""
    if options.from_file is None:
        return None
    skipped: Skipped = {}
    task = read_task(options.from_file, options, n, pattern, network, skipped if options.keep_going else None)
    for file, errors in skipped.items():
        if errors:
            notice(f"Left out {counted(len(errors), 'pair')} of {file}, the first: {errors[0]}")
    return task


def _pattern_of(network: TrainedNetwork | None) -> SequencePattern:
    """Return the pattern that a network was trained on, or the default one for a fresh network.

    Raises:
        UsageError: it was the user's own, or own data: both have to be named again.
    """
    if network is None or network.task is None:
        return find_pattern(DEFAULT_PATTERN)
    if network.pattern is None:
        again = "-p with your function" if is_own(network.task) else "--from-file"
        raise UsageError(f"the network was trained on {network.task!r}: expected {again} again")
    return find_pattern(network.pattern)


def _resumed(options: TrainOptions, pattern: SequencePattern | None) -> Start | None:
    """Return the training of the newest snapshot that the options do not contradict.

    Where there is none, and the options say what to train, return None and say so.

    Raises:
        DemoError: they contradict them all, in a setting or in the data; the message is about the newest.
        WeightsError: there is none, or only those of trainings that run; or there is none, but what -o is to become.
    """
    obstacle: DemoError | None = None
    for path in canonical.newest_first(options.data_dir, options.name, None, canonical.SNAPSHOT):
        try:
            snapshot = load_snapshot(path)
        except WeightsError as error:
            notice(f"Skipping {error}")
            continue
        try:
            return _resume(options, pattern, path, snapshot)
        except DemoError as error:
            obstacle = obstacle or error
            if options.from_file == "-":  # which can be read only once
                break
    if obstacle:
        raise obstacle
    if not (options.settings.get("points") or options.from_file):
        raise WeightsError(f"{options.data_dir}: expected a snapshot to resume from, found none")
    if options.output and os.path.lexists(options.output):  # of the training that is over, most likely
        nothing = f"{options.output} is there already, and no snapshot: nothing to resume"
        raise WeightsError(f"{nothing}; leave out --resume to train again")
    notice(f"No snapshot in {options.data_dir}: starting afresh")
    return None


def _resume(
    options: TrainOptions, pattern: SequencePattern | None, path: Path, snapshot: Snapshot[TrainedNetwork]
) -> Start:
    """Return the training of a snapshot, which the chief of several workers locks: it alone writes it."""
    network, run = snapshot.network, snapshot.network.trained
    assert run  # as a snapshot's file has to record it
    check_agreement(options, path, network, pattern, resume=True)
    if options.record and network.recording is None:
        raise UsageError(f"{path} is of a training that began without --record")
    lock = None
    if workers.is_chief():
        lock = access.open_locked(path, "the snapshot of a training that stopped", WeightsError)
    try:
        task = _resumed_task(options, pattern, path, snapshot, run)
        check_training_fits(network.model_config, run.config)
        name = options.name or canonical.name_in_name(path)
        destination = _resumed_destination(options, path, snapshot, name, task)
    except BaseException:
        if lock:
            lock.close()
        raise
    if isinstance(task, PairTask):
        _warn(task)
    notice(f"Resuming {path}, epoch {snapshot.progress.epoch + 1}, step {network.step}")
    snapshot = replace(snapshot, fingerprint=_fingerprint(task, network, run.config))  # which old files lack
    return Start(snapshot, run.config, task, name, destination, path, lock)


def _resumed_destination(
    options: TrainOptions, path: Path, snapshot: Snapshot[TrainedNetwork], name: str | None, task: Task
) -> Destination:
    """Return where the options want it saved, or else where its training was begun to be saved."""
    destination = _destination(options, name, task)
    if destination.output is not None:
        return destination
    noted = destinations.noted(path, training_id(snapshot))
    if noted is None:
        notice("Where this training was to be saved is not known here: it gets the next unused name, or -o FILE")
        return destination
    is_there = noted.folder.is_dir() and not are_one_file(noted.folder, destination.folder)
    return noted if is_there else noted._replace(folder=destination.folder)


def _fewer_pairs(path: Path, options: TrainOptions, run: TrainingRun, error: FewerPairsError) -> str:
    """Return what to say of fewer pairs than a training began with: those to validate with may be missing."""
    if options.validation_file is None and error.found == run.config.n_training:
        return f"{path}: that training also had a --validation-file: name it again"
    return f"{path}: expected the data that its training began with: {error}"


def _resumed_task(
    options: TrainOptions,
    pattern: SequencePattern | None,
    path: Path,
    snapshot: Snapshot[TrainedNetwork],
    run: TrainingRun,
) -> Task:
    """Return what a snapshot's training learns, if that is still the same."""
    network, expected = snapshot.network, snapshot.fingerprint
    if expected.data and not options.from_file:
        raise UsageError(f"{path} was trained on own data ({network.task!r}): expected --from-file again")
    if options.from_file and not expected.data:
        raise UsageError(f"{path} was trained on pattern {network.task!r}: expected no --from-file")
    if expected.data and not network.ends and expected.fingerprint is None:
        of_old = "is of version 0.2, which divided pairs of one length in another way"
        raise UsageError(f"{path} {of_old}: train again, or continue from its weights with -i")
    try:
        n = run.config.points if options.validation_file is None else run.config.n_training
        pairs = _pairs(options, n, pattern, network)
    except FewerPairsError as error:
        raise UsageError(_fewer_pairs(path, options, run, error)) from error
    except InputError as error:
        raise UsageError(f"{path}: expected the data that its training began with: {error}") from error
    if pairs and pairs.digest != expected.data:
        raise UsageError(f"{path}: expected the data that its training began with, got other data")
    task = pairs or pattern or _pattern_of(network)
    if expected.fingerprint not in (None, task.fingerprint(run.config, network.model_config)):
        raise UsageError(f"{path}: pattern {task.name!r} makes other targets than when its training began")
    return task
