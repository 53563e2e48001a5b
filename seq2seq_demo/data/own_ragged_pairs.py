"""A user's pairs of different lengths as a task."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from seq2seq_demo.config import INTEGERS, ModelConfig, TrainConfig
from seq2seq_demo.data.batches import Pairs, Sample
from seq2seq_demo.data.own_pairs import OwnPairs, located
from seq2seq_demo.data.ragged import Ragged, RaggedPairs, concatenated_pairs
from seq2seq_demo.data.ragged_reading import read_texts
from seq2seq_demo.data.records import Located, Places
from seq2seq_demo.data.vocabulary import OF_INTEGERS, Vocabularies, fresh
from seq2seq_demo.errors import InputError, UsageError


@dataclass(frozen=True)
class OwnRaggedPairs:
    """A user's pairs as a task: a network learns to end its answers to them.

    Several pairs with one source are alternatives: each target is right.
    """

    name: str
    pairs: RaggedPairs
    validation: RaggedPairs | None = None  # None: a tenth of the pairs
    vocabularies: Vocabularies = OF_INTEGERS
    places: Places | None = None  # of the pairs

    @functools.cached_property
    def digest(self) -> str:
        """A checksum of the pairs."""
        digest = hashlib.sha256()
        for pairs in filter(None, (self.pairs, self.validation)):
            for sequences in (pairs.sources, pairs.targets):
                digest.update(sequences.lengths.astype("<i8").tobytes() + sequences.symbols.astype("<i8").tobytes())
        if self.vocabularies.are_text:
            digest.update(repr(self.vocabularies).encode())
        return digest.hexdigest()

    def fingerprint(self, config: TrainConfig, model_config: ModelConfig) -> str:
        """Return the checksum of the pairs."""
        return self.digest

    def largest_symbols(self) -> dict[str, int]:
        """Return the largest symbols of the pairs."""
        given = concatenated_pairs(filter(None, (self.pairs, self.validation)))
        sources, targets = (int(x.symbols.max(initial=1)) for x in (given.sources, given.targets))
        return {"in_max_int": sources, "out_max_int": targets} | self.vocabularies.largest_symbols()

    def sized(
        self, config: TrainConfig, model_config: ModelConfig, asked: int | None, default: int | None
    ) -> TrainConfig:
        """Return the config with the number and the lengths of the pairs."""
        sources, targets = self.pairs.sources.lengths, self.pairs.targets.lengths
        if len(self.pairs) < 2 and not self.validation:
            raise InputError("expected at least 2 pairs, to train on and to validate with, got 1")
        n_validation = len(self.validation) if self.validation else len(self.divided(config.seed)[1])
        return replace(
            config,
            points=len(self.pairs) + (len(self.validation) if self.validation else 0),
            validation_points=n_validation,
            in_len=int(sources.max()),
            min_in_len=int(sources.min()),
            out_len=max(1, int(targets.max())),
            few_symbols=0.0,
        )

    def draw(
        self, config: TrainConfig, model_config: ModelConfig, start_step: int = 0
    ) -> tuple[RaggedPairs, RaggedPairs]:
        """Return the pairs, shuffled and divided, unless there are others to validate with."""
        for pairs in filter(None, (self.pairs, self.validation)):
            _require_symbols(pairs, model_config)
        if self.validation:
            return self.pairs, self.validation
        training, validation = self.divided(config.seed)
        return self.pairs[training], self.pairs[validation]

    def divided(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of the pairs to train on, and of those to validate with: about a tenth.

        Those of one source stay together. A training that continues another one keeps the same ones to validate with.
        """
        N = len(self.pairs)
        order = np.random.default_rng([seed, 1, 0]).permutation(N)
        groups = self.pairs.sources.groups()[order]  # [N]
        _, first, group = np.unique(groups, return_index=True, return_inverse=True)
        by_first_place = np.argsort(first[group], kind="stable")
        order, groups = order[by_first_place], groups[by_first_place]
        starts = 1 + np.flatnonzero(groups[1:] != groups[:-1])  # of each group but the first
        cut = N - max(1, N // 10)
        if len(starts):
            cut = int(min(starts, key=lambda start: abs(start - cut)))
        return order[:cut], order[cut:]

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


def task_of_rows(
    rows: Iterable[Any],
    vocabularies: Vocabularies | None = None,
    tokens: tuple[str, str] = (INTEGERS, INTEGERS),
    validation: Iterable[Any] | None = None,
) -> OwnPairs | OwnRaggedPairs:
    """Return the task of pairs that a caller gives, each a source and a target: texts, or lists or arrays of symbols.

    `vocabularies` None are made of them, for these tokens.

    Raises:
        InputError: a row is something else; the message names it.
    """
    source, target = vocabularies or map(fresh, tokens)
    pairs, vocabularies = read_texts(_located(rows, "pairs"), source, target)
    others = None
    if validation is not None:
        others, _ = read_texts(_located(validation, "validation"), *vocabularies)
    return as_given("pairs", pairs, others, vocabularies)


def _located(rows: Iterable[Any], title: str) -> Iterator[Located]:
    return (located(index, row, title) for index, row in enumerate(rows))


def as_given(
    name: str,
    pairs: RaggedPairs,
    validation: RaggedPairs | None = None,
    vocabularies: Vocabularies = OF_INTEGERS,
    places: Places | None = None,
) -> OwnPairs | OwnRaggedPairs:
    """Return the task of pairs: of one length, as 2016's are, if all have one and are no texts."""
    ragged = OwnRaggedPairs(name, pairs, validation, vocabularies, places)
    if vocabularies.are_text or not in_one_length(concatenated_pairs(filter(None, (pairs, validation)))):
        return ragged
    in_arrays = in_one_length(pairs)
    assert in_arrays
    return OwnPairs(name, in_arrays, in_one_length(validation) if validation else None)


def as_ragged(task: OwnPairs | OwnRaggedPairs) -> OwnRaggedPairs:
    """Return the same pairs for a network that ends its answers."""
    if isinstance(task, OwnRaggedPairs):
        return task
    return OwnRaggedPairs(task.name, _ragged(task.pairs), _ragged(task.validation) if task.validation else None)


def _ragged(pairs: Pairs) -> RaggedPairs:
    return RaggedPairs(*(Ragged(x.ravel(), np.full(len(x), x.shape[1])) for x in pairs))


def in_one_length(pairs: RaggedPairs) -> Pairs | None:
    """Return the pairs as arrays, if all sources have one length, and all targets, of which each source has one."""
    if len({*pairs.sources.lengths}) > 1 or len({*pairs.targets.lengths}) > 1 or not pairs.targets.lengths[0]:
        return None
    groups = pairs.sources.groups()
    if len({*zip(groups.tolist(), pairs.targets.groups().tolist(), strict=True)}) > groups.max() + 1:
        return None
    return Pairs(pairs.sources.padded(), pairs.targets.padded())
