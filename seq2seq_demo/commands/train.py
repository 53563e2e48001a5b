"""`train`: train on random sources or own pairs, from initial weights, a file's or a snapshot's."""

from pathlib import Path
from tempfile import gettempdir

from seq2seq_demo.commands.options import TrainOptions
from seq2seq_demo.commands.start import Start, start_of_training
from seq2seq_demo.display import tensorboard
from seq2seq_demo.display.console import line, notice
from seq2seq_demo.display.history import History
from seq2seq_demo.display.progress import TrainingReport, advice, training_header
from seq2seq_demo.errors import WeightsError
from seq2seq_demo.files import access, canonical
from seq2seq_demo.trained_network import TrainedNetwork
from seq2seq_demo.training import workers
from seq2seq_demo.training.snapshots import Interruption, Snapshots

FEW_POINTS = 100_000  # below that, more of them may help


def train(options: TrainOptions) -> None:
    """Train and save; with several workers, the chief prints and saves."""
    start = start_of_training(options)
    if not workers.is_chief():
        _train_with_the_chief(start)
        return
    path = start.output or canonical.next_unused_path(options.data_dir, start.name, start.task.name)
    access.check_writable(path, "a weights file", WeightsError)
    if start.config.epochs == 0:  # converts a file of 2016, or shows what training starts from
        print(f"Saved {_save(start.network, start, options.data_dir)}")
        return
    network = _train_and_save(start, options)
    exact_match = network.reached.exact_match if network.reached else 0.0
    if exact_match < min(0.99, start.config.stop_at_exact or 1):
        more_points = start.task.digest is None and start.config.points < FEW_POINTS
        notice(advice(network.model_config, start.config, exact_match, more_points))


def _train_and_save(start: Start, options: TrainOptions) -> TrainedNetwork:
    """Train while the screen, the history, TensorBoard and the snapshots follow; return the network."""
    config, task = start.config, start.task
    history = History(options.history, options.history_plot)
    log_dir = options.log_dir or tensorboard.default_log_dir(start.name, task.name)
    if options.log_dir:
        tensorboard.check(log_dir)
    logs = tensorboard.TensorBoard(log_dir, options.tensorboard_verbose)
    training_header(start.network.model_config, config, task.name, options.verbose)
    line(f"Log directory: {log_dir}")
    from seq2seq_demo.training.loop import fit  # loads TensorFlow

    with Interruption() as interruption, TrainingReport(config) as screen, logs:
        snapshots = Snapshots(options.data_dir, task.name, start.destination, interruption, notice, start.snapshot)
        network = fit(task, config, start.network, [screen, history, logs], snapshots)
        line(f"Saved {_save_or_keep(network, start, options.data_dir, snapshots)}")
    return network


def _train_with_the_chief(start: Start) -> None:
    """Do a worker's share; the chief prints and saves."""
    if start.config.epochs > 0:
        from seq2seq_demo.training.loop import fit  # loads TensorFlow

        fit(start.task, start.config, start.network)


def _save_or_keep(network: TrainedNetwork, start: Start, data_dir: Path, snapshots: Snapshots) -> Path:
    """Save a training, which makes its snapshot needless; where that fails, say where else it is kept."""
    try:
        path = _save(network, start, data_dir)
    except WeightsError as error:
        kept = snapshots.path or _save_under_unused_name(network, start, Path(gettempdir()))
        raise WeightsError(f"{error}; the trained network is kept in {kept}") from error
    snapshots.remove()
    return path


def _save(network: TrainedNetwork, start: Start, data_dir: Path) -> Path:
    """Save a training; return where."""
    if start.output is None:
        return _save_under_unused_name(network, start, data_dir)
    network.save(start.output)
    return start.output


def _save_under_unused_name(network: TrainedNetwork, start: Start, folder: Path) -> Path:
    return canonical.save_under_unused_name(network.save, folder, start.name, start.task.name)
