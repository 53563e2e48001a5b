import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import A_B_E, X_Y, pairs_of_arrays, ragged, source_hash

from seq2seq_demo.config import MAX_LEN, ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import PairTask, held_out, pair_task
from seq2seq_demo.data.patterns import as_pattern, find_pattern
from seq2seq_demo.data.records import Place
from seq2seq_demo.data.sequences import max_typical_length
from seq2seq_demo.data.vocabulary import Vocabularies
from seq2seq_demo.errors import InputError, UsageError
from seq2seq_demo.training.settings import pair_warnings

TEXTS = [("ab", "Y X"), ("e\u0301", ""), ("bab", "X")]
ENDING = ModelConfig(in_max_int=99, out_max_int=99, ends=True)


def task_of(pairs, *args, **options):
    """A task of pairs, of which none is held out."""
    return PairTask("mine", pairs, np.zeros(len(pairs), bool), *args, **options)


def sized(task, **options):
    return TrainConfig(**options | task.sizes())


# ---- Pairs from Python ----


def test_pairs_of_integers():
    rows = [([1, 2], (3,)), (np.array([4, 5]), [np.uint8(6)]), ([8, 9, 10], []), ("300", "4,5")]
    task = pair_task(rows, kinds=("integers", "integers"), validation=[([4], [6])])
    assert task.pairs.sources.rows() == [[1, 2], [4, 5], [8, 9, 10], [300]]
    assert task.pairs.targets.rows() == [[3], [6], [], [4, 5]]
    assert (task.name, task.validation.sources.rows(), task.vocabularies) == ("pairs", [[4]], Vocabularies())
    assert task.pairs.sources.symbols.dtype, task.pairs.targets.symbols.dtype == (np.uint16, np.uint8)
    arrays = pairs_of_arrays(np.array([[1, 2], [4, 5]]), np.array([[3], [6]]))
    assert task_of(arrays).digest == pair_task([([1, 2], [3]), ([4, 5], [6])]).digest


def test_pairs_of_strings():
    task = pair_task(iter(TEXTS), kinds=("characters", "words"))
    assert task.vocabularies == Vocabularies(A_B_E, X_Y)
    lists = [(["a", "b"], ("Y", "X")), [np.array(["\u00e9"]), []], ("bab", ["X"])]
    assert pair_task(lists, kinds=("characters", "words")).digest == task.digest
    small = pair_task([("b", "X")], vocabularies=task.vocabularies)
    assert (small.vocabularies, small.pairs.sources.rows()) == (task.vocabularies, [[1]])


@pytest.mark.parametrize("lowercase", [True, False])
def test_lower_case_is_that_of_the_network(lowercase):
    known = Vocabularies(replace(X_Y, symbols=("x", "y"), lowercase=lowercase), X_Y)
    for same in (None, lowercase):
        assert pair_task([("x", "X")], vocabularies=known, lowercase=same).vocabularies is known
    with pytest.raises(UsageError, match=f"trained with `lowercase` {lowercase}, got {not lowercase}"):
        pair_task([("x", "X")], vocabularies=known, lowercase=not lowercase)


def test_a_string_is_a_pattern_or_a_file_of_pairs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path, name in (("a.tsv", "a.tsv"), (Path("sorted"), "sorted.pairs"), (Path("C:a"), "C.a")):
        Path(path).write_text("1 2\t3\n")
        assert as_pattern(path) is None
        assert (pair_task(path).name, pair_task(path).pairs.sources.rows()) == (name, [[1, 2]])
    assert as_pattern("sorted") is find_pattern("sorted")
    Path("mine.py").write_text("def f(source):\n    return source\n")
    assert as_pattern("mine.py:f").name == "mine:f"
    for wrong, hint in (("revresed", "did you mean the pattern 'reversed'?"), ("b.tsv", "the patterns are sorted, ")):
        expected = f"^expected a file of pairs or a pattern's name, got '{wrong}': "
        with pytest.raises(InputError, match=expected) as error:
            as_pattern(wrong)
        assert hint in str(error.value)
        assert isinstance(error.value, FileNotFoundError)
    with pytest.raises(UsageError, match="expected pairs of words and characters, as in the network, got pattern 'sor"):
        as_pattern("sorted", ("words", "characters"))


