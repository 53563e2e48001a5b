from dataclasses import replace

import numpy as np
import pytest

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.errors import WeightsError
from seq2seq_demo.network.parameters import check_weights, initial_weights, weight_shapes

ATTENTION = ModelConfig(
    "embedding_attention", num_layers=2, cell_size=7, embedding_size=5, in_max_int=10, out_max_int=11
)


def lstm(name, n_inputs):
    """The shapes of an LSTM of 7 units."""
    return {f"{name}/kernel": (n_inputs, 28), f"{name}/recurrent_kernel": (7, 28), f"{name}/bias": (28,)}


def test_shapes_worked_out_by_hand():
    assert weight_shapes(ATTENTION) == {
        "encoder/embedding": (11, 5),
        **lstm("encoder/layer_0", 5),
        **lstm("encoder/layer_1", 7),
        "decoder/embedding": (13, 5),
        "decoder/input/kernel": (12, 5),
        "decoder/input/bias": (5,),
        **lstm("decoder/layer_0", 5),
        **lstm("decoder/layer_1", 7),
        "decoder/attention/key/kernel": (7, 7),
        "decoder/attention/query/kernel": (28, 7),  # c and h of two layers
        "decoder/attention/query/bias": (7,),
        "decoder/attention/score": (7,),
        "decoder/projection/kernel": (7, 13),
        "decoder/projection/bias": (13,),
        "decoder/output/kernel": (20, 13),
        "decoder/output/bias": (13,),
    }


def test_shapes_of_a_bidirectional_network_worked_out_by_hand():
    plain, shapes = weight_shapes(ATTENTION), weight_shapes(replace(ATTENTION, bidirectional=True))
    bridges = {f"encoder/bridge_{layer}_{name}" for layer in (0, 1) for name in ("c", "h")}
    assert {name: shape for name, shape in shapes.items() if plain.get(name) != shape} == {
        "encoder/layer_1/kernel": (14, 28),
        **lstm("encoder/backward/layer_0", 5),
        **lstm("encoder/backward/layer_1", 14),
        **{f"{bridge}/kernel": (14, 7) for bridge in bridges},
        **{f"{bridge}/bias": (7,) for bridge in bridges},
        "decoder/input/kernel": (19, 5),
        "decoder/attention/key/kernel": (14, 7),
        "decoder/output/kernel": (27, 13),
    }
    gru = weight_shapes(ModelConfig(cell_type="GRUCell", bidirectional=True))
    assert [name for name in gru if "bridge" in name] == ["encoder/bridge_0_h/kernel", "encoder/bridge_0_h/bias"]


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


BIASES = {"BasicLSTMCell": [0] * 3 + [1] * 3 + [0] * 6, "GRUCell": [1] * 6 + [0] * 3, "BasicRNNCell": [0] * 3}
BIASES["LSTMCell"] = BIASES["BasicLSTMCell"]


@pytest.mark.parametrize(("cell_type", "expected"), BIASES.items())
def test_gate_biases_start_at_one(cell_type, expected):
    bias = initial_weights(ModelConfig(cell_type=cell_type, cell_size=3), seed=2)["decoder/layer_0/bias"].tolist()
    assert bias == expected


def test_initial_values_depend_on_the_seed_alone():
    a, b, c = (initial_weights(ATTENTION, seed) for seed in (1, 1, 2))
    assert all((a[name] == b[name]).all() for name in a)
    assert (a["decoder/input/kernel"] != c["decoder/input/kernel"]).all()


@pytest.mark.parametrize(
    ("value", "message"),
    [(np.nan, "above 1e.* or NaN"), (-2e10, "above 1e"), (-1, "'v/.* contains a negative number")],
)
def test_impossible_values_are_refused(value, message):
    weights = initial_weights(ATTENTION, 1)
    name = "decoder/attention/score"
    check_weights(weights, {f"v/{name}": abs(weights[name])})
    with pytest.raises(WeightsError, match=message):
        check_weights(weights, {f"v/{name}": np.full_like(weights[name], value)})
