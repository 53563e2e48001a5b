import functools
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import pairs_of_arrays, ragged

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import PairReading, PairTask, as_pair_task, as_task, max_typical_length, pair_warnings
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.data.records import Place
from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary, join_symbols
from seq2seq_demo.errors import InputError

A_B_E = Vocabulary("characters", ("a", "b", "\u00e9"))
X_Y = Vocabulary("words", ("X", "Y"))
TEXTS = [("ab", "Y X"), ("e\u0301", ""), ("bab", "X")]
ENDING = ModelConfig(in_max_int=99, out_max_int=99, ends=True)


def sized(task, **options):
    return TrainConfig(**options | task.sizes())


# ---- Pairs from Python ----


def test_pairs_of_integers_from_python():
    rows = [([1, 2], (3,)), (np.array([4, 5]), [np.uint8(6)]), ([8, 9, 10], [])]
    task = as_pair_task(rows, validation=[([4], [6])])
    assert task.pairs.sources.rows() == [[1, 2], [4, 5], [8, 9, 10]]
    assert task.pairs.targets.rows() == [[3], [6], []]
    assert (task.name, task.validation.sources.rows(), task.vocabularies) == ("pairs", [[4]], Vocabularies())
    arrays = pairs_of_arrays(np.array([[1, 2], [4, 5]]), np.array([[3], [6]]))
    assert PairTask("mine", arrays).digest == as_pair_task([([1, 2], [3]), ([4, 5], [6])]).digest


def test_pairs_of_texts_from_python():
    task = as_pair_task(iter(TEXTS), PairReading(tokens=("characters", "words")))
    assert task.vocabularies == Vocabularies(A_B_E, X_Y)
    lists = [(["a", "b"], ("Y", "X")), [np.array(["\u00e9"]), []], ("bab", ["X"])]
    assert as_pair_task(lists, PairReading(tokens=("characters", "words"))).digest == task.digest
    small = as_task([("b", "X")], PairReading(task.vocabularies))
    assert (small.vocabularies, small.pairs.sources.rows()) == (task.vocabularies, [[1]])


def test_values_that_become_tasks():
    assert as_task("sorted") is find_pattern("sorted")
    own = PairTask("mine", ragged([[1, 2]], [[3]]))
    assert as_task(own) is own
    for value in ([([1, 2], [3])], iter([((1, 2), (3,))])):
        assert as_task(value).digest == own.digest
    with pytest.raises(InputError, match="pairs: expected pairs of a source and a target, got 5"):
        as_task(5)


def test_a_text_is_a_pattern_or_a_file_of_pairs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.tsv", "sorted", "C:a"):
        Path(name).write_text("1 2\t3\n")
        assert as_task(Path(name)).pairs.sources.rows() == [[1, 2]]
    assert as_task("sorted").function([2, 1]) == [1, 2]
    names = [as_task(name).name for name in ("a.tsv", Path("sorted"), Path("C:a"))]
    assert names == ["a.tsv", "sorted.pairs", "C.a"]
    Path("mine.py").write_text("def f(source):\n    return source\n")
    assert as_task("mine.py:f").name == "mine:f"
    for wrong, hint in (("revresed", "did you mean the pattern 'reversed'?"), ("b.tsv", "the patterns are sorted, ")):
        expected = f"^expected a file of pairs or a pattern's name, got '{wrong}': "
        with pytest.raises(InputError, match=expected) as error:
            as_task(wrong)
        assert hint in str(error.value)
        assert isinstance(error.value, FileNotFoundError)


def test_a_function_is_a_pattern():
    def copy(source):
        return source

    for function, name in ((copy, "copy"), (lambda source: source, "lambda"), (functools.partial(copy), "partial")):
        task = as_task(function)
        assert (task.name.partition(":")[2], task.function) == (name, function)


def test_validation_uses_the_vocabularies_of_training():
    task = as_pair_task(TEXTS, PairReading(tokens=("characters", "words")), validation=[("b", "X"), ("ab", "X Y")])
    assert task.vocabularies == Vocabularies(A_B_E, X_Y)
    assert (task.validation.sources.rows(), task.validation.targets.rows()) == ([[1], [0, 1]], [[0], [0, 1]])
    unseen = as_pair_task(TEXTS, PairReading(tokens=("characters", "words")), validation=[("zb", "Z X"), ("cb", "X")])
    assert unseen.vocabularies == task.vocabularies
    assert (unseen.validation.sources.rows(), unseen.validation.targets.rows()) == ([[4, 1], [3, 1]], [[2, 0], [0]])
    with pytest.raises(InputError, match="expected validation pairs of symbols that occur in the training pairs"):
        replace(unseen, validation=unseen.validation[:1]).draw(
            TrainConfig(), replace(ENDING, in_max_int=2, out_max_int=1)
        )


