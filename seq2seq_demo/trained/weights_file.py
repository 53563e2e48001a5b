"""Weights files, which store a network with its origin or a snapshot of a training run, as arrays and JSON.

The JSON contains the facts of each network (several in an ensemble), as in `SavedNetwork`, the vocabularies and, in a
snapshot, the training progress. `upgrade` converts files of earlier versions.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from seq2seq_demo.config import INTEGERS, MAX_LEN, ModelConfig
from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary
from seq2seq_demo.declarations import require_integer
from seq2seq_demo.errors import Seq2SeqError, UsageError, WeightsError, require
from seq2seq_demo.files import atomic_files, container
from seq2seq_demo.files.container import SNAPSHOT, WEIGHTS, Container
from seq2seq_demo.files.typed_json import parse, parse_json, require_type
from seq2seq_demo.network.names_2016 import MAGIC, from_2016, read_checkpoint
from seq2seq_demo.network.parameters import check_weights, weight_shapes
from seq2seq_demo.trained.saved_network import Progress, SavedNetwork

N = TypeVar("N", bound=SavedNetwork)
MAX_MEMBERS = 100  # networks in an ensemble
MAX_STEP = 2**53  # float64 represents every integer up to this value exactly
BEST = "best/"  # prefix of the array names of the best epoch in a snapshot
MEMBER = "members/{}/"  # prefix of the array names of each network but the first, counted from 0
LENGTHS = ("in_len", "out_len", "min_in_len")  # fields of `SavedNetwork`
ARRAYS = ("weights", "step", "moments")
FACTS = [field.name for field in fields(SavedNetwork) if field.name not in (*ARRAYS, "others", "vocabularies")]


# ---- Writing ----


def write(network: SavedNetwork, path: Path, overwrite: bool, force: bool = False) -> None:
    """Write a weights file atomically.

    With `overwrite`, files of this program may be replaced; with `force`, any file may be replaced.

    Raises:
        WeightsError: `read` would refuse the file, or the file cannot be written or must not be replaced.
        FileExistsError: the path exists and `overwrite` is False.
    """
    if overwrite:
        atomic_files.check_replaceable(path, "a weights file", force, WeightsError)
    atomic_files.write(path, to_bytes(network), overwrite, WeightsError)


def to_bytes(network: SavedNetwork, progress: Progress | None = None, best: SavedNetwork | None = None) -> bytes:
    """Return the bytes of a weights file; equal networks give equal bytes.

    Args:
        network: the network.
        progress: the progress of a training run, which makes the file a snapshot.
        best: in a snapshot, the network at the best epoch so far; only its arrays are written.

    Raises:
        WeightsError: `read` would refuse the content, for example because a weight is missing or not finite.
    """
    networks = [network, *network.others]
    arrays: dict[str, Any] = {}
    for each, prefix in zip(networks, _prefixes(len(networks)), strict=True):
        arrays |= _arrays(each, prefix)
    metadata: dict[str, Any] = {
        "networks": [{name: getattr(each, name) for name in FACTS} for each in networks],
        "vocabularies": network.vocabularies._asdict(),
    }
    if progress:
        metadata["progress"] = progress
        arrays |= _arrays(best, BEST) if best else {}
    texts = {name: json.dumps(value, default=asdict) for name, value in metadata.items()}
    encoded = container.to_bytes(SNAPSHOT if progress else WEIGHTS, arrays, texts)
    _from_bytes(encoded, SavedNetwork)
    return encoded


def _prefixes(n: int) -> list[str]:
    """Return the prefixes of the array names of n networks."""
    return ["", *map(MEMBER.format, range(n - 1))]


def _arrays(network: SavedNetwork, prefix: str) -> dict[str, Any]:
    """Return the weights, step and moments by their names in a file."""
    adam = {"step": np.int64(network.step), **network.moments}
    arrays = network.weights | {f"optimizer/{name}": array for name, array in adam.items()}
    return {f"{prefix}{name}": array for name, array in arrays.items()}


# ---- Reading ----


def read(path: Path, kind: type[N]) -> tuple[N, Progress | None, N | None]:
    """Read a network, a snapshot, or a checkpoint of the 2016 program.

    Args:
        path: the file.
        kind: the class of the network.

    Returns:
        the network; for a snapshot, also the progress and, if its config `saves_best`, the network at the best epoch.

    Raises:
        WeightsError: the file is missing, damaged or of a different kind.
    """
    encoded = atomic_files.read(path, "a weights file")
    try:
        if not encoded.endswith(MAGIC):
            return _from_bytes(encoded, kind)
        facts = from_2016(read_checkpoint(encoded))  # without a task or lengths
    except Seq2SeqError as error:
        raise WeightsError(f"{path}: {error}") from error
    return kind(**facts, program="TFLearnSeq2Seq"), None, None


def _from_bytes(encoded: bytes, kind: type[N]) -> tuple[N, Progress | None, N | None]:
    file = container.read(encoded)
    facts, progress = parse_metadata(_metadata(file), kind)
    networks = [
        replace(each, **_read_arrays(file, each.model_config, prefix))
        for each, prefix in zip(facts, _prefixes(len(facts)), strict=True)
    ]
    first, *others = networks
    for network in networks:
        _check_facts(network)
    if progress is None:
        return replace(first, others=tuple(others)), None, None
    run = first.run
    if run is None:
        raise WeightsError("the snapshot does not record its training run")
    require(not others, f"expected a snapshot of one network, got {len(networks)}")
    require_integer("points", progress.points, at_least=0, at_most=run.config.n_training)
    best = replace(first, **_read_arrays(file, first.model_config, BEST)) if _has(file, BEST) else None
    return first, progress, best


def _has(file: Container, prefix: str) -> bool:
    """Return whether the name of an array begins with a prefix."""
    return any(name.startswith(prefix) for name in file.datasets)


def _read_arrays(file: Container, model_config: ModelConfig, prefix: str) -> dict[str, Any]:
    """Return the values of the fields in ARRAYS, read from the arrays whose names have this prefix."""
    shapes = weight_shapes(model_config)
    has_moments = _has(file, f"{prefix}optimizer/m/")
    moment_shapes = {f"{m}/{name}": shape for m in "mv" * has_moments for name, shape in shapes.items()}
    weights = {name: file.array(f"{prefix}{name}", shape) for name, shape in shapes.items()}
    moments = {name: file.array(f"{prefix}optimizer/{name}", shape) for name, shape in moment_shapes.items()}
    step = int(file.array(f"{prefix}optimizer/step", (), "int64"))
    require_integer("step", step, at_least=0, at_most=MAX_STEP)
    check_weights(weights, moments)
    return {"weights": weights, "step": step, "moments": moments}


def _metadata(file: Container) -> dict[str, Any]:
    """Return a file's JSON, converted to the form of the current version."""
    metadata = {name: parse_json(text) for name, text in file.texts.items()}
    if file.version == container.VERSION:
        return metadata
    try:
        return upgrade(file.version, metadata)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"the metadata is not valid for version {file.version}") from error


