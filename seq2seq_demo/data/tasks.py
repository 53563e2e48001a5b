"""What a network is to learn: a `Task`, of which there are two kinds, `SequencePattern` and `OwnPairs`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.batches import Pairs, Sample
from seq2seq_demo.data.own_pairs import require_as_many
from seq2seq_demo.data.own_ragged_pairs import OwnRaggedPairs, task_of_rows
from seq2seq_demo.data.ragged import RaggedPairs
from seq2seq_demo.data.sequence_pattern import find_pattern
from seq2seq_demo.data.vocabulary import Vocabularies
from seq2seq_demo.errors import UsageError


class Task(Protocol):
    """What a network is to learn."""

    @property
    def name(self) -> str:
        """What files are called after."""

    @property
    def vocabularies(self) -> Vocabularies:
        """What the numbers of a text stand for."""

    @property
    def digest(self) -> str | None:
        """A checksum of given data, to know them again; None where points are drawn at random."""

    def fingerprint(self, config: TrainConfig, model_config: ModelConfig) -> str:
        """Return a checksum of what it teaches, to know it again.

        Raises:
            UsageError: the task does not fit these lengths or symbols.
        """

    def largest_symbols(self) -> dict[str, int]:
        """Return in_max_int and out_max_int of a fresh network, where the task tells them."""

    def sized(
        self, config: TrainConfig, model_config: ModelConfig, asked: int | None, default: int | None
    ) -> TrainConfig:
        """Return the config with the task's own lengths and number of points.

        Of a target that can be of any length, these are the first symbols, as many as are asked for, or else at most
        the default, or else (None) all.

        Raises:
            UsageError: the task does not have such lengths or symbols.
        """

    def draw(
        self, config: TrainConfig, model_config: ModelConfig, start_step: int = 0
    ) -> tuple[Pairs, Pairs] | tuple[RaggedPairs, RaggedPairs]:
        """Return the points of a training, to train on and to validate with.

        `start_step` says for how many steps the weights were already trained: then other points are drawn.

        Raises:
            UsageError: the task does not fit these lengths or symbols.
        """

    def held_out(self, sample: Sample, model_config: ModelConfig, seen: np.ndarray | None) -> Pairs:
        """Return pairs to evaluate on; random sources are none of those `seen` in training, `[N, S]`.

        Raises:
            UsageError: the task does not fit these lengths or symbols.
            InputError: every source is among those seen.
        """


def as_task(
    task: str | Task | Pairs | RaggedPairs | Iterable[tuple[object, object]], vocabularies: Vocabularies | None = None
) -> Task:
    """Return the task that a pattern's name, or pairs of a source and a target, stand for.

    `vocabularies` are those of a network, which knows no other symbols.

    Raises:
        UsageError: there is no such pattern, or it is none of these.
        InputError: a pair holds no lists of integers.
    """
    if isinstance(task, str):
        return find_pattern(task)
    if isinstance(task, Pairs):
        require_as_many(task)
        return task_of_rows(zip(*task, strict=True), vocabularies)
    if isinstance(task, RaggedPairs):
        return OwnRaggedPairs("pairs", task)
    if isinstance(task, Iterable):
        return task_of_rows(task, vocabularies)
    if not hasattr(task, "draw"):
        raise UsageError(
            f"expected a pattern's name, a SequencePattern, or pairs of a source and a target, got {task!r}"
        )
    return task
