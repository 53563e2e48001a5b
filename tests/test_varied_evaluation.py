from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from helpers import random_weights

from seq2seq_demo.config import Beam, ModelConfig
from seq2seq_demo.data.ragged import Ragged, RaggedPairs
from seq2seq_demo.data.sequence_pattern import find_pattern
from seq2seq_demo.network.beam import beam_search
from seq2seq_demo.network.ending import Answers, decode_to_end
from seq2seq_demo.network.numpy_network import Decoded, NumpyNetwork
from seq2seq_demo.varied_evaluation import (
    EXAMPLES,
    GIVEN,
    RANDOM,
    RaggedEvaluation,
    Way,
    WrongAnswer,
    WrongAnswers,
    _random_sources,
    measure_given,
    measure_pattern,
    measure_ragged,
    total,
)

CONFIG = ModelConfig("embedding_attention", "GRUCell", cell_size=7, embedding_size=5, in_max_int=8, out_max_int=8)


def test_figures_by_hand(monkeypatch):
    """Four answers: right, one symbol wrong, too short, and without an end."""
    END = CONFIG.go
    targets = Ragged.of_rows([[1, 2], [3, 4], [5, 6, 7], []])
    symbols = np.array([[1, 2, END, 0], [3, 8, END, 0], [5, 6, END, 0], [1, 1, 1, 1]])
    answers = Answers(Decoded(symbols, np.zeros(0), None), np.array([2, 2, 2, 4]), np.array([True, True, True, False]))
    monkeypatch.setattr("seq2seq_demo.varied_evaluation.decode_to_end", lambda *_: answers)
    pairs = RaggedPairs(Ragged.of_rows([[1, 2]] * 4), targets)
    e = measure_ragged(NumpyNetwork(CONFIG, random_weights(CONFIG)), pairs, Way(lambda _: 4))
    assert (e.n, e.n_symbols, e.n_target) == (4, 11, 7)
    assert (e.exact, e.wrong_symbols, e.too_short, e.too_long, e.unended) == (1, 1, 1, 0, 1)
    assert e.correct == 3 + 2 + 2 + 0
    assert e.edits == 0 + 1 + 1 + 4
    assert e.symbol_error_rate == pytest.approx(6 / 7)


def test_forced_figures_are_those_of_each_pair_alone():
    network = NumpyNetwork(CONFIG, random_weights(CONFIG))
    sources, targets = [[1, 2, 3], [4], [5, 6, 7]], [[1], [2, 2], []]
    pairs = RaggedPairs(Ragged.of_rows(sources), Ragged.of_rows(targets))
    found = measure_ragged(network, pairs, Way(lambda _: 5))
    loss = 0.0
    for source, target in zip(sources, targets, strict=True):
        wanted = [*target, CONFIG.go]
        logits = network.decode(np.array([source]), len(wanted), np.array([[CONFIG.go, *target]])).logits[0]
        loss -= sum(logits[t, w] - np.log(np.exp(logits[t]).sum()) for t, w in enumerate(wanted))
    assert found.loss_sum == pytest.approx(loss, rel=1e-5)
    alone = total([measure_ragged(network, pairs[np.array([row])], Way(lambda _: 5)) for row in range(3)])
    assert replace(found, loss_sum=0.0) == replace(alone, loss_sum=0.0)
    assert found.loss_sum == pytest.approx(alone.loss_sum, rel=1e-6)  # a batch is rounded otherwise than a row


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
    rows = list(measure_pattern(network, find_pattern("added"), range(1, 7), 10, 0, Way(lambda S: S)))
    assert [row.in_len for row in rows if row.kind == RANDOM] == [2, 4, 6]
    assert {row.kind for row in rows} == {RANDOM, "all equal", "two symbols", "ascending", "descending"}


# ---- Alternatives, what is confused, and wrong answers, of a network that says what a table has ----

T = 5  # symbols that an answer may have


@pytest.fixture
def says(monkeypatch):
    """A function that sets what the network says to each source: symbols, probability, and whether it ends."""
    END, V = CONFIG.go, CONFIG.n_output_symbols

    def says(table):
        def decode(network, sources, max_out_len):
            symbols, logits = np.full((len(sources), T + 1), 3), np.zeros((len(sources), T + 1, V))
            lengths, ended = np.zeros(len(sources), int), np.ones(len(sources), bool)
            for b, source in enumerate(map(tuple, sources.tolist())):
                answer, p, ended[b] = (*table[source], True)[:3]
                written = [*answer, *[END] * bool(ended[b])]
                lengths[b], symbols[b, : len(written)] = len(answer), written
                # The first symbol has the probability p, the others of the answer (nearly) 1, and those after it 1/V.
                logits[b, np.arange(len(written)), written] = 50
                logits[b, 0, written[0]] = np.log(p / (1 - p) * (V - 1))
            return Answers(Decoded(symbols, logits, None), lengths, ended)

        monkeypatch.setattr("seq2seq_demo.varied_evaluation.decode_to_end", decode)

    return says


