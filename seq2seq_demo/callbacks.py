"""The callbacks of training: progress on the screen, the history file, TensorBoard, or a user's own code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seq2seq_demo.errors import UsageError

if TYPE_CHECKING:
    from seq2seq_demo.data.sequences import Pairs
    from seq2seq_demo.figures import EpochFigures
    from seq2seq_demo.trained_network import TrainedNetwork


class Callback:
    """The base class of callbacks. Each method does nothing unless a subclass overrides it."""

    def on_member_begin(self, member: int) -> None:
        """Called before the first epoch of each network, if several `members` are trained.

        Args:
            member: its number, counted from 1.
        """

    def on_epoch_begin(self, epoch: int) -> None:
        """Called before each epoch.

        Args:
            epoch: its number, counted from 1 as in `EpochFigures.epoch`.
        """

    def on_steps_end(self, step: int, points: int, loss: float, token_accuracy: float) -> None:
        """Called after every 64 steps, and after the last steps of an epoch.

        Args:
            step: the number of updates that Adam has made.
            points: the number of this epoch's training points seen so far.
            loss: the mean over these steps, in nats per symbol, with teacher forcing.
            token_accuracy: the mean over these steps, with teacher forcing.
        """

    def on_epoch_end(self, history: Sequence[EpochFigures], network: TrainedNetwork, validation: Pairs) -> None:
        """Called after each epoch.

        Args:
            history: the figures of every epoch, including those before a resume.
            network: the network after this epoch.
            validation: the validation pairs.
        """


def check_callbacks(callbacks: Sequence[Callback] | None) -> Sequence[Callback]:
    """Return the callbacks; None means no callbacks.

    Raises:
        UsageError: there is anything but `Callback` objects, or a method named `on_…` that training never calls.
    """
    callbacks = [] if callbacks is None else callbacks
    if not isinstance(callbacks, list | tuple) or not all(isinstance(each, Callback) for each in callbacks):
        raise UsageError(f"expected `callbacks` to be a list of Callback objects, got {callbacks!r}"[:200])
    methods = [name for name in dir(Callback) if name.startswith("on_")]
    for name in {name for callback in callbacks for name in dir(callback) if name.startswith("on_")} - {*methods}:
        raise UsageError(f"expected a method of Callback, {', '.join(methods)}, got {name}")
    return callbacks
