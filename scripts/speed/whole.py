"""The run time and peak memory of whole processes, and decoding speed within one process."""

import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from seq2seq_demo.config import MODELS, ModelConfig
from seq2seq_demo.data.sampling import random_sources
from seq2seq_demo.files.file_names import shipped_path
from seq2seq_demo.network.decoding import MAX_ROWS_AT_ONCE
from seq2seq_demo.network.thread_pool import in_threads
from seq2seq_demo.trained_network import untrained
from speed.measuring import seconds

PROGRAM = [sys.executable, "-m", "seq2seq_demo"]


def process_seconds(*argv: str, rounds: int) -> float:
    """Return the median seconds of the program, from its start to its end."""
    return statistics.median(
        seconds(lambda: subprocess.run([*PROGRAM, *argv], check=True, capture_output=True)) for _ in range(rounds)
    )


def write_sources(path: Path, shortest: int, longest: int) -> int:
    """Write 100,000 random sources of these lengths, one JSON array per line; return their number of symbols."""
    rng = random.Random(1)
    rows = [[rng.randrange(10) for _ in range(rng.randint(shortest, longest))] for _ in range(100_000)]
    path.write_text("".join(f"{row}\n" for row in rows))
    return sum(map(len, rows))


def whole_processes(rounds: int) -> list[list[str]]:
    """Return typical commands and their seconds."""
    weights = str(shipped_path("reversed", "embedding_attention"))
    digits = [str(digit) for digit in range(10)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sources.jsonl"
        write_sources(path, 10, 10)
        times = {
            "--help": process_seconds("--help", rounds=rounds),
            "predict 0 1 2 3 4 5 6 7 8 9": process_seconds("predict", "-i", weights, *digits, rounds=rounds),
            "predict, 100,000 sequences": process_seconds("predict", "-i", weights, "--from-file", str(path), rounds=3),
            "train 1000 -e 1": process_seconds("train", "1000", "-e", "1", "-o", f"{folder}/w", rounds=1),
        }
    return [[f"`{command}`", f"{time:.2f}"] for command, time in times.items()]


def mixed_lengths(rounds: int) -> list[list[str]]:
    """Return the seconds of `predict` on 100,000 sequences of length 10 and of lengths 1 to 20."""
    weights, times, costs = str(shipped_path("reversed", "embedding_attention")), [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sources.jsonl"
        for shortest, longest in ((10, 10), (1, 20)):
            n_symbols = write_sources(path, shortest, longest)
            times.append(process_seconds("predict", "-i", weights, "--from-file", str(path), rounds=rounds))
            costs.append(times[-1] / n_symbols)
    names = "length 10", "lengths 1 to 20", "ratio per symbol"
    return [[name, f"{value:.2f}"] for name, value in zip(names, [*times, costs[1] / costs[0]], strict=True)]


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


def peak_memory(points: int) -> list[list[str]]:
    """Return the peak memory of the first 25 seconds of a training run on `points` points, in MB."""
    argv = ["train", str(points), "-e", "1", "-m", "embedding_rnn", "--batch-size", "1024"]
    with tempfile.TemporaryDirectory() as folder:
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen([*PROGRAM, *argv, "-o", f"{folder}/w", "--data-dir", folder], **silent)
        time.sleep(25)
        status = Path(f"/proc/{process.pid}/status").read_text()
        process.terminate()
        process.wait()
    megabytes = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) // 1024
    return [[f"`{' '.join(argv)}`", f"{megabytes:,}"]]
