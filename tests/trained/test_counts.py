"""Counts of answers, of networks that end their answers and of those that do not."""

import math
from collections import Counter

import numpy as np
import pytest
from helpers import ENDING, FIXED, pairs_of, pairs_of_arrays, random_weights

from seq2seq_demo.config import Beam
from seq2seq_demo.data.sequences import Pairs, Sequences
from seq2seq_demo.network.decoding import MAX_ROWS_AT_ONCE, DecodingOptions, answer
from seq2seq_demo.network.numpy_network import Answers, NumpyNetwork, cross_entropy
from seq2seq_demo.trained.counts import WRONG_EXAMPLES, count_answers
from seq2seq_demo.trained.metrics import Calibration, Metrics
from seq2seq_demo.trained.saved_network import SavedNetwork

BOTH = pytest.mark.parametrize("config", [FIXED, ENDING], ids=["fixed", "ending"])
T, END = 5, FIXED.go  # answers have at most T symbols


def network_of(config, seed=5):
    return NumpyNetwork(config, random_weights(config, seed))


def measured(pairs, config=ENDING, network=None, **options):
    network = network or network_of(config)
    return count_answers(network, SavedNetwork(network.model_config, {}), pairs, out_len=T, **options)


# ---- Counts, compared with a loop over single sequences ----


def test_cross_entropy():
    logits = np.log(np.array([[[1, 2, 5], [8, 1, 1]], [[1, 1, 2], [3, 3, 4]]], np.float32)) + 700
    losses = cross_entropy(logits, np.array([[2, 1], [0, 2]], np.uint8)).ravel()
    assert losses.tolist() == pytest.approx([math.log(x) for x in (8 / 5, 10, 4, 10 / 4)], rel=1e-3)


def half_right(network, n, in_lens):
    """Pairs of random sources; about half the targets are the network's answers, the others are similar."""
    rng, ends = np.random.default_rng(1), network.model_config.ends
    sources = [rng.integers(0, 9, in_lens[row % len(in_lens)]).tolist() for row in range(n)]
    targets = []
    for row, source in enumerate(sources):
        answers = answer(network, np.array([source]), T)
        target = np.minimum(answers.symbols[0, 0, : answers.lengths[0, 0]], network.model_config.out_max_int).tolist()
        if row % 2:
            target = [*target[:2], (row + 1) % 9, *target[3 : 3 + row % 5 if ends else T]]
        targets.append(target)
    return sources, targets


@pytest.mark.parametrize(("config", "in_lens"), [(FIXED, [6]), (ENDING, [3, 6, 2])], ids=["fixed", "ending"])
def test_counts_equal_those_of_a_loop_over_single_sequences(monkeypatch, config, in_lens):
    monkeypatch.setattr("seq2seq_demo.network.decoding.MAX_ROWS_AT_ONCE", 40)
    network = network_of(config, seed=6)
    sources, targets = half_right(network, 80, in_lens)
    loss, forced_exact, exact = 0.0, 0, 0
    expected, forced_correct, correct = Counter(), Counter(), Counter()  # by position
    symbols, right_symbols = Counter(), Counter()
    for source, target in zip(sources, targets, strict=True):
        with_end = [*target, *[END] * config.ends]
        forced, logits, _ = network.decode(np.array([source]), len(with_end), np.array([[END, *with_end[:-1]]]))
        loss -= sum(logits[0, t, w] - np.log(np.exp(logits[0, t]).sum()) for t, w in enumerate(with_end))
        forced_exact += forced[0].tolist() == with_end
        free = network.decode(np.array([source]), T + config.ends).symbols[0].tolist()
        free = free[: free.index(END) + 1] if config.ends and END in free else free
        exact += free == with_end
        for t, symbol in enumerate(with_end):
            expected[t] += 1
            forced_correct[t] += forced[0, t] == symbol
            is_right = t < len(free) and free[t] == symbol
            correct[t] += is_right
            symbols[symbol] += 1
            right_symbols[symbol] += is_right
    e = measured(Pairs(*map(Sequences.of_rows, (sources, targets))), network=network)
    n, n_symbols, width = len(sources), expected.total(), max(expected) + 1
    assert (e.n, e.n_pairs, e.n_target) == (n, n, n_symbols - n * config.ends)
    by_position = (e.forced, expected, forced_correct), (e.by_position, expected, correct)
    for tally, all_expected, right in (*by_position, (e.by_symbol, symbols, right_symbols)):
        assert tally.expected.tolist() == [all_expected[k] for k in range(len(tally.expected))]
        assert tally.correct.tolist() == [right[k] for k in range(len(tally.expected))]
        assert tally.expected.sum() == n_symbols
    assert len(e.forced.expected) == len(e.by_position.expected) == width
    assert e.metrics == Metrics(
        loss=pytest.approx(loss / n_symbols, rel=1e-4),
        forced_token_accuracy=forced_correct.total() / n_symbols,
        forced_exact_match=forced_exact / n,
        token_accuracy=correct.total() / n_symbols,
        exact_match=exact / n,
    )
    assert 0.2 < e.rates["exact_match"] < e.rates["token_accuracy"] < 1
    assert len(set(expected.values())) == (1 if config is FIXED else width)