def test_a_function_is_a_pattern():
    def copy(source):
        return source

    for function, name in ((copy, "copy"), (lambda source: source, "lambda"), (functools.partial(copy), "partial")):
        task = as_pattern(function)
        assert (task.name.partition(":")[2], task.function) == (name, function)
    assert as_pattern([([1, 2], [3])]) is None


def test_invalid_pairs_are_refused_or_skipped(caplog):
    rows, message = [([1, 2, 0], [3, 4]), ([1, 7], [4]), ([2], [1])], "row 1: expected integers from 0 to 6, got 7"
    settings = {"kinds": ("integers", "integers"), "largest": (6, 8)}
    with pytest.raises(InputError, match=f"^pairs, {message}$") as error:
        pair_task(rows, **settings)
    assert error.value.row == 1
    task = pair_task(rows, max_skipped=0.4, **settings)
    assert (task.pairs.sources.rows(), task.n_skipped) == ([[1, 2, 0], [2]], 1)
    (notice,) = caplog.messages
    assert notice.startswith(f"Read 3 records of pairs: 2 pairs, 1 skipped; the first error: pairs, {message}")
    with pytest.raises(InputError, match=r"^expected to skip at most 20% of the records, got 3 records of pairs: 2 "):
        pair_task(rows, max_skipped=0.2, **settings)
    nothing_read = "^pairs: no pairs of a source and a target; the first error: pairs, row 0"
    with pytest.raises(InputError, match=nothing_read):
        pair_task(rows[1:2], max_skipped=1.0, **settings)


def test_only_the_first_n_pairs_are_read():
    rows = [(str(k), [k] if k % 3 else "x") for k in range(9)]
    task = pair_task(rows, 4, kinds=("integers", "integers"), max_skipped=0.5)
    assert task.pairs.sources.rows() == [[1], [2], [4], [5]]
    assert [*map(str, task.places)] == [f"pairs, row {n}" for n in (1, 2, 4, 5)]
    assert task.n_skipped == 2  # those before the last pair
    with pytest.raises(InputError, match="pairs: expected 7 pairs, got 6"):
        pair_task(rows, 7, kinds=("integers", "integers"), max_skipped=0.5)


def test_skipped_pairs_add_no_symbols():
    rows = [("ab", "X"), ("qrb", 5.5), ("q" * (MAX_LEN + 1), "Q"), ("w", "W\ud800"), ("e\u0301", "Y"), {"source": "z"}]
    task = pair_task(rows, kinds=("characters", "words"), max_skipped=1.0)
    assert task.vocabularies == Vocabularies(A_B_E, X_Y)
    assert (task.pairs.sources.rows(), task.pairs.targets.rows()) == ([[0, 1], [2]], [[0], [1]])
    assert task.n_skipped == 4


def test_pairs_of_a_pattern():
    running_sum = find_pattern("running_sum")
    rows = [{"input": [1, 2, 4]}, {"input": [4, 4, 4], "output": [4, 3, 2]}]
    task = pair_task(rows, pattern=running_sum)
    assert task.name == "running_sum"
    assert task.pairs.targets.rows() == [[1, 3, 2], [4, 3, 2]]  # modulo 5: the largest symbol is 4
    assert pair_task(rows[:1], pattern=running_sum, largest=(9, 5)).pairs.targets.rows() == [[1, 3, 1]]
    rows[1]["output"] = [4, 3, 1]
    with pytest.raises(InputError, match=r"row 1: expected the output of 'running_sum', \[4, 3, 2\], got \[4, 3, 1\]"):
        pair_task(rows, pattern=running_sum)


def test_validation_uses_the_vocabularies_of_training():
    kinds = "characters", "words"
    task = pair_task(TEXTS, kinds=kinds, validation=[("b", "X"), ("ab", "X Y")])
    assert task.vocabularies == Vocabularies(A_B_E, X_Y)
    assert (task.validation.sources.rows(), task.validation.targets.rows()) == ([[1], [0, 1]], [[0], [0, 1]])
    unknown = pair_task(TEXTS, kinds=kinds, validation=[("zb", "Z X"), ("cb", "X")])
    assert unknown.vocabularies == task.vocabularies
    assert (unknown.validation.sources.rows(), unknown.validation.targets.rows()) == ([[4, 1], [3, 1]], [[2, 0], [0]])
    with pytest.raises(InputError, match="all validation pairs contain symbols unseen in training"):
        config = replace(ENDING, in_max_int=2, out_max_int=1)
        replace(unknown, validation=unknown.validation[:1]).draw(TrainConfig(), config)
    rows = [("a", "A"), ("a", "A"), ("a", "A"), ("b", "A")]
    unknown = pair_task(rows, kinds=kinds, holds_out=True, validation=[("x", "q"), ("y", "r")])
    of_version_0_4_0 = "4d71744600aad061186d9863ffc4ab2723bab0dbee4a8ab8b66e08ec72baf541"
    assert unknown.digest == of_version_0_4_0  # whose snapshots are resumed


