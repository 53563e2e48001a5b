import math

import numpy as np
import pytest
from helpers import random_weights

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.network.bidirectional import BidirectionalNumpyNetwork
from seq2seq_demo.network.numpy_network import NumpyNetwork, sigmoid, softmax


def test_sigmoid_and_softmax():
    assert sigmoid(np.array([0.0, math.log(3), -math.log(3), -1e9])).tolist() == pytest.approx([0.5, 0.75, 0.25, 0])
    assert softmax(np.array([[0, math.log(3)], [1000, 1000]])).ravel().tolist() == pytest.approx([0.25, 0.75, 0.5, 0.5])


def test_attention_equals_a_loop_over_one_sequence():
    """Bahdanau's equations from seq2seq_demo/README.md, one number at a time, compared with the batched network."""
    config = ModelConfig("embedding_attention", "BasicLSTMCell", 2, 3, 2, in_max_int=4, out_max_int=5)
    w = {name: value.astype(float) for name, value in random_weights(config).items()}
    network = NumpyNetwork(config, w)
    source = np.array([[4, 0, 3, 1]])
    memory, states = network.encode(source)
    decoded = network.decode(source, 3)
    context, fed = np.zeros(3), config.go
    for t in range(3):
        d = w["decoder/embedding"][fed]
        x = w["decoder/input/kernel"].T @ [*d, *context] + w["decoder/input/bias"]
        states = network.run_cells("decoder", x[None], states)
        (c0, h0), (c1, h1) = ((c[0], h[0]) for c, h in states)
        query = w["decoder/attention/query/kernel"].T @ [*c0, *h0, *c1, *h1] + w["decoder/attention/query/bias"]
        u = [
            sum(
                w["decoder/attention/score"][k]
                * math.tanh(sum(w["decoder/attention/key/kernel"][j, k] * memory[0, s, j] for j in range(3)) + query[k])
                for k in range(3)
            )
            for s in range(4)
        ]
        total = sum(math.exp(x) for x in u)
        alpha = [math.exp(x) / total for x in u]
        context = sum(alpha[s] * memory[0, s] for s in range(4))
        projected = w["decoder/projection/kernel"].T @ h1 + w["decoder/projection/bias"]
        logits = w["decoder/output/kernel"].T @ [*projected, *context] + w["decoder/output/bias"]
        assert decoded.attention[0, t].tolist() == pytest.approx(alpha)
        assert decoded.logits[0, t].tolist() == pytest.approx(logits.tolist())
        fed = int(logits.argmax())
        assert decoded.symbols[0, t] == fed


def test_an_encoder_in_both_directions_equals_a_loop_over_one_sequence():
    config = ModelConfig("embedding_attention", "LSTMCell", 2, 3, 2, in_max_int=4, out_max_int=5, bidirectional=True)
    w = {name: value.astype(float) for name, value in random_weights(config).items()}
    network, source, c, h = BidirectionalNumpyNetwork(config, w), [4, 0, 3, 1], {}, {}
    x = [w["encoder/embedding"][symbol] for symbol in source]
    for layer in range(2):
        outputs = {}
        for direction, order in (("", [0, 1, 2, 3]), ("backward/", [3, 2, 1, 0])):
            state = np.zeros((1, 3)), np.zeros((1, 3))
            for s in order:
                state = network.run_cell(f"encoder/{direction}layer_{layer}", x[s][None], state)
                outputs[direction, s] = state[1][0]
            c[direction, layer], h[direction, layer] = state[0][0], state[1][0]
        x = [np.array([*outputs["", s], *outputs["backward/", s]]) for s in range(4)]
    memory, states = network.encode(np.array([source]))
    assert memory[0] == pytest.approx(np.array(x))
    for layer in range(2):
        for name, values, actual in (("c", c, states[layer][0]), ("h", h, states[layer][1])):
            kernel, bias = (w[f"encoder/bridge_{layer}_{name}/{part}"] for part in ("kernel", "bias"))
            both = [*values["", layer], *values["backward/", layer]]
            assert actual[0] == pytest.approx([both @ kernel[:, k] + bias[k] for k in range(3)])
