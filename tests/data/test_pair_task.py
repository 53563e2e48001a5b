import hashlib
from dataclasses import replace

import numpy as np
import pytest
from helpers import pairs_of_arrays, peak_memory, ragged

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import PairTask, max_typical_length, pair_task_from_rows, pair_warnings
from seq2seq_demo.data.records import Place, Places
from seq2seq_demo.data.sequences import Pairs, Sequences
from seq2seq_demo.data.tasks import as_task
from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary
from seq2seq_demo.errors import InputError, UsageError

A_B_E = Vocabulary("characters", ("a", "b", "\u00e9"))
X_Y = Vocabulary("words", ("X", "Y"))
TEXTS = [("ab", "Y X"), ("e\u0301", ""), ("bab", "X")]
ENDING = ModelConfig(in_max_int=99, out_max_int=99, ends=True)


def sized(task, model=ENDING, **options):
    return task.sized(TrainConfig(**options), model, None, None)


# ---- Pairs from Python ----


def test_pairs_of_integers_from_python():
    rows = [([1, 2], (3,)), (np.array([4, 5]), [np.uint8(6)]), ([8, 9, 10], [])]
    task = pair_task_from_rows(rows, validation=[([4], [6])])
    assert task.pairs.sources.rows() == [[1, 2], [4, 5], [8, 9, 10]]
    assert task.pairs.targets.rows() == [[3], [6], []]
    assert (task.name, task.validation.sources.rows(), task.vocabularies) == ("pairs", [[4]], Vocabularies())
    arrays = pairs_of_arrays(np.array([[1, 2], [4, 5]]), np.array([[3], [6]]))
    assert PairTask("mine", arrays).digest == pair_task_from_rows([([1, 2], [3]), ([4, 5], [6])]).digest


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (([4, 5],), r": expected a pair .source, target., got \(\[4, 5\],\)"),
        (([4, 5], 6), ", output: expected a list of integers, got 6"),
        ((np.ma.array([4, 5]), [6]), r": expected a list of integers, got masked_array\(data=\[4, 5\], mask"),
        (([4, np.ma.masked], [6]), ": expected integers from 0 to 2147483647, got masked"),
    ],
)
def test_invalid_rows_of_integers_are_refused(row, message):
    with pytest.raises(InputError, match=f"^pairs, row 1{message}") as error:
        pair_task_from_rows([([1, 2], [3]), row])
    assert "\n" not in str(error.value)


def test_pairs_of_texts_from_python():
    task = pair_task_from_rows(iter(TEXTS), tokens=("characters", "words"))
    assert task.vocabularies == Vocabularies(A_B_E, X_Y)
    lists = [(["a", "b"], ("Y", "X")), [np.array(["\u00e9"]), []], ("bab", ["X"])]
    assert pair_task_from_rows(lists, tokens=("characters", "words")).digest == task.digest
    small = pair_task_from_rows([("b", "X")], Vocabularies(A_B_E, X_Y))
    assert (small.vocabularies, small.pairs.sources.rows()) == (task.vocabularies, [[1]])
    assert as_task([("b", "X")], task.vocabularies).digest == small.digest


def test_validation_uses_the_vocabularies_of_training():
    task = pair_task_from_rows(TEXTS, tokens=("characters", "words"), validation=[("b", "X"), ("ab", "X Y")])
    assert task.vocabularies == Vocabularies(A_B_E, X_Y)
    assert (task.validation.sources.rows(), task.validation.targets.rows()) == ([[1], [0, 1]], [[0], [0, 1]])
    unseen = pair_task_from_rows(TEXTS, tokens=("characters", "words"), validation=[("zb", "Z X"), ("cb", "X")])
    assert unseen.vocabularies == task.vocabularies
    assert (unseen.validation.sources.rows(), unseen.validation.targets.rows()) == ([[4, 1], [3, 1]], [[2, 0], [0]])
    with pytest.raises(InputError, match="expected validation pairs of symbols that occur in the training pairs"):
        replace(unseen, validation=unseen.validation[:1]).draw(
            TrainConfig(), replace(ENDING, in_max_int=2, out_max_int=1)
        )
    with pytest.raises(InputError, match="expected pairs of a source and a target, got none"):
        pair_task_from_rows(TEXTS, tokens=("characters", "words"), validation=[])


