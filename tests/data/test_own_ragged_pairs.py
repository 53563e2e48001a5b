import hashlib
from dataclasses import replace

import numpy as np
import pytest
from helpers import ragged

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.batches import Pairs, Sample
from seq2seq_demo.data.own_pairs import OwnPairs
from seq2seq_demo.data.own_ragged_pairs import (
    OwnRaggedPairs,
    as_given,
    as_ragged,
    in_one_length,
    task_of_rows,
)
from seq2seq_demo.data.records import Located, Place
from seq2seq_demo.data.tasks import as_task
from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary
from seq2seq_demo.errors import InputError, UsageError

A_B_E = Vocabulary("characters", ("a", "b", "\u00e9"))
X_Y = Vocabulary("words", ("X", "Y"))
TEXTS = [("ab", "Y X"), ("e\u0301", ""), ("bab", "X")]


def rows(*pairs, kind="line", first=1):
    return [Located(Place("f", kind, n), *pair) for n, pair in enumerate(pairs, start=first)]


def test_texts_of_a_caller():
    task = task_of_rows(iter(TEXTS), tokens=("characters", "words"))
    assert isinstance(task, OwnRaggedPairs)
    assert task.vocabularies == Vocabularies(A_B_E, X_Y)
    lists = [(["a", "b"], ("Y", "X")), [np.array(["\u00e9"]), []], ("bab", ["X"])]
    assert task_of_rows(lists, tokens=("characters", "words")).digest == task.digest
    others = task_of_rows([("b", "X")], Vocabularies(A_B_E, X_Y))
    assert (others.vocabularies, others.pairs.sources.rows()) == (task.vocabularies, [[1]])
    assert as_task([("b", "X")], task.vocabularies).digest == others.digest


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("a",), r"pairs, row 1: expected a source and a target, as zip gives them, got \('a',\)"),
        ("ab", "pairs, row 1: expected a source and a target, as zip gives them, got 'ab'"),
        (("a", None), "pairs, row 1: expected a target too"),
        (("", "X"), "pairs, row 1: expected a source of some characters"),
        ((b"a", "X"), "pairs, row 1: expected a text or a list of characters, got b'a'"),
    ],
)
def test_rows_that_are_no_texts(row, message):
    with pytest.raises(InputError, match=f"^{message}"):
        task_of_rows([("a", "X"), row], tokens=("characters", "words"))


def test_texts_where_integers_are_expected_are_told_what_takes_them():
    with pytest.raises(InputError, match=r"row 0: expected a list of integers, got .*; texts need --in-tokens"):
        task_of_rows([("hello", "HH AH")])


def test_validation_of_a_caller_has_the_symbols_of_training():
    task = task_of_rows(TEXTS, tokens=("characters", "words"), validation=[("b", "X"), ("ab", "X Y")])
    assert task.vocabularies == Vocabularies(A_B_E, X_Y)
    assert (task.validation.sources.rows(), task.validation.targets.rows()) == ([[1], [0, 1]], [[0], [0, 1]])
    message = '^validation, row 1: expected characters that training saw, got "z" as number 2$'
    with pytest.raises(InputError, match=message):
        task_of_rows(TEXTS, tokens=("characters", "words"), validation=[("b", "X"), ("bz", "X")])
    with pytest.raises(InputError, match="expected pairs of a source and a target, got none"):
        task_of_rows(TEXTS, tokens=("characters", "words"), validation=[])


