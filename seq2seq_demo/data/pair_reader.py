"""Pairs read from what a user gives: integers, or texts whose symbols get numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from seq2seq_demo import memory
from seq2seq_demo.config import INTEGERS, LONGEST
from seq2seq_demo.data.pattern_task import SequencePattern
from seq2seq_demo.data.records import Located, Output, Places, check_symbols
from seq2seq_demo.data.sequences import Pairs, Sequences, concatenated
from seq2seq_demo.data.user_functions import listed
from seq2seq_demo.data.vocabulary import Growing, Vocabularies, Vocabulary, encoded
from seq2seq_demo.errors import InputError

ROWS = 10_000  # how many are turned into an array at once
ROW_BYTES = 250  # of a pair beside its symbols: lengths, order, and what tells its source from others
PAIR = '{"input": [...], "output": [...]}'
Skip = Callable[[InputError], object]  # is called with what is wrong about a pair that is left out


def read_pairs(
    rows: Iterable[Located],
    source: Vocabulary | Growing,
    target: Vocabulary | Growing,
    *,
    pattern: SequencePattern | None = None,
    in_max_int: int | None = None,
    out_max_int: int | None = None,
    skip: Skip | None = None,
    n: int | None = None,
    places: Places | None = None,
) -> tuple[Pairs, Vocabularies]:
    """Read pairs, the first n if n is given; return them with their vocabularies, those given or grown of them.

    A target may be empty, a source may not. A pattern, of integers, makes the targets, with symbols as large as the
    sources' unless `out_max_int` says otherwise, and has to agree with the outputs that stand beside the sources. With
    `skip`, a row that cannot be read is left out, and `skip` called with its error. `places` notes where pairs stand.

    Raises:
        InputError: a row is no pair, or has a symbol that is too large or that a given vocabulary lacks; or there are
            no pairs, or too many to fit into memory.
        UsageError: the pattern cannot make targets of these sources.
    """
    reader = _RowReader(source, target, pattern is not None, in_max_int, out_max_int)
    readable = (places or Places()).noting(itertools.islice(reader.readable(rows, skip), n))
    sources: list[Sequences] = []
    targets: list[Sequences] = []
    located: list[Located] = []
    while batch := [*itertools.islice(readable, ROWS)]:
        sources.append(Sequences.of_rows([row.values for row in batch]))
        targets.append(Sequences.of_rows([row.output or [] for row in batch]))
        located += batch if pattern else []
        _require_room(sources, targets)
    if not sources:
        raise InputError("expected pairs of a source and a target, got none")
    in_numbers, in_vocabulary = _final(sources, source)
    if pattern:
        made = _made(pattern, in_numbers, located, in_max_int, out_max_int)
        return Pairs(in_numbers, made), Vocabularies()
    out_numbers, out_vocabulary = _final(targets, target)
    return Pairs(in_numbers, out_numbers), Vocabularies(in_vocabulary, out_vocabulary)


@dataclass(frozen=True)
class _RowReader:
    """Checks rows and turns them into numbers."""

    source: Vocabulary | Growing
    target: Vocabulary | Growing
    has_pattern: bool
    in_max_int: int | None
    out_max_int: int | None

    def readable(self, rows: Iterable[Located], skip: Skip | None) -> Iterator[Located]:
        """Yield the rows in numbers; leave out those that cannot be read, if there is a `skip` to call."""
        if skip is None:
            yield from map(self._read, rows)
            return
        trial = replace(self, source=_apart(self.source), target=_apart(self.target))
        for row in rows:
            try:
                trial._read(row)
            except InputError as error:
                skip(error)
            else:
                yield self._read(row)

    def _read(self, row: Located) -> Located:
        """Return a row in numbers, if its source and target are what they must be."""
        if (self.source.tokens, self.target.tokens) != (INTEGERS, INTEGERS):
            if row.output is None and not isinstance(row.values, InputError):
                raise InputError(f'{row.place}: expected a target too, after a tab, or as "output" in JSON, got none')
            row = encoded(row, self.source, self.target)
        if isinstance(row.values, InputError):
            raise row.values
        check_symbols(row.place, row.values, largest=self.in_max_int)
        if row.output is not None:
            check_symbols(Output(row.place), row.output, largest=self.out_max_int, at_least=0)
        elif not self.has_pattern:
            raise InputError(f"{row.place}: expected an output too, as in {PAIR}, or a pattern (-p) that makes it")
        longest = max(len(row.values), len(row.output or ()))
        if longest > LONGEST:
            raise InputError(f"{row.place}: expected sequences of at most {LONGEST} symbols, got {longest}")
        return row


def _apart(vocabulary: Vocabulary | Growing) -> Vocabulary | Growing:
    """Return the vocabulary that tries a row: its symbols must not stay if the row is left out."""
    return vocabulary if isinstance(vocabulary, Vocabulary) else Growing(vocabulary.tokens)


def _require_room(sources: list[Sequences], targets: list[Sequences]) -> None:
    """Raise InputError if what has been read so far does not fit into memory three times, as training needs it."""
    rows = ROWS * len(sources)
    needed = rows * ROW_BYTES + 3 * sum(part.symbols.nbytes for part in (*sources, *targets))
    if needed > memory.total():
        has = f"this machine has {memory.gib(memory.total())}"
        raise InputError(f"the first {rows} pairs need {memory.gib(needed)} of memory or more, {has}: take fewer (N)")


def _made(
    pattern: SequencePattern, sources: Sequences, rows: list[Located], in_max_int: int | None, out_max_int: int | None
) -> Sequences:
    """Return the targets that a pattern makes, which must be the outputs that stand beside the sources."""
    largest = int(sources.symbols.max(initial=1))
    in_max_int, out_max_int = in_max_int or largest, out_max_int or in_max_int or largest
    pattern.check(int(sources.lengths.max()), None, in_max_int, out_max_int, ends=True)
    made = pattern.targets_of(sources, out_max_int)
    for row, target in zip(rows, made.rows(), strict=True):
        if row.output is not None and row.output != target:
            found = f"{listed(target)}, got {listed(row.output)}"
            raise InputError(f"{row.place}: expected the output of {pattern.name!r}, {found}")
    return made


def _final(parts: list[Sequences], vocabulary: Vocabulary | Growing) -> tuple[Sequences, Vocabulary]:
    """Return the sequences with their final numbers, and the vocabulary of these."""
    sequences = concatenated(parts)
    if isinstance(vocabulary, Vocabulary):
        return sequences, vocabulary
    grown, final = vocabulary.grown()
    return Sequences(final.astype(sequences.symbols.dtype)[sequences.symbols], sequences.lengths), grown
