"""The run time of whole processes, and decoding speed within one process."""

import contextlib
import os
import pty
import random
import re
import statistics
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from seq2seq_demo.config import MODELS, ModelConfig
from seq2seq_demo.data.sampling import random_sources
from seq2seq_demo.files.file_names import shipped_path
from seq2seq_demo.network.decoding import MAX_ROWS_AT_ONCE
from seq2seq_demo.network.thread_pool import in_threads
from seq2seq_demo.trained.trained_network import untrained
from speed.measuring import seconds

PROGRAM = [sys.executable, "-m", "seq2seq_demo"]
CACHES = "no cache", "empty cache", "filled cache"


def process_seconds(*argv: str, rounds: int = 1, cache: str = "") -> float:
    """Return the median run time of the program in seconds; the program keeps compiled programs in `cache`."""
    command, options = [*PROGRAM, *argv], {"capture_output": True, "env": os.environ | {"SEQ2SEQ_DEMO_CACHE": cache}}
    return statistics.median(seconds(lambda: subprocess.run(command, check=True, **options)) for _ in range(rounds))


def whole_processes(rounds: int) -> list[list[str]]:
    """Return typical commands and their run times in seconds."""
    weights = str(shipped_path("reversed", "embedding_attention"))
    digits = [str(digit) for digit in range(10)]
    with tempfile.TemporaryDirectory() as folder:
        times = {
            "--help": process_seconds("--help", rounds=rounds),
            "predict 0 1 2 3 4 5 6 7 8 9": process_seconds("predict", "-i", weights, *digits, rounds=rounds),
            "train 1000 -e 1": process_seconds("train", "1000", "-e", "1", "-o", f"{folder}/w"),
        }
    return [[f"`{command}`", f"{time:.2f}"] for command, time in times.items()]


def first_loss(rounds: int) -> list[list[str]]:
    """Return the seconds from the start of `train` on pairs to its first loss, with each of CACHES."""
    with tempfile.TemporaryDirectory() as folder:
        argv = ["train", "--from-file", write_pairs(folder)]
        return with_caches(lambda cache: [seconds_to_loss(argv, cache)], rounds)


def write_pairs(folder: str) -> str:
    """Write 5,000 random words, each with its letters reversed in capitals, to a file; return its path."""
    rng, path = random.Random(1), Path(folder, "pairs.tsv")
    words = ["".join(rng.choices(string.ascii_lowercase, k=rng.randint(4, 6))) for _ in range(5000)]
    path.write_text("".join(f"{word}\t{word[::-1].upper()}\n" for word in words))
    return str(path)


def with_caches(measure: Callable[[str], Sequence[float]], rounds: int) -> list[list[str]]:
    """Measure in turn without a cache, with an empty cache and with the filled one; return a table row for each.

    `measure` takes the folder of the cache, "" for none, and returns numbers. The rows contain medians.
    """
    measured = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as cache:
            measured.append([measure(folder) for folder in ("", cache, cache)])
    medians = np.median(measured, axis=0)
    return [[name, *(f"{median:.2f}" for median in row)] for name, row in zip(CACHES, medians, strict=True)]


def seconds_to_loss(argv: Sequence[str], cache: str) -> float:
    """Return the seconds from the start of a training run to the first loss in its progress bar; then end the run.

    Raises:
        RuntimeError: the run printed no loss.
    """
    terminal, tty = pty.openpty()  # there is no progress bar without a terminal
    took, output, streams = 0.0, b"", dict.fromkeys(("stdin", "stdout", "stderr"), tty)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        command = [*PROGRAM, *argv, "-o", f"{folder}/w"]
        environment = os.environ | {"SEQ2SEQ_DEMO_CACHE": cache, "COLUMNS": "120"}
        with subprocess.Popen(command, env=environment, **streams) as process:
            os.close(tty)
            with contextlib.suppress(OSError):  # Linux raises it when the other end is closed
                while part := os.read(terminal, 65536):
                    output += part
                    if not took and re.search(rb"loss \d", output):
                        took = time.perf_counter() - start
                        process.terminate()  # it keeps its compiled programs when it ends
    os.close(terminal)
    if not took:
        raise RuntimeError(f"expected a loss, got {output.decode()}")
    return took


def decoding_speed() -> list[list[str]]:
    """Return the sequences of length 10 that NumPy decodes per second, by model."""
    sources = random_sources(np.random.default_rng(1), 50_000, 10, 9)
    chunks = [sources[k : k + MAX_ROWS_AT_ONCE] for k in range(0, len(sources), MAX_ROWS_AT_ONCE)]
    networks = {name: untrained(ModelConfig(name), 0).to_numpy() for name in reversed(MODELS)}
    times = {
        name: seconds(lambda n=network: list(in_threads(lambda chunk: n.decode(chunk, 10), chunks)))
        for name, network in networks.items()
    }
    return [[name, f"{len(sources) / time:,.0f}"] for name, time in times.items()]
