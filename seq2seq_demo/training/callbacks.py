"""The base class of callbacks, which training calls, and the state that their methods receive."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seq2seq_demo.data.pattern_task import has_parameter
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.data.vocabulary import Vocabularies
from seq2seq_demo.errors import UsageError
from seq2seq_demo.trained.metrics import Epoch
from seq2seq_demo.trained.plots import History
from seq2seq_demo.trained.trained_network import TrainedNetwork


@dataclass(frozen=True, eq=False)
class TrainingState:
    """The state of a training run, as the methods of a `Callback` receive it.

    `figures` contains the metrics of the current epoch: in `on_steps_end`, the loss and accuracy since the previous
    call; in `on_epoch_end`, all metrics. A metric that is not known yet is nan.
    """

    epoch: int  # counted from 1
    step: int  # the number of updates that Adam has made
    points: int  # training points used so far in this epoch
    figures: Epoch
    history: History  # the completed epochs, including epochs before the run was resumed
    _network: Callable[[int], TrainedNetwork] = field(repr=False)  # takes a step
    _pairs: Pairs = field(repr=False)  # `validation` as numbers
    _vocabularies: Vocabularies = field(repr=False)

    @functools.cached_property
    def network(self) -> TrainedNetwork:
        """The network after this step.

        Raises:
            UsageError: training has continued since.
        """
        return self._network(self.step)

    @functools.cached_property
    def validation(self) -> list[tuple[Any, Any]]:
        """The validation pairs in the form that `evaluate` takes, except for pairs with symbols unseen in training."""
        sides = zip(self._vocabularies, (self._pairs.sources, self._pairs.targets), strict=True)
        return [*zip(*([*map(side.to_value, sequences.rows())] for side, sequences in sides), strict=True)]


class Callback:
    """The base class of callbacks. Each method does nothing unless a subclass overrides it.

    If a method returns True, training stops after the other callbacks have also been called. `train` then returns the
    network as it does after the last epoch. If several workers train one network, the callbacks of all workers must
    stop the training.
    """

    def on_epoch_begin(self, state: TrainingState) -> bool | None:
        """Called before each epoch; a stop here skips the epoch."""

    def on_steps_end(self, state: TrainingState) -> bool | None:
        """Called after at most 64 steps, and at the end of an epoch; a stop here ends the epoch.

        The network is then validated, and `on_epoch_end` is called, as after a whole epoch.
        """

    def on_epoch_end(self, state: TrainingState) -> bool | None:
        """Called after each epoch and its validation."""


METHODS = [name for name in dir(Callback) if name.startswith("on_")]


def notify_all(callbacks: Sequence[Callback], method: str, state: TrainingState) -> bool:
    """Call a method of each callback; return whether any of them stops the training."""
    answers = [getattr(callback, method)(state) for callback in callbacks]
    return any(isinstance(answer, bool | np.bool_) and bool(answer) for answer in answers)


def check_callbacks(
    callbacks: Sequence[Callback] | None, on_epoch: Callable[[TrainingState], object] | None = None
) -> list[Callback]:
    """Check the callbacks and return them, together with one that calls `on_epoch` at the end of each epoch.

    Raises:
        UsageError: an item is not a `Callback`, has a method `on_…` that `Callback` lacks or that takes `logs`, as
            in Keras, or `on_epoch` is not a function.
    """
    if not isinstance(callbacks, list | tuple | None) or not all(isinstance(x, Callback) for x in callbacks or ()):
        raise UsageError(f"expected `callbacks` to be a list of seq2seq_demo.Callback objects, got {callbacks!r}"[:200])
    checked = [*(callbacks or ())]
    if on_epoch is not None:
        if not callable(on_epoch):
            raise UsageError(f"expected `on_epoch` to be a function, got {on_epoch!r}")
        checked.append(Callback())
        checked[-1].on_epoch_end = on_epoch
    for callback in checked:
        for name in (name for name in dir(callback) if name.startswith("on_")):
            if name not in METHODS:
                raise UsageError(f"unknown callback method {name}: expected one of {', '.join(METHODS)}")
            if has_parameter(getattr(callback, name), "logs"):
                raise UsageError(f"expected {name} to take only a TrainingState, got the `logs` of Keras")
    return checked
