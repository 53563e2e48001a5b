"""`train`: train a network on random sources or on the user's pairs, and save it."""

import contextlib
import functools
import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from seq2seq_demo.commands.fresh_start import TrainingSetup, new_training
from seq2seq_demo.commands.options import TrainOptions
from seq2seq_demo.commands.resume import resume_training
from seq2seq_demo.console import pluralize, print_line, print_notice, print_result
from seq2seq_demo.data.pair_task import PairTask, pair_warnings
from seq2seq_demo.display import tensorboard, training_report
from seq2seq_demo.display.history import History
from seq2seq_demo.errors import Interrupted, TrainingError, WeightsError, require_tensorflow
from seq2seq_demo.files import atomic_files, file_names, recording, weights_file
from seq2seq_demo.trained_network import TrainedNetwork
from seq2seq_demo.training import members, workers
from seq2seq_demo.training.results import best_epoch, combined, stop_reason
from seq2seq_demo.training.snapshots import SignalHandler, Snapshots

SETTINGS_GUIDE = "https://github.com/seq2seq-demo/seq2seq-demo/blob/main/seq2seq_demo/docs/TRAINING.md#settings"


def train(options: TrainOptions) -> None:
    """Train and save a network, unless --resume finds that this run is already saved.

    Of several workers, only the chief prints and saves.
    """
    setup = resume_training(options) if options.resume else None
    if isinstance(setup, Path):
        print_result(f"{setup} already contains the result of this training run")
        return
    if setup is None:
        setup = new_training(options)
        if options.resume:
            print_notice("Found no snapshot to resume: starting a new training run")
    with setup.lock or contextlib.nullcontext():
        for warning in pair_warnings(setup.task) if isinstance(setup.task, PairTask) else ():
            print_notice(warning)
        if setup.config.epochs > 0:
            require_tensorflow()
        if exposure := workers.open_port_warning():
            print_notice(exposure)
        if workers.is_chief():
            _train(setup, options)
        elif setup.config.epochs > 0:
            from seq2seq_demo.training.trainer import fit  # loads TensorFlow

            fit(setup.task, setup.config, setup.snapshot)


def _train(setup: TrainingSetup, options: TrainOptions) -> None:
    path = setup.result or file_names.next_unused_path(options.data_dir, setup.name, setup.task.name)
    atomic_files.check_writable(path, "a weights file", WeightsError)
    if setup.network.recording:
        recording.check_destination(file_names.recording_path(path), options.output is not None, options.force)
    if setup.config.epochs == 0:  # saves the initial weights, or converts a 2016 file
        print_result(f"Saved {_save(setup.network, setup, setup.result, options)}")
        return
    network = _train_and_save(setup, options)
    exact_match = network.reached.exact_match if network.reached else 0.0
    if exact_match < min(0.99, setup.config.stop_at_exact or 1):
        print_notice(f"Exact match {exact_match:.4f} is below 0.99: {SETTINGS_GUIDE} lists what to change")


def _train_and_save(setup: TrainingSetup, options: TrainOptions) -> TrainedNetwork:
    """Train with a report, the history, TensorBoard logs and snapshots; return the saved network."""
    config, task = setup.config, setup.task
    history = _history(options)
    jobs = members.check_jobs(options.jobs, config)
    log_dir = options.log_dir or tensorboard.default_log_dir(setup.name, task.name)
    if options.log_dir:
        tensorboard.check(log_dir)
    logs = tensorboard.TensorBoard(log_dir, options.tensorboard_verbose)
    with (
        SignalHandler() as interruption,
        logs,
        Snapshots(Path(), _options_to_repeat(options), interruption, print_notice) as snapshots,
    ):
        _claim(snapshots, setup, options)  # before TensorFlow loads, which takes seconds
        training_report.training_header(setup.network.model_config, config, task, options.verbose)
        print_line(f"Log directory: {log_dir}")
        if config.members > 1:
            network = _train_members(setup, options, jobs, log_dir, snapshots)
        else:
            from seq2seq_demo.training.trainer import fit

            with training_report.TrainingReport(config) as report:
                network = fit(task, config, setup.snapshot, [report, history, logs], snapshots, setup.began)
            history.write(network.history)  # the run may have been interrupted after its last epoch
        path = _save_or_keep(network, setup, options, snapshots)
        print_line(f"Saved {path}")
        if network.recording:
            recorded = pluralize(len(network.recording.steps), "step")
            print_line(f"Recorded {recorded} in {file_names.recording_path(path)}")
        epochs = network.history
        if network.members and network.reached:
            figures = f"validation loss {network.reached.loss:.4f}, exact match {network.reached.exact_match:.4f}"
            print_line(f"Ensemble of {len(network.networks)} networks: {figures}")
        elif reason := stop_reason(config, epochs):
            print_notice(reason)
        if network.calibration_error is not None:
            print_notice(f"Calibration error {network.calibration_error:.4f} on the validation pairs (cross-validated)")
        if epochs and not network.members and network.step < epochs[-1].step:
            print_notice(f"The saved network is from epoch {best_epoch(epochs).epoch}, the best one")
    if interruption.signum:
        raise Interrupted("interrupted after the end of the training", interruption.signum)
    return network


