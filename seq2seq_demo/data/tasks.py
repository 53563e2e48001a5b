"""The `Task` protocol, which a `SequencePattern` and a `PairTask` implement."""

from collections.abc import Iterable
from typing import Protocol

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import PairTask, pair_task_from_rows
from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.data.patterns import PatternName, is_user_function
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.data.vocabulary import Vocabularies
from seq2seq_demo.errors import UsageError


class Task(Protocol):
    """A mapping from sources to targets that a network learns: a pattern or a user's pairs."""

    @property
    def name(self) -> str:
        """The name of the task, which is part of the names of its weights files."""

    @property
    def vocabularies(self) -> Vocabularies:
        """The vocabularies of sources and targets."""

    def fingerprint(self, config: TrainConfig, model: ModelConfig) -> str:
        """Return a checksum of the data; a resumed training run requires the checksum of the run that it resumes.

        Args:
            config: the lengths, the seed and the number of points.
            model: the symbols, and whether the network ends its answers.

        Raises:
            UsageError: the task does not support these lengths or symbols.
        """

    def largest_symbols(self) -> dict[str, int]:
        """Return the `in_max_int` and `out_max_int` that the data require; a missing key means the default."""

    def sized(self, config: TrainConfig, model: ModelConfig, out_len: int | None, default: int | None) -> TrainConfig:
        """Return the config with the task's lengths and number of points.

        Args:
            config: the settings of the training.
            model: the network; if it ends its answers, targets are never cut.
            out_len: the length to cut targets to; None allows up to `default` symbols.
            default: the maximum length if `out_len` is None; None keeps targets whole.

        Raises:
            UsageError: the task does not support these lengths or symbols.
            InputError: there are too few pairs.
        """

    def draw(self, config: TrainConfig, model: ModelConfig, start_step: int = 0) -> tuple[Pairs, Pairs]:
        """Return the training pairs and the validation pairs.

        Args:
            config: the settings of the training, as `sized` returned them.
            model: the network.
            start_step: the number of steps that the weights were already trained for. A pattern draws new points for
                each value.

        Raises:
            UsageError: the task does not support these lengths or symbols.
        """


PairRows = Iterable[object]  # (source, target) rows, or whatever else `python_pairs` reads
TaskLike = PatternName | str | Task | Pairs | PairRows


def as_task(task: TaskLike, vocabularies: Vocabularies | None = None) -> Task:
    """Convert a pattern's name or pairs to a task; return a task unchanged.

    `vocabularies` are those of a network to evaluate; pairs may have symbols that they lack. By default, the tokens of
    pairs are recognised.

    Raises:
        UsageError: no pattern has this name, or the argument has another type.
        InputError: a pair is invalid.
    """
    if isinstance(task, str):
        if "." in task and not is_user_function(task):
            raise UsageError(f"expected a pattern's name, got {task!r}; `read_pairs` reads the pairs of a file")
        return find_pattern(task)
    if isinstance(task, Pairs):
        return PairTask("pairs", task)
    if isinstance(task, Iterable):
        return pair_task_from_rows(task, vocabularies, may_be_unseen=True)
    if not hasattr(task, "draw") or isinstance(task, type):
        expected = "expected a pattern's name, a SequencePattern, or pairs of a source and a target"
        raise UsageError(f"{expected}, got {task!r}")
    return task
