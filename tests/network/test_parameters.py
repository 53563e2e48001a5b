import numpy as np
import pytest

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.errors import WeightsError
from seq2seq_demo.network.parameters import check_weights, initial_weights

ATTENTION = ModelConfig("embedding_attention", "BasicLSTMCell", 2, 7, 5, in_max_int=10, out_max_int=11)


def test_initial_values_are_uniform_within_the_bounds_of_2016():
    weights = initial_weights(ModelConfig("embedding_attention", in_max_int=999, out_max_int=998), seed=2)
    bounds = {
        "encoder/embedding": 3**0.5,
        "encoder/layer_0/kernel": (6 / (20 + 32 + 128)) ** 0.5,  # the bound of 2016's whole matrix of [input ; h]
        "encoder/layer_0/recurrent_kernel": (6 / (20 + 32 + 128)) ** 0.5,
        "decoder/embedding": (6 / (1000 + 20)) ** 0.5,
        "decoder/attention/query/kernel": (6 / (64 + 32)) ** 0.5,
        "decoder/attention/score": (6 / (32 + 32)) ** 0.5,
    }
    for name, bound in bounds.items():
        largest = np.abs(weights[name]).max()
        assert 0.8 * bound < largest <= bound, name
        assert weights[name].dtype == np.float32


def test_gate_biases_start_at_one():
    biases = {"LSTMCell": [0] * 3 + [1] * 3 + [0] * 6, "GRUCell": [1] * 6 + [0] * 3, "BasicRNNCell": [0] * 3}
    for cell_type, expected in biases.items():
        bias = initial_weights(ModelConfig(cell_type=cell_type, cell_size=3), seed=2)["decoder/layer_0/bias"]
        assert bias.tolist() == expected


def test_initial_values_depend_on_the_seed_alone():
    a, b, c = (initial_weights(ATTENTION, seed) for seed in (1, 1, 2))
    assert all((a[name] == b[name]).all() for name in a)
    assert (a["decoder/input/kernel"] != c["decoder/input/kernel"]).all()


def test_impossible_values_are_refused():
    weights, name = initial_weights(ATTENTION, 1), "decoder/attention/score"
    check_weights(weights, {f"v/{name}": abs(weights[name])})
    for value, message in (
        (np.nan, "above 1e.* or NaN"),
        (-2e10, "above 1e"),
        (-1, "'v/.* contains a negative number"),
    ):
        with pytest.raises(WeightsError, match=message):
            check_weights(weights, {f"v/{name}": np.full_like(weights[name], value)})
