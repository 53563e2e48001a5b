"""Callbacks, which training calls during each epoch: their base class, and the validation of a user's callbacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seq2seq_demo.errors import UsageError

if TYPE_CHECKING:
    from seq2seq_demo.data.sequences import Pairs
    from seq2seq_demo.metrics import Epoch
    from seq2seq_demo.trained_network import TrainedNetwork


class StopTraining(Exception):
    """Raised by a method of a `Callback` to stop the training."""


class Callback:
    """The base class of callbacks. Each method does nothing unless a subclass overrides it.

    A method that returns True or raises StopTraining stops the training once the other callbacks are called too.
    `train` then returns the network as it does after the last epoch. If several workers train one network, all of them
    must stop it. If there are several `members`, a stop ends the training of the current one.
    """

    def on_epoch_begin(self, epoch: int) -> bool | None:
        """Called before each epoch; a stop here skips the epoch.

        Args:
            epoch: the number of the epoch, counted from 1.
        """

    def on_steps_end(self, step: int, points: int, loss: float, token_accuracy: float) -> bool | None:
        """Called after every 64 steps, after the first 8, and at the end of an epoch; a stop here ends the epoch.

        The network is then validated, and `on_epoch_end` is called, as after a whole epoch.

        Args:
            step: the number of updates that Adam has made.
            points: the number of training points used so far in this epoch.
            loss: the mean loss since the previous call, in nats per symbol, with teacher forcing.
            token_accuracy: the token accuracy since the previous call, with teacher forcing.
        """

    def on_epoch_end(self, history: Sequence[Epoch], network: TrainedNetwork, validation: Pairs) -> bool | None:
        """Called after each epoch.

        Args:
            history: the figures of every epoch so far, including epochs before a resume.
            network: the network after this epoch.
            validation: the validation pairs, without those that have symbols unseen in training; read-only.
        """


def notify(callbacks: Sequence[Callback], method: str, *arguments: object) -> bool:
    """Call a method of each callback; return whether one of them stops the training."""
    stops = False
    for callback in callbacks:
        try:
            answer = getattr(callback, method)(*arguments)
        except StopTraining:
            answer = True
        stops |= isinstance(answer, bool | np.bool_) and bool(answer)
    return stops


def check_callbacks(callbacks: Sequence[Callback] | None) -> Sequence[Callback]:
    """Validate the callbacks and return them; None becomes an empty list.

    Raises:
        UsageError: an item is not a `Callback`, or it has a method `on_…` that `Callback` does not have.
    """
    callbacks = [] if callbacks is None else callbacks
    if not isinstance(callbacks, list | tuple) or not all(isinstance(each, Callback) for each in callbacks):
        raise UsageError(f"expected `callbacks` to be a list of Callback objects, got {callbacks!r}"[:200])
    methods = [name for name in dir(Callback) if name.startswith("on_")]
    for name in {name for callback in callbacks for name in dir(callback) if name.startswith("on_")} - {*methods}:
        raise UsageError(f"expected only the methods {', '.join(methods)}, got {name}")
    return callbacks
