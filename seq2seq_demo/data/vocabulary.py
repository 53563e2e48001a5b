"""Vocabularies: which symbol of a text each number of the network stands for.

A network knows numbers. Sequences are integers, which stand for themselves, or the characters or words of texts, which
a vocabulary numbers. Unicode comes in normal form C, so that an é is one character however it was typed.
"""

import functools
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from seq2seq_demo.config import CHARACTERS, INTEGERS, TOKENS
from seq2seq_demo.data.records import check_integers, shown
from seq2seq_demo.errors import InputError, WeightsError

UNKNOWN = "\ufffd"  # of a number without a symbol, where a vocabulary has only one: the network has two or more
NEAREST = 3  # known symbols that an error proposes


class UnknownSymbolError(InputError):
    """A symbol that training never saw."""


@dataclass(frozen=True)
class Vocabulary:
    """The symbols of sources, or of targets, by their numbers. Integers have none: they are their own numbers.

    Raises:
        WeightsError: a text of these tokens cannot consist of the symbols, or one stands there twice.
    """

    tokens: str = INTEGERS
    symbols: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse symbols that no text consists of: a vocabulary may come from a stranger's file."""
        if self.tokens not in TOKENS:
            raise WeightsError(f"expected tokens of {', '.join(TOKENS)}, got {shown(self.tokens)}")
        if bool(self.symbols) != self.is_text:
            raise WeightsError(f"expected symbols of characters or words, got {len(self.symbols)} of {self.tokens}")
        if len(self._number_of) < len(self.symbols):
            raise WeightsError("expected each symbol of a vocabulary once, got one twice")
        for symbol in self.symbols:
            unicode = symbol.encode(errors="ignore").decode()  # without halves of pairs
            if not _is_token(self.tokens, symbol) or unicodedata.normalize("NFC", unicode) != symbol:
                raise WeightsError(f"expected {self.tokens} in a vocabulary, got {shown(symbol)}")

    @property
    def is_text(self) -> bool:
        """Whether it numbers the symbols of texts."""
        return self.tokens != INTEGERS

    @property
    def largest(self) -> int:
        """The largest number of a symbol, and at least 1, as a network has two or more."""
        return max(1, len(self.symbols) - 1)

    @functools.cached_property
    def _number_of(self) -> dict[str, int]:
        return {symbol: number for number, symbol in enumerate(self.symbols)}

    def numbers(self, symbols: list[Any], place: object) -> list[int]:
        """Return the numbers of symbols; integers are their own.

        Raises:
            UnknownSymbolError: training never saw one of them; the message says which, where it stands, and what is
                nearest to it.
        """
        if not self.is_text:
            return symbols
        try:
            return [self._number_of[symbol] for symbol in symbols]
        except KeyError:
            n = next(n for n, symbol in enumerate(symbols, start=1) if symbol not in self._number_of)
            what = f"{place}: expected {self.tokens} that training saw, got {visible(symbols[n - 1])} as number {n}"
            near = [visible(symbol) for symbol in nearest(symbols[n - 1], self.symbols)]
            proposal = f"; the nearest {'are' if near[1:] else 'is'} {', '.join(near)}" if near else ""
            raise UnknownSymbolError(f"{what}{proposal}") from None

    def names(self, numbers: Iterable[int]) -> list[Any]:
        """Return the symbols of these numbers; of integers, themselves."""
        if not self.is_text:
            return list(numbers)
        return [self.symbols[number] if number < len(self.symbols) else UNKNOWN for number in numbers]


class VocabularyBuilder:
    """A vocabulary while the training data are read: symbols get numbers as they come."""

    def __init__(self, tokens: str) -> None:
        """Begin without a symbol."""
        self.tokens = tokens
        self._number_of: dict[str, int] = {}

    def numbers(self, symbols: list[Any], place: object) -> list[int]:
        """Return the numbers of symbols, as `Vocabulary.numbers`; a new symbol gets the next one."""
        number_of = self._number_of
        return [number_of.setdefault(symbol, len(number_of)) for symbol in symbols]

    def grown(self) -> tuple[Vocabulary, np.ndarray]:
        """Return the vocabulary, in the order of code points, and the final number of each that was given.

        Raises:
            InputError: there is no symbol, which can only be where all targets are empty.
        """
        symbols = sorted(self._number_of)
        if not symbols:
            raise InputError(f"expected targets of some {self.tokens}, got only empty ones")
        final = np.argsort([self._number_of[symbol] for symbol in symbols])  # the inverse of this permutation
        return Vocabulary(self.tokens, tuple(symbols)), final