# ---- Digest and sizes ----


def test_the_sizes_of_a_task():
    pairs = ragged([[1, 2, 11], [3]] * 15, [[], [9, 9]] * 15)
    task = PairTask("mine", pairs, np.array([True, False] * 15))
    assert task.largest_symbols() == {"in_max_int": 11, "out_max_int": 9}
    config = sized(task, few_symbols=0.5)
    assert (config.points, config.min_in_len, config.in_len, config.out_len, config.few_symbols) == (30, 1, 3, 2, 0)
    assert config.n_validation == len(task.split[1]) == 15
    with_others = replace(task, validation=ragged([[12]] * 7))
    assert with_others.largest_symbols() == {"in_max_int": 12, "out_max_int": 9}
    config = sized(with_others)
    assert (config.points, config.n_training, config.n_validation) == (37, 30, 7)
    empty = replace(task, pairs=ragged([[0], [1]] * 15, [[]] * 30))
    assert empty.largest_symbols() == {"in_max_int": 1, "out_max_int": 1}  # a network has at least two symbols
    assert sized(empty).out_len == 1


# ---- Validation split ----


def split(sources):
    """The sources of integers that are trained on, and those that are held out."""
    mask, _ = held_out(sources, "integers")
    return [[source for source, is_out in zip(sources, mask, strict=True) if is_out == part] for part in (False, True)]


