"""A context manager that several threads can be inside at the same time."""

import contextlib
import threading


class SharedContext(contextlib.AbstractContextManager[None]):
    """Calls `begin` when the first thread enters and `end` when the last one exits; threads may enter repeatedly."""

    def __init__(self) -> None:
        self.lock, self.n_entered = threading.Lock(), 0

    def begin(self) -> None:
        """Change the state that all threads share."""

    def end(self) -> None:
        """Restore the shared state."""

    def __enter__(self) -> None:
        with self.lock:
            if not self.n_entered:
                self.begin()
            self.n_entered += 1

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.n_entered -= 1
            if not self.n_entered:
                self.end()
