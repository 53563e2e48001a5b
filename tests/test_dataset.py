import numpy as np
import pytest

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.dataset import (
    OwnData,
    Pairs,
    chunks,
    draw,
    drawn_sources,
    epoch_order,
    fresh_sources,
    random_sources,
    shift_right,
)
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


def test_own_pairs_are_divided_and_stay_together():
    sources = np.arange(30 * 3, dtype=np.uint8).reshape(30, 3)
    data = OwnData("mine", Pairs(sources, sources[:, :2] + 100))
    model, train = ModelConfig(in_max_int=89, out_max_int=200), TrainConfig(points=30, in_len=3, out_len=2)
    training, validation = draw(data, model, train)
    assert (len(training.sources), len(validation.sources)) == (27, 3)
    drawn = np.concatenate([training.sources, validation.sources])
    assert sorted(drawn.tolist()) == sources.tolist()
    assert drawn.tolist() != sources.tolist()  # a file that is sorted would give another validation set
    for part in (training, validation):
        assert (part.targets == part.sources[:, :2] + 100).all()


def test_own_pairs_have_to_be_as_the_configs_say():
    data = OwnData("mine", Pairs(np.full((30, 3), 8), np.full((30, 2), 7)))
    for model, train, message in [
        (ModelConfig(), TrainConfig(points=29, in_len=3, out_len=2), r"sources of shape \(29, 3\), got \(30, 3\)"),
        (ModelConfig(), TrainConfig(points=30, in_len=3, out_len=3), r"targets of shape \(30, 3\), got \(30, 2\)"),
        (ModelConfig(in_max_int=7), TrainConfig(points=30, in_len=3, out_len=2), "sources of symbols 0 to 7, got"),
        (ModelConfig(out_max_int=6), TrainConfig(points=30, in_len=3, out_len=2), "targets of symbols 0 to 6, got"),
    ]:
        with pytest.raises(UsageError, match=message):
            draw(data, model, train)


def test_a_checksum_of_own_data():
    def digest(sources, targets):
        return OwnData("mine", Pairs(np.array(sources, np.uint8), np.array(targets))).digest()

    assert digest([[1, 2]], [[3]]) == digest([[1, 2]], [[3]])
    assert len({digest([[1, 2]], [[3]]), digest([[1, 2]], [[4]]), digest([[2, 1]], [[3]])}) == 3


def test_fresh_sources_are_none_of_those_trained_on():
    train = TrainConfig(points=300, in_len=3, out_len=3)
    model = ModelConfig(in_max_int=7)
    seen = drawn_sources(model, train, start_step=5)
    trained = np.concatenate([part.sources for part in draw(find_pattern("copy"), model, train, 5)])
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
