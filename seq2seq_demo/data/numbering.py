"""Converts the symbols of records to numbers: a new vocabulary is sorted by code point, and numbered."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from seq2seq_demo.config import MAX_LEN
from seq2seq_demo.data.patterns import PatternTask
from seq2seq_demo.data.records import Place, Record, python_records, to_python
from seq2seq_demo.data.sequences import Pairs, Sequences
from seq2seq_demo.data.vocabulary import UNKNOWN, Tokenizer, Vocabularies, Vocabulary, join_symbols, list_symbols
from seq2seq_demo.declarations import preview
from seq2seq_demo.errors import InputError

TENTH = np.uint64(2**64 // 10)  # a tenth of the range of a hash
ErrorCallback = Callable[[InputError], object]


@dataclass(frozen=True)
class Numbering:
    """How the symbols of records become numbers: those of vocabularies, or those that `number_pairs` makes.

    A side that is only a `Tokenizer` gets a new vocabulary.
    """

    source: Tokenizer = Vocabulary()
    target: Tokenizer = Vocabulary()
    in_max_int: int | None = None  # largest integer in a source; None: MAX_SYMBOL
    out_max_int: int | None = None
    allows_unseen: bool = False  # symbols that a vocabulary lacks get numbers above its own
    splits: bool = False  # choose pairs that validate: only these `allows_unseen`, and they add nothing to a vocabulary

    def split(self, record: Record) -> Record:
        """Split a record into symbols; if it is invalid or its source is empty, return it with an error."""
        if record.error:
            return record
        place, values, output = record[:3]
        try:
            values = self.source.split(values, place, self.in_max_int)
            if not values:
                raise InputError(f"{place}: expected a source of {self.source.tokens}, got an empty one")
            if output is not None:
                output = self.target.split(output, place.of_output, self.out_max_int)
            if (longest := max(len(values), len(output or ()))) > MAX_LEN:
                raise InputError(f"{place}: expected sequences of at most {MAX_LEN} symbols, got {longest}")
        except InputError as error:
            return record._replace(error=error)
        return record._replace(values=values, output=output)


def number(record: Record, vocabularies: Vocabularies, hint: str = "") -> Record:
    """Convert a record of symbols to numbers; if a symbol is unknown, return it with an error that ends with `hint`."""
    if record.error or not vocabularies.are_text:
        return record
    place, values, output = record[:3]
    try:
        values = vocabularies.source.to_numbers(values, place)
        output = output and vocabularies.target.to_numbers(output, place.of_output)
        return record._replace(values=values, output=output)
    except InputError as error:
        return record._replace(error=InputError(f"{error}{hint}"))


def valid_records(records: Iterable[Record], on_error: ErrorCallback | None = None) -> Iterator[Record]:
    """Yield the records without an error; pass each error to `on_error`, or by default raise it."""
    for record in records:
        if record.error is None:
            yield record
        elif on_error is None:
            record.error.row = record.place.number if record.place.kind == "row" else None
            raise record.error
        else:
            on_error(record.error)


def by_length(records: list[Record]) -> dict[int, list[int]]:
    """Return the indices of records for each source length; unreadable records are not included."""
    indices: dict[int, list[int]] = {}
    for index, record in enumerate(records):
        if record.error is None:
            indices.setdefault(len(record.values), []).append(index)
    return indices


def source_records(sources: Any, vocabulary: Vocabulary, largest: int) -> list[Record]:
    """Return the numbered records of sources, as `python_records` reads them; outputs are left out.

    `largest` is the largest valid integer. An unreadable source has an error.

    Raises:
        InputError: `sources` is one source, or has another type.
    """
    if isinstance(sources, str):
        raise _is_one(sources)
    split, records = Numbering(vocabulary, in_max_int=largest).split, []
    for record in python_records(sources, "sources", is_paired=False):
        if isinstance(record.values, int) and not vocabulary.is_text:
            raise _is_one(sources)
        numbered = number(split(record._replace(output=None)), Vocabularies(vocabulary))
        records.append(record._replace(error=numbered.error) if numbered.error else numbered)
    return records


def _is_one(source: Any) -> InputError:
    found = preview(to_python(source))
    return InputError(f"sources: expected a list of sources, got {found}; network({found}) answers one source")


class NumberedPairs(NamedTuple):
    """Pairs with their vocabularies and the place of each pair."""

    pairs: Pairs
    vocabularies: Vocabularies
    places: list[Place]
    known: Vocabularies  # without the unseen symbols
    may_have_unseen: np.ndarray  # [N], a mask of the pairs that validate, or of all if all may have unseen symbols


def validation_mask(tokens: str, sources: Iterable[list[Any]]) -> np.ndarray:
    """Return a mask of the sources, lists of symbols, that validate, `[N]`.

    A source validates if its hash, which depends only on the source as text, is below a tenth of the range. At least a
    twentieth of the pairs validate: of few pairs, those of the sources with the lowest hashes.
    """
    texts = (join_symbols(tokens, symbols) for symbols in sources)
    digests = (hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
    hashes = np.frombuffer(b"".join(digests), "<u8")
    return np.asarray(hashes <= max(TENTH, np.sort(hashes)[max(1, len(hashes) // 20) - 1]))


def number_pairs(
    records: Iterable[Record],
    numbering: Numbering,
    n: int | None = None,
    pattern: PatternTask | None = None,
    on_error: ErrorCallback | None = None,
) -> NumberedPairs:
    """Convert records to pairs, all or the first n.

    Args:
        records: the records of the pairs.
        numbering: converts their symbols. The largest symbols of a pattern's targets are its `out_max_int`, or else
            those of the sources.
        n: the number of pairs; None takes all.
        pattern: computes the targets of integer sources, and any outputs in the records must equal them.
        on_error: receives the error of each invalid record; None raises it.

    Raises:
        InputError: a record is not a valid pair, or there are no pairs.
        UsageError: the pattern cannot compute targets of these sources.
    """
    paired = records if pattern else map(with_output, records)
    rows = [*itertools.islice(valid_records(map(numbering.split, paired), on_error), n)]
    if not rows:
        raise InputError("expected pairs of a source and a target, got none")
    sides, may_have_unseen = (numbering.source, numbering.target), np.full(len(rows), numbering.allows_unseen)
    if numbering.splits:
        may_have_unseen = validation_mask(numbering.source.tokens, (row.values for row in rows))
        may_have_unseen &= not may_have_unseen.all()
    known = _vocabularies(sides, [*itertools.compress(rows, ~may_have_unseen)] or rows)
    every = _vocabularies(known, rows, extends=True) if may_have_unseen.any() else known
    hint = "; the vocabulary of a network cannot grow: train a new one"
    rows = [number(row, every if each else known, hint) for row, each in zip(rows, may_have_unseen, strict=True)]
    may_have_unseen = may_have_unseen[[row.error is None for row in rows]]
    rows = [*valid_records(rows, on_error)]
    sources = Sequences.of_rows([row.values for row in rows])
    if pattern:
        targets = _pattern_targets(pattern, sources, rows, numbering)
    else:
        targets = Sequences.of_rows([row.output for row in rows])
    return NumberedPairs(Pairs(sources, targets), every, [row.place for row in rows], known, may_have_unseen)


def _vocabularies(sides: Iterable[Tokenizer], rows: list[Record], extends: bool = False) -> Vocabularies:
    """Return the vocabularies of rows, or those that are known; `extends` adds the other symbols in the rows."""
    columns = [row.values for row in rows], [row.output or [] for row in rows]
    return Vocabularies(*(_vocabulary(*each, extends) for each in zip(sides, columns, strict=True)))


def _vocabulary(side: Tokenizer, rows: list[list[Any]], extends: bool) -> Vocabulary:
    """Return the vocabulary of one side's symbols: those of a known vocabulary, then all others by code point."""
    if isinstance(side, Vocabulary) and not extends:
        return side
    if not side.is_text:
        return Vocabulary()
    known = (*side.symbols, UNKNOWN)[: side.largest + 1] if isinstance(side, Vocabulary) else ()
    others = sorted({*itertools.chain.from_iterable(rows)}.difference(known))
    if not (known or others):
        raise InputError(f"expected {side.tokens} in at least one target, got only empty targets")
    return Vocabulary(side.tokens, (*known, *others), form=side.form, lowercase=side.lowercase)


def with_output(record: Record) -> Record:
    """Return the record, with an error if it has no output."""
    if record.error or record.output is not None:
        return record
    expected = (
        'expected a target too, after a tab (in CSV, a comma), as "output" in JSON, or as the second of `columns`'
    )
    return record._replace(error=InputError(f"{record.place}: {expected}, got only {preview(record.values)}"))


def _pattern_targets(
    pattern: PatternTask, sources: Sequences, records: list[Record], numbering: Numbering
) -> Sequences:
    """Return the pattern's targets of the sources; raise InputError if a record has another output."""
    largest = int(sources.symbols.max(initial=1))
    in_max_int = numbering.in_max_int or largest
    out_max_int = numbering.out_max_int or in_max_int
    pattern.check(int(sources.lengths.max()), None, in_max_int, out_max_int, ends=True)
    targets = pattern.targets_of(sources, out_max_int)
    for record, target in zip(records, targets.rows(), strict=True):
        if record.output is not None and record.output != target:
            found = f"{list_symbols(target)}, got {list_symbols(record.output)}"
            raise InputError(f"{record.place}: expected the output of {pattern.name!r}, {found}")
    return targets
