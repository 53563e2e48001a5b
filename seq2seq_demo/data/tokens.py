"""Recognises the kinds of symbols in sources and targets, splits records into symbols, and numbers the symbols."""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seq2seq_demo.config import CHARACTERS, INTEGERS, MAX_LEN, TOKENS, WORDS
from seq2seq_demo.console import notice
from seq2seq_demo.data.records import Record, python_records
from seq2seq_demo.data.vocabulary import MAX_LISTED, Vocabularies, Vocabulary, normal_form
from seq2seq_demo.declarations import preview, require_choice, require_flag
from seq2seq_demo.errors import InputError, UsageError

Kinds = tuple[str | None, str | None]  # the kinds of symbols in sources and in targets; None means undetermined
Largest = tuple[int | None, int | None]  # the largest integers in sources and in targets; None means MAX_SYMBOL
Unknown = tuple[Mapping[str, int], Mapping[str, int]]  # the numbers of unknown symbols in sources and in targets
RECOGNISED = 10_000  # the maximum number of records from which kinds of symbols are recognised
# Words recur if there are at most FEW_WORDS different words, plus one for every MEAN_COUNT words. A network learns
# little about rarer words and cannot read words that occur only in new strings.
FEW_WORDS, MEAN_COUNT = 50, 25
_WORD = re.compile(r"[!-/:-@\[-`{-~]+|[^!-/:-@\[-`{-~0-9]+[0-9]?")  # ASCII punctuation, or letters and perhaps a digit
_INTEGERS = re.compile(r"\s*(0|[1-9][0-9]{0,9})(\s+(0|[1-9][0-9]{0,9}))+\s*")  # without the leading zeros of dates


# ---- The kinds of symbols ----


def required_kinds(kinds: Kinds, network: Kinds, largest: Largest, has_pattern: bool) -> Kinds:
    """Return the kinds of symbols that the user or another argument determines; None means that a kind is undetermined.

    Without a network, `network` is (None, None). A pattern or a largest integer implies integers.

    Raises:
        UsageError: a kind is unknown, or another argument implies a different kind.
    """
    required = list[str | None]()
    for side, kind, own, integer in zip(("in", "out"), kinds, network, largest, strict=True):
        if kind is not None:
            require_choice(f"`{side}_tokens`", kind, TOKENS)
        implied, reason = own, "the network"
        if own is None and (has_pattern or integer is not None):
            implied, reason = INTEGERS, "a pattern" if has_pattern else f"`{side}_max_int`"
        if kind is not None and implied not in (None, kind):
            raise UsageError(f"expected `{side}_tokens` {implied} because of {reason}, got {kind}")
        required.append(implied or kind)
    return required[0], required[1]


def recognise(kinds: Kinds, records: Sequence[Record], are_fields: bool = False) -> tuple[str, str]:
    """Return the kinds of symbols in sources and targets; recognise each kind that is None from the first records.

    `are_fields` means that the records are fields of a file, where integers are written as strings.
    """
    source, target = kinds
    if source and target:
        return source, target
    rows = [row for row in records[:RECOGNISED] if not row.error]
    sources, targets = [row.values for row in rows], [row.output for row in rows if row.output is not None]
    if are_fields:
        sources, targets = [*map(_integers_or_string, sources)], [*map(_integers_or_string, targets)]
    source = source or _kind(sources, target == INTEGERS)
    target = target or _kind(targets or sources, source == INTEGERS)
    if target == INTEGERS and kinds[0] is None:
        source = _kind(sources, True)
    if targets and (source, target) != (INTEGERS, INTEGERS):
        options = " and ".join(f"`{side}_tokens`" for side, kind in zip(("in", "out"), kinds, strict=True) if not kind)
        notice(f"Sources are {source}, and targets are {target}; if not, give {options}", is_warning=False)
    return source, target


def _integers_or_string(field: Any) -> Any:
    """Return the integers in a field such as `3 1 4`; return a single number or any other value unchanged."""
    is_list = isinstance(field, str) and "\n" not in field and _INTEGERS.fullmatch(field)
    return [int(word) for word in field.split()] if is_list else field


def _kind(values: list[Any], is_beside_integers: bool) -> str:
    """Return the kind of symbols in the values of one side; each value is a string, a number or a list.

    The kind is integers if at least half of the values are numbers or lists of integers, and either some are lists
    or the other side is integers. It is words if a list contains a string of several characters, or if strings contain
    spaces and their words recur: there are few different words, and at least half of these occur more than once and
    consist of punctuation, or of letters and at most one digit at the end. Otherwise, the kind is characters.
    """
    strings = [str(value) for value in values if isinstance(value, str | int) and value != ""]
    lists = [value for value in values if isinstance(value, list | tuple) and value]
    n_lists = sum(all(isinstance(item, int) for item in value) for value in lists)
    n_integers = n_lists + sum(string.isdecimal() for string in strings)
    if (n_lists or (is_beside_integers and n_integers)) and 2 * n_integers >= len(strings) + len(lists):
        return INTEGERS
    if any(isinstance(item, str) and len(item) > 1 for item in itertools.chain.from_iterable(lists)):
        return WORDS
    words = [word for string in strings for word in string.split()]
    counts = Counter(words)
    has_spaces = len(words) > sum(not string.isspace() for string in strings)  # some string contains several words
    n_recurring = sum(n > 1 and bool(_WORD.fullmatch(word)) for word, n in counts.items())
    recur = len(counts) <= FEW_WORDS + len(words) / MEAN_COUNT and 2 * n_recurring >= len(counts)
    return WORDS if has_spaces and recur else CHARACTERS


