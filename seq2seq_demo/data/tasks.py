"""Tasks, which a network is to learn. There are two kinds, `SequencePattern` and `PairTask`."""

from collections.abc import Iterable
from typing import Protocol

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import PairTask, pair_task_from_rows
from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.data.vocabulary import Vocabularies
from seq2seq_demo.errors import UsageError


class Task(Protocol):
    """A task that a network is to learn."""

    @property
    def name(self) -> str:
        """The name that files get."""

    @property
    def vocabularies(self) -> Vocabularies:
        """The symbols that the numbers of a text stand for."""

    def fingerprint(self, config: TrainConfig, model: ModelConfig) -> str:
        """Return a checksum of what it teaches, to recognise it.

        Raises:
            UsageError: the task does not fit these lengths or symbols.
        """

    def largest_symbols(self) -> dict[str, int]:
        """Return in_max_int and out_max_int of a fresh network, where the task tells them."""

    def sized(self, config: TrainConfig, model: ModelConfig, asked: int | None, default: int | None) -> TrainConfig:
        """Return the config with the task's own lengths and number of points.

        A network that does not end its answers learns the first symbols of a pattern's targets: as many as are asked
        for, or else at most the default, or else (None) all.

        Raises:
            UsageError: the task does not have these lengths or symbols.
        """

    def draw(self, config: TrainConfig, model: ModelConfig, start_step: int = 0) -> tuple[Pairs, Pairs]:
        """Return the pairs to train on, and those to validate with.

        `start_step` says for how many steps the weights were already trained: a pattern then draws other points.

        Raises:
            UsageError: the task does not fit these lengths or symbols.
        """


GivenPairs = Iterable[tuple[object, object]]  # each a source and a target
Given = str | Task | Pairs | GivenPairs


def as_task(task: Given, vocabularies: Vocabularies | None = None) -> Task:
    """Return the task of a pattern's name, or of pairs of a source and a target.

    `vocabularies` are those of a network, which knows no other symbols.

    Raises:
        UsageError: no pattern has that name, or the argument is neither name, task nor pairs.
        InputError: a pair is not two lists of integers.
    """
    if isinstance(task, str):
        return find_pattern(task)
    if isinstance(task, Pairs):
        return PairTask("pairs", task)
    if isinstance(task, Iterable):
        return pair_task_from_rows(task, vocabularies)
    if not hasattr(task, "draw"):
        expected = "expected a pattern's name, a SequencePattern, or pairs of a source and a target"
        raise UsageError(f"{expected}, got {task!r}")
    return task
