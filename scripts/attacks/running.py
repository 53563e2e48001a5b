"""Helpers of the attacks: run the program as a process, and run cases in parallel with limited time and memory."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
PROGRAM = [sys.executable, "-m", "seq2seq_demo"]
SMALL = ["--cell-size", "7", "--embedding-size", "5", "--in-len", "4", "--out-len", "3"]
TRAIN = ["train", "20000", "-p", "reversed", "-m", "embedding_attention", "--batch-size", "16", *SMALL]
SECONDS, MEMORY = 10, 4 * 2**30  # limits for one hostile input; memory in bytes
LIMIT = 90  # seconds for one case that starts processes
Case = tuple[str, Callable[[], None]]  # a name, and a function that raises an exception on failure


def run(folder: Path, *argv: str, prefix: Iterable[str] = ()) -> subprocess.Popen:
    """Start the program in `folder`."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*prefix, *PROGRAM, *argv], cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True, errors="replace"
    )


def run_cases(cases: list[Case]) -> tuple[int, list[str]]:
    """Run cases, two at a time; return their number and a line for each failure."""

    def attempt(case: Case) -> str | None:
        try:
            case[1]()
        except Exception as error:
            return f"{case[0]}: {type(error).__name__}: {error}"
        return None

    with ThreadPoolExecutor(2) as pool:
        return len(cases), [broken for broken in pool.map(attempt, cases) if broken]


def run_guarded(n: int, attempt: Callable[[int], None]) -> tuple[int, list[str]]:
    """Call `attempt` on 0 to n - 1 in two processes with limited time and memory; return n and a line per failure."""
    halves = [list(range(first, n, 2)) for first in (0, 1)]
    with ThreadPoolExecutor(2) as pool:
        return n, [line for lines in pool.map(lambda half: _run_half(half, attempt), halves) for line in lines]


def _run_half(numbers: list[int], attempt: Callable[[int], None]) -> list[str]:
    broken: list[str] = []
    while numbers:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY + 2 * 2**30, MEMORY + 2 * 2**30))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            for number in numbers:
                signal.alarm(SECONDS)
                try:
                    attempt(number)
                    line = ""
                except BaseException as error:
                    line = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                os.write(writing, f"{number} {line}\n".encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            lines = pipe.read().splitlines()
        _, status = os.waitpid(pid, 0)
        broken += [line for line in lines if line.partition(" ")[2]]
        if len(lines) < len(numbers):
            broken.append(f"{numbers[len(lines)]}: ended with wait status {status}")
        numbers = numbers[len(lines) + 1 :]
    return broken
