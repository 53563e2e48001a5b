"""The table of cells: all that is said of a cell type beside its equation.

The equations stand in `network/numpy_network.py` and `network/keras_network/cells.py`, each under the row's name.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class CellType:
    """A recurrent cell with G gates: its weights are W `[E, G·H]`, U `[H, G·H]` and b `[G·H]`, H columns a gate."""

    gates: tuple[str, ...]  # in the order of their columns, Keras's
    states: tuple[str, ...]  # arrays `[B, H]`; the last one is the output
    # Gates whose bias is initially 1; the others start at 0. A 1 makes a cell remember more in the beginning.
    gates_with_bias_1: tuple[str, ...] = ()
    # Suffix of the matrix's name in 2016: its gates, in 2016's order. None: 2016 had no such cell.
    matrices_of_2016: dict[str, tuple[str, ...]] | None = None
    gates_2016_added_1_to: tuple[str, ...] = ()  # in the equation; we keep it in the bias

    @property
    def matrices(self) -> dict[str, tuple[str, ...]]:
        """The gates of each matrix with rows [input ; h]; its initial values are Glorot uniform by its own size."""
        return self.matrices_of_2016 or {"": self.gates}


LSTM = CellType(
    gates=("i", "f", "candidate", "o"),
    states=("c", "h"),
    gates_with_bias_1=("f",),
    matrices_of_2016={"": ("i", "candidate", "f", "o")},
    gates_2016_added_1_to=("f",),
)
# By the names of 2016, which had two for the LSTM.
CELL_TYPES = {
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
