"""Vocabularies, which map the characters or words of a text to the numbers that a network processes.

Sequences of integers need no mapping. Text is converted to a normal form of Unicode, by default C, so that é is one
character no matter how it was typed.
"""

import functools
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from seq2seq_demo.config import CHARACTERS, INTEGERS, TOKENS
from seq2seq_demo.data.records import check_integers
from seq2seq_demo.declarations import preview, require_flag
from seq2seq_demo.errors import InputError, UsageError, WeightsError

UNKNOWN = "\ufffd"  # shown for number 1 if the vocabulary has only one symbol; a network has at least two
FORMS = ("NFC", "NFD", "NFKC", "NFKD")  # new networks have the first one
PLAIN = ("NFC", False)  # the default `form` and `lowercase` of a vocabulary


@dataclass(frozen=True)
class Tokenizer:
    """Splits texts into characters or words, after normalising them; validates lists of symbols."""

    tokens: str = INTEGERS
    # Omitted from the repr, which is part of the checksum of pairs.
    form: str = field(default="NFC", kw_only=True, repr=False)  # the normal form of Unicode
    lowercase: bool = field(default=False, kw_only=True, repr=False)

    def split(self, value: Any, place: object, largest: int | None = None) -> list[Any]:
        """Split a text into symbols; normalise and validate a list of symbols.

        A character is a code point, including a space. Words are separated by white space. `largest` is the largest
        valid integer, by default MAX_SYMBOL; `place` is the prefix of errors.

        Raises:
            InputError: the value is not a text or a list of `tokens`, contains a lone surrogate, or contains an integer
                outside 0…largest.
        """
        if self.tokens == INTEGERS:
            check_integers(place, value, largest)
            return value  # type: ignore[no-any-return]
        if isinstance(value, str):
            return self._symbols(_checked(value, place))
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            is_nested = isinstance(value, list) and isinstance([*value, ""][0], list | dict)
            hint = "; a list of sequences needs a .json file" * is_nested
            raise InputError(f"{place}: expected a text or a list of {self.tokens}, got {preview(value)}{hint}")
        for item in value:
            if not self.is_token(unicodedata.normalize("NFC", _checked(item, place))):
                found = f"got {preview(item)}; a list is one sequence, so write a text without brackets"
                raise InputError(f"{place}: expected a list of {self.tokens}, {found}")
        return [symbol for item in value for symbol in self._symbols(item)]

    def is_token(self, symbol: str) -> bool:
        """Whether this is a character or a word."""
        return len(symbol) == 1 if self.tokens == CHARACTERS else symbol.split() == [symbol]

    def normalize(self, text: str) -> str:
        """Return the text in the normal form and, if `lowercase`, in lower case."""
        form: Any = self.form  # typeshed: one of four literals
        text = unicodedata.normalize(form, text)
        # Normalised twice, because form KC of ℌ, which has no lower case, is H.
        return unicodedata.normalize(form, text.lower()) if self.lowercase else text

    def _symbols(self, text: str) -> list[str]:
        text = self.normalize(text)
        return list(text) if self.tokens == CHARACTERS else text.split()


