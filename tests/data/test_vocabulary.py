import unicodedata

import numpy as np
import pytest

from seq2seq_demo.data.records import Place
from seq2seq_demo.data.vocabulary import MAX_SYMBOL, UNKNOWN, Tokenizer, Vocabularies, Vocabulary, tokenizers
from seq2seq_demo.errors import InputError, UsageError, WeightsError

FAMILY = "👩\u200d👧"  # two emoji, joined
PLACE = Place("in.tsv", "line", 7)


# ---- Symbols of a text ----


@pytest.mark.parametrize(
    ("tokens", "text", "symbols"),
    [
        ("characters", "abba", ["a", "b", "b", "a"]),
        ("characters", "  a\u00a0", [" ", " ", "a", "\u00a0"]),
        ("characters", FAMILY, ["👩", "\u200d", "👧"]),
        ("characters", ["a", " ", "e\u0301"], ["a", " ", "\u00e9"]),
        ("characters", [], []),
        ("words", "HH AH0 L OW1", ["HH", "AH0", "L", "OW1"]),
        ("words", " the  The\tTHE\u00a0a\u3000b\u2003c\n", ["the", "The", "THE", "a", "b", "c"]),
        ("words", f"{FAMILY} مرحبا 안녕", [FAMILY, "مرحبا", "안녕"]),
        ("words", ["New", "e\u0301t\u00e9"], ["New", "\u00e9t\u00e9"]),
        ("integers", [3, 10**6], [3, 10**6]),
        ("integers", " 3,1\t40 , ", [3, 1, 40]),
    ],
)
def test_texts_become_symbols(tokens, text, symbols):
    assert Tokenizer(tokens).split(text, PLACE) == symbols


@pytest.mark.parametrize(
    ("tokens", "value", "message"),
    [
        ("characters", 5, "expected a text or a list of characters, got 5"),
        ("characters", ["a", 5], r'expected a text or a list of characters, got \["a", 5\]'),
        ("characters", ["a", "bc"], 'expected a list of characters, got "bc"'),
        ("words", ["a", "b c"], 'expected a list of words, got "b c"'),
        ("characters", "ab\ud800", r'expected Unicode, got "\\ud800" in a text'),
        ("characters", [["a"]], r'expected a text .*, got \[\["a"\]\]$'),
        ("integers", "3 x", "expected an integer, got 'x'$"),
        ("integers", "9" * 5000, "expected an integer, got '9{40}'$"),
        ("integers", "1_0", "expected an integer, got '1_0'$"),
        ("integers", "\uff11", "expected an integer, got '\uff11'$"),
        ("integers", "4 " + "y" * 1000, "expected an integer, got 'y{40}'$"),
        ("integers", "3 -1", "expected integers from 0 to 2147483647, got -1$"),
        ("integers", [True], "expected integers from 0 to 2147483647, got true$"),
        ("integers", [[1], [2]], r"expected integers from 0 to 2147483647, got \[1\]$"),
        ("integers", {"a": 1}, r'expected a list of integers, got \{"a": 1\}$'),
        ("integers", [MAX_SYMBOL + 1], f"expected integers from 0 to {MAX_SYMBOL}, got {MAX_SYMBOL + 1}$"),
    ],
)
def test_invalid_texts_are_refused(tokens, value, message):
    with pytest.raises(InputError, match=f"^in.tsv, line 7(, word [12])?: {message}"):
        Tokenizer(tokens).split(value, PLACE)


# ---- Normal forms and lower case ----

VARIED = ["Ångström ﬁ", "e\u0301É", "한국", "İı", "Straße ẞ", "\u212bㄱ", "x\u0323\u0307", "J\u030c"]


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@pytest.mark.parametrize("text", VARIED)
def test_texts_are_normalised_before_they_are_split(text, form):
    def normal(text):
        return unicodedata.normalize(form, text)

    for lowercase, expected in ((False, normal(text)), (True, normal(normal(text).lower()))):
        tokenizer = Tokenizer("characters", form=form, lowercase=lowercase)
        symbols = tokenizer.split(text, PLACE)
        assert symbols == list(expected)
        assert tokenizer.split(symbols, PLACE) == tokenizer.split("".join(symbols), PLACE) == symbols
        Vocabulary("characters", tuple({*symbols}), form=form, lowercase=lowercase)  # accepts its own symbols
    words = Tokenizer("words", form=form, lowercase=True)
    assert words.split(text, PLACE) == words.split(text.split(), PLACE) == expected.split()


