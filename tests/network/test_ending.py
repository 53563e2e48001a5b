import numpy as np
import pytest
from helpers import random_weights

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.network.ending import answers_in, decode_to_end
from seq2seq_demo.network.numpy_network import Decoded, NumpyNetwork

CONFIG = ModelConfig("embedding_attention", "GRUCell", cell_size=7, embedding_size=5, in_max_int=8, out_max_int=3)


def test_end_by_hand():
    symbols = np.array([[1, 2, 4, 3, 4], [4, 1, 1, 1, 1], [0, 1, 2, 3, 0], [0, 1, 2, 3, 4]])  # 4 is END
    decoded = Decoded(symbols, np.zeros((4, 5, 5)), None)
    _, lengths, ended = answers_in(decoded, 4, 4)
    assert lengths.tolist() == [2, 0, 4, 4]
    assert ended.tolist() == [True, True, False, True]


@pytest.mark.parametrize("seed", range(4))
def test_it_says_what_decoding_to_the_longest_says(seed):
    weights = random_weights(CONFIG)
    weights["decoder/output/bias"] = weights["decoder/output/bias"].copy()
    weights["decoder/output/bias"][CONFIG.go] += seed  # so that END comes more often
    network = NumpyNetwork(CONFIG, weights)
    sources = np.random.default_rng(seed).integers(0, 9, (20, 6))
    decoded, lengths, ended = decode_to_end(network, sources, 8)
    whole = network.decode(sources, 9).symbols
    for row in range(20):
        ends = [*whole[row], CONFIG.go].index(CONFIG.go)
        assert ended[row] == (ends <= 8)
        assert lengths[row] == min(ends, 8)
        assert decoded.symbols[row, : lengths[row]].tolist() == whole[row, : lengths[row]].tolist()
    assert decoded.symbols.shape[1] == min(9, lengths[ended].max(initial=0) + 1 if ended.all() else 9)
