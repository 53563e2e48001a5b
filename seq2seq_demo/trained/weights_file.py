"""Weights files: a network with its origin, or a snapshot of a training run, as a container of arrays and JSON.

The JSON has the form of `NetworkFacts`: a list of the networks of an ensemble, their vocabularies and, in a snapshot,
the progress of the training. `upgrade` converts files of earlier versions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seq2seq_demo.config import INTEGERS, MAX_MEMBERS, ModelConfig
from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary
from seq2seq_demo.declarations import require_integer
from seq2seq_demo.errors import Seq2SeqError, UsageError, WeightsError, require
from seq2seq_demo.files import atomic_files, container
from seq2seq_demo.files.container import SNAPSHOT, WEIGHTS, Container
from seq2seq_demo.files.typed_json import parse, parse_json, require_type
from seq2seq_demo.network.names_2016 import MAGIC, from_2016, read_checkpoint
from seq2seq_demo.network.parameters import Weights, check_weights, weight_shapes
from seq2seq_demo.trained.network_facts import NetworkFacts

MAX_STEP = 2**53  # float64 represents every integer up to this value exactly
BEST = "best/"  # prefix of array names in a snapshot
REMOVED_SETTINGS = ("copies", "n_copies", "name", "output", "processes", "budget")  # settings of versions 1 to 4
MEMBER = "members/{}/"  # prefix of the array names of each network but the first, counted from 0
LENGTHS = ("in_len", "out_len", "min_in_len")  # fields of `NetworkFacts`
METADATA = [field.name for field in fields(NetworkFacts) if field.name != "vocabularies"]  # in the JSON of each network


class Checkpoint(NamedTuple):
    """Weights with Adam's state."""

    weights: Weights
    step: int
    moments: Weights


@dataclass(frozen=True)
class Progress:
    """The position of a training run in the epoch after the completed ones."""

    points: int = 0  # training points done in this epoch
    loss_sum: float = 0.0  # the sum of the loss over the target symbols of these points
    correct_sum: float = 0.0  # correct symbols among them
    seconds: float = 0.0  # the time that the run has taken, if it has a time limit


class Content(NamedTuple):
    """The content of a weights file; a snapshot also has progress, and the best epoch if the config `saves_best`."""

    networks: Sequence[tuple[NetworkFacts, Checkpoint]]  # more than one in an ensemble
    progress: Progress | None = None
    best: Checkpoint | None = None


# ---- Writing ----


def write(content: Content, path: Path, overwrite: bool, force: bool | None = None) -> None:
    """Write a weights file atomically.

    With `overwrite`, files of this program may be replaced, and with `force` any file.

    Raises:
        WeightsError: `read` would refuse the file, or a file could not be written or must not be replaced.
        FileExistsError: the path exists and `overwrite` is False.
    """
    if overwrite:
        atomic_files.check_replaceable(path, "a weights file", force, WeightsError)
    atomic_files.write(path, to_bytes(content), overwrite, WeightsError)


def to_bytes(content: Content) -> bytes:
    """Return the bytes of a weights file; equal networks give equal bytes.

    Raises:
        WeightsError: `read` would refuse the content, for example because a weight is missing or not finite.
    """
    first, _ = content.networks[0]
    arrays: dict[str, Any] = {}
    for (_, checkpoint), prefix in zip(content.networks, _prefixes(len(content.networks)), strict=True):
        arrays |= _arrays(checkpoint, prefix)
    metadata: dict[str, Any] = {
        "networks": [{name: getattr(facts, name) for name in METADATA} for facts, _ in content.networks],
        "vocabularies": first.vocabularies._asdict(),
    }
    if content.progress:
        metadata["progress"] = content.progress
        arrays |= _arrays(content.best, BEST) if content.best else {}
    texts = {name: json.dumps(value, default=asdict) for name, value in metadata.items()}
    encoded = container.to_bytes(SNAPSHOT if content.progress else WEIGHTS, arrays, texts)
    _from_bytes(encoded)
    return encoded


def _prefixes(n: int) -> list[str]:
    """Return the prefixes of the array names of n networks."""
    return ["", *map(MEMBER.format, range(n - 1))]


def _arrays(checkpoint: Checkpoint, prefix: str) -> dict[str, Any]:
    """Return weights, step and moments by their names in a file."""
    adam = {"step": np.int64(checkpoint.step), **checkpoint.moments}
    arrays = checkpoint.weights | {f"optimizer/{name}": array for name, array in adam.items()}
    return {f"{prefix}{name}": array for name, array in arrays.items()}


# ---- Reading ----


def read(path: Path) -> Content:
    """Read a network, a snapshot, or a checkpoint of the 2016 program.

    Raises:
        WeightsError: the file is missing, damaged or of another kind.
    """
    encoded = atomic_files.read(path, "a weights file")
    try:
        if not encoded.endswith(MAGIC):
            return _from_bytes(encoded)
        network = from_2016(read_checkpoint(encoded))
    except Seq2SeqError as error:
        raise WeightsError(f"{path}: {error}") from error
    facts = NetworkFacts(network.model_config, program="TFLearnSeq2Seq")  # 2016 recorded neither task nor lengths
    return Content([(facts, Checkpoint(network.weights, network.step, network.moments))])


