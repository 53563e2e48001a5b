"""The run time of whole processes, and decoding speed within one process."""

import statistics
import subprocess
import sys
import tempfile

import numpy as np

from seq2seq_demo.config import MODELS, ModelConfig
from seq2seq_demo.data.sampling import random_sources
from seq2seq_demo.files.file_names import shipped_path
from seq2seq_demo.network.decoding import MAX_ROWS_AT_ONCE
from seq2seq_demo.network.thread_pool import in_threads
from seq2seq_demo.trained.trained_network import untrained
from speed.measuring import seconds

PROGRAM = [sys.executable, "-m", "seq2seq_demo"]


def process_seconds(*argv: str, rounds: int = 1) -> float:
    """Return the median run time of the program in seconds."""
    command = [*PROGRAM, *argv]
    return statistics.median(
        seconds(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(rounds)
    )


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
