"""Timing helpers: clocks, alternating rounds, and new processes."""

import multiprocessing
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any


def seconds(function: Callable[[], Any]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def time_in_turns(functions: Sequence[Callable[[], Any]], rounds: int) -> tuple[list[float], list[float]]:
    """Call the functions in turn; return each one's seconds in the first call, and its median in the later rounds."""
    first = [seconds(function) for function in functions]
    times = [[seconds(function) for function in functions] for _ in range(rounds)]
    return first, [statistics.median(column) for column in zip(*times, strict=True)]


def in_new_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a new process, so that it can choose the number of threads; log the call on stderr."""
    print(f"{function.__name__} {' '.join(map(str, arguments))}"[:160], file=sys.stderr, flush=True)
    with multiprocessing.get_context("spawn").Pool(1, _ignore_warnings, maxtasksperchild=1) as pool:
        return pool.apply(function, arguments)


def _ignore_warnings() -> None:
    warnings.simplefilter("ignore")  # Keras warns about data sets of unknown size