def _from_bytes(encoded: bytes) -> Content:
    file = container.read(encoded)
    facts, progress = parse_metadata(_metadata(file))
    checkpoints = [
        _checkpoint(file, each.model_config, prefix) for each, prefix in zip(facts, _prefixes(len(facts)), strict=True)
    ]
    content = Content([*zip(facts, checkpoints, strict=True)], progress)
    _check_metadata(content)
    if progress and _has(file, BEST):
        content = content._replace(best=_checkpoint(file, facts[0].model_config, BEST))
    return content


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


def parse_metadata(metadata: Mapping[str, Any]) -> tuple[list[NetworkFacts], Progress | None]:
    """Return the facts of the networks and, for a snapshot, its progress.

    Raises:
        WeightsError: a value is missing, or has the wrong type.
        UsageError: a setting is out of its range, or the networks cannot form an ensemble.
    """
    names = {"networks", "vocabularies"}
    require(metadata.keys() - {"progress"} == names, f"expected networks, vocabularies, got {sorted(metadata)}"[:200])
    sides = require_type("vocabularies", metadata["vocabularies"], dict)
    require(sides.keys() == {*Vocabularies._fields}, f"expected source, target, got {sorted(sides)}"[:200])
    vocabularies = Vocabularies(*(parse(Vocabulary, sides[name], name) for name in Vocabularies._fields))
    is_complete = all(side.symbols or not side.is_text for side in vocabularies)
    require(is_complete, "expected at least one symbol in a vocabulary of characters or words, got none")
    listed = require_type("networks", metadata["networks"], list)
    require(bool(listed), "expected at least one network, got none")
    facts = [replace(parse(NetworkFacts, each, "network"), vocabularies=vocabularies) for each in listed]
    check_members(facts)
    progress = parse(Progress, metadata["progress"], "progress") if "progress" in metadata else None
    return facts, progress


def check_members(networks: Sequence[NetworkFacts]) -> None:
    """Raise UsageError unless the networks can form an ensemble: their symbols and any fixed lengths must be equal."""
    if len(networks) > MAX_MEMBERS:
        raise UsageError(f"expected at most {MAX_MEMBERS} networks in an ensemble, got {len(networks)}")
    for number, network in enumerate(networks, 1):
        if _sides(network) != _sides(networks[0]):
            raise UsageError(f"expected the same symbols and lengths in all networks, got others in network {number}")


def _sides(network: NetworkFacts) -> tuple[Vocabularies, int, int, object]:
    """Return the symbols and any fixed lengths of a network, which all members of an ensemble share."""
    c = network.model_config
    return network.vocabularies, c.in_max_int, c.out_max_int, c.ends or (network.in_len, network.out_len)


def _check_metadata(content: Content) -> None:
    """Raise an error unless the values of each network, its vocabularies and the progress are possible."""
    for network, checkpoint in content.networks:
        for name in LENGTHS:
            if (length := getattr(network, name)) is not None:
                require_integer(name, length, at_least=1)
        shortest, longest = network.min_in_len or 0, network.in_len or 0
        require(shortest <= longest, f"expected lengths from shortest to longest, got {shortest} to {longest}")
        if network.run:
            require_integer("start_step", network.run.start_step, at_least=0)
        if c := network.calibration:
            is_usable = c.temperature > 0.001 and abs(c.bias) < 100
            require(is_usable, f"expected a usable calibration, got {c.temperature}, {c.bias}")
        require_integer("moments_since", network.moments_since, at_least=0, at_most=checkpoint.step)
    (first, _), progress = content.networks[0], content.progress
    for name, largest in first.vocabularies.largest_symbols().items():
        expected = getattr(first.model_config, name)
        require(expected == largest, f"expected a vocabulary for {name} {expected}, got one for {largest}")
    fits = first.ends or not first.vocabularies.are_text
    require(fits, "expected a network of texts to end its answers, got one that does not")
    if progress is None:
        return
    run = first.run
    require(run is not None, "expected a snapshot to record its training run, got none")
    assert run
    require(len(content.networks) == 1, f"expected a snapshot of one network, got {len(content.networks)}")
    require_integer("points", progress.points, at_least=0, at_most=run.config.n_training)


# ---- Earlier versions ----


def upgrade(version: int, metadata: dict[str, Any]) -> dict[str, Any]:
    """Convert the metadata of versions 1 to 4 to the form of version 5. A snapshot becomes its network.

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
        network["run"], network["validation"] = network.pop("trained"), network.pop("reached")
        temperature, error = (network.pop(name, None) for name in ("temperature", "calibration_error"))
        network["calibration"] = temperature and {"temperature": temperature, "error": error}
        if run := network["run"]:
            config = run["config"]
            kept = {name: value for name, value in config.items() if name not in REMOVED_SETTINGS}
            network["run"] = run | {"config": {"minutes": config.get("budget")} | kept} | run.pop("fingerprint", {})
    metadata.pop("progress", None)
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