# ---- Digest and sizes ----


def test_the_digest_covers_all_pairs_and_vocabularies():
    pairs, validation = ragged([[1, 2], [3]]), ragged([[4], [5]])
    tasks = [
        PairTask("mine", pairs),
        PairTask("mine", pairs, validation),
        PairTask("mine", pairs, ragged([[4], [5]], [[0], [2]])),
        PairTask("mine", ragged([[1], [2, 3]])),
        PairTask("mine", pairs, None, Vocabularies(A_B_E)),
        PairTask("mine", pairs, None, Vocabularies(replace(A_B_E, symbols=("a", "b", "c")))),
    ]
    assert len({task.digest for task in tasks}) == len(tasks)
    assert PairTask("other name", pairs, validation).fingerprint(TrainConfig(), ModelConfig()) == tasks[1].digest


def test_the_sizes_of_a_task():
    task = PairTask("mine", ragged([[1, 2, 11], [3]] * 15, [[], [9, 9]] * 15))
    assert task.largest_symbols() == {"in_max_int": 11, "out_max_int": 9}
    config = sized(task, few_symbols=0.5)
    assert (config.points, config.min_in_len, config.in_len, config.out_len, config.few_symbols) == (30, 1, 3, 2, 0)
    assert config.n_validation == len(task.split[1]) == 15  # rows with the same source stay together
    with_others = replace(task, validation=ragged([[12]] * 7))
    assert with_others.largest_symbols() == {"in_max_int": 12, "out_max_int": 9}
    config = sized(with_others)
    assert (config.points, config.n_training, config.n_validation) == (37, 30, 7)
    empty = PairTask("mine", ragged([[0], [1]] * 5, [[]] * 10))
    assert empty.largest_symbols() == {"in_max_int": 1, "out_max_int": 1}  # a network has at least two symbols
    assert sized(empty).out_len == 1


# ---- Validation split ----


def hash_of(text):
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def split(sources, **options):
    """The sources of training and of validation in a task of these sources."""
    return [part.sources.rows() for part in PairTask("mine", ragged(sources), **options).split]


