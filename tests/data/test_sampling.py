from dataclasses import replace

import numpy as np
import pytest

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data import sampling
from seq2seq_demo.data.sampling import evaluation_sources, training_sources

ENDING = ModelConfig(in_max_int=3, ends=True)


def test_networks_that_do_not_end_are_trained_on_uniform_sources():
    config = TrainConfig(points=300, in_len=4, out_len=4, seed=6)
    drawn = training_sources(config, ModelConfig(in_max_int=7), [4], start_step=9)
    expected = np.random.default_rng([6, 1, 9]).integers(0, 7, (300, 4), np.uint8, endpoint=True)
    assert (drawn.array() == expected).all()
    few = training_sources(replace(config, few_symbols=1.0), ModelConfig(in_max_int=7), [4], start_step=9).array()
    assert np.mean([len({*row}) for row in few.tolist()]) < 2.5


def test_half_of_the_sources_have_few_symbols():
    rng = np.random.default_rng(1)
    rows = sampling.mixed_sources(rng, np.full(8000, 30), 99, 0.5).rows()
    few = [row for row in rows if len({*row}) <= 5]
    assert len(few) == pytest.approx(4000, rel=0.05)
    several = [row for row in few if len({*row}) > 1]
    for descending in (False, True):
        in_order = [row for row in several if row == sorted(row, reverse=descending)]
        assert len(in_order) == pytest.approx(0.1 * len(several), rel=0.15)
    assert len([row for row in few if len({*row}) == 1]) == pytest.approx(0.2 * len(few), rel=0.15)
    assert not any(len({*row}) <= 5 for row in sampling.mixed_sources(rng, np.full(2000, 30), 99, 0.0).rows())


# ---- Sources for evaluation ----


def test_a_network_of_one_length_is_evaluated_on_random_sources():
    model = ModelConfig(in_max_int=3)
    sources = evaluation_sources(model, 2, 50, seed=4)
    expected = np.random.default_rng([4, 3]).integers(0, 3, (50, 2), np.uint8, endpoint=True)
    assert (sources == expected).all()
    drawn = training_sources(TrainConfig(points=50, in_len=2, out_len=2, seed=4), model, [2], start_step=0)
    assert (sources != drawn.array()).any()


def test_a_network_that_ends_is_evaluated_on_every_source_of_a_short_length():
    every = evaluation_sources(ENDING, 2, 16, seed=0)
    assert (every.tolist(), every.dtype) == ([[a, b] for a in range(4) for b in range(4)], np.uint8)
    longer = evaluation_sources(ENDING, 3, 63, seed=0)
    assert longer.shape == (63, 3)
    assert len(np.unique(longer, axis=0)) < 63  # drawn with repetition


@pytest.mark.parametrize("model", [replace(ENDING, ends=False), ENDING])
@pytest.mark.parametrize(("in_len", "n"), [(1, 20), (3, 20), (2, 1000)])
def test_the_number_of_sources_is_known_before_they_are_drawn(model, in_len, n):
    drawn = evaluation_sources(model, in_len, n, seed=0)
    assert len(drawn) == sampling.n_evaluation_sources(model, in_len, n)
