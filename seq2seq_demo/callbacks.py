"""What a training tells while it runs: the screen, the history in a file, TensorBoard, or a caller's own code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seq2seq_demo.data.sequences import Pairs
    from seq2seq_demo.figures import EpochFigures
    from seq2seq_demo.trained_network import TrainedNetwork


class Callback:
    """A training calls these; a subclass does what it wants to with some of them."""

    def on_epoch_begin(self, epoch: int) -> None:
        """Epoch `epoch`, counted from 1 as in `EpochFigures`, begins."""

    def on_steps_end(self, step: int, points: int, loss: float, token_accuracy: float) -> None:
        """Some steps are done: Adam is at `step`, and so many points of the epoch are done.

        The loss, in nats a symbol, and the token accuracy, with teacher forcing, are means over these steps.
        """

    def on_epoch_end(self, history: Sequence[EpochFigures], network: TrainedNetwork, validation: Pairs) -> None:
        """The epoch is over; `history` holds the figures of each so far, also of those before a resume."""
