"""The table of cell types: gates, states, initial biases, and the layout of their weights in 2016's checkpoints.

The equations are in `network/numpy_network.py` and `network/keras_network/cells.py`, under the same names.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class CellType:
    """A recurrent cell with G gates: weights W `[E, G·H]` and U `[H, G·H]`, bias b `[G·H]`; each gate has H columns."""

    gates: tuple[str, ...]  # in column order, as in Keras
    states: tuple[str, ...]  # arrays `[B, H]`; the last one is the output
    # Gates whose bias starts at 1, so that an untrained cell keeps more of its state; the other biases start at 0.
    gates_with_bias_1: tuple[str, ...] = ()
    # Suffix of a 2016 matrix name → its gates, in 2016's column order. None: 2016 did not have the cell.
    matrices_of_2016: dict[str, tuple[str, ...]] | None = None
    gates_2016_added_1_to: tuple[str, ...] = ()  # 2016 added 1 in their equations; here the bias includes the 1

    @property
    def matrices(self) -> dict[str, tuple[str, ...]]:
        """The gates of each matrix with rows [input ; h]; a matrix's size sets its Glorot uniform range."""
        return self.matrices_of_2016 or {"": self.gates}


LSTM = CellType(
    gates=("i", "f", "candidate", "o"),
    states=("c", "h"),
    gates_with_bias_1=("f",),
    matrices_of_2016={"": ("i", "candidate", "f", "o")},
    gates_2016_added_1_to=("f",),
)
CELL_TYPES = {  # the names are from 2016, which had two for the LSTM
    "BasicLSTMCell": LSTM,
    "LSTMCell": LSTM,
    "GRUCell": CellType(
        gates=("z", "r", "candidate"),
        states=("h",),
        gates_with_bias_1=("z", "r"),
        matrices_of_2016={"/Gates": ("r", "z"), "/Candidate": ("candidate",)},
    ),
    "BasicRNNCell": CellType(gates=("candidate",), states=("h",), matrices_of_2016={"": ("candidate",)}),
}
