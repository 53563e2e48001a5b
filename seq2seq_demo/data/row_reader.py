"""Rows that a user gives: checked one by one, numbered, and handed on in batches or as pairs."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from seq2seq_demo import system_memory
from seq2seq_demo.config import INTEGERS, MAX_LEN
from seq2seq_demo.data.pattern_task import SequencePattern
from seq2seq_demo.data.records import Output, Place, Places, Record, RecordBatch, plain, shown
from seq2seq_demo.data.sequences import Pairs, Sequences, concatenated
from seq2seq_demo.data.user_functions import listed
from seq2seq_demo.data.vocabulary import OF_INTEGERS, Vocabularies, Vocabulary, VocabularyBuilder, to_symbols
from seq2seq_demo.errors import InputError

ROWS_PER_ARRAY = 10_000  # how many are turned into an array at once
ROW_BYTES = 250  # of a pair beside its symbols: lengths, order, and what tells its source from others
PAIR = '{"input": [...], "output": [...]}'
LENGTH_HINT = "; for sequences of that length give `in_len` {}"


@dataclass
class RowReader:
    """Checks rows, sources and perhaps their outputs, and numbers their symbols.

    Sources are not empty. Where rows are `alike`, as for a network that does not end its answers, outputs are not empty
    either, and a length that is not given is that of the first row.
    """

    source: Vocabulary | VocabularyBuilder = OF_INTEGERS.source
    target: Vocabulary | VocabularyBuilder = OF_INTEGERS.target
    in_max_int: int | None = None  # of integers; None: any
    out_max_int: int | None = None
    alike: bool = False
    in_len: int | None = None  # None: any
    out_len: int | None = None
    predicted_len: Callable[[int], int] | None = None  # of a source of a length; outputs have it
    hint: str = ""  # for a source of another length than in_len, which stands in place of {}
    skip: Callable[[InputError], object] | None = None  # called with the error of a row, which is then left out

    def readable(self, rows: Iterable[Record | None]) -> Iterator[Record | None]:
        """Yield the rows that can be read, in numbers, and each None."""
        for row in rows:
            try:
                numbered = row and self.read(row)
            except InputError as error:
                if self.skip is None:
                    raise
                self.skip(error)
            else:
                yield numbered

    def read(self, row: Record) -> Record:
        """Return a row in numbers; an unreadable row adds no symbols to a growing vocabulary.

        Raises:
            InputError: the row is an error, or its source or output is missing, has another length or unknown symbols.
        """
        values, output = self.checked(row)
        if self.source.tokens == self.target.tokens == INTEGERS:
            return row
        values = self.source.numbers(values, row.place)
        return row._replace(values=values, output=output and self.target.numbers(output, Output(row.place)))

    def checked(self, row: Record) -> tuple[list[Any], list[Any] | None]:
        """Return the symbols of a row's source and output, checked."""
        place, values, output = row.place, row.values, row.output
        if isinstance(values, InputError):
            raise values
        values = to_symbols(self.source.tokens, values, place, self.in_max_int)
        if not values and self.source.tokens != INTEGERS:
            raise InputError(f"{place}: expected a source of some {self.source.tokens}, got none")
        _check_length(place, len(values), self.in_len, self.hint)
        if output is not None:
            beside = Output(place)
            output = to_symbols(self.target.tokens, output, beside, self.out_max_int)
            n, T = len(output), self.predicted_len and self.predicted_len(len(values))
            _check_length(beside, n, self.out_len, at_least=1 if T or self.alike else 0)
            if T and n != T:
                raise InputError(f"{place}: expected an output of {T} integers, got {n}; give `out_len` {n}")
        if self.alike:
            self.in_len, self.out_len = len(values), self.out_len or len(output or ())
        return values, output


def _check_length(place: object, n: int, expected: int | None, hint: str = "", at_least: int = 1) -> None:
    """Raise InputError unless n is the expected length, or if that is None, `at_least` or more."""
    if n != (expected or max(n, at_least)):
        found = f"{n}{hint.format(n)}" if n else "none"
        raise InputError(f"{place}: expected {expected or 'some'} integers, got {found}")


def batches(rows: Iterable[Record | None], size: int) -> Iterator[RecordBatch | None]:
    """Yield rows in batches of up to `size`.

    Where None stands among the rows, as no more are waiting, those so far are yielded, and then None. An InputError is
    raised after the rows ahead of it were yielded.
    """
    batch: list[Record] = []
    try:
        for row in rows:
            batch += [row] if row else []
            if batch and (row is None or len(batch) == size):
                yield RecordBatch(batch)
                batch = []
            if row is None:
                yield None
    except InputError:
        if batch:
            yield RecordBatch(batch)
        raise
    if batch:
        yield RecordBatch(batch)


