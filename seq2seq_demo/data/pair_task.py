"""The task of learning a user's pairs of a source and a target, and warnings about probable mistakes.

Also `Task`, and the conversion of whatever a user gives as a task.
"""

import functools
import hashlib
import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np

from seq2seq_demo.config import CHARACTERS, INTEGERS, TOKENS, ModelConfig, TrainConfig
from seq2seq_demo.data.numbering import NumberedPairs, Numbering, number_pairs, validation_mask
from seq2seq_demo.data.patterns import PATTERNS, PatternTask, as_pattern
from seq2seq_demo.data.reading import InputFormat, Layout, file_title, read_file
from seq2seq_demo.data.records import Place, Record, Tokens, python_records, recognise
from seq2seq_demo.data.sequences import Pairs, Sequences
from seq2seq_demo.data.vocabulary import MAX_LISTED, MAX_SYMBOL, Vocabularies, form_of, tokenizers
from seq2seq_demo.declarations import likely_name, preview, require_choice
from seq2seq_demo.errors import InputError, MissingInput, UsageError

# The longest sequence is an outlier if its length exceeds both OUTLIER_LEN and OUTLIER_RATIO times the typical length,
# which is the TYPICAL_QUANTILE of the lengths.
OUTLIER_LEN, OUTLIER_RATIO, TYPICAL_QUANTILE = 200, 5, 0.999