def pairs_of(*rows):
    return RaggedPairs(*(Ragged.of_rows(column) for column in zip(*rows, strict=True)))


def measured(*rows, alternatives=True, detailed=True):
    network = NumpyNetwork(CONFIG, random_weights(CONFIG))
    way = Way(lambda _: T, None, detailed, alternatives)
    return measure_ragged(network, pairs_of(*rows), way)


def test_any_of_the_alternatives_is_right(says):
    says({(1, 2): ([4, 5], 0.9), (2, 1): ([4, 4], 0.9), (3, 3): ([], 0.9)})
    rows = [([1, 2], [7]), ([2, 1], [4, 4]), ([1, 2], [4, 5]), ([1, 2], [4]), ([3, 3], [6, 6]), ([3, 3], [])]
    e = measured(*rows)
    assert (e.n, e.n_pairs, e.exact, e.edits, e.n_target) == (3, 6, 3, 0, 4)
    assert e.n_symbols == 1 + 2 + 2 + 1 + 2 + 0 + 6  # with teacher forcing, each counts
    assert (e.exact_match, e.token_accuracy, e.symbol_error_rate) == (1, 1, 0)
    assert (e.confusions, e.wrong) == (Counter(), WrongAnswers())
    alone = measured(*rows, alternatives=False)
    assert (alone.n, alone.n_pairs, alone.exact) == (6, 6, 3)
    assert (alone.loss_sum, alone.forced_correct) == (pytest.approx(e.loss_sum), e.forced_correct)


def test_a_wrong_answer_is_compared_with_the_nearest_alternative(says):
    says({(1, 2): ([4, 5, 6], 0.9), (2, 1): ([1, 1], 0.9)})
    #        5 edits           1: nearest       1, but later    3             2 and 2: the first
    rows = [([1, 2], [7] * 5), ([1, 2], [4, 5]), ([1, 2], [4, 8, 6]), ([1, 2], [])]
    rows += [([2, 1], [2, 2, 1, 1]), ([2, 1], [8, 8])]
    e = measured(*rows)
    assert (e.n, e.exact, e.edits, e.n_target) == (2, 0, 1 + 2, 2 + 4)
    assert (e.too_long, e.too_short, e.wrong_symbols, e.unended) == (1, 1, 0, 0)
    assert e.correct == 2 + 0  # 4 and 5 of the first; of the second, neither symbol nor END
    assert e.confusions == {(None, 6): 1, (2, None): 2}
    assert [(answer.expected, answer.edits) for answer in e.wrong.worst] == [([2, 2, 1, 1], 2), ([4, 5], 1)]
    e = measured(*rows[2::-1], *rows[3:])  # of two that are as near, the first of the file
    assert e.confusions == {(8, 5): 1, (2, None): 2}


def test_an_answer_without_an_end_is_wrong_even_if_it_is_an_alternative(says):
    says({(1, 2): ([4, 5, 6, 7, 7], 0.5, False), (3, 4): ([5] * 5, 0.75, True)})
    e = measured(([1, 2], [4, 5, 6, 7, 7]), ([1, 2], [4]), ([3, 4], [5] * 5))
    assert (e.n, e.exact, e.unended, e.edits, e.too_long) == (2, 1, 1, 0, 0)
    assert e.confusions == Counter()
    (answer,) = e.wrong.worst
    assert answer[:5] == ([1, 2], [4, 5, 6, 7, 7], [4, 5, 6, 7, 7], False, 1)
    assert answer.probability == pytest.approx(0.5)


