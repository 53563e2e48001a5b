import math

import numpy as np
import pytest
from helpers import random_weights

from seq2seq_demo.config import Beam, ModelConfig
from seq2seq_demo.network.beam import beam_search
from seq2seq_demo.network.decoding import DecodingOptions, answer
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.network.parameters import weight_shapes
from seq2seq_demo.trained.trained_network import make_numpy_network

MODELS = {"embedding_rnn": 7, "embedding_attention": 6}  # seeds of networks that give answers of many lengths
END = 4  # the END of networks from `small`


def small(model="embedding_attention", cell_type="GRUCell", out_max_int=END - 1, seed=None, ends=True, **changes):
    """A network of random weights."""
    config = ModelConfig(model, cell_type, 2, 7, 5, in_max_int=8, out_max_int=out_max_int, ends=ends, **changes)
    return make_numpy_network(config, random_weights(config, MODELS[model] if seed is None else seed))


def random_sources(n, length):
    return np.random.default_rng(1).integers(0, 9, (n, length))


def constant_network(log_p, ends=True):
    """A network with the same log p at every step, regardless of its input."""
    config = ModelConfig(cell_size=2, embedding_size=2, in_max_int=8, out_max_int=len(log_p) - 2, ends=ends)
    weights = {name: np.zeros(shape, np.float32) for name, shape in weight_shapes(config).items()}
    weights["decoder/projection/bias"][:] = log_p
    return NumpyNetwork(config, weights)


def search(network, sources, max_out_len, beam_size, penalty=0, n_best=None, with_attention=False):
    """Return the `n_best` answers of a beam search, or all answers if it is None."""
    beam = Beam(beam_size, beam_size if n_best is None else n_best, penalty)
    return beam_search(network, sources, max_out_len, beam, with_attention)


def forced(network, source, written):
    """For one source, the log p of each symbol in `written` and the attention, with teacher forcing."""
    decoder_input = np.array([[network.model_config.go, *written[:-1]]])
    decoded = network.decode(source[None], len(written), decoder_input)
    logits = decoded.logits[0].astype(float)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return log_p[np.arange(len(written)), written], decoded.attention


def reference_search(network, source, beam_size, penalty, n_steps):
    """A reference beam search for one source: hypotheses (score, ended, written), best first."""
    beam = [(0.0, False, ())]
    for _ in range(n_steps):
        candidates = []
        for score, ended, written in beam:
            longer = [] if ended else [(*written, symbol) for symbol in range(network.model_config.n_output_symbols)]
            candidates += [(score, ended, written)] if ended else []
            for new in longer:
                new_score = forced(network, source, new)[0].sum() / len(new) ** penalty
                candidates.append((new_score, network.model_config.ends and new[-1] == END, new))
        candidates = sorted(candidates, key=lambda candidate: -candidate[0])
        beam = candidates[:beam_size]
    if network.model_config.ends:  # an answer may have an ended and an unended hypothesis: prefer the ended one
        answers = {written[: n_steps - 1]: (*rest, written) for *rest, written in reversed(candidates)}
        answers |= {written[: n_steps - 1]: (score, ended, written) for score, ended, written in beam if ended}
        beam = sorted(answers.values(), key=lambda candidate: -candidate[0])
    return sorted(beam, key=lambda hypothesis: not hypothesis[1])


def hypotheses(found, row=0):
    """The hypotheses of one source as (score, ended, written)."""
    symbols = (tuple(row[:n].tolist()) for row, n in zip(found.symbols[row], found.n_written[row], strict=True))
    every = zip(found.scores[row].tolist(), found.ended[row].tolist(), symbols, strict=True)
    return [hypothesis for hypothesis in every if hypothesis[0] > -np.inf]


def assert_same(found, expected, max_out_len):
    """Compare lists of hypotheses; an unended answer is the first `max_out_len` symbols of its hypothesis."""
    assert [score for score, _, _ in found] == pytest.approx([score for score, _, _ in expected], abs=1e-5)
    answers = [(ended, written if ended else written[:max_out_len]) for _, ended, written in expected]
    assert [hypothesis[1:] for hypothesis in found] == answers


