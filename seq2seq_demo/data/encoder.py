"""The third step of reading: encoders validate a user's records and convert their symbols to numbers."""

import itertools
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from seq2seq_demo import system_memory
from seq2seq_demo.config import INTEGERS, MAX_LEN, ON_ERROR
from seq2seq_demo.data.patterns import PatternTask
from seq2seq_demo.data.python_rows import python_sources
from seq2seq_demo.data.records import Place, Places, Record, list_symbols
from seq2seq_demo.data.sequences import Pairs, Sequences, concatenate
from seq2seq_demo.data.vocabulary import INTEGER_VOCABULARIES, AnyVocabulary, Vocabularies, Vocabulary
from seq2seq_demo.declarations import preview, require_choice
from seq2seq_demo.errors import InputError, UsageError

ROWS_PER_ARRAY = 10_000  # rows converted to arrays at once
ROW_BYTES = 250  # memory per pair in addition to its symbols: lengths, order and group id
ErrorCallback = Callable[[InputError], object]


@dataclass(frozen=True)
class Encoder:
    """Validates records of a source and an output, and converts their symbols to numbers.

    Sources must not be empty. `equal_lengths` is for a network that does not end its answers: outputs must not be empty
    either, and if `in_len` or `out_len` is None, the first valid record sets it.
    """

    source: AnyVocabulary = INTEGER_VOCABULARIES.source
    target: AnyVocabulary = INTEGER_VOCABULARIES.target
    in_max_int: int | None = None  # largest integer in a source; None: MAX_SYMBOL
    out_max_int: int | None = None
    equal_lengths: bool = False
    in_len: int | None = None  # None: any length
    out_len: int | None = None
    answer_len: Callable[[int], int] | None = None  # maps the source length to the output length
    check_memory: Callable[[int], object] = lambda _: None  # raises UsageError for a length of sources
    needs_output: bool = False  # set by `encode_pairs`, if no pattern computes the outputs

    def encode_all(self, rows: Iterable[Record | None]) -> Iterator[Record | None]:
        """Yield the records with numbers, or with their error. None is passed on."""
        encoder = self
        for row in rows:
            encoded = row and encoder.encode(row)
            yield encoded
            if self.equal_lengths and encoded and not encoded.error and not (encoder.in_len and encoder.out_len):
                out_len = encoder.out_len or len(encoded.output or ()) or None
                encoder = replace(encoder, in_len=len(encoded.values), out_len=out_len)

    def encode(self, row: Record) -> Record:
        """Return a record with its symbols as numbers, or with its error.

        It has an error if it had one, if its source or output is invalid, or if one of them has unknown symbols. Then
        it adds nothing to the vocabulary.
        """
        try:
            return row if row.error else self._encoded(row)
        except InputError as error:
            return row._replace(error=error)

    def _encoded(self, row: Record) -> Record:
        place, output = row.place, row.output
        output_place = Place(place.title, place.kind, place.number, "output")
        values = self.source.split(row.values, place, self.in_max_int)
        if not values and self.source.tokens != INTEGERS:
            raise InputError(f"{place}: expected a source of {self.source.tokens}, got an empty one")
        _check_length(place, len(values), self.in_len, "in_len")
        try:
            self.check_memory(len(values))
        except UsageError as error:
            raise InputError(f"{place}: {error}") from error
        if output is not None:
            output = self.target.split(output, output_place, self.out_max_int)
            T = self.out_len or (self.answer_len and self.answer_len(len(values)))
            _check_length(output_place, len(output), T, "out_len", at_least=int(self.equal_lengths))
            if (longest := max(len(values), len(output))) > MAX_LEN:
                raise InputError(f"{place}: expected sequences of at most {MAX_LEN} symbols, got {longest}")
        elif self.needs_output:
            raise _missing_output(row)
        if self.source.tokens == self.target.tokens == INTEGERS:
            return row  # unchanged
        values, output = self.source.to_numbers(values, place), output and self.target.to_numbers(output, output_place)
        return Record(place, values, output, row.others)


def _check_length(place: object, n: int, expected: int | None, option: str, at_least: int = 1) -> None:
    """Raise InputError unless n equals `expected`; if `expected` is None, n must be at least `at_least`."""
    if n != (expected or max(n, at_least)):
        found = f"{n}; for sequences of that length give `{option}` {n}" if n else "none"
        raise InputError(f"{place}: expected {expected or 'some'} integers, got {found}")


def _missing_output(row: Record) -> InputError:
    """Return the error of a record without an output."""
    found = f"none beside {', '.join(map(preview, row.others))[:200]}" if row.others else "none"
    expected = 'expected a target too, after a tab, as "output" in JSON, or as the second of `columns`'
    return InputError(f"{row.place}: {expected}, got {found}; `format` reads a file as text, csv, tsv or json")


def valid_records(rows: Iterable[Record | None], on_error: ErrorCallback | None = None) -> Iterator[Record | None]:
    """Yield the records without an error; pass each error to `on_error`, or by default raise it. None is passed on."""
    for row in rows:
        if row is None or row.error is None:
            yield row
        elif on_error is None:
            raise row.error
        else:
            on_error(row.error)


