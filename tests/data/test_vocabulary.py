import itertools
import unicodedata

import pytest

from seq2seq_demo.data.records import Place
from seq2seq_demo.data.vocabulary import MAX_SYMBOL, Vocabulary
from seq2seq_demo.declarations import preview
from seq2seq_demo.errors import InputError, WeightsError

FAMILY = "👩\u200d👧"  # two emoji, joined
PLACE = Place("in.tsv", "line", 7)


# ---- Symbols of a string ----


def test_texts_become_symbols():
    for tokens, text, symbols in [
        ("characters", "abba", ["a", "b", "b", "a"]),
        ("characters", "  a\u00a0", [" ", " ", "a", "\u00a0"]),
        ("characters", ["a", " ", "e\u0301"], ["a", " ", "\u00e9"]),
        ("words", " the  The\tTHE\u00a0a\u3000b\u2003c\n", ["the", "The", "THE", "a", "b", "c"]),
        ("words", f"{FAMILY} مرحبا 안녕", [FAMILY, "مرحبا", "안녕"]),
        ("integers", [3, 10**6], [3, 10**6]),
        ("integers", " 3,1\t40 , ", [3, 1, 40]),
    ]:
        assert Vocabulary(tokens).tokenize(text, PLACE) == symbols


def test_invalid_texts_are_refused():
    for tokens, value, message in [
        ("characters", ["a", 5], r'expected a string or a list of characters, got \["a", 5\]'),
        ("characters", ["a", "bc"], 'expected a list of characters, got "bc"'),
        ("words", ["a", "b c"], 'expected a list of words, got "b c"'),
        ("characters", "ab\ud800", r'expected valid Unicode, got "\\ud800" in a string'),
        ("integers", "3 x", "expected an integer, got 'x'$"),
        ("integers", "9" * 5000, "expected an integer, got '9{37}…'$"),
        ("integers", "1_0", "expected an integer, got '1_0'$"),
        ("integers", "\uff11", "expected an integer, got '\uff11'$"),
        ("integers", "3 -1", "expected integers from 0 to 2147483647, got -1$"),
        ("integers", [[1], [2]], r"expected integers from 0 to 2147483647, got \[1\]$"),
        ("integers", [MAX_SYMBOL + 1], f"expected integers from 0 to {MAX_SYMBOL}, got {MAX_SYMBOL + 1}$"),
    ]:
        with pytest.raises(InputError, match=f"^in.tsv, line 7(, word [12])?: {message}"):
            Vocabulary(tokens).tokenize(value, PLACE)


# ---- Normal forms and lower case ----

VARIED = ["Ångström ﬁ", "e\u0301É", "한국", "İı", "Straße ẞ", "\u212bㄱ", "x\u0323\u0307", "J\u030c"]


@pytest.mark.parametrize("form", ["NFC", "NFKD"])
def test_texts_are_normalised_before_they_are_split(form):
    for text, lowercase in itertools.product(VARIED, (False, True)):
        normal = unicodedata.normalize(form, text)
        side = Vocabulary("characters", form=form, lowercase=lowercase)
        symbols = side.tokenize(text, PLACE)
        assert symbols == list(unicodedata.normalize(form, normal.lower()) if lowercase else normal)
        assert side.tokenize(symbols, PLACE) == side.tokenize("".join(symbols), PLACE) == symbols
        Vocabulary("characters", tuple({*symbols}), form=form, lowercase=lowercase)  # accepts its own symbols


def test_a_listed_symbol_may_become_several():
    assert Vocabulary("characters", form="NFD").tokenize(["a", "é"], PLACE) == ["a", "e", "\u0301"]
    assert Vocabulary("characters", lowercase=True).tokenize(["İ"], PLACE) == ["i", "\u0307"]


# ---- Vocabularies ----


CHARACTERS, WORDS = "expected characters in a vocabulary, got", "expected words in a vocabulary, got"


def test_invalid_vocabularies_are_refused():
    for tokens, symbols, options, message in [
        ("letters", ("a",), {}, 'expected tokens to be one of integers, characters, words, got "letters"'),
        ("integers", ("a",), {}, "expected no symbols for integers, got 1"),
        ("words", ("a", "b", "a"), {}, "a symbol occurs twice in a vocabulary"),
        ("characters", ("a", "bc"), {}, f'{CHARACTERS} "bc"'),
        ("words", ("a", "b c"), {}, f'{WORDS} "b c"'),
        ("characters", ("é",), {"form": "NFD"}, f'{CHARACTERS} "é"'),
        ("words", ("ℌ",), {"form": "NFKC", "lowercase": True}, f'{WORDS} "ℌ"'),
        ("words", ("a",), {"form": "NFX"}, 'expected a normal form, .*, got "NFX"'),
    ]:
        with pytest.raises(WeightsError, match=f"^{message}$"):
            Vocabulary(tokens, symbols, **options)


def test_a_preview_has_at_most_40_characters():
    values = {f'"{"a" * 38}"': "a" * 38, f'"{"a" * 37}…"': "a" * 39, f"[{'0, ' * 12}0…]": [0] * 20}
    assert [*map(preview, values.values())] == [*values]
