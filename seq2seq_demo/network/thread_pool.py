"""A thread pool that decodes one batch per core, while BLAS is limited to one thread."""

import collections
import contextlib
import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], n_threads: int | None = None
) -> Iterator[Result]:
    """Yield function(item) for each item, in order, computed by `n_threads` threads, by default one per core.

    At most 2 items per thread are read ahead. Threads help because NumPy releases Python's global lock.
    """
    from concurrent.futures import ThreadPoolExecutor

    n_threads = n_threads or os.cpu_count() or 1
    waiting: collections.deque[Callable[[], Result]] = collections.deque()
    with _one_blas_thread(), ThreadPoolExecutor(n_threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item).result)
                if len(waiting) > 2 * n_threads:
                    yield waiting.popleft()()
            while waiting:
                yield waiting.popleft()()
        finally:
            pool.shutdown(cancel_futures=True)  # after Ctrl-C, calls that have not started are dropped


def _one_blas_thread() -> contextlib.AbstractContextManager[object]:
    """Return a context where BLAS uses one thread.

    The network's matrices are so small that more threads gain nothing and, if a core is busy, spin for seconds.
    """
    if os.environ.get("OPENBLAS_NUM_THREADS") == "1":  # the command line sets it
        return contextlib.nullcontext()
    blas = _thread_pools().select(user_api="blas")
    with _LOCK:
        # If several callers overlap, the first to finish restores the number of threads.
        is_limited = all(pool.num_threads == 1 for pool in blas.lib_controllers)
        return contextlib.nullcontext() if is_limited else blas.limit(limits=1)


_LOCK = threading.Lock()
if hasattr(os, "register_at_fork"):  # not on Windows; prevents a forked process from waiting for a missing thread
    os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)


@functools.cache
def _thread_pools() -> Any:
    """Return the controller of NumPy's BLAS threads; it is cached because creating it takes a millisecond."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
