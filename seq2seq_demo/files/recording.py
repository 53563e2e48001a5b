"""Recordings: the weights of a network at N steps of its training, as float16, in a file beside the weights.

Like a weights file, the file is a container. Its arrays are `steps` `[N]`, and every weight by name, with a first axis
of N. Its JSON contains the steps per epoch and a checksum of the weights in the weights file. A snapshot
contains the same arrays, so that a resumed run continues its recording.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from seq2seq_demo.declarations import require_integer
from seq2seq_demo.errors import Seq2SeqError, WeightsError, require
from seq2seq_demo.files import atomic_files, container
from seq2seq_demo.files.container import RECORDING, Container
from seq2seq_demo.files.file_names import recording_path
from seq2seq_demo.files.typed_json import parse, parse_json
from seq2seq_demo.network.parameters import Weights

STEPS = "steps"
EXPECTED_FILE = "a training recording"
LARGEST_FLOAT16 = 65504.0
MAX_STEPS = 200  # the longest training run records fewer


@dataclass(frozen=True, eq=False)
class Recording:
    """The weights of a network at some steps of its training run, counted from the start of the run."""

    steps_per_epoch: int
    steps: tuple[int, ...]  # ascending from 0
    weights: tuple[Weights, ...]  # float16, one for each step

    @property
    def epochs(self) -> tuple[float, ...]:
        """The recorded steps, converted to epochs."""
        return tuple(step / self.steps_per_epoch for step in self.steps)

    def with_step(self, step: int, weights: Weights) -> Recording:
        """Return a copy to which the weights of a later step are appended."""
        return Recording(self.steps_per_epoch, (*self.steps, step), (*self.weights, to_float16(weights)))


@dataclass(frozen=True)
class RunInfo:
    """The metadata of a recording file; the field names are its JSON keys."""

    steps_per_epoch: int
    saved: str  # the checksum of the weights that the run saved


def to_float16(weights: Weights) -> Weights:
    """Return the weights as float16, clipped to its range."""
    return {name: np.clip(w, -LARGEST_FLOAT16, LARGEST_FLOAT16).astype(np.float16) for name, w in weights.items()}


def find_recording(weights_path: str | os.PathLike[str], weights: Weights) -> Recording | None:
    """Return the recording that belongs to a weights file with these weights; None if there is no recording.

    Raises:
        WeightsError: the recording is damaged, belongs to other weights, or is something else.
    """
    path = recording_path(Path(weights_path))
    if not os.path.lexists(path):
        return None
    content = atomic_files.read(path, EXPECTED_FILE)
    try:
        file = container.read(content, EXPECTED_FILE)
        require(file.kind == RECORDING, f"expected {EXPECTED_FILE}, found a weights file")
        info = parse(RunInfo, parse_json(file.texts.get(RECORDING, "")), RECORDING)
        require_integer("steps_per_epoch", info.steps_per_epoch, at_least=1)
        belongs = info.saved == weights_checksum(weights)
        require(belongs, f"expected the recording of {weights_path}, got the recording of another training run")
        recording = from_container(file, weights, info.steps_per_epoch)
        file.require_all_read()
    except Seq2SeqError as error:
        raise WeightsError(f"{path}: {error}") from error
    return recording


def weights_checksum(weights: Weights) -> str:
    """Return a SHA-256 checksum of the weights' names, shapes and values."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(f"{name} {weights[name].shape}\n".encode() + weights[name].astype("<f4").tobytes())
    return digest.hexdigest()


def to_bytes(recording: Recording, saved: Weights) -> bytes:
    """Return the content of the recording file that belongs to a weights file with the weights `saved`."""
    info = RunInfo(recording.steps_per_epoch, weights_checksum(saved))
    return container.to_bytes(RECORDING, to_arrays(recording), {RECORDING: json.dumps(asdict(info))})


def check_destination(path: Path, overwrite: bool, force: bool | None = None) -> None:
    """Raise WeightsError unless the path is free, or `overwrite` is True and it holds a recording."""
    require(overwrite or not os.path.lexists(path), f"{path}: expected a place for a recording, found a file")
    atomic_files.check_replaceable(path, "a recording", force, WeightsError)


def to_arrays(recording: Recording, prefix: str = "") -> Weights:
    """Return the arrays of a container that holds this recording, with a prefix before each name."""
    arrays = {f"{prefix}{name}": np.stack([w[name] for w in recording.weights]) for name in recording.weights[0]}
    return {f"{prefix}{STEPS}": np.array(recording.steps, np.int64), **arrays}


def from_container(file: Container, saved: Weights, steps_per_epoch: int, prefix: str = "") -> Recording:
    """Read a recording from a container: the inverse of `to_arrays`. Its weights have the shapes of `saved`.

    Raises:
        WeightsError: an array is missing, or has the wrong shape or impossible values.
    """
    dataset = file.datasets.get(f"{prefix}{STEPS}")
    N = dataset.shape[0] if dataset and dataset.shape else 0
    require(N <= MAX_STEPS, f"expected at most {MAX_STEPS} steps, got {N}")
    steps = tuple(file.array(f"{prefix}{STEPS}", (N,), "int64").tolist())
    is_ascending = steps[:1] == (0,) and all(a < b for a, b in itertools.pairwise(steps))
    require(is_ascending, f"expected ascending steps from 0, got {str(steps)[:40]}")
    weights: list[Weights] = [{} for _ in steps]
    for name, weight in saved.items():
        array = file.array(f"{prefix}{name}", (N, *weight.shape), "float16")
        require(bool(np.isfinite(array).all()), f"expected finite weights, got others in {name!r}")
        for n in range(N):
            weights[n][name] = array[n]
    return Recording(steps_per_epoch, steps, tuple(weights))