@pytest.mark.parametrize(("model", "penalty", "ends"), [("embedding_rnn", 0, True), ("embedding_attention", 1, False)])
def test_a_beam_of_1_is_greedy_decoding(model, penalty, ends):
    network, sources = small(model, ends=ends), random_sources(50, 6)
    greedy = answer(network, sources, 8, DecodingOptions(attention=True, probabilities=True))
    found = search(network, sources, 8, 1, penalty, with_attention=True)
    assert (greedy.symbols == END).any()  # an ordinary symbol, if the network does not end
    assert greedy.ended.any() == ends
    assert len(set(greedy.lengths.ravel().tolist())) > 1 or not ends
    assert found.symbols.shape == greedy.symbols.shape
    is_written = greedy.is_written
    assert (found.ended == greedy.ended).all()
    assert (found.symbols == greedy.symbols)[is_written].all()
    assert found.probabilities[is_written] == pytest.approx(greedy.probabilities[is_written], abs=1e-6)
    if network.model_config.has_attention:
        assert (found.attention == greedy.attention)[is_written].all()
    else:
        assert found.attention is greedy.attention is None


@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize(("beam_size", "penalty"), [(2, 0), (3, 0.6), (6, 0.6)])
def test_beam_search_equals_the_reference(beam_size, penalty, ends):
    """One network is bidirectional, so that its memory is wider than its cells."""
    network, sources = small(seed=beam_size, ends=ends, bidirectional=beam_size == 3), random_sources(2, 3)
    found = search(network, sources, 4, beam_size, penalty)
    for row, source in enumerate(sources):
        expected = reference_search(network, source, beam_size, penalty, 4 + ends)
        assert_same(hypotheses(found, row), expected, 4)


@pytest.mark.parametrize("model", MODELS)
def test_scores_probabilities_and_attention_equal_those_of_teacher_forcing(model):
    network, sources = small(model, "LSTMCell"), random_sources(30, 6)
    found = search(network, sources, 7, 4, 0.8, with_attention=True)
    assert found.ended.any()
    for row, k in np.ndindex(30, 4):
        n = found.n_written[row, k]
        log_p, attention = forced(network, sources[row], found.symbols[row, k, : n if found.ended[row, k] else 8])
        assert found.scores[row, k] == pytest.approx(log_p.sum() / len(log_p) ** 0.8, abs=1e-4)
        assert found.probabilities[row, k, :n] == pytest.approx(np.exp(log_p[:n]), abs=1e-5)
        if attention is not None:
            assert found.attention[row, k, :n] == pytest.approx(attention[0, :n], abs=1e-5)
        if found.ended[row, k]:
            assert (found.symbols[row, k, n:] == END).all()
            assert (found.probabilities[row, k, n:] == 1).all()
            assert attention is None or not found.attention[row, k, n:].any()


def test_ties_go_to_the_first_hypothesis_and_the_lowest_symbol():
    network, third = constant_network([0, 0, 0]), math.log(1 / 3)
    found = hypotheses(search(network, random_sources(1, 3), 2, 4))
    expected = [(third, True, (2,)), (2 * third, True, (0, 2)), (3 * third, False, (0, 0)), (3 * third, False, (0, 1))]
    assert_same(found, expected, 2)
    found = search(constant_network([0, 0, 0], ends=False), random_sources(3, 3), 2, 5)
    assert found.symbols.tolist() == [[[0, 0], [0, 1], [0, 2], [1, 0], [1, 1]]] * 3
    assert search(network, random_sources(3, 3), 2, 1).symbols.tolist() == [[[0, 0, 0]]] * 3


@pytest.mark.parametrize(("penalty", "n_steps"), [(0, {4: 3, 2: 2, 1: 1}), (1, {4: 3, 2: 3, 1: 1})])
def test_a_search_for_fewer_answers_finds_the_best_ones_and_stops_early(penalty, n_steps):
    """The log p of END is −0.095, the log p of 0 and 1 is −3.095. With penalty 1, 0 0 might still score −6.19 / 10."""
    network, sources = constant_network([0, 0, 3]), random_sources(3, 5)
    written = [(2,), (0, 2), (1, 2), (0, 0, 2)]
    for n_best, T in n_steps.items():
        found = search(network, sources, 9, 4, penalty, n_best)
        assert found.symbols.shape == (3, n_best, T)
        assert [answer for _, _, answer in hypotheses(found)] == written[:n_best]
        assert found.scores[0, 0] == pytest.approx(3 - math.log(math.exp(3) + 2))
