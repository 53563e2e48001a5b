"""The results of epochs and members: validation figures, early stopping, the best epoch, ensembles, calibration."""

from collections.abc import Sequence
from dataclasses import replace

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.pattern_task import SequencePattern
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.data.tasks import Task
from seq2seq_demo.evaluation import EvaluationOptions, measure, training_sources
from seq2seq_demo.figures import EpochFigures, Figures, cross_validated_error, fit_temperature
from seq2seq_demo.files.stored_network import Checkpoint, Snapshot
from seq2seq_demo.network.parameters import initial_weights
from seq2seq_demo.trained_network import TrainedNetwork

PERFECT_EPOCHS = 3  # in one epoch, an exact match of 1 on few pairs may be luck


# ---- Validation ----


def validation_figures(task: Task, network: TrainedNetwork, validation: Pairs) -> Figures:
    """Measure the network on the validation pairs. In a user's pairs, the targets of one source are alternatives."""
    options = EvaluationOptions(network.max_out_len, alternatives=isinstance(task, PairTask))
    return measure(network.to_numpy(), validation, options).figures


def calibrated(network: TrainedNetwork, validation: Pairs) -> TrainedNetwork:
    """Return the network with a temperature fitted on the validation pairs, and its calibration error.

    An ensemble also gets figures on these pairs.
    """
    options = EvaluationOptions(network.max_out_len, detailed=True, alternatives=True)
    evaluation = measure(network.to_numpy(), validation, options)
    reached = evaluation.figures if network.members else network.reached
    temperature, error = fit_temperature(evaluation.answers), cross_validated_error(evaluation.answers)
    return replace(network, reached=reached, temperature=temperature, calibration_error=error)


def without_earlier_sources(validation: Pairs, task: Task, network: TrainedNetwork) -> Pairs:
    """Return the validation pairs of a pattern whose source no earlier run drew, or all if none remain."""
    if not (network.earlier and isinstance(task, SequencePattern)):
        return validation
    drawn, _ = training_sources(replace(network, trained=None), task)
    return validation.without(drawn) if drawn else validation


# ---- Early stopping ----


def best_epoch(history: Sequence[EpochFigures]) -> EpochFigures:
    """Return the epoch with the highest validation exact match; the lowest validation loss breaks ties.

    `history` holds at least one epoch.
    """
    return max(history, key=lambda epoch: (epoch.validation.exact_match, -epoch.validation.loss))


def has_stalled(history: Sequence[EpochFigures], config: TrainConfig) -> bool:
    """Whether `config.patience` epochs have passed since the best epoch, or the last epochs were all perfect."""
    if config.patience is None or not history:
        return False
    n_perfect = sum(epoch.validation.exact_match == 1 for epoch in history[-PERFECT_EPOCHS:])
    return n_perfect == PERFECT_EPOCHS or history[-1].epoch - best_epoch(history).epoch >= config.patience


def stops_early(history: Sequence[EpochFigures], config: TrainConfig) -> bool:
    """Whether the last epoch has reached `config.stop_at_exact`, or patience has run out."""
    goal = config.stop_at_exact
    is_reached = goal is not None and bool(history) and history[-1].validation.exact_match >= goal
    return is_reached or has_stalled(history, config)


def finished(network: TrainedNetwork, best: Checkpoint | None, history: Sequence[EpochFigures]) -> TrainedNetwork:
    """Return the network with the weights and figures of the best epoch, unless `best` is None.

    A run with a budget records the number of its epochs, which nothing else determines.
    """
    if network.trained and network.trained.config.budget:
        config = replace(network.trained.config, epochs=max(1, len(history)))
        network = replace(network, trained=replace(network.trained, config=config))
    if best is None or not history:
        return network
    return replace(network, **best._asdict(), reached=best_epoch(history).validation)


# ---- Members of an ensemble, which are trained one after another, each with a different seed ----


def config_of(config: TrainConfig, number: int) -> TrainConfig:
    """Return the config of member `number`, counted from 0; only its seed differs from `config`."""
    return replace(config, seed=config.seed + number)


def next_start(finished: Sequence[TrainedNetwork], config: TrainConfig) -> Snapshot[TrainedNetwork]:
    """Return the initial snapshot of the next member, which follows the `finished` ones."""
    first, own_config = finished[0], config_of(config, len(finished))
    assert first.trained
    network = replace(
        first,
        weights=initial_weights(first.model_config, own_config.seed),
        trained=replace(first.trained, config=own_config),
        step=0,
        reached=None,
        recording=None,
    )
    return Snapshot(network, finished=tuple(finished))


def combined(finished: Sequence[TrainedNetwork], task: Task, validation: Pairs) -> TrainedNetwork:
    """Return the result of a training run: its only network, or the ensemble of its members.

    Measure an ensemble on the validation pairs. Calibrate a network or an ensemble that learned a user's pairs.
    """
    network = replace(finished[0], members=tuple(finished[1:]))
    if isinstance(task, PairTask):
        return calibrated(network, validation)
    return replace(network, reached=validation_figures(task, network, validation)) if network.members else network
