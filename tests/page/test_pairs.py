"""The user's own pairs, in Node: what the page reads, which symbols it recognises, and what it holds out and draws."""

import itertools
import random

import pytest
from helpers_page import ask, needs_node

from seq2seq_demo.data.records import COLUMN_NAMES, Place, Record
from seq2seq_demo.data.tokens import recognise

pytestmark = [pytest.mark.slow, needs_node]


def read(text, **question):
    """Return the reading of a string by the page."""
    return ask(("readPairs", {"text": text, **question}), module="run/pairs.js")[0]


@pytest.mark.parametrize(
    ("text", "pairs", "problems"),
    [
        ("a\tb", ["a b"], []),
        ("a→b\n c → d ", ["a b", "c d"], []),
        ("a;b,c", ["a b|,|c"], []),
        ("a,b", ["a b"], []),
        ("a, b\tc → d; e", ["a|,| |b c| |→| |d|;| |e"], []),
        ('"a,b",c\nd,"e ""f"", g"\n"h",i', ['a|,|b c', 'd e| |"|f|"|,| |g', "h i"], []),
        ('"a;b";c', ["a|;|b c"], []),
        ('"x"\ty', ['"|x|" y'], []),
        ("a\tb\r\nc\td\re\tf\r\n", ["a b", "c d", "e f"], []),
        ("\n\n Word ,ANSWER\n\na,b\n  \n", ["a b"], []),
        ("source,b\na,target", ["s|o|u|r|c|e b", "a t|a|r|g|e|t"], []),
        ("\ufeffsource\ttarget\na\tb", ["a b"], []),
        ("a\t\n\tb\nc\nd\te", ["d e"], ["line 1: the target is missing", "line 2: the source is missing",
                                        "line 3: the target is missing"]),
        ("My words\na;b\nc,d", ["a b"], ["line 1: the target is missing", "line 3: the target is missing"]),
        ("a,b,c\n\nd,e", ["d e"], ["line 1: expected a source and a target, got 3 columns"]),
        (f"{'x' * 61},b\n{'y' * 60},b", ["|".join("y" * 60) + " b"], ["line 1: 61 symbols; at most 60 are possible"]),
        (f"a,b\n{'x' * 1001}", ["a b"], ["line 2: 1,001 characters; at most 1,000 are possible"]),
        ("a,b\na,b\na,c\nA,b", ["a b", "a c", "A b"], []),
        ("안,a\nㄱ가,b", ["ᄋ|ᅡ|ᆫ a", "ㄱ|ᄀ|ᅡ b"], []),
        ("안녕,하늘", ["ᄋ|ᅡ|ᆫ|ᄂ|ᅧ|ᆼ ᄒ|ᅡ|ᄂ|ᅳ|ᆯ"], []),
        ("👩‍👧,🇩🇪", ["👩|\u200d|👧 🇩|🇪"], []),
        ("cafe\u0301,x\ncaf\u00e9,x", ["c|a|f|é x"], []),
        ("__proto__,constructor", ["_|_|p|r|o|t|o|_|_ c|o|n|s|t|r|u|c|t|o|r"], []),
        ("</script>,<!--", ["<|/|s|c|r|i|p|t|> <|!|-|-"], []),
        ("a\u2028b,\u202ec", ["a|\u2028|b \u202e|c"], []),
        ("", [], []),
    ],
)  # fmt: skip
def test_the_pairs_of_a_text(text, pairs, problems):
    reading = read(text)
    assert [" ".join(pair) for pair in reading["pairs"]] == pairs
    assert (reading["problems"], bool(reading["refusal"])) == (problems, True)  # there are too few


def test_names_of_columns_are_those_of_the_program():
    for source, target in itertools.product(*COLUMN_NAMES):
        assert read(f"{source},{target}\na,b")["pairs"] == [["a", "b"]]