def new_vocabularies(kinds: tuple[str, str], records: Sequence[Record], lowercase: bool | None) -> Vocabularies:
    """Return a new network's vocabularies, still without symbols; `lowercase` (default False) applies to sources.

    Raises:
        UsageError: `lowercase` is not a bool, or the sources are integers.
    """
    is_lower = lowercase is not None and require_flag("`lowercase`", lowercase)
    if is_lower and kinds[0] == INTEGERS:
        raise UsageError("`lowercase` needs sources of characters or words, got integers")
    values = [record.values for record in records], [record.output for record in records]
    forms = [*map(normal_form, kinds, values)]
    return Vocabularies(Vocabulary(kinds[0], form=forms[0], lowercase=is_lower), Vocabulary(kinds[1], form=forms[1]))


def built_from(sides: Vocabularies, records: Iterable[Record]) -> Vocabularies:
    """Return vocabularies that contain the symbols in the records.

    Raises:
        InputError: all targets are empty.
    """
    rows = [*records]
    source = sides.source.built_from(record.values for record in rows)
    return Vocabularies(source, sides.target.built_from(record.output or [] for record in rows))


# ---- Records to symbols, symbols to numbers ----


def tokenize(record: Record, sides: Vocabularies, largest: Largest = (None, None)) -> Record:
    """Split a record into symbols; if it is invalid or its source is empty, return it with an error."""
    if record.error:
        return record
    place, output = record.place, record.output
    try:
        values = sides.source.tokenize(record.values, place, largest[0])
        if not values:
            raise InputError(f"{place}: the source is empty")
        if output is not None:
            output = sides.target.tokenize(output, place.of_output, largest[1])
        if (longest := max(len(values), len(output or ()))) > MAX_LEN:
            raise InputError(f"{place}: expected sequences of at most {MAX_LEN} symbols, got {longest}")
    except InputError as error:
        return record._replace(error=error)
    return record._replace(values=values, output=output)


def number(record: Record, vocabularies: Vocabularies, unknown: Unknown = ({}, {})) -> Record:
    """Convert a record's symbols to numbers; a symbol that is in neither the vocabulary nor `unknown` is an error."""
    if record.error or not vocabularies.are_text:
        return record
    source = vocabularies.source, record.values, record.place, unknown[0]
    target = vocabularies.target, record.output or [], record.place.of_output, unknown[1]
    for vocabulary, symbols, place, numbers in (source, target):
        if lacking := [symbol for symbol in vocabulary.unknown_among(symbols) if symbol not in numbers]:
            expected = f"{place}: expected {vocabulary.tokens} seen in training"
            found = f"{preview(lacking[0])} at position {symbols.index(lacking[0]) + 1}"
            return record._replace(error=InputError(f"{expected}, got {found}"))
    output = None if record.output is None else vocabularies.target.to_numbers(record.output, unknown[1])
    return record._replace(values=vocabularies.source.to_numbers(record.values, unknown[0]), output=output)


def unknown_numbers(records: Sequence[Record], vocabularies: Vocabularies) -> Unknown:
    """Number the source and target symbols that the vocabularies lack."""
    source = vocabularies.source.numbers_of_unknown(record.values for record in records)
    return source, vocabularies.target.numbers_of_unknown(record.output or [] for record in records)


def tokenize_and_number(record: Record, vocabularies: Vocabularies, largest: Largest) -> Record:
    """Apply `tokenize` and `number` to a record; if it is invalid, return it unchanged, with an error."""
    numbered = number(tokenize(record, vocabularies, largest), vocabularies)
    return record._replace(error=numbered.error) if numbered.error else numbered


def unknown_notice(records: Sequence[Record], vocabularies: Vocabularies, largest: Largest) -> str:
    """Return a notice that names the symbols in records that a network lacks, or an empty string if it lacks none."""
    sources, targets = [record.values for record in records], [record.output or [] for record in records]
    lacked, is_affected = list[str](), [False] * len(records)
    sides = zip(("sources", "targets"), (sources, targets), vocabularies, largest, strict=True)
    for side, rows, vocabulary, integer in sides:
        unknown = [vocabulary.unknown_among(row, integer) for row in rows]
        if symbols := sorted({*itertools.chain.from_iterable(unknown)}):
            lacked.append(f"{', '.join(map(preview, symbols[:MAX_LISTED]))} in {side}")
            is_affected = [before or bool(row) for before, row in zip(is_affected, unknown, strict=True)]
    if not lacked:
        return ""
    pairs = f"{sum(is_affected)} of {len(records)} pairs, such as {records[is_affected.index(True)].place}"
    return (
        f"Training lacked {' and '.join(lacked)}, so the answers to {pairs}, count as wrong; only the loss omits them"
    )


def source_records(sources: Any, vocabulary: Vocabulary, largest: int) -> list[Record]:
    """Return the numbered records of sources, which `python_records` reads, without any outputs.

    `largest` is the largest valid integer. The record of an unreadable source contains an error.

    Raises:
        InputError: `sources` has an unsupported type.
    """
    records, side = python_records(sources, "sources", is_paired=False), Vocabularies(vocabulary)
    return [tokenize_and_number(record._replace(output=None), side, (largest, None)) for record in records]