def test_the_worst_and_the_surest_wrong_answers(says):
    """Eight sources: the first is right, and of the others each has fewer edits, and is less sure, than the next."""
    table = {(n, 8): ([n % 2] * (n // 2), 0.1 + 0.1 * n) for n in range(1, 9)}
    says(table)
    e = measured(([1, 8], []), *(([n, 8], [7] * (5 * n // 8)) for n in range(2, 9)))
    assert (e.n, e.exact) == (8, 1)
    assert EXAMPLES == 5
    assert [answer.source[0] for answer in e.wrong.surest] == [8, 7, 6, 5, 4]
    assert [answer.probability for answer in e.wrong.surest] == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5], rel=1e-4)
    worst = e.wrong.worst
    assert [answer.edits for answer in worst] == [5, 4, 3, 3, 2]
    assert worst[0][:5] == ([8, 8], [7] * 5, [0] * 4, True, 5)
    assert measured(([1, 8], []), ([2, 8], [7]), detailed=False).wrong == WrongAnswers()
    assert measured(([1, 8], []), ([2, 8], [7]), detailed=False).confusions == Counter()


def test_wrong_answers_of_two_parts_are_the_first_few_of_both():
    def answers(*facts):
        return tuple(WrongAnswer([n], [1], [2], True, edits, p) for n, edits, p in facts)

    first = WrongAnswers(answers((1, 9, 0.1), (2, 5, 0.1), (3, 3, 0.1)), answers((4, 1, 0.9), (5, 1, 0.5)))
    second = WrongAnswers(answers((6, 7, 0.1), (7, 5, 0.1), (8, 4, 0.1)), answers((9, 1, 0.7)))
    both = first + second
    assert [answer.source[0] for answer in both.worst] == [1, 6, 2, 7, 8]
    assert [answer.source[0] for answer in both.surest] == [4, 9, 5]
    assert second + first == both
    assert first + WrongAnswers() == first


def test_evaluations_of_two_parts_add_up(says):
    says({(n, 8): ([n, n, 3], 0.1 + 0.1 * n) for n in range(1, 8)})
    rows = [([n, 8], [n, 4, n][: n % 3 + 1]) for n in range(1, 8)]
    whole, parts = measured(*rows), (measured(*rows[:3]), measured(*rows[3:]))
    assert whole.confusions.total() == whole.edits > 0
    loss = sum(part.loss_sum for part in parts)
    assert whole.loss_sum == pytest.approx(loss)
    for name in ("n", "n_pairs", "exact", "edits", "correct", "confusions", "n_target", "too_long", "forced_correct"):
        assert getattr(parts[0] + parts[1], name) == getattr(whole, name), name
    assert {a.source[0] for a in (parts[0] + parts[1]).wrong.surest} == {a.source[0] for a in whole.wrong.surest}
    assert "of 7 sequences" in repr(whole)
    assert total([]) == RaggedEvaluation()


def test_given_pairs_are_measured_by_the_length_of_their_sources(says):
    says({(1, 2): ([4], 0.9), (3,): ([5], 0.9), (6,): ([6], 0.9)})
    pairs = pairs_of(([1, 2], [4]), ([3], [6]), ([1, 2], [8]), ([3], [5]), ([6], [7]))
    rows = list(measure_given(NumpyNetwork(CONFIG, random_weights(CONFIG)), pairs, Way(lambda _: T)))
    assert [(row.kind, row.in_len, row.fresh) for row in rows] == [(GIVEN, 1, None), (GIVEN, 2, None)]
    assert [(row.evaluation.n, row.evaluation.n_pairs, row.evaluation.exact) for row in rows] == [(2, 3, 1), (1, 2, 1)]


def test_alternatives_stay_together_where_few_sources_are_answered_at_once(says, monkeypatch):
    monkeypatch.setattr("seq2seq_demo.varied_evaluation.rows_at_once", lambda *_: 2)
    says({(n, n): ([n] * 2, 0.9) for n in range(7)})
    rows = [([n, n], [(n + k) % 9] * (2 + k)) for k in (1, 0, 2) for n in range(7)]  # each second one is right
    e = measured(*[rows[k] for k in np.random.default_rng(0).permutation(len(rows))])
    assert (e.n, e.n_pairs, e.exact) == (7, 21, 7)


# ---- With a beam ----


def test_a_beam_of_one_is_greedy_and_a_larger_one_is_what_the_search_finds():
    network = NumpyNetwork(CONFIG, random_weights(CONFIG, seed=6))
    sources = [[a, b, c] for a in range(9) for b in range(5) for c in range(2)]
    greedy = decode_to_end(network, np.array(sources), T)
    found = beam_search(network, np.array(sources), T, 4, 1.0, n_best=1)
    best = [row[:n].tolist() for row, n in zip(found.symbols[:, 0], found.lengths[:, 0], strict=True)]
    said = [row[:n].tolist() for row, n in zip(greedy.decoded.symbols, greedy.lengths, strict=True)]
    assert said != best
    pairs = pairs_of(*zip(sources, best, strict=True))

    def measure(beam):
        return measure_ragged(network, pairs, Way(lambda _: T, beam, detailed=True))

    assert measure(Beam(4, 1, 1.0)).exact == found.ended[:, 0].sum() > 0
    assert measure(Beam(4)).exact < measure(Beam(4, 1, 1.0)).exact  # without the penalty, others are the best
    of_one, without = measure(Beam(1)), measure(None)
    for name in ("exact", "edits", "correct", "confusions", "too_short", "too_long", "unended", "loss_sum"):
        assert getattr(of_one, name) == getattr(without, name), name
    for a, b in zip(of_one.wrong.surest, without.wrong.surest, strict=True):
        assert a[:5] == b[:5]
        assert a.probability == pytest.approx(b.probability, rel=1e-5)
    right = (np.array([a == b for a, b in zip(said, best, strict=True)]) & greedy.ended).sum()
    assert without.exact == right < measure(Beam(4, 1, 1.0)).exact
