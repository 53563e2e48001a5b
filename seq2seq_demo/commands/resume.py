"""Resumes an interrupted training run from the snapshot beside its result."""

import contextlib
import os
from pathlib import Path

from seq2seq_demo.commands import network_selection
from seq2seq_demo.commands.fresh_start import TrainingSetup, named_result, read_pairs
from seq2seq_demo.commands.options import TrainOptions
from seq2seq_demo.console import print_notice
from seq2seq_demo.data.pair_task import Task
from seq2seq_demo.display.history import History
from seq2seq_demo.errors import InputError, Seq2SeqError, UsageError, WeightsError
from seq2seq_demo.files import atomic_files, file_names
from seq2seq_demo.trained_network import TrainedNetwork, load
from seq2seq_demo.training import members, workers
from seq2seq_demo.training.snapshots import load_snapshot


def resume_training(options: TrainOptions) -> TrainingSetup | Path | None:
    """Return the rest of an interrupted training run, or the path of its result if the run has finished.

    The snapshot is the one beside the result that -o or --iter-num names, else the newest one in --data-dir. Return
    None if there is neither a snapshot nor a result, and the options describe a new training run.

    Raises:
        Seq2SeqError: the options contradict the snapshot or the result, or it cannot be read.
        WeightsError: there is nothing to resume, and the options do not describe a new training run.
    """
    result = named_result(options)
    if result:
        path = file_names.snapshot_path(result)
        found = [path] if os.path.lexists(path) else []
    else:
        found = file_names.newest_first(options.data_dir, options.name, None, file_names.SNAPSHOT)
    if found:
        return _resume(options, found[0])
    if finished := _finished(options, result):
        return finished
    if not (options.settings.get("points") or options.from_file):
        raise WeightsError(f"{path if result else options.data_dir}: expected a snapshot to resume from, found none")
    return None


def _finished(options: TrainOptions, result: Path | None) -> Path | None:
    """Return the path of the result of the training run that the options describe; None if it has none.

    If `result` is None, the result may be any file in --data-dir with the names of the run and its task.

    Raises:
        Seq2SeqError: `result` exists and belongs to another training run.
    """
    if result:
        if not os.path.lexists(result):
            return None
        _check_result(options, result)
        return result
    is_new = options.pattern or options.from_file or options.settings.get("points")
    task = network_selection.task_of_file_name(options, options.from_file) if is_new else None
    for path in file_names.newest_first(options.data_dir, options.name, task):
        with contextlib.suppress(Seq2SeqError):
            _check_result(options, path)
            return path
    return None


def _check_result(options: TrainOptions, path: Path) -> None:
    """Raise Seq2SeqError unless the file is the result of the training run that the options describe."""
    network = load(path)
    try:
        if network.trained is None:
            raise WeightsError(f"{path} records no training run")
        if options.record and not file_names.recording_path(path).exists():
            raise WeightsError(f"{path} has no recording")
        network_selection.check_options_match(options, path, network, resume=True)
        _task_of_run(options, path, network)
    except Seq2SeqError as error:
        continued = "" if network.members else f", or to continue from it with -i {path}"
        error.args = (f"{error}; leave out --resume to train again{continued}",)
        raise


def _resume(options: TrainOptions, path: Path) -> TrainingSetup | Path:
    """Set up the rest of an interrupted run, or return the path of its result if it has been saved.

    Of several workers, only the chief locks and writes the snapshot.
    """
    with contextlib.ExitStack() as unlock_on_error:
        lock = None
        if workers.is_chief():
            lock = atomic_files.open_locked(path, "the snapshot of an interrupted training run", WeightsError)
            unlock_on_error.enter_context(lock)
        snapshot, result = load_snapshot(path), file_names.result_path(path)
        network = snapshot.network
        network_selection.check_options_match(options, path, network, resume=True)
        if options.record and network.recording is None:
            raise UsageError(f"expected no --record, because {path} has no recording of the training so far")
        task = _task_of_run(options, path, network)
        if _is_saved(network, result):
            History(options.history, options.history_plot, options.force).write(snapshot.progress.history)
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            if snapshot.run.config.members > 1:
                members.remove(file_names.members_folder(result))
            return result
        at = f"epoch {snapshot.progress.epoch + 1}, step {network.step}"
        if (n := snapshot.run.config.members) > 1:
            finished = [*file_names.members_folder(result).glob("member_*.h5")]
            at = f"{len(finished)} of {n} members are trained"
        print_notice(f"Resuming {path}, {at}")
        unlock_on_error.pop_all()
        name = options.name or file_names.parse_name(path)
        return TrainingSetup(snapshot, snapshot.run.config, task, name, result, lock)


def _is_saved(network: TrainedNetwork, result: Path) -> bool:
    """Whether a kill, or a directory that cannot be written to, left the snapshot of a run that has been saved."""
    if not os.path.lexists(result) or (network.recording and not file_names.recording_path(result).exists()):
        return False
    with contextlib.suppress(WeightsError):
        return load(result).trained == network.trained
    return False


def _task_of_run(options: TrainOptions, path: Path, network: TrainedNetwork) -> Task:
    """Return the task of the training run of a snapshot or result.

    Raises:
        UsageError: the options do not name the data that the training began with, or the pattern has changed.
    """
    assert network.trained
    config, fingerprint = network.trained.config, network.trained.fingerprint
    if fingerprint.data and not options.from_file:
        raise UsageError(f"{path} was trained on pairs ({network.task!r}): expected --from-file again, got none")
    if options.from_file and not fingerprint.data:
        raise UsageError(f"{path} was trained on pattern {network.task!r}: expected no --from-file")
    is_split_otherwise = fingerprint.data and network.trained.validated_by_content is None
    if fingerprint.fingerprint is None or is_split_otherwise:
        written = f"{path} was written by an earlier version"
        raise UsageError(f"{written}: finish the run there, or continue from its weights with -i {path}")
    expected = f"{path}: expected the data that its training began with, its --validation-file included"
    try:
        pairs = read_pairs(options, config.points - (config.n_validation if options.validation_file else 0), network)
    except InputError as error:
        raise UsageError(f"{expected}: {error}") from error
    if pairs and pairs.digest != fingerprint.data:
        raise UsageError(f"{expected}, got other data")
    task = pairs or options.pattern_task or network_selection.pattern_to_train(network)
    if fingerprint.fingerprint != task.fingerprint(config, network.model_config):
        raise UsageError(f"{path}: pattern {task.name!r} no longer makes the targets that this training run began with")
    return task
