"""The function `train`, for callers in Python."""

import pytest
from helpers import Watcher, largest_difference

from seq2seq_demo import TrainedNetwork, train
from seq2seq_demo.config import SETTINGS, ModelConfig, TrainConfig
from seq2seq_demo.data.pattern_task import PatternTask
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.errors import UsageError
from seq2seq_demo.trained.counts import count_answers
from seq2seq_demo.trained.trained_network import untrained
from seq2seq_demo.training.settings import resolve

pytestmark = pytest.mark.slow

TINY = {"cell_size": 3, "embedding_size": 2}
PAIRS = [([k % 5, 4], [4, k % 5, 7]) for k in range(30)]
RAGGED = [([1, 2], [3, 4]), ([1], [2])] * 6


def unchanged(task, **settings) -> TrainedNetwork:
    """Train for 0 epochs; the result shows all decisions that `train` makes before training."""
    points = {"points": 20} if isinstance(task, str | PatternTask) else {}
    return train(task, **TINY | {"epochs": 0} | points | settings)


def test_a_pattern_is_given_by_name(fast_steps):
    watcher = Watcher()
    trained = train("reversed", points=100, in_len=4, epochs=2, batch_size=32, callbacks=[watcher], **TINY)
    assert (trained.task, trained.in_len, trained.out_len, trained.step) == ("reversed", 4, 4, 6)
    assert trained.model_config == ModelConfig("attention", **TINY, ends=True)  # recommended
    last, state = watcher.networks[-1], watcher.end[-1]
    assert largest_difference(last, trained) == 0
    metrics = count_answers(trained.to_numpy(), trained, state._pairs).metrics
    assert trained.validation == last.validation == state.history[-1].validation == metrics


def test_every_setting_is_used():
    model = {"model": "embedding_attention", "cell_type": "GRUCell", "num_layers": 2, "cell_size": 3}
    model |= {"embedding_size": 2, "in_max_int": 4, "out_max_int": 6, "bidirectional": True}
    training = {"points": 50, "in_len": 5, "out_len": 5, "learning_rate": 0.5, "lr_schedule": "constant", "epochs": 0}
    training |= {"batch_size": 8, "seed": 5, "stop_at_exact": 0.5, "few_symbols": 0.1, "keep_best": True}
    training |= {"patience": 3, "dropout": 0.25, "label_smoothing": 0.2, "consistency": 0.5}
    network = train("copy", **model, **training)
    assert network.model_config == ModelConfig(**model, ends=True)
    assert network.run.config == TrainConfig(**training, min_in_len=5)
    assert (model | training).keys() == SETTINGS
    assert resolve(find_pattern("copy"), dict.fromkeys(SETTINGS)) == (ModelConfig(), TrainConfig())


def test_arguments_that_contradict_the_task_are_refused():
    for task, settings, message in (
        ("reversed", {"in_len": (1, 2, 3)}, r"expected `in_len` to be a length or a range \(shortest, longest\), got "),
        (PAIRS, {"start": "w.h5"}, r"expected `start` to be a network, as load\(\) returns it, got 'w.h5'"),
        (PAIRS, {"validation": 0.2}, r"expected `validation` to be pairs or a path .*, got 0\.2"),
        (PAIRS, {"out_len": 2}, "expected `out_len` 3, as in the pairs, got 2"),
        (RAGGED, {"in_len": (2, 3)}, "expected `in_len` 1-2, as in the pairs, got 2-3"),
    ):
        with pytest.raises(UsageError, match=message):
            unchanged(task, **settings)


def test_the_number_of_points_is_that_of_the_first_pairs():
    assert unchanged(PAIRS, points=20).run.config.points == 20
    with pytest.raises(
        UsageError, match=r"^expected the number of points to be an integer of at least 2, got \['x', 'y'\]$"
    ):
        train(["a", "b"], ["x", "y"])


WORDS = [(f"A {k % 5} {k % 6}", f"{k % 5} b") for k in range(30)]


@pytest.mark.parametrize(
    ("data", "given"),
    [
        ("copy", {"points": 60, "in_len": (2, 3), "epochs": 1, "cell_type": "GRU", "seed": 3}),
        (PAIRS, {"epochs": 1, "bidirectional": False}),
        (WORDS, {"epochs": 1, "in_tokens": "words", "lowercase": True}),
    ],
)
def test_the_settings_of_a_network_train_the_same_one_again(data, given, fast_steps):
    network = train(data, **TINY, **given)
    again = train(data, **network.settings)
    for name in ("model_config", "run", "vocabularies"):
        assert getattr(again, name) == getattr(network, name)
    assert again.settings == network.settings
    assert largest_difference(network, again) == 0
    follow = set() if isinstance(data, str) else {"points", "in_len", "in_max_int", "out_max_int"}
    assert not ({"out_len", "patience"} | follow) & again.settings.keys()
    assert untrained(ModelConfig(), 0).settings.keys() < SETTINGS
