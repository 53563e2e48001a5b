import numpy as np
import pytest

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.batches import (
    Pairs,
    chunks,
    divide,
    epoch_order,
    fresh_sources,
    random_sources,
    shift_right,
    training_sources,
)
from seq2seq_demo.data.sequence_pattern import find_pattern


def test_every_symbol_is_drawn_the_last_one_too():
    sources = random_sources(np.random.default_rng(3), 5000, 7, in_max_int=9)
    assert sources.shape == (5000, 7)
    shares = np.bincount(sources.ravel()) / sources.size
    assert shares.shape == (10,)  # 2016 never drew the 9
    assert np.abs(shares - 0.1).max() < 0.01


@pytest.mark.parametrize(("in_max_int", "size"), [(9, 1), (255, 1), (256, 2), (70_000, 4)])
def test_a_symbol_takes_few_bytes(in_max_int, size):
    assert random_sources(np.random.default_rng(3), 50, 3, in_max_int).dtype.itemsize == size


def test_fresh_sources_are_none_of_those_trained_on():
    train = TrainConfig(points=300, in_len=3, out_len=3)
    model = ModelConfig(in_max_int=7)
    seen = training_sources(train, 7, start_step=5)
    trained = np.concatenate([part.sources for part in find_pattern("copy").draw(train, model, 5)])
    assert (seen == trained).all()
    fresh = fresh_sources(4, 200, 3, 7, seen)
    assert fresh.shape == (200, 3)
    assert not {tuple(s) for s in fresh.tolist()} & {tuple(s) for s in seen.tolist()}
    assert (fresh == fresh_sources(4, 200, 3, 7, seen)).all()
    assert (fresh_sources(5, 200, 3, 7, None) != fresh_sources(4, 200, 3, 7, None)).any()
    every = np.array([[a, b] for a in range(4) for b in range(4)], np.uint8)
    assert fresh_sources(0, 50, 2, 3, every).shape == (0, 2)
    assert set(map(tuple, fresh_sources(0, 50, 2, 3, every[:-1]).tolist())) == {(3, 3)}
    assert fresh_sources(0, 50, 3, 3, every).shape == (50, 3)  # others than those trained on, by their length


def test_divide():
    pairs = Pairs(np.arange(40).reshape(20, 2), np.arange(20).reshape(20, 1))
    training, validation = divide(pairs, TrainConfig(points=20))
    assert training.targets.ravel().tolist() == list(range(18))
    assert validation.sources.tolist() == [[36, 37], [38, 39]]


def test_shift_right():
    assert shift_right(np.array([[3, 1, 2], [7, 7, 9]], np.uint8), go=300).tolist() == [[300, 3, 1], [300, 7, 7]]


def test_an_epoch_meets_every_point_once_in_an_order_of_its_own():
    train = TrainConfig(points=101)
    first, second = epoch_order(train, 0, epoch=0), epoch_order(train, 0, epoch=1)
    assert sorted(first) == sorted(second) == list(range(91))
    assert (first != second).any()
    assert (first == epoch_order(train, 0, epoch=0)).all()


def test_chunks():
    pairs = Pairs(np.arange(14).reshape(7, 2), np.arange(7).reshape(7, 1))
    parts = list(chunks(pairs, np.array([6, 0, 3, 1, 5]), rows=2))
    assert [part.targets.ravel().tolist() for part in parts] == [[6, 0], [3, 1], [5]]
    assert parts[1].sources.tolist() == [[6, 7], [2, 3]]
