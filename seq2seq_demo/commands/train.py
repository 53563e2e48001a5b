"""`train`: train a network on random sources or on the user's pairs, and save it."""

import contextlib
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from seq2seq_demo.commands.options import TrainOptions
from seq2seq_demo.commands.training_setup import TrainingSetup, set_up_training
from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.display import tensorboard, training_report
from seq2seq_demo.display.console import pluralize, print_line, print_notice, print_result
from seq2seq_demo.display.history import History
from seq2seq_demo.errors import Interrupted, WeightsError
from seq2seq_demo.figures import EpochFigures
from seq2seq_demo.files import atomic_files, file_names, recording, resume_notes, weights_file
from seq2seq_demo.trained_network import TrainedNetwork
from seq2seq_demo.training import advice, workers
from seq2seq_demo.training.early_stopping import best_epoch, reached_goal, should_stop_early
from seq2seq_demo.training.processes import check_processes, process_group, would_pay
from seq2seq_demo.training.snapshots import SignalHandler, Snapshots, training_id

LONG_TRAINING = 120  # seconds


def train(options: TrainOptions) -> None:
    """Train and save a network, unless --resume finds that this run is already saved.

    Of several workers, only the chief prints and saves.
    """
    setup = set_up_training(options)
    with setup.lock or contextlib.nullcontext():
        if setup.finished:
            print_result(f"{setup.finished} already contains the result of this training run")
            with contextlib.suppress(OSError):
                if setup.path:  # a snapshot that a kill left behind
                    setup.path.unlink()
                    resume_notes.delete_destination(setup.path)
            return
        check_processes(setup.config)
        if exposure := workers.open_port_warning():
            print_notice(exposure)
        if workers.is_chief():
            with _checked_destination(setup, options):
                _train(setup, options)
        elif setup.config.epochs > 0:
            from seq2seq_demo.training.trainer import fit  # loads TensorFlow

            fit(setup.task, setup.config, setup.snapshot)


def _checked_destination(setup: TrainingSetup, options: TrainOptions) -> contextlib.AbstractContextManager[None]:
    """Check that the result can be saved; return a context that reserves the file of -o."""
    output, overwrite, folder = setup.destination
    path = output or file_names.next_unused_path(folder, setup.name, setup.task.name)
    atomic_files.check_writable(path, "a weights file", WeightsError)
    if setup.network.recording:
        recording.check_destination(file_names.recording_path(path), overwrite, options.force)
    return atomic_files.reserved(path, "a weights file", WeightsError) if overwrite else contextlib.nullcontext()


def _train(setup: TrainingSetup, options: TrainOptions) -> None:
    if setup.config.epochs == 0:  # saves the initial weights, or converts a 2016 file
        print_result(f"Saved {_save(setup.network, setup, options)}")
        return
    began = time.monotonic()
    network, epochs = _train_and_save(setup, options)
    if time.monotonic() - began > LONG_TRAINING and would_pay(setup.network.model_config, setup.config):
        print_notice("With --processes 2, training on two cores is faster")
    exact_match = network.reached.exact_match if network.reached else 0.0
    if exact_match < min(0.99, setup.config.stop_at_exact or 1):
        suggestions = [changes for _, changes in advice.suggestions(network, setup.task, setup.config, epochs)]
        if text := training_report.advice(suggestions, exact_match, has_budget=setup.clock.minutes is not None):
            print_notice(text)