@dataclass(frozen=True)
class Vocabulary(Tokenizer):
    """The symbols of sources or of targets; a symbol's index is its number. `symbols` is empty for integers.

    Raises:
        WeightsError: a symbol is not a valid character or word in the vocabulary's normal form, or is repeated.
    """

    symbols: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # A weights file from an untrusted source may contain anything.
        if self.tokens not in TOKENS:
            raise WeightsError(f"expected tokens to be one of {', '.join(TOKENS)}, got {preview(self.tokens)}")
        if self.form not in FORMS:
            raise WeightsError(f"expected a normal form, one of {', '.join(FORMS)}, got {preview(self.form)}")
        if (self.form, self.lowercase) != PLAIN and not self.is_text:
            raise WeightsError("expected no normal form and no lower case for integers")
        if bool(self.symbols) != self.is_text:
            expected = "at least one symbol" if self.is_text else "no symbols"
            raise WeightsError(f"expected {expected} for {self.tokens}, got {len(self.symbols)}")
        if len(self._number_of) < len(self.symbols):
            raise WeightsError("expected distinct symbols in a vocabulary, got a duplicate")
        for symbol in self.symbols:
            unicode = symbol.encode(errors="ignore").decode()  # without lone surrogates
            if not self.is_token(symbol) or self.normalize(unicode) != symbol:
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
            InputError: a symbol is not in the vocabulary. The message begins with `place`.
        """
        if not self.is_text:
            return symbols
        try:
            return [self._number_of[symbol] for symbol in symbols]
        except KeyError:
            n, unknown = next((n, symbol) for n, symbol in enumerate(symbols) if symbol not in self._number_of)
            expected = f"{place}: expected {self.tokens} seen in training"
            raise InputError(f"{expected}, got {quoted(unknown)} at position {n + 1}") from None

    def extended(self) -> "AnyVocabulary":
        """Return an object that numbers the symbols of further data; those outside the vocabulary exceed `largest`."""
        known = (*self.symbols, UNKNOWN)[: self.largest + 1]
        return VocabularyBuilder(self.tokens, known, form=self.form, lowercase=self.lowercase) if self.is_text else self

    def to_symbols(self, numbers: Iterable[int]) -> list[Any]:
        """Convert numbers to symbols; integers are unchanged."""
        if not self.is_text:
            return list(numbers)
        return [self.symbols[number] if number < len(self.symbols) else UNKNOWN for number in numbers]


@dataclass(frozen=True)
class VocabularyBuilder(Tokenizer):
    """Builds a vocabulary from data; it numbers new symbols in order of appearance until `build` sorts them.

    The symbols of `known` keep their numbers, and all new symbols get larger ones.
    """

    known: tuple[str, ...] = ()
    _number_of: dict[str, int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._number_of.update((symbol, number) for number, symbol in enumerate(self.known))

    def to_numbers(self, symbols: list[Any], place: object) -> list[int]:
        """Convert symbols to preliminary numbers; a new symbol gets the next number."""
        number_of = self._number_of
        return [number_of.setdefault(symbol, len(number_of)) for symbol in symbols]

    def build(self) -> tuple[Vocabulary, np.ndarray]:
        """Return the vocabulary, and an array that maps each preliminary number to the final one.

        New symbols are sorted by code point.

        Raises:
            InputError: there are no symbols, because all targets are empty.
        """
        symbols = [*self.known, *sorted(self._number_of.keys() - {*self.known})]
        if not symbols:
            raise InputError(f"expected {self.tokens} in at least one target, got only empty targets")
        final = np.argsort([self._number_of[symbol] for symbol in symbols])  # the inverse permutation
        return Vocabulary(self.tokens, tuple(symbols), form=self.form, lowercase=self.lowercase), final


AnyVocabulary = Vocabulary | VocabularyBuilder


def new_vocabulary(tokens: str, lowercase: bool = False) -> AnyVocabulary:
    """Return an object that numbers the symbols of training data: a builder for text, a vocabulary for integers."""
    return Vocabulary() if tokens == INTEGERS else VocabularyBuilder(tokens, lowercase=lowercase)


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

    def extended(self) -> tuple[AnyVocabulary, AnyVocabulary]:
        """Return the objects that number the symbols of further data, as `Vocabulary.extended` does."""
        return self.source.extended(), self.target.extended()

    def are_extended_by(self, others: "Vocabularies") -> bool:
        """Whether the others contain the same symbols with the same numbers, and possibly more."""
        pairs = zip(self, others, strict=True)
        return all(replace(other, symbols=other.symbols[: len(own.symbols)]) == own for own, other in pairs)

    def largest_symbols(self) -> dict[str, int]:
        """Return a network's `in_max_int` if the sources are text, and its `out_max_int` if the targets are text."""
        sides = zip(("in_max_int", "out_max_int"), self, strict=True)
        return {name: vocabulary.largest for name, vocabulary in sides if vocabulary.is_text}


INTEGER_VOCABULARIES = Vocabularies()


def new_vocabularies(tokens: tuple[str, str], lowercase: bool | None) -> tuple[AnyVocabulary, AnyVocabulary]:
    """Return the objects that number the symbols of sources and of targets; `lowercase` is for sources.

    Raises:
        UsageError: `lowercase` is not a bool, or sources are integers.
    """
    _check_lowercase(lowercase, tokens)
    return new_vocabulary(tokens[0], lowercase=bool(lowercase)), new_vocabulary(tokens[1])


def check_case(lowercase: bool | None, vocabularies: Vocabularies) -> None:
    """Raise UsageError if `lowercase` contradicts the vocabularies of a network."""
    _check_lowercase(lowercase, vocabularies.tokens)
    if lowercase not in (None, known := vocabularies.source.lowercase):
        raise UsageError(f"expected `lowercase` as in the network's training, {known}, got {lowercase}")


def _check_lowercase(lowercase: bool | None, tokens: tuple[str, str]) -> None:
    if lowercase is not None and require_flag("`lowercase`", lowercase) and tokens[0] == INTEGERS:
        raise UsageError("expected sources of characters or words with `lowercase`, got integers")


def _checked(text: str, place: object) -> str:
    """Return the text; raise InputError if it contains a lone surrogate, from JSON or from invalid UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{place}: expected Unicode, got {preview(text[error.start])} in a text") from None
    return text


def quoted(symbol: object) -> str:
    """Quote a symbol for an error; an invisible character is written as its code point, such as U+200D."""
    if not isinstance(symbol, str) or len(symbol) > 1 or symbol == " ":
        return preview(symbol)
    category = unicodedata.category(symbol)
    is_invisible = category[0] in "CZ" or category == "Mn"  # a combining accent would merge with the quotation mark
    return f"U+{ord(symbol):04X}" if is_invisible else preview(symbol)


def join_symbols(tokens: str, symbols: Iterable[object]) -> str:
    """Join characters without a separator, and words or integers with spaces."""
    return ("" if tokens == CHARACTERS else " ").join(map(_cached_str, symbols))


_cached_str = functools.cache(str)  # twice as fast as `str`