@BOTH
def test_an_evaluation_with_a_beam_counts_its_best_answers(config):
    network, beam = network_of(config, seed=6), Beam(4, 1, 1.0)
    sources = np.random.default_rng(1).integers(0, 9, (300, 4))
    answers = answer(network, sources, T, DecodingOptions(beam))
    best = Sequences.of_padded(answers.symbols[:, 0], answers.lengths[:, 0])
    kept = ~best.exceed(config.out_max_int)  # an answer of fixed length may contain GO, which no target has
    pairs = Pairs(Sequences.of_array(sources), best)[kept]
    searched, greedy, unpenalised = (measured(pairs, network=network, beam=each) for each in (beam, None, Beam(4)))
    assert searched.exact == (answers.ended.sum() if config.ends else kept.sum()) > 100
    assert 0 < greedy.exact < searched.exact
    assert unpenalised.exact < searched.exact or not config.ends  # without the penalty, other answers are best
    assert searched.loss_sum == greedy.loss_sum  # computed with teacher forcing
    assert searched.forced_exact == greedy.forced_exact


def test_progress_is_reported():
    reported = []
    pairs = pairs_of_arrays(np.ones((MAX_ROWS_AT_ONCE + 5, 3), int), np.ones((MAX_ROWS_AT_ONCE + 5, 2), int))
    measured(pairs, on_progress=reported.append)
    assert reported == [MAX_ROWS_AT_ONCE, 5]


# ---- Alternatives, confusions and wrong answers, for answers from a table ----


@pytest.fixture
def reply(monkeypatch):
    """A function that sets the answer to each source: its symbols, their probability, and whether it ends."""

    def reply(table):
        def answer(network, sources, out_len, options):
            ends, B = network.model_config.ends, len(sources)
            symbols, probabilities = np.full((B, 1, T + 1), 3), np.full((B, 1, T + 1), 0.1)
            lengths, ended = np.zeros((B, 1), int), np.full((B, 1), ends)
            for b, source in enumerate(map(tuple, sources.tolist())):
                content, p, *is_ended = table[source]
                ended[b] = ends and (not is_ended or is_ended[0])
                written = [*content, *[END] * bool(ended[b, 0])]
                lengths[b], symbols[b, 0, : len(written)] = len(content), written
                # The first symbol has probability p, the later ones 1. Symbols after the answer do not count.
                probabilities[b, 0, : len(written)] = [p, *[1] * (len(written) - 1)]
            return Answers(symbols, lengths, ended, probabilities if options.probabilities else None, None)

        monkeypatch.setattr("seq2seq_demo.trained.counts.answer", answer)

    return reply


def evaluate(*rows, config=ENDING, alternatives=True):
    return measured(pairs_of(*rows), config, alternatives=alternatives, detailed=True)


