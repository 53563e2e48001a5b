"""What a process runs that shares the batches of a training: `processes` starts this file as a script.

It takes this package from where the first process has it, and all else from where the interpreter looks first: the
standard library, then installed packages, at last whatever else the first process can import.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seq2seq_demo.training.trainer import Recipe, Trainer


def main(descriptor: str, parent: str, index: str, package: str, *path: str) -> None:
    """Be process `index`, connected by a socket to the one with the id `parent`, until that one ends.

    package: its `__init__.py`.
    """
    sys.path += [entry for entry in path if entry not in sys.path]
    spec = importlib.util.spec_from_file_location("seq2seq_demo", package)
    assert spec
    assert spec.loader
    sys.modules["seq2seq_demo"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["seq2seq_demo"])
    from seq2seq_demo.training.processes import FirstProcess, serve

    first = FirstProcess(Connection(int(descriptor)))
    threading.Thread(target=first.send_heartbeats, args=[int(parent)], daemon=True).start()
    serve(first, int(index), load)


def load() -> Callable[[Recipe], Trainer]:
    """Load TensorFlow; return what makes a trainer of a recipe."""
    from seq2seq_demo.network.keras_network.tensorflow_setup import set_threads
    from seq2seq_demo.training.trainer import trainer_of

    def make_trainer(recipe: Recipe) -> Trainer:
        set_threads(recipe.model_config.cell_size, shares_cores=True)
        return trainer_of(recipe)

    return make_trainer


if __name__ == "__main__":
    main(*sys.argv[1:])
