import numpy as np
import pytest
from seq2seq_demo.data.numbering import Numbering, by_length, number, number_pairs, source_records, valid_records

from seq2seq_demo.config import MAX_LEN
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.data.records import Place, Record
from seq2seq_demo.data.vocabulary import UNKNOWN, Tokenizer, Vocabularies, Vocabulary
from seq2seq_demo.errors import InputError

A_B_E = Vocabulary("characters", ("a", "b", "\u00e9"))
X_Y = Vocabulary("words", ("X", "Y"))
NEW = Numbering(Tokenizer("characters"), Tokenizer("words"))
PLACE = Place("f", "line", 1)


def rows(*pairs):
    return [Record(Place("f", "line", n), *pair) for n, pair in enumerate(pairs, start=1)]


def integers(*pairs, limits=(None, None), **options):
    """Number rows of integers; return their sources and targets."""
    pairs, vocabularies, *_ = number_pairs(rows(*pairs), Numbering(*Vocabularies(), *limits), **options)
    assert vocabularies == Vocabularies()
    return pairs.sources.rows(), pairs.targets.rows()


def source_numbers(*arguments):
    return [record.values for record in valid_records(source_records(*arguments))]


def test_records_become_numbers():
    known = Vocabularies(A_B_E, X_Y)
    for row, numbers in [
        (("bab", "Y X", {"id": 5}), ([1, 0, 1], [1, 0], {"id": 5})),
        ((["b", "e\u0301"], ""), ([1, 2], [])),
        (("b",), ([1],)),
    ]:
        assert number(Numbering(*known).split(Record(PLACE, *row)), known) == Record(PLACE, *numbers)
    for row, message in [
        (("ac", "X"), 'f, line 1: expected characters seen in training, got "c" at position 2'),
        (("a", "Y D"), 'f, line 1, output: expected words seen in training, got "D" at position 2'),
        (("", "X"), "f, line 1: expected a source of characters, got an empty one"),
        ((None, None, None, InputError("the line is too long")), "the line is too long"),
    ]:
        assert str(number(Numbering(*known).split(Record(PLACE, *row)), known).error) == message
    one_text = Vocabularies(Vocabulary(), X_Y)
    assert number(Numbering(*one_text).split(Record(PLACE, "5 6", "Y")), one_text)[1:3] == ([5, 6], [1])


def test_indices_by_length():
    assert by_length(rows(([1, 2],), ([3],), (None, None, None, InputError("")), ([4, 5],))) == {2: [0, 3], 1: [1]}


def test_sources_from_python():
    sources = [[1, 2], (3,), np.array([4, 5], np.uint8), "6 7"]
    assert source_numbers(sources, Vocabulary(), 9) == [[1, 2], [3], [4, 5], [6, 7]]
    for sources, message in [
        ("12", r'sources: expected a list of sources, got "12"; network\("12"\) answers one source'),
        ([[1], []], "sources, row 1: expected a source of integers, got an empty one"),
        (
            np.array([1, 2]),
            r"sources: expected a list of sources, got \[1, 2\]; network\(\[1, 2\]\) answers one source",
        ),
        (5, "sources: expected a list of sources, got 5"),
    ]:
        with pytest.raises(InputError, match=message) as error:
            source_numbers(sources, Vocabulary(), 9)
        assert "\n" not in str(error.value)


# ---- Pairs ----


def test_pairs_of_integers():
    assert integers(([1, 2], []), ("300", "4,5")) == ([[1, 2], [300]], [[], [4, 5]])
    pairs = number_pairs(rows(([1, 2, 300], [4, 5]), ([6, 7, 8], [9, 0])), Numbering()).pairs
    assert (pairs.sources.array().dtype, pairs.targets.array().dtype) == (np.uint16, np.uint8)