def _train_and_save(setup: TrainingSetup, options: TrainOptions) -> tuple[TrainedNetwork, Sequence[EpochFigures]]:
    """Train with a report, the history, TensorBoard logs and snapshots; return the saved network and its history."""
    config, task = setup.config, setup.task
    history = History(options.history, options.history_plot, options.force)
    log_dir = options.log_dir or tensorboard.default_log_dir(setup.name, task.name)
    if options.log_dir:
        tensorboard.check(log_dir)
    logs = tensorboard.TensorBoard(log_dir, options.tensorboard_verbose)
    training_report.training_header(setup.network.model_config, config, task, options.verbose)
    print_line(f"Log directory: {log_dir}")
    with (
        SignalHandler() as interruption,
        training_report.TrainingReport(config) as report,
        logs,
        _snapshots(setup, options, interruption) as snapshots,
        process_group(config) as attach_processes,
    ):
        if setup.path is None:
            snapshots.save(setup.snapshot)  # before TensorFlow loads, which takes seconds
        from seq2seq_demo.training.trainer import fit

        callbacks = [report, history, logs]
        network = fit(task, config, setup.snapshot, callbacks, snapshots, attach_processes, setup.clock.has_time_for)
        path = _save_or_keep(network, setup, options, snapshots)
        print_line(f"Saved {path}")
        if network.recording:
            recorded = pluralize(len(network.recording.steps), "step")
            print_line(f"Recorded {recorded} in {file_names.recording_path(path)}")
        epochs = report.history
        if network.members and network.reached:
            figures = f"validation loss {network.reached.loss:.4f}, exact match {network.reached.exact_match:.4f}"
            print_line(f"Ensemble of {len(network.networks)} networks: {figures}")
        elif should_stop_early(epochs, config) and len(epochs) < config.epochs:
            best = best_epoch(epochs).epoch
            print_notice(f"Stopped early (--patience {config.patience}): no later epoch was better than epoch {best}")
        elif setup.clock.minutes and len(epochs) < config.epochs and not reached_goal(epochs, config):
            print_notice(f"Stopped after epoch {len(epochs)}, because another one would exceed the budget")
        if epochs and not network.members and network.step < epochs[-1].step:
            print_notice(f"The saved network is from epoch {best_epoch(epochs).epoch}, the best one")
    if interruption.signum:
        raise Interrupted("interrupted after the end of the training", interruption.signum)
    return network, epochs


def _snapshots(setup: TrainingSetup, options: TrainOptions, interruption: SignalHandler) -> Snapshots:
    """Return the writer of this run's snapshots, with the options that --resume needs again."""
    task, destination = setup.task.name, setup.destination
    again: dict[str, object] = {"-n": setup.name, "-p": options.pattern or (task if task in PATTERNS else None)}
    again |= {"--from-file": options.from_file, "--validation-file": options.validation_file}
    again |= {"-o": destination.output if destination.overwrite else None}
    again |= {"--format": options.format, "--history": options.history, "--history-plot": options.history_plot}
    again |= {"--columns": options.columns, "--header": options.header, "--log-dir": options.log_dir}
    words = [f" {name} {shlex.quote(str(value))}" for name, value in again.items() if value]
    keep_going = {None: "", "some": " --keep-going", "all": " --keep-going all"}[options.keep_going]
    words += [keep_going, " --no-optimizer" * options.no_optimizer, " --force" * options.force]
    snapshots = Snapshots(options.data_dir, setup.name, task, destination, interruption, print_notice, "".join(words))
    if setup.path and setup.lock:
        snapshots.last, snapshots.files[setup.path] = setup.path, setup.lock
        resume_notes.save_destination(setup.path, training_id(setup.network), destination)  # -o may be new
    return snapshots


def _save_or_keep(network: TrainedNetwork, setup: TrainingSetup, options: TrainOptions, snapshots: Snapshots) -> Path:
    """Save the network and remove its snapshot; if saving fails, keep the network in the snapshot.

    Raises:
        WeightsError: saving failed; the message names the file that keeps the network.
    """
    try:
        path = _save(network, setup, options)
    except (WeightsError, OSError) as error:
        kept = snapshots.keep(network)
        outcome = f"the trained network is kept in {kept}" if kept else "the trained network could not be kept anywhere"
        raise WeightsError(f"{error}; {outcome}") from error
    snapshots.remove()
    return path


def _save(network: TrainedNetwork, setup: TrainingSetup, options: TrainOptions) -> Path:
    """Save the network at its destination, or under the next unused name; return the path.

    If another file is at the destination now, save beside this file under an unused name, and print a notice.
    """
    output, overwrite, folder = setup.destination
    if options.no_optimizer:
        network = network.without_optimizer()
    if output is None:
        return file_names.save_under_unused_name(network.save, folder, setup.name, setup.task.name)
    try:
        weights_file.write(network, output, overwrite, options.force)
        return output
    except (FileExistsError, WeightsError) as error:
        is_taken = isinstance(error, FileExistsError)
        problem = WeightsError(f"Another training run has written {output} meanwhile") if is_taken else error
        try:
            path = file_names.save_under_unused_name(network.save, output.parent, setup.name, setup.task.name)
        except WeightsError:  # for example, the disk is full
            raise problem from error
        print_notice(f"{problem}; saved in {path} instead")
        return path
