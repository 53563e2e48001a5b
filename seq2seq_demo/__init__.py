"""Small sequence-to-sequence networks on integer sequences: train them, and see what they learned.

The Python API, each name imported when it is first used: `ModelConfig`, `TrainConfig`, `SequencePattern`,
`find_pattern`, `per_sequence`, `Pairs`, `OwnData`, `train`, `predict`, `load`, `save`.
"""

import os
from importlib import import_module

# Threads of BLAS gain nothing on matrices this small, and where a core is busy they spin for seconds: whole batches
# are decoded side by side instead. NumPy reads this once, when it is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"

_HOME = {
    "ModelConfig": "config",
    "TrainConfig": "config",
    "SequencePattern": "patterns",
    "find_pattern": "patterns",
    "per_sequence": "patterns",
    "Pairs": "dataset",
    "OwnData": "dataset",
    "train": "training",
    "predict": "numpy_decoder",
    "load": "weights",
    "save": "weights",
}
__all__ = list(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