def new_vocabulary(tokens: str) -> Vocabulary | VocabularyBuilder:
    """Return a vocabulary to read training data with."""
    return Vocabulary() if tokens == INTEGERS else VocabularyBuilder(tokens)


class Vocabularies(NamedTuple):
    """Those of sources and of targets."""

    source: Vocabulary = Vocabulary()
    target: Vocabulary = Vocabulary()

    @property
    def are_text(self) -> bool:
        """Whether sources or targets are texts."""
        return self.source.is_text or self.target.is_text

    @property
    def tokens(self) -> tuple[str, str]:
        """The tokens that sources and targets consist of."""
        return self.source.tokens, self.target.tokens

    def largest_symbols(self) -> dict[str, int]:
        """Return in_max_int and out_max_int of a network of these texts; those of integers it does not tell."""
        sides = zip(("in_max_int", "out_max_int"), self, strict=True)
        return {name: vocabulary.largest for name, vocabulary in sides if vocabulary.is_text}


OF_INTEGERS = Vocabularies()


def to_symbols(tokens: str, value: Any, place: object, largest: int | None = None) -> list[Any]:
    """Return the characters or words of a text, or of a list of them, in Unicode's normal form C; or the integers.

    A character is a code point, and spaces count. Words are what white space separates.

    Raises:
        InputError: it is neither, or no Unicode; or of integers, as `check_integers` says.
    """
    if tokens == INTEGERS:
        check_integers(place, value, largest)
        return value  # type: ignore[no-any-return]
    if isinstance(value, str):
        text = _normal(value, place)
        return list(text) if tokens == CHARACTERS else text.split()
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{place}: expected a text or a list of {tokens}, got {shown(value)}")
    symbols = [_normal(item, place) for item in value]
    for symbol in symbols:
        if not _is_token(tokens, symbol):
            raise InputError(f"{place}: expected a list of {tokens}, got {shown(symbol)} in it")
    return symbols


def _is_token(tokens: str, symbol: str) -> bool:
    return len(symbol) == 1 if tokens == CHARACTERS else symbol.split() == [symbol]


def _normal(text: str, place: object) -> str:
    """Return the text in normal form C."""
    try:
        text.encode()
    except UnicodeEncodeError as error:  # half of a pair, from JSON or from bytes of the command line
        raise InputError(f"{place}: expected Unicode, got {shown(text[error.start])} in a text") from None
    return unicodedata.normalize("NFC", text)


def nearest(symbol: str, known: Sequence[str]) -> list[str]:
    """Return the known symbols that a user may have meant: similar words, or the letter in other case, or accented."""
    if len(symbol) > 1:
        import difflib  # only an error needs it

        folded = {other.casefold(): other for other in reversed(known)}
        return [folded[other] for other in difflib.get_close_matches(symbol.casefold(), folded, n=NEAREST)]
    alike = [other for other in known if _base(other) == _base(symbol)]
    return sorted(alike, key=lambda other: other.casefold() != symbol.casefold())[:NEAREST]


def visible(symbol: str) -> str:
    """Return how an error writes a symbol: one that cannot be seen by its number, U+200D."""
    if len(symbol) > 1 or symbol == " ":
        return shown(symbol)
    category = unicodedata.category(symbol)
    is_hidden = category[0] in "CZ" or category == "Mn"  # an accent on its own hides in the quotation mark
    return f"U+{ord(symbol):04X}" if is_hidden else shown(symbol)


def _base(symbol: str) -> str:
    """Return a character without its accents and case."""
    return unicodedata.normalize("NFD", symbol)[0].casefold()


def joined(tokens: str, names: Iterable[object]) -> str:
    """Return the text that the symbols make."""
    return ("" if tokens == CHARACTERS else " ").join(map(_written, names))


_written = functools.cache(str)  # of a symbol; to look it up takes half as long
