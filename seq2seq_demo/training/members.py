"""The members of an ensemble, which are trained one after another, each with a different seed."""

from collections.abc import Sequence
from dataclasses import replace

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.data.tasks import Task
from seq2seq_demo.files.stored_network import Snapshot
from seq2seq_demo.network.parameters import initial_weights
from seq2seq_demo.trained_network import TrainedNetwork
from seq2seq_demo.training.validation import calibrated, validation_figures


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
