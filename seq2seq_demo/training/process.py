"""A process that shares the batches of a training with the first one: `processes` starts this file as a script.

It takes this package from where the first process has it, and all else from where the interpreter looks first: the
standard library, then installed packages, at last whatever else the first process can import.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2seq_demo.training.processes import SharedTrainer

SECONDS_BETWEEN_BEATS = 1


class FirstProcess:
    """The first process, as another one sees it."""

    def __init__(self, descriptor: int) -> None:
        """Talk over this socket."""
        self.connection, self.lock = Connection(descriptor), threading.Lock()

    def tell(self, message: Any) -> None:
        """Send a message that has no answer."""
        with self.lock:
            self.connection.send(message)

    def ask(self, message: Any) -> Any:
        """Send a message; return the answer.

        Raises:
            EOFError, OSError: the first process is gone.
        """
        with self.lock:
            self.connection.send(message)
            return self.connection.recv()

    def send_heartbeats(self, pid: int) -> None:
        """Send heartbeats while no answer is awaited; end this process when that of this id is over."""
        with contextlib.suppress(OSError):
            while os.getppid() == pid:
                if self.lock.acquire(timeout=SECONDS_BETWEEN_BEATS):
                    self.lock.release()
                    self.tell(None)
                time.sleep(SECONDS_BETWEEN_BEATS)
        os._exit(1)


def serve(first: FirstProcess, index: int, load: Callable[[], Callable[[Any], SharedTrainer]]) -> None:
    """Be process `index`: take steps as long as there is a first process, which hears of an error.

    `load` loads TensorFlow, and returns what makes a trainer of a recipe.
    """
    from seq2seq_demo.errors import TrainingError
    from seq2seq_demo.training.processes import READY, Share

    try:
        make_trainer = load()
        share = Share(make_trainer(first.ask(READY)), index, first.ask)
        while True:
            steps = first.ask(READY)
            for variable, value in zip(share.state, steps.state, strict=True):
                variable.assign(value)
            share.take(steps)
    except Exception as error:
        text = f"process {index + 1}: {type(error).__name__}: {error}".splitlines()[0]
        with contextlib.suppress(OSError):  # the first process is gone
            first.tell(TrainingError(text))


def load() -> Callable[[Any], SharedTrainer]:
    """Load TensorFlow; return what makes a trainer of a recipe."""
    from seq2seq_demo.training.trainer import trainer_of

    return trainer_of


def main(descriptor: str, parent: str, index: str, folder: str, *path: str) -> None:
    """Be process `index`, connected to the one whose id is `parent`; the package is in this folder."""
    sys.path.insert(0, folder)
    importlib.import_module("seq2seq_demo")  # which imports nothing more yet
    del sys.path[0]
    sys.path += [entry for entry in path if entry not in sys.path]
    first = FirstProcess(int(descriptor))
    threading.Thread(target=first.send_heartbeats, args=[int(parent)], daemon=True).start()
    serve(first, int(index), load)


if __name__ == "__main__":
    main(*sys.argv[1:])
