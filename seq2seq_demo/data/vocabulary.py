"""Vocabularies map the characters or words of a string to the numbers that a network processes.

Sequences of integers need no mapping. Text is converted to Unicode's normal form C, so that é is one character no
matter how it was typed. If the characters include Hangul, form D is used, because Hangul has 67 letters but
thousands of syllables, most of which are rare; answers are recomposed.
"""

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args

from seq2seq_demo.config import CHARACTERS, INTEGERS, TOKENS
from seq2seq_demo.declarations import preview
from seq2seq_demo.errors import InputError, WeightsError, require

UNKNOWN = "\ufffd"  # shown for a number that no symbol has
NormalForm = Literal["NFC", "NFD", "NFKC", "NFKD"]  # new networks use one of the first two
FORMS = get_args(NormalForm)
MAX_SYMBOL = 2**31 - 1
MAX_LISTED = 40  # maximum number of symbols in an error message
_HANGUL = re.compile("[\u1100-\u11ff\uac00-\ud7a3]")  # letters and syllables
_INTEGER = re.compile(r"[+-]?[0-9]{1,4300}")  # Python does not parse longer integers


@dataclass(frozen=True)
class Vocabulary:
    """The symbols of the sources or the targets. Splits strings into symbols, and converts symbols to numbers.

    A symbol's index in `symbols` is its number. Integers need no symbols. A vocabulary of characters or words
    that has no symbols must still be built.

    Raises:
        WeightsError: a symbol is not a valid character or word in the vocabulary's normal form, or occurs twice.
    """

    tokens: str = INTEGERS
    # Omitted from the repr, which is part of the checksum of pairs.
    form: NormalForm = field(default="NFC", kw_only=True, repr=False)  # the Unicode normal form
    lowercase: bool = field(default=False, kw_only=True, repr=False)
    symbols: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # A weights file from an untrusted source may contain anything.
        require(self.tokens in TOKENS, f"expected tokens to be one of {', '.join(TOKENS)}, got {preview(self.tokens)}")
        require(self.form in FORMS, f"expected a normal form, one of {', '.join(FORMS)}, got {preview(self.form)}")
        require(self.is_text or not self.symbols, f"expected no symbols for integers, got {len(self.symbols)}")
        require(len(self._number_of) == len(self.symbols), "a symbol occurs twice in a vocabulary")
        for symbol in self.symbols:
            unicode = symbol.encode(errors="ignore").decode()  # without lone surrogates
            # Accents in the wrong order would make `normalize` take quadratic time.
            is_normalized = unicodedata.is_normalized(self.form, symbol) and self.normalize(unicode) == symbol
            if not (self.is_token(symbol) and is_normalized):
                raise WeightsError(f"expected {self.tokens} in a vocabulary, got {preview(symbol)}")

    def built_from(self, rows: Iterable[list[str]]) -> "Vocabulary":
        """Return a vocabulary that contains the symbols in `rows`, sorted by code point; integers need no symbols.

        Raises:
            InputError: there are no symbols.
        """
        symbols = tuple(sorted({*itertools.chain.from_iterable(rows)})) if self.is_text else ()
        if self.is_text and not symbols:
            raise InputError("all targets are empty")
        return replace(self, symbols=symbols)

    @property
    def is_text(self) -> bool:
        """Whether the symbols are characters or words."""
        return self.tokens != INTEGERS

    @property
    def largest(self) -> int:
        """The largest symbol number, at least 1 because a network has at least two symbols."""
        return max(1, len(self.symbols) - 1)

    @functools.cached_property
    def _number_of(self) -> dict[str, int]:
        return {symbol: number for number, symbol in enumerate(self.symbols)}

    @functools.cached_property
    def _composes(self) -> bool:
        return self.form == "NFD" and any(map(_HANGUL.search, self.symbols))

    # ---- Strings to symbols ----

    def tokenize(self, value: Any, place: object, largest: int | None = None) -> list[Any]:
        """Split a string into symbols, or normalise and validate a list of symbols.

        A character is a code point, including a space. Words are separated by white space, and integers by white space
        or commas. A single number means the string of its digits. `largest` is the largest valid integer, by default
        MAX_SYMBOL; `place` is the prefix of errors.

        Raises:
            InputError: the value is not a string or a list of `tokens`, contains a lone surrogate, or contains an
                integer outside 0…largest.
        """
        if not self.is_text:
            integers = _parse_integers(value, place) if isinstance(value, str) else value
            _check_integers(place, integers, MAX_SYMBOL if largest is None else largest)
            return integers
        if isinstance(value, str) or type(value) is int:
            return self._symbols_of(_checked(str(value), place))
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise InputError(f"{place}: expected a string or a list of {self.tokens}, got {preview(value)}")
        for item in value:
            if not self.is_token(unicodedata.normalize("NFC", _checked(item, place))):
                raise InputError(f"{place}: expected a list of {self.tokens}, got {preview(item)}")
        return [symbol for item in value for symbol in self._symbols_of(item)]

    def is_token(self, symbol: str) -> bool:
        """Whether this is a single character or, in a vocabulary of words, a single word."""
        return len(symbol) == 1 if self.tokens == CHARACTERS else symbol.split() == [symbol]

    def normalize(self, text: str) -> str:
        """Return the string in the normal form and, if `lowercase`, in lower case."""
        text = unicodedata.normalize(self.form, text)
        # Normalised twice, because ℌ has no lower case, but H, its form KC, has one.
        return unicodedata.normalize(self.form, text.lower()) if self.lowercase else text

    def _symbols_of(self, text: str) -> list[str]:
        text = self.normalize(text)
        return list(text) if self.tokens == CHARACTERS else text.split()

    # ---- Symbols and numbers ----

    def to_numbers(self, symbols: list[Any], unknown: Mapping[str, int] = MappingProxyType({})) -> list[int]:
        """Convert symbols to numbers, and unknown symbols to the numbers in `unknown`; integers are unchanged."""
        if not self.is_text:
            return symbols
        number_of = self._number_of
        return [number_of[symbol] if symbol in number_of else unknown[symbol] for symbol in symbols]

    def unknown_among(self, symbols: Iterable[Any], largest: int | None = None) -> list[Any]:
        """Return the symbols that have no number, or the integers above `largest`."""
        if not self.is_text:
            return [] if largest is None else [symbol for symbol in symbols if symbol > largest]
        return [symbol for symbol in symbols if symbol not in self._number_of]

    def numbers_of_unknown(self, rows: Iterable[list[Any]]) -> dict[str, int]:
        """Assign numbers above `largest`, which the network does not know, to the unknown symbols in `rows`."""
        unknown = sorted({*itertools.chain.from_iterable(map(self.unknown_among, rows))})
        return {symbol: number for number, symbol in enumerate(unknown, start=self.largest + 1)}

    def to_symbols(self, numbers: Iterable[int]) -> list[Any]:
        """Convert numbers to symbols, and unknown numbers to UNKNOWN; integers are unchanged."""
        if not self.is_text:
            return list(numbers)
        return [self.symbols[number] if number < len(self.symbols) else UNKNOWN for number in numbers]

    def to_value(self, numbers: Iterable[int]) -> str | list[int]:
        """Convert numbers to a sequence in the user's form, a string or a list of integers.

        Hangul letters are composed into syllables.
        """
        symbols = self.to_symbols(numbers)
        if not self.is_text:
            return symbols
        text = join_symbols(self.tokens, symbols)
        return unicodedata.normalize("NFC", text) if self._composes else text


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


