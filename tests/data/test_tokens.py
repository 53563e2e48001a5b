"""Records become symbols, and symbols become numbers."""

import random

import numpy as np
import pytest
from helpers import A_B_E, X_Y

from seq2seq_demo.data import tokens
from seq2seq_demo.data.records import Place, Record, valid
from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary
from seq2seq_demo.errors import InputError, UsageError

PLACE = Place("f", "line", 1)
NONE = (None, None)


def rows(*pairs):
    return [Record(Place("f", "line", n), *pair) for n, pair in enumerate(pairs, start=1)]


# ---- Kinds of symbols ----


def test_the_kinds_that_arguments_determine():
    for *given, required in [
        (NONE, NONE, NONE, False, NONE),
        (("words", None), NONE, NONE, False, ("words", None)),
        (NONE, ("words", "characters"), NONE, False, ("words", "characters")),
        ((None, "characters"), ("words", "characters"), (1, 1), True, ("words", "characters")),
        (NONE, NONE, (None, 7), False, (None, "integers")),
        (("integers", None), NONE, NONE, True, ("integers", "integers")),
    ]:
        assert tokens.required_kinds(*given) == required
    for *given, message in [
        (("letters", None), NONE, NONE, False, "unknown `in_tokens` 'letters'"),
        ((None, "words"), ("words", "characters"), NONE, False, "`out_tokens` characters because of the network, got"),
    ]:
        with pytest.raises(UsageError, match=message):
            tokens.required_kinds(*given)


RNG = random.Random(0)
LEMMAS = ["".join(RNG.choices("abcdefgh", k=7)) for _ in range(300)]
PHONES = [" ".join(RNG.choices(["AA", "B", "CH", "D"], k=5)) for _ in range(300)]


def kinds(sources, targets, given=NONE, are_fields=False):
    unreadable = Record(Place("f"), None, error=InputError("unreadable"))
    return tokens.recognise(given, [unreadable, *rows(*zip(sources, targets, strict=True))], are_fields)


def test_the_kind_of_a_side():
    for values, kind in [
        (["abc", "de", ""], "characters"),
        (PHONES, "words"),
        ([f"{lemma} V;PST" for lemma in LEMMAS], "characters"),  # each lemma occurs once
        ([f"{n // 60:02}:{n % 60:02} {n % 2}" for n in range(360)] * 10, "characters"),  # each time occurs 10 times
        (["Rohr, 8,5x60 mm", "Rohr, 8,5x80 mm", "Blech, 8,5x60 mm"] * 9, "characters"),  # digits and punctuation
        (["AH0 B", "B AH0 K", "K IY1"] * 9, "words"),  # phones with stress
        (["mille cent dix-sept", "cent trente-six", "mille vingt-deux"] * 9, "characters"),  # most words have a hyphen
        ([".-. . --.-", ". -... .-.", "--.- -..."] * 9, "words"),  # Morse code
        (["ab cd", "ef"], "characters"),  # each word occurs once
        ([["HH", "AH"], ["L"]], "words"),
        ([[3, 1], [4]], "integers"),
        ([[3, 1], [4, 5], "x 2"], "integers"),  # a typo
        ([[3, 1], "x", "y"], "characters"),
    ]:
        others = ["x"] * len(values)
        assert kinds(values, others) == (kind, "characters"), values[:9]
        assert kinds(others, values) == ("characters", kind), values[:9]
        assert kinds(values, others, ("words", None)) == ("words", "characters")


def test_single_numbers_beside_integers_are_integers():
    for targets in ["4", "2"], [4, 2], [None, None]:  # a pattern may compute the targets
        assert kinds([[3, 1], [2]], targets) == ("integers", "integers")
    assert kinds(["4", "2"], [[3, 1], [2]]) == ("integers", "integers")


def test_fields_that_are_lists_of_integers():
    for field in ("3", "007 1", "-1 2", "1.5 2", "3 x", "", ",", "1 " + "9" * 5000, "551\n5", "461,351", "3, 1 ,4, "):
        assert kinds([field] * 3, ["x"] * 3, are_fields=True)[0] != "integers"
    for field in ("3 1 4", " 3 1 ", "3  1\u00a04"):
        assert kinds([field], ["x"], are_fields=True)[0] == "integers"
        assert kinds([field], ["x"])[0] != "integers"  # a string in JSON or Python


def test_lower_case_needs_sources_of_text():
    expected = Vocabulary("words", lowercase=True), Vocabulary("words")
    assert tokens.new_vocabularies(("words", "words"), [], True) == expected
    for lowercase, sides, message in [
        (True, ("integers", "words"), "`lowercase` needs sources of characters or words, got integers"),
        ("x", ("words", "words"), "expected `lowercase` to be True or False, got 'x'"),
    ]:
        with pytest.raises(UsageError, match=message):
            tokens.new_vocabularies(sides, [], lowercase)


# ---- Numbers ----


