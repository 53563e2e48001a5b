"""Callbacks: the state that their methods get, how they stop a training run, and errors before it begins."""

import dataclasses
import math

import numpy as np
import pytest
from helpers import Watcher, same_arrays

from seq2seq_demo import Callback, UsageError, train
from seq2seq_demo.data.vocabulary import Vocabulary
from seq2seq_demo.training.trainer import Trainer

TINY = {"cell_size": 3, "embedding_size": 2, "points": 110, "in_len": 3, "batch_size": 1}  # 99 steps per epoch
pytestmark = pytest.mark.usefixtures("fast_steps")


class Stop(Callback):
    """Stops at the nth call of a method, with this answer."""

    def __init__(self, method, n=1, answer=True):
        self.n, self.answer = n, answer
        setattr(self, method, self.call)

    def call(self, state):
        self.n -= 1
        return self.answer if self.n == 0 else None


def trained(*callbacks, **settings):
    """A network, and the states of all calls."""
    states = Watcher()
    network = train("copy", callbacks=[*callbacks, states], **TINY | {"epochs": 3} | settings)
    return network, states


# ---- The state ----


def test_each_method_gets_the_state_of_the_training():
    network, states = trained(epochs=2)
    assert [(s.epoch, s.step, s.points, len(s.history)) for s in states.begin] == [(1, 0, 0, 0), (2, 99, 0, 1)]
    assert [(s.epoch, s.step, s.points) for s in states.steps[:3]] == [(1, 8, 8), (1, 64, 64), (1, 99, 99)]
    assert [(s.epoch, s.step, s.points, len(s.history)) for s in states.end] == [(1, 99, 99, 1), (2, 198, 99, 2)]
    assert [[*map(math.isnan, each.figures.to_dict().values())] for each in (states.begin[0], states.steps[0])] == [
        [False] * 2 + [True] * 7,
        [False] * 4 + [True] * 5,
    ]
    assert [each.step for each in states.networks] == [99, 198]
    assert [state.figures for state in states.end] == [*network.history]
    assert states.end[1].history == network.history
    assert same_arrays(states.end[1].network.weights, network.weights)
    assert not same_arrays(states.end[0].network.weights, network.weights)
    with pytest.raises(dataclasses.FrozenInstanceError):
        states.end[0].points = 1
    with pytest.raises(UsageError, match=r"^the `network` of step 64 must be read before step 198$"):
        _ = states.steps[1].network


def test_a_state_is_cheap_and_a_function_is_called_after_each_epoch_and_stops(monkeypatch):
    """A function that reads neither the network nor the validation pairs costs no copy of the weights."""
    monkeypatch.setattr(Trainer, "network_at", None)
    monkeypatch.setattr(Vocabulary, "to_value", None)
    epochs = []
    network = train("copy", epochs=3, on_epoch=lambda state: epochs.append(state.epoch) or state.epoch == 2, **TINY)
    assert (epochs, network.step) == ([1, 2], 198)


TEXTS = [(f"{a} {b}", f"{b}{a}") for a in ("one", "two", "six") for b in ("ten", "two", "one", "ace")] * 3


@pytest.mark.parametrize(
    ("data", "settings", "kinds"),
    [
        ("copy", {"points": 60, "in_len": (1, 3)}, (list, list)),
        (TEXTS, {"in_tokens": "words", "out_tokens": "characters"}, (str, str)),
        ([([n, 3], "abc"[n % 3 :]) for n in range(30)], {}, (list, str)),
    ],
)
def test_the_validation_pairs_are_those_of_the_user(data, settings, kinds):
    seen = []

    class Evaluates(Callback):
        def on_epoch_end(self, state):
            exact_match = state.network.evaluate(state.validation).exact_match
            seen.extend(state.validation)
            assert exact_match == pytest.approx(state.figures.validation_exact_match)

    train(data, epochs=1, cell_size=3, embedding_size=2, callbacks=[Evaluates()], **settings)
    assert len(seen) > 1
    assert {tuple(map(type, pair)) for pair in seen} == {kinds}
    assert data == "copy" or {*map(repr, seen)} <= {*map(repr, data)}


# ---- Stops ----


def test_a_stop_ends_the_run():
    for stop, step, n_epochs, n_begun in (
        (("on_epoch_begin", 1), 0, 0, 1),
        (("on_epoch_begin", 2), 99, 1, 2),
        (("on_steps_end", 5), 198, 2, 2),
        (("on_epoch_end", 2, np.True_), 198, 2, 2),
    ):
        network, states = trained(Stop(*stop))
        assert (network.step, len(network.history)) == (step, n_epochs)
        assert (len(states.begin), len(states.end)) == (n_begun, n_epochs)  # the other callbacks are called too


def test_other_answers_do_not_stop():
    answers, callback = [1, "yes", np.False_, np.array([True])], Callback()
    callback.on_epoch_end = callback.on_steps_end = callback.on_epoch_begin = lambda state: answers[state.epoch - 1]
    assert trained(callback, epochs=4)[0].step == 4 * 99


def test_a_stop_within_an_epoch_ends_it_with_a_validation():
    """Calls end after 8, 64 and 99 steps; then after 64 and 99. Fast steps add a loss of 1 for 4 symbols."""
    network, states = trained(Stop("on_steps_end", 4))
    assert [state.step for state in states.steps] == [8, 64, 99, 163]
    assert network.step == network.history[-1].step == states.end[-1].step == 163
    assert [epoch.loss for epoch in network.history] == [0.25, 0.25]
    assert network.validation == network.history[-1].validation


# ---- Errors before the training ----


def test_callbacks_that_would_fail_are_refused_before_the_training():
    mine = type("Mine", (Callback,), {"on_train_end": print})()
    methods = "unknown callback method on_train_end: expected one of on_epoch_begin, on_epoch_end, on_steps_end"
    of_keras = type("Mine", (Callback,), {"on_epoch_end": lambda self, epoch, logs=None: None})()
    state = "expected on_epoch_end to take only a TrainingState, got the `logs` of Keras"
    objects = "expected `callbacks` to be a list of seq2seq_demo.Callback objects, got "
    for callbacks, message in (
        ([mine], methods),
        ([of_keras], state),
        (Watcher(), f"{objects}<"),
        ([Watcher], rf"{objects}\[<class"),
    ):
        with pytest.raises(UsageError, match=f"^{message}"):
            train("copy", callbacks=callbacks, **TINY)
    with pytest.raises(UsageError, match=r"^expected `on_epoch` to be a function, got 'copy'$"):
        train("copy", on_epoch="copy", **TINY)
