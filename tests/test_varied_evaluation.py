import numpy as np
import pytest
from helpers import random_weights

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.data.ragged import Ragged, RaggedPairs
from seq2seq_demo.data.sequence_pattern import find_pattern
from seq2seq_demo.network.ending import Answers
from seq2seq_demo.network.numpy_network import Decoded, NumpyNetwork
from seq2seq_demo.varied_evaluation import (
    RANDOM,
    _random_sources,
    edit_distances,
    measure_pattern,
    measure_ragged,
    total,
)

CONFIG = ModelConfig("embedding_attention", "GRUCell", cell_size=7, embedding_size=5, in_max_int=8, out_max_int=8)


@pytest.mark.parametrize(
    ("answer", "target", "edits"),
    [
        ([], [], 0),
        ([1, 2, 3], [1, 2, 3], 0),
        ([1, 2, 3], [], 3),
        ([], [4, 4], 2),
        ([1, 2, 3], [2, 3], 1),
        ([2, 3], [1, 2, 3], 1),
        ([10, 8, 19, 19, 4, 13], [18, 8, 19, 19, 8, 13, 6], 3),  # kitten, sitting
    ],
)
def test_edit_distance(answer, target, edits):
    padded = np.array([[*answer, *[9] * (8 - len(answer))]])
    assert edit_distances(padded, np.array([len(answer)]), Ragged.of_rows([target])).tolist() == [edits]


def test_figures_by_hand(monkeypatch):
    """Four answers: right, one symbol wrong, too short, and without an end."""
    END = CONFIG.go
    targets = Ragged.of_rows([[1, 2], [3, 4], [5, 6, 7], []])
    symbols = np.array([[1, 2, END, 0], [3, 8, END, 0], [5, 6, END, 0], [1, 1, 1, 1]])
    answers = Answers(Decoded(symbols, np.zeros(0), None), np.array([2, 2, 2, 4]), np.array([True, True, True, False]))
    monkeypatch.setattr("seq2seq_demo.varied_evaluation.decode_to_end", lambda *_: answers)
    pairs = RaggedPairs(Ragged.of_rows([[1, 2]] * 4), targets)
    e = measure_ragged(NumpyNetwork(CONFIG, random_weights(CONFIG)), pairs, lambda _: 4)
    assert (e.n, e.n_symbols, e.n_target) == (4, 11, 7)
    assert (e.exact, e.wrong_symbols, e.too_short, e.too_long, e.unended) == (1, 1, 1, 0, 1)
    assert e.correct == 3 + 2 + 2 + 0
    assert e.edits == 0 + 1 + 1 + 4
    assert e.symbol_error_rate == pytest.approx(6 / 7)


def test_forced_figures_are_those_of_each_pair_alone():
    network = NumpyNetwork(CONFIG, random_weights(CONFIG))
    sources, targets = [[1, 2, 3], [4], [5, 6, 7]], [[1], [2, 2], []]
    pairs = RaggedPairs(Ragged.of_rows(sources), Ragged.of_rows(targets))
    found = measure_ragged(network, pairs, lambda _: 5)
    loss = 0.0
    for source, target in zip(sources, targets, strict=True):
        wanted = [*target, CONFIG.go]
        logits = network.decode(np.array([source]), len(wanted), np.array([[CONFIG.go, *target]])).logits[0]
        loss -= sum(logits[t, w] - np.log(np.exp(logits[t]).sum()) for t, w in enumerate(wanted))
    assert found.loss_sum == pytest.approx(loss, rel=1e-5)
    assert found == total([measure_ragged(network, pairs[np.array([row])], lambda _: 5) for row in range(3)])


def test_all_of_few_sources_and_fresh_ones_of_many():
    every, fresh = _random_sources(2, 81, 0, 8, None)
    assert (len({*map(tuple, every.tolist())}), fresh) == (81, False)
    seen = Ragged.of_rows([[a, b, c] for a in range(9) for b in range(9) for c in range(4)])
    sources, fresh = _random_sources(3, 200, 0, 8, seen)
    assert (len(sources), fresh, sources[:, 2].min()) == (200, True, 4)
    seen = Ragged.of_rows([[a, b, c] for a in range(9) for b in range(9) for c in range(9)])
    sources, fresh = _random_sources(3, 200, 0, 8, seen)
    assert (len(sources), fresh) == (200, False)


def test_lengths_that_a_pattern_does_not_take_are_left_out():
    config = ModelConfig(cell_size=3, embedding_size=2)
    network = NumpyNetwork(config, random_weights(config))
    rows = list(measure_pattern(network, find_pattern("added"), range(1, 7), 10, 0, lambda S: S))
    assert [row.in_len for row in rows if row.kind == RANDOM] == [2, 4, 6]
    assert {row.kind for row in rows} == {RANDOM, "all equal", "two symbols", "ascending", "descending"}
