"""The sets of an evaluation: pairs by length, and sources of a pattern, some of which may be training sources."""

from dataclasses import replace

import pytest
from helpers import ENDING, random_weights

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.pair_task import pair_task
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.errors import UsageError
from seq2seq_demo.trained.evaluation import pattern_sets
from seq2seq_demo.trained.saved_network import SavedNetwork, TrainingRun
from seq2seq_demo.trained.trained_network import TrainedNetwork
from seq2seq_demo.training.settings import new_run


def test_pairs_are_measured_by_length_and_unseen_symbols_are_reported(caplog):
    rows = [([1, 2], [4]), ([3], [6]), ([1, 2], [8]), ([3], [5]), ([6], [10])]
    e = TrainedNetwork(ENDING, random_weights(ENDING)).evaluate(rows)
    lacked = "Training lacked 10 in targets, so the answers to 1 of 5 pairs, such as pairs, row 4, count as wrong"
    assert caplog.messages == [f"{lacked}; only the loss omits them"]
    assert (e.fresh, e.unseen) == (None, 1)
    assert {in_len: (each.n, each.n_pairs) for in_len, each in e.by_length.items()} == {1: (2, 3), 2: (1, 2)}


def test_a_pair_counts_once_and_the_pairs_of_the_training_are_named(caplog):
    rows = [([n % 7, n // 7], [n % 3]) for n in (*range(20), 3)]
    network = new_run(pair_task([*rows, ([0, 1], [1, 2])], holds_out=True), {"cell_size": 3}).network
    evaluation = network.evaluate(rows)
    assert (evaluation.n, evaluation.n_pairs, evaluation.title.split(";")[0]) == (20, 20, "20 sources")
    assert not caplog.messages
    evaluation = network.evaluate([*rows, ([0, 1], [1, 2])])
    assert (evaluation.n, evaluation.n_pairs) == (20, 21)
    trained = "The network was trained on these pairs, except those held out: the metrics are too optimistic"
    assert caplog.messages == [trained]


def test_a_pattern_is_measured_at_each_length_that_it_accepts():
    facts, pattern = SavedNetwork(replace(ENDING, in_max_int=9, out_max_int=9), {}, in_len=6), find_pattern("added")
    sets = pattern_sets(facts, pattern, n=10, lengths=range(1, 7), out_len=None, seed=0)
    assert [pairs.sources.common_length for _, pairs in sets] == [2, 4, 6]
    with pytest.raises(UsageError, match=r"pattern 'added', source \[0, 0, 0\]: expected an even length"):
        pattern_sets(facts, pattern, n=10, lengths=[1, 3], out_len=None, seed=0)


def network_of(run):
    """The facts of a network of nine symbols after a training run."""
    return SavedNetwork(ENDING, {}, run=run, step=int(run is not None), in_len=6, min_in_len=1)


def run(points, start_step=0, **settings):
    """A training run at lengths 2 to 5."""
    return TrainingRun(TrainConfig(points, 5, 5, min_in_len=2, **settings), start_step)


def test_sources_are_fresh_if_training_drew_few_of_them():
    for run_of, in_len, fresh in [
        (run(65), 4, True),  # 9 ** 4 = 6561 possible sources, and 100 * 65 points
        (run(66), 4, False),
        (run(66), 5, True),
        (run(66), 1, True),  # not a length of training
        (run(65, start_step=7), 4, None),  # earlier runs are unknown
        (run(66, validation_points=6), 4, None),  # pairs
        (None, 4, True),  # untrained
    ]:
        sets = pattern_sets(network_of(run_of), find_pattern("copy"), n=1, lengths=[in_len], out_len=None, seed=0)
        assert [is_fresh for is_fresh, _ in sets] == [fresh]


def test_lengths_of_few_sources_are_named_once(caplog):
    network = TrainedNetwork(**vars(network_of(run(132))) | {"weights": random_weights(ENDING), "step": 1})
    evaluation = network.evaluate_task(find_pattern("copy"), n=20, lengths=(4, 2, 5))
    few = "fewer than 100 are possible for each training point"
    assert caplog.messages == [f"Some sources of length 4, 2 may be training sources: {few}"]
    assert (evaluation.fresh, [each.fresh for each in evaluation.by_length.values()]) == (False, [False, False, True])
