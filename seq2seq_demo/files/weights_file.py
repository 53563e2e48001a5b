"""Weights files: a network with its origin, or a snapshot of a training run, as a container of arrays and JSON.

Files of version 3 record whether the network ends its answers. In versions 1 and 2, it does if `min_in_len` is set.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.vocabulary import Tokenizer, Vocabularies, Vocabulary
from seq2seq_demo.declarations import require_integer
from seq2seq_demo.errors import Seq2SeqError, WeightsError, require
from seq2seq_demo.figures import EpochFigures, Figures
from seq2seq_demo.files import atomic_files, container, recording
from seq2seq_demo.files.checkpoint_2016 import is_checkpoint, read_checkpoint
from seq2seq_demo.files.container import Container
from seq2seq_demo.files.file_names import recording_path
from seq2seq_demo.files.stored_network import (
    LENGTHS,
    MAX_EARLIER_RUNS,
    Checkpoint,
    DataFingerprint,
    EarlierRun,
    Progress,
    Snapshot,
    StoredNetwork,
    TrainingRun,
    check_members,
)
from seq2seq_demo.files.typed_json import build_dataclass, parse_object, require_type
from seq2seq_demo.network.names_2016 import from_2016
from seq2seq_demo.network.parameters import check_weights, weight_shapes

MAX_STEP = 2**53  # float64 represents every integer up to this value exactly
BEST, RECORDED = "best/", "recorded/"  # prefixes of array names in a snapshot
MEMBER = "members/{}/"  # prefix of the array names of a further member, counted from 0
ADDED_IN_VERSION_3 = {"ends", "budget", "members", "label_smoothing"}  # fields of the configs


# ---- Writing ----


def write(network: StoredNetwork, path: Path, overwrite: bool, force: bool | None = None) -> None:
    """Write a network atomically and, if it has a recording, the recording beside it.

    With `overwrite`, files of this program may be replaced, and with `force`, as in `check_replaceable`, any file.

    Raises:
        WeightsError: `read` would refuse the file, or a file could not be written or must not be replaced.
        FileExistsError: the path exists and `overwrite` is False.
    """
    if overwrite:
        check_replaceable(path, force)
    else:
        atomic_files.check_writable(path, "a weights file", WeightsError)
    if network.recording:
        recording.check_destination(recording_path(path), overwrite, force)
    atomic_files.write(path, to_bytes(network), overwrite, WeightsError)
    if network.recording:
        beside = recording.to_bytes(network.recording, network.model_config, network.weights)
        atomic_files.write(recording_path(path), beside, overwrite, WeightsError)


def to_bytes(stored: StoredNetwork | Snapshot[StoredNetwork]) -> bytes:
    """Return the content of a weights file; equal networks give equal bytes.

    Raises:
        WeightsError: `read` would refuse the content, for example because a weight is missing or not finite.
    """
    snapshot, network = (stored, stored.network) if isinstance(stored, Snapshot) else (None, stored)
    arrays, members = _arrays(network), snapshot.finished if snapshot else network.members
    for number, member in enumerate(members):
        arrays |= _arrays(member, MEMBER.format(number))
    arrays |= {} if network.held_out is None else {"held_out": network.held_out}
    if snapshot and snapshot.best:
        arrays |= _arrays(replace(network, **snapshot.best._asdict()), BEST)
    if snapshot and snapshot.first.recording:
        arrays |= recording.to_arrays(snapshot.first.recording, RECORDED)
    metadata = {
        "model": asdict(network.model_config),
        "training": _training_json(network, snapshot),
        "vocabularies": {name: side.to_json() for name, side in network.vocabularies._asdict().items()},
    }
    content = container.to_bytes(arrays, {name: json.dumps(value) for name, value in metadata.items()})
    _from_bytes(content)
    return content


def _arrays(network: StoredNetwork, prefix: str = "") -> dict[str, Any]:
    """Return weights, step and moments by their names in a file."""
    _check_checkpoint(network.model_config, Checkpoint(network.weights, network.step, network.moments))
    adam = {"step": np.int64(network.step), **network.moments}
    arrays = network.weights | {f"optimizer/{name}": array for name, array in adam.items()}
    return {f"{prefix}{name}": array for name, array in arrays.items()}


def _training_json(network: StoredNetwork, snapshot: Snapshot[StoredNetwork] | None) -> dict[str, Any]:
    """Return the JSON object that records the origin of a network and the progress of a snapshot."""
    trained: dict[str, Any] = {"program": network.program} if network.program else {}
    progress: dict[str, Any] = {}
    if network.trained:
        trained = _run_json(network.trained)
    if snapshot and network.trained:
        progress = asdict(snapshot.progress) | {"start_step": network.trained.start_step}
        progress["right_sum"] = progress.pop("correct_sum")  # its name since version 1
        progress["history"] = [figures.to_json() for figures in snapshot.progress.history]
    reached = asdict(network.reached) if network.reached else {}
    lengths = {name: getattr(network, name) for name in LENGTHS}
    earlier = [{"pattern": task} | _run_json(run) for task, run in network.earlier]
    training = {"pattern": network.task} | lengths | {"trained": trained, "reached": reached, "progress": progress}
    members = [
        {"model": asdict(member.model_config), "training": _training_json(member, None)}
        for member in (snapshot.finished if snapshot else network.members)
    ]
    optional: dict[str, Any] = {"earlier": earlier, "members": members}
    optional |= {"temperature": network.temperature, "moments_since": network.moments_since}
    return training | {name: value for name, value in optional.items() if value}


def _run_json(run: TrainingRun) -> dict[str, Any]:
    return asdict(run.config) | {"start_step": run.start_step} | asdict(run.fingerprint)


# ---- Reading ----


def read(path: Path) -> Snapshot[StoredNetwork] | StoredNetwork:
    """Read a network, a snapshot, or a checkpoint of the 2016 program.

    Raises:
        WeightsError: the file is missing, damaged or of another kind.
    """
    content = atomic_files.read(path, "a weights file", WeightsError)
    try:
        if not is_checkpoint(content):
            return _from_bytes(content)
        network = from_2016(read_checkpoint(content))
    except Seq2SeqError as error:
        raise WeightsError(f"{path}: {error}") from error
    return StoredNetwork(**network._asdict(), program="TFLearnSeq2Seq")  # 2016 recorded neither task nor lengths


def check_replaceable(path: Path, force: bool | None = None) -> None:
    """Raise WeightsError if saving to this path is certain to fail or would replace another program's file.

    With `force`, any file may be replaced. If `force` is None, the error does not mention `force`.
    """
    atomic_files.check_replaceable(path, "a weights file", is_weights_file, force, WeightsError)


def is_weights_file(content: bytes) -> bool:
    """Return True for a network that this program saved, False for a snapshot; raise an error for anything else."""
    return isinstance(_from_bytes(content), StoredNetwork)


def _from_bytes(content: bytes) -> Snapshot[StoredNetwork] | StoredNetwork:
    file = container.read(content)
    if file.texts.get("kind") == recording.KIND:
        raise WeightsError("expected a weights file, got a training recording")
    try:
        network, progress = _parse_metadata(file.version, file.texts)
    except WeightsError as error:
        raise WeightsError(f"damaged weights file: {error}") from error
    digests = file.datasets.get("held_out")
    held_out = file.array("held_out", digests.shape, "int64") if digests else None
    prefixes = ["", *map(MEMBER.format, range(len(network.members)))]
    networks: list[StoredNetwork] = [
        replace(each, **_checkpoint(file, each.model_config, prefix)._asdict(), members=(), held_out=held_out)
        for each, prefix in zip([network, *network.members], prefixes, strict=True)
    ]
    for each in networks:
        require(each.moments_since <= each.step, f"expected moments_since of at most {each.step}, the step")
    stored: Snapshot[StoredNetwork] | StoredNetwork = replace(networks[0], members=tuple(networks[1:]))
    if progress:  # the network in training follows the finished members
        first, *others = networks = [*networks[1:], networks[0]]
        if first.trained and _has(file, RECORDED):
            n = first.trained.config.steps_per_epoch
            first = replace(first, recording=recording.from_container(file, first.model_config, n, RECORDED))
        *finished, current = first, *others
        best = _checkpoint(file, current.model_config, BEST) if _has(file, BEST) else None
        stored = Snapshot(current, progress, best, tuple(finished))
    file.require_all_read()
    return stored


def _has(file: Container, prefix: str) -> bool:
    """Whether the name of an array begins with a prefix."""
    return any(name.startswith(prefix) for name in file.datasets)


def _checkpoint(file: Container, model_config: ModelConfig, prefix: str = "") -> Checkpoint:
    """Read the checkpoint whose array names have this prefix."""
    shapes = weight_shapes(model_config)
    has_moments = _has(file, f"{prefix}optimizer/m/")
    moment_shapes = {f"{m}/{name}": shape for m in "mv" * has_moments for name, shape in shapes.items()}
    weights = {name: file.array(f"{prefix}{name}", shape) for name, shape in shapes.items()}
    moments = {name: file.array(f"{prefix}optimizer/{name}", shape) for name, shape in moment_shapes.items()}
    checkpoint = Checkpoint(weights, int(file.array(f"{prefix}optimizer/step", (), "int64")), moments)
    _check_checkpoint(model_config, checkpoint)
    return checkpoint


def _check_checkpoint(model_config: ModelConfig, checkpoint: Checkpoint) -> None:
    """Raise an error unless the step is in range and the arrays fit the network."""
    require_integer("step", checkpoint.step, at_least=0, at_most=MAX_STEP)
    check_weights(model_config, checkpoint.weights, checkpoint.moments)


def _parse_metadata(version: int, texts: Mapping[str, str]) -> tuple[StoredNetwork, Progress | None]:
    """Return a network without weights and, for a snapshot, its progress.

    Raises:
        WeightsError: a value is missing, or has the wrong type or range.
        UsageError: a setting is out of its range.
    """
    names = ["format", "model", "training", *(["vocabularies"] if version > 1 else [])]
    require(texts.keys() == {*names}, f"expected the attributes {', '.join(names)}, got {sorted(texts)}"[:200])
    network, progress = _parse_network(version, parse_object(texts["model"]), parse_object(texts["training"]))
    if version > 1:
        vocabularies = _vocabularies(parse_object(texts["vocabularies"]), version, network.model_config)
        network = replace(network, vocabularies=vocabularies)
    members = tuple(replace(member, vocabularies=network.vocabularies) for member in network.members)
    networks = [network, *members]
    check_members(networks)
    if progress and members:
        is_possible = all(each.trained and each.trained.config.members >= len(networks) for each in networks)
        require(is_possible, f"expected a run of at least {len(networks)} members, got one of fewer")
    return replace(network, members=members), progress


def _parse_network(
    version: int, model: dict[str, Any], training: dict[str, Any]
) -> tuple[StoredNetwork, Progress | None]:
    """Return a network without weights and vocabularies and, for a snapshot, its progress."""
    added = {"earlier", "temperature", "members", "moments_since"} if version > 2 else set()
    _refuse_keys(training.keys() - {"pattern", *LENGTHS, "trained", "reached", "progress"} - added)
    lengths = _lengths(training)
    task = require_type("pattern", training.get("pattern"), str, NoneType)
    trained, reached, progress = (require_type(x, training.get(x), dict) for x in ("trained", "reached", "progress"))
    if version < 3:
        _refuse_keys((model.keys() | trained.keys()) & ADDED_IN_VERSION_3)
        model["ends"] = lengths[-1] is not None
    model_config = build_dataclass(ModelConfig, model)
    program = require_type("program", trained.pop("program", None), str, NoneType)
    if version < 3 and trained.get("data") and not (model_config.ends and trained.get("seed") == 0):
        trained["fingerprint"] = None  # 0.2.0 split these pairs differently, so the run cannot be resumed
    if progress and trained.get("processes", 1) != 1:
        raise WeightsError("expected a run of one process, got one of several, which only the version before resumes")
    for name in ("name", "output"):  # keys of old snapshots, ignored: a file must not choose where to write
        trained.pop(name, None)
    run = _run(trained) if trained.get("start_step") is not None else None
    figures = build_dataclass(Figures, reached) if reached else None
    earlier = require_type("earlier", training.get("earlier", []), list)
    require(len(earlier) <= MAX_EARLIER_RUNS, f"expected at most {MAX_EARLIER_RUNS} earlier runs, got {len(earlier)}")
    facts = [require_type("earlier", each, dict) for each in earlier]
    runs = tuple(EarlierRun(require_type("pattern", each.pop("pattern", None), str), _run(each)) for each in facts)
    facts = [require_type("members", each, dict) for each in require_type("members", training.get("members", []), list)]
    members = tuple(_parse_member(version, each) for each in facts)
    temperature = require_type("temperature", training.get("temperature"), float, NoneType)
    require(temperature is None or temperature > 0, f"expected a temperature above 0, got {temperature}")
    since = require_integer("moments_since", training.get("moments_since", 0), at_least=0, at_most=MAX_STEP)
    network = StoredNetwork(model_config, {}, task, *lengths, run, figures, program=program, earlier=runs)
    network = replace(network, temperature=temperature, moments_since=since, members=members)
    return network, _progress(progress, run) if progress and run else None


def _parse_member(version: int, facts: dict[str, Any]) -> StoredNetwork:
    """Return a further member of an ensemble, without weights and vocabularies."""
    _refuse_keys(facts.keys() - {"model", "training"})
    model, training = (require_type(name, facts.get(name), dict) for name in ("model", "training"))
    _refuse_keys(training.keys() & {"members"})
    return _parse_network(version, model, training)[0]


def _run(facts: dict[str, Any]) -> TrainingRun:
    """Validate and return a training run: the inverse of `_run_json`."""
    start_step = require_type("start_step", facts.pop("start_step", None), int)
    facts.pop("processes", None)  # a setting that versions before 0.3.0 had
    data = {field.name: facts.pop(field.name) for field in fields(DataFingerprint) if field.name in facts}
    config, fingerprint = build_dataclass(TrainConfig, facts), build_dataclass(DataFingerprint, data)
    return TrainingRun(config, require_integer("start_step", start_step, at_least=0), fingerprint)


def _refuse_keys(unknown: Collection[str]) -> None:
    """Raise WeightsError if there is an unknown key."""
    if unknown:
        raise WeightsError(f"expected no key {min(unknown)[:40]!r}")


def _vocabularies(facts: Mapping[str, Any], version: int, model_config: ModelConfig) -> Vocabularies:
    """Return the vocabularies; raise WeightsError unless they fit the network's symbols."""
    _refuse_keys(facts.keys() - {*Vocabularies._fields})
    sides = []
    for name in Vocabularies._fields:
        side = require_type(name, facts.get(name), dict)
        symbols = require_type("symbols", side.pop("symbols", None), list)
        symbols = [require_type("symbol", symbol, str) for symbol in symbols]
        _refuse_keys(side.keys() - ({"tokens", "form", "lowercase"} if version > 2 else {"tokens"}))
        sides.append(Vocabulary(symbols=tuple(symbols), **asdict(build_dataclass(Tokenizer, side))))
    vocabularies = Vocabularies(*sides)
    for name, largest in vocabularies.largest_symbols().items():
        expected = getattr(model_config, name)
        require(expected == largest, f"expected a vocabulary for {name} {expected}, got one for {largest}")
    fits = model_config.ends or not vocabularies.are_text
    require(fits, "expected a network of texts to end its answers, got one that does not")
    return vocabularies


