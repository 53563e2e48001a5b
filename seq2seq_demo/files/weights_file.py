"""What a weights file records of a network, and a snapshot of a training under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.vocabulary import OF_INTEGERS, Vocabularies
from seq2seq_demo.figures import EpochFigures, Figures
from seq2seq_demo.network.parameters import Weights
from seq2seq_demo.recording import Recording


@dataclass(frozen=True)
class TrainingRun:
    """How a network was trained last."""

    config: TrainConfig
    start_step: int  # of Adam, where the run began


@dataclass(frozen=True, eq=False)
class StoredNetwork:
    """A network with its weights and its origin; None where a file does not record it."""

    model_config: ModelConfig
    weights: Weights  # by the names of weight_shapes
    task: str | None = None  # the name of what it was trained on
    in_len: int | None = None  # the longest source that was trained on
    out_len: int | None = None  # the longest target
    min_in_len: int | None = None  # the shortest source, where lengths differ or the network ends its answers
    trained: TrainingRun | None = None
    reached: Figures | None = None  # on the validation pairs, after the epoch that was saved
    step: int = 0  # how many times Adam changed the weights
    moments: Weights = field(default_factory=dict)  # Adam's, as "m/NAME" and "v/NAME"; may be empty
    program: str | None = None  # that trained it, if not this one
    vocabularies: Vocabularies = OF_INTEGERS
    recording: Recording | None = None  # of its training, if that was asked for


@dataclass(frozen=True)
class Progress:
    """How far a training has come."""

    epoch: int = 0  # counted from 0
    points: int = 0  # done in this epoch
    loss_sum: float = 0.0  # over the symbols of these points
    correct_sum: float = 0.0
    history: tuple[EpochFigures, ...] = ()  # of each epoch that is over


class Checkpoint(NamedTuple):
    """The weights after an epoch, with Adam's state."""

    weights: Weights
    step: int
    moments: Weights


@dataclass(frozen=True)
class DataFingerprint:
    """Identifies what a training learns, so that --resume finds it again."""

    data: str | None = None  # a checksum of the pairs that were given; None where they are drawn at random
    fingerprint: str | None = None  # of the task; None in old files


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A training under way: its network, and what only a training has. `--resume` continues from it."""

    network: StoredNetwork
    progress: Progress = Progress()
    fingerprint: DataFingerprint = DataFingerprint()
    best: Checkpoint | None = None  # the best epoch so far, if that is what will be saved