def test_integers_of_one_length_are_a_task_as_in_2016():
    task = task_of_rows([([1, 2], [3])], validation=[([4, 5], [6])])
    assert isinstance(task, OwnPairs)
    assert [x.tolist() for x in (*task.pairs, *task.validation)] == [[[1, 2]], [[3]], [[4, 5]], [[6]]]
    assert isinstance(task_of_rows([([1, 2], [3])], validation=[([4], [6])]), OwnRaggedPairs)
    assert isinstance(task_of_rows([([1, 2], [3])], validation=[([4, 5], [])]), OwnRaggedPairs)
    assert isinstance(task_of_rows([("ab", "X"), ("ba", "X")], tokens=("characters", "words")), OwnRaggedPairs)
    again = as_ragged(task)
    assert (again.name, again.pairs.sources.rows(), again.validation.targets.rows()) == ("pairs", [[1, 2]], [[6]])
    assert as_ragged(again) is again


def test_pairs_in_one_length():
    assert in_one_length(ragged([[1, 2], [3, 4], [5, 6]])).sources.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert in_one_length(ragged([[1, 2], [3]])) is None
    assert in_one_length(ragged([[1], [3]], [[1], [2, 3]])) is None
    assert in_one_length(ragged([[1], [3]], [[], []])) is None  # no network gives nothing


# ---- What is validated with ----


def test_validation_counts_in_the_checksum():
    pairs, others = ragged([[1, 2], [3]]), ragged([[4], [5]])
    tasks = [
        OwnRaggedPairs("mine", pairs),
        OwnRaggedPairs("mine", pairs, others),
        OwnRaggedPairs("mine", others, pairs),
        OwnRaggedPairs("mine", pairs, ragged([[4], [6]])),
        OwnRaggedPairs("mine", pairs, ragged([[4], [5]], [[0], [2]])),
        OwnRaggedPairs("mine", ragged([[1, 2], [3], [4], [5]], [[0], [1], [0], [1]])),
        OwnRaggedPairs("mine", ragged([[1], [2, 3]])),
        OwnRaggedPairs("mine", pairs, None, Vocabularies(A_B_E)),
        OwnRaggedPairs("mine", pairs, None, Vocabularies(target=A_B_E)),
        OwnRaggedPairs("mine", pairs, None, Vocabularies(replace(A_B_E, symbols=("a", "b", "c")))),
    ]
    assert len({task.digest for task in tasks}) == len(tasks)
    assert OwnRaggedPairs("other name", ragged([[1, 2], [3]]), ragged([[4], [5]])).digest == tasks[1].digest
    assert tasks[1].fingerprint(TrainConfig(), ModelConfig()) == tasks[1].digest
    # As earlier snapshots keep it.
    of_pairs = np.array([2, 1, 1, 2, 3, 1, 1, 0, 1], "<i8").tobytes()
    assert tasks[0].digest == hashlib.sha256(of_pairs).hexdigest()


def test_a_task_tells_its_sizes():
    task = OwnRaggedPairs("mine", ragged([[1, 2, 11], [3]] * 15, [[], [9, 9]] * 15))
    assert task.largest_symbols() == {"in_max_int": 11, "out_max_int": 9}
    sized = task.sized(TrainConfig(few_symbols=0.5), ModelConfig(), None, None)
    assert (sized.points, sized.min_in_len, sized.in_len, sized.out_len, sized.few_symbols) == (30, 1, 3, 2, 0)
    assert sized.n_validation == len(task.divided(sized.seed)[1]) == 15  # the two sources stay together
    with_others = replace(task, validation=ragged([[12]] * 7))
    assert with_others.largest_symbols() == {"in_max_int": 12, "out_max_int": 9}
    sized = with_others.sized(TrainConfig(), ModelConfig(), None, None)
    assert (sized.points, sized.n_training, sized.n_validation) == (37, 30, 7)
    empty = OwnRaggedPairs("mine", ragged([[0]] * 10, [[]] * 10))
    assert empty.largest_symbols() == {"in_max_int": 1, "out_max_int": 1}
    assert empty.sized(TrainConfig(), ModelConfig(), None, None).out_len == 1
    texts = OwnRaggedPairs("mine", ragged([[1]], [[0]]), None, Vocabularies(A_B_E))
    assert texts.largest_symbols() == {"in_max_int": 2, "out_max_int": 1}  # the vocabulary's, and the integers'


