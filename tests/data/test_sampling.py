from dataclasses import replace

import numpy as np
import pytest

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.data.sampling import (
    SOURCE_KINDS,
    evaluation_sources,
    mixed_sources,
    random_sources,
    training_sources,
    unseen_sources,
)
from seq2seq_demo.data.sequences import Sequences, concatenate

ENDING = ModelConfig(in_max_int=3, ends=True)


def different(sources):
    return {*map(tuple, sources.tolist())}


def test_all_symbols_are_equally_likely():
    sources = random_sources(np.random.default_rng(3), 5000, 7, in_max_int=9)
    assert sources.shape == (5000, 7)
    shares = np.bincount(sources.ravel()) / sources.size
    assert shares.shape == (10,)  # the program of 2016 never drew a 9
    assert np.abs(shares - 0.1).max() < 0.01


def test_networks_that_do_not_end_are_trained_on_uniform_sources():
    config = TrainConfig(points=300, in_len=4, out_len=4, seed=6)
    drawn = training_sources(config, ModelConfig(in_max_int=7), [4], start_step=9)
    expected = np.random.default_rng([6, 1, 9]).integers(0, 7, (300, 4), np.uint8, endpoint=True)
    assert (drawn.array() == expected).all()
    few = training_sources(replace(config, few_symbols=1.0), ModelConfig(in_max_int=7), [4], start_step=9).array()
    assert np.mean([len({*row}) for row in few.tolist()]) < 2.5


def test_half_of_the_sources_have_few_symbols():
    rng = np.random.default_rng(1)
    rows = mixed_sources(rng, np.full(20_000, 30), 99, 0.5).rows()
    few = [row for row in rows if len({*row}) <= 5]
    assert len(few) == pytest.approx(10_000, rel=0.05)
    several = [row for row in few if len({*row}) > 1]
    for descending in (False, True):
        in_order = [row for row in several if row == sorted(row, reverse=descending)]
        assert len(in_order) == pytest.approx(0.1 * len(several), rel=0.15)
    assert len([row for row in few if len({*row}) == 1]) == pytest.approx(0.2 * len(few), rel=0.15)
    assert not any(len({*row}) <= 5 for row in mixed_sources(rng, np.full(2000, 30), 99, 0.0).rows())


def test_the_kinds_of_sources():
    rng = np.random.default_rng(2)
    drawn = {kind: draw(rng, 200, 12, 9) for kind, draw in SOURCE_KINDS.items()}
    assert all(sources.shape == (200, 12) for sources in drawn.values())
    assert all(len({*row}) == 1 for row in drawn["all equal"].tolist())
    assert max(len({*row}) for row in drawn["two symbols"].tolist()) == 2
    assert all(row == sorted(row) for row in drawn["ascending"].tolist())
    assert all(row == sorted(row, reverse=True) for row in drawn["descending"].tolist())


# ---- Sources for evaluation ----

ALL_OF_LENGTH_2 = np.array([[a, b] for a in range(4) for b in range(4)], np.uint8)


def test_unseen_sources_exclude_training_sources():
    train, model = TrainConfig(points=300, in_len=3, out_len=3), ModelConfig(in_max_int=7)
    seen = training_sources(train, model, [3], start_step=5)
    training, validation = find_pattern("copy").draw(train, model, 5)
    assert seen.rows()[:270] == training.sources.rows()
    assert different(seen[270:].array()) - different(seen[:270].array()) == different(validation.sources.array())
    fresh = unseen_sources(4, 200, 3, 7, seen)
    assert fresh.shape == (200, 3)
    assert not different(fresh) & different(seen.array())
    assert (fresh == unseen_sources(4, 200, 3, 7, seen)).all()
    assert (unseen_sources(5, 200, 3, 7, None) != unseen_sources(4, 200, 3, 7, None)).any()
    every = Sequences.of_array(ALL_OF_LENGTH_2)
    assert unseen_sources(0, 50, 2, 3, every).shape == (0, 2)
    several = concatenate([every[:-1], Sequences.of_rows([[1, 2, 3], [3]])])
    assert different(unseen_sources(0, 50, 2, 3, several)) == {(3, 3)}
    assert unseen_sources(0, 50, 4, 3, several).shape == (50, 4)  # training had no sources of this length


def test_a_network_of_one_length_is_evaluated_on_fresh_sources():
    model, every = ModelConfig(in_max_int=3), Sequences.of_array(ALL_OF_LENGTH_2)
    sources, fresh = evaluation_sources(model, 2, 50, 0, every[3:])
    assert (different(sources), fresh) == ({(0, 0), (0, 1), (0, 2)}, True)
    assert evaluation_sources(model, 3, 50, 0, every)[0].shape == (50, 3)


def test_a_network_that_ends_is_evaluated_on_all_or_fresh_or_any_sources():
    all_of_3 = Sequences.of_array(np.indices((4, 4, 4)).reshape(3, -1).T.astype(np.uint8))
    every, fresh = evaluation_sources(ENDING, 2, 16, 0, all_of_3)
    assert (every.tolist(), every.dtype, fresh) == (ALL_OF_LENGTH_2.tolist(), np.uint8, False)
    sources, fresh = evaluation_sources(ENDING, 3, 20, 0, all_of_3[::2])
    assert (different(sources) <= {*map(tuple, all_of_3[1::2].rows())}, len(sources), fresh) == (True, 20, True)
    sources, fresh = evaluation_sources(ENDING, 3, 60, 0, all_of_3)
    assert (sources.shape, fresh) == ((60, 3), False)
    assert evaluation_sources(ENDING, 5, 60, 0, all_of_3)[1]
