"""Vocabularies, which map the characters or words of a text to the numbers that a network processes.

Sequences of integers need no mapping. Text is converted to Unicode's normal form C, so that é is one character no
matter how it was typed.
"""

import functools
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from seq2seq_demo.config import CHARACTERS, INTEGERS, TOKENS
from seq2seq_demo.data.records import check_integers, preview
from seq2seq_demo.errors import InputError, WeightsError

UNKNOWN = "\ufffd"  # shown for number 1 if the vocabulary has only one symbol; a network has at least two
MAX_SUGGESTIONS = 3  # known symbols that an error suggests


class UnknownSymbolError(InputError):
    """A symbol that is not in the vocabulary."""


@dataclass(frozen=True)
class Vocabulary:
    """The symbols of sources or of targets; a symbol's index is its number. `symbols` is empty for integers.

    Raises:
        WeightsError: a symbol is not a valid character or word, or is repeated.
    """

    tokens: str = INTEGERS
    symbols: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # A weights file from an untrusted source may contain anything.
        if self.tokens not in TOKENS:
            raise WeightsError(f"expected tokens to be one of {', '.join(TOKENS)}, got {preview(self.tokens)}")
        if bool(self.symbols) != self.is_text:
            expected = "at least one symbol" if self.is_text else "no symbols"
            raise WeightsError(f"expected {expected} for {self.tokens}, got {len(self.symbols)}")
        if len(self._number_of) < len(self.symbols):
            raise WeightsError("expected distinct symbols in a vocabulary, got a duplicate")
        for symbol in self.symbols:
            unicode = symbol.encode(errors="ignore").decode()  # without lone surrogates
            if not _is_token(self.tokens, symbol) or unicodedata.normalize("NFC", unicode) != symbol:
                raise WeightsError(f"expected {self.tokens} in a vocabulary, got {preview(symbol)}")

    @property
    def is_text(self) -> bool:
        """Whether the symbols are characters or words."""
        return self.tokens != INTEGERS

    @property
    def largest(self) -> int:
        """The largest number of a symbol, at least 1, because a network has two symbols or more."""
        return max(1, len(self.symbols) - 1)

    @functools.cached_property
    def _number_of(self) -> dict[str, int]:
        return {symbol: number for number, symbol in enumerate(self.symbols)}

    def to_numbers(self, symbols: list[Any], place: object) -> list[int]:
        """Convert symbols to numbers; integers are unchanged.

        Raises:
            UnknownSymbolError: a symbol is not in the vocabulary. The message begins with `place`, and suggests similar
                symbols.
        """
        if not self.is_text:
            return symbols
        try:
            return [self._number_of[symbol] for symbol in symbols]
        except KeyError:
            n, unknown = next((n, symbol) for n, symbol in enumerate(symbols) if symbol not in self._number_of)
            similar = ", ".join(map(_quoted, similar_symbols(unknown, self.symbols)))
            hint = f"; did you mean {similar}?" if similar else ""
            expected = f"{place}: expected {self.tokens} seen in training"
            raise UnknownSymbolError(f"{expected}, got {_quoted(unknown)} at position {n + 1}{hint}") from None

    def to_symbols(self, numbers: Iterable[int]) -> list[Any]:
        """Convert numbers to symbols; integers are unchanged."""
        if not self.is_text:
            return list(numbers)
        return [self.symbols[number] if number < len(self.symbols) else UNKNOWN for number in numbers]


class VocabularyBuilder:
    """Builds a vocabulary from training data; it numbers symbols in order of appearance until `build` sorts them."""

    def __init__(self, tokens: str) -> None:
        self.tokens = tokens
        self._number_of: dict[str, int] = {}

    def to_numbers(self, symbols: list[Any], place: object) -> list[int]:
        """Convert symbols to preliminary numbers; a new symbol gets the next number."""
        number_of = self._number_of
        return [number_of.setdefault(symbol, len(number_of)) for symbol in symbols]

    def build(self) -> tuple[Vocabulary, np.ndarray]:
        """Return the vocabulary, sorted by code point, and an array that maps each preliminary number to the final one.

        Raises:
            InputError: there are no symbols, because all targets are empty.
        """
        symbols = sorted(self._number_of)
        if not symbols:
            raise InputError(f"expected {self.tokens} in at least one target, got only empty targets")
        final = np.argsort([self._number_of[symbol] for symbol in symbols])  # the inverse permutation
        return Vocabulary(self.tokens, tuple(symbols)), final


