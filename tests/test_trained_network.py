import errno
import inspect
import json
import os
import pickle
import random
from dataclasses import replace

import h5py
import numpy as np
import pytest
from helpers import random_weights
from hostile import with_checksum

import seq2seq_demo
from seq2seq_demo.config import EVALUATED, ModelConfig, TrainConfig
from seq2seq_demo.data.batches import Pairs
from seq2seq_demo.data.sequence_pattern import find_pattern
from seq2seq_demo.data.vocabulary import OF_INTEGERS, Vocabularies, Vocabulary
from seq2seq_demo.errors import DemoError, InputError, UsageError, WeightsError
from seq2seq_demo.evaluation import EpochFigures, Figures, measure
from seq2seq_demo.network.numpy_network import NumpyNetwork, softmax
from seq2seq_demo.network.parallel import CHUNK
from seq2seq_demo.network.parameters import weight_shapes
from seq2seq_demo.trained_network import Kept, Lesson, Progress, TrainedNetwork, TrainingRun, load, untrained

CONFIG = ModelConfig("embedding_attention", "GRUCell", 2, 7, 5, in_max_int=10, out_max_int=12)
FIGURES = Figures(
    loss=0.5, forced_token_accuracy=0.9, forced_exact_match=0.875, token_accuracy=0.8125, exact_match=0.75
)
RUN = TrainingRun(TrainConfig(300, 11, 4, learning_rate=0.005, epochs=3, stop_at_exact=0.9), start_step=77)
HISTORY = (EpochFigures(1, 80, 2.5, 0.25, FIGURES), EpochFigures(2, 83, 1.5, 0.5, replace(FIGURES, loss=0.1)))
UNKNOWN = {"moments": {}, "step": 0, "task": None, "in_len": None, "out_len": None, "trained": None, "reached": None}


def network(**changes) -> TrainedNetwork:
    moments = {
        f"{m}/{name}": np.full(shape, 0.5, np.float32) for m in "mv" for name, shape in weight_shapes(CONFIG).items()
    }
    values = {
        "model_config": CONFIG,
        "weights": random_weights(CONFIG),
        "task": "reversed",
        "in_len": 11,
        "out_len": 4,
        "trained": RUN,
        "reached": FIGURES,
        "step": 1234567,
        "moments": moments,
    }
    return TrainedNetwork(**values | changes)


def same(a: TrainedNetwork, b: TrainedNetwork) -> bool:
    arrays = [(x.weights | x.moments) for x in (a, b)]
    rest = [{name: value for name, value in vars(x).items() if name not in ("weights", "moments")} for x in (a, b)]
    return (
        arrays[0].keys() == arrays[1].keys()
        and all((arrays[0][name] == arrays[1][name]).all() for name in arrays[0])
        and rest[0] == rest[1]
    )


# ---- What it says ----


def decoded(sources, out_len):
    return NumpyNetwork(CONFIG, random_weights(CONFIG)).decode(np.array(sources), out_len)


def test_predict_answers_lists_of_different_lengths_in_order():
    """The length of training where the source has that of training, or else that of the pattern's targets."""
    rng = np.random.default_rng(1)
    sources = [rng.integers(0, 11, length).tolist() for length in (3, 11, 1, 3, 11, 5)]
    out_lens = [3, 4, 1, 3, 4, 5]
    expected = [decoded([s], T).symbols[0].tolist() for s, T in zip(sources, out_lens, strict=True)]
    assert network().predict(sources) == expected
    assert network().predict(tuple(map(tuple, sources))) == expected
    assert network().predict(sources, 6) == [decoded([source], 6).symbols[0].tolist() for source in sources]
    assert network().predict([]) == []


def test_predict_answers_many():
    sources = np.random.default_rng(1).integers(0, 11, (2 * CHUNK + 7, 3))
    assert network().predict(sources, 2) == decoded(sources, 2).symbols.tolist()


def test_predict_takes_numpy_arrays_and_integers():
    expected = decoded([[3, 1, 2], [10, 0, 9]], 3).symbols.tolist()
    for kind in (np.uint8, np.int32, np.int64):
        array = np.array([[3, 1, 2], [10, 0, 9]], kind)
        assert network().predict(array) == network().predict(list(array)) == expected
        assert network().predict([list(row) for row in array]) == expected
    answers = network().predict(np.array([[3, 1, 2]], np.uint8))
    assert {type(symbol) for symbol in answers[0]} == {int}


