"""Where a training starts: from fresh weights, a file's or a snapshot's; on which task, and where it is saved."""

import contextlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from seq2seq_demo.commands import network_selection
from seq2seq_demo.commands.options import TrainOptions
from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.data_warnings import pair_warnings
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.tasks import Task
from seq2seq_demo.display.console import pluralize, print_notice
from seq2seq_demo.errors import InputError, Seq2SeqError, UsageError, WeightsError
from seq2seq_demo.files import atomic_files, container, file_names, resume_notes
from seq2seq_demo.files.checkpoint_2016 import is_checkpoint_file
from seq2seq_demo.files.weights_file import DataFingerprint, Snapshot, TrainingRun
from seq2seq_demo.network.memory_estimates import check_training_fits
from seq2seq_demo.trained_network import TrainedNetwork, untrained
from seq2seq_demo.training import recorder, snapshots, workers
from seq2seq_demo.training.settings import resolve


@dataclass(frozen=True)
class Start:
    """What is trained, how, on what, and where it is to be saved."""

    snapshot: Snapshot[TrainedNetwork]  # of --resume, or of a training that begins
    config: TrainConfig
    task: Task
    name: str | None  # the part NAME of canonical file names
    destination: resume_notes.Destination
    path: Path | None = None  # of the snapshot that --resume continues from
    lock: BinaryIO | None = None  # that snapshot, open and locked

    @property
    def network(self) -> TrainedNetwork:
        """The network to train."""
        return self.snapshot.network


def start_of_training(options: TrainOptions) -> Start:
    """Return the training that the options mean: from fresh weights, a file's or a snapshot's."""
    resumed = _resumed(options) if options.resume else None
    return resumed or _begun(options)


def _begun(options: TrainOptions) -> Start:
    """Return a training that begins, from fresh weights or a file's."""
    path, start, settings = _path_to_continue_from(options), None, options.settings
    if path is not None:
        start = network_selection.load_named(path)
        network_selection.check_agreement(options, path, start)
        _require_kept(path, options.output)
    pairs = _pairs(options, settings.get("points"), start)
    task = pairs or options.sequence_pattern or network_selection.pattern_of(start)
    if pairs and options.pattern and not start:  # its targets have symbols as large as the sources'
        largest = pairs.largest_symbols()["in_max_int"]
        settings = {"out_max_int": settings.get("in_max_int", largest), **settings}
    default_out_len = start.out_len if start else None
    model_config, config = resolve(task, settings, start, default_out_len or TrainConfig.out_len)
    network = start or replace(untrained(model_config, config.seed), vocabularies=task.vocabularies)
    name: str | None = task.name
    if start and config.epochs:
        up_to = "up to " if model_config.ends else ""
        trained = f"sources of {config.lengths} and targets of {up_to}{config.out_len} symbols"
        unknown = "" if start.in_len else ", which are not of the file: --in-len and --out-len are"
        print_notice(f"Continuing from {path}: {start.summary()}; with {trained}{unknown}")
    elif start and not (pairs or options.pattern):  # converted as it is: what is not known stays so
        name = start.task
    if config.epochs or (network.in_len is None and (not start or settings.keys() & {"in_len", "out_len"})):
        network = replace(network, in_len=config.in_len, out_len=config.out_len, min_in_len=config.min_in_len)
    network = replace(network, task=name, recording=None)
    if options.record:
        network = recorder.begun(network, config)
    destination = _destination(options, options.name, task)
    _warn(task)
    snapshot = Snapshot(network)
    if config.epochs:
        network = replace(network, model_config=model_config, trained=TrainingRun(config, network.step))
        snapshot = Snapshot(network, fingerprint=_fingerprint(task, network, config))
    return Start(snapshot, config, task, options.name, destination)


def _path_to_continue_from(options: TrainOptions) -> Path | None:
    """Return the file of -i or --iter-num; None starts afresh."""
    path = network_selection.given_path(options, options.from_file)
    if path is None or options.iter_num is None or path.exists():
        return path
    print_notice(f"No {path}: starting afresh")
    return None


def _require_kept(path: Path, output: Path | None) -> None:
    """Raise UsageError where a checkpoint of 2016, which nothing makes again, would be replaced."""
    if output and atomic_files.are_one_file(path, output):
        with path.open("rb") as file:
            if is_checkpoint_file(file):
                what = "another file than the checkpoint of 2016 to start from"
                raise UsageError(f"expected -o to be {what}, got {output}")


def _pairs(options: TrainOptions, n: int | None, network: TrainedNetwork | None) -> PairTask | None:
    """Return the pairs of --from-file as a task; None without that option."""
    if options.from_file is None:
        return None
    skipped: network_selection.Skipped | None = {} if options.keep_going else None
    task = network_selection.read_task(options, n, options.sequence_pattern, network, skipped)
    for file, errors in (skipped or {}).items():
        if errors:
            print_notice(f"Left out {pluralize(len(errors), 'pair')} of {file}, the first: {errors[0]}")
    if task.vocabularies.are_text and isinstance(options.settings.get("in_len"), int):
        raise UsageError("expected no --in-len: texts have lengths of their own")
    return task


def _fingerprint(task: Task, network: TrainedNetwork, config: TrainConfig) -> DataFingerprint:
    """Return the fingerprint that --resume has to find again."""
    data = task.digest if isinstance(task, PairTask) else None
    return DataFingerprint(data, task.fingerprint(config, network.model_config))