def test_counts_by_hand_for_a_network_that_does_not_end_its_answers(reply):
    reply({(1,): ([1, 2, 3], 0.5), (2,): ([4, 4, 4], 0.5), (3,): ([1, 2, 3], 0.25)})
    e = evaluate(([1], [1, 2, 3]), ([2], [4, 5, 6]), ([3], [2, 3, 1]), config=FIXED)
    assert (e.n, e.n_target, e.exact, e.wrong_symbols) == (3, 9, 1, 2)
    assert (e.too_short, e.too_long, e.unended) == (0, 0, 0)
    assert e.edits == 2 + 2  # the third answer has an extra 1 first and misses 1 at the end
    assert (e.by_position.expected.tolist(), e.by_position.correct.tolist()) == ([3, 3, 3], [2, 1, 1])
    # Without END, symbols are compared at the same position.
    assert e.confusions == {(5, 4): 1, (6, 4): 1, (2, 1): 1, (3, 2): 1, (1, 3): 1}
    worst = e.wrong[0]
    assert (worst.edits, worst.source, worst.prediction, worst.expected) == (2, [2], [4, 4, 4], [4, 5, 6])
    assert (worst.ended, worst.probability) == (None, pytest.approx(0.5))


@BOTH
def test_any_alternative_is_right(reply, config):
    reply({(1, 2): ([4, 5], 0.9), (2, 1): ([4, 4], 0.9), (3, 3): ([0, 1], 0.9)})
    rows = [([1, 2], [7, 7]), ([2, 1], [4, 4]), ([1, 2], [4, 5]), ([1, 2], [4, 6]), ([3, 3], [6, 6]), ([3, 3], [0, 1])]
    e = evaluate(*rows, config=config)
    assert (e.n, e.n_pairs, e.exact, e.edits, e.n_target) == (3, 6, 3, 0, 6)
    right = evaluate(rows[2], rows[1], rows[5], config=config)  # the targets that teacher forcing feeds
    assert (e.forced.expected.tolist(), e.forced_exact) == (right.forced.expected.tolist(), right.forced_exact)
    assert (e.loss_sum, e.forced.correct.tolist()) == (pytest.approx(right.loss_sum), right.forced.correct.tolist())
    assert (e.rates["exact_match"], e.rates["token_accuracy"], e.rates["symbol_error_rate"]) == (1, 1, 0)
    assert (e.confusions, e.wrong) == (Counter(), ())
    alone = evaluate(*rows, config=config, alternatives=False)
    assert (alone.n, alone.n_pairs, alone.exact) == (6, 6, 3)


def test_a_wrong_answer_is_compared_with_the_nearest_alternative(reply):
    reply({(1, 2): ([4, 5, 6], 0.9), (2, 1): ([1, 1], 0.9)})
    # Edit distances: 5, 1, 1 and 3 to the targets of [1, 2]; 2 and 2 to the targets of [2, 1]. The first one counts.
    rows = [([1, 2], [7] * 5), ([1, 2], [4, 5]), ([1, 2], [4, 8, 6]), ([1, 2], [])]
    rows += [([2, 1], [2, 2, 1, 1]), ([2, 1], [8, 8])]
    e = evaluate(*rows)
    assert (e.n, e.exact, e.edits, e.n_target) == (2, 0, 1 + 2, 2 + 4)
    assert (e.too_long, e.too_short, e.wrong_symbols, e.unended) == (1, 1, 0, 0)
    assert e.by_position.correct.sum() == 2 + 0  # 4 and 5 of the first answer, no symbol of the second
    assert e.confusions == {(None, 6): 1, (2, None): 2}
    assert [(p.expected, p.edits) for p in e.wrong] == [([2, 2, 1, 1], 2), ([4, 5], 1)]
    e = evaluate(*rows[2::-1], *rows[3:])  # the first of equally near alternatives counts
    assert e.confusions == {(8, 5): 1, (2, None): 2}


def test_an_answer_without_an_end_is_wrong_even_if_it_is_an_alternative(reply):
    reply({(1, 2): ([4, 5, 6, 7, 7], 0.5, False), (3, 4): ([5] * 5, 0.75, True)})
    e = evaluate(([1, 2], [4, 5, 6, 7, 7]), ([1, 2], [4]), ([3, 4], [5] * 5))
    assert (e.n, e.exact, e.unended, e.edits, e.wrong_symbols) == (2, 1, 1, 0, 0)
    assert e.confusions == Counter()
    (worst,) = e.wrong
    assert (worst.edits, worst.source, worst.prediction, worst.expected) == (1, [1, 2], *[[4, 5, 6, 7, 7]] * 2)
    assert (worst.ended, worst.exact) == (False, False)
    # An answer without END is no answer.
    assert e.answers.confidences(Calibration(1.0)).tolist() == [0, pytest.approx(0.75)]
    for target, edits in ([4], {(None, 5): 1, (None, 6): 1, (None, 7): 2}), ([4, 5, 6, 7, 7, 8], {(8, None): 1}):
        e = evaluate(([1, 2], target))
        assert (e.unended, e.too_long, e.too_short, e.confusions) == (1, 0, 0, edits)


