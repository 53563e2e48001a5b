import itertools

import pytest

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.training.recipe import MODEL, recommended_settings

PHONES = {"n_pairs": 3600, "in_max_int": 29, "out_max_int": 39, "mean_in_len": 8, "mean_out_len": 7}


def recommended(**changes):
    return recommended_settings(**PHONES | changes)


def epochs(**changes):
    return recommended(**changes)["epochs"]


def test_more_or_longer_pairs_take_fewer_epochs_but_more_time_in_all():
    numbers = [300, 1000, 3600, 10_000, 100_000, 1_000_000]
    of_numbers = [epochs(n_pairs=n) for n in numbers]
    assert of_numbers == sorted(of_numbers, reverse=True)
    steps = [n * e for n, e in zip(numbers, of_numbers, strict=True)]
    assert steps == sorted(steps)
    of_lengths = [epochs(mean_in_len=n, mean_out_len=n) for n in (1, 4, 10, 30, 60, 200)]
    assert of_lengths == sorted(of_lengths, reverse=True)
    assert epochs(out_max_int=4999) < epochs(out_max_int=49)


def test_settings_are_valid_for_any_pairs():
    for n_pairs, length, largest in itertools.product((1, 300, 3600, 10**9), (0, 1, 60.5, 10_000), (1, 49, 19_999)):
        lengths = {"mean_in_len": max(1, length), "mean_out_len": length}
        settings = recommended(n_pairs=n_pairs, in_max_int=largest, out_max_int=largest, **lengths)
        config = TrainConfig(**{name: value for name, value in settings.items() if name not in MODEL})
        assert 3 <= config.epochs <= 200
        assert 0 < config.dropout <= 0.5


def test_few_long_pairs_get_enough_updates_and_rare_symbols_more_epochs():
    long = {"n_pairs": 1000, "mean_in_len": 60, "mean_out_len": 20}
    assert epochs(**long) == 48  # 1,500 updates with batches of 32
    assert epochs(**long | {"n_pairs": 100}) == 200
    frequent, rare = (epochs(n_pairs=5000, in_max_int=n) for n in (3999, 4000))
    assert rare == pytest.approx(1.5 * frequent, abs=1)


def test_a_thousand_symbols_get_wide_embeddings():
    sizes = [recommended(in_max_int=n, out_max_int=m)["embedding_size"] for n, m in ((998, 39), (999, 39), (29, 999))]
    assert sizes == [64, 192, 192]


def test_sources_below_20_bits_get_little_dropout():
    below, above = (recommended(n_pairs=1000, in_max_int=15, mean_in_len=length) for length in (4.9, 5.0))
    assert (below["dropout"], below["consistency"]) == (0.2, 0)
    assert (above["dropout"], above["consistency"]) == (0.5, 2)


def test_few_pairs_have_consistency_and_end_once_learned_and_many_have_patience():
    few, many = (recommended(n_pairs=n) for n in (1999, 2000))
    for n, expected in ((799, 2), (800, 0)):  # each symbol occurs 10 or fewer times
        assert recommended(n_pairs=1000, in_max_int=n)["consistency"] == expected
    assert (few["consistency"], few["keep_best"], few["lr_schedule"], few["patience"]) == (2, True, "adaptive", None)
    assert (many["keep_best"], many["patience"], many["lr_schedule"]) == (True, 16, "cosine")
    assert "consistency" not in many