@dataclass(frozen=True)
class PairTask:
    """A task of one or more pairs that a user provides.

    If a source has several pairs, any of their targets is correct.
    """

    is_pairs: ClassVar[bool] = True
    name: str
    pairs: Pairs
    validation: Pairs | None = None  # None: about a tenth of `pairs` validate
    vocabularies: Vocabularies = Vocabularies()
    places: Sequence[Place] = ()  # the place of each pair in its file, for warnings; may be empty
    n_skipped: int = 0  # invalid records that were left out
    validates: np.ndarray | None = None  # [N], a mask of `pairs` that validate; None: it follows from their sources

    @property
    def _splits(self) -> list[Pairs]:
        return [self.pairs] if self.validation is None else [self.pairs, self.validation]

    @functools.cached_property
    def digest(self) -> str:
        """A checksum of the pairs and their vocabularies."""
        digest = hashlib.sha256()
        for pairs in self._splits:
            for numbers in (pairs.sources.lengths, pairs.sources.symbols, pairs.targets.lengths, pairs.targets.symbols):
                digest.update(numbers.astype("<i8").tobytes())
        if self.vocabularies.are_text:
            digest.update(repr(self.vocabularies).encode())
        return digest.hexdigest()

    @property
    def validates_by_content(self) -> bool:
        """Whether the content of the pairs decides which of them validate; otherwise, the user gave the others."""
        return self.validation is None

    def fingerprint(self, config: TrainConfig, model: ModelConfig) -> str:
        """Return the checksum of the pairs, which does not depend on the configs."""
        return self.digest

    def largest_symbols(self) -> dict[str, int]:
        """Return the largest source and target symbols, at least 1, because a network has two symbols or more."""
        in_max_int = max(int(pairs.sources.symbols.max(initial=1)) for pairs in self._splits)
        out_max_int = max(int(pairs.targets.symbols.max(initial=1)) for pairs in self._splits)
        return {"in_max_int": in_max_int, "out_max_int": out_max_int} | self.vocabularies.largest_symbols()

    def sizes(self) -> dict[str, int]:
        """Return the settings of training that follow from the pairs: their numbers and lengths."""
        sources, targets = self.pairs.sources.lengths, self.pairs.targets.lengths
        return {
            "points": sum(map(len, self._splits)),
            "validation_points": len(self.split[1]),
            "in_len": int(sources.max()),
            "min_in_len": int(sources.min()),
            "out_len": max(1, int(targets.max())),
            "few_symbols": 0,
        }

    def draw(self, config: TrainConfig, model: ModelConfig, start_step: int = 0) -> tuple[Pairs, Pairs]:
        """Return the training pairs and the validation pairs."""
        if self.split[1].unseen_by(model).all():
            expected = "expected validation pairs of symbols that occur in the training pairs, got none"
            raise InputError(f"{expected}; give other pairs to validate with")
        return self.split

    @functools.cached_property
    def split(self) -> tuple[Pairs, Pairs]:
        """The training pairs and the validation pairs, as `validation_mask` chooses them.

        Raises:
            InputError: all pairs would validate.
        """
        if self.validation is not None:
            return self.pairs, self.validation
        source, validates = self.vocabularies.source, self.validates
        if validates is None:
            validates = validation_mask(source.tokens, map(source.to_symbols, self.pairs.sources.rows()))
        if validates.all():
            n_sources = len({*self.pairs.sources.groups().tolist()})
            expected = "expected pairs of several sources, some to train on and others to validate with"
            raise InputError(f"{expected}, got {n_sources}; give other pairs to validate with")
        return self.pairs[~validates], self.pairs[validates]

    def table_match(self) -> float:
        """Return the exact match of a table of symbols on the validation pairs.

        It replaces each source symbol by its most frequent target symbol in training pairs with sides of equal length.
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
Rows = str | os.PathLike[str] | Iterable[object]  # the path of a file, or whatever `python_records` reads
Data = str | Callable[[list[int]], Iterable[int]] | Rows | Task


class PairReading(NamedTuple):
    """How files and rows of pairs become a task."""

    vocabularies: Vocabularies | None = None  # those of a network; None: made from the pairs
    tokens: Tokens = (None, None)  # without `vocabularies`, the kinds of tokens; None: recognised
    lowercase: bool | None = None  # as in `tokenizers`
    largest: Mapping[str, Any] = MappingProxyType({})  # the largest integers, by the names of their settings
    pattern: PatternTask | None = None  # makes the targets
    allows_unseen: bool = False  # whether all pairs, not only those that validate, may have symbols beyond these
    trains: bool = False  # whether some of the pairs are to validate; the vocabularies are then those of the others
    max_skipped: float | None = None  # the largest share of invalid records to leave out; None: raise their errors
    read_file: Callable[[str, Tokens], tuple[Layout, list[Record]]] = lambda file, tokens: read_file(
        file, InputFormat(tokens)
    )
    notify: Callable[[str], object] = lambda notice: None  # receives notices about the records, each as one line

    def required_tokens(self, side: int) -> str | None:
        """Return the kind of tokens in sources (0) or targets (1); None if it is recognised.

        A pattern or a largest integer implies integers.

        Raises:
            UsageError: the kind is unknown, or differs from the one that follows from the other fields.
        """
        given, name = self.tokens[side], ("in", "out")[side]
        if given is not None:
            require_choice(f"`{name}_tokens`", given, TOKENS)
        required, reason = given, ""
        if self.vocabularies:
            required, reason = self.vocabularies.tokens[side], "the network"
        elif self.pattern or self.largest.get(f"{name}_max_int") is not None:
            required, reason = INTEGERS, "a pattern" if self.pattern else f"`{name}_max_int`"
        if given not in (None, required):
            raise UsageError(f"expected `{name}_tokens` {required}, because of {reason}, got {given}")
        return required


DEFAULT_READING = PairReading()


def as_task(
    data: Data, how: PairReading = DEFAULT_READING, n: int | None = None, validation: Rows | None = None
) -> Task:
    """Convert whatever a user gives as data to a task; return a task unchanged.

    A text names a pattern if a built-in pattern has this name or it has the form of `FILE.py:FUNCTION`; any other text
    names a file. The other arguments are for pairs, as in `as_pair_task`.

    Raises:
        UsageError: a function cannot be imported, or an argument does not fit the data.
        InputError: a pair is invalid, or there is no file and no pattern of this name.
    """
    if pattern := as_pattern(data):
        if validation is not None or how.lowercase is not None or not {*how.tokens} <= {None, INTEGERS}:
            names = "`validation`, `in_tokens`, `out_tokens` or `lowercase`"
            raise UsageError(f"expected pairs with {names}, got pattern {pattern.name!r}")
        if how.vocabularies and how.vocabularies.are_text:
            expected = " and ".join(how.vocabularies.tokens)
            raise UsageError(f"expected pairs of {expected}, as in the network, got pattern {pattern.name!r}")
        return pattern
    if isinstance(data, str) and not os.path.lexists(data):
        near = likely_name(data, PATTERNS)
        hint = f"did you mean the pattern {near!r}?" if near else f"the patterns are {', '.join(PATTERNS)}"
        raise MissingInput(f"expected a file of pairs or a pattern's name, got {preview(data, repr)}: {hint}")
    return as_pair_task(data, how, n, validation)


def as_pair_task(
    data: object, how: PairReading = DEFAULT_READING, n: int | None = None, validation: Rows | None = None
) -> PairTask:
    """Convert a file or rows to a task of their first `n` pairs, by default all; return a task unchanged.

    Raises:
        InputError: a pair is invalid, or too many are, or there are fewer than `n`.
        UsageError: the tokens or `lowercase` fit neither each other nor the vocabularies.
    """
    if isinstance(data, PairTask):
        return data
    splits = how.trains and validation is None
    title, numbered, n_skipped = _read(data, "pairs", how._replace(trains=splits), n)
    pairs, vocabularies, places = numbered[:3]
    if n and len(pairs) < n:
        raise InputError(f"{title}: expected {n} pairs, found {len(pairs)}")
    name, validating, mask = how.pattern.name if how.pattern else task_name(title), None, None
    if splits and numbered.may_have_unseen.any():
        vocabularies, mask = numbered.known, numbered.may_have_unseen
        numbered = numbered._replace(pairs=pairs[mask], places=[*itertools.compress(places, mask)])
    elif validation is not None:
        how = how._replace(vocabularies=vocabularies, allows_unseen=how.pattern is None, trains=False)
        _, numbered, n_more = _read(validation, "validation", how)
        validating, n_skipped = numbered.pairs, n_skipped + n_more
    if mask is not None or validating:
        for notice in unseen_notices(*numbered[:3], {**how.largest, **vocabularies.largest_symbols()}):
            how.notify(notice)
    return PairTask(name, pairs, validating, vocabularies, places, n_skipped, mask)


def _read(data: Any, title: str, how: PairReading, n: int | None = None) -> tuple[str, NumberedPairs, int]:
    """Return the title, the numbered pairs and the number of skipped records of a file or of rows."""
    skipped, tokens = list[InputError](), (how.required_tokens(0), how.required_tokens(1))
    if isinstance(data, str | os.PathLike):
        title = os.fspath(data)
        layout, records = how.read_file(title, tokens)
        kinds = layout.tokens
    else:
        records = [*python_records(data, title)]
        kinds = recognise(tokens, records)
    largest = {} if how.allows_unseen else how.largest
    limits = largest.get("in_max_int"), largest.get("out_max_int")
    source, target = tokenizers(kinds, how.lowercase, how.vocabularies)
    if not how.vocabularies:
        source = replace(source, form=form_of(source.tokens, (record.values for record in records)))
        target = replace(target, form=form_of(target.tokens, (record.output for record in records)))
    numbering = Numbering(source, target, *limits, allows_unseen=how.allows_unseen, splits=how.trains)
    try:
        on_error = None if how.max_skipped is None else skipped.append
        numbered = number_pairs(records, numbering, n, how.pattern, on_error)
    except InputError as error:
        if skipped:  # all pairs
            raise InputError(f"{error}; the first error: {skipped[0]}") from error
        raise
    if skipped:
        how.notify(_skipped_notice(title, len(numbered.pairs), skipped, how.max_skipped or 0.0))
    return title, numbered, len(skipped)


def _skipped_notice(title: str, n_pairs: int, errors: Sequence[InputError], max_share: float) -> str:
    """Return how many records were skipped; raise InputError if they are too many."""
    n = n_pairs + len(errors)
    counts = f"{n:,} records of {file_title(title)}: {n_pairs:,} pairs, {len(errors):,} skipped"
    if len(errors) > max_share * n:
        expected = f"expected to skip at most {max_share:.0%} of the records"
        raise InputError(f"{expected}, got {counts}; the first error: {errors[0]}")
    return f"Read {counts}; the first error: {errors[0]}"


def task_name(file: str) -> str:
    """Name a task after its data file; append `.pairs` if a built-in pattern has the same name."""
    name = "stdin" if file == "-" else Path(file).name.replace(":", ".")[-60:]
    return f"{name}.pairs" if name in PATTERNS else name


def unseen_notices(
    pairs: Pairs, vocabularies: Vocabularies, places: Sequence[Place], largest: Mapping[str, Any]
) -> Iterator[str]:
    """Yield a notice if pairs have symbols above the largest ones of a network, by the names of its settings."""
    is_unseen, lacked = np.zeros(len(pairs), bool), []
    sides = {"in_max_int": (pairs.sources, "sources"), "out_max_int": (pairs.targets, "targets")}
    for (name, (sequences, side)), vocabulary in zip(sides.items(), vocabularies, strict=True):
        limit = largest.get(name, MAX_SYMBOL)
        if len(above := np.unique(sequences.symbols[sequences.symbols > limit])):
            symbols = vocabulary.to_symbols(above[:MAX_LISTED].tolist())
            lacked.append(f"{', '.join(map(preview, symbols))} in {side}")
            is_unseen |= sequences.exceed(limit)
    if lacked:
        found = f"{is_unseen.sum()} of {len(pairs)} pairs{_example(places, is_unseen)}"
        yield f"Training lacked {' and '.join(lacked)}: {found}, count as wrong in every figure but the loss"


def pair_warnings(task: PairTask) -> Iterator[str]:
    """Yield the warnings about a task's pairs, each as one line."""
    sources, targets, places = task.pairs.sources, task.pairs.targets, task.places
    source_ids = sources.groups()
    n_targets = np.bincount(np.unique(np.stack([source_ids, targets.groups()]), axis=1)[0])
    is_empty, has_several = targets.lengths == 0, (n_targets > 1)[source_ids]
    if n := int(is_empty.sum()):
        yield f"Pairs with an empty target: {n}{_example(places, is_empty)}; remove them if their targets are missing"
    if n := int((n_targets > 1).sum()):
        yield f"Sources with several targets: {n}{_example(places, has_several)}; an answer may equal any of them"
    yield from _space_warning(task)
    yield from _outlier_warning("source", sources, places)
    yield from _outlier_warning("target", targets, places)
    if len(targets) > 1 and len({*targets.groups().tolist()}) == 1:
        yield "Every target is the same, so there is nothing to learn from the sources"
    if task.validation:
        yield from _overlap_warning(sources, task.validation.sources)