def test_records_become_numbers():
    known = Vocabularies(A_B_E, X_Y)
    for row, numbers in [
        (("bab", "Y X", {"id": 5}), ([1, 0, 1], [1, 0], {"id": 5})),
        ((["b", "e\u0301"], ""), ([1, 2], [])),
        (("b",), ([1],)),
    ]:
        assert tokens.tokenize_and_number(Record(PLACE, *row), known, NONE) == Record(PLACE, *numbers)
    for row, message in [
        (("ac", "X"), 'f, line 1: expected characters seen in training, got "c" at position 2'),
        (("a", "Y x"), 'f, line 1, output: expected words seen in training, got "x" at position 2'),
        ((5, "X"), 'f, line 1: expected characters seen in training, got "5" at position 1'),
        (("", "X"), "f, line 1: the source is empty"),
        ((None, None, None, InputError("the line is too long")), "the line is too long"),
    ]:
        assert str(tokens.tokenize_and_number(Record(PLACE, *row), known, NONE).error) == message
    one_side = Vocabularies(Vocabulary(), X_Y)
    assert tokens.tokenize_and_number(Record(PLACE, "5 6", "Y"), one_side, NONE)[1:3] == ([5, 6], [1])


def test_invalid_records_of_integers():
    for row, largest, message in [
        (([1], "X"), NONE, "f, line 1, output, word 1: expected an integer, got 'X'"),
        (([1, 2, 3], [4, 9]), (None, 8), "f, line 1, output: expected integers from 0 to 8, got 9"),
        (([1] * 100_001,), NONE, "f, line 1: expected sequences of at most 100000 symbols, got 100001"),
    ]:
        assert str(tokens.tokenize(Record(PLACE, *row), Vocabularies(), largest).error) == message


def test_unknown_symbols_have_numbers_that_no_symbol_has():
    vocabularies = Vocabularies(A_B_E, Vocabulary("words", ("X",)))  # a network has two symbols
    tokenized = [tokens.tokenize(record, vocabularies) for record in rows(("bza", "X"), ("0", "W X V"), ("a", "X"))]
    unknown = tokens.unknown_numbers(tokenized, vocabularies)
    numbered = [tokens.number(record, vocabularies, unknown) for record in tokenized]
    assert [record[1:3] for record in numbered] == [([1, 4, 0], [0]), ([3], [3, 0, 2]), ([0], [0])]
    lacked = 'Training lacked "0", "z" in sources and "V", "W" in targets, so the answers to 2 of 3 pairs, such as f'
    lacked += ", line 1, count as wrong; only the loss omits them"
    assert tokens.unknown_notice(tokenized, vocabularies, NONE) == lacked
    assert tokens.unknown_notice(tokenized[2:], vocabularies, NONE) == ""
    assert tokens.unknown_notice([Record(PLACE, ["A"], ["Q"])], vocabularies, NONE).endswith("omits them")
    lacking = tokens.unknown_notice(rows(*(([n, 9], [7]) for n in (8, 10, 12))), Vocabularies(), (9, 7))
    assert "Training lacked 10, 12 in sources, so the answers to 2 of 3 pairs, such as f, line 2, count" in lacking


def test_a_new_vocabulary_is_sorted_by_code_point():
    data = rows(("b😀\u00e9", "b"), ("aZ", "a b"), (["e\u0301", " ", "ﬀ"], ""), ("a", "c a"))
    sides = Vocabularies(Vocabulary("characters"), Vocabulary("words"))
    tokenized = [tokens.tokenize(record, sides) for record in data]
    source, target = vocabularies = tokens.built_from(sides, tokenized)
    assert source.symbols == (" ", "Z", "a", "b", "\u00e9", "ﬀ", "😀")  # in UTF-16, 😀 would come before ﬀ
    assert target.symbols == ("a", "b", "c")
    numbered = [tokens.number(record, vocabularies) for record in tokenized]
    assert [record.values for record in numbered] == [[3, 6, 4], [2, 1], [4, 0, 5], [2]]
    assert [record.output for record in numbered] == [[1], [0, 1], [], [2, 0]]
    assert tokens.built_from(sides, reversed(tokenized)) == vocabularies
    with pytest.raises(InputError, match="all targets are empty"):
        tokens.built_from(sides, [tokens.tokenize(record, sides) for record in rows(("a", ""), ("b", " "))])


def test_sources_from_python():
    sources = [[1, 2], (3,), np.array([4, 5], np.uint8), "6 7"]
    records = tokens.source_records(sources, Vocabulary(), 9)
    assert [record.values for record in records] == [[1, 2], [3], [4, 5], [6, 7]]
    for sources, message in [
        ("12", 'sources: expected a list of sources, got "12"'),
        (np.array([1, 2]), "sources, row 0: expected a list of integers, got 1"),
        (np.array(3), "sources: expected a list of sources, got 3"),
    ]:
        with pytest.raises(InputError, match=message) as error:
            valid(tokens.source_records(sources, Vocabulary(), 9))
        assert "\n" not in str(error.value)