def _warn(task: Task) -> None:
    """Warn about pairs that are valid but probably unintended."""
    for oddity in pair_warnings(task) if isinstance(task, PairTask) else ():
        print_notice(oddity)


def _destination(options: TrainOptions, name: str | None, task: Task) -> resume_notes.Destination:
    """Return where -o or --iter-num wants a training saved.

    Raises:
        WeightsError: -o names a file of another kind, or the iteration that --iter-num is to make exists already.
    """
    folder = options.data_dir
    if options.output is not None:
        atomic_files.require_replaceable(
            options.output, _is_weights, "a new file or one of weights for -o", WeightsError
        )
        return resume_notes.Destination(options.output, overwrite=True, folder=folder)
    if options.iter_num is None:
        return resume_notes.Destination(folder=folder)
    n = options.iter_num + 1
    taken = file_names.iteration_path(folder, name, task.name, n)
    if os.path.lexists(taken):
        raise WeightsError(f"{taken} exists: continue from it with --iter-num {n}, or give -o FILE")
    return resume_notes.Destination(file_names.canonical_path(folder, name, task.name, n), folder=folder)


def _is_weights(file: BinaryIO) -> bool:
    return container.is_container(file.read(container.HEADER_SIZE)) or is_checkpoint_file(file)


def _resumed(options: TrainOptions) -> Start | None:
    """Return the training of the newest snapshot that the options do not contradict.

    Where there is none, and the options say what to train, return None and say so.

    Raises:
        Seq2SeqError: they contradict them all, in a setting or in the data; the message is about the newest.
        WeightsError: there is none, or only those of trainings that run; or there is none, but what -o is to become.
    """
    obstacle: Seq2SeqError | None = None
    for path in file_names.newest_first(options.data_dir, options.name, None, file_names.SNAPSHOT):
        try:
            stopped = _Stopped(options, path, snapshots.load_snapshot(path))
        except WeightsError as error:
            print_notice(f"Skipping {error}")
            continue
        try:
            return stopped.resumed()
        except Seq2SeqError as error:
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
    print_notice(f"No snapshot in {options.data_dir}: starting afresh")
    return None


@dataclass(frozen=True)
class _Stopped:
    """A training that stopped, with its snapshot, and the options of --resume."""

    options: TrainOptions
    path: Path
    snapshot: Snapshot[TrainedNetwork]

    def resumed(self) -> Start:
        """Return the start of the rest; the chief of several workers locks the snapshot: it alone writes it."""
        options, path, network, config = self.options, self.path, self.snapshot.network, self.snapshot.run.config
        network_selection.check_agreement(options, path, network, resume=True)
        if options.record and network.recording is None:
            raise UsageError(f"{path} is of a training that began without --record")
        with contextlib.ExitStack() as until_it_starts:
            lock = None
            if workers.is_chief():
                lock = atomic_files.open_locked(path, "the snapshot of a training that stopped", WeightsError)
                until_it_starts.enter_context(lock)
            task = self._task()
            check_training_fits(network.model_config, config)
            name = options.name or file_names.name_in_name(path)
            destination = self._destination(name, task)
            _warn(task)
            print_notice(f"Resuming {path}, epoch {self.snapshot.progress.epoch + 1}, step {network.step}")
            # Old files lack the fingerprint.
            snapshot = replace(self.snapshot, fingerprint=_fingerprint(task, network, config))
            until_it_starts.pop_all()
            return Start(snapshot, config, task, name, destination, path, lock)

    def _destination(self, name: str | None, task: Task) -> resume_notes.Destination:
        """Return where the options want it saved, or else where its training was begun to be saved."""
        destination = _destination(self.options, name, task)
        if destination.output is not None:
            return destination
        noted = resume_notes.noted(self.path, snapshots.training_id(self.snapshot))
        if noted is None:
            print_notice(
                "Where this training was to be saved is not known here: it gets the next unused name, or -o FILE"
            )
            return destination
        is_there = noted.folder.is_dir() and not atomic_files.are_one_file(noted.folder, destination.folder)
        return noted if is_there else noted._replace(folder=destination.folder)

    def _task(self) -> Task:
        """Return the task of the snapshot, if it is unchanged."""
        network, expected, config = self.snapshot.network, self.snapshot.fingerprint, self.snapshot.run.config
        options, path = self.options, self.path
        if expected.data and not options.from_file:
            raise UsageError(f"{path} was trained on own data ({network.task!r}): expected --from-file again")
        if options.from_file and not expected.data:
            raise UsageError(f"{path} was trained on pattern {network.task!r}: expected no --from-file")
        if expected.data and not network.ends and expected.fingerprint is None:
            of_old = "is of version 0.2, which divided pairs of one length in another way"
            raise UsageError(f"{path} {of_old}: train again, or continue from its weights with -i")
        same = f"{path}: expected the data that its training began with"
        has_others = options.validation_file is not None
        try:
            pairs = _pairs(options, config.n_training if has_others else config.points, network)
        except InputError as error:
            is_fewer = isinstance(error, network_selection.FewerPairsError) and error.found == config.n_training
            had_others = f"{path}: that training also had a --validation-file: name it again"
            raise UsageError(had_others if is_fewer and not has_others else f"{same}: {error}") from error
        if pairs and pairs.digest != expected.data:
            raise UsageError(f"{same}, got other data")
        task = pairs or options.sequence_pattern or network_selection.pattern_of(network)
        if expected.fingerprint not in (None, task.fingerprint(config, network.model_config)):
            raise UsageError(f"{path}: pattern {task.name!r} makes other targets than when its training began")
        return task
