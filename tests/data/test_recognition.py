import random

import pytest

from seq2seq_demo.data.recognition import integers_or_text, recognise
from seq2seq_demo.data.records import Place, Record
from seq2seq_demo.errors import InputError

RNG = random.Random(0)
LEMMAS = ["".join(RNG.choices("abcdefgh", k=7)) for _ in range(1000)]
PHONES = [" ".join(RNG.choices(["AA", "B", "CH", "D"], k=5)) for _ in range(1000)]


def kinds(sources, targets, tokens=(None, None)):
    pairs = zip(sources, targets, strict=True)
    records = [Record(Place("f", "line", n), *pair) for n, pair in enumerate(pairs, start=1)]
    return recognise(tokens, [None, Record(Place("f"), InputError("unreadable")), *records])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["abc", "de", ""], "characters"),
        (["1234", "7"], "characters"),
        (["ab cd", "ab"], "words"),
        (["a\u3000b", "a"], "words"),
        (PHONES, "words"),
        ([f"{lemma} V;PST" for lemma in LEMMAS], "characters"),  # each lemma occurs once
        ([f"{n // 60:02}:{n % 60:02} {n % 2}" for n in range(1440)] * 10, "characters"),  # each time occurs 10 times
        ([*LEMMAS, "ab cd"], "characters"),
        ([["HH", "AH"], ["L"]], "words"),
        ([["h", "e"], ["l"]], "characters"),
        ([[3, 1], [4]], "integers"),
        ([[3, 1], "4", "15"], "integers"),
        ([[3, 1], [4, 5], "x 2"], "integers"),  # a typo
        ([[3, 1], "x", "y"], "characters"),
    ],
)
def test_the_kind_of_a_side(values, kind):
    assert kinds(values, ["x"] * len(values)) == (kind, "characters")
    assert kinds(["x"] * len(values), values) == ("characters", kind)
    assert kinds(values, ["x"] * len(values), ("words", None)) == ("words", "characters")


def test_single_numbers_beside_integers_are_integers():
    assert kinds([[3, 1], [2]], ["4", "2"]) == ("integers", "integers")
    assert kinds(["4", "2"], [[3, 1], [2]]) == ("integers", "integers")
    assert kinds([[3, 1], [2]], [None, None]) == ("integers", "integers")  # a pattern may compute the targets


@pytest.mark.parametrize(
    "field", ["3", "007 1", "1,234", "1,234,567", "-1 2", "1.5 2", "3 x", "", ",", "1 " + "9" * 5000, "551\n5"]
)
def test_fields_that_are_text(field):
    assert integers_or_text(field) == field


def test_fields_that_are_integers():
    for field in ("3 1 4", "3,1,4", " 3, 1 ,4, ", "3  1\u00a04"):
        assert integers_or_text(field) == [3, 1, 4]
    assert integers_or_text("1,23") == [1, 23]