def test_predict_with_details():
    sources = [[3, 1, 2], [10, 0], [4, 5, 6]]
    predictions = network().predict(sources, 5, details=True)
    for source, p in zip(sources, predictions, strict=True):
        expected = decoded([source], 5)
        assert (p.source, p.predicted, p.expected, p.exact) == (source, expected.symbols[0].tolist(), None, None)
        assert p.probabilities == pytest.approx(softmax(expected.logits[0]).max(axis=1).tolist(), abs=1e-6)
        assert p.attention.shape == (5, len(source))
        assert p.attention == pytest.approx(expected.attention[0], abs=1e-6)
    without = ModelConfig(cell_size=7, embedding_size=5)
    (p,) = TrainedNetwork(without, random_weights(without)).predict([[1, 2]], details=True)
    assert (len(p.probabilities), p.attention) == (2, None)


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("abc", 'expected a list of integers, got "abc"'),
        (None, "expected a list of integers, got null"),
        (7, "expected a list of integers, got 7"),
        ({3, 1}, "expected a list of integers, got {1, 3}"),
        ([], "expected some integers, got none"),
        (np.array([], int), "expected some integers, got none"),
        ([3, -1], "expected integers from 0 to 10, got -1"),
        ([3, 99], "expected integers from 0 to 10, got 99"),
        ([3, 1.5], "expected integers from 0 to 10, got 1.5"),
        ([3, 2.0], "expected integers from 0 to 10, got 2.0"),
        ([3, True], "expected integers from 0 to 10, got true"),
        ([3, None], "expected integers from 0 to 10, got null"),
        ([3, "1"], 'expected integers from 0 to 10, got "1"'),
        ([3, [1]], r"expected integers from 0 to 10, got \[1\]"),
        ([3, np.int64(11)], "expected integers from 0 to 10, got 11"),
        ([3, np.float32(1.5)], "expected integers from 0 to 10, got 1.5"),
        (np.array([3, 1.5]), "expected integers from 0 to 10, got 3.0"),
        (np.array([True, False]), "expected integers from 0 to 10, got true"),
        (np.array([[3, 1]]), "expected a list of integers, got a list of lists"),
        ([3, 10**5000], "expected integers from 0 to 10, got "),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)
def test_a_wrong_row_is_named(row, found):
    with pytest.raises(InputError, match=rf"^sources, row 2: {found}"):
        network().predict([[1, 2, 3], [4], row, "wrong too"])


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        ([3, 1, 2], r"sources, row 0: expected a list of integers, got 3; a source alone is written \[\[3, 1, 2\]\]$"),
        (np.array([3, 1, 2]), "sources, row 0: expected a list of integers, got 3"),
        (np.ones((2, 3)), "sources, row 0: expected integers from 0 to 10, got 1.0"),
        (np.zeros((1, 2, 3), int), "sources, row 0: expected a list of integers, got a list of lists"),
        ("abc", 'expected a list of sources, each a list of integers, got "abc"'),
        (None, "expected a list of sources, each a list of integers, got null"),
        (3, "expected a list of sources, each a list of integers, got 3"),
        (np.array(3), r"expected a list of sources, each a list of integers, got array\(3\)"),
        ({"input": [1]}, 'expected a list of sources, each a list of integers, got {"input": '),
    ],
    ids=["flat", "1-d", "floats", "3-d", "text", "none", "integer", "0-d", "dictionary"],
)
def test_what_are_no_rows(sources, found):
    with pytest.raises(InputError, match=f"^{found}"):
        network().predict(sources)


@pytest.mark.parametrize("out_len", [0, -1, 1.5, True, "3"])
def test_a_wrong_out_len(out_len):
    with pytest.raises(UsageError, match="expected out-len to be an integer of at least 1, got "):
        network().predict([[1, 2]], out_len)


def test_a_source_that_the_pattern_does_not_take():
    with pytest.raises(UsageError, match="pattern 'added' does not take sources of 3 symbols"):
        network(model_config=replace(CONFIG, in_max_int=9), task="added").predict([[1, 2], [1, 2, 3]])