def _lengths(training: Mapping[str, Any]) -> tuple[int | None, int | None, int | None]:
    """Validate and return `in_len`, `out_len` and `min_in_len`."""
    lengths = {name: require_type(name, training.get(name), int, NoneType) for name in LENGTHS}
    for name, length in lengths.items():
        if length is not None:
            require_integer(name, length, at_least=1)
    in_len, out_len, min_in_len = lengths.values()
    is_range = (min_in_len or 0) <= (in_len or 0)
    require(is_range, f"expected lengths from shortest to longest, got {min_in_len} to {in_len}")
    return in_len, out_len, min_in_len


def _progress(facts: dict[str, Any], run: TrainingRun) -> Progress:
    """Validate and return the progress of a snapshot."""
    history = [*map(parse_epoch, require_type("history", facts.pop("history", None), list))]
    facts["correct_sum"] = facts.pop("right_sum", None)
    facts.pop("start_step", None)
    progress = replace(build_dataclass(Progress, facts), history=tuple(history))
    epochs, points = run.config.epochs, run.config.n_training
    is_possible = 0 <= progress.epoch == len(history) and 0 <= progress.points <= points and progress.seconds >= 0
    is_possible &= len(history) <= epochs or run.config.budget is not None
    got = f"{progress.points} points of epoch {progress.epoch}, after {len(history)} completed epochs"
    require(is_possible, f"expected progress within {epochs} epochs, got {got}")
    return progress


def parse_epoch(epoch: Any) -> EpochFigures:
    """Parse the dictionary that `EpochFigures.to_json` makes."""
    facts, prefix = require_type("history", epoch, dict), "validation_"
    figures = {name.removeprefix(prefix): facts.pop(name) for name in [*facts] if name.startswith(prefix)}
    return build_dataclass(EpochFigures, facts | {"validation": build_dataclass(Figures, figures)})
