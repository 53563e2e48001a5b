import numpy as np
import pytest

from seq2seq_demo import system_memory
from seq2seq_demo.config import MAX_LEN
from seq2seq_demo.data.encoder import Encoder, batches, encode_pairs, source_records, valid_records
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.data.records import Place, Record, by_length
from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary, VocabularyBuilder
from seq2seq_demo.errors import InputError

A_B_E = Vocabulary("characters", ("a", "b", "\u00e9"))
X_Y = Vocabulary("words", ("X", "Y"))
PLACE = Place("f", "line", 1)


def rows(*pairs):
    return [Record(Place("f", "line", n), *pair) for n, pair in enumerate(pairs, start=1)]


def read(records, source, target, n=None, pattern=None, on_error=None, **limits):
    """Return the pairs and their vocabularies."""
    return encode_pairs(records, Encoder(source, target, **limits), n, pattern, on_error)[:2]


def integers(*pairs, **options):
    """Read rows of integers; return their sources and targets."""
    pairs, vocabularies = read(rows(*pairs), Vocabulary(), Vocabulary(), **options)
    assert vocabularies == Vocabularies()
    return pairs.sources.rows(), pairs.targets.rows()


def source_numbers(*arguments):
    return [record.values for record in source_records(*arguments)]


def texts(*pairs, **options):
    return read(rows(*pairs), VocabularyBuilder("characters"), VocabularyBuilder("words"), **options)


# ---- Single rows and batches ----

TEXT_ENCODER = Encoder(Vocabulary("characters", ("a", "b")), X_Y)


def in_batches(records, size, **options):
    return batches(valid_records(Encoder(in_max_int=9, **options).encode_all(records)), size)


def test_texts_become_symbol_numbers():
    row = Record(PLACE, "bab", "Y X", {"id": 5})
    assert TEXT_ENCODER.encode(row) == Record(PLACE, [1, 0, 1], [1, 0], {"id": 5})
    assert TEXT_ENCODER.encode(Record(PLACE, "b")) == Record(PLACE, [1])
    assert TEXT_ENCODER.encode(Record(PLACE, "b", "")) == Record(PLACE, [1], [])
    assert Encoder(target=X_Y).encode(Record(PLACE, [5], "Y")) == Record(PLACE, [5], [1])
    assert Encoder(A_B_E).encode(Record(PLACE, "a", [7])) == Record(PLACE, [0], [7])


def test_unreadable_rows_are_refused():
    for row, message in [
        (("ac", "X"), 'f, line 1: expected characters seen in training, got "c" at position 2'),
        (("a", "Y D"), 'f, line 1, output: expected words seen in training, got "D" at position 2'),
        ((None, None, None, InputError("the line is too long")), "the line is too long"),
    ]:
        encoded = TEXT_ENCODER.encode(Record(PLACE, *row))
        assert (encoded.values, str(encoded.error)[: len(message)]) == (row[0], message)


def test_batches_may_mix_lengths():
    (batch,) = in_batches(rows(([1, 2],), ([3],), ([4, 5, 6],), ([7],)), 10)
    assert by_length(batch) == {2: [0], 1: [1, 3], 3: [2]}
    first, second = in_batches(rows(([1, 2],), ([3],), ([4, 5, 6],)), 2)
    assert [[row.values for row in batch] for batch in (first, second)] == [[[1, 2], [3]], [[4, 5, 6]]]
    with pytest.raises(InputError, match="f, line 2: expected 2 integers, got 1"):
        list(in_batches(rows(([1, 2],), ([3],)), 10, in_len=2))


def test_equal_lengths_must_match_the_first_row():
    given = rows(([],), ([1, 2], [3]), ([1], [3]), ([1, 2], [3, 4]), ([5, 6], [7]))
    readable = valid_records(Encoder(equal_lengths=True).encode_all(given), (skipped := []).append)
    assert [row.values for row in readable] == [[1, 2], [5, 6]]
    assert [str(error) for error in skipped[1:]] == [
        "f, line 3: expected 2 integers, got 1; for sequences of that length give `in_len` 1",
        "f, line 4, output: expected 1 integers, got 2; for sequences of that length give `out_len` 2",
    ]


def test_outputs_must_have_the_predicted_length():
    row = Record(PLACE, [1, 2], [3])
    assert list(in_batches([row], 5, answer_len=lambda n: n - 1)) == [[row]]
    with pytest.raises(InputError, match="f, line 1, output: expected 4 integers, got 1; for sequences of that"):
        list(in_batches([row], 5, answer_len=lambda n: 2 * n))
    empty = row._replace(output=[])
    assert list(in_batches([empty], 5)) == [[empty]]
    with pytest.raises(InputError, match="f, line 1, output: expected some integers, got none"):
        list(in_batches([empty], 5, equal_lengths=True))


