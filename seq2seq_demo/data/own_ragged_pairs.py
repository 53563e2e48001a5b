"""A user's pairs of different lengths as a task, read from a file or given in Python."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data import varied
from seq2seq_demo.data.batches import Pairs, Sample
from seq2seq_demo.data.own_pairs import PAIR, ROWS, OwnPairs, located
from seq2seq_demo.data.ragged import Ragged, RaggedPairs, concatenated
from seq2seq_demo.data.sequence_pattern import SequencePattern
from seq2seq_demo.data.sequences import Located, check_symbols
from seq2seq_demo.data.user_functions import listed
from seq2seq_demo.errors import InputError, UsageError


@dataclass(frozen=True)
class OwnRaggedPairs:
    """A user's pairs as a task: a network learns to end its answers to them."""

    name: str
    pairs: RaggedPairs

    @functools.cached_property
    def digest(self) -> str:
        """A checksum of the pairs."""
        digest = hashlib.sha256()
        for sequences in (self.pairs.sources, self.pairs.targets):
            digest.update(sequences.lengths.astype("<i8").tobytes() + sequences.symbols.astype("<i8").tobytes())
        return digest.hexdigest()

    def fingerprint(self, config: TrainConfig, model_config: ModelConfig) -> str:
        """Return the checksum of the pairs."""
        return self.digest

    def largest_symbols(self) -> dict[str, int]:
        """Return the largest symbols of the pairs."""
        sources, targets = (int(x.symbols.max(initial=1)) for x in (self.pairs.sources, self.pairs.targets))
        return {"in_max_int": sources, "out_max_int": targets}

    def sized(
        self, config: TrainConfig, model_config: ModelConfig, asked: int | None, default: int | None
    ) -> TrainConfig:
        """Return the config with the number and the lengths of the pairs."""
        sources, targets = self.pairs.sources.lengths, self.pairs.targets.lengths
        shortest, longest = int(sources.min()), int(sources.max())
        out_len = max(1, int(targets.max()))
        n = len(self.pairs)
        return replace(config, points=n, in_len=longest, min_in_len=shortest, out_len=out_len, few_symbols=0.0)

    def draw(
        self, config: TrainConfig, model_config: ModelConfig, start_step: int = 0
    ) -> tuple[RaggedPairs, RaggedPairs]:
        """Shuffle the pairs, then divide them."""
        _require_symbols(self.pairs, model_config)
        order = np.random.default_rng([config.seed, 1, start_step]).permutation(len(self.pairs))
        return varied.divide(self.pairs[order], config)

    def held_out(self, sample: Sample, model_config: ModelConfig, seen: np.ndarray | None) -> Pairs:
        """Raise UsageError: only a network that ends its answers can be evaluated on such pairs."""
        raise UsageError("expected pairs of one length, as this network was trained at one, got several lengths")


def _require_symbols(pairs: RaggedPairs, model_config: ModelConfig) -> None:
    """Raise UsageError unless the model has these symbols."""
    for kind, sequences, largest in (
        ("sources", pairs.sources, model_config.in_max_int),
        ("targets", pairs.targets, model_config.out_max_int),
    ):
        found = int(sequences.symbols.max(initial=0))
        if found > largest:
            raise UsageError(f"expected {kind} of symbols 0 to {largest}, got {found}")


def read_ragged_pairs(
    sequences: Iterable[Located],
    pattern: SequencePattern | None = None,
    in_max_int: int | None = None,
    out_max_int: int | None = None,
) -> RaggedPairs:
    """Return the pairs of any lengths; a target may be empty, a source may not.

    A pattern makes the targets, as for `own_pairs.read_pairs`.

    Raises:
        InputError: a sequence is no list of integers within the largest symbols, or a target is missing.
        UsageError: the pattern cannot make targets of these sources.
    """
    sources: list[Ragged] = []
    targets: list[Ragged] = []
    rows: list[Located] = []
    for batch in _batches(_checked(row, pattern, in_max_int, out_max_int) for row in sequences):
        sources.append(Ragged.of_rows([row.values for row in batch]))  # type: ignore[misc]
        targets.append(Ragged.of_rows([row.output or [] for row in batch]))
        rows += batch if pattern else []
    if not sources:
        raise InputError("expected pairs of a source and a target, got none")
    if pattern is None:
        return RaggedPairs(concatenated(sources), concatenated(targets))
    all_sources = concatenated(sources)
    largest = out_max_int or in_max_int or int(all_sources.symbols.max(initial=1))
    made = varied.targets(pattern, all_sources, largest)
    for row, target in zip(rows, made.rows(), strict=True):
        if row.output is not None and row.output != target:
            shown = [listed(np.array(symbols)) for symbols in (target, row.output)]
            raise InputError(f"{row.place}: expected the output of {pattern.name!r}, {shown[0]}, got {shown[1]}")
    return RaggedPairs(all_sources, made)


def _batches(rows: Iterable[Located]) -> Iterator[list[Located]]:
    batch: list[Located] = []
    for row in rows:
        batch.append(row)
        if len(batch) == ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _checked(row: Located, pattern: SequencePattern | None, in_max_int: int | None, out_max_int: int | None) -> Located:
    """Return a row whose source and target are what they must be."""
    if isinstance(row.values, InputError):
        raise row.values
    check_symbols(row.place, row.values, largest=in_max_int)
    if row.output is not None:
        check_symbols(f"{row.place}, output", row.output, largest=out_max_int, at_least=0)
    elif pattern is None:
        raise InputError(f"{row.place}: expected an output too, as in {PAIR}, or a pattern (-p) that makes it")
    return row


def task_of_rows(rows: Iterable[Any]) -> OwnPairs | OwnRaggedPairs:
    """Return the task of pairs that a caller gives, each a source and a target, lists of integers or arrays.

    Raises:
        InputError: a row is something else; the message names it.
    """
    pairs = read_ragged_pairs(located(index, row) for index, row in enumerate(rows))
    in_arrays = in_one_length(pairs)
    return OwnPairs("pairs", in_arrays) if in_arrays else OwnRaggedPairs("pairs", pairs)


def as_ragged(task: OwnPairs) -> OwnRaggedPairs:
    """Return the same pairs for a network that ends its answers."""
    sources, targets = (Ragged(x.ravel(), np.full(len(x), x.shape[1])) for x in task.pairs)
    return OwnRaggedPairs(task.name, RaggedPairs(sources, targets))


def in_one_length(pairs: RaggedPairs) -> Pairs | None:
    """Return the pairs as arrays, if all sources have one length, and all targets."""
    if len({*pairs.sources.lengths}) > 1 or len({*pairs.targets.lengths}) > 1 or not pairs.targets.lengths[0]:
        return None
    return Pairs(pairs.sources.padded(), pairs.targets.padded())
