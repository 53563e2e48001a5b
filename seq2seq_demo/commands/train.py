"""`train`: train on random sources or own pairs, from initial weights, a file's or a snapshot's."""

import contextlib
import shlex
from collections.abc import Sequence
from pathlib import Path

from seq2seq_demo.commands.options import TrainOptions
from seq2seq_demo.commands.training_setup import Start, start_of_training
from seq2seq_demo.data.pattern_task import SequencePattern
from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.display import tensorboard, training_report
from seq2seq_demo.display.console import print_line, print_notice, print_result
from seq2seq_demo.display.history import History
from seq2seq_demo.errors import Interrupted, WeightsError
from seq2seq_demo.figures import EpochFigures
from seq2seq_demo.files import atomic_files, file_names, recording, resume_notes
from seq2seq_demo.trained_network import TrainedNetwork
from seq2seq_demo.training import workers
from seq2seq_demo.training.early_stopping import best_epoch, should_stop_early
from seq2seq_demo.training.processes import check_processes, process_group
from seq2seq_demo.training.snapshots import SignalHandler, Snapshots, training_id

FEW_POINTS = 100_000  # below that, more of them may help


def train(options: TrainOptions) -> None:
    """Train and save; with several workers, the chief prints and saves."""
    start = start_of_training(options)
    with start.lock or contextlib.nullcontext():
        _train(start, options)


def _train(start: Start, options: TrainOptions) -> None:
    check_processes(start.config)
    if exposure := workers.open_port_warning():
        print_notice(exposure)
    if not workers.is_chief():  # it does its share; the chief prints and saves
        if start.config.epochs > 0:
            from seq2seq_demo.training.trainer import fit  # loads TensorFlow

            fit(start.task, start.config, start.snapshot)
        return
    output, overwrite, folder = start.destination
    path = output or file_names.next_unused_path(folder, start.name, start.task.name)
    atomic_files.check_writable(path, "a weights file", WeightsError)
    if start.network.recording:
        recording.check_destination(file_names.recording_path(path), overwrite)
    if start.config.epochs == 0:  # converts a file of 2016, or shows what training starts from
        print_result(f"Saved {_save(start.network, start)}")
        return
    network, epochs = _train_and_save(start, options)
    exact_match = network.reached.exact_match if network.reached else 0.0
    if exact_match < min(0.99, start.config.stop_at_exact or 1):
        more_points = isinstance(start.task, SequencePattern) and start.config.points < FEW_POINTS
        print_notice(training_report.advice(network.model_config, start.config, exact_match, more_points, epochs))


def _train_and_save(start: Start, options: TrainOptions) -> tuple[TrainedNetwork, Sequence[EpochFigures]]:
    """Train while the screen, the history, TensorBoard and the snapshots follow; return the network, and its epochs."""
    config, task = start.config, start.task
    history = History(options.history, options.history_plot)
    log_dir = options.log_dir or tensorboard.default_log_dir(start.name, task.name)
    if options.log_dir:
        tensorboard.check(log_dir)
    logs = tensorboard.TensorBoard(log_dir, options.tensorboard_verbose)
    training_report.training_header(start.network.model_config, config, task, options.verbose)
    print_line(f"Log directory: {log_dir}")
    with (
        SignalHandler() as interruption,
        training_report.TrainingReport(config) as screen,
        logs,
        _snapshots(start, options, interruption) as snapshots,
        process_group(config) as attach_processes,
    ):
        if start.path is None:
            snapshots.save(start.snapshot)  # before the seconds that TensorFlow takes to load
        from seq2seq_demo.training.trainer import fit

        network = fit(task, config, start.snapshot, [screen, history, logs], snapshots, attach_processes)
        path = _save_or_keep(network, start, snapshots)
        print_line(f"Saved {path}")
        if network.recording:
            print_line(f"Recorded {len(network.recording.steps)} steps in {file_names.recording_path(path)}")
        epochs = screen.history
        if should_stop_early(epochs, config) and len(epochs) < config.epochs:
            best = best_epoch(epochs).epoch
            print_notice(f"Stopped by --patience {config.patience}: no epoch was better than epoch {best}")
        if config.keep_best and epochs and best_epoch(epochs) is not epochs[-1]:
            print_notice(f"That is the network of epoch {best_epoch(epochs).epoch}, whose exact match was best")
    if interruption.signum:
        raise Interrupted("interrupted when the training was over", interruption.signum)
    return network, epochs


def _snapshots(start: Start, options: TrainOptions, interruption: SignalHandler) -> Snapshots:
    """Return what keeps the training; its message says which options --resume needs again."""
    task, fingerprint, destination = start.task.name, start.snapshot.fingerprint, start.destination
    again: dict[str, object] = {"-n": start.name, "-p": options.pattern or (task if task in PATTERNS else None)}
    again |= {"--from-file": options.from_file, "--validation-file": options.validation_file}
    again |= {"--format": options.format, "--history": options.history, "--history-plot": options.history_plot}
    again |= {"--log-dir": options.log_dir}
    words = [f" {name} {shlex.quote(str(value))}" for name, value in again.items() if value]
    words += [" --keep-going"] if options.keep_going else []
    snapshots = Snapshots(
        options.data_dir, start.name, task, fingerprint, destination, interruption, print_notice, "".join(words)
    )
    if start.path and start.lock:
        snapshots.last, snapshots.files[start.path] = start.path, start.lock
        resume_notes.save_destination(start.path, training_id(start.snapshot), destination)  # it may be another now
    return snapshots


def _save_or_keep(network: TrainedNetwork, start: Start, snapshots: Snapshots) -> Path:
    """Save a training, which makes its snapshot needless; where that fails, say where else it is kept."""
    try:
        path = _save(network, start)
    except (WeightsError, OSError) as error:
        kept = snapshots.keep(network)
        where = f"the trained network is kept in {kept}" if kept else "nor could it be kept anywhere else"
        raise WeightsError(f"{error}; {where}") from error
    snapshots.remove()
    return path


def _save(network: TrainedNetwork, start: Start) -> Path:
    """Save a training; return where."""
    output, overwrite, folder = start.destination
    if output is not None:
        try:
            network.save(output, overwrite)
            return output
        except FileExistsError:
            print_notice(f"{output} was made by another training meanwhile: saving under the next unused name")
    return file_names.save_under_unused_name(network.save, folder, start.name, start.task.name)