def test_good_rows_come_before_a_read_error():
    def failing():
        yield Record(PLACE, [1, 2])
        raise InputError("the disk is gone")

    got = in_batches(failing(), 10)
    assert [row.values for row in next(got)] == [[1, 2]]
    with pytest.raises(InputError, match="the disk is gone"):
        next(got)


def test_sources_from_python():
    assert source_numbers([[1, 2], (3,), np.array([4, 5], np.uint8)], Vocabulary(), 9) == [[1, 2], [3], [4, 5]]
    assert source_numbers(np.array([[1, 2], [3, 4]]), Vocabulary(), 9) == [[1, 2], [3, 4]]
    for sources, message in [
        ("12", 'expected a list of sources, each a list of integers, got "12"'),
        ([[1], 2], "sources, row 1: expected a list of integers, got 2"),
        ([[1], []], "sources, row 1: expected some integers, got none"),
        ([[1.5]], "sources, row 0: expected integers from 0 to 9, got 1.5"),
        (np.ma.array([[1]]), "expected a list of sources, each a list of integers, got masked_array"),
        ([np.array([1], "M8[ns]")], "sources, row 0: expected a list of integers, got array"),
        ([1, 2], r"expected a list of sources, each a list of integers, got \[1, 2\]; write \[\[1, 2\]\]$"),
        (["12"], 'sources, row 0: expected a list of integers, got "12"; texts need a network trained with'),
    ]:
        with pytest.raises(InputError, match=message) as error:
            source_numbers(sources, Vocabulary(), 9)
        assert "\n" not in str(error.value)


def test_texts_from_python():
    vocabulary = Vocabulary("characters", (" ", "a", "b", "\u00e9"))
    assert source_numbers(["ab", "e\u0301 a"], vocabulary, 3) == [[1, 2], [3, 0, 1]]
    assert source_numbers((["a", "e\u0301"], ("b",)), vocabulary, 3) == [[1, 3], [2]]
    assert source_numbers(np.array(["ab", "a"]), vocabulary, 3) == [[1, 2], [1]]
    assert source_numbers([np.array(["a", "b"]), np.str_("ba")], vocabulary, 3) == [[1, 2], [2, 1]]
    for sources, message in [
        ("ab", r'expected a list of sources, each a text, got "ab"; write \["ab"\]$'),
        ([3], r'expected a list of sources, each a text, got \[3\]; write \["3"\]$'),
        (["a", ""], "sources, row 1: expected a source of characters, got an empty one"),
        (["a", "az"], 'sources, row 1: expected characters seen in training, got "z" at position 2$'),
        ([["ab"]], 'sources, row 0: expected a list of characters, got "ab"; a list is one sequence, so write'),
    ]:
        with pytest.raises(InputError, match=message):
            source_numbers(sources, vocabulary, 3)


# ---- Pairs of integers ----


def test_pairs_of_integers():
    assert integers(([1, 2], []), ([300], [4, 5])) == ([[1, 2], [300]], [[], [4, 5]])
    pairs, _ = read(rows(([1, 2, 300], [4, 5]), ([6, 7, 8], [9, 0])), Vocabulary(), Vocabulary())
    assert (pairs.sources.array().dtype, pairs.targets.array().dtype) == (np.uint16, np.uint8)


@pytest.mark.parametrize(
    ("row", "limits", "message"),
    [
        (([1, 2, 3],), {}, ": expected a target too, after a tab, .*, got none"),
        (([1], "X"), {}, ', output: expected a list of integers, got "X"; texts need a network trained with `in_tok'),
        (([1, 2, 3], [4, 9]), {"out_max_int": 8}, ", output: expected integers from 0 to 8, got 9"),
        (([1, 2, 2**31], [4, 9]), {}, ": expected integers from 0 to 2147483647, got 2147483648"),
        (([1] * (MAX_LEN + 1), [1]), {}, f": expected sequences of at most {MAX_LEN} symbols, got {MAX_LEN + 1}"),
        ((None, None, None, InputError("f, line 2: too long")), {}, ": too long"),
    ],
)
def test_invalid_pairs_of_integers_are_refused(row, limits, message):
    with pytest.raises(InputError, match=f"^f, line 2{message}"):
        integers(([1, 2, 0], [3, 4]), row, **limits)
    left_out = []
    assert integers(([1, 2, 0], [3, 4]), row, ([2], [1]), on_error=left_out.append, **limits)[0] == [[1, 2, 0], [2]]
    assert [str(error).startswith("f, line 2") for error in left_out] == [True]