def test_a_source_that_is_too_long():
    with pytest.raises(UsageError, match="expected sequences of at most 100000 symbols, got 1000000"):
        network(task=None, in_len=None, out_len=None).predict(np.zeros((1, 1_000_000), np.uint8))


def test_predict_where_the_lengths_are_not_known():
    """As of 2016: the target is as long as the source."""
    of_2016 = network(**UNKNOWN, program="TFLearnSeq2Seq")
    sources = [[3, 1, 2], [4, 5]]
    assert of_2016.predict(sources) == [decoded([source], len(source)).symbols[0].tolist() for source in sources]
    assert [len(answer) for answer in of_2016.predict(sources, 7)] == [7, 7]


@pytest.mark.parametrize(
    ("task", "in_len", "out_len", "asked", "expected"),
    [
        ("reversed", 11, 4, None, 4),
        ("reversed", 11, 4, 2, 2),
        ("reversed", 6, 4, None, 6),
        ("added", 6, 4, None, 4),
        ("mine:f", 6, 4, None, 4),
        ("pairs.jsonl", 11, 4, None, 4),
        (None, 6, None, None, 6),
        (None, 6, None, 3, 3),
    ],
)
def test_target_len(task, in_len, out_len, asked, expected):
    model_config = replace(CONFIG, in_max_int=9)
    known = network(model_config=model_config, task=task, in_len=out_len and 11, out_len=out_len)
    assert known.target_len(in_len, asked=asked) == expected


# ---- How good it is ----


def test_evaluate_is_measure_on_the_held_out_pairs():
    it = network()
    pairs = it.held_out(find_pattern("reversed"), 300, seed=3)
    assert (pairs.sources.shape, pairs.targets.shape) == ((300, 11), (300, 4))
    assert (pairs.targets == pairs.sources[:, :6:-1]).all()
    seen = {tuple(source) for source in it._seen(it.in_len).tolist()}
    assert it._seen(5) is None  # of another length, none was trained on
    assert len(seen) == 300
    assert seen.isdisjoint(map(tuple, pairs.sources.tolist()))
    expected = measure(it.to_numpy(), pairs)
    for task in ("reversed", find_pattern("reversed"), None):
        evaluation = it.evaluate(task, 300, seed=3)
        assert (evaluation.n, evaluation.figures) == (300, expected.figures)
        assert evaluation.correct.tolist() == expected.correct.tolist()
    assert it.evaluate("reversed", 300, seed=4).figures != expected.figures


def test_none_of_the_held_out_sources_was_trained_on():
    run = TrainingRun(TrainConfig(60, in_len=2, out_len=2), start_step=5)
    it = network(trained=run, in_len=2, out_len=2)
    pairs = it.held_out(find_pattern("copy"), 10_000)
    held_out, seen = ({tuple(s) for s in sources.tolist()} for sources in (pairs.sources, it._seen(it.in_len)))
    assert held_out.isdisjoint(seen)
    assert len(held_out | seen) == 11 * 11


def test_evaluate_at_other_lengths():
    assert len(network().evaluate("reversed", 20, in_len=5).correct) == 5
    assert len(network().evaluate("reversed", 20, in_len=5, out_len=2).correct) == 2
    assert len(network().evaluate("reversed", 20, out_len=9).correct) == 9
    with pytest.raises(UsageError, match="can be at most 5, got 6"):
        network().evaluate("reversed", 20, in_len=5, out_len=6)


@pytest.mark.parametrize("changes", [{"n": 0}, {"n": 1.5}, {"in_len": 0}, {"out_len": 0}, {"in_len": -1}, {"seed": -1}])
def test_evaluate_refuses_what_is_no_number(changes):
    with pytest.raises(UsageError, match=r"expected .* an integer of at least [01], got "):
        network().evaluate("reversed", **{"n": 20} | changes)