def test_invalid_pairs_are_refused():
    none = Sequences.of_rows([])
    for pairs, message in [
        ([[1], [2]], "expected Pairs, got list"),
        (Pairs(none, none), "expected pairs of a source and a target, got none"),
        (ragged([[1], []]), "expected pairs of a source and a target, got an empty source"),
    ]:
        for arguments in ([pairs], [ragged([[1]]), pairs]):
            with pytest.raises(InputError, match=message):
                PairTask("mine", *arguments)


# ---- Digest and sizes ----


def test_the_digest_covers_all_pairs_and_vocabularies():
    pairs, validation = ragged([[1, 2], [3]]), ragged([[4], [5]])
    tasks = [
        PairTask("mine", pairs),
        PairTask("mine", pairs, validation),
        PairTask("mine", validation, pairs),
        PairTask("mine", pairs, ragged([[4], [5]], [[0], [2]])),
        PairTask("mine", ragged([[1, 2], [3], [4], [5]], [[0], [1], [0], [1]])),
        PairTask("mine", ragged([[1], [2, 3]])),
        PairTask("mine", pairs, None, Vocabularies(A_B_E)),
        PairTask("mine", pairs, None, Vocabularies(replace(A_B_E, symbols=("a", "b", "c")))),
    ]
    assert len({task.digest for task in tasks}) == len(tasks)
    assert PairTask("other name", ragged([[1, 2], [3]]), ragged([[4], [5]])).digest == tasks[1].digest
    assert tasks[1].fingerprint(TrainConfig(), ModelConfig()) == tasks[1].digest
    # Earlier snapshots contain this digest.
    content = np.array([2, 1, 1, 2, 3, 1, 1, 0, 1], "<i8").tobytes()
    assert tasks[0].digest == hashlib.sha256(content).hexdigest()


def test_the_sizes_of_a_task():
    task = PairTask("mine", ragged([[1, 2, 11], [3]] * 15, [[], [9, 9]] * 15))
    assert task.largest_symbols() == {"in_max_int": 11, "out_max_int": 9}
    config = sized(task, few_symbols=0.5)
    assert (config.points, config.min_in_len, config.in_len, config.out_len, config.few_symbols) == (30, 1, 3, 2, 0)
    assert config.n_validation == len(task.divided()[1]) == 15  # rows with the same source stay together
    with_others = replace(task, validation=ragged([[12]] * 7))
    assert with_others.largest_symbols() == {"in_max_int": 12, "out_max_int": 9}
    config = sized(with_others)
    assert (config.points, config.n_training, config.n_validation) == (37, 30, 7)
    empty = PairTask("mine", ragged([[0]] * 10, [[]] * 10))
    assert empty.largest_symbols() == {"in_max_int": 1, "out_max_int": 1}  # a network has at least two symbols
    assert sized(empty).out_len == 1
    texts = PairTask("mine", ragged([[1]], [[0]]), None, Vocabularies(A_B_E))
    assert texts.largest_symbols() == {"in_max_int": 2, "out_max_int": 1}  # sources are text
    with pytest.raises(InputError, match="expected at least 2 pairs, to train on and to validate with, got 1"):
        sized(texts)


