"""Ensembles, compared with the members' probabilities, averaged by hand."""

import numpy as np
import pytest
from helpers import random_weights

from seq2seq_demo.config import Beam, ModelConfig
from seq2seq_demo.network.decoding import DecodingOptions, answer
from seq2seq_demo.network.ensemble import EnsembleNetwork, log_mean
from seq2seq_demo.network.numpy_network import log_softmax, softmax
from seq2seq_demo.trained.trained_network import make_numpy_network

SYMBOLS = {"in_max_int": 8, "out_max_int": 3, "ends": True}
MODELS = [
    ModelConfig("embedding_attention", "GRUCell", 2, 7, 5, bidirectional=True, **SYMBOLS),
    ModelConfig("embedding_attention", "BasicLSTMCell", 1, 4, 3, **SYMBOLS),
    ModelConfig("embedding_rnn", "BasicRNNCell", 1, 6, 2, **SYMBOLS),
]
SOURCES = np.random.default_rng(1).integers(0, 9, (11, 6))
OUT_LEN = 5


def members(n):
    return [make_numpy_network(config, random_weights(config, seed)) for seed, config in enumerate(MODELS[:n], 3)]


def mean_probabilities(networks, symbols):
    """The mean probabilities `[B, T, V]` at each step, if the networks write these symbols `[B, T]`."""
    decoder_input = np.concatenate([np.full((len(symbols), 1), networks[0].model_config.go), symbols[:, :-1]], axis=1)
    forced = [network.decode(SOURCES, symbols.shape[1], decoder_input) for network in networks]
    return np.mean([softmax(each.logits) for each in forced], axis=0), [each.attention for each in forced]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_each_step_has_the_mean_of_the_members_probabilities(n):
    networks = members(n)
    decoded = EnsembleNetwork(networks).decode(SOURCES, OUT_LEN)
    expected, attention = mean_probabilities(networks, decoded.symbols)
    assert decoded.logits.dtype == np.float32
    assert np.exp(decoded.logits) == pytest.approx(expected, abs=1e-6)
    assert (decoded.symbols == expected.argmax(axis=-1)).all()
    if n < 3:
        assert decoded.attention == pytest.approx(np.mean(attention, axis=0), abs=1e-6)
    else:  # the third member has no attention
        assert decoded.attention is None
    if n == 2:  # the answers are neither member's
        assert all((each.decode(SOURCES, OUT_LEN).symbols != decoded.symbols).any() for each in networks)


def test_beam_search_scores_the_mean_probabilities():
    networks = members(3)
    found = answer(EnsembleNetwork(networks), SOURCES, OUT_LEN, DecodingOptions(Beam(5, 4)))
    for rank in range(4):
        written = found.is_written[:, rank]
        expected, _ = mean_probabilities(networks, found.symbols[:, rank])
        chosen = np.take_along_axis(expected, found.symbols[:, rank, :, None], axis=-1)[..., 0]
        assert found.probabilities[:, rank][written] == pytest.approx(chosen[written], abs=1e-6)
        ended = found.ended[:, rank]
        assert found.scores[ended, rank] == pytest.approx(np.log(np.where(written, chosen, 1)).sum(1)[ended], abs=1e-4)


def test_probabilities_that_float32_cannot_hold_stay_finite():
    logits = [np.array([[0, -500, -1000]], np.float32), np.array([[0, -1000, -600]], np.float32)]
    expected = [[0, -500 - np.log(2), -600 - np.log(2)]]
    assert log_mean([log_softmax(each) for each in logits]) == pytest.approx(np.array(expected), rel=1e-6)
