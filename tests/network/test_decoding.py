from dataclasses import replace

import numpy as np
import pytest
from helpers import random_weights

from seq2seq_demo.config import Beam, ModelConfig
from seq2seq_demo.network.decoding import DecodingOptions, answer
from seq2seq_demo.network.numpy_network import NumpyNetwork, softmax

FIXED = ModelConfig("embedding_attention", "GRUCell", cell_size=7, embedding_size=5, in_max_int=8, out_max_int=3)
ENDING = replace(FIXED, ends=True)
ALL = DecodingOptions(probabilities=True, attention=True)


@pytest.mark.parametrize("config", [ENDING, FIXED], ids=["ending", "fixed"])
@pytest.mark.parametrize(("seed", "out_len"), [(0, 8), (0, 1), (3, 8)])
def test_answers_equal_decoding_to_the_maximum_length(seed, out_len, config):
    """Some answers to the sources of seed 0 are empty, some have `out_len` symbols and END, and some do not end."""
    weights = random_weights(config)
    weights["decoder/output/bias"] = weights["decoder/output/bias"].copy()
    weights["decoder/output/bias"][config.go] += seed  # makes END more frequent
    network = NumpyNetwork(config, weights)
    sources = np.random.default_rng(seed).integers(0, 9, (20, 6))
    whole, answers = network.decode(sources, 9), answer(network, sources, out_len, ALL)
    T = answers.symbols.shape[2]
    for row in range(20):
        end = [*whole.symbols[row], config.go].index(config.go) if config.ends else 9
        assert answers.ended[row, 0] == (end <= out_len)
        assert answers.lengths[row, 0] == min(end, out_len)
        assert answers.n_written[row, 0] == min(end, out_len) + (end <= out_len)
    assert (answers.n_written.max() if answers.ended.all() else out_len + config.ends) == T
    assert (answers.symbols[:, 0] == whole.symbols[:, :T]).all()
    assert (answers.attention[:, 0] == whole.attention[:, :T]).all()
    assert answers.probabilities[:, 0] == pytest.approx(softmax(whole.logits).max(axis=-1)[:, :T])
    plain = answer(network, sources, out_len)
    assert (plain.probabilities, plain.attention) == (None, None)
    assert (plain.lengths == answers.lengths).all()


def test_wide_beams_and_long_or_many_symbols_take_fewer_rows_at_once():
    digits, words = ModelConfig(), ModelConfig(out_max_int=4998)
    rows = [DecodingOptions(Beam(size)).rows_at_once(digits, 10, 10) for size in (1, 5)]
    rows += [DecodingOptions(Beam(size)).rows_at_once(digits, 1000, 1000) for size in (1, 4, 1000)]
    assert [*rows, ALL.rows_at_once(words, 10, 20)] == [1000, 200, 10, 2, 1, 100]
