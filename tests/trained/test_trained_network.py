"""The methods of a trained network: prediction, evaluation, repr and summary."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from helpers import TRAINED, UNKNOWN, pairs_of_arrays, random_weights, trained_network

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.data.sampling import evaluation_sources
from seq2seq_demo.errors import InputError, UsageError
from seq2seq_demo.network.numpy_network import NumpyNetwork, softmax
from seq2seq_demo.trained.counts import count_answers
from seq2seq_demo.trained.loading import load
from seq2seq_demo.trained.saved_network import TrainingRun
from seq2seq_demo.trained.trained_network import TrainedNetwork, untrained

pytestmark = [
    pytest.mark.filterwarnings("ignore:The network was trained on length"),
    pytest.mark.filterwarnings("ignore:Some sources of length"),
]
CONFIG = TRAINED["model_config"]
ENDING = {"model_config": replace(CONFIG, ends=True), "min_in_len": 2}


# ---- Prediction ----


def decoded(sources, out_len):
    return NumpyNetwork(CONFIG, random_weights(CONFIG)).decode(np.array(sources), out_len)


def test_predict_answers_lists_of_different_lengths_in_order():
    """A source of the trained length gets an answer of the trained length, any other source a whole target."""
    rng = np.random.default_rng(1)
    sources = [rng.integers(0, 11, length).tolist() for length in (3, 11, 1, 3, 11, 5)]
    out_lens = [3, 4, 1, 3, 4, 5]
    expected = [decoded([s], T).symbols[0].tolist() for s, T in zip(sources, out_lens, strict=True)]
    assert trained_network().predict(sources) == expected
    assert trained_network().predict(tuple(map(tuple, sources))) == expected
    longer = [decoded([source], 6).symbols[0].tolist() for source in sources]
    assert trained_network().predict(sources, out_len=6) == longer
    assert trained_network().predict([]) == []


def test_predict_with_details():
    sources = [[3, 1, 2], [10, 0], [4, 5, 6]]
    predictions = trained_network().predict(sources, out_len=5, details=True)
    for source, p in zip(sources, predictions, strict=True):
        expected = decoded([source], 5)
        assert (p.source, p.prediction, p.expected, p.exact) == (source, expected.symbols[0].tolist(), None, None)
        assert p.probabilities == pytest.approx(softmax(expected.logits[0]).max(axis=1).tolist(), abs=1e-6)
        assert p.attention.shape == (5, len(source))
        assert p.attention == pytest.approx(expected.attention[0], abs=1e-6)
    without = ModelConfig(cell_size=7, embedding_size=5)
    (p,) = TrainedNetwork(without, random_weights(without)).predict([[1, 2]], details=True)
    assert (len(p.probabilities), p.attention) == (2, None)


def test_encode_and_decode_are_for_models_in_other_formats():
    network, text = trained_network(), load("g2p")
    assert (network.encode([3, 1, 2]), network.decode(np.array([3, 10, 2]))) == ([3, 1, 2], [3, 10, 2])
    numbers = text.vocabularies.target.to_numbers(["HH", "AY"])
    assert text.decode([*numbers, text.end, 5]) == "HH AY"
    assert text.vocabularies.source.to_symbols(text.encode("hi")) == ["h", "i"]
    with pytest.raises(InputError, match="expected characters seen in training"):
        text.encode("#")


def test_an_invalid_row_or_length_is_named():
    """tests/data/test_tokens.py covers other invalid sources."""
    for row in ("abc", None, {3, 1}, [3, 99], [3, np.float32(1.5)], np.array([[3, 1]]), np.array([], int)):
        message = r"^sources, row 2(, word 1)?: (expected (a list of |an )?integer|the source is empty)"
        with pytest.raises(InputError, match=message):
            trained_network().predict([[1, 2, 3], [4], row, "wrong too"])
    with pytest.raises(UsageError, match=r"pattern 'added', source \[0, 0, 0\]: expected an even length"):
        trained_network(model_config=replace(CONFIG, in_max_int=9), task="added").predict([[1, 2], [1, 2, 3]])
    for out_len in (0, 1.5):
        with pytest.raises(UsageError, match="expected `out_len` to be an integer of at least 1, got "):
            trained_network().predict([[1, 2]], out_len=out_len)


def test_answer_len_depends_on_task_and_training():
    for task, in_len, out_len, requested, expected in [
        ("reversed", 11, 4, None, 4),
        ("reversed", 11, 4, 2, 2),
        ("reversed", 6, 4, None, 6),
        ("added", 6, 4, None, 4),
        ("mine:f", 6, 4, None, 4),
        (None, 6, None, None, 6),
        (None, 6, None, 3, 3),
    ]:
        model_config = replace(CONFIG, in_max_int=9)
        network = trained_network(model_config=model_config, task=task, in_len=out_len and 11, out_len=out_len)
        assert network.answer_len(in_len, out_len=requested) == expected


# ---- Evaluation ----


def test_evaluate_draws_sources_of_the_trained_length():
    network, sources = trained_network(), evaluation_sources(CONFIG, 11, 90, seed=3)
    pairs = pairs_of_arrays(sources, sources[:, :6:-1])
    metrics = asdict(count_answers(network.to_numpy(), network, pairs).metrics)
    for task in ("reversed", find_pattern("reversed"), None):
        e = network.evaluate(task, 90, seed=3)
        assert (e.n, [*e.by_length]) == (90, [11])
        assert {name: getattr(e, name) for name in metrics} == metrics
    assert network.evaluate("reversed", 90, seed=4).loss != e.loss


def test_a_network_that_ends_its_answers_is_evaluated_at_every_trained_length():
    run = TrainingRun(TrainConfig(2000, 3, 3, min_in_len=1), start_step=0)
    network = trained_network(**ENDING | {"in_len": 3, "min_in_len": 1, "run": run})
    e = network.evaluate(n=20)
    assert (e.n, {length: each.n for length, each in e.by_length.items()}) == (51, {1: 11, 2: 20, 3: 20})
    for in_len in (5, (5, 6)):
        by_length = network.evaluate("copy", n=3, in_len=in_len, out_len=7).by_length
        assert [*by_length] == ([5] if in_len == 5 else [5, 6])


def test_out_len_is_the_maximum_if_the_network_ends_its_answers_and_else_their_length():
    ends, fixed = trained_network(**ENDING), trained_network()
    assert [*fixed.evaluate(n=20, in_len=[2, 3], out_len=1).by_length] == [2, 3]
    assert [ends.answer_len(in_len) for in_len in (3, 11, 12, 23)] == [4, 4, 5, 9]
    assert max(len(answer) for answer in ends.predict([[n] for n in range(11)], out_len=2)) == 2


@pytest.mark.parametrize("changes", [{"n": 0}, {"in_len": 0}, {"out_len": 0}, {"in_len": 10**12}, {"seed": -1}])
def test_evaluate_refuses_invalid_numbers(changes):
    with pytest.raises(UsageError, match=r"expected .* (an integer of at least [01]|at most 100000), got "):
        trained_network().evaluate("reversed", **{"n": 20} | changes)


def test_evaluate_on_pairs(monkeypatch):
    monkeypatch.setattr("seq2seq_demo.trained.evaluation.EVALUATION_SIZE", 13)  # not a limit for pairs
    sources = np.unique(np.random.default_rng(1).integers(0, 11, (45, 3)), axis=0)[:40]
    targets = decoded(sources, 2).symbols
    targets[:10, 1] = (targets[:10, 1] + 1) % 13
    rows, pairs = list(zip(sources.tolist(), targets.tolist(), strict=True)), pairs_of_arrays(sources, targets)
    for task in (rows, iter(rows), list(zip(sources, targets, strict=True))):
        evaluation = trained_network().evaluate(task)
        assert (evaluation.n, evaluation.exact_match) == (40, 0.75)
        assert [row["token_accuracy"] for row in evaluation.by_position] == [1, 0.75]
    assert evaluation.loss == count_answers(trained_network().to_numpy(), trained_network(), pairs).metrics.loss
    assert trained_network().evaluate(rows, 10).exact_match == 0


def test_evaluate_needs_a_task_that_fits_unless_the_network_learned_a_pattern():
    for task in ("mine:f", "pairs.jsonl", None):
        message = f"the network was trained on {task!r}: give data to evaluate it on"
        with pytest.raises(UsageError, match=message):
            trained_network(task=task).evaluate()
    assert len(trained_network(**UNKNOWN).evaluate("reversed", 20).by_position) == 10
    with pytest.raises(UsageError, match="expected `in_len` 2, as in the pairs, got 3"):
        trained_network().evaluate([([1, 2], [3])], in_len=3)
    with pytest.raises(UsageError, match="all pairs must have the same length because the network was trained on one"):
        trained_network().evaluate([([1], [2]), ([1], [2, 3])])


# ---- repr, summary and lengths ----


def test_repr():
    text = repr(trained_network(step=5))
    cells = "embedding_attention, 2 x GRUCell of size 7, embedding size 5"
    for part in (cells, "'reversed'", "11 symbols in and 4 out", "0.7500"):
        assert part in text
    assert "untrained" in repr(untrained(ModelConfig(), 0))
    assert repr(trained_network(task="mine\n:f")).count("\n") == text.count("\n") == 1