def _history(options: TrainOptions, number: int = 1) -> History:
    """Return the history of a member; the second one has `a.2.json` for `a.json`."""
    path, plot = options.history, options.history_plot
    if number > 1:
        path, plot = (each and file_names.member_path(each, number) for each in (path, plot))
    return History(path, plot, options.force)


def _train_members(
    setup: TrainingSetup, options: TrainOptions, jobs: int, log_dir: Path, snapshots: Snapshots
) -> TrainedNetwork:
    """Train the members of an ensemble in a folder beside the result, and combine them.

    Raises:
        WeightsError: the folder has members of another training run, or cannot be made.
        TrainingError: a member failed or was killed; the others have stopped.
        Interrupted: a signal arrived; all members have stopped.
    """
    histories = [_history(options, number + 1) for number in range(setup.config.members)]
    folder, run = file_names.members_folder(snapshots.result), []
    if options.force and not setup.lock:
        members.remove(folder)
    try:
        folder.mkdir(exist_ok=True)
        if not (setup.lock or options.force) and any(folder.iterdir()):
            raise WeightsError(
                f"{folder}: expected no members of another training run, found some: --force replaces them"
            )
    except OSError as error:
        raise WeightsError(f"{folder}: expected a folder for the members, got: {error.strerror}") from error
    for member in members.members_of(setup.task, setup.config, setup.network, jobs):
        name = f"member_{member.number}"
        logs = tensorboard.TensorBoard(log_dir / name, options.tensorboard_verbose)
        run.append(replace(member, path=folder / f"{name}.h5", logs=logs))
    with training_report.MembersReport(setup.config) as report:

        def show(number: int, event: str, value: Any) -> None:
            report(number, event, value)
            if event in ("epoch", "network"):
                histories[number - 1].write(value if event == "epoch" else value.history)

        try:
            return combined(members.train_side_by_side(run, jobs, show, snapshots.signals), setup.task)
        except (Interrupted, TrainingError) as error:
            error.args = (f"{error}; {snapshots.how_to_resume()}",)
            raise


def _options_to_repeat(options: TrainOptions) -> str:
    """Return the words that the user typed, without -o and --resume, with which the command to resume begins."""
    words = [word for word in options.typed if word != "--resume"]
    if "-o" in words:
        place = words.index("-o")
        del words[place : place + 2]
    return shlex.join(words)


def _claim(snapshots: Snapshots, setup: TrainingSetup, options: TrainOptions) -> None:
    """Reserve the result and its snapshot for this run, by writing the first snapshot if the run is new.

    Raises:
        WeightsError: another run has left or is writing a snapshot there, or the snapshot could not be written.
    """
    claim = functools.partial(snapshots.claim, setup.snapshot)
    if setup.result is None:
        file_names.save_under_unused_name(claim, options.data_dir, setup.name, setup.task.name)
        return
    snapshots.result = setup.result
    if setup.lock:
        snapshots.file = setup.lock
        return
    if options.force and os.path.lexists(snapshots.path):  # an active run still has it locked
        snapshots.file = atomic_files.open_locked(snapshots.path, "no snapshot", WeightsError)
    try:
        claim(setup.result, options.force)
    except FileExistsError as error:
        atomic_files.open_locked(snapshots.path, "no snapshot", WeightsError).close()
        hint = "--resume continues that training run, and --force starts again"
        raise WeightsError(f"{snapshots.path}: expected no snapshot, found one: {hint}") from error


def _save_or_keep(network: TrainedNetwork, setup: TrainingSetup, options: TrainOptions, snapshots: Snapshots) -> Path:
    """Save the network and remove its snapshot.

    Raises:
        WeightsError: saving failed; the message names the snapshot, which keeps the training.
    """
    try:
        path = _save(network, setup, snapshots.result, options)
    except (WeightsError, OSError) as error:
        raise WeightsError(f"{error}; {snapshots.how_to_resume()}") from error
    snapshots.remove()
    if network.members:
        members.remove(file_names.members_folder(snapshots.result))
    return path


def _save(network: TrainedNetwork, setup: TrainingSetup, result: Path | None, options: TrainOptions) -> Path:
    """Save the network as `result` or, if that is None, under the next unused name; return the path.

    Raises:
        WeightsError: the file could not be written, or a file is there that must not be replaced.
    """
    if options.no_optimizer:
        network = network.without_optimizer()
    if result is None:
        return file_names.save_under_unused_name(network.save, options.data_dir, setup.name, setup.task.name)
    try:
        weights_file.write(network, result, options.output is not None, options.force)
    except FileExistsError as error:
        raise WeightsError(f"{result}: expected an unused name, found a file") from error
    return result
