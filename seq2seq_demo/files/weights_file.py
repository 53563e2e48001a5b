"""Weights files: a network with its origin, or a snapshot of a training run, as a container of arrays and JSON.

The JSON has the form of the dataclasses in `stored_network.py`: a list of the networks of an ensemble, their
vocabularies and, in a snapshot, the progress of the training. `upgrade` converts files of earlier versions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq_demo.config import INTEGERS, ModelConfig
from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary
from seq2seq_demo.declarations import require_integer
from seq2seq_demo.errors import Seq2SeqError, WeightsError, require
from seq2seq_demo.files import atomic_files, container, recording
from seq2seq_demo.files.container import RECORDING, SNAPSHOT, WEIGHTS, Container
from seq2seq_demo.files.file_names import recording_path
from seq2seq_demo.files.stored_network import (
    LENGTHS,
    METADATA,
    Checkpoint,
    Progress,
    Snapshot,
    StoredNetwork,
    check_members,
)
from seq2seq_demo.files.typed_json import parse, parse_fields, parse_json, require_type
from seq2seq_demo.network.names_2016 import MAGIC, from_2016, read_checkpoint
from seq2seq_demo.network.parameters import check_weights, weight_shapes

MAX_STEP = 2**53  # float64 represents every integer up to this value exactly
BEST, RECORDED = "best/", "recorded/"  # prefixes of array names in a snapshot
REMOVED_SETTINGS = ("copies", "n_copies", "name", "output", "processes")  # settings of versions 1 to 4
MEMBER = "members/{}/"  # prefix of the array names of each network but the first, counted from 0


# ---- Writing ----


def write(network: StoredNetwork, path: Path, overwrite: bool, force: bool | None = None) -> None:
    """Write a network atomically and, if it has a recording, the recording beside it.

    With `overwrite`, files of this program may be replaced, and with `force` any file.

    Raises:
        WeightsError: `read` would refuse the file, or a file could not be written or must not be replaced.
        FileExistsError: the path exists and `overwrite` is False.
    """
    if overwrite:
        atomic_files.check_replaceable(path, "a weights file", force, WeightsError)
    if network.recording:
        recording.check_destination(recording_path(path), overwrite, force)
    atomic_files.write(path, to_bytes(network), overwrite, WeightsError)
    if network.recording:
        beside = recording.to_bytes(network.recording, network.weights)
        atomic_files.write(recording_path(path), beside, overwrite, WeightsError)


def to_bytes(stored: StoredNetwork | Snapshot[StoredNetwork]) -> bytes:
    """Return the content of a weights file; equal networks give equal bytes.

    Raises:
        WeightsError: `read` would refuse the content, for example because a weight is missing or not finite.
    """
    snapshot = stored if isinstance(stored, Snapshot) else None
    networks = (stored.network,) if isinstance(stored, Snapshot) else stored.networks
    first = networks[0]
    arrays: dict[str, Any] = {}
    for network, prefix in zip(networks, _prefixes(len(networks)), strict=True):
        arrays |= _arrays(Checkpoint(network.weights, network.step, network.moments), prefix)
    metadata: dict[str, Any] = {
        "networks": [{name: getattr(network, name) for name in METADATA} for network in networks],
        "vocabularies": first.vocabularies._asdict(),
    }
    if snapshot:
        metadata["progress"] = snapshot.progress
        arrays |= _arrays(snapshot.best, BEST) if snapshot.best else {}
        arrays |= recording.to_arrays(first.recording, RECORDED) if first.recording else {}
    texts = {name: json.dumps(value, default=asdict) for name, value in metadata.items()}
    content = container.to_bytes(SNAPSHOT if snapshot else WEIGHTS, arrays, texts)
    _from_bytes(content)
    return content


def _prefixes(n: int) -> list[str]:
    """Return the prefixes of the array names of n networks."""
    return ["", *map(MEMBER.format, range(n - 1))]


def _arrays(checkpoint: Checkpoint, prefix: str) -> dict[str, Any]:
    """Return weights, step and moments by their names in a file."""
    adam = {"step": np.int64(checkpoint.step), **checkpoint.moments}
    arrays = checkpoint.weights | {f"optimizer/{name}": array for name, array in adam.items()}
    return {f"{prefix}{name}": array for name, array in arrays.items()}


# ---- Reading ----


def read(path: Path) -> Snapshot[StoredNetwork] | StoredNetwork:
    """Read a network, a snapshot, or a checkpoint of the 2016 program.

    Raises:
        WeightsError: the file is missing, damaged or of another kind.
    """
    content = atomic_files.read(path, "a weights file", WeightsError)
    try:
        if not content.endswith(MAGIC):
            return _from_bytes(content)
        network = from_2016(read_checkpoint(content))
    except Seq2SeqError as error:
        raise WeightsError(f"{path}: {error}") from error
    return StoredNetwork(**network._asdict(), program="TFLearnSeq2Seq")  # 2016 recorded neither task nor lengths


def _from_bytes(content: bytes) -> Snapshot[StoredNetwork] | StoredNetwork:
    file = container.read(content)
    require(file.kind != RECORDING, "expected a weights file, got a training recording")
    try:
        networks, progress = parse_metadata(_metadata(file))
    except WeightsError as error:
        raise WeightsError(f"damaged weights file: {error}") from error
    networks = [
        replace(each, **_checkpoint(file, each.model_config, prefix)._asdict())
        for each, prefix in zip(networks, _prefixes(len(networks)), strict=True)
    ]
    _check_metadata(networks, progress)
    stored: Snapshot[StoredNetwork] | StoredNetwork = replace(networks[0], members=tuple(networks[1:]))
    if progress:
        first = networks[0]
        if first.trained and _has(file, RECORDED):
            n = first.trained.config.steps_per_epoch
            networks[0] = replace(first, recording=recording.from_container(file, first.weights, n, RECORDED))
        best = _checkpoint(file, first.model_config, BEST) if _has(file, BEST) else None
        stored = Snapshot(networks[0], progress, best)
    if file.version == container.VERSION:
        file.require_all_read()
    return stored


def _has(file: Container, prefix: str) -> bool:
    """Whether the name of an array begins with a prefix."""
    return any(name.startswith(prefix) for name in file.datasets)


def _checkpoint(file: Container, model_config: ModelConfig, prefix: str) -> Checkpoint:
    """Read the checkpoint whose array names have this prefix."""
    shapes = weight_shapes(model_config)
    has_moments = _has(file, f"{prefix}optimizer/m/")
    moment_shapes = {f"{m}/{name}": shape for m in "mv" * has_moments for name, shape in shapes.items()}
    weights = {name: file.array(f"{prefix}{name}", shape) for name, shape in shapes.items()}
    moments = {name: file.array(f"{prefix}optimizer/{name}", shape) for name, shape in moment_shapes.items()}
    step = int(file.array(f"{prefix}optimizer/step", (), "int64"))
    require_integer("step", step, at_least=0, at_most=MAX_STEP)
    check_weights(weights, moments)
    return Checkpoint(weights, step, moments)


def _metadata(file: Container) -> dict[str, Any]:
    """Return the JSON of a file in the form of the current version."""
    metadata = {name: parse_json(text) for name, text in file.texts.items()}
    if file.version == container.VERSION:
        return metadata
    try:
        return upgrade(file.version, metadata)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"expected the metadata of version {file.version}, got something else") from error


def parse_metadata(metadata: Mapping[str, Any]) -> tuple[list[StoredNetwork], Progress | None]:
    """Return the networks without weights and, for a snapshot, its progress.

    Raises:
        WeightsError: a value is missing, or has the wrong type.
        UsageError: a setting is out of its range, or the networks cannot form an ensemble.
    """
    names = {"networks", "vocabularies"}
    require(metadata.keys() - {"progress"} == names, f"expected networks, vocabularies, got {sorted(metadata)}"[:200])
    sides = require_type("vocabularies", metadata["vocabularies"], dict)
    require(sides.keys() == {*Vocabularies._fields}, f"expected source, target, got {sorted(sides)}"[:200])
    vocabularies = Vocabularies(*(parse(Vocabulary, sides[name], name) for name in Vocabularies._fields))
    listed = require_type("networks", metadata["networks"], list)
    require(bool(listed), "expected at least one network, got none")
    facts = [parse_fields(StoredNetwork, each, "network", METADATA) for each in listed]
    networks = [StoredNetwork(**each, weights={}, vocabularies=vocabularies) for each in facts]
    check_members(networks)
    progress = parse(Progress, metadata["progress"], "progress") if "progress" in metadata else None
    return networks, progress


def _check_metadata(networks: Sequence[StoredNetwork], progress: Progress | None) -> None:
    """Raise an error unless the values of each network, its vocabularies and the progress are possible."""
    for network in networks:
        for name in LENGTHS:
            if (length := getattr(network, name)) is not None:
                require_integer(name, length, at_least=1)
        shortest, longest = network.min_in_len or 0, network.in_len or 0
        require(shortest <= longest, f"expected lengths from shortest to longest, got {shortest} to {longest}")
        if network.trained:
            require_integer("start_step", network.trained.start_step, at_least=0)
        temperature = network.temperature
        require(temperature is None or temperature > 0, f"expected a temperature above 0, got {temperature}")
        require_integer("moments_since", network.moments_since, at_least=0, at_most=network.step)
    first, run = networks[0], networks[0].trained
    for name, largest in first.vocabularies.largest_symbols().items():
        expected = getattr(first.model_config, name)
        require(expected == largest, f"expected a vocabulary for {name} {expected}, got one for {largest}")
    fits = first.ends or not first.vocabularies.are_text
    require(fits, "expected a network of texts to end its answers, got one that does not")
    if progress is None:
        return
    require(run is not None, "expected a snapshot to record its training run, got none")
    assert run
    require(len(networks) == 1, f"expected a snapshot of one network, got {len(networks)}")
    epochs, n_completed = run.config.epochs, len(progress.history)
    is_possible = 0 <= progress.epoch == n_completed and 0 <= progress.points <= run.config.n_training
    is_possible &= progress.seconds >= 0 and (n_completed <= epochs or run.config.budget is not None)
    got = f"{progress.points} points of epoch {progress.epoch}, after {n_completed} completed epochs"
    require(is_possible, f"expected progress within {epochs} epochs, got {got}")


# ---- Earlier versions ----


def upgrade(version: int, metadata: dict[str, Any]) -> dict[str, Any]:
    """Convert the metadata of versions 1 to 4 to the form of version 5. A snapshot before 4 becomes its network.

    Raises:
        AttributeError, KeyError, TypeError or ValueError: the metadata has another form.
    """
    if version < 4:
        training, integers = metadata["training"], {"tokens": INTEGERS}
        members = [(each["model"], each["training"]) for each in training.pop("members", ())]
        metadata = {
            "networks": [_network_of_version_4(version, *each) for each in [(metadata["model"], training), *members]],
            "vocabularies": metadata.get("vocabularies", {"source": integers, "target": integers}),
        }
    for network in metadata["networks"]:
        network.pop("earlier", None)
        for name in REMOVED_SETTINGS if network["trained"] else ():
            network["trained"]["config"].pop(name, None)
    return metadata


def _network_of_version_4(version: int, model: dict[str, Any], training: dict[str, Any]) -> dict[str, Any]:
    """Convert a network of versions 1 to 3."""
    run, task = training.pop("trained"), training.pop("pattern", None)
    if version < 3:
        model["ends"] = training.get("min_in_len") is not None
    for name in ("members", "progress"):
        training.pop(name, None)
    program, start_step = run.pop("program", None), run.pop("start_step", None)
    fingerprint = {name: run.pop(name, None) for name in ("data", "fingerprint")}
    trained = None if start_step is None else {"config": run, "start_step": start_step, "fingerprint": fingerprint}
    reached = training.pop("reached") or None
    return {"model_config": model, "task": task, "program": program, "trained": trained, "reached": reached, **training}