def listed(n, source="x{}", target="y"):
    return "\n".join(f"{source.format(i)}\t{target}" for i in range(n))


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (" \n", "Paste pairs, open a file, or begin with a sample."),
        ("a,b\n" * 100, "Expected at least 20 pairs with different sources, got 1."),
        (listed(19) + "\nx1\tother", "Expected at least 20 pairs with different sources, got 19."),
        (listed(20), ""),
        (listed(5000), ""),
        (listed(5001), "Expected at most 5,000 pairs, got 5,001; the program has no limit."),
        ("\n".join(f"{chr(0x4E00 + n)}\ta" for n in range(200)), ""),
        ("\n".join(f"a{n}\t{chr(0x4E00 + n)}" for n in range(201)), "Expected at most 200 different symbols per side"),
    ],
)  # fmt: skip
def test_pairs_of_which_nothing_can_be_learned(text, refusal):
    assert read(text)["refusal"].startswith(refusal) and bool(read(text)["refusal"]) == bool(refusal)


def test_large_texts_are_read_at_once():
    for text, copies in (("x", 10**7), ("a", 10**6), ("a,", 10**6), ('","', 10**6), (",\n", 10**5)):
        reading = read(text, copies=copies)
        assert reading["refusal"] and reading["ms"] < 2000  # of CPU time


RNG = random.Random(0)
N = 300
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
NAMES = ["".join(RNG.choices("abcdefghiklmnoprstu", k=RNG.randrange(3, 9))) for _ in range(N)]
MORSE = [".-", "-...", "-.-.", "-..", ".", "..-.", "--.", "....", "..", ".---"]
PHONES = ["AA1", "B", "CH", "D", "EH0", "K", "S", "T"]
VERBS, SIDES = ["walk", "run", "jump", "look"], ["left", "right", "twice", "around left"]


def phrase(words, low=2, high=6):
    return " ".join(RNG.choices(words, k=RNG.randrange(low, high)))


EVERYDAY = {  # sources and targets
    "lemmas": lambda i: (NAMES[i], NAMES[i] + "s"),
    "Morse code": lambda i: (NAMES[i], phrase(MORSE)),
    "phones": lambda i: (NAMES[i], phrase(PHONES)),
    "numerals": lambda i: (f"{i}", " ".join(DIGITS[int(d)] for d in f"{i}")),
    "numerals with hyphens": lambda i: (f"{i}", f"{DIGITS[i % 10]}-{DIGITS[i // 10 % 10]} hundred"),
    "dates": lambda i: (f"{i % 28 + 1:02} {i % 12 + 1:02} {1900 + i}", f"{1900 + i}-{i % 12 + 1:02}-{i % 28 + 1:02}"),
    "sentences": lambda i: (f"I saw {NAMES[i]} at {NAMES[-i]}", f"{NAMES[i]} was seen"),
    "sentences of few words": lambda i: (phrase(["the", "dog", "cat", "sees", "a", "."]), phrase(["der", "Hund", "!"])),
    "commands": lambda i: (f"{RNG.choice(VERBS)} {RNG.choice(SIDES)}", phrase(["I_WALK", "I_RUN", "I_TURN_LEFT"], 1)),
    "sums": lambda i: (f"{i} {i + 3}", f"{2 * i + 3}"),
    "polynomials": lambda i: (f"{i} x + {i % 7}", f"{i} x"),
    "Hangul": lambda i: ("".join(RNG.choices("가나다라마", k=4)), phrase(["ga", "na", "da"])),
    "glosses": lambda i: (f"{NAMES[i]} V;PST", NAMES[i] + "ed"),
}  # fmt: skip


@pytest.mark.parametrize("name", EVERYDAY)
def test_symbols_are_recognised_as_by_the_program(name):
    pairs = [EVERYDAY[name](i) for i in range(N)]
    records = [Record(Place("f", "line", n), *pair) for n, pair in enumerate(pairs)]
    expected = recognise((None, None), records, are_fields=True)
    text = "\n".join(map("\t".join, pairs))
    assert read(text)["kinds"] == [kind.replace("integers", "words") for kind in expected]
    assert read(text, kinds=["characters", "words"])["kinds"] == ["characters", "words"]
