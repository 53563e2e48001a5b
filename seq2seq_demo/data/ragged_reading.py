"""Pairs of any lengths, read from what a user gives: integers, or texts whose symbols get numbers."""

from collections.abc import Iterable, Iterator

import numpy as np

from seq2seq_demo import memory
from seq2seq_demo.config import INTEGERS, LONGEST
from seq2seq_demo.data import varied
from seq2seq_demo.data.own_pairs import PAIR, ROWS, Skip
from seq2seq_demo.data.ragged import Ragged, RaggedPairs, concatenated
from seq2seq_demo.data.sequence_pattern import SequencePattern
from seq2seq_demo.data.records import Located, Output, check_symbols
from seq2seq_demo.data.user_functions import listed
from seq2seq_demo.data.vocabulary import Growing, Vocabularies, Vocabulary, encoded
from seq2seq_demo.errors import InputError

ROW_BYTES = 250  # of a pair beside its symbols: lengths, order, and what tells its source from others


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
        sources.append(Ragged.of_rows([row.values for row in batch]))
        targets.append(Ragged.of_rows([row.output or [] for row in batch]))
        rows += batch if pattern else []
        _require_room(sources, targets)
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


def _require_room(sources: list[Ragged], targets: list[Ragged]) -> None:
    """Raise InputError if what has been read so far does not fit into memory three times, as training needs it."""
    rows = ROWS * len(sources)
    needed = rows * ROW_BYTES + 3 * sum(part.symbols.nbytes for part in (*sources, *targets))
    if needed > memory.total():
        has = f"this machine has {memory.gib(memory.total())}"
        raise InputError(f"the first {rows} pairs need {memory.gib(needed)} of memory or more, {has}: take fewer (N)")


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
        check_symbols(Output(row.place), row.output, largest=out_max_int, at_least=0)
    elif pattern is None:
        raise InputError(f"{row.place}: expected an output too, as in {PAIR}, or a pattern (-p) that makes it")
    longest = max(len(row.values), len(row.output or ()))
    if longest > LONGEST:
        raise InputError(f"{row.place}: expected sequences of at most {LONGEST} symbols, got {longest}")
    return row


def read_texts(
    rows: Iterable[Located],
    source: Vocabulary | Growing,
    target: Vocabulary | Growing,
    in_max_int: int | None = None,
    out_max_int: int | None = None,
) -> tuple[RaggedPairs, Vocabularies]:
    """Return pairs of which sources or targets are texts, and their vocabularies: those given, or grown of them.

    Raises:
        InputError: a row is no such pair, or has a symbol that a given vocabulary lacks.
    """
    encoded_rows = (_encoded_pair(row, source, target) for row in rows)
    pairs = read_ragged_pairs(encoded_rows, None, in_max_int, out_max_int)
    (sources, in_vocabulary), (targets, out_vocabulary) = _grown(pairs.sources, source), _grown(pairs.targets, target)
    return RaggedPairs(sources, targets), Vocabularies(in_vocabulary, out_vocabulary)


def _encoded_pair(row: Located, source: Vocabulary | Growing, target: Vocabulary | Growing) -> Located:
    if row.output is None and not isinstance(row.values, InputError):
        lacks = InputError(f'{row.place}: expected a target too, after a tab, or as "output" in JSON, got none')
        return row._replace(values=lacks)
    return encoded(row, source, target)


def readable(
    rows: Iterable[Located],
    skip: Skip,
    source: Vocabulary | Growing,
    target: Vocabulary | Growing,
    pattern: SequencePattern | None = None,
    in_max_int: int | None = None,
    out_max_int: int | None = None,
) -> Iterator[Located]:
    """Yield the rows that `read_ragged_pairs` or `read_texts` can read; call `skip` with the errors of the others."""
    is_text = (source.tokens, target.tokens) != (INTEGERS, INTEGERS)
    for row in rows:
        try:
            tried = _encoded_pair(row, _apart(source), _apart(target)) if is_text else row
            _checked(tried, pattern, in_max_int, out_max_int)
        except InputError as error:
            skip(error)
        else:
            yield row


def _apart(vocabulary: Vocabulary | Growing) -> Vocabulary | Growing:
    """Return what tries a row: its symbols must not stay in a vocabulary if the row is left out."""
    return vocabulary if isinstance(vocabulary, Vocabulary) else Growing(vocabulary.tokens)


def _grown(sequences: Ragged, vocabulary: Vocabulary | Growing) -> tuple[Ragged, Vocabulary]:
    """Return the sequences with their final numbers, and the vocabulary of these."""
    if isinstance(vocabulary, Vocabulary):
        return sequences, vocabulary
    grown, final = vocabulary.grown()
    return Ragged(final.astype(sequences.symbols.dtype)[sequences.symbols], sequences.lengths), grown