def test_a_source_validates_if_its_hash_is_below_a_tenth_of_the_range():
    sources = [[n // 3, 7] for n in range(3000)]
    training, validation = split(sources)
    assert validation == [source for source in sources if hash_of(f"{source[0]} 7") < 2**64 / 10]
    assert training == [source for source in sources if source not in validation]
    assert 250 < len(validation) < 350


@pytest.mark.parametrize(("N", "at_least"), [(2, 1), (9, 1), (39, 1), (40, 2), (100, 5)])
def test_of_few_pairs_the_lowest_hashes_validate(N, at_least):
    high = [n for n in range(2000) if hash_of(str(n)) > 2**64 / 10][:N]
    _, validation = split([[n] for n in high])
    lowest = sorted(high, key=lambda n: hash_of(str(n)))[:at_least]
    assert sorted(validation) == sorted([n] for n in lowest)
    _, validation = split([[n] for n in high for _ in range(3)])  # all pairs of a source validate together
    assert len(validation) == 3 * -(-max(1, 3 * N // 20) // 3)


def test_the_split_of_texts_depends_on_neither_vocabulary_nor_tokens():
    words = [f"w{n}\u00e9" for n in range(300)]
    validated = {word for word in words if hash_of(word) < 2**64 / 10}
    for texts, tokens in ((words, "characters"), (words, "words"), ([*words, "aaa", "zzz"], "characters")):
        task = as_pair_task([(text, "x") for text in texts], PairReading(tokens=(tokens, "words")))
        rows = task.split[1].sources.rows()
        spelled = {join_symbols(tokens, task.vocabularies.source.to_symbols(row)) for row in rows}
        assert spelled & {*words} == validated


def test_symbols_that_only_validate_are_not_in_the_vocabularies():
    texts = [f"{letter}{n}" for letter in "abc" for n in range(5)]
    validating = min(texts, key=hash_of)
    rows = [(text, text[0]) for text in texts] + [("z" * 24, "Z")]  # its hash is the lowest
    notices = []
    how = PairReading(tokens=("characters", "characters"), trains=True, notify=notices.append)
    task = as_pair_task(rows, how)
    assert hash_of("z" * 24) < hash_of(validating)
    assert "".join(task.vocabularies.source.symbols + task.vocabularies.target.symbols) == "01234abcabc"
    assert task.split[1].sources.rows()[-1] == [8] * 24
    assert notices == [
        'Training lacked "z" in sources and "Z" in targets: 1 of 3 pairs, such as pairs, row 15, count as wrong in '
        "every figure but the loss"
    ]
    again = as_pair_task(rows, how._replace(vocabularies=task.vocabularies))  # as -i and --resume read it
    assert again.digest == task.digest
    with pytest.raises(InputError, match='row 0: expected characters seen in training, got "y" at position 1'):
        as_pair_task([("y", "a"), *rows], how._replace(vocabularies=task.vocabularies))


@pytest.mark.parametrize("sources", [[[1]], [[5, 6]] * 30, [[n] for n in range(999) if hash_of(str(n)) < 2**64 / 10]])
def test_pairs_that_would_all_validate_are_refused(sources):
    n = len({*map(tuple, sources)})
    with pytest.raises(
        InputError, match=f"^expected pairs of several sources, .* got {n}; give other pairs to validate with$"
    ):
        sized(PairTask("mine", ragged(sources)))


# ---- Warnings ----

SAME = "Every target is the same, so there is nothing to learn from the sources"
MISSING = "Pairs with an empty target: 2, such as in.csv, line 3; remove them if their targets are missing"
SEVERAL = "Sources with several targets: 2, such as in.csv, line 3; an answer may equal any of them"
OVERLAP = "3 of 6 distinct validation sources are also training sources: validation figures are too optimistic"
ADVICE = "training takes longer and needs more memory with it; remove it if it is a mistake"
LONG = [
    f"in.csv, line 13: the source has 10000 symbols, but almost all others have at most 2: {ADVICE}",
    f"in.csv, line 21: the target has 300 symbols, but almost all others have at most 1: {ADVICE}",
]


@pytest.mark.parametrize(
    ("sources", "targets", "validation", "warnings"),
    [
        ([[1], [2, 3], [4, 5, 6]], None, [[9], [2]], []),
        ([[1]], [[3]], [], []),  # a single pair
        ([[1], [2], [2]], [[3, 3]] * 3, [], [SAME]),
        ([[1], [2], [3], [4]], [[], [5], [], [6, 7]], [], [MISSING]),
        ([[1], [2], [300], [1, 2], [2, 1]], None, [[2], [2], [1, 2], [1, 2, 3], [4], [300], [5]], [OVERLAP]),
        ([[1, 2]] * 5 + [[3] * 10_000] + [[1]] * 5, [[k] for k in range(9)] + [[0] * 300, [1]], [], [SEVERAL, *LONG]),
    ],
)
def test_warnings(sources, targets, validation, warnings):
    """Targets are the row numbers unless they are given."""
    validation_pairs = ragged(validation, [[7]] * len(validation)) if validation else None
    places = [Place("in.csv", "line", number) for number in range(3, 30, 2)]
    assert list(pair_warnings(PairTask("mine", ragged(sources, targets), validation_pairs, places=places))) == warnings


@pytest.mark.parametrize(
    ("lengths", "usual"),
    [
        ([7], 7),
        ([3] * 10 + [200], 200),  # up to 200 symbols are never unusual
        ([3] * 10 + [201], 3),
        ([3] * 3000 + [500, 9000, 600], 3),
    ],
)
def test_the_usual_length(lengths, usual):
    assert max_typical_length(np.random.default_rng(0).permutation(lengths)) == usual


@pytest.mark.parametrize(("tokens", "n"), [("characters", 3), ("words", None)])
def test_sources_with_outer_spaces_are_counted(tokens, n):
    rows = [(source, str(number)) for number, source in enumerate((" a", "b c", "d ", " e"))]
    warnings = [*pair_warnings(as_pair_task(rows, PairReading(tokens=(tokens, tokens))))]
    assert warnings == [f"Sources with a space at the beginning or end, which counts as a character: {n}"] * bool(n)
    rows = [("a", " x"), ("b", ""), ("c", "x y"), ("d", "")]
    targets = [*pair_warnings(as_pair_task(rows, PairReading(tokens=("characters", tokens))))][1:]
    assert [text.partition(" with")[0] for text in targets] == ["Targets"] * (tokens == "characters")


def test_a_table_of_symbols_is_a_baseline():
    """It learns a → x, which is more frequent than a → y, and b → z; pairs of other lengths do not count."""
    rows = [("ab", "xz"), ("a", "x"), ("a", "y"), ("aa", "xx"), ("b", "xyz")]
    validation = [("ba", "zx"), ("a", "y"), ("a", "x"), ("aab", "xx"), ("b", "x")]
    assert as_pair_task(rows, PairReading(tokens=("characters",) * 2), validation=validation).table_match() == 2 / 4
