"""Dropout masks compared with the same hash in Python integers, and networks compared with NumPy under equal masks."""

import functools
import zlib
from collections import Counter

import numpy as np
import pytest
from helpers import random_weights

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.network.keras_network.dropout import Masks
from seq2seq_demo.network.keras_network.model import Seq2Seq
from seq2seq_demo.trained.trained_network import make_numpy_network

# isort: split
import tensorflow as tf

pytestmark = pytest.mark.slow

B, S, T, H, E, P = 3, 6, 4, 7, 5, 0.3
KEYS = np.array([0, 123456789, 2**32 - 1], np.uint32)
ROW = 1


def mix(x):
    x = (x ^ x >> 16) * 0x85EBCA6B % 2**32
    x = (x ^ x >> 13) * 0xC2B2AE35 % 2**32
    return x ^ x >> 16


@functools.cache
def by_hand(key, site, n_positions, n_units):
    """The mask of one row, computed number by number: `[n_positions, n_units]`."""

    def value(t, unit):
        place = mix((mix((zlib.crc32(site.encode()) + t) % 2**32) + unit) % 2**32)
        return 1 / (1 - P) if mix(int(key) ^ place) >= P * 2**32 else 0

    return np.array([[value(t, unit) for unit in range(n_units)] for t in range(n_positions)])


def masks(dropout, keys=KEYS):
    return Masks(dropout, tf.constant(keys))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_masks_equal_those_computed_by_hand(jit_compile):
    actual = tf.function(lambda: masks(P).mask("encoder/embedding", S, E), jit_compile=jit_compile)()
    assert actual.shape == (S, B, E)
    for row, key in enumerate(KEYS):
        assert actual[:, row].numpy() == pytest.approx(by_hand(key, "encoder/embedding", S, E))
    longer = masks(P).mask("encoder/embedding", S + 9, E)
    assert (longer[:S] == actual).numpy().all()
    assert (masks(P, KEYS[1:]).mask("encoder/embedding", S, E) == actual[:, 1:]).numpy().all()


def test_rates_near_0_and_1():
    assert masks(0.0).mask("a", 50, 50).numpy().min() == 1
    assert masks(1 - 1e-12).mask("a", 50, 50).numpy().max() == 0


@pytest.mark.parametrize(("model", "bidirectional"), [("embedding_rnn", False), ("embedding_attention", True)])
def test_a_row_agrees_with_numpy_under_equal_masks(model, bidirectional):
    config = ModelConfig(model, "BasicLSTMCell", 2, H, E, in_max_int=10, out_max_int=12, bidirectional=bidirectional)
    weights = random_weights(config)
    sources = np.random.default_rng(1).integers(0, 11, (B, S))
    fed = np.random.default_rng(2).integers(0, 14, (B, T))
    expected = written_out(config, weights, sources[ROW], fed[ROW])
    network = Seq2Seq(config, weights)
    assert np.abs(network(sources, fed, masks=masks(P))[ROW] - expected).max() < 1e-5
    wider = np.pad(sources, ((0, 0), (0, 3))), np.pad(fed, ((0, 0), (0, 2)))
    logits = network(*wider, tf.constant([[2, 1], [S, T], [9, 6]]), masks=masks(P))
    assert np.abs(logits[ROW, :T] - expected).max() < 1e-5


def written_out(config, weights, source, fed):
    """Teacher forcing of one row in NumPy, with each input times its mask: logits `[T, V]`."""
    embedded = {  # an embedding per position, in place of one per symbol
        name: weights[name][symbols] * by_hand(KEYS[ROW], name, len(symbols), E)
        for name, symbols in (("encoder/embedding", source), ("decoder/embedding", fed))
    }
    network, done = make_numpy_network(config, weights | embedded), Counter()
    dense = network.dense

    def masked_dense(name, x):
        site, n_positions = name.replace("backward/", ""), S if name.startswith("encoder") else T
        position = n_positions - 1 - done[name] if "backward" in name else done[name]
        done[name] += 1
        if site.endswith(("layer_1", "projection")):
            x = x * by_hand(KEYS[ROW], site, n_positions, x.shape[1])[position]
        return dense(name, x)

    network.dense = masked_dense
    return network.decode(np.arange(S)[None], T, np.arange(T)[None]).logits[0]
