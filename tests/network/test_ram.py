import time

import pytest

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.errors import UsageError
from seq2seq_demo.network.parameters import initial_weights
from seq2seq_demo.network.ram import check_decoding_fits, check_points_fit, check_training_fits, n_weights


@pytest.mark.parametrize("num_layers", [1, 2, 5])
def test_the_number_of_weights(num_layers):
    model = ModelConfig("embedding_attention", "GRUCell", num_layers, 7, 5, 10, 11)
    assert n_weights(model) == sum(weight.size for weight in initial_weights(model, 0).values())


def test_what_fits():
    check_training_fits(ModelConfig(), TrainConfig(points=10_000_000, batch_size=1024))
    check_decoding_fits(ModelConfig(), 1000, 1000, 1000)


@pytest.mark.parametrize(
    ("model", "train", "message"),
    [
        ({"num_layers": 100, "cell_size": 10**5}, {}, "weights need .* GiB"),
        ({"cell_size": 10**7}, {}, "weights need"),
        ({"embedding_size": 10**12}, {}, "weights need"),
        ({"in_max_int": 10**30}, {}, "weights need"),
        ({}, {"points": 10**12}, "1000000000000 points of 10 \\+ 10 symbols need"),
        ({}, {"in_len": 10**9}, "points of 1000000000 \\+ 10 symbols need"),
        ({}, {"batch_size": 10**9}, "a batch of 1000000000 sequences need"),
    ],
)
def test_what_cannot_fit_is_refused_at_once(model, train, message):
    start = time.perf_counter()
    with pytest.raises(UsageError, match=message):
        check_training_fits(ModelConfig(**model), TrainConfig(**{"points": 1000} | train))
    assert time.perf_counter() - start < 1


def test_a_target_that_cannot_fit_is_refused():
    with pytest.raises(UsageError, match=r"5 sequences of 7 \+ 1000000000000 symbols, decoded at once, need"):
        check_decoding_fits(ModelConfig(), 5, 7, 10**12)


def test_points_that_cannot_fit_are_refused():
    check_points_fit(10_000_000, 10, 10)
    with pytest.raises(UsageError, match=r"1000000000000 points of 7 \+ 8 symbols need"):
        check_points_fit(10**12, 7, 8)
