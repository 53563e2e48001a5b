"""The weights file: a network with its origin, or a training under way, as a container of arrays and JSON.

Version 3 records whether the network ends its answers. In versions 1 and 2, those with a shortest source do.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import NoneType
from typing import Any, BinaryIO, Generic, NamedTuple, TypeVar

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.data.vocabulary import INTEGER_VOCABULARIES, Vocabularies, Vocabulary
from seq2seq_demo.declarations import require_integer
from seq2seq_demo.errors import Seq2SeqError, WeightsError, require
from seq2seq_demo.figures import EpochFigures, Figures
from seq2seq_demo.files import atomic_files, container, recording
from seq2seq_demo.files.checkpoint_2016 import is_checkpoint_file, read_checkpoint
from seq2seq_demo.files.container import HEADER_SIZE, Container, is_container
from seq2seq_demo.files.file_names import recording_path
from seq2seq_demo.files.recording import Recording
from seq2seq_demo.files.typed_json import parse_object, require_type, typed
from seq2seq_demo.network.names_2016 import from_2016
from seq2seq_demo.network.parameters import Weights, check_weights, weight_shapes

MOST_STEPS = 2**53
BEST, RECORDED = "best/", "recorded/"  # before the names of these weights in a snapshot
LENGTHS = ("in_len", "out_len", "min_in_len")  # fields of a network
SINCE_3 = {"ends", "processes"}  # fields of the configs that earlier files lack


@dataclass(frozen=True)
class TrainingRun:
    """How a network was trained last."""

    config: TrainConfig
    start_step: int  # of Adam, where the run began


@dataclass(frozen=True, repr=False, eq=False)
class StoredNetwork:
    """A network with its weights and its origin; None where a file does not record it."""

    model_config: ModelConfig
    weights: Weights  # by the names of weight_shapes
    task: str | None = None  # the name of what it was trained on
    in_len: int | None = None  # the longest source that was trained on
    out_len: int | None = None  # the longest target
    min_in_len: int | None = None  # the shortest source; None: all have in_len
    trained: TrainingRun | None = None
    reached: Figures | None = None  # on the validation pairs, after the epoch that was saved
    step: int = 0  # how many times Adam changed the weights
    moments: Weights = field(default_factory=dict)  # Adam's, as "m/NAME" and "v/NAME"; may be empty
    program: str | None = None  # that trained it, if not this one
    vocabularies: Vocabularies = INTEGER_VOCABULARIES
    recording: Recording | None = None  # of its training, if that was asked for; a file of its own, but in a snapshot

    @property
    def pattern(self) -> str | None:
        """The built-in pattern that it was trained on, if any; a file of texts may have the name of one."""
        return self.task if self.task in PATTERNS and not self.vocabularies.are_text else None

    @property
    def ends(self) -> bool:
        """Whether it ends its answers: then it takes sources of any length."""
        return self.model_config.ends

    @property
    def trained_lengths(self) -> range:
        """The lengths of sources that it was trained at; 2016's default where its file does not record them."""
        longest = self.in_len or TrainConfig.in_len
        return range(self.min_in_len or longest, longest + 1)

    def was_trained_at(self, in_len: int) -> bool:
        """Whether it was trained on sources of this length, or its file does not record lengths."""
        return self.in_len is None or in_len in self.trained_lengths

    def max_out_len(self, in_len: int) -> int:
        """Return how long an answer to a source of this length may be.

        It is as long as the longest target that was trained, and for longer sources than were trained in proportion.
        """
        longest, trained = self.out_len or in_len, self.in_len or in_len
        return longest if in_len <= trained else -(-longest * in_len // trained)


Network_co = TypeVar("Network_co", bound=StoredNetwork, covariant=True)


@dataclass(frozen=True)
class Progress:
    """The progress of a training."""

    epoch: int = 0  # counted from 0
    points: int = 0  # done in this epoch
    loss_sum: float = 0.0  # over the symbols of these points
    correct_sum: float = 0.0
    history: tuple[EpochFigures, ...] = ()  # of each epoch that is over


class Checkpoint(NamedTuple):
    """The weights after an epoch, with Adam's state."""

    weights: Weights
    step: int
    moments: Weights


@dataclass(frozen=True)
class DataFingerprint:
    """Identifies what a training learns, so that --resume finds it again."""

    data: str | None = None  # a checksum of the pairs that were given; None where they are drawn at random
    fingerprint: str | None = None  # of the task; None in old files


@dataclass(frozen=True, eq=False)
class Snapshot(Generic[Network_co]):
    """A training under way: its network, and what only a training has. `--resume` continues from it."""

    network: Network_co
    progress: Progress = Progress()
    fingerprint: DataFingerprint = DataFingerprint()
    best: Checkpoint | None = None  # the best epoch so far, if that is what will be saved

    @property
    def run(self) -> TrainingRun:
        """How it trains; the file of a snapshot has to record that."""
        assert self.network.trained
        return self.network.trained


# ---- Writing ----


def write(network: StoredNetwork, path: Path, overwrite: bool) -> None:
    """Write a network, whole or not at all, and if its training was recorded, the recording beside it.

    Raises:
        WeightsError: reading would refuse it, or one of the files could not be written.
        FileExistsError: a file is there already and `overwrite` is False.
    """
    atomic_files.check_writable(path, "a weights file", WeightsError)
    if network.recording:
        recording.check_place(recording_path(path), overwrite)
    atomic_files.write(path, to_bytes(network), overwrite, WeightsError)
    if network.recording:
        beside = recording.to_bytes(network.recording, network.model_config, network.weights)
        recording.write(recording_path(path), beside, overwrite)


def to_bytes(stored: StoredNetwork | Snapshot[StoredNetwork]) -> bytes:
    """Return the content of the file; the same network gives the same bytes.

    Raises:
        WeightsError: reading would refuse it, as a weight is missing or not finite, say.
    """
    snapshot = stored if isinstance(stored, Snapshot) else None
    network = stored.network if isinstance(stored, Snapshot) else stored
    arrays = _arrays(network.model_config, Checkpoint(network.weights, network.step, network.moments))
    if snapshot and snapshot.best:
        best = _arrays(network.model_config, snapshot.best)
        arrays |= {f"{BEST}{name}": array for name, array in best.items()}
    if snapshot and network.recording:
        arrays |= recording.to_arrays(network.recording, RECORDED)
    facts = {
        "model": asdict(network.model_config),
        "training": _training_json(network, snapshot),
        "vocabularies": {name: asdict(side) for name, side in network.vocabularies._asdict().items()},
    }
    content = container.to_bytes(arrays, {name: json.dumps(value) for name, value in facts.items()})
    _from_bytes(content)
    return content


def _arrays(model_config: ModelConfig, checkpoint: Checkpoint) -> dict[str, Any]:
    """Return weights, step and moments as the file names them."""
    _check(model_config, checkpoint)
    adam = {"step": np.int64(checkpoint.step), **checkpoint.moments}
    return checkpoint.weights | {f"optimizer/{name}": array for name, array in adam.items()}


def _training_json(network: StoredNetwork, snapshot: Snapshot[StoredNetwork] | None) -> dict[str, Any]:
    """Return the origin of a network as the file records it."""
    trained: dict[str, Any] = {"program": network.program} if network.program else {}
    progress: dict[str, Any] = {}
    if network.trained:
        trained = asdict(network.trained.config) | {"start_step": network.trained.start_step}
    if snapshot and network.trained:
        trained |= asdict(snapshot.fingerprint)
        progress = asdict(snapshot.progress) | {"start_step": network.trained.start_step}
        progress["right_sum"] = progress.pop("correct_sum")  # as it was called first
        progress["history"] = [figures.to_json() for figures in snapshot.progress.history]
    reached = asdict(network.reached) if network.reached else {}
    lengths = {name: getattr(network, name) for name in LENGTHS}
    return {"pattern": network.task} | lengths | {"trained": trained, "reached": reached, "progress": progress}


# ---- Reading ----


def read(path: Path) -> Snapshot[StoredNetwork] | StoredNetwork:
    """Read a network or a snapshot, ours or a checkpoint of the 2016 program: its content tells which.

    Raises:
        WeightsError: it is missing, damaged or something else; the message says what was expected and found.
    """
    with atomic_files.open_regular(path, "a weights file", WeightsError) as file:
        try:
            return _from_file(file)
        except Seq2SeqError as error:
            raise WeightsError(f"{path}: {error}") from error
        except OSError as error:
            raise WeightsError(f"{path}: expected a weights file, got: {error.strerror}") from error


def _from_file(file: BinaryIO) -> Snapshot[StoredNetwork] | StoredNetwork:
    """Read an open file; its first and last bytes tell which kind it is, before all of it is read."""
    if is_container(file.read(HEADER_SIZE)):
        return _from_bytes(atomic_files.content_of(file))
    if is_checkpoint_file(file):  # which records neither what it was trained on nor its lengths
        return StoredNetwork(
            **from_2016(read_checkpoint(atomic_files.content_of(file)))._asdict(), program="TFLearnSeq2Seq"
        )
    raise WeightsError("expected a weights file, of this program or of 2016, found something else")


def _from_bytes(content: bytes) -> Snapshot[StoredNetwork] | StoredNetwork:
    file = container.read(content)
    if file.texts.get("kind") == recording.KIND:
        raise WeightsError("expected a weights file, found the recording of a training")
    try:
        network, progress, fingerprint = _metadata(file.version, file.texts)
    except WeightsError as error:
        raise WeightsError(f"damaged weights file: {error}") from error
    network = replace(network, **_checkpoint(file, network.model_config)._asdict())
    best = None
    if progress and any(name.startswith(BEST) for name in file.datasets):
        best = _checkpoint(file, network.model_config, BEST)
    if progress and network.trained and any(name.startswith(RECORDED) for name in file.datasets):
        n = network.trained.config.steps_per_epoch
        network = replace(network, recording=recording.from_container(file, network.model_config, n, RECORDED))
    file.require_no_more()
    return Snapshot(network, progress, fingerprint, best) if progress else network


def _checkpoint(file: Container, model_config: ModelConfig, prefix: str = "") -> Checkpoint:
    """Return the arrays that `_arrays` named, with a prefix."""
    shapes = weight_shapes(model_config)
    has_moments = any(name.startswith(f"{prefix}optimizer/m/") for name in file.datasets)
    of_moments = {f"{m}/{name}": shape for m in "mv" * has_moments for name, shape in shapes.items()}
    weights = {name: file.array(f"{prefix}{name}", shape) for name, shape in shapes.items()}
    moments = {name: file.array(f"{prefix}optimizer/{name}", shape) for name, shape in of_moments.items()}
    checkpoint = Checkpoint(weights, int(file.array(f"{prefix}optimizer/step", (), "int64")), moments)
    _check(model_config, checkpoint)
    return checkpoint


def _check(model_config: ModelConfig, checkpoint: Checkpoint) -> None:
    """Raise an error for what is no checkpoint of that network, or what Adam cannot have counted."""
    require_integer("step", checkpoint.step, at_least=0)
    require(checkpoint.step <= MOST_STEPS, f"expected a step of at most {MOST_STEPS}, got {checkpoint.step}")
    check_weights(model_config, checkpoint.weights, checkpoint.moments)


def _metadata(version: int, texts: Mapping[str, str]) -> tuple[StoredNetwork, Progress | None, DataFingerprint]:
    """Return a network without its weights, and what only a snapshot has.

    Raises:
        WeightsError: a value is missing, or of the wrong type or range.
        UsageError: a setting of the network or the training is out of its range.
    """
    names = ["format", "model", "training", *(["vocabularies"] if version > 1 else [])]
    require(texts.keys() == {*names}, f"expected the attributes {', '.join(names)}, got {sorted(texts)}"[:200])
    model, training = parse_object(texts["model"]), parse_object(texts["training"])
    _require_none(training.keys() - {"pattern", *LENGTHS, "trained", "reached", "progress"})
    lengths = _lengths(training)
    task = require_type("pattern", training.get("pattern"), str, NoneType)
    facts, reached, going = (require_type(x, training.get(x), dict) for x in ("trained", "reached", "progress"))
    if version < 3:
        _require_none((model.keys() | facts.keys()) & SINCE_3)
        model["ends"] = lengths[-1] is not None
    model_config = typed(ModelConfig, model)
    program = require_type("program", facts.pop("program", None), str, NoneType)
    start_step = require_type("start_step", facts.pop("start_step", None), int, NoneType)
    given = {field.name: facts.pop(field.name) for field in fields(DataFingerprint) if field.name in facts}
    if version < 3 and not model_config.ends and given.get("data"):
        given["fingerprint"] = None  # 0.2.0 divided these pairs in another way: the training cannot be resumed
    for name in ("name", "output"):  # of earlier snapshots: a file does not choose where to write
        facts.pop(name, None)
    run = None
    if start_step is not None:
        run = TrainingRun(typed(TrainConfig, facts), require_integer("start_step", start_step, at_least=0))
    vocabularies = _vocabularies(parse_object(texts["vocabularies"]), model_config) if version > 1 else Vocabularies()
    figures = typed(Figures, reached) if reached else None
    network = StoredNetwork(model_config, {}, task, *lengths, run, figures, program=program, vocabularies=vocabularies)
    return network, _progress(going, run) if going and run else None, typed(DataFingerprint, given)


def _require_none(unknown: Collection[str]) -> None:
    """Raise WeightsError for a key that the file cannot have."""
    if unknown:
        raise WeightsError(f"expected no key {min(unknown)[:40]!r}")


def _vocabularies(facts: Mapping[str, Any], model_config: ModelConfig) -> Vocabularies:
    """Return the vocabularies of a network with these symbols."""
    _require_none(facts.keys() - {*Vocabularies._fields})
    sides = []
    for name in Vocabularies._fields:
        side = require_type(name, facts.get(name), dict)
        _require_none(side.keys() - {"tokens", "symbols"})
        symbols = require_type("symbols", side.get("symbols"), list)
        symbols = [require_type("symbol", symbol, str) for symbol in symbols]
        sides.append(Vocabulary(require_type("tokens", side.get("tokens"), str), tuple(symbols)))
    vocabularies = Vocabularies(*sides)
    for name, largest in vocabularies.largest_symbols().items():
        has = getattr(model_config, name)
        require(has == largest, f"expected a vocabulary for {name} {has}, got one for {largest}")
    can_end = model_config.ends or not vocabularies.are_text
    require(can_end, "expected a network of texts to end its answers, got one that does not")
    return vocabularies


def _lengths(training: Mapping[str, Any]) -> tuple[int | None, int | None, int | None]:
    """Return the longest source and target and the shortest source that were trained on."""
    lengths = {name: require_type(name, training.get(name), int, NoneType) for name in LENGTHS}
    for name, length in lengths.items():
        if length is not None:
            require_integer(name, length, at_least=1)
    longest, out_len, shortest = lengths.values()
    is_range = (shortest or 0) <= (longest or 0)
    require(is_range, f"expected lengths from shortest to longest, got {shortest} to {longest}")
    return longest, out_len, shortest


def _progress(facts: dict[str, Any], run: TrainingRun) -> Progress:
    """Return the progress of a snapshot's training, validated."""
    history = [*map(_epoch_figures, require_type("history", facts.pop("history", None), list))]
    facts["correct_sum"] = facts.pop("right_sum", None)
    facts.pop("start_step", None)
    progress = replace(typed(Progress, facts), history=tuple(history))
    epochs, points = run.config.epochs, run.config.n_training
    is_possible = 0 <= progress.epoch == len(history) <= epochs and 0 <= progress.points <= points
    found = f"{progress.points} points of epoch {progress.epoch}, {len(history)} before it"
    require(is_possible, f"expected progress within {epochs} epochs, got {found}")
    return progress


def _epoch_figures(epoch: Any) -> EpochFigures:
    """Return the figures that `EpochFigures.to_json` made the dictionary of."""
    facts, prefix = require_type("history", epoch, dict), "validation_"
    figures = {name.removeprefix(prefix): facts.pop(name) for name in [*facts] if name.startswith(prefix)}
    return typed(EpochFigures, facts | {"validation": typed(Figures, figures)})