def source_rows(sources: Any, largest: int, vocabulary: Vocabulary) -> list[list[int]]:
    """Return the sources that a caller gives in numbers: an array `[B, S]`, lists of any lengths, or texts.

    Raises:
        InputError: they are something else, or hold a symbol outside 0…largest, or none that the vocabulary knows; the
            message names the row.
    """
    rows, what = plain(sources), "text" if vocabulary.is_text else "list of integers"
    if not isinstance(rows, list):
        alone = f"; a source alone is written [{shown(sources)}]" if isinstance(rows, str) else ""
        raise InputError(f"expected a list of sources, each a {what}, got {shown(sources)}{alone}")
    rows = [plain(row) for row in rows]
    if rows and isinstance(rows[0], int):
        alone = f"a source alone is written [{shown(rows)}]"
        raise InputError(f"sources, row 0: expected a {what}, got {rows[0]}; {alone}")
    reader = RowReader(vocabulary, in_max_int=largest)
    return [reader.read(Record(Place("sources", "row", n), row)).values for n, row in enumerate(rows)]


@dataclass
class PairReader(RowReader):
    """Checks pairs, whose targets may be empty, and numbers their symbols.

    A pattern, of integers, makes the targets, with symbols as large as the sources' unless `out_max_int` says
    otherwise, and has to agree with the outputs that stand beside the sources.
    """

    pattern: SequencePattern | None = None
    places: Places = field(default_factory=Places)  # of the pairs that were read

    def checked(self, row: Record) -> tuple[list[Any], list[Any] | None]:
        """Return the symbols of a pair's source and target, checked."""
        if row.output is None and not self.pattern and not isinstance(row.values, InputError):
            is_of_integers = self.source.tokens == self.target.tokens == INTEGERS
            of_integers = f"expected an output too, as in {PAIR}, or a pattern that makes it"
            of_texts = 'expected a target too, after a tab, or as "output" in JSON, got none'
            raise InputError(f"{row.place}: {of_integers if is_of_integers else of_texts}")
        values, output = super().checked(row)
        longest = max(len(values), len(output or ()))
        if longest > MAX_LEN:
            raise InputError(f"{row.place}: expected sequences of at most {MAX_LEN} symbols, got {longest}")
        return values, output

    def made(self, sources: Sequences, rows: list[Record]) -> Sequences:
        """Return the pattern's targets; outputs beside the sources must equal them."""
        assert self.pattern  # or there is nothing to make
        largest = int(sources.symbols.max(initial=1))
        in_max_int, out_max_int = self.in_max_int or largest, self.out_max_int or self.in_max_int or largest
        self.pattern.check(int(sources.lengths.max()), None, in_max_int, out_max_int, ends=True)
        made = self.pattern.targets_of(sources, out_max_int)
        for row, target in zip(rows, made.rows(), strict=True):
            if row.output is not None and row.output != target:
                found = f"{listed(target)}, got {listed(row.output)}"
                raise InputError(f"{row.place}: expected the output of {self.pattern.name!r}, {found}")
        return made


def read_pairs(rows: Iterable[Record | None], reader: PairReader, n: int | None = None) -> tuple[Pairs, Vocabularies]:
    """Read pairs, the first n if n is given; return them with their vocabularies, given or built from them.

    Raises:
        InputError: a row is no pair, or has a symbol that is too large or that a given vocabulary lacks; or there are
            no pairs, or too many to fit into memory.
        UsageError: the pattern cannot make targets of these sources.
    """
    readable = itertools.islice(filter(None, reader.readable(rows)), n)
    sources: list[Sequences] = []
    targets: list[Sequences] = []
    located: list[Record] = []
    while batch := [*itertools.islice(readable, ROWS_PER_ARRAY)]:
        reader.places.note(batch)
        sources.append(Sequences.of_rows([row.values for row in batch]))
        targets.append(Sequences.of_rows([row.output or [] for row in batch]))
        located += batch if reader.pattern else []
        _require_room(sources, targets)
    if not sources:
        raise InputError("expected pairs of a source and a target, got none")
    in_numbers, in_vocabulary = _final(sources, reader.source)
    if reader.pattern:
        return Pairs(in_numbers, reader.made(in_numbers, located)), Vocabularies()
    out_numbers, out_vocabulary = _final(targets, reader.target)
    return Pairs(in_numbers, out_numbers), Vocabularies(in_vocabulary, out_vocabulary)


def _require_room(sources: list[Sequences], targets: list[Sequences]) -> None:
    """Raise InputError if what has been read so far does not fit into memory three times, as training needs it."""
    rows = ROWS_PER_ARRAY * len(sources)
    needed = rows * ROW_BYTES + 3 * sum(part.symbols.nbytes for part in (*sources, *targets))
    if lack := system_memory.lack(needed):
        raise InputError(f"the first {rows} pairs {lack}: take fewer (N)")


def _final(parts: list[Sequences], vocabulary: Vocabulary | VocabularyBuilder) -> tuple[Sequences, Vocabulary]:
    """Return the sequences with their final numbers, and the vocabulary of these."""
    sequences = concatenated(parts)
    if isinstance(vocabulary, Vocabulary):
        return sequences, vocabulary
    grown, final = vocabulary.grown()
    return Sequences(final.astype(sequences.symbols.dtype)[sequences.symbols], sequences.lengths), grown