def _example(places: Sequence[Place], is_example: np.ndarray) -> str:
    return f", such as {places[int(np.argmax(is_example))]}" if places else ""


def _outlier_warning(kind: str, sequences: Sequences, places: Sequence[Place]) -> Iterator[str]:
    """Warn about the longest sequence if it is far longer than almost all others."""
    longest, typical = int(np.argmax(sequences.lengths)), max_typical_length(sequences.lengths)
    length = int(sequences.lengths[longest])
    if length > typical:
        place = f"{places[longest]}: " if places else ""
        long = f"{place}the {kind} has {length} symbols, but almost all others have at most {typical}"
        yield f"{long}: training takes longer and needs more memory with it; remove it if it is a mistake"


def _space_warning(task: PairTask) -> Iterator[str]:
    """Warn about characters that begin or end with a space, which is hard to see."""
    sides = {"Sources": task.pairs.sources, "Targets": task.pairs.targets}
    for (name, side), vocabulary in zip(sides.items(), task.vocabularies, strict=True):
        if vocabulary.tokens == CHARACTERS and " " in vocabulary.symbols:
            sequences = side[side.lengths > 0]
            ends, is_space = np.cumsum(sequences.lengths), sequences.symbols == vocabulary.symbols.index(" ")
            if n := int((is_space[ends - 1] | is_space[ends - sequences.lengths]).sum()):
                yield f"{name} with a space at the beginning or end, which counts as a character: {n}"


def max_typical_length(lengths: np.ndarray) -> int:
    """Return the maximum of the lengths `[N]`, or their 99.9th percentile if the maximum is an outlier."""
    typical, longest = int(np.quantile(lengths, TYPICAL_QUANTILE, method="lower")), int(lengths.max())
    return typical if longest > max(OUTLIER_LEN, OUTLIER_RATIO * typical) else longest


def _overlap_warning(training: Sequences, validation: Sequences) -> Iterator[str]:
    """Warn about validation sources that are also training sources."""
    _, first = np.unique(validation.groups(), return_index=True)
    if n := int(validation[first].are_in(training).sum()):
        overlap = f"{n} of {len(first)} distinct validation sources are also training sources"
        yield f"{overlap}: validation figures are too optimistic"
