import math

import numpy as np
import pytest
from helpers import random_weights

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.trained.trained_network import make_numpy_network


def lstm(w, name, x, c, h):
    """One LSTM step for one sequence, gate by gate."""
    z = w[f"{name}/kernel"].T @ x + w[f"{name}/recurrent_kernel"].T @ h + w[f"{name}/bias"]
    i, f, o = (np.array([1 / (1 + math.exp(-a)) for a in z[first : first + 3]]) for first in (0, 3, 9))
    c = f * c + i * np.tanh(z[6:9])
    return c, o * np.tanh(c)


def test_the_encoder_equals_a_loop_over_one_sequence():
    config = ModelConfig("embedding_attention", "LSTMCell", 2, 3, 2, in_max_int=4, out_max_int=5, bidirectional=True)
    w = {name: value.astype(float) for name, value in random_weights(config).items()}
    source, c, h = [4, 0, 3, 1], {}, {}
    x = [w["encoder/embedding"][symbol] for symbol in source]
    for layer in range(2):
        outputs = {}
        for direction, order in (("", [0, 1, 2, 3]), ("backward/", [3, 2, 1, 0])):
            state = np.zeros(3), np.zeros(3)
            for s in order:
                state = lstm(w, f"encoder/{direction}layer_{layer}", x[s], *state)
                outputs[direction, s] = state[1]
            c[direction, layer], h[direction, layer] = state
        x = [np.array([*outputs["", s], *outputs["backward/", s]]) for s in range(4)]
    memory, states = make_numpy_network(config, w).encode(np.array([source]))
    assert memory[0] == pytest.approx(np.array(x))
    for layer in range(2):
        for name, values, actual in (("c", c, states[layer][0]), ("h", h, states[layer][1])):
            kernel, bias = (w[f"encoder/bridge_{layer}_{name}/{part}"] for part in ("kernel", "bias"))
            both = [*values["", layer], *values["backward/", layer]]
            assert actual[0] == pytest.approx([both @ kernel[:, k] + bias[k] for k in range(3)])