def new_vocabulary(tokens: str) -> Vocabulary | VocabularyBuilder:
    """Return an object that numbers the symbols of training data: a builder for text, a vocabulary for integers."""
    return Vocabulary() if tokens == INTEGERS else VocabularyBuilder(tokens)


class Vocabularies(NamedTuple):
    """The two vocabularies of a network; the defaults are for integers."""

    source: Vocabulary = Vocabulary()
    target: Vocabulary = Vocabulary()

    @property
    def are_text(self) -> bool:
        """Whether sources or targets are text."""
        return self.source.is_text or self.target.is_text

    @property
    def tokens(self) -> tuple[str, str]:
        """The tokens of sources and of targets."""
        return self.source.tokens, self.target.tokens

    def largest_symbols(self) -> dict[str, int]:
        """Return a network's `in_max_int` if the sources are text, and its `out_max_int` if the targets are text."""
        sides = zip(("in_max_int", "out_max_int"), self, strict=True)
        return {name: vocabulary.largest for name, vocabulary in sides if vocabulary.is_text}


INTEGER_VOCABULARIES = Vocabularies()


def tokenize(tokens: str, value: Any, place: object, largest: int | None = None) -> list[Any]:
    """Split a text into characters or words, or validate a list of symbols. Text is converted to normal form C.

    A character is a code point, including a space. Words are separated by white space. `largest` is the largest valid
    integer, by default MAX_SYMBOL; `place` is the prefix of errors.

    Raises:
        InputError: the value is not a text or a list of `tokens`, contains a lone surrogate, or contains an integer
            outside 0…largest.
    """
    if tokens == INTEGERS:
        check_integers(place, value, largest)
        return value  # type: ignore[no-any-return]
    if isinstance(value, str):
        text = _normalize(value, place)
        return list(text) if tokens == CHARACTERS else text.split()
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{place}: expected a text or a list of {tokens}, got {preview(value)}")
    symbols = [_normalize(item, place) for item in value]
    for symbol in symbols:
        if not _is_token(tokens, symbol):
            raise InputError(f"{place}: expected a list of {tokens}, got {preview(symbol)} in the list")
    return symbols


def _is_token(tokens: str, symbol: str) -> bool:
    return len(symbol) == 1 if tokens == CHARACTERS else symbol.split() == [symbol]


def _normalize(text: str, place: object) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:  # a lone surrogate, from JSON or from invalid UTF-8 on the command line
        raise InputError(f"{place}: expected Unicode, got {preview(text[error.start])} in a text") from None
    return unicodedata.normalize("NFC", text)


def similar_symbols(symbol: str, known: Sequence[str]) -> list[str]:
    """Return the known symbols most similar to an unknown symbol. Case is ignored, and so are accents of characters."""
    if len(symbol) > 1:
        import difflib  # only needed for an error

        folded = {other.casefold(): other for other in reversed(known)}
        return [folded[other] for other in difflib.get_close_matches(symbol.casefold(), folded, n=MAX_SUGGESTIONS)]
    same_base = [other for other in known if _base_letter(other) == _base_letter(symbol)]
    return sorted(same_base, key=lambda other: other.casefold() != symbol.casefold())[:MAX_SUGGESTIONS]


def _quoted(symbol: str) -> str:
    """Quote a symbol for an error; an invisible character is written as its code point, such as U+200D."""
    if len(symbol) > 1 or symbol == " ":
        return preview(symbol)
    category = unicodedata.category(symbol)
    is_invisible = category[0] in "CZ" or category == "Mn"  # a combining accent would merge with the quotation mark
    return f"U+{ord(symbol):04X}" if is_invisible else preview(symbol)


def _base_letter(symbol: str) -> str:
    """Return the base letter of a character, without accents and case."""
    return unicodedata.normalize("NFD", symbol)[0].casefold()


def join_symbols(tokens: str, symbols: Iterable[object]) -> str:
    """Join characters without a separator, and words or integers with spaces."""
    return ("" if tokens == CHARACTERS else " ").join(map(_cached_str, symbols))


_cached_str = functools.cache(str)  # twice as fast as `str`
