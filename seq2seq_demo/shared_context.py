"""A context that several threads are in at a time."""

import contextlib
import threading


class SharedContext(contextlib.AbstractContextManager[None]):
    """A context that the first thread to enter begins, and the last one to leave ends."""

    def __init__(self) -> None:
        """Begin when a thread enters."""
        self.lock, self.n_entered = threading.Lock(), 0

    def begin(self) -> None:
        """Change what all threads share."""

    def end(self) -> None:
        """Change it back."""

    def __enter__(self) -> None:
        """Enter, from any thread and any number of times."""
        with self.lock:
            if not self.n_entered:
                self.begin()
            self.n_entered += 1

    def __exit__(self, *_: object) -> None:
        """Leave."""
        with self.lock:
            self.n_entered -= 1
            if not self.n_entered:
                self.end()
