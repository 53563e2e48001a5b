import pytest

from seq2seq_demo import memory
from seq2seq_demo.config import LONGEST
from seq2seq_demo.data.ragged_reading import read_ragged_pairs, read_texts
from seq2seq_demo.data.sequence_pattern import find_pattern
from seq2seq_demo.data.records import Located, Place
from seq2seq_demo.data.vocabulary import Growing, Vocabularies, Vocabulary
from seq2seq_demo.errors import InputError

A_B_E = Vocabulary("characters", ("a", "b", "\u00e9"))
X_Y = Vocabulary("words", ("X", "Y"))
TEXTS = [("ab", "Y X"), ("e\u0301", ""), ("bab", "X")]


def rows(*pairs, kind="line", first=1):
    return [Located(Place("f", kind, n), *pair) for n, pair in enumerate(pairs, start=first)]


def test_texts_with_the_vocabularies_that_they_make():
    pairs, vocabularies = read_texts(rows(*TEXTS), Growing("characters"), Growing("words"))
    assert vocabularies == Vocabularies(A_B_E, X_Y)
    assert pairs.sources.rows() == [[0, 1], [2], [1, 0, 1]]
    assert pairs.targets.rows() == [[1, 0], [], [0]]


def test_texts_with_vocabularies_that_are_given():
    larger = Vocabulary("characters", (" ", "a", "b", "c", "\u00e9"))
    pairs, vocabularies = read_texts(rows(*TEXTS), larger, X_Y)
    assert vocabularies == Vocabularies(larger, X_Y)
    assert pairs.sources.rows() == [[1, 2], [4], [2, 1, 2]]
    with pytest.raises(InputError, match=r'^f, line 2, output: expected words that training saw, got "Z" as number 2'):
        read_texts(rows(("a", "X"), ("b", "Y Z")), larger, X_Y)


def test_many_texts_whose_vocabulary_grows_with_each_batch(monkeypatch):
    monkeypatch.setattr("seq2seq_demo.data.ragged_reading.ROWS", 2)
    texts = [("z", "b"), ("yz", "a b"), ("x", "c"), ("yw", ""), ("a", "c a")]
    pairs, (source, target) = read_texts(rows(*texts), Growing("characters"), Growing("words"))
    assert (source.symbols, target.symbols) == (("a", "w", "x", "y", "z"), ("a", "b", "c"))
    names = zip(map(source.names, pairs.sources.rows()), map(target.names, pairs.targets.rows()), strict=True)
    assert [("".join(a), " ".join(b)) for a, b in names] == texts


def test_many_symbols_take_as_many_bytes_as_they_need():
    sources = [chr(0x4E00 + k) for k in reversed(range(300))]
    pairs, vocabularies = read_texts(rows(*((text, "X") for text in sources)), Growing("characters"), Growing("words"))
    assert pairs.sources.rows() == [[k] for k in reversed(range(300))]
    assert vocabularies.largest_symbols() == {"in_max_int": 299, "out_max_int": 1}


def test_one_side_may_be_integers():
    pairs, vocabularies = read_texts(rows(([3, 7], "Y X")), Vocabulary(), Growing("words"))
    assert (pairs.sources.rows(), pairs.targets.rows()) == ([[3, 7]], [[1, 0]])
    assert vocabularies.tokens == ("integers", "words")
    with pytest.raises(InputError, match="f, line 1: expected integers from 0 to 6, got 7"):
        read_texts(rows(([3, 7], "Y X")), Vocabulary(), X_Y, in_max_int=6)
    with pytest.raises(InputError, match="f, line 1, output: expected integers from 0 to 6, got 7"):
        read_texts(rows(("a", [7])), A_B_E, Vocabulary(), out_max_int=6)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("a",), 'f, line 2: expected a target too, after a tab, or as "output" in JSON, got none'),
        (("", "X"), "f, line 2: expected a source of some characters, got none"),
        (([], "X"), "f, line 2: expected a source of some characters, got none"),
        ((5, "X"), "f, line 2: expected a text or a list of characters, got 5"),
        (("a", 5), "f, line 2, output: expected a text or a list of words, got 5"),
        (("a", ["X Y"]), 'f, line 2, output: expected a list of words, got "X Y" in it'),
        (("a\ud800", "X"), r'f, line 2: expected Unicode, got "\\ud800" in a text'),
        ((InputError("f, line 2: too long"),), "f, line 2: too long"),
        (("a" * (LONGEST + 1), "X"), f"f, line 2: expected sequences of at most {LONGEST} symbols, got {LONGEST + 1}"),
    ],
)
def test_a_row_that_is_no_pair_of_texts(row, message):
    with pytest.raises(InputError, match=f"^{message}"):
        read_texts(rows(("b", "Y"), row), Growing("characters"), Growing("words"))


def test_no_texts():
    with pytest.raises(InputError, match="expected pairs of a source and a target, got none"):
        read_texts([], Growing("characters"), Growing("words"))
    with pytest.raises(InputError, match="expected targets of some words, got only empty ones"):
        read_texts(rows(("a", ""), ("b", "")), Growing("characters"), Growing("words"))


def test_pairs_of_any_lengths():
    pairs = read_ragged_pairs(rows(([1, 2], []), ([300], [4, 5])))
    assert (pairs.sources.rows(), pairs.targets.rows()) == ([[1, 2], [300]], [[], [4, 5]])
    for row, message in [
        (([], [1]), "f, line 2: expected some integers, got none"),
        (([1],), "f, line 2: expected an output too, as in"),
        (([1], "X"), 'f, line 2, output: expected a list of integers, got "X"; texts need --in-tokens'),
    ]:
        with pytest.raises(InputError, match=message):
            read_ragged_pairs(rows(([1], [2]), row))


def test_pairs_of_a_pattern():
    pattern = find_pattern("reversed")
    pairs = read_ragged_pairs(rows(([1, 2, 3],), ([4, 5], [5, 4])), pattern)
    assert pairs.targets.rows() == [[3, 2, 1], [5, 4]]
    with pytest.raises(InputError, match=r"f, line 2: expected the output of 'reversed', \[5, 4\], got \[4, 5\]"):
        read_ragged_pairs(rows(([1, 2, 3],), ([4, 5], [4, 5])), pattern)


def test_pairs_that_do_not_fit_into_memory_are_refused_with_the_figure(monkeypatch):
    monkeypatch.setattr("seq2seq_demo.data.ragged_reading.ROWS", 100)
    monkeypatch.setattr(memory, "total", lambda: 200 * 250 + 3 * 200 * (8 + 1))
    pair = ([1] * 8, [2])
    assert len(read_ragged_pairs(rows(*[pair] * 200))) == 200
    read = []
    with pytest.raises(InputError) as error:
        read_ragged_pairs(read.append(row) or row for row in rows(*[pair] * 1000))
    assert len(read) == 300  # no more than it takes to know
    assert str(error.value) == (
        "the first 300 pairs need 0.0 GiB of memory or more, this machine has 0.0 GiB: take fewer (N)"
    )
    monkeypatch.setattr(memory, "total", lambda: 300 * 250)  # their symbols alone are too many
    with pytest.raises(InputError, match="the first 300 pairs need"):
        read_texts(rows(*[("abababab", "X")] * 300), Growing("characters"), Growing("words"))
