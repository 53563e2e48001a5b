"""Readers that validate a user's records, convert their symbols to numbers, and return records, batches or pairs."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from seq2seq_demo import system_memory
from seq2seq_demo.config import INTEGERS, MAX_LEN, ON_ERROR, UNKNOWN
from seq2seq_demo.data.blocks import plain_name
from seq2seq_demo.data.pattern_task import SequencePattern
from seq2seq_demo.data.python_rows import python_sources
from seq2seq_demo.data.records import MAX_LISTED, Place, Places, Record, list_symbols, preview
from seq2seq_demo.data.sequences import Pairs, Sequences, concatenate
from seq2seq_demo.data.vocabulary import INTEGER_VOCABULARIES, AnyVocabulary, Vocabularies, Vocabulary, quoted
from seq2seq_demo.declarations import require_choice
from seq2seq_demo.errors import InputError

ROWS_PER_ARRAY = 10_000  # rows converted to arrays at once
ROW_BYTES = 250  # memory per pair in addition to its symbols: lengths, order and group id
PAIR = '{"input": [...], "output": [...]}'
LENGTH_HINT = "; for sequences of that length give `in_len` {}"


class NoPairsError(InputError):
    """There are no valid pairs."""


@dataclass
class RowReader:
    """Validates records with a source and an optional output, and converts their symbols to numbers.

    Sources must not be empty. `equal_lengths` is for a network that does not end its answers: outputs must not be empty
    either, and if `in_len` or `out_len` is None, the first record sets it.
    """

    source: AnyVocabulary = INTEGER_VOCABULARIES.source
    target: AnyVocabulary = INTEGER_VOCABULARIES.target
    in_max_int: int | None = None  # largest integer in a source; None: MAX_SYMBOL
    out_max_int: int | None = None
    equal_lengths: bool = False
    in_len: int | None = None  # None: any length
    out_len: int | None = None
    predicted_len: Callable[[int], int] | None = None  # maps the source length to the output length
    length_hint: str = ""  # appended to the error about a source whose length is not in_len; {} is the length
    drops_unknown: bool = False  # leave unknown symbols out of sources; requires a vocabulary and `in_max_int`
    on_error: Callable[[InputError], object] | None = None  # receives each invalid record's error; None: raise it

    def read_all(self, rows: Iterable[Record | None]) -> Iterator[Record | None]:
        """Yield the valid records, with their symbols converted to numbers. None is passed on."""
        for row in rows:
            try:
                yield row and self.read(row)
            except InputError as error:
                if self.on_error is None:
                    raise
                self.on_error(error)

    def read_or_note_error(self, row: Record) -> Record:
        """Like `read`, but return an invalid record with its error."""
        try:
            return self.read(row)
        except InputError as error:
            return row._replace(error=error)

    def read(self, row: Record) -> Record:
        """Validate a record and convert its symbols to numbers; an invalid record adds nothing to the vocabulary.

        Raises:
            InputError: the record contains an error, or its source or output is invalid or has unknown symbols.
        """
        row = self._without_unknown(row) if self.drops_unknown else row
        values, output = self.validate(row)
        if self.source.tokens == self.target.tokens == INTEGERS:
            return row
        values = self.source.to_numbers(values, row.place)
        output_place = row.place._replace(side="output")
        return row._replace(values=values, output=output and self.target.to_numbers(output, output_place))

    def _without_unknown(self, row: Record) -> Record:
        """Move the unknown symbols of a source to `dropped`."""
        assert isinstance(self.source, Vocabulary)
        assert self.in_max_int is not None
        if row.error or isinstance(row.values, InputError):
            return row
        symbols, known = self.source.split(row.values, row.place), self.source.known_symbols(self.in_max_int)
        dropped = tuple(symbol for symbol in symbols if symbol not in known)
        if dropped and len(dropped) == len(symbols):
            found = ", ".join(map(quoted, [*dict.fromkeys(dropped)][:MAX_LISTED]))
            raise InputError(f"{row.place}: expected symbols seen in training, got only {found}")
        return row._replace(values=[symbol for symbol in symbols if symbol in known], dropped=dropped)

    def validate(self, row: Record) -> tuple[list[Any], list[Any] | None]:
        """Validate a record; return the symbols of its source and its output."""
        place, values, output = row.place, row.values, row.output
        if isinstance(error := row.error or values, InputError):
            raise error
        values = self.source.split(values, place, self.in_max_int)
        if not values and self.source.tokens != INTEGERS:
            raise InputError(f"{place}: expected a source of {self.source.tokens}, got an empty one")
        _check_length(place, len(values), self.in_len, self.length_hint)
        if output is not None:
            output_place = place._replace(side="output")
            output = self.target.split(output, output_place, self.out_max_int)
            n, T = len(output), self.predicted_len and self.predicted_len(len(values))
            _check_length(output_place, n, self.out_len, at_least=1 if T or self.equal_lengths else 0)
            if T and n != T:
                raise InputError(f"{place}: expected an output of {T} integers, got {n}; give `out_len` {n}")
        if self.equal_lengths:
            self.in_len, self.out_len = len(values), self.out_len or len(output or ())
        return values, output


def _check_length(place: object, n: int, expected: int | None, hint: str = "", at_least: int = 1) -> None:
    """Raise InputError unless n equals `expected`; if `expected` is None, n must be at least `at_least`."""
    if n != (expected or max(n, at_least)):
        found = f"{n}{hint.format(n)}" if n else "none"
        raise InputError(f"{place}: expected {expected or 'some'} integers, got {found}")


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


def source_records(
    sources: Any, vocabulary: Vocabulary, largest: int, unknown: str = UNKNOWN[0], on_error: str = ON_ERROR[0]
) -> list[Record]:
    """Return the records of sources; `sources` is anything that `python_sources` converts to a list.

    `largest` is the largest valid integer. `unknown` and `on_error` are as in `TrainedNetwork.predict`.

    Raises:
        InputError: `sources` has another type, or a source has an integer outside 0…largest or an unknown symbol.
        UsageError: `unknown` or `on_error` is invalid.
    """
    drops_unknown = require_choice("`unknown`", unknown, UNKNOWN) == "drop"
    returns_errors = require_choice("`on_error`", on_error, ON_ERROR) == "return"
    rows, kind = python_sources(sources), "text" if vocabulary.is_text else "list of integers"
    if not isinstance(rows, list):
        hint = f"; write [{preview(sources)}] for a single source" if isinstance(rows, str) else ""
        raise InputError(f"expected a list of sources, each a {kind}, got {preview(sources)}{hint}")
    if rows and isinstance(rows[0], int):
        hint = f"; write [{preview(rows)}] for a single source"
        raise InputError(f"sources, row 0: expected a {kind}, got {rows[0]}{hint}")
    reader = RowReader(vocabulary, in_max_int=largest, drops_unknown=drops_unknown)
    read = reader.read_or_note_error if returns_errors else reader.read
    return [read(Record(Place("sources", "row", n), row)) for n, row in enumerate(rows)]


@dataclass
class PairReader(RowReader):
    """Validates pairs and converts their symbols to numbers. Targets may be empty.

    If there is a `pattern`, it computes the targets of integer sources, and any outputs in the records must equal them.
    These targets may contain symbols up to `out_max_int`, or by default up to the largest symbol of a source.
    """

    pattern: SequencePattern | None = None
    places: Places = field(default_factory=Places)  # the place of each pair

    def validate(self, row: Record) -> tuple[list[Any], list[Any] | None]:
        """Validate a pair; return the symbols of its source and its target."""
        if row.output is None and not self.pattern and not isinstance(row.values, InputError):
            expected = f"expected an output too, as in {PAIR}, or a pattern that computes it"
            if not self.source.tokens == self.target.tokens == INTEGERS:
                expected = 'expected a target too, after a tab, as "output" in JSON, or as the second of `columns`'
            found = f"none beside {', '.join(map(preview, row.others))[:200]}" if row.others else "none"
            is_csv = plain_name(row.place.title).endswith(".csv") and not row.others
            hint = "; if it is CSV, give `format` csv" if is_csv else ""
            raise InputError(f"{row.place}: {expected}, got {found}{hint}")
        values, output = super().validate(row)
        longest = max(len(values), len(output or ()))
        if longest > MAX_LEN:
            raise InputError(f"{row.place}: expected sequences of at most {MAX_LEN} symbols, got {longest}")
        return values, output

    def pattern_targets(self, sources: Sequences, rows: list[Record]) -> Sequences:
        """Return the pattern's targets of the sources; raise InputError if a record has another output."""
        assert self.pattern
        largest = int(sources.symbols.max(initial=1))
        in_max_int, out_max_int = self.in_max_int or largest, self.out_max_int or self.in_max_int or largest
        self.pattern.check(int(sources.lengths.max()), None, in_max_int, out_max_int, ends=True)
        targets = self.pattern.targets_of(sources, out_max_int)
        for row, target in zip(rows, targets.rows(), strict=True):
            if row.output is not None and row.output != target:
                found = f"{list_symbols(target)}, got {list_symbols(row.output)}"
                raise InputError(f"{row.place}: expected the output of {self.pattern.name!r}, {found}")
        return targets


