"""The recording of a training: the weights at some of its steps, as float16, in a file beside the weights.

The file is a container as a weights file is: `steps` `[N]`, and every weight by its name with N rows. What it says of
itself is the model, the steps of an epoch, and a checksum of the weights that the training saved. A snapshot holds the
same arrays, so that a resumed training continues its recording.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.declarations import require_integer
from seq2seq_demo.errors import Seq2SeqError, WeightsError, require
from seq2seq_demo.files import atomic_files, container
from seq2seq_demo.files.container import Container
from seq2seq_demo.files.file_names import recording_path
from seq2seq_demo.files.typed_json import parse_object, typed
from seq2seq_demo.network.parameters import Weights, weight_shapes

KIND, STEPS = "recording", "steps"
EXPECTED_FILE = "the recording of a training"
LARGEST_FLOAT16 = 65504.0


@dataclass(frozen=True, eq=False)
class Recording:
    """The weights of a network at some steps of its training, counted from where that began, 0, on."""

    steps_per_epoch: int
    steps: tuple[int, ...]  # rising, from 0 on
    weights: tuple[Weights, ...]  # float16, at each of these steps

    @property
    def epochs(self) -> tuple[float, ...]:
        """How many epochs were done at each step."""
        return tuple(step / self.steps_per_epoch for step in self.steps)

    def with_step(self, step: int, weights: Weights) -> Recording:
        """Return the recording with the weights at a later step."""
        return Recording(self.steps_per_epoch, (*self.steps, step), (*self.weights, halved(weights)))


@dataclass(frozen=True)
class Facts:
    """What the file says of its training."""

    steps_per_epoch: int
    saved: str  # the checksum of the weights that it saved


def halved(weights: Weights) -> Weights:
    """Return weights as float16; those beyond its range become the largest or smallest there is."""
    return {name: np.clip(w, -LARGEST_FLOAT16, LARGEST_FLOAT16).astype(np.float16) for name, w in weights.items()}


def recording_of(weights_path: str | os.PathLike[str], weights: Weights) -> Recording | None:
    """Return the recording beside a weights file, which holds these weights; None if there is none.

    Raises:
        WeightsError: it is damaged, something else, or the recording of another training.
    """
    path = recording_path(Path(weights_path))
    if not os.path.lexists(path):
        return None
    recording, facts = _read(path)
    is_its_own = facts.saved == checksum(weights)
    require(is_its_own, f"{path}: expected the recording of the training of {weights_path}, got that of another")
    return recording


def read_recording(path: str | os.PathLike[str]) -> Recording:
    """Read a recording, of whatever training.

    Raises:
        WeightsError: it is missing, damaged or something else.
    """
    return _read(Path(path))[0]


def checksum(weights: Weights) -> str:
    """Return what identifies weights."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(f"{name} {weights[name].shape}\n".encode() + weights[name].astype("<f4").tobytes())
    return digest.hexdigest()


def to_bytes(recording: Recording, model_config: ModelConfig, saved: Weights) -> bytes:
    """Return the content of the file that lies beside these weights."""
    facts = Facts(recording.steps_per_epoch, checksum(saved))
    texts = {"kind": KIND, "model": json.dumps(asdict(model_config)), KIND: json.dumps(asdict(facts))}
    return container.to_bytes(to_arrays(recording), texts)


def check_place(path: Path, overwrite: bool) -> None:
    """Raise WeightsError unless a recording can be written there; it replaces nothing but one, if `overwrite`."""
    expected = f"{path}: expected a place for a recording"
    atomic_files.check_writable(path, "a recording", WeightsError)
    if not os.path.lexists(path):
        return
    require(overwrite, f"{expected}, found a file")
    try:
        read_recording(path)
    except Seq2SeqError as error:
        raise WeightsError(f"{expected}, found another kind of file, or a damaged one") from error


def write(path: Path, content: bytes, overwrite: bool) -> None:
    """Write a recording, whole or not at all.

    Raises:
        WeightsError: it could not be written, or something else is there.
    """
    check_place(path, overwrite)
    atomic_files.write(path, content, overwrite, WeightsError)


def to_arrays(recording: Recording, prefix: str = "") -> Weights:
    """Return steps and weights by the names, with a prefix, that they have in a container."""
    arrays = {f"{prefix}{name}": np.stack([w[name] for w in recording.weights]) for name in recording.weights[0]}
    return {f"{prefix}{STEPS}": np.array(recording.steps, np.int64), **arrays}


def from_container(file: Container, model_config: ModelConfig, steps_per_epoch: int, prefix: str = "") -> Recording:
    """Return the objects that `to_arrays` wrote as these arrays.

    Raises:
        WeightsError: one is missing or of another shape, or the values cannot be.
    """
    dataset = file.datasets.get(f"{prefix}{STEPS}")
    N = dataset.shape[0] if dataset and dataset.shape else 0
    steps = tuple(file.array(f"{prefix}{STEPS}", (N,), "int64").tolist())
    is_rising = steps[:1] == (0,) and all(a < b for a, b in itertools.pairwise(steps))
    require(is_rising, f"expected rising steps from 0 on, got {str(steps)[:40]}")
    weights: list[Weights] = [{} for _ in steps]
    for name, shape in weight_shapes(model_config).items():
        array = file.array(f"{prefix}{name}", (N, *shape), "float16")
        require(bool(np.isfinite(array).all()), f"expected finite weights, got others in {name!r}")
        for n in range(N):
            weights[n][name] = array[n]
    return Recording(steps_per_epoch, steps, tuple(weights))


def _read(path: Path) -> tuple[Recording, Facts]:
    content = atomic_files.read(path, EXPECTED_FILE, WeightsError)
    try:
        return _from_bytes(content)
    except Seq2SeqError as error:
        raise WeightsError(f"{path}: {error}") from error


def _from_bytes(content: bytes) -> tuple[Recording, Facts]:
    require(container.is_container(content), f"expected {EXPECTED_FILE}, found something else")
    file = container.read(content)
    require(file.texts.get("kind") == KIND, f"expected {EXPECTED_FILE}, found a weights file")
    has_all = file.texts.keys() == {"format", "kind", "model", KIND}
    require(has_all, f"expected the attributes format, kind, model, {KIND}, got {sorted(file.texts)}"[:200])
    model_config = typed(ModelConfig, parse_object(file.texts["model"]))
    facts = typed(Facts, parse_object(file.texts[KIND]))
    require_integer("steps_per_epoch", facts.steps_per_epoch, at_least=1)
    recording = from_container(file, model_config, facts.steps_per_epoch)
    file.require_no_more()
    return recording, facts
