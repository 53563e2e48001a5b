"""`train`: train a network on random sources or on the user's pairs, and save it."""

import contextlib
import functools
import os
import shlex
import tempfile
from pathlib import Path
from typing import BinaryIO

from seq2seq_demo.commands import training_setup
from seq2seq_demo.commands.options import TrainOptions
from seq2seq_demo.commands.training_setup import FinishedRun, InterruptedRun, TrainingSetup
from seq2seq_demo.console import notice, print_line, print_result
from seq2seq_demo.errors import WeightsError, require_tensorflow
from seq2seq_demo.files import atomic_files, file_names
from seq2seq_demo.trained import weights_file
from seq2seq_demo.trained.trained_network import TrainedNetwork
from seq2seq_demo.training import report, workers
from seq2seq_demo.training.callbacks import Callback
from seq2seq_demo.training.run_files import HistoryFiles, TensorBoard
from seq2seq_demo.training.snapshots import SignalHandler, Snapshots, write_snapshot


def train(options: TrainOptions) -> None:
    """Train and save a network, unless --resume finds that it is already saved.

    With several workers, only the chief prints and saves.
    """
    match training_setup.find_run(options):
        case FinishedRun(result):
            print_result(f"{result} is already saved: nothing to resume")
        case InterruptedRun(snapshot):
            kind = "the snapshot of an interrupted training run"
            with atomic_files.open_locked(snapshot, kind) if workers.is_chief() else contextlib.nullcontext():
                _train(training_setup.resumed_training(options, snapshot), options)
        case None:
            setup = training_setup.new_training(options)
            if options.resume:
                notice("Found no snapshot to resume: starting a new training run")
            if options.settings.get("epochs") != 0:
                _train(setup, options)
            elif workers.is_chief():
                print_result(f"Saved {_save_untrained(setup, options)}")


def _save_untrained(setup: TrainingSetup, options: TrainOptions) -> Path:
    """Save the initial weights or the weights given by -i, and return the path."""
    network = setup.snapshot.network
    if options.no_optimizer:
        network = network.without_optimizer()
    if setup.result is None:
        path, _ = file_names.save_under_unused_name(network.save, options.data_dir, options.name, setup.task.name)
        return path
    weights_file.write(network, setup.result, overwrite=True, force=options.force)
    return setup.result


def _train(setup: TrainingSetup, options: TrainOptions) -> None:
    """Train with a report, a history, TensorBoard logs and snapshots, and save the network.

    A worker that is not the chief only trains.
    """
    require_tensorflow()
    if not workers.is_single():
        notice(workers.OPEN_PORT)
    if not workers.is_chief():
        from seq2seq_demo.training.trainer import fit  # loads TensorFlow

        fit(setup.task, setup.snapshot)
        return
    config, task, start = setup.snapshot.run.config, setup.task, setup.snapshot.network
    log_dir, verbose = _log_dir(options), not options.quiet
    callbacks: list[Callback] = [HistoryFiles(options.history, options.history_plot, options.force)]
    if log_dir:
        callbacks.append(TensorBoard(log_dir))
    with SignalHandler() as signals:
        result, file = _claim(setup, options)  # before loading TensorFlow, which takes seconds
        with Snapshots(result, _resume_command(options, result), signals, file) as snapshots:
            if verbose:
                report.training_header(start.model_config, config, task, options.verbose)
                if log_dir:
                    print_line(f"Log directory: {log_dir}")
            from seq2seq_demo.training.trainer import fit

            with report.TrainingReport(config, verbose) as shown:
                network = fit(task, setup.snapshot, [shown, *callbacks], snapshots)
            _save(network, options, snapshots)
        use = shlex.join(["seq2seq-demo", "predict", "-i", str(result)])
        for text in (*report.outcome_notices(network, task, start.calibration), f"To use the network: {use}"):
            notice(text)
        print_line(f"Saved {result}{report.summary(network)}")


def _log_dir(options: TrainOptions) -> Path | None:
    """Make the --log-dir directory, or a temporary one if only --tensorboard-verbose is given, and return its path."""
    if options.log_dir:
        options.log_dir.mkdir(parents=True, exist_ok=True)
    elif options.tensorboard_verbose is not None:
        return Path(tempfile.mkdtemp(prefix="seq2seq_demo_logs-"))
    return options.log_dir


def _resume_command(options: TrainOptions, result: Path) -> str:
    """Return the command as typed, plus --resume and, if the program chose the name of the result, -o."""
    resume = [] if options.resume else ["--resume"]
    output = ["-o", str(result)] if options.output is None and options.iter_num is None else []
    return shlex.join(["seq2seq-demo", "train", *options.typed, *resume, *output])


def _claim(setup: TrainingSetup, options: TrainOptions) -> tuple[Path, BinaryIO | None]:
    """Reserve the names of the result and its snapshot for a new run by writing the first snapshot.

    Return the path of the result, and the snapshot, which is locked; None for a run that is resumed.

    Raises:
        WeightsError: another run, which may be active, has a snapshot there, or the snapshot could not be written.
    """
    result, claim = setup.result, functools.partial(write_snapshot, setup.snapshot)
    if result is None:
        return file_names.save_under_unused_name(claim, options.data_dir, options.name, setup.task.name)
    if not setup.is_new:
        atomic_files.check_writable(result, "a weights file", WeightsError)
        return result, None
    path = file_names.snapshot_path(result)
    is_replaced = options.force and os.path.lexists(path)
    try:
        with atomic_files.open_locked(path, "no snapshot") if is_replaced else contextlib.nullcontext():
            return result, claim(result, options.force)  # an active run would have locked the snapshot
    except FileExistsError as error:
        atomic_files.open_locked(path, "no snapshot").close()
        hint = "--resume continues that training run, and --force starts over"
        raise WeightsError(f"{path} already exists: {hint}") from error


def _save(network: TrainedNetwork, options: TrainOptions, snapshots: Snapshots) -> None:
    """Save the network, and remove its snapshot.

    Raises:
        WeightsError: saving failed; the message names the snapshot.
    """
    if options.no_optimizer:
        network = network.without_optimizer()
    try:
        weights_file.write(network, snapshots.result, overwrite=True, force=options.force)
    except WeightsError as error:
        raise WeightsError(f"{error}; {snapshots.how_to_resume()}") from error
    snapshots.remove()