def test_n_readable_pairs_are_read_and_their_places_noted():
    left_out = []
    data = [([k], [k] if k % 3 else "") for k in range(9)]
    pairs, _, places = encode_pairs(rows(*data), Encoder(), 4, on_error=left_out.append)
    assert pairs.sources.rows() == [[1], [2], [4], [5]]
    assert [str(places.of(k)) for k in range(4)] == ["f, line 2", "f, line 3", "f, line 5", "f, line 6"]
    assert len(left_out) == 2  # reading stops after the last pair needed


# ---- Pairs of a pattern ----


def test_pairs_of_a_pattern():
    running_sum = find_pattern("running_sum")
    data = ([1, 2, 4],), ([4, 4, 4], [4, 3, 2])
    assert integers(*data, pattern=running_sum)[1] == [[1, 3, 2], [4, 3, 2]]  # modulo 5: the largest symbol is 4
    assert integers(([1, 2, 4],), pattern=running_sum, in_max_int=9, out_max_int=5)[1] == [[1, 3, 1]]
    assert integers(([1, 2, 3],), ([4, 5], [5, 4]), pattern=find_pattern("reversed"))[1] == [[3, 2, 1], [5, 4]]
    with pytest.raises(InputError, match=r"line 2: expected the output of 'running_sum', \[4, 3, 2\], got \[4, 3, 1\]"):
        integers(([1, 2, 4],), ([4, 4, 4], [4, 3, 1]), pattern=running_sum)


# ---- Pairs of texts ----


def test_vocabularies_grow_over_several_arrays(monkeypatch):
    monkeypatch.setattr("seq2seq_demo.data.encoder.ROWS_PER_ARRAY", 2)
    data = [("z", "b"), ("yz", "a b"), ("x", "c"), ("yw", ""), ("a", "c a")]
    pairs, (source, target) = texts(*data)
    assert (source.symbols, target.symbols) == (("a", "w", "x", "y", "z"), ("a", "b", "c"))
    names = zip(map(source.to_symbols, pairs.sources.rows()), map(target.to_symbols, pairs.targets.rows()), strict=True)
    assert [("".join(a), " ".join(b)) for a, b in names] == data


def test_skipped_texts_add_no_symbols():
    left_out = []
    data = [("ab", "X"), ("qrb", 5), ("q" * (MAX_LEN + 1), "Q"), ("w", "W\ud800"), ("e\u0301", "Y")]
    pairs, vocabularies = texts(*data, on_error=left_out.append)
    assert vocabularies == Vocabularies(A_B_E, X_Y)
    assert (pairs.sources.rows(), pairs.targets.rows()) == ([[0, 1], [2]], [[0], [1]])
    assert [str(error)[:9] for error in left_out] == ["f, line 2", "f, line 3", "f, line 4"]


def test_more_than_256_symbols():
    sources = [chr(0x4E00 + k) for k in reversed(range(300))]
    pairs, vocabularies = texts(*((text, "X") for text in sources))
    assert pairs.sources.rows() == [[k] for k in reversed(range(300))]
    assert vocabularies.largest_symbols() == {"in_max_int": 299, "out_max_int": 1}


def test_invalid_pairs_of_texts_are_refused():
    ways = 'after a tab, as "output" in JSON, or as the second of `columns`'
    expected = f": expected a target too, {ways}, got none; `format` reads a file as text, csv, tsv or json"
    for row, message in [
        (("a",), expected),
        (("", "X"), ": expected a source of characters, got an empty one"),
    ]:
        with pytest.raises(InputError, match=f"^f, line 2{message}$"):
            texts(("b", "Y"), row)


# ---- Memory ----


def test_pairs_that_exceed_memory_are_refused(monkeypatch):
    monkeypatch.setattr("seq2seq_demo.data.encoder.ROWS_PER_ARRAY", 100)
    monkeypatch.setattr(system_memory, "total", lambda: 200 * 250 + 3 * 200 * (8 + 1))
    pair = ([1] * 8, [2])
    assert len(integers(*[pair] * 200)[0]) == 200
    taken = []
    with pytest.raises(InputError) as error:
        read((taken.append(row) or row for row in rows(*[pair] * 1000)), Vocabulary(), Vocabulary())
    assert len(taken) == 300  # reading stops when the limit is exceeded
    assert str(error.value) == (
        "the first 300 pairs would need 0.0 GiB of memory or more; this process has 0.0 GiB: use fewer pairs"
    )
    monkeypatch.setattr(system_memory, "total", lambda: 300 * 250)  # too little for the symbols alone
    with pytest.raises(InputError, match="the first 300 pairs would need"):
        texts(*[("abababab", "X")] * 300)
