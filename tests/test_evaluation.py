import math
from collections import Counter

import numpy as np
import pytest
from helpers import random_weights

from seq2seq_demo.config import Beam, ModelConfig
from seq2seq_demo.data.batches import Pairs
from seq2seq_demo.errors import UsageError
from seq2seq_demo.evaluation import EpochFigures, Figures, cross_entropy, measure
from seq2seq_demo.network.beam import beam_search
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.network.parallel import CHUNK, rows_at_once


def test_cross_entropy():
    logits = np.log(np.array([[[1, 2, 5], [8, 1, 1]], [[1, 1, 2], [3, 3, 4]]], np.float32)) + 700
    losses = cross_entropy(logits, np.array([[2, 1], [0, 2]], np.uint8))
    assert losses.ravel().tolist() == pytest.approx(
        [math.log(8 / 5), math.log(10), math.log(4), math.log(10 / 4)], rel=1e-3
    )


def test_against_one_sequence_at_a_time():
    config = ModelConfig("embedding_attention", cell_size=7, embedding_size=5, in_max_int=3, out_max_int=4)
    network = NumpyNetwork(config, random_weights(config))
    n = CHUNK + 13
    sources = np.random.default_rng(1).integers(0, 4, (n, 6), dtype=np.uint8)
    targets = network.decode(sources, 2).symbols
    targets[: n // 2, 1] = 0  # about half of them wrong at the second position
    loss = forced = forced_exact = free = free_exact = 0
    for source, target in zip(sources, targets, strict=True):
        fed = np.array([[config.go, target[0]]])
        symbols, logits, _ = network.decode(source[None], 2, fed)
        probabilities = np.exp(logits[0]) / np.exp(logits[0]).sum(axis=1, keepdims=True)
        loss -= sum(math.log(probabilities[t, target[t]]) for t in range(2))
        forced += (symbols[0] == target).sum()
        forced_exact += (symbols[0] == target).all()
        greedy = network.decode(source[None], 2).symbols[0]
        free += (greedy == target).sum()
        free_exact += (greedy == target).all()
    measured = measure(network, Pairs(sources, targets))
    figures = measured.figures
    assert figures.loss == pytest.approx(loss / (2 * n), rel=1e-4)
    assert figures.forced_token_accuracy == pytest.approx(forced / (2 * n))
    assert figures.forced_exact_match == pytest.approx(forced_exact / n)
    assert figures.token_accuracy == pytest.approx(free / (2 * n))
    assert figures.exact_match == pytest.approx(free_exact / n)
    assert 0.4 < figures.exact_match < figures.token_accuracy < 1
    assert measured.correct.tolist() == (network.decode(sources, 2).symbols == targets).sum(axis=0).tolist()
    symbols = network.decode(sources, 2).symbols
    wrong = Counter((int(t), int(p)) for t, p in zip(targets.ravel(), symbols.ravel(), strict=True) if t != p)
    assert measured.confusions == wrong
    assert measured.expected.tolist() == [int((targets == symbol).sum()) for symbol in range(6)]
    hits = targets[symbols == targets]
    assert measured.expected_and_correct.tolist() == [int((hits == symbol).sum()) for symbol in range(6)]


def test_evaluations_add_up():
    config = ModelConfig("embedding_attention", cell_size=7, embedding_size=5, in_max_int=3, out_max_int=4)
    network = NumpyNetwork(config, random_weights(config))
    rng = np.random.default_rng(1)
    pairs = Pairs(rng.integers(0, 4, (30, 6)), rng.integers(0, 5, (30, 2)))
    whole = measure(network, pairs)
    parts = [measure(network, Pairs(*(symbols[rows] for symbols in pairs))) for rows in (slice(11), slice(11, None))]
    for name, value in vars(parts[0] + parts[1]).items():
        if name == "loss_sum":
            assert value == pytest.approx(whole.loss_sum, rel=1e-6)
        else:
            assert np.all(value == getattr(whole, name)), name
    assert (parts[0] + parts[1]).figures.exact_match == whole.exact_match


def test_with_a_beam():
    config = ModelConfig("embedding_attention", cell_size=7, embedding_size=5, in_max_int=3, out_max_int=4)
    network = NumpyNetwork(config, random_weights(config))
    sources = np.random.default_rng(1).integers(0, 4, (300, 6))
    best = beam_search(network, sources, 3, 5, 1.0, ends=False, n_best=1).symbols[:, 0]
    greedy = network.decode(sources, 3).symbols
    wrong = (greedy != best).any(axis=1)
    assert 0 < wrong.sum() < 300
    pairs = Pairs(sources, best)
    found, of_one, without = (
        measure(network, pairs, Beam(5, 1, 1.0)),
        measure(network, pairs, Beam(1)),
        measure(network, pairs),
    )
    assert (found.exact, found.correct.tolist(), found.confusions) == (300, [300] * 3, Counter())
    assert without.exact == of_one.exact == 300 - wrong.sum()
    assert of_one.correct.tolist() == without.correct.tolist() == (greedy == best).sum(axis=0).tolist()
    assert of_one.confusions == without.confusions
    assert found.loss == pytest.approx(without.loss)  # with teacher forcing there is no search
    assert found.forced_exact == without.forced_exact


def test_figures_of_an_epoch_as_json():
    validation = Figures(
        loss=1.0, forced_token_accuracy=0.6, forced_exact_match=0.2, token_accuracy=0.5, exact_match=0.3
    )
    figures = EpochFigures(2, 700, loss=2.0, token_accuracy=0.1, validation=validation)
    assert figures.to_json() == {
        "epoch": 2,
        "step": 700,
        "loss": 2.0,
        "token_accuracy": 0.1,
        "validation_loss": 1.0,
        "validation_forced_token_accuracy": 0.6,
        "validation_forced_exact_match": 0.2,
        "validation_token_accuracy": 0.5,
        "validation_exact_match": 0.3,
    }
    assert EpochFigures.from_json(figures.to_json()) == figures


def test_what_is_too_long_is_refused_and_what_is_long_is_decoded_a_few_at_once():
    config = ModelConfig("embedding_attention", cell_size=3, embedding_size=2)
    network = NumpyNetwork(config, random_weights(config))
    long = np.zeros((1, 100_000), np.uint8)
    with pytest.raises(UsageError, match=r"1 sequences of 100000 \+ 100000 symbols, decoded at once, need 74"):
        measure(network, Pairs(long, long))
    almost = np.zeros((1, 8_000), np.uint8)
    with pytest.raises(UsageError, match=r"1000 sequences of 8000 \+ 8000 symbols, decoded at once, need"):
        measure(network, Pairs(almost, almost), Beam(1000))
    assert rows_at_once(10, 6) == CHUNK
    assert rows_at_once(2000, 1000) == 5
    assert rows_at_once(10**5, 10**5) == 1


def test_many_symbols_take_no_table_of_them_all():
    config = ModelConfig(cell_size=3, embedding_size=2, out_max_int=200_000)
    pairs = Pairs(np.zeros((5, 2), np.uint8), np.full((5, 3), 150_000))
    assert measure(NumpyNetwork(config, random_weights(config)), pairs).expected[150_000] == 15


def test_repr_says_the_figures_that_count():
    config = ModelConfig(cell_size=3, embedding_size=2)
    pairs = Pairs(np.zeros((5, 2), np.uint8), np.full((5, 3), 4, np.uint8))
    evaluation = measure(NumpyNetwork(config, random_weights(config)), pairs)
    assert repr(evaluation).startswith(f"<Evaluation of 5 sequences: exact match {evaluation.exact_match:.4f}, token ")