def test_evaluate_on_pairs():
    sources = np.random.default_rng(1).integers(0, 11, (40, 3))
    targets = decoded(sources, 2).symbols
    targets[:10, 1] = (targets[:10, 1] + 1) % 13
    rows = list(zip(sources.tolist(), targets.tolist(), strict=True))
    for task in (rows, iter(rows), list(map(list, rows)), list(zip(sources, targets, strict=True))):
        evaluation = network().evaluate(task)
        assert (evaluation.n, evaluation.correct.tolist(), evaluation.exact_match) == (40, [40, 30], 0.75)
    expected = measure(network().to_numpy(), Pairs(sources, targets)).figures
    assert network().evaluate(Pairs(sources, targets)).figures == expected
    assert network().evaluate(rows, 10).exact_match == 0
    assert network().evaluate([([1], [2])] * (EVALUATED + 3)).n == EVALUATED + 3


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        ([], InputError, "expected pairs of a source and a target, got none"),
        ([([1], [2]), 3], InputError, "pairs, row 1: expected a source and a target, as zip gives them, got 3"),
        (
            [([1], [2]), ([1], [2], [3])],
            InputError,
            "pairs, row 1: expected a source and a target, as zip gives them, got ",
        ),
        ([([1], [2]), ([1, 2], [2])], UsageError, "expected pairs of one length, as this network was trained at one"),
        ([([1], [2]), ([1], [2, 3])], UsageError, "expected pairs of one length, as this network was trained at one"),
        ([([1], [2]), ([1], [-2])], InputError, "pairs, row 1, output: expected integers from 0 to "),
        ([([1], [2]), ([1], None)], InputError, "pairs, row 1: expected a target too"),
        ([([11], [2])], UsageError, "expected sources of symbols 0 to 10, got some from 11 to 11"),
        ([([1], [13])], UsageError, "expected targets of symbols 0 to 12, got some from 13 to 13"),
    ],
)
def test_evaluate_on_what_are_no_pairs(pairs, error, message):
    with pytest.raises(error, match=message):
        network().evaluate(pairs)


def test_evaluate_without_a_task():
    for task in ("mine:f", "pairs.jsonl", None):
        message = f"the network was trained on {task!r}: expected a task to evaluate it on"
        with pytest.raises(UsageError, match=message):
            network(task=task).evaluate()
    assert len(network(**UNKNOWN).evaluate("reversed", 20).correct) == 10


def test_the_exported_function_is_the_method():
    assert seq2seq_demo.evaluate is TrainedNetwork.evaluate
    parameters = inspect.signature(seq2seq_demo.evaluate).parameters
    assert list(parameters) == [
        "self",
        "task",
        "n",
        "in_len",
        "out_len",
        "seed",
        "max_out_len",
        "beam_size",
        "length_penalty",
    ]
    figures = seq2seq_demo.evaluate(network(), "copy", 20).figures
    assert figures == network().evaluate("copy", 20).figures


# ---- What it can become ----


@pytest.mark.parametrize("model", ["embedding_attention", "embedding_rnn"])
def test_to_keras(model):
    import keras

    model_config = replace(CONFIG, model=model)
    it = TrainedNetwork(model_config, random_weights(model_config))
    sources = np.random.default_rng(1).integers(0, 11, (30, 6))
    network = it.to_keras()
    assert isinstance(network, keras.Model)
    symbols, _, _ = network.greedy(sources, 4)
    assert symbols.numpy().tolist() == it.predict(sources, 4)
    logits = network(sources, np.full((30, 1), model_config.go)).numpy()
    assert logits == pytest.approx(it.to_numpy().decode(sources, 1).logits, abs=1e-5)


def test_repr():
    text = repr(network())
    assert text.count("\n") == 1
    for part in (
        "embedding_attention, 2 x GRUCell of size 7, embedding size 5",
        "'reversed'",
        "11 symbols in and 4 out",
        "0.7500",
    ):
        assert part in text
    assert "untrained" in repr(untrained(ModelConfig(), 0))
    for other in (untrained(ModelConfig(), 0), network(**UNKNOWN), network(task="mine\n:f")):
        assert repr(other).count("\n") <= 1


def test_the_summary_counts_the_weights():
    n = sum(np.prod(shape) for shape in weight_shapes(CONFIG).values())
    assert network().summary().endswith(f"symbols 0 to 10 in and 0 to 12 out, {n} weights")


def test_lengths_that_the_pairs_do_not_have():
    for settings, message in (
        ({"in_len": 3}, "in-len 2, as of the pairs, got 3"),
        ({"out_len": 9}, "out-len 1, as of"),
    ):
        with pytest.raises(UsageError, match=f"expected {message}"):
            network().evaluate([([1, 2], [3]), ([4, 5], [6])], **settings)
