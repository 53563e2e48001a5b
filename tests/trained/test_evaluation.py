"""The sets of an evaluation: pairs by length, and sources of a pattern, some of which may be training sources."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import pairs_of, random_weights

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.data.sampling import RANDOM, SOURCE_KINDS
from seq2seq_demo.errors import UsageError
from seq2seq_demo.trained.evaluation import GIVEN, accepted_lengths, is_fresh, pair_sets, pattern_sets
from seq2seq_demo.trained.saved_network import SavedNetwork, TrainingRun
from seq2seq_demo.trained.trained_network import TrainedNetwork

FIXED = ModelConfig("embedding_attention", "GRUCell", cell_size=7, embedding_size=5, in_max_int=8, out_max_int=8)
ENDING = replace(FIXED, ends=True)


def test_pairs_are_measured_by_length_and_unseen_symbols_are_reported(caplog):
    pairs = pairs_of(([1, 2], [4]), ([3], [6]), ([1, 2], [8]), ([3], [5]), ([6], [10]))
    task = PairTask("p", pairs, np.zeros(5, bool))
    sets = pair_sets(SavedNetwork(ENDING, {}), task, n=4, lengths=(), out_len=None)
    found = [(kind, fresh, pairs.sources.rows(), pairs.targets.rows()) for kind, fresh, pairs in sets]
    assert found == [(GIVEN, None, [[3], [3]], [[6], [5]]), (GIVEN, None, [[1, 2], [1, 2]], [[4], [8]])]
    rows = zip(pairs.sources.rows(), pairs.targets.rows(), strict=True)
    e = TrainedNetwork(ENDING, random_weights(ENDING)).evaluate(rows)
    assert caplog.messages == [
        "Training lacked 10 in targets: 1 of 5 pairs, such as pairs, row 4, count as wrong in every figure but the loss"
    ]
    assert (e.fresh, e.unseen, e.by_kind) == (None, 1, {})
    assert {in_len: (each.n, each.n_pairs) for in_len, each in e.by_length.items()} == {1: (2, 3), 2: (1, 2)}


def test_a_pattern_is_measured_at_each_length_that_it_accepts():
    facts, pattern = SavedNetwork(replace(ENDING, in_max_int=9, out_max_int=9), {}, in_len=6), find_pattern("added")
    sets = pattern_sets(facts, [], pattern, n=10, lengths=range(1, 7), out_len=None, seed=0)
    sets = [*sets]
    assert [pairs.sources.common_length for kind, _, pairs in sets if kind == RANDOM] == [2, 4, 6]
    assert {kind for kind, *_ in sets} == {RANDOM, *SOURCE_KINDS}
    assert [fresh for _, fresh, _ in sets[:2]] == [True, None]


def test_a_network_that_does_not_end_is_measured_at_all_lengths_or_none():
    targets = SavedNetwork(replace(FIXED, in_max_int=9, out_max_int=9), {}).target_function(find_pattern("added"))
    assert accepted_lengths(targets, [2, 4], leaves_out=False) == [2, 4]
    for lengths, leaves_out in (([2, 3], False), ([1, 3], True)):
        with pytest.raises(UsageError, match=r"pattern 'added', source \[0.*\]: expected an even length"):
            accepted_lengths(targets, lengths, leaves_out)


def member(points=65, start_step=0, **settings):
    """The facts of a network of nine symbols that was trained at lengths 2 to 5."""
    return SavedNetwork(ENDING, {}, run=TrainingRun(TrainConfig(points, 5, 5, min_in_len=2, **settings), start_step))


@pytest.mark.parametrize(
    ("members", "in_len", "fresh"),
    [
        ([member()], 4, True),  # 9 ** 4 = 6561 possible sources, and 100 * 65 points
        ([member(66)], 4, False),
        ([member(66)], 5, True),
        ([member(66)], 1, True),  # not a length of training
        ([member(10_000)], 6, True),
        ([member(33), member(33)], 4, False),
        ([member(start_step=7)], 4, None),  # earlier runs are unknown
        ([member(66, start_step=7)], 4, False),
        ([member(66, validation_points=6)], 4, None),  # pairs
        ([member(), SavedNetwork(ENDING, {})], 4, None),
        ([], 1, True),  # not trained
    ],
)
def test_sources_are_fresh_if_training_drew_few_of_them(members, in_len, fresh):
    assert is_fresh(SavedNetwork(ENDING, {}), members, in_len) is fresh


@pytest.mark.parametrize(
    ("lengths", "notice"),
    [
        ((4, 2, 5), "length 4, 2 may be training sources: there are 81 to 6,561 of each length"),
        ((3,), "length 3 may be training sources: there are 729"),
    ],
)
def test_lengths_of_few_sources_are_named_once(lengths, notice, caplog):
    network = TrainedNetwork(
        **vars(member(132)) | {"in_len": 5, "min_in_len": 2, "weights": random_weights(ENDING), "step": 1}
    )
    evaluation = network.evaluate_task(find_pattern("copy"), n=20, lengths=lengths)
    assert caplog.messages == [f"Some sources of {notice}, and training drew 132 points"]
    assert (evaluation.fresh, evaluation.by_length[lengths[0]].fresh) == (False, False)
    if len(lengths) > 1:
        assert evaluation.by_length[5].fresh
