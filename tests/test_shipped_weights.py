import numpy as np
import pytest

from seq2seq_demo import weights
from seq2seq_demo.config import MODELS
from seq2seq_demo.dataset import Pairs, random_sources
from seq2seq_demo.evaluation import evaluate
from seq2seq_demo.numpy_decoder import NumpyNetwork
from seq2seq_demo.patterns import PATTERNS
from seq2seq_demo.series import shipped_path


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_shipped_weights_are_exact(pattern, model):
    network = weights.load(shipped_path(pattern, model))
    assert (network.pattern, network.model.model, network.in_len, network.out_len) == (pattern, model, 10, 10)
    sources = random_sources(np.random.default_rng(2016), 2000, 10, 9)
    pairs = Pairs(sources, PATTERNS[pattern].targets(sources, None, 9))
    assert evaluate(NumpyNetwork(network.model, network.weights), pairs).exact_match >= 0.999