def test_a_network_that_does_not_end_needs_pairs_of_one_length():
    model = replace(ENDING, ends=False)
    task = PairTask("mine", ragged([[n, n, n] for n in range(30)], [[n, 1] for n in range(30)]))
    config = sized(task, model)
    assert (config.points, config.min_in_len, config.in_len, config.out_len) == (30, None, 3, 2)
    assert len(task.draw(config, model)[0]) == 27
    message = "expected sources of 3 and targets of 2 symbols, because this network does not end its answers, got other"
    for validation in (ragged([[1, 2], [1, 2]], [[1, 1], [1, 1]]), ragged([[1, 2, 3]], [[1]])):
        with pytest.raises(UsageError, match=message):
            sized(replace(task, validation=validation), model)
        with pytest.raises(UsageError, match=message):
            PairTask("mine", validation).draw(config, model)
    with pytest.raises(UsageError, match="because this network does not end its answers"):
        sized(PairTask("mine", ragged([[1, 2]] * 5, [[]] * 5)), model)


def test_pairs_must_match_the_configs():
    pairs, validation = ragged([[1, 2], [3]] * 10), ragged([[4], [1, 2]])
    model, task = ModelConfig(in_max_int=4, out_max_int=19, ends=True), PairTask("mine", pairs, validation)
    assert task.draw(sized(task), model) == (pairs, validation)  # not shuffled here, because each epoch shuffles them
    assert task.draw(sized(task), replace(model, in_max_int=3))[1] is validation  # whose 4 counts as unseen
    with pytest.raises(UsageError, match="expected sources of symbols 0 to 2 and targets of symbols 0 to 19, got"):
        task.draw(sized(task), replace(model, in_max_int=2))
    with pytest.raises(UsageError, match="expected sources of symbols 0 to 4 and targets of symbols 0 to 18, got"):
        PairTask("mine", pairs).draw(sized(task), replace(model, out_max_int=18))


def test_the_digest_takes_little_memory():
    sources = Sequences.of_array(np.zeros((500_000, 9), np.uint8))
    task = PairTask("mine", Pairs(sources, Sequences.of_array(np.zeros((500_000, 1), np.uint8))))
    peak, digest = peak_memory(lambda: task.digest)
    assert peak < 5_000_000
    lengths = [np.full(500_000, n, "<i8").tobytes() for n in (9, 1)]
    assert digest == hashlib.sha256(lengths[0] + bytes(36_000_000) + lengths[1] + bytes(4_000_000)).hexdigest()


# ---- Validation split ----


