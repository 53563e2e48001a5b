"""Recognises the kinds of tokens in sources and targets, if the user does not give them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain
from typing import Any

from seq2seq_demo.config import CHARACTERS, INTEGERS, WORDS
from seq2seq_demo.data.records import Record
from seq2seq_demo.errors import InputError

# The words of a side recur if it has at most FEW_WORDS different words, plus one for every MEAN_COUNT words. A network
# learns little about rarer words, and cannot read words that occur only in new texts.
FEW_WORDS, MEAN_COUNT = 50, 25
Tokens = tuple[str | None, str | None]  # the kinds of sources and of targets; None: to be recognised
_INTEGERS = re.compile(r"\s*(0|[1-9][0-9]{0,9})([\s,]+(0|[1-9][0-9]{0,9}))+[\s,]*")  # no leading zeros, unlike dates
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(,[0-9]{3})+")  # a single number, such as 1,234


def integers_or_text(field: str) -> list[int] | str:
    """Return the integers of a field such as `3 1 4` or `3,1,4`; return any other field unchanged.

    A single number is also returned unchanged, with or without thousands separators, and so are several lines.
    """
    if _INTEGERS.fullmatch(field) and not _THOUSANDS.fullmatch(field) and "\n" not in field:
        return [int(word) for word in field.replace(",", " ").split()]
    return field


def recognise(tokens: Tokens, records: Iterable[Record | None]) -> tuple[str, str]:
    """Return the kinds of tokens in sources and targets; recognise each kind that is None from the records."""
    source, target = tokens
    if source and target:
        return source, target
    rows = [row for row in records if row and not isinstance(row.values, InputError)]
    sources, targets = [row.values for row in rows], [row.output for row in rows if row.output is not None]
    source = source or _kind(sources, target == INTEGERS)
    target = target or _kind(targets or sources, source == INTEGERS)
    if target == INTEGERS and tokens[0] is None:
        source = _kind(sources, True)
    return source, target


def _kind(values: list[Any], is_beside_integers: bool) -> str:
    """Return the kind of tokens in the values of one side; each value is a text or a list.

    The side is integers if at least half of its values are lists of integers or numbers, and some are lists or the
    other side is integers. It is words if a list contains a string of several characters, or if texts contain spaces
    and their words recur. Otherwise, it is characters.
    """
    texts = [value for value in values if isinstance(value, str) and value]
    lists = [value for value in values if isinstance(value, list | tuple) and value]
    n_lists = sum(all(isinstance(item, int) for item in value) for value in lists)
    n_integers = n_lists + sum(text.isdecimal() for text in texts)
    if (n_lists or (is_beside_integers and n_integers)) and 2 * n_integers >= len(texts) + len(lists):
        return INTEGERS
    if any(isinstance(item, str) and len(item) > 1 for item in chain.from_iterable(lists)):
        return WORDS
    words = [word for text in texts for word in text.split()]
    if len(words) <= sum(not text.isspace() for text in texts):  # no text has several words
        return CHARACTERS
    return WORDS if len({*words}) <= FEW_WORDS + len(words) / MEAN_COUNT else CHARACTERS