def normal_form(tokens: str, values: Iterable[object]) -> NormalForm:
    """Return the normal form that a new network uses for the values of one side."""
    has_hangul = tokens == CHARACTERS and any(_HANGUL.search(str(value)) for value in values)
    return "NFD" if has_hangul else "NFC"


def _parse_integers(text: str, place: object) -> list[int]:
    """Parse integers in ASCII decimal digits, separated by white space or commas."""
    words = text.replace(",", " ").split()
    for position, word in enumerate(words, start=1):
        if not _INTEGER.fullmatch(word):
            raise InputError(f"{place}, word {position}: expected an integer, got {preview(word, repr)}")
    return [*map(int, words)]


def _check_integers(place: object, values: Any, largest: int) -> None:
    """Raise InputError unless `values` is a list of integers from 0 to `largest`."""
    if not isinstance(values, list):
        raise InputError(f"{place}: expected a list of integers, got {preview(values)}")
    if values and (set(map(type, values)) != {int} or min(values) < 0 or max(values) > largest):
        invalid = next(value for value in values if type(value) is not int or not 0 <= value <= largest)
        is_joined = len(values) == 1 and largest <= 9 and str(invalid).isdecimal()
        hint = "; to give several symbols, put spaces between them" if is_joined else ""
        raise InputError(f"{place}: expected integers from 0 to {largest}, got {preview(invalid)}{hint}")


def _checked(text: str, place: object) -> str:
    """Return the string; raise InputError if it contains a lone surrogate from JSON."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{place}: expected valid Unicode, got {preview(text[error.start])} in a string") from None
    return text


def list_symbols(symbols: Sequence[object]) -> str:
    """Format symbols for an error, as a list of at most MAX_LISTED symbols."""
    more = ["..."] if len(symbols) > MAX_LISTED else []
    return f"[{', '.join([*map(str, symbols[:MAX_LISTED]), *more])}]"


def join_symbols(tokens: str, symbols: Iterable[object]) -> str:
    """Join characters without a separator, and words or integers with spaces."""
    return ("" if tokens == CHARACTERS else " ").join(map(_cached_str, symbols))


_cached_str = functools.cache(str)  # twice as fast as `str`