def test_pairs_with_unseen_symbols_are_wrong_in_every_figure_but_the_loss(reply):
    """The network reads 0 to 8 and writes 0 to 8; END is 9."""
    reply({(1, 2): ([4, 5], 0.5), (3, 4): ([5, 6], 0.75), (8, 8): ([7], 0.9), (5,): ([7], 0.8), (8,): ([7], 0.7)})
    seen = evaluate(([3, 4], [5, 6]))
    for unseen in ([4, 9], [4, 300]):  # 9 is not END, and 300 does not fit into the type of the other symbols
        e = evaluate(([3, 4], [5, 6]), ([1, 2], unseen), ([8, 9], [7]), ([8, 10], [7]), ([5], unseen), ([5], [7]))
        assert (e.n, e.n_pairs, e.unseen) == (5, 6, 4)  # an answer may equal another target of its source
        assert (e.exact, e.edits, e.unended, e.wrong_symbols) == (2, 1 + 1 + 1, 2, 1)
        assert (e.n_target, e.by_position.expected.tolist()) == (2 + 2 + 1 + 1 + 1, [5, 5, 2])
        assert e.by_position.correct.tolist() == [3, 2, 2]
        assert e.by_symbol.expected.tolist() == [0, 0, 0, 0, 1, 1, 1, 3, 0, 5, 1]
        assert e.by_symbol.correct.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 0, 3, 0]
        assert e.confusions == Counter({(unseen[1], 5): 1, (7, None): 2})
        assert e.forced.expected.sum() == 3 + 3 + 2 + 2 + 2
        assert e.n_loss == 3 + 2 + 2
        assert sorted(p.source for p in e.wrong) == [[1, 2], [8, 9], [8, 10]]
        # A source that cannot be read has no confidence; the three others are answered.
        assert e.answers.confidences(Calibration(1.0)) == pytest.approx([0.8, 0.75, 0.5])
        assert sorted(p.probability for p in e.wrong if p.probability is not None) == [pytest.approx(0.5)]
    assert math.isnan(evaluate(([9], [1])).metrics.loss)
    assert evaluate(([3, 4], [5, 6]), ([9], [1])).metrics.loss == seen.metrics.loss


def test_the_worst_answers(reply):
    """The first of eight answers is right. Edits increase from one wrong answer to the next."""
    reply({(n, 8): ([n % 2] * (n // 2), 0.1 + 0.1 * n) for n in range(1, 9)})
    rows = [([1, 8], []), *(([n, 8], [7] * (5 * n // 8)) for n in range(2, 9))]
    e = evaluate(*rows)
    assert (e.n, e.exact, WRONG_EXAMPLES) == (8, 1, 5)
    assert [p.edits for p in e.wrong] == [5, 4, 3, 3, 2]
    worst = e.wrong[0]
    assert (worst.source, worst.prediction, worst.expected) == ([8, 8], [0] * 4, [7] * 5)
    assert (worst.ended, len(worst.probabilities)) == (True, 5)


def test_alternatives_stay_together_in_small_batches(reply, monkeypatch):
    monkeypatch.setattr("seq2seq_demo.network.decoding.MAX_ROWS_AT_ONCE", 2)
    reply({(n, n): ([n] * 2, 0.9) for n in range(7)})
    rows = [([n, n], [(n + k) % 9] * (2 + k)) for k in (1, 0, 2) for n in range(7)]  # the answer is right for k = 0
    e = evaluate(*[rows[k] for k in np.random.default_rng(0).permutation(len(rows))])
    assert (e.n, e.n_pairs, e.exact) == (7, 21, 7)