def parse_metadata(metadata: Mapping[str, Any], kind: type[N]) -> tuple[list[N], Progress | None]:
    """Return the networks without their arrays and, for a snapshot, its progress.

    Raises:
        WeightsError: a value is missing, or has the wrong type.
        UsageError: a setting is out of its range, or the networks cannot form an ensemble.
    """
    names = {"networks", "vocabularies"}
    require(metadata.keys() - {"progress"} == names, f"expected networks, vocabularies, got {sorted(metadata)}"[:200])
    sides = require_type("vocabularies", metadata["vocabularies"], dict)
    require(sides.keys() == {*Vocabularies._fields}, f"expected source, target, got {sorted(sides)}"[:200])
    vocabularies = Vocabularies(*(parse(Vocabulary, sides[name], name) for name in Vocabularies._fields))
    require(all(side.symbols or not side.is_text for side in vocabularies), "a vocabulary for text has no symbols")
    listed = require_type("networks", metadata["networks"], list)
    require(bool(listed), "there is no network")
    missing: dict[str, Any] = {"weights": {}, "step": 0, "moments": {}, "others": (), "vocabularies": vocabularies}
    networks = [parse(kind, each, "network", **missing) for each in listed]
    check_members(networks)
    return networks, parse(Progress, metadata["progress"], "progress") if "progress" in metadata else None


def check_members(networks: Sequence[SavedNetwork]) -> None:
    """Raise UsageError unless the networks can form an ensemble: their symbols and any fixed lengths must be equal."""
    if len(networks) > MAX_MEMBERS:
        raise UsageError(f"expected at most {MAX_MEMBERS} networks in an ensemble, got {len(networks)}")
    for number, network in enumerate(networks, 1):
        if _sides(network) != _sides(networks[0]):
            raise UsageError(f"network {number} differs from the first one in its symbols or fixed lengths")


def _sides(network: SavedNetwork) -> tuple[Vocabularies, int, int, object]:
    """Return the symbols and any fixed lengths of a network, which all members of an ensemble share."""
    c = network.model_config
    return network.vocabularies, c.in_max_int, c.out_max_int, c.ends or (network.in_len, network.out_len)


def _check_facts(network: SavedNetwork) -> None:
    """Raise an error unless the lengths, steps, epochs, calibration and vocabularies of a network are possible."""
    for name in LENGTHS:
        if (length := getattr(network, name)) is not None:
            require_integer(name, length, at_least=1, at_most=MAX_LEN)
    shortest, longest = network.min_in_len or 0, network.in_len or 0
    require(shortest <= longest, f"expected lengths from shortest to longest, got {shortest} to {longest}")
    if network.run:
        require_integer("start_step", network.run.start_step, at_least=0)
    if c := network.calibration:
        is_usable = c.temperature > 0.001 and abs(c.bias) < 100
        require(is_usable, f"expected a usable calibration, got {c.temperature}, {c.bias}")
    for epoch in network.history:
        require_integer("epoch", epoch.epoch, at_least=1)
    require_integer("moments_since", network.moments_since, at_least=0, at_most=network.step)
    for name, largest in network.vocabularies.largest_symbols().items():
        expected = getattr(network.model_config, name)
        require(expected == largest, f"expected a vocabulary for {name} {expected}, got one for {largest}")
    require(network.ends or not network.vocabularies.are_text, "a network of characters or words must end its answers")


# ---- Earlier versions ----


def upgrade(version: int, metadata: dict[str, Any]) -> dict[str, Any]:
    """Convert the metadata of versions 1 to 4 to the form of version 5. A snapshot loses its progress.

    Raises:
        AttributeError, KeyError, TypeError or ValueError: the metadata does not have the form of its version.
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
            network["run"] = run | run.pop("fingerprint", {})
    metadata.pop("progress", None)
    return metadata


def _network_of_version_4(version: int, model: dict[str, Any], training: dict[str, Any]) -> dict[str, Any]:
    """Convert a network of versions 1 to 3 to the form of version 4."""
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
