"""The metrics of a network on the pairs that are held out for validation."""

from dataclasses import replace

from seq2seq_demo.data.pair_task import Task
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.trained.counts import count_answers
from seq2seq_demo.trained.metrics import Figures, calibrate
from seq2seq_demo.trained.trained_network import TrainedNetwork


def validation_metrics(task: Task, network: TrainedNetwork, validation: Pairs) -> Figures:
    """Measure the network on the validation pairs. In a user's pairs, the targets of one source are alternatives."""
    return count_answers(network.to_numpy(), network, validation, alternatives=task.is_pairs).figures


def calibrated(network: TrainedNetwork, validation: Pairs) -> TrainedNetwork:
    """Return the network with a calibration fitted on the validation pairs, and its error.

    An ensemble also gets its metrics on these pairs.
    """
    counts = count_answers(network.to_numpy(), network, validation, alternatives=True, detailed=True)
    metrics = counts.figures if network.others else network.validation
    return replace(network, validation=metrics, n_validated=counts.n, calibration=calibrate(counts.answers))
