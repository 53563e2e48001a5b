"""A context manager that several threads can be inside at the same time."""

import contextlib
import os
import threading


class _Depth(threading.local):
    """The number of times that this thread has entered and not yet exited."""

    n = 0


class SharedContext(contextlib.AbstractContextManager[None]):
    """Calls `begin` when the first thread enters, and `end` when the last thread exits. Threads may enter repeatedly.

    In a forked process, only the thread that forked remains inside. A context lives as long as the process.
    """

    def __init__(self) -> None:
        self.lock, self.n_entered, self.depth = threading.Lock(), 0, _Depth()
        if hasattr(os, "register_at_fork"):  # Windows has no fork
            os.register_at_fork(after_in_child=self._drop_other_threads)

    def begin(self) -> None:
        """Change the state that all threads share."""

    def end(self) -> None:
        """Restore the shared state."""

    def __enter__(self) -> None:
        with self.lock:
            if not self.n_entered:
                self.begin()
            self.n_entered += 1
        self.depth.n += 1

    def __exit__(self, *_: object) -> None:
        self.depth.n -= 1
        with self.lock:
            self.n_entered -= 1
            if not self.n_entered:
                self.end()

    def _drop_other_threads(self) -> None:
        was_begun, self.lock, self.n_entered = self.n_entered > 0, threading.Lock(), max(0, self.depth.n)
        if was_begun and not self.n_entered:
            self.end()
