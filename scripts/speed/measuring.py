"""Clocks, turns, processes of their own, and what the machine is."""

import multiprocessing
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any


def seconds(function: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def in_turns(functions: Sequence[Callable[[], Any]], rounds: int) -> tuple[list[float], list[float]]:
    """Return of each function the seconds of its first call, and the median of those of the rounds that follow."""
    first = [seconds(function) for function in functions]
    times = [[seconds(function) for function in functions] for _ in range(rounds)]
    return first, [statistics.median(column) for column in zip(*times, strict=True)]


def alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function returns in a process of its own, which sets its own threads; say so on stderr."""
    print(f"{function.__name__} {' '.join(map(str, arguments))}"[:160], file=sys.stderr, flush=True)
    with multiprocessing.get_context("spawn").Pool(1, _be_quiet, maxtasksperchild=1) as pool:
        return pool.apply(function, arguments)


def _be_quiet() -> None:
    warnings.simplefilter("ignore")  # Keras warns of a data set whose size it does not know
