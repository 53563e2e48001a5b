"""The content of a weights file: a network with its origin, or a snapshot of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Generic, NamedTuple, Self, TypeVar

from seq2seq_demo.config import MAX_MEMBERS, ModelConfig, TrainConfig, lengths_text
from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.data.vocabulary import INTEGER_VOCABULARIES, Vocabularies
from seq2seq_demo.errors import UsageError
from seq2seq_demo.files.recording import Recording
from seq2seq_demo.metrics import EpochFigures, Figures, History, html_table
from seq2seq_demo.network.parameters import Weights

LENGTHS = ("in_len", "out_len", "min_in_len")  # fields of `StoredNetwork`
RECORDS = ("trained", "reached", "program", "temperature", "moments_since")
METADATA = ("model_config", "task", *LENGTHS, *RECORDS)  # the fields in the JSON of a file; most others are arrays


@dataclass(frozen=True)
class DataFingerprint:
    """Identifies the data of a training run, so that --resume detects changed data."""

    data: str | None = None  # a checksum of the user's pairs; None for a pattern
    fingerprint: str | None = None  # the task's fingerprint; None in files of earlier versions


@dataclass(frozen=True)
class TrainingRun:
    """The settings, the first step and the data of a training run."""

    config: TrainConfig
    start_step: int  # Adam's step at the start of the run
    fingerprint: DataFingerprint = DataFingerprint()  # empty in files of earlier versions
    # Whether the content of the pairs decided which of them validate; otherwise, the user gave the validation pairs.
    # None for a pattern, and in files of earlier versions, which drew these pairs at random.
    validated_by_content: bool | None = None


@dataclass(frozen=True, repr=False, eq=False)
class StoredNetwork:
    """A network with its weights and its origin; a field is None if the file does not record it."""

    model_config: ModelConfig
    weights: Weights  # by the names of `weight_shapes`
    task: str | None = None  # the name of the task
    in_len: int | None = None  # the length of the longest source in training
    out_len: int | None = None  # the length of the longest target
    min_in_len: int | None = None  # the length of the shortest source; None means `in_len`
    trained: TrainingRun | None = None
    reached: Figures | None = None  # on the validation pairs, after the saved epoch
    step: int = 0  # the number of updates that Adam has made
    moments: Weights = field(default_factory=dict)  # Adam's, as "m/NAME" and "v/NAME"; may be empty
    program: str | None = None  # the program that trained the network, unless it is this one
    vocabularies: Vocabularies = INTEGER_VOCABULARIES
    recording: Recording | None = None  # part of a snapshot, but a separate file beside a weights file
    temperature: float | None = None  # for confidences, fitted to the validation pairs; None for a pattern
    moments_since: int = 0  # the step at which `moments` were zero, from which Adam's bias correction counts
    members: tuple[StoredNetwork, ...] = ()  # the further members of an ensemble, whose first member is this network
    calibration_error: float | None = None  # on the validation pairs, cross-validated; not in a weights file
    history: History = field(default_factory=History)  # figures of the last training run; not in a weights file

    def __repr__(self) -> str:
        reached = f", exact match {self.reached.exact_match:.4f} in validation" if self.reached else ""
        return f"<{type(self).__name__} {self.summary()};\n {self._origin()}{reached}>"

    def _repr_html_(self) -> str:
        figures = asdict(self.reached).items() if self.reached else ()
        return html_table(["network", self.summary()], ["training", self._origin()], *figures)

    def _origin(self) -> str:
        """Return the task and the lengths of the training as text."""
        origin = self.task or self.program or "unknown data"
        learned = f"trained on {origin!r}" if self.step else "untrained"
        if not self.in_len:
            return learned
        lengths = lengths_text(self.min_in_len, self.in_len).replace("-", " to ")
        return f"{learned}, {lengths} symbols in and {'up to ' * self.ends}{self.out_len} out"

    def summary(self) -> str:
        """Return the architecture, the symbols and the number of weights in one line."""
        c = self.model_config
        symbols = f"symbols 0 to {c.in_max_int} in and 0 to {c.out_max_int} out"
        if self.vocabularies.are_text:
            sides = zip(self.vocabularies, (c.in_max_int, c.out_max_int), strict=True)
            symbols = " in and ".join(f"{len(x.symbols) or f'0 to {n}'} {x.tokens}" for x, n in sides) + " out"
        members = f" in {len(self.networks)} networks" if self.members else ""
        return f"{c.architecture}, {symbols}, {self.n_weights} weights{members}"

    @property
    def networks(self) -> tuple[StoredNetwork, ...]:
        """The networks that answer together: this one without its members, then the members."""
        return (replace(self, members=()), *self.members)

    def without_optimizer(self) -> Self:
        """Return the network without Adam's moments; training that continues from it starts with moments of zero."""
        members = tuple(member.without_optimizer() for member in self.members)
        return replace(self, moments={}, moments_since=0, members=members)

    @property
    def n_weights(self) -> int:
        """The number of weights in all members together."""
        return sum(weight.size for network in self.networks for weight in network.weights.values())

    @property
    def pattern(self) -> str | None:
        """The built-in pattern that the network learned, if any; a task on text may share a pattern's name."""
        return self.task if self.task in PATTERNS and not self.vocabularies.are_text else None

    @property
    def ends(self) -> bool:
        """Whether the network ends its answers; it then accepts sources of any length."""
        return self.model_config.ends

    @property
    def trained_lengths(self) -> range:
        """The source lengths in training; 2016's default if the file does not record them."""
        longest = self.in_len or TrainConfig.in_len
        return range(self.min_in_len or longest, longest + 1)

    def was_trained_at(self, in_len: int) -> bool:
        """Whether training had sources of `in_len` symbols, or the file does not record lengths."""
        return self.in_len is None or in_len in self.trained_lengths

    def max_out_len(self, in_len: int) -> int:
        """Return the maximum length of an answer to a source of `in_len` symbols.

        The limit is the longest target in training, scaled up for sources longer than any in training.
        """
        longest, trained = self.out_len or in_len, self.in_len or in_len
        return longest if in_len <= trained else -(-longest * in_len // trained)


Network_co = TypeVar("Network_co", bound=StoredNetwork, covariant=True)


@dataclass(frozen=True)
class Progress:
    """The completed epochs of a training run, and its position in the current epoch."""

    epoch: int = 0  # the current epoch, counted from 0
    points: int = 0  # training points done in this epoch
    loss_sum: float = 0.0  # the sum of the loss over the target symbols of these points
    correct_sum: float = 0.0  # correct symbols among them
    history: tuple[EpochFigures, ...] = ()  # the completed epochs
    seconds: float = 0.0  # the time that the run has taken, if it has a budget


class Checkpoint(NamedTuple):
    """Weights with Adam's state."""

    weights: Weights
    step: int
    moments: Weights


@dataclass(frozen=True, eq=False)
class Snapshot(Generic[Network_co]):
    """The complete state of a training run, from which it can be resumed."""

    network: Network_co
    progress: Progress = Progress()
    best: Checkpoint | None = None  # the best epoch so far, if the config `saves_best`

    @property
    def run(self) -> TrainingRun:
        """The config and the start of the run, which every snapshot records."""
        assert self.network.trained
        return self.network.trained


def check_members(networks: Sequence[StoredNetwork]) -> None:
    """Raise UsageError unless the networks can form an ensemble: their symbols and any fixed lengths must be equal."""
    if len(networks) > MAX_MEMBERS:
        raise UsageError(f"expected at most {MAX_MEMBERS} networks in an ensemble, got {len(networks)}")
    for number, network in enumerate(networks, 1):
        if _sides(network) != _sides(networks[0]):
            raise UsageError(f"expected the same symbols and lengths in all networks, got others in network {number}")


def _sides(network: StoredNetwork) -> tuple[Vocabularies, int, int, object]:
    """Return the symbols and any fixed lengths of a network, which all members of an ensemble share."""
    c = network.model_config
    return network.vocabularies, c.in_max_int, c.out_max_int, c.ends or (network.in_len, network.out_len)
