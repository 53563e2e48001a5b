"""Callbacks that stop a training: each of their methods, by returning True or by raising StopTraining."""

import numpy as np
import pytest
from helpers import Watcher, same_arrays

from seq2seq_demo import StopTraining, train
from seq2seq_demo.callbacks import Callback

TINY = {"cell_size": 3, "embedding_size": 2, "points": 110, "in_len": 2, "batch_size": 1}  # 99 steps per epoch
pytestmark = pytest.mark.usefixtures("fast_steps")


class Stop(Callback):
    """Stops at the nth call of a method, with this answer; without one, by raising."""

    def __init__(self, method, n=1, answer=None):
        self.n, self.answer = n, answer
        setattr(self, method, self.call)

    def call(self, *_):
        self.n -= 1
        if self.n == 0 and self.answer is None:
            raise StopTraining
        return self.answer if self.n == 0 else None


def trained(*callbacks, **settings):
    watcher = Watcher()
    network = train("copy", callbacks=[*callbacks, watcher], **TINY | {"epochs": 3} | settings)
    return network, [call[:2] for call in watcher.calls]


@pytest.mark.parametrize("answer", [None, True, np.True_])
def test_a_stop_after_an_epoch_keeps_the_network(answer):
    network, calls = trained(Stop("on_epoch_end", 2, answer))
    assert (network.step, len(network.history)) == (198, 2)
    assert calls[-1] == ("end", 2)  # the other callbacks are called too
    same, _ = trained(epochs=2)
    assert same_arrays(network.weights, same.weights)
    assert network.validation == same.validation == network.history[-1].validation


@pytest.mark.parametrize("answer", [False, None, 1, "yes", np.False_, np.array([True])])
def test_other_answers_do_not_stop(answer):
    callback = Callback()
    callback.on_epoch_end = callback.on_steps_end = callback.on_epoch_begin = lambda *_: answer
    assert trained(callback, epochs=1)[0].step == 99


def test_a_stop_before_an_epoch_skips_it():
    network, calls = trained(Stop("on_epoch_begin", 2))
    assert (network.step, len(network.history), calls[-1]) == (99, 1, ("begin", 2))
    untrained, calls = trained(Stop("on_epoch_begin"))
    assert (untrained.step, untrained.history, calls) == (0, (), [("begin", 1)])


def test_a_stop_within_an_epoch_ends_it_with_a_validation():
    """Calls end after 8, 64 and 99 steps; then after 64 and 99. Fast steps add a loss of 1 for 2 symbols."""
    network, calls = trained(Stop("on_steps_end", 4, True))
    first = [("begin", 1), ("steps", 8), ("steps", 64), ("steps", 99), ("end", 1)]
    assert calls == [*first, ("begin", 2), ("steps", 163), ("end", 2)]
    assert network.step == network.history[-1].step == 163
    assert [epoch.loss for epoch in network.history] == [0.5, 0.5]
    assert network.validation == network.history[-1].validation
    assert trained(Stop("on_steps_end", 5))[0].step == 198


def test_a_stop_ends_the_training_of_one_member():
    network, _ = trained(Stop("on_epoch_end", 1), members=3, epochs=2)
    assert [each.step for each in network.members] == [99, 198, 198]