@pytest.mark.parametrize("N", [2, 9, 10, 19, 20, 101, 1000])
def test_the_split_of_distinct_sources_is_a_fixed_permutation(N):
    order = np.random.default_rng([0, 1, 0]).permutation(N)
    training, validation = PairTask("mine", ragged([[n, n // 2] for n in range(N)])).divided()
    assert len(validation) == max(1, N // 10)
    assert [*training, *validation] == order.tolist()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("max_rows", [2, 5, 20])
def test_the_rows_of_a_source_stay_together(max_rows, seed):
    rng = np.random.default_rng([seed, max_rows])
    sources = [[n] * (1 + n % 3) for n in range(40) for _ in range(rng.integers(1, max_rows + 1))]
    sources = [sources[n] for n in rng.permutation(len(sources))]
    N = len(sources)
    training, validation = PairTask("mine", ragged(sources)).divided()
    assert sorted([*training, *validation]) == list(range(N))
    trained, validated = ({tuple(sources[n]) for n in part} for part in (training, validation))
    assert not trained & validated
    assert abs(len(validation) - N // 10) <= max_rows / 2  # the split is at the boundary nearest to a tenth
    assert trained


def test_a_source_with_most_rows_is_in_training():
    sources = [[0]] * 95 + [[1], [2], [3], [4], [5]]
    training, validation = PairTask("mine", ragged(sources)).divided()
    assert 0 in {sources[n][0] for n in training}
    assert 0 not in {sources[n][0] for n in validation}
    assert len(validation)


@pytest.mark.parametrize(("N", "n"), [(2, 1), (30, 3), (45, 4)])
def test_pairs_of_a_single_source_are_split(N, n):
    training, validation = PairTask("mine", ragged([[5, 6]] * N)).divided()
    assert (len(training), len(validation)) == (N - n, n)
    assert sorted([*training, *validation]) == list(range(N))


def split(sources, held_out=None):
    """The sources of training and of validation in a task of these sources."""
    digests = None if held_out is None else Sequences.of_rows(held_out).digests()
    return [part.sources.rows() for part in PairTask("mine", ragged(sources), held_out=digests).split]


@pytest.mark.parametrize(
    ("N", "held_out", "validated"),
    [
        (40, [[7], [8], [90]], [[7], [8]]),  # a twentieth is enough
        (3000, [[n] for n in range(100)], [[n] for n in range(100)]),  # so are 100
        (40, [[n] for n in range(30)], [[n] for n in range(30)]),
    ],
)
def test_held_out_sources_alone_validate_if_they_are_enough(N, held_out, validated):
    training, validation = split([[n] for n in range(N)], held_out)
    assert sorted(validation) == validated
    assert sorted(training + validation) == [[n] for n in range(N)]


@pytest.mark.parametrize("held_out", [[], [[90]], [[7]]])
def test_others_join_the_held_out_sources_if_these_are_too_few(held_out):
    sources = [[n // 2] for n in range(60)] + [[30]] * 20
    training, validation = split(sources, held_out)
    assert len(training) + len(validation) == 80
    assert {*map(tuple, held_out)} - {(90,)} <= {*map(tuple, validation)}
    assert not {*map(tuple, training)} & {*map(tuple, validation)}
    assert 7 <= len(validation) <= 9
    assert held_out == [[7]] or split(sources) == [training, validation]


@pytest.mark.parametrize("sources", [[[n // 3] for n in range(90)], [[n] for n in range(9)], [[1]] * 50 + [[2]] * 51])
def test_a_split_stays_as_it_is_if_its_validation_sources_are_held_out(sources):
    """A snapshot records them, and a resumed training run splits the pairs again."""
    training, validation = split(sources)
    assert split(sources, validation) == [training, validation]


def test_pairs_that_are_all_held_out_are_refused():
    with pytest.raises(InputError, match="expected pairs to train on, got only pairs that validated the network"):
        split([[1], [2]], [[2], [3], [1]])


# ---- Warnings ----


def warned_task(sources, targets=None, validation=None, **places):
    """Return a task; targets default to row numbers, and all validation targets are [7]."""
    validation_pairs = ragged(validation, [[7]] * len(validation)) if validation else None
    return PairTask("mine", ragged(sources, targets), validation_pairs, **places)


def test_ordinary_pairs_give_no_warnings():
    assert list(pair_warnings(warned_task([[1], [2, 3], [4, 5, 6]], validation=[[9], [2]]))) == []
    assert list(pair_warnings(warned_task([[1]]))) == []
    assert list(pair_warnings(warned_task([[1, 2], [3, 4]]))) == []


@pytest.mark.parametrize(
    ("lengths", "usual"),
    [
        ([7], 7),
        ([3] * 10 + [200], 200),  # up to 200 symbols are never unusual
        ([3] * 10 + [201], 3),
        ([3] * 10 + [300, 300], 300),  # 2 of 12 sequences are not rare
        ([3] * 3000 + [500, 9000, 600], 3),
    ],
)
def test_the_usual_length(lengths, usual):
    assert max_typical_length(np.random.default_rng(0).permutation(lengths)) == usual


def test_an_unusually_long_sequence_is_reported_with_its_line():
    places = Places(Place("in.tsv", "line"), range(1, 30, 2))
    sources, targets = [[1, 2]] * 5 + [[3] * 10_000] + [[1]] * 5, [[k] for k in range(9)] + [[0] * 300, [1]]
    advice = "training takes longer and needs more memory with it; remove it if it is a mistake"
    assert list(pair_warnings(warned_task(sources, targets, places=places))) == [
        "Sources with several targets: 2, such as in.tsv, line 1; an answer may equal any of them",
        f"in.tsv, line 11: the source has 10000 symbols, but almost all others have at most 2: {advice}",
        f"in.tsv, line 19: the target has 300 symbols, but almost all others have at most 1: {advice}",
    ]
    assert [*pair_warnings(warned_task(sources, targets))][1].startswith("the source has 10000 symbols, ")


def test_identical_targets_are_reported():
    same = "Every target is the same, so there is nothing to learn from the sources"
    for target in ([3], [3, 3]):
        assert list(pair_warnings(warned_task([[1], [2], [2]], [target] * 3))) == [same]
    assert list(pair_warnings(warned_task([[1], [4], [2]], [[3], [3], [3, 3]]))) == []
    assert list(pair_warnings(warned_task([[1]], [[3]]))) == []  # a single pair


def test_empty_targets_are_counted():
    task = warned_task([[1], [2], [3], [4]], [[], [5], [], [6, 7]], places=Places(Place("in.csv", "line"), range(2, 9)))
    missing = "Pairs with an empty target: 2, such as in.csv, line 2; remove them if their targets are missing"
    assert list(pair_warnings(task)) == [missing]


def test_sources_in_both_training_and_validation_are_counted():
    training = [[1], [2], [2], [300], [1, 2], [2, 1]]
    validation = [[2], [2], [1, 2], [1, 2, 3], [4], [300], [5]]
    _, line = pair_warnings(warned_task(training, validation=validation))
    assert line == (
        "3 of 6 distinct validation sources are also training sources: validation figures are too optimistic"
    )


def test_sources_with_outer_spaces_are_counted():
    def lines(tokens, *sources):
        rows = [(source, str(number)) for number, source in enumerate(sources)]
        return list(pair_warnings(pair_task_from_rows(rows, None, (tokens, tokens))))

    texts = " a", "b c", "d ", " "
    warning = "Sources with a space at the beginning or end, which counts as a character: 3"
    assert lines("characters", *texts) == [warning]
    assert lines("characters", "a b", "bc") == []
    assert lines("words", *texts[:3]) == []


# ---- Copies ----


def test_different_targets_are_copied_if_sources_have_their_symbols_and_do_not_validate():
    rows = [("vnd", "und"), ("vnd", "und"), ("dun", "du"), ("und", "d"), ("unn", "nu"), ("dn", "den"), ("d", "")]
    task = pair_task_from_rows(rows, tokens=("characters", "characters"), validation=[("nu", "nun")])
    spelled = [
        tuple(
            "".join(vocabulary.symbols[n] for n in row) for vocabulary, row in zip(task.vocabularies, pair, strict=True)
        )
        for pair in zip(task.copies.sources.rows(), task.copies.targets.rows(), strict=True)
    ]
    assert spelled == [("und", "und"), ("du", "du"), ("d", "d")]  # not nu, which validates, nor den: no source has an e
    assert task.copied_share() == pytest.approx((2 / 3 + 2 / 3 + 1 + 1 + 1 / 2 + 2 / 3 + 0) / 7)
    config = sized(task, copies=True)
    assert (config.points, config.n_training, config.in_len) == (7 + 1, 7 + 3, 3)
    training, _ = task.draw(config, replace(ENDING, in_max_int=3, out_max_int=3))
    assert training.targets.rows() == [*task.pairs.targets.rows(), *task.copies.targets.rows()]
    assert sized(task).n_training == 7


@pytest.mark.parametrize("tokens", [("characters", "words"), ("integers", "integers")])
def test_targets_of_another_kind_and_integers_are_not_copied(tokens):
    rows = [("1 2", "1 2"), ("2 1", "2 1")] if tokens[0] == "characters" else [([1, 2], [1, 2]), ([2, 1], [2, 1])]
    task = pair_task_from_rows(rows, tokens=tokens)
    assert (len(task.copies), task.copied_share()) == (0, 0)
