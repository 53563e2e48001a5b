"""A user's pairs as a task, read from a file or given in Python."""

import functools
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from seq2seq_demo.config import INTEGERS, ModelConfig, TrainConfig
from seq2seq_demo.data.records import Place, Places, Record, plain
from seq2seq_demo.data.row_reader import PairReader, read_pairs
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.data.vocabulary import OF_INTEGERS, Vocabularies, new_vocabulary
from seq2seq_demo.errors import InputError, UsageError

BLOCK = 2**16  # numbers of a checksum that are copied at once


@dataclass(frozen=True)
class PairTask:
    """A user's pairs as a task.

    Several pairs with one source are alternatives: each target is right.

    Raises:
        InputError: there are no pairs, or one has no source.
    """

    name: str
    pairs: Pairs
    validation: Pairs | None = None  # None: about a tenth of the pairs
    vocabularies: Vocabularies = OF_INTEGERS
    places: Places | None = None  # of the pairs

    def __post_init__(self) -> None:
        """Validate the pairs."""
        for pairs in self._parts:
            if not isinstance(pairs, Pairs):
                raise InputError(f"expected Pairs, as Pairs.of_arrays makes them, got {type(pairs).__name__}")
            if not (len(pairs) and pairs.sources.lengths.min()):
                found = "an empty source" if len(pairs) else "none"
                raise InputError(f"expected pairs of a source and a target, got {found}")

    @property
    def _parts(self) -> list[Pairs]:
        return [self.pairs] if self.validation is None else [self.pairs, self.validation]

    @functools.cached_property
    def digest(self) -> str:
        """A checksum of the pairs."""
        digest = hashlib.sha256()
        for pairs in self._parts:
            for numbers in (pairs.sources.lengths, pairs.sources.symbols, pairs.targets.lengths, pairs.targets.symbols):
                for first in range(0, len(numbers), BLOCK):
                    digest.update(numbers[first : first + BLOCK].astype("<i8").tobytes())
        if self.vocabularies.are_text:
            digest.update(repr(self.vocabularies).encode())
        return digest.hexdigest()

    def fingerprint(self, config: TrainConfig, model: ModelConfig) -> str:
        """Return the checksum of the pairs."""
        return self.digest

    def largest_symbols(self) -> dict[str, int]:
        """Return the largest symbols of the pairs, and at least 1, as a network has two or more."""
        in_max_int = max(int(pairs.sources.symbols.max(initial=1)) for pairs in self._parts)
        out_max_int = max(int(pairs.targets.symbols.max(initial=1)) for pairs in self._parts)
        return {"in_max_int": in_max_int, "out_max_int": out_max_int} | self.vocabularies.largest_symbols()

    def sized(self, config: TrainConfig, model: ModelConfig, asked: int | None, default: int | None) -> TrainConfig:
        """Return the config with the number and the lengths of the pairs."""
        if len(self.pairs) < 2 and self.validation is None:
            raise InputError("expected at least 2 pairs, to train on and to validate with, got 1")
        sources, targets = self.pairs.sources.lengths, self.pairs.targets.lengths
        n_validation = len(self.divided(config.seed)[1]) if self.validation is None else len(self.validation)
        config = replace(
            config,
            points=sum(map(len, self._parts)),
            validation_points=n_validation,
            in_len=int(sources.max()),
            min_in_len=int(sources.min()) if model.ends else None,
            out_len=max(1, int(targets.max())),
            few_symbols=0.0,
        )
        self._require_lengths(config, model)
        return config

    def draw(self, config: TrainConfig, model: ModelConfig, start_step: int = 0) -> tuple[Pairs, Pairs]:
        """Return the pairs, divided unless there are others to validate with."""
        self._require_lengths(config, model)
        self.require_symbols(model)
        if self.validation is not None:
            return self.pairs, self.validation
        training, validation = self.divided(config.seed)
        return self.pairs[training], self.pairs[validation]

    def require_symbols(self, model: ModelConfig) -> None:
        """Raise UsageError unless a network has the symbols of the pairs."""
        for kind, (name, found) in zip(("sources", "targets"), self.largest_symbols().items(), strict=True):
            largest = getattr(model, name)
            if found > largest:
                raise UsageError(f"expected {kind} of symbols 0 to {largest}, got {found}")

    def divided(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the indices of the pairs to train on, shuffled, and of those to validate with: about a tenth.

        Pairs of one source stay together. A training that continues another one keeps the same ones to validate with.
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

    def _require_lengths(self, config: TrainConfig, model: ModelConfig) -> None:
        """Raise UsageError for lengths that a network without END cannot learn."""
        expected = config.in_len, config.out_len
        found = {(pairs.sources.common_length, pairs.targets.common_length) for pairs in self._parts}
        if not model.ends and found != {expected}:
            what = f"expected sources of {config.in_len} and targets of {config.out_len} symbols"
            raise UsageError(f"{what}, as this network does not end its answers, got other lengths")


def pair_task_from_rows(
    rows: Iterable[object],
    vocabularies: Vocabularies | None = None,
    tokens: tuple[str, str] = (INTEGERS, INTEGERS),
    validation: Iterable[object] | None = None,
) -> PairTask:
    """Return the task of pairs that a caller gives, each a source and a target: texts, or lists or arrays of symbols.

    `vocabularies` None are made of them, for these tokens.

    Raises:
        InputError: a row is something else; the message names it.
    """
    source, target = vocabularies or map(new_vocabulary, tokens)
    pairs, vocabularies = read_pairs(_located(rows, "pairs"), PairReader(source, target))
    others = None
    if validation is not None:
        others, _ = read_pairs(_located(validation, "validation"), PairReader(*vocabularies))
    return PairTask("pairs", pairs, others, vocabularies)


def _located(rows: Iterable[object], title: str) -> Iterator[Record]:
    """Yield the pairs that a caller gives."""
    for index, row in enumerate(rows):
        place = Place(title, "row", index)
        if isinstance(row, tuple | list) and len(row) == 2:
            yield Record(place, plain(row[0]), plain(row[1]))
        else:
            found = " ".join(repr(row).split())[:40]
            raise InputError(f"{place}: expected a source and a target, as zip gives them, got {found}")