@pytest.mark.parametrize(
    ("row", "limits", "message"),
    [
        (([1, 2, 3],), (), ": expected a target too, after a tab .*, got only .1, 2, 3."),
        (([1], "X"), (), ", output, word 1: expected an integer, got 'X'$"),
        (([1, 2, 3], [4, 9]), (None, 8), ", output: expected integers from 0 to 8, got 9"),
        (([1] * (MAX_LEN + 1), [1]), (), f": expected sequences of at most {MAX_LEN} symbols, got {MAX_LEN + 1}"),
        ((None, None, None, InputError("f, line 2: too long")), (), ": too long"),
    ],
)
def test_invalid_pairs_of_integers_are_refused(row, limits, message):
    with pytest.raises(InputError, match=f"^f, line 2{message}"):
        integers(([1, 2, 0], [3, 4]), row, limits=limits)
    left_out = []
    got = integers(([1, 2, 0], [3, 4]), row, ([2], [1]), on_error=left_out.append, limits=limits)
    assert (got[0], len(left_out)) == ([[1, 2, 0], [2]], 1)


def test_only_the_first_n_pairs_are_read():
    left_out = []
    data = [(str(k), [k] if k % 3 else "x") for k in range(9)]
    pairs, _, places, *_ = number_pairs(rows(*data), Numbering(), 4, on_error=left_out.append)
    assert pairs.sources.rows() == [[1], [2], [4], [5]]
    assert [*map(str, places)] == ["f, line 2", "f, line 3", "f, line 5", "f, line 6"]
    assert len(left_out) == 2  # those before the last pair


def test_pairs_of_a_pattern():
    running_sum = find_pattern("running_sum")
    data = ([1, 2, 4],), ([4, 4, 4], [4, 3, 2])
    assert integers(*data, pattern=running_sum)[1] == [[1, 3, 2], [4, 3, 2]]  # modulo 5: the largest symbol is 4
    assert integers(([1, 2, 4],), pattern=running_sum, limits=(9, 5))[1] == [[1, 3, 1]]
    with pytest.raises(InputError, match=r"line 2: expected the output of 'running_sum', \[4, 3, 2\], got \[4, 3, 1\]"):
        integers(([1, 2, 4],), ([4, 4, 4], [4, 3, 1]), pattern=running_sum)


def test_a_new_vocabulary_is_sorted_by_code_point():
    data = [("b😀\u00e9", "b"), ("aZ", "a b"), (["e\u0301", " ", "ﬀ"], ""), ("a", "c a")]
    pairs, (source, target), *_ = number_pairs(rows(*data), NEW)
    assert source.symbols == (" ", "Z", "a", "b", "\u00e9", "ﬀ", "😀")  # in UTF-16, 😀 would come before ﬀ
    assert target.symbols == ("a", "b", "c")
    assert pairs.sources.rows() == [[3, 6, 4], [2, 1], [4, 0, 5], [2]]
    assert pairs.targets.rows() == [[1], [0, 1], [], [2, 0]]
    assert number_pairs(rows(*reversed(data)), NEW).vocabularies == (source, target)
    with pytest.raises(InputError, match="expected words in at least one target, got only empty targets"):
        number_pairs(rows(("a", ""), ("b", " ")), NEW)
    with pytest.raises(InputError, match="expected pairs of a source and a target, got none"):
        number_pairs([], NEW)


def test_skipped_texts_add_no_symbols():
    left_out = []
    data = [("ab", "X"), ("qrb", 5), ("q" * (MAX_LEN + 1), "Q"), ("w", "W\ud800"), ("e\u0301", "Y"), ("z",)]
    pairs, vocabularies, *_ = number_pairs(rows(*data), NEW, on_error=left_out.append)
    assert vocabularies == Vocabularies(A_B_E, X_Y)
    assert (pairs.sources.rows(), pairs.targets.rows()) == ([[0, 1], [2]], [[0], [1]])
    assert [str(error)[:9] for error in left_out] == [f"f, line {n}" for n in (2, 3, 4, 6)]


def test_unseen_symbols_get_numbers_above_those_of_the_vocabulary():
    one = Vocabulary("words", ("X",))  # its network has a second symbol
    unseen = Numbering(A_B_E, one, allows_unseen=True)
    pairs, (source, target), *_ = number_pairs(rows(("bza", "X"), ("0", "W X")), unseen)
    assert (source.symbols, target.symbols) == (("a", "b", "\u00e9", "0", "z"), ("X", UNKNOWN, "W"))
    assert (pairs.sources.rows(), pairs.targets.rows()) == ([[1, 4, 0], [3]], [[0], [2, 0]])
    with pytest.raises(InputError, match='f, line 1: expected characters seen in training, got "z" at position 2'):
        number_pairs(rows(("bza", "X")), Numbering(A_B_E, one))
