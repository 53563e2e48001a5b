"""The metrics of a network on the pairs that are held out for validation."""

from dataclasses import replace

from seq2seq_demo.data.pair_task import Task
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.trained.evaluation import EvaluationOptions, measure
from seq2seq_demo.trained.metrics import Figures, calibrate
from seq2seq_demo.trained.trained_network import TrainedNetwork


def validation_metrics(task: Task, network: TrainedNetwork, validation: Pairs) -> Figures:
    """Measure the network on the validation pairs. In a user's pairs, the targets of one source are alternatives."""
    options = EvaluationOptions(network.answer_len, alternatives=task.is_pairs)
    return measure(network.to_numpy(), validation, options).figures


def calibrated(network: TrainedNetwork, validation: Pairs) -> TrainedNetwork:
    """Return the network with a calibration fitted on the validation pairs, and its error.

    An ensemble also gets its metrics on these pairs.
    """
    options = EvaluationOptions(network.answer_len, detailed=True, alternatives=True)
    evaluation = measure(network.to_numpy(), validation, options)
    metrics = evaluation.figures if network.others else network.validation
    return replace(network, validation=metrics, n_validated=evaluation.n, calibration=calibrate(evaluation.answers))