def read_pairs(rows: Iterable[Record | None], reader: PairReader, n: int | None = None) -> tuple[Pairs, Vocabularies]:
    """Read all pairs, or the first n; return them with their vocabularies.

    Raises:
        InputError: a record is not a valid pair, or there are no pairs, or they do not fit into memory.
        UsageError: the pattern cannot compute targets of these sources.
    """
    records = itertools.islice(filter(None, reader.read_all(rows)), n)
    sources: list[Sequences] = []
    targets: list[Sequences] = []
    kept: list[Record] = []
    while batch := [*itertools.islice(records, ROWS_PER_ARRAY)]:
        reader.places.extend(batch)
        sources.append(Sequences.of_rows([row.values for row in batch]))
        targets.append(Sequences.of_rows([row.output or [] for row in batch]))
        kept += batch if reader.pattern else []
        _require_memory(sources, targets)
    if not sources:
        raise NoPairsError("expected pairs of a source and a target, got none")
    numbered_sources, source_vocabulary = _number_symbols(sources, reader.source)
    if reader.pattern:
        return Pairs(numbered_sources, reader.pattern_targets(numbered_sources, kept)), Vocabularies()
    numbered_targets, target_vocabulary = _number_symbols(targets, reader.target)
    return Pairs(numbered_sources, numbered_targets), Vocabularies(source_vocabulary, target_vocabulary)


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
