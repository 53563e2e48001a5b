"""The table of cell types: gates, states, initial biases, and the layout of the weights in 2016's checkpoints.

The equations use the same names; they are in `network/numpy_network.py` and `network/keras_network/cells.py`.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class CellType:
    """A recurrent cell with G gates of H columns each.

    Its weights are W `[input size, G·H]`, U `[H, G·H]` and the bias b `[G·H]`.
    """

    gates: tuple[str, ...]  # in the order of their columns, as in Keras
    states: tuple[str, ...]  # arrays `[B, H]`; the last one is the output
    # Gates whose bias starts at 1, so that an untrained cell keeps more of its state; the other biases start at 0.
    gates_with_bias_1: tuple[str, ...] = ()
    # For each weight matrix of 2016: the suffix of its name → its gates in column order. None: 2016 lacked the cell.
    matrices_of_2016: dict[str, tuple[str, ...]] | None = None
    gates_2016_added_1_to: tuple[str, ...] = ()  # 2016's equations added 1 to their biases; our biases include it

    @property
    def matrices(self) -> dict[str, tuple[str, ...]]:
        """The gates of each matrix [W ; U]; the size of the matrix determines the range of its initial weights."""
        return self.matrices_of_2016 or {"": self.gates}


LSTM = CellType(
    gates=("i", "f", "candidate", "o"),
    states=("c", "h"),
    gates_with_bias_1=("f",),
    matrices_of_2016={"": ("i", "candidate", "f", "o")},
    gates_2016_added_1_to=("f",),
)
CellName = Literal["BasicLSTMCell", "LSTMCell", "GRUCell", "BasicRNNCell"]  # the keys of CELL_TYPES
CELL_TYPES: dict[str, CellType] = {  # the names are those of 2016, which had two names for the LSTM
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
