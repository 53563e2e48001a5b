"""The figures and the calibration of a network on the validation pairs."""

from dataclasses import replace

from seq2seq_demo.calibration import fit_calibration
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.data.tasks import Task
from seq2seq_demo.evaluation import EvaluationOptions, measure
from seq2seq_demo.figures import Figures
from seq2seq_demo.trained_network import TrainedNetwork


def validation_figures(task: Task, network: TrainedNetwork, validation: Pairs) -> Figures:
    """Measure the network on the validation pairs. In a user's pairs, targets of one source are alternatives."""
    options = EvaluationOptions(network.max_out_len, alternatives=isinstance(task, PairTask))
    return measure(network.to_numpy(), validation, options).figures


def calibrated(network: TrainedNetwork, validation: Pairs) -> TrainedNetwork:
    """Return the network with a calibration that is fitted to its answers to the validation sources."""
    options = EvaluationOptions(network.max_out_len, detailed=True, alternatives=True)
    return replace(network, calibration=fit_calibration(measure(network.to_numpy(), validation, options).answers))
