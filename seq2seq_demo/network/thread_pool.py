"""Batches decoded side by side, one a core; within each, BLAS gets one thread."""

import collections
import contextlib
import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from seq2seq_demo.shared_context import SharedContext

MAX_ROWS_AT_ONCE = 1000  # rows decoded at once: what a step touches then fits the cache
MAX_ATTENTION_WEIGHTS = 10_000_000  # attention weights of a chunk: long sequences are decoded a few at once

Item = TypeVar("Item")
Result = TypeVar("Result")


def rows_at_once(in_len: int, out_len: int) -> int:
    """Return how many sequences of these lengths are best decoded at once."""
    return max(1, min(MAX_ROWS_AT_ONCE, MAX_ATTENTION_WEIGHTS // (in_len * out_len)))


def in_threads(function: Callable[[Item], Result], items: Iterable[Item | None]) -> Iterator[Result]:
    """Yield function(item) in order, a core for each: NumPy lets go of Python's lock. Reads only a few items ahead.

    None among the items means flush: all results so far are yielded before the next item is read. An error that
    `items` raises is raised after the results of the items before it.
    """
    from concurrent.futures import Future, ThreadPoolExecutor

    cores = os.cpu_count() or 1
    waiting: collections.deque[Future[Result]] = collections.deque()
    failure = None
    iterator = iter(items)
    with _one_blas_thread(), ThreadPoolExecutor(cores) as pool:
        try:
            while failure is None:
                try:
                    item = next(iterator)
                except Exception as error:  # StopIteration is the end
                    item, failure = None, error
                if item is not None:
                    waiting.append(pool.submit(function, item))
                while len(waiting) > (0 if item is None else 2 * cores):
                    yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)  # after Ctrl-C, what has not begun is left
    if not isinstance(failure, StopIteration):
        raise failure


def _one_blas_thread() -> contextlib.AbstractContextManager[None]:
    """Return what limits BLAS, where the environment did not do so when NumPy was loaded, as the command line does."""
    return contextlib.nullcontext() if os.environ.get("OPENBLAS_NUM_THREADS") == "1" else _ONE_BLAS_THREAD


class _OneBlasThread(SharedContext):
    """While anybody has entered, BLAS has one thread.

    On matrices this small more threads gain nothing, and where a core is busy they spin for seconds.
    """

    def begin(self) -> None:
        _in_a_thread(self._limit)

    def end(self) -> None:
        _in_a_thread(self.limits.restore_original_limits)

    def _limit(self) -> None:
        self.limits = _thread_pools().limit(limits=1, user_api="blas")


def _in_a_thread(function: Callable[[], None]) -> None:
    """Run it in a thread that ends: as long as one lives that set a limit, threadpoolctl lets no other change it."""
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


@functools.cache
def _thread_pools() -> Any:
    """Return what sets the threads of the BLAS that NumPy loaded; to find it takes a millisecond."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


_ONE_BLAS_THREAD = _OneBlasThread()
