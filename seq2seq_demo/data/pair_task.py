"""The task of learning a user's pairs, each of which consists of a source and a target.

`pair_task` turns a file or rows into a task in four steps: read, tokenize, split, number.
"""

import functools
import hashlib
import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from seq2seq_demo.config import INTEGERS, ModelConfig, TrainConfig
from seq2seq_demo.console import notice
from seq2seq_demo.data import tokens
from seq2seq_demo.data.layout import AS_SUFFIX, InputFormat
from seq2seq_demo.data.pattern_task import PatternTask
from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.data.reading import file_title, read
from seq2seq_demo.data.records import Place, Record, with_output, without_errors
from seq2seq_demo.data.sequences import Pairs, Sequences
from seq2seq_demo.data.vocabulary import Vocabularies, join_symbols, list_symbols
from seq2seq_demo.errors import InputError, UsageError

TENTH = np.uint64(2**64 // 10)  # a tenth of the hash range


@dataclass(frozen=True)
class PairTask:
    """The task of learning one or more pairs that a user provides.

    If a source has several targets, any of them is correct.
    """

    is_pairs: ClassVar[bool] = True
    name: str
    pairs: Pairs
    is_held_out: np.ndarray  # [N], a mask of the pairs that are held out for validation
    validation: Pairs | None = None  # the user's own validation pairs, which replace held-out pairs
    vocabularies: Vocabularies = Vocabularies()
    places: Sequence[Place] = ()  # the place of each pair in its file, for notices
    n_skipped: int = 0  # invalid records that were left out
    holds_out_lowest: bool = False  # whether the pairs with the lowest hashes are held out

    @functools.cached_property
    def digest(self) -> str:
        """A checksum of the pairs and their vocabularies."""
        digest = hashlib.sha256()
        for pairs in self._parts:
            for numbers in (pairs.sources.lengths, pairs.sources.symbols, pairs.targets.lengths, pairs.targets.symbols):
                digest.update(numbers.astype("<i8").tobytes())
        if self.vocabularies.are_text:
            digest.update(repr(self.vocabularies).encode())
        return digest.hexdigest()

    @property
    def _parts(self) -> list[Pairs]:
        return [self.pairs] if self.validation is None else [self.pairs, self.validation]

    def fingerprint(self, config: TrainConfig, model: ModelConfig) -> str:
        """Return the checksum of the pairs, which does not depend on the configs."""
        return self.digest

    def largest_symbols(self) -> dict[str, int]:
        """Return the largest source and target symbols, each at least 1 because a network has at least two symbols."""
        in_max_int = max(int(pairs.sources.symbols.max(initial=1)) for pairs in self._parts)
        out_max_int = max(int(pairs.targets.symbols.max(initial=1)) for pairs in self._parts)
        return {"in_max_int": in_max_int, "out_max_int": out_max_int} | self.vocabularies.largest_symbols()

    def sizes(self) -> dict[str, int]:
        """Return the training settings that follow from the number and lengths of the pairs."""
        sources, targets = self.pairs.sources.lengths, self.pairs.targets.lengths
        return {
            "points": sum(map(len, self._parts)),
            "validation_points": len(self.split[1]),
            "in_len": int(sources.max()),
            "min_in_len": int(sources.min()),
            "out_len": max(1, int(targets.max())),
            "few_symbols": 0,
        }

    def draw(self, config: TrainConfig, model: ModelConfig, start_step: int = 0) -> tuple[Pairs, Pairs]:
        """Return the training pairs and the validation pairs."""
        if self.split[1].unseen_by(model).all():
            raise InputError("all validation pairs contain symbols unseen in training: give different validation pairs")
        return self.split

    @property
    def split(self) -> tuple[Pairs, Pairs]:
        """The training pairs and the validation pairs."""
        if self.validation is not None:
            return self.pairs, self.validation
        return self.pairs[~self.is_held_out], self.pairs[self.is_held_out]

    def table_match(self) -> float:
        """Return the exact match that a table of symbols achieves on the validation pairs.

        The table replaces each source symbol with the target symbol that is most often at the same position, among the
        training pairs whose source and target have the same length.
        """
        training, validation = self.split
        training = training[training.sources.lengths == training.targets.lengths]
        counts = Counter(zip(training.sources.symbols.tolist(), training.targets.symbols.tolist(), strict=True))
        table = {source: target for (source, target), _ in reversed(counts.most_common())}
        rows = zip(validation.sources.rows(), validation.targets.rows(), strict=True)
        right = [[table.get(symbol) for symbol in source] == target for source, target in rows]
        groups = validation.sources.groups()
        return len({*groups[right].tolist()}) / len({*groups.tolist()})


Task = PatternTask | PairTask
Rows = str | os.PathLike[str] | Iterable[object]  # the path of a file, or rows as `python_records` reads them
Data = str | Callable[[list[int]], Iterable[int]] | Rows | Task


def pair_task(
    data: object,
    n: int | None = None,
    *,
    file_format: InputFormat = AS_SUFFIX,
    kinds: tokens.Kinds = (None, None),
    lowercase: bool | None = None,
    largest: tokens.Largest = (None, None),
    vocabularies: Vocabularies | None = None,
    pattern: PatternTask | None = None,
    allows_unknown: bool = False,
    holds_out: bool = False,
    validation: object = None,
    max_skipped: float = 0.0,
) -> PairTask:
    """Make a task from the first `n` pairs in a file or in rows, by default from all pairs.

    Log notices about the file, its symbols and skipped records.

    Args:
        data: the path of a file, or rows as `python_records` reads them.
        n: the number of pairs to read; None means all of them.
        file_format: how to read files.
        kinds: the kinds of symbols in sources and in targets; a kind that is None is recognised.
        lowercase: whether to convert sources to lower case; by default, as in `vocabularies`.
        largest: the largest integers in sources and in targets.
        vocabularies: the vocabularies of a network; by default, they are built from the pairs that are not held out.
        pattern: a pattern that computes the targets of integer sources; a target in a record must equal the result.
        allows_unknown: whether all pairs may contain symbols that the vocabularies lack; held-out pairs always may.
        holds_out: whether to hold pairs out for validation, unless `validation` is given.
        validation: the user's own validation pairs, in any form of `data`; None means none.
        max_skipped: the largest fraction of records to skip as invalid; if 0, any invalid record is an error.

    Raises:
        InputError: a record is invalid, too many records are invalid, or there are no pairs or fewer than n.
        UsageError: `kinds` or `lowercase` contradicts another argument, or the pattern rejects these sources.
    """
    title = _title_of(data, "pairs")
    kinds = tokens.required_kinds(
        kinds, vocabularies.tokens if vocabularies else (None, None), largest, has_pattern=pattern is not None
    )
    limits: tokens.Largest = (None, None) if allows_unknown else largest

    # Read.
    if isinstance(data, str) and isinstance(validation, str) and data == validation == "-":
        raise InputError("only one file can be - (standard input)")
    records, are_fields = read(data, title, replace(file_format, json_lines=kinds[0] == INTEGERS))

    # Tokenize.
    sides = vocabularies or tokens.new_vocabularies(tokens.recognise(kinds, records, are_fields), records, lowercase)
    if lowercase not in (None, was := sides.source.lowercase):
        raise UsageError(f"the network was trained with `lowercase` {was}, got {lowercase}")
    tokenized, errors = _tokenize(title, records, sides, limits, pattern, max_skipped, n)

    # Split.
    is_held_out, holds_out_lowest = np.zeros(len(tokenized), bool), False
    if holds_out and validation is None:
        is_held_out, holds_out_lowest = held_out([record.values for record in tokenized], sides.source.tokens)

    # Number.
    known = vocabularies or tokens.built_from(sides, itertools.compress(tokenized, ~is_held_out))
    numbered = _number(tokenized, known, largest, is_held_out | allows_unknown)
    is_held_out = is_held_out[[record.error is None for record in numbered]]
    numbered, errors = _skip_invalid(title, numbered, errors, max_skipped)
    if n and len(numbered) < n:
        raise InputError(f"{title}: expected {n} pairs, got {len(numbered)}")

    # Read, tokenize and number the validation pairs.
    validation_pairs = None
    if validation is not None:
        title_of_others = _title_of(validation, "validation")
        others, _ = read(validation, title_of_others, replace(file_format, json_lines=sides.source.tokens == INTEGERS))
        limits = largest if pattern else (None, None)
        others, their_errors = _tokenize(title_of_others, others, sides, limits, pattern, max_skipped)
        others = _number(others, known, largest, np.full(len(others), pattern is None))
        others, _ = _skip_invalid(title_of_others, others, their_errors, max_skipped)
        validation_pairs = _pairs(others, pattern, largest)
    return PairTask(
        name=pattern.name if pattern else task_name(title),
        pairs=_pairs(numbered, pattern, largest),
        is_held_out=is_held_out,
        holds_out_lowest=holds_out_lowest,
        validation=validation_pairs,
        vocabularies=known,
        places=[record.place for record in numbered],
        n_skipped=len(errors),
    )


def _title_of(data: object, default: str) -> str:
    """Return the name of the pairs for messages: the path of a file, or `default`."""
    return os.fspath(data) if isinstance(data, str | os.PathLike) else default


def _tokenize(
    title: str,
    records: Iterable[Record],
    sides: Vocabularies,
    limits: tokens.Largest,
    pattern: PatternTask | None,
    max_skipped: float,
    n: int | None = None,
) -> tuple[list[Record], list[InputError]]:
    """Split the first n valid records into symbols; return them, and the errors of the records that are skipped.

    Raises:
        InputError: a record is invalid, and none may be skipped; or there are no pairs.
    """
    paired = records if pattern else map(with_output, records)
    may_skip = max_skipped > 0
    tokenized, errors = without_errors((tokens.tokenize(record, sides, limits) for record in paired), may_skip, n)
    if not tokenized:
        first_error = f"; the first error: {errors[0]}" if errors else ""
        raise InputError(f"{file_title(title)}: no pairs of a source and a target{first_error}")
    return tokenized, errors


def _number(
    records: Sequence[Record], known: Vocabularies, largest: tokens.Largest, may_be_unknown: np.ndarray
) -> list[Record]:
    """Convert the symbols of records to numbers; log the symbols that the vocabularies lack.

    An unknown symbol gets a number of its own if the mask `may_be_unknown` `[N]` allows it; otherwise, it is an error.
    """
    with_any_symbols = [*itertools.compress(records, may_be_unknown)]
    unknown = tokens.unknown_numbers(with_any_symbols, known)
    if lacking := tokens.unknown_notice(with_any_symbols, known, largest):
        notice(lacking)
    return [
        tokens.number(record, known, unknown if may_be else ({}, {}))
        for record, may_be in zip(records, may_be_unknown, strict=True)
    ]


def _skip_invalid(
    title: str, records: Sequence[Record], errors: Sequence[InputError], max_skipped: float
) -> tuple[list[Record], list[InputError]]:
    """Return the valid records, and the `errors` together with the errors of the other records; log their number.

    Raises:
        InputError: the invalid records are more than the fraction `max_skipped`.
    """
    valid, others = without_errors(records, max_skipped > 0)
    errors = [*errors, *others]
    if not errors:
        return valid, errors
    n = len(valid) + len(errors)
    counts = f"{n:,} records of {file_title(title)}: {len(valid):,} pairs, {len(errors):,} skipped"
    if len(errors) > max_skipped * n:
        expected = f"expected to skip at most {max_skipped:.0%} of the records"
        raise InputError(f"{expected}, got {counts}; the first error: {errors[0]}")
    notice(f"Read {counts}; the first error: {errors[0]}")
    return valid, errors


def held_out(sources: Sequence[list[Any]], kind: str) -> tuple[np.ndarray, bool]:
    """Return a mask `[N]` of the sources, lists of symbols of this `kind`, that are held out for validation.

    A source is held out if its hash, which depends only on the source as a string, is in the lowest tenth of the hash
    range. If this selects fewer than a twentieth of the pairs, the twentieth with the lowest hashes is held out
    instead. Also return whether this is the case.

    Raises:
        InputError: all pairs would be held out.
    """
    strings = (join_symbols(kind, symbols) for symbols in sources)
    digests = (hashlib.blake2b(string.encode(), digest_size=8).digest() for string in strings)
    hashes = np.frombuffer(b"".join(digests), "<u8")
    highest_of_few = np.sort(hashes)[max(1, len(hashes) // 20) - 1]
    mask = np.asarray(hashes <= max(TENTH, highest_of_few))
    if mask.all():
        expected = "expected several sources, some for training and others for validation"
        raise InputError(f"{expected}, got {len({*hashes.tolist()})}: give different validation pairs")
    return mask, bool(highest_of_few > TENTH)


def _pairs(records: Sequence[Record], pattern: PatternTask | None, largest: tokens.Largest) -> Pairs:
    """Return the pairs of numbered records; if `pattern` is given, it computes the targets.

    By default, the largest valid symbol in these targets is the largest source symbol.

    Raises:
        InputError: a target in a record differs from the pattern's target.
        UsageError: the pattern rejects these sources.
    """
    sources = Sequences.of_rows([record.values for record in records])
    if not pattern:
        return Pairs(sources, Sequences.of_rows([record.output for record in records]))
    in_max_int = largest[0] or int(sources.symbols.max(initial=1))
    out_max_int = largest[1] or in_max_int
    pattern.check(int(sources.lengths.max()), (in_max_int, out_max_int), ends=True)
    targets = pattern.targets_of(sources, out_max_int)
    for record, target in zip(records, targets.rows(), strict=True):
        if record.output is not None and record.output != target:
            found = f"{list_symbols(target)}, got {list_symbols(record.output)}"
            raise InputError(f"{record.place}: expected the output of {pattern.name!r}, {found}")
    return Pairs(sources, targets)


def task_name(file: str) -> str:
    """Name a task after its data file; append `.pairs` if a built-in pattern has the same name."""
    name = "stdin" if file == "-" else Path(file).name.replace(":", ".")[-60:]
    return f"{name}.pairs" if name in PATTERNS else name