def test_pairs_to_validate_with_are_drawn_as_they_are():
    pairs, others = ragged([[1, 2], [3]] * 10), ragged([[4], [1, 2]])
    model = ModelConfig(in_max_int=4, out_max_int=19)
    assert OwnRaggedPairs("mine", pairs, others).draw(TrainConfig(), model) == (pairs, others)
    training, validation = OwnRaggedPairs("mine", pairs).draw(TrainConfig(seed=3), model)
    numbers = OwnRaggedPairs("mine", pairs).divided(3)
    assert [part.targets.symbols.tolist() for part in (training, validation)] == [part.tolist() for part in numbers]
    with pytest.raises(UsageError, match="expected sources of symbols 0 to 3, got 4"):
        OwnRaggedPairs("mine", pairs, others).draw(TrainConfig(), replace(model, in_max_int=3))
    with pytest.raises(UsageError, match="expected targets of symbols 0 to 18, got 19"):
        OwnRaggedPairs("mine", pairs).draw(TrainConfig(), replace(model, out_max_int=18))


def test_only_a_network_that_ends_its_answers_is_evaluated_on_several_lengths():
    with pytest.raises(UsageError, match="expected pairs of one length, as this network was trained at one"):
        OwnRaggedPairs("mine", ragged([[1], [2, 3]])).held_out(Sample(4, 3, None, 0), ModelConfig(), None)


# ---- How pairs are divided ----


@pytest.mark.parametrize("N", [2, 9, 10, 19, 20, 101, 1000])
def test_different_sources_are_divided_as_ever(N):
    order = np.random.default_rng([7, 1, 0]).permutation(N)
    training, validation = OwnRaggedPairs("mine", ragged([[n, n // 2] for n in range(N)])).divided(7)
    assert len(validation) == max(1, N // 10)
    assert [*training, *validation] == order.tolist()


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("most", [2, 5, 20])
def test_the_rows_of_a_source_stay_together(most, seed):
    rng = np.random.default_rng([seed, most])
    sources = [[n] * (1 + n % 3) for n in range(40) for _ in range(rng.integers(1, most + 1))]
    sources = [sources[n] for n in rng.permutation(len(sources))]
    N = len(sources)
    training, validation = OwnRaggedPairs("mine", ragged(sources)).divided(seed)
    assert sorted([*training, *validation]) == list(range(N))
    own, others = ({tuple(sources[n]) for n in part} for part in (training, validation))
    assert not own & others
    assert abs(len(validation) - N // 10) <= most / 2  # where the nearest source ends
    assert own


def test_a_source_of_most_rows_is_trained_on():
    for seed in range(10):
        sources = [[0]] * 95 + [[1], [2], [3], [4], [5]]
        training, validation = OwnRaggedPairs("mine", ragged(sources)).divided(seed)
        assert 0 in {sources[n][0] for n in training}
        assert 0 not in {sources[n][0] for n in validation}
        assert len(validation)


@pytest.mark.parametrize(("N", "n"), [(2, 1), (30, 3), (45, 4)])
def test_pairs_of_one_source_cannot_stay_together(N, n):
    training, validation = OwnRaggedPairs("mine", ragged([[5, 6]] * N)).divided(0)
    assert (len(training), len(validation)) == (N - n, n)
    assert sorted([*training, *validation]) == list(range(N))


def test_another_seed_divides_otherwise():
    task = OwnRaggedPairs("mine", ragged([[n // 2] for n in range(40)]))
    divided = [task.divided(seed)[1].tolist() for seed in (0, 0, 1)]
    assert divided[0] == divided[1] != divided[2]


def test_as_given_keeps_places():
    assert as_given("f", ragged([[1], [2, 3]]), places="places").places == "places"
    assert isinstance(as_given("f", ragged([[1], [2]])).pairs, Pairs)
