from dataclasses import replace

import numpy as np
import pytest
from helpers import random_weights

from seq2seq_demo.config import Beam, ModelConfig
from seq2seq_demo.network import decoding
from seq2seq_demo.network.decoding import DecodingOptions, answer
from seq2seq_demo.network.numpy_network import Decoded, NumpyNetwork, softmax

FIXED = ModelConfig("embedding_attention", "GRUCell", cell_size=7, embedding_size=5, in_max_int=8, out_max_int=3)
ENDING = replace(FIXED, ends=True)
ALL = DecodingOptions(probabilities=True, attention=True)
BEAM = DecodingOptions(Beam(5))


@pytest.mark.parametrize(
    ("config", "lengths", "ended"),
    [(ENDING, [2, 0, 4, 4], [True, True, False, True]), (FIXED, [4] * 4, [False] * 4)],
    ids=["ending", "fixed"],
)
def test_answers_end_at_the_first_end(monkeypatch, config, lengths, ended):
    """Symbol 4 is END, or an ordinary symbol if the network does not end its answers."""
    symbols = np.array([[1, 2, 4, 3, 4], [4, 1, 1, 1, 1], [0, 1, 2, 3, 0], [0, 1, 2, 3, 4]])[:, : 4 + config.ends]

    decoded = Decoded(symbols, np.log(np.full((*symbols.shape, 5), 0.2)), None)
    monkeypatch.setattr(NumpyNetwork, "decode", lambda *_: decoded)
    monkeypatch.setattr(decoding, "_decode_to_end", lambda *_: decoded)
    answers = answer(NumpyNetwork(config, {}), np.zeros((4, 3), int), 4, ALL)
    assert (answers.symbols == symbols[:, None]).all()
    assert (answers.lengths.tolist(), answers.ended.tolist()) == ([[n] for n in lengths], [[flag] for flag in ended])
    assert (answers.n_written == answers.lengths + answers.ended).all()
    assert answers.probabilities == pytest.approx(np.full((4, 1, symbols.shape[1]), 0.2))
    assert answers.attention is answers.scores is None


@pytest.mark.parametrize("config", [ENDING, FIXED], ids=["ending", "fixed"])
@pytest.mark.parametrize("seed", [0, 3])
def test_answers_equal_decoding_to_the_maximum_length(seed, config):
    weights = random_weights(config)
    weights["decoder/output/bias"] = weights["decoder/output/bias"].copy()
    weights["decoder/output/bias"][config.go] += seed  # makes END more frequent
    network = NumpyNetwork(config, weights)
    sources = np.random.default_rng(seed).integers(0, 9, (20, 6))
    whole, answers = network.decode(sources, 9), answer(network, sources, 8, ALL)
    T = answers.symbols.shape[2]
    for row in range(20):
        end = [*whole.symbols[row], config.go].index(config.go) if config.ends else 8
        assert answers.ended[row, 0] == (config.ends and end <= 8)
        assert answers.lengths[row, 0] == min(end, 8)
    assert (min(9, answers.n_written.max()) if answers.ended.all() else 8 + config.ends) == T
    assert (answers.symbols[:, 0] == whole.symbols[:, :T]).all()
    assert (answers.attention[:, 0] == whole.attention[:, :T]).all()
    assert answers.probabilities[:, 0] == pytest.approx(softmax(whole.logits).max(axis=-1)[:, :T])
    plain = answer(network, sources, 8)
    assert (plain.probabilities, plain.attention) == (None, None)
    assert (plain.lengths == answers.lengths).all()


def test_rows_at_once_depend_on_lengths_and_beam_size():
    digits, words = ModelConfig(), ModelConfig(out_max_int=4998)
    assert BEAM.rows_at_once(digits, 10, 10) == 200
    assert (
        DecodingOptions().rows_at_once(digits, 10, 10) == DecodingOptions(Beam(1)).rows_at_once(digits, 10, 10) == 1000
    )
    assert DecodingOptions().rows_at_once(words, 10, 20) == 100
    assert DecodingOptions().rows_at_once(digits, 1000, 1000) == 10
    assert DecodingOptions(Beam(4)).rows_at_once(digits, 1000, 1000) == 2
    assert DecodingOptions(Beam(1000)).rows_at_once(digits, 1000, 1000) == 1