def batches(rows: Iterable[Record | None], size: int) -> Iterator[list[Record] | None]:
    """Yield batches of up to `size` records.

    None among the records flushes the current batch and is passed on. If `rows` raises InputError, the current batch is
    yielded first.
    """
    batch: list[Record] = []
    try:
        for row in rows:
            batch += [row] if row else []
            if batch and (row is None or len(batch) == size):
                yield batch
                batch = []
            if row is None:
                yield None
    except InputError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def source_records(sources: Any, vocabulary: Vocabulary, largest: int, on_error: str = ON_ERROR[0]) -> list[Record]:
    """Return the records of sources; `sources` is anything that `python_sources` converts to a list.

    `largest` is the largest valid integer. `on_error` is as in `TrainedNetwork.predict`.

    Raises:
        InputError: `sources` has another type, or a source has an integer outside 0…largest or an unknown symbol.
        UsageError: `on_error` is invalid.
    """
    returns_errors = require_choice("`on_error`", on_error, ON_ERROR) == "return"
    rows, kind = python_sources(sources), "text" if vocabulary.is_text else "list of integers"
    if not isinstance(rows, list) or (rows and isinstance(rows[0], int)):
        example = [*map(str, rows)] if vocabulary.is_text and isinstance(rows, list) else [rows]
        hint = f"; write {preview(example)}" if isinstance(rows, str | list) else ""
        raise InputError(f"expected a list of sources, each a {kind}, got {preview(sources)}{hint}")
    encoder = Encoder(vocabulary, in_max_int=largest)
    records = [encoder.encode(Record(Place("sources", "row", n), row)) for n, row in enumerate(rows)]
    return records if returns_errors else [*filter(None, valid_records(records))]


class EncodedPairs(NamedTuple):
    """Pairs with their vocabularies and the place of each pair."""

    pairs: Pairs
    vocabularies: Vocabularies
    places: Places


def encode_pairs(
    rows: Iterable[Record | None],
    encoder: Encoder,
    n: int | None = None,
    pattern: PatternTask | None = None,
    on_error: ErrorCallback | None = None,
) -> EncodedPairs:
    """Encode all pairs, or the first n.

    Args:
        rows: the records of the pairs.
        encoder: converts their symbols. The largest symbols of a pattern's targets are its `out_max_int`, or else
            those of the sources.
        n: the number of pairs; None reads all.
        pattern: computes the targets of integer sources, and any outputs in the records must equal them.
        on_error: receives the error of each invalid record; None raises it.

    Raises:
        InputError: a record is not a valid pair, or there are no pairs, or they do not fit into memory.
        UsageError: the pattern cannot compute targets of these sources.
    """
    encoder = replace(encoder, needs_output=pattern is None)
    records = itertools.islice(filter(None, valid_records(encoder.encode_all(rows), on_error)), n)
    sources, targets, kept, numbers = list[Sequences](), list[Sequences](), list[Record](), array("q")
    while batch := [*itertools.islice(records, ROWS_PER_ARRAY)]:
        place = batch[0].place
        numbers.extend(row.place.number for row in batch)
        sources.append(Sequences.of_rows([row.values for row in batch]))
        targets.append(Sequences.of_rows([row.output or [] for row in batch]))
        kept += batch if pattern else []
        _require_memory(sources, targets)
    if not sources:
        raise InputError("expected pairs of a source and a target, got none")
    numbered_sources, source_vocabulary = _number_symbols(sources, encoder.source)
    if pattern:
        numbered_targets, target_vocabulary = _pattern_targets(pattern, numbered_sources, kept, encoder), Vocabulary()
    else:
        numbered_targets, target_vocabulary = _number_symbols(targets, encoder.target)
    vocabularies = Vocabularies(source_vocabulary, target_vocabulary)
    return EncodedPairs(Pairs(numbered_sources, numbered_targets), vocabularies, Places(place, numbers))


def _pattern_targets(pattern: PatternTask, sources: Sequences, rows: list[Record], encoder: Encoder) -> Sequences:
    """Return the pattern's targets of the sources; raise InputError if a record has another output."""
    largest = int(sources.symbols.max(initial=1))
    in_max_int, out_max_int = encoder.in_max_int or largest, encoder.out_max_int or encoder.in_max_int or largest
    pattern.check(int(sources.lengths.max()), None, in_max_int, out_max_int, ends=True)
    targets = pattern.targets_of(sources, out_max_int)
    for row, target in zip(rows, targets.rows(), strict=True):
        if row.output is not None and row.output != target:
            found = f"{list_symbols(target)}, got {list_symbols(row.output)}"
            raise InputError(f"{row.place}: expected the output of {pattern.name!r}, {found}")
    return targets


def _require_memory(sources: list[Sequences], targets: list[Sequences]) -> None:
    """Raise InputError if training on these pairs, which needs three copies of them, would exceed the memory."""
    rows = ROWS_PER_ARRAY * len(sources)
    needed = rows * ROW_BYTES + 3 * sum(part.symbols.nbytes for part in (*sources, *targets))
    if shortage := system_memory.shortage(needed):
        raise InputError(f"the first {rows} pairs {shortage}: use fewer pairs")


def _number_symbols(parts: list[Sequences], vocabulary: AnyVocabulary) -> tuple[Sequences, Vocabulary]:
    """Concatenate the sequences; if the vocabulary is new, build it and convert preliminary numbers to final ones."""
    sequences = concatenate(parts)
    if isinstance(vocabulary, Vocabulary):
        return sequences, vocabulary
    built, final = vocabulary.build()
    return Sequences(final.astype(sequences.symbols.dtype)[sequences.symbols], sequences.lengths), built