def test_a_listed_symbol_may_become_several():
    assert Tokenizer("characters", form="NFD").split(["a", "é"], PLACE) == ["a", "e", "\u0301"]
    assert Tokenizer("characters", lowercase=True).split(["İ"], PLACE) == ["i", "\u0307"]


def test_lower_case_must_fit():
    for lowercase, tokens, message in [
        (True, ("integers", "words"), "expected sources of characters or words with `lowercase`, got integers"),
        ("x", ("words", "words"), "expected `lowercase` to be True or False, got 'x'"),
    ]:
        with pytest.raises(UsageError, match=message):
            tokenizers(tokens, lowercase, None)
    assert tokenizers(("words", "words"), True, None) == (Tokenizer("words", lowercase=True), Tokenizer("words"))
    for known in (True, False):
        vocabularies = Vocabularies(Vocabulary("words", ("a",), lowercase=known))
        for lowercase in (None, known):
            assert tokenizers(vocabularies.tokens, lowercase, vocabularies) is vocabularies
        with pytest.raises(UsageError, match=f"as in the network's training, {known}, got {not known}"):
            tokenizers(vocabularies.tokens, not known, vocabularies)


# ---- Vocabularies ----


def test_a_vocabulary_of_one_symbol_gets_an_unknown_symbol():
    vocabulary = Vocabulary("characters", ("a",))
    assert (vocabulary.largest, vocabulary.to_symbols([0, 1])) == (1, ["a", UNKNOWN])


def test_integers_need_no_vocabulary():
    assert Vocabulary().to_numbers([3, 10**6], PLACE) == [3, 10**6]
    with pytest.raises(InputError, match=r"^in\.tsv, line 7: expected integers from 0 to 9, got 10"):
        Tokenizer().split([3, 10], PLACE, 9)
    assert Vocabulary().to_symbols(np.array([3, 500])) == [3, 500]
    assert not Vocabulary().is_text


@pytest.mark.parametrize(
    ("tokens", "symbols", "message"),
    [
        ("letters", ("a",), 'expected tokens to be one of integers, characters, words, got "letters"'),
        ("integers", ("a",), "expected no symbols for integers, got 1"),
        ("words", (), "expected at least one symbol for words, got 0"),
        ("words", ("a", "b", "a"), "expected distinct symbols in a vocabulary, got a duplicate"),
        ("characters", ("a", "bc"), 'expected characters in a vocabulary, got "bc"'),
        ("words", ("a", "b c"), 'expected words in a vocabulary, got "b c"'),
        ("characters", ("a", "\ud800"), r'expected characters in a vocabulary, got "\\ud800"'),
    ],
)
def test_invalid_vocabularies_are_refused(tokens, symbols, message):
    with pytest.raises(WeightsError, match=f"^{message}"):
        Vocabulary(tokens, symbols)


@pytest.mark.parametrize(
    ("tokens", "symbol", "options"),
    [
        ("characters", "é", {"form": "NFD"}),
        ("words", "aB", {"lowercase": True}),
        ("words", "ℌ", {"form": "NFKC", "lowercase": True}),
        ("words", "a", {"form": "NFX"}),
    ],
)
def test_vocabularies_that_are_not_in_their_own_form_are_refused(tokens, symbol, options):
    with pytest.raises(WeightsError, match=r"expected (a normal form, .*|.* in a vocabulary), got"):
        Vocabulary(tokens, (symbol,), **options)


# ---- Unknown symbols ----


@pytest.mark.parametrize(
    ("tokens", "symbols", "text", "message"),
    [
        ("characters", "abcdef", "abz", '"z" at position 3$'),
        ("characters", "👩👧", FAMILY, '"\u200d" at position 2$'),
        ("words", ["AH", "HH", "OW"], "AH OW0", '"OW0" at position 2$'),
    ],
)
def test_unknown_symbols_are_reported(tokens, symbols, text, message):
    vocabulary = Vocabulary(tokens, tuple(sorted(symbols)))
    with pytest.raises(InputError, match=f"^in.tsv, line 7: expected {tokens} seen in training, got {message}"):
        vocabulary.to_numbers(Tokenizer(tokens).split(text, PLACE), PLACE)
