import numpy as np
import pytest

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.dataset import Pairs, chunks, draw, epoch_order, random_sources, shift_right
from seq2seq_demo.errors import UsageError
from seq2seq_demo.patterns import find_pattern


def test_every_symbol_is_drawn_the_last_one_too():
    sources = random_sources(np.random.default_rng(3), 5000, 7, in_max_int=9)
    assert sources.shape == (5000, 7)
    shares = np.bincount(sources.ravel()) / sources.size
    assert shares.shape == (10,)  # 2016 never drew the 9
    assert np.abs(shares - 0.1).max() < 0.01


@pytest.mark.parametrize(("in_max_int", "size"), [(9, 1), (255, 1), (256, 2), (70_000, 4)])
def test_a_symbol_takes_few_bytes(in_max_int, size):
    assert random_sources(np.random.default_rng(3), 50, 3, in_max_int).dtype.itemsize == size


def test_draw():
    train = TrainConfig(points=50, in_len=7, out_len=4, seed=3)
    training, validation = draw(find_pattern("reversed"), ModelConfig(), train)
    assert training.sources.shape == (45, 7)
    assert validation.targets.shape == (5, 4)
    assert (training.targets == training.sources[:, :2:-1]).all()
    assert (validation.targets == validation.sources[:, :2:-1]).all()


def test_data_follow_from_the_seed_and_from_where_training_starts():
    def sources(seed, start_step):
        return draw(find_pattern("sorted"), ModelConfig(), TrainConfig(points=50, seed=seed), start_step)[0].sources

    assert (sources(1, 0) == sources(1, 0)).all()
    assert (sources(1, 0) != sources(2, 0)).any()
    assert (sources(1, 0) != sources(1, 8)).any()  # a series does not meet the same points again


def test_what_the_pattern_cannot_fill_is_refused():
    with pytest.raises(UsageError, match="--out-len"):
        draw(find_pattern("sorted"), ModelConfig(), TrainConfig(points=50, in_len=4, out_len=5))


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
