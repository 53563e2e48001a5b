"""The figures of a network on the validation pairs, and the temperature of its confidences."""

from dataclasses import replace

from seq2seq_demo.calibration import fit_temperature
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.data.tasks import Task
from seq2seq_demo.evaluation import EvaluationOptions, measure
from seq2seq_demo.figures import Figures
from seq2seq_demo.trained_network import TrainedNetwork


def validation_figures(task: Task, network: TrainedNetwork, validation: Pairs) -> Figures:
    """Measure the network on the validation pairs. In a user's pairs, the targets of one source are alternatives."""
    options = EvaluationOptions(network.max_out_len, alternatives=isinstance(task, PairTask))
    return measure(network.to_numpy(), validation, options).figures


def calibrated(network: TrainedNetwork, validation: Pairs) -> TrainedNetwork:
    """Return the network with a temperature fitted on the validation pairs; an ensemble also gets figures on them."""
    options = EvaluationOptions(network.max_out_len, detailed=True, alternatives=True)
    evaluation = measure(network.to_numpy(), validation, options)
    reached = evaluation.figures if network.members else network.reached
    return replace(network, reached=reached, temperature=fit_temperature(evaluation.answers))