def test_a_source_is_held_out_if_its_hash_is_below_a_tenth_of_the_range():
    sources = [[n // 3, 7] for n in range(1500)]
    training, validation = split(sources)
    assert validation == [source for source in sources if source_hash(f"{source[0]} 7") < 2**64 / 10]
    assert training == [source for source in sources if source not in validation]
    assert 110 < len(validation) < 190
    task = pair_task([(source, [1]) for source in sources], holds_out=True)
    assert [part.sources.rows() for part in task.split] == [training, validation]


@pytest.mark.parametrize(("N", "at_least"), [(2, 1), (9, 1), (39, 1), (40, 2), (100, 5)])
def test_of_few_pairs_the_lowest_hashes_are_held_out(N, at_least):
    high = [n for n in range(2000) if source_hash(str(n)) > 2**64 / 10][:N]
    _, validation = split([[n] for n in high])
    lowest = sorted(high, key=lambda n: source_hash(str(n)))[:at_least]
    assert sorted(validation) == sorted([n] for n in lowest)
    _, validation = split([[n] for n in high for _ in range(3)])  # all pairs of a source are held out together
    assert len(validation) == 3 * -(-max(1, 3 * N // 20) // 3)


def test_the_split_of_texts_depends_on_neither_vocabulary_nor_tokens():
    words = [f"w{n}\u00e9" for n in range(300)]
    validated = {word for word in words if source_hash(word) < 2**64 / 10}
    for texts, tokens in ((words, "characters"), (words, "words"), ([*words, "aaa", "zzz"], "characters")):
        task = pair_task([(text, "x") for text in texts], kinds=(tokens, "words"), holds_out=True)
        assert {text for text, is_out in zip(texts, task.is_held_out, strict=True) if is_out} & {*words} == validated


def test_symbols_that_are_only_held_out_are_not_in_the_vocabularies(caplog):
    texts = [f"{letter}{n}" for letter in "abc" for n in range(5)]
    lowest = min(texts, key=source_hash)
    rows = [(text, text[0]) for text in texts] + [("z" * 24, "Z")]  # its hash is the lowest
    settings = {"kinds": ("characters", "characters"), "holds_out": True}
    task = pair_task(rows, **settings)
    assert source_hash("z" * 24) < source_hash(lowest)
    assert "".join(task.vocabularies.source.symbols + task.vocabularies.target.symbols) == "01234abcabc"
    assert task.split[1].sources.rows()[-1] == [8] * 24
    assert caplog.messages == [
        'Training lacked "z" in sources and "Z" in targets, so the answers to 1 of 3 pairs, such as pairs, row 15, '
        "count as wrong; only the loss omits them"
    ]
    again = pair_task(rows, vocabularies=task.vocabularies, **settings)  # as -i and --resume read it
    assert again.digest == task.digest
    with pytest.raises(InputError, match='row 0: expected characters seen in training, got "y" at position 1'):
        pair_task([("y", "a"), *rows], vocabularies=task.vocabularies, **settings)


def test_pairs_that_would_all_be_held_out_are_refused():
    low = [[n] for n in range(999) if source_hash(str(n)) < 2**64 / 10]
    for sources, n in ([[1]], 1), ([[5, 6]] * 30, 1), (low, len(low)):
        message = f"^expected several sources, .* got {n}: give different validation pairs$"
        with pytest.raises(InputError, match=message):
            held_out(sources, "integers")


# ---- Warnings ----

SAME = "Every target is the same, so there is nothing to learn from the sources"
MISSING = "Pairs with an empty target: 2, such as in.csv, line 3; remove them if their targets are missing"
SEVERAL = "Sources with several targets: 2, such as in.csv, line 3; an answer may equal any of them"
OVERLAP = "3 of 6 distinct validation sources are also training sources: validation metrics are too optimistic"
ADVICE = "it makes training slower and increases memory use; remove it if it is a mistake"
LONG = [
    f"in.csv, line 13: the source has 10000 symbols, but almost all others have at most 2: {ADVICE}",
    f"in.csv, line 21: the target has 300 symbols, but almost all others have at most 1: {ADVICE}",
]


def test_warnings():
    """Targets are the row numbers unless they are given."""
    places = [Place("in.csv", "line", number) for number in range(3, 30, 2)]
    long_source, long_target = [[1, 2]] * 5 + [[3] * 10_000] + [[1]] * 5, [[k] for k in range(9)] + [[0] * 300, [1]]
    for sources, targets, validation, warnings in [
        ([[1], [2, 3], [4, 5, 6]], None, [[9], [2]], []),
        ([[1]], [[3]], [], []),  # a single pair
        ([[1], [2], [2]], [[3, 3]] * 3, [], [SAME]),
        ([[1], [2], [3], [4]], [[], [5], [], [6, 7]], [], [MISSING]),
        ([[1], [2], [300], [1, 2], [2, 1]], None, [[2], [2], [1, 2], [1, 2, 3], [4], [300], [5]], [OVERLAP]),
        (long_source, long_target, [], [SEVERAL, *LONG]),
    ]:
        validation_pairs = ragged(validation, [[7]] * len(validation)) if validation else None
        assert list(pair_warnings(task_of(ragged(sources, targets), validation_pairs, places=places))) == warnings


def test_the_usual_length():
    """Up to 200 symbols are never unusual."""
    for lengths, usual in ([3] * 10 + [200], 200), ([3] * 10 + [201], 3), ([3] * 3000 + [500, 9000, 600], 3):
        assert max_typical_length(np.random.default_rng(0).permutation(lengths)) == usual


@pytest.mark.parametrize(("tokens", "n_by_side"), [("characters", {"Sources": 3, "Targets": 1}), ("words", {})])
def test_sequences_with_outer_spaces_are_counted(tokens, n_by_side):
    rows = [(" a", "x "), ("b c", ""), ("d ", "x y"), (" e", "y")]
    warnings = [text for text in pair_warnings(pair_task(rows, kinds=(tokens, tokens))) if "space" in text]
    found = "with a space at the beginning or end, which counts as a character"
    assert warnings == [f"{side} {found}: {n}" for side, n in n_by_side.items()]


def test_a_table_of_symbols_is_a_baseline():
    """It learns a → x, which is more frequent than a → y, and b → z; pairs of other lengths do not count."""
    rows = [("ab", "xz"), ("a", "x"), ("a", "y"), ("aa", "xx"), ("b", "xyz")]
    validation = [("ba", "zx"), ("a", "y"), ("a", "x"), ("aab", "xx"), ("b", "x")]
    assert pair_task(rows, kinds=("characters",) * 2, validation=validation).table_match() == 2 / 4
