"""What a training tells those who watch it: the report on the screen, the history in a file, TensorBoard."""

from seq2seq_demo.dataset import Pairs
from seq2seq_demo.parameters import TrainedNetwork


class Watcher:
    """What a training tells; this one keeps it to itself."""

    def epoch_starts(self, epoch: int) -> None:
        """An epoch, counted from 0, begins."""

    def progresses(self, step: int, points: int, loss: float, accuracy: float) -> None:
        """Adam is at this step, and so many points of the epoch are done.

        Loss, in nats a symbol, and token accuracy, with teacher forcing, are means since it was told last.
        """

    def epoch_ends(self, history: list[dict], network: TrainedNetwork, validation: Pairs) -> None:
        """The epoch is over, and `history` holds the figures of each so far.

        Those of the training points are its means, with teacher forcing; those that begin with `validation_` were
        taken at its end and have the names of `evaluation.Figures`.
        """
