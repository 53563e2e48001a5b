"""Which network the options name, to train or to predict with, and what contradicts it."""

import itertools
from argparse import Namespace
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seq2seq_demo import inputs, report, series, weights
from seq2seq_demo.config import ModelConfig, TrainConfig, given
from seq2seq_demo.dataset import OwnData, Pairs, drawn_sources
from seq2seq_demo.errors import InputError, UsageError, WeightsError
from seq2seq_demo.memory import check_training_fits
from seq2seq_demo.parameters import TrainedNetwork, untrained
from seq2seq_demo.patterns import DEFAULT_PATTERN, PATTERNS, SequencePattern, find_pattern, is_own


class Start(NamedTuple):
    """Where a training starts from: a fresh network, a file's or a snapshot's, and what it is to learn."""

    network: TrainedNetwork
    config: TrainConfig
    origin: SequencePattern | OwnData
    snapshot: Path | None = None  # the one that --resume goes on with


def start_of_training(options: Namespace) -> Start:
    """Return what to train, how, and on what."""
    pattern = find_pattern(options.pattern) if options.pattern else None
    if options.resume:
        return _resumed(options, pattern)
    path = _path_to_go_on_with(options, pattern)
    network = None
    if path is not None:
        network = _load(path)
        check_agreement(options, path, network, pattern)
    data = _own_data(options, pattern, network and network.model)
    model = network.model if network else ModelConfig(**_ranges(data, pattern, options) | given(options, ModelConfig))
    origin = data or pattern or _pattern_of(network)
    config = _train_config(options, network, model, origin)
    name = origin.name
    if network is None:
        network = replace(untrained(model, config.seed), **_lengths(config))
    elif config.epochs:
        lengths = f"sources of {config.in_len} and targets of {config.out_len} symbols"
        report.notice(f"Going on from {path}: {report.describe(network)}; with {lengths}")
    else:  # converted as it is: what is not known stays so
        name = name if data or pattern else network.pattern
        if network.in_len is None and (options.in_len or options.out_len):
            network = replace(network, **_lengths(config))
    return Start(replace(network, pattern=name, progress={}), config, origin)


def _path_to_go_on_with(options: Namespace, pattern: SequencePattern | None) -> Path | None:
    """Return the file of -i or --iter-num; None starts afresh."""
    if options.iter_num is None:
        return options.input_weights
    name = pattern.name if pattern else DEFAULT_PATTERN
    path = series.iteration_path(options.data_dir, options.name, name, options.iter_num)
    if path.exists():
        return path
    report.notice(f"No {path}: starting afresh")
    return None


def _own_data(options: Namespace, pattern: SequencePattern | None, model: ModelConfig | None) -> OwnData | None:
    """Return the pairs of --from-file; the largest symbols are the network's, or the options', or those in the file."""
    if options.from_file is None:
        return None
    pairs = given_pairs(options, pattern, model)
    file_name = "stdin" if options.from_file == "-" else Path(options.from_file).name.replace(":", ".")
    return OwnData(pattern.name if pattern else file_name[-60:], pairs)


def given_pairs(options: Namespace, pattern: SequencePattern | None, model: ModelConfig | None) -> Pairs:
    """Return the pairs of --from-file, the first N if N was given.

    Raises:
        InputError: there are fewer than N, or one is no pair that the network can read.
    """
    sequences = itertools.islice(inputs.from_file(options.from_file), options.points)
    largest = (model.in_max_int, model.out_max_int) if model else (options.in_max_int, options.out_max_int)
    pairs = inputs.pairs(sequences, pattern, options.in_len, options.out_len, *largest)
    found = len(pairs.sources)
    if options.points and found < options.points:
        raise InputError(f"{options.from_file}: expected {options.points} pairs, found {found}")
    return pairs


def _ranges(data: OwnData | None, pattern: SequencePattern | None, options: Namespace) -> dict[str, int]:
    """Return the largest symbols of a fresh network, where own data tell them."""
    if data is None:
        return {}
    in_max_int, out_max_int = (max(1, int(symbols.max())) for symbols in data.pairs)
    return {
        "in_max_int": in_max_int,
        "out_max_int": (options.in_max_int or in_max_int) if pattern else out_max_int,  # as inputs.pairs takes it
    }


def _pattern_of(network: TrainedNetwork | None) -> SequencePattern:
    """Return the pattern that a network was trained on, or the default one for a fresh network.

    Raises:
        UsageError: it was the user's own, or own data: both have to be named again.
    """
    if network is None or network.pattern is None:
        return PATTERNS[DEFAULT_PATTERN]
    if network.pattern not in PATTERNS:
        again = "-p with your function" if is_own(network.pattern) else "--from-file"
        raise UsageError(f"the network was trained on {network.pattern!r}: expected {again} again")
    return PATTERNS[network.pattern]


def _train_config(
    options: Namespace, network: TrainedNetwork | None, model: ModelConfig, origin: SequencePattern | OwnData
) -> TrainConfig:
    """Return the training: its lengths are those of the data, the options, the network or the defaults.

    A target that the pattern leaves shorter than that is taken whole.
    """
    asked = given(options, TrainConfig)
    if isinstance(origin, OwnData):
        sources, targets = origin.pairs
        asked |= {"points": len(sources), "in_len": sources.shape[1], "out_len": targets.shape[1]}
        config = TrainConfig(**asked)
        check_training_fits(model, config)
        return config
    lengths = {name: getattr(network, name, None) or getattr(TrainConfig, name) for name in ("in_len", "out_len")}
    config = TrainConfig(**lengths | asked)
    check_training_fits(model, config)
    whole = origin.check(config.in_len, options.out_len, model.in_max_int, model.out_max_int)
    return replace(config, out_len=min(config.out_len, whole))


def _lengths(config: TrainConfig) -> dict[str, int]:
    return {"in_len": config.in_len, "out_len": config.out_len}


def _load(path: Path) -> TrainedNetwork:
    """Read a weights file; where it does not say its pattern, as those of 2016, a canonical name may."""
    network = weights.load(path)
    pattern = network.pattern or series.pattern_in_name(path)
    return replace(network, pattern=pattern if pattern in PATTERNS else network.pattern)


def _resumed(options: Namespace, pattern: SequencePattern | None) -> Start:
    """Return the snapshot to resume and its training; `options` is told where that is to be saved."""
    path, snapshot = _snapshot_to_resume(options, pattern)
    trained = dict(snapshot.trained)
    name, output, digest, _ = (trained.pop(key, None) for key in ("name", "output", "data", "start_step"))
    options.points, options.in_len, options.out_len = (trained[key] for key in ("points", "in_len", "out_len"))
    data = _own_data(options, pattern, snapshot.model)
    if digest and not data:
        raise UsageError(f"{path} was trained on own data ({snapshot.pattern!r}): expected --from-file again")
    if data and data.digest() != digest:
        raise UsageError(f"{path}: expected the data that its training began with, got other data")
    options.name = options.name or name
    options.output_weights = options.output_weights or (output and Path(output))
    origin = data or pattern or _pattern_of(snapshot)
    report.notice(f"Going on with {path}, epoch {snapshot.progress['epoch'] + 1}, step {snapshot.step}")
    return Start(snapshot, TrainConfig(**trained), origin, path)


def _snapshot_to_resume(options: Namespace, pattern: SequencePattern | None) -> tuple[Path, TrainedNetwork]:
    """Return the newest snapshot that the options do not contradict.

    Raises:
        UsageError: they contradict them all; the message names an option of the newest.
        WeightsError: there is none.
    """
    contradiction = None
    for path in series.newest_first(options.data_dir, options.name, None, series.SNAPSHOT):
        snapshot = weights.load(path)
        try:
            check_agreement(options, path, snapshot, pattern)
            return path, snapshot
        except UsageError as error:
            contradiction = contradiction or error
    raise contradiction or WeightsError(f"{options.data_dir}: expected a snapshot to resume from, found none")


def network_to_use(options: Namespace) -> tuple[TrainedNetwork, SequencePattern | None, list[str]]:
    """Return the network of -i, of --iter-num, of the newest canonical file that fits, or else a shipped one.

    Beside it, the pattern that tells what to expect (None: nobody knows), and what to say of the choice.
    """
    pattern = find_pattern(options.pattern) if options.pattern else None
    path, network, choice = _found(options, pattern)
    check_agreement(options, path, network, pattern)
    notices = [choice]
    if network.in_len is None:
        notices.append(f"Inferred from the file: {report.describe(network)}; lengths follow the input")
    elif options.verbose:
        notices.append(report.describe(network))
    return network, pattern or PATTERNS.get(network.pattern), notices


def _found(options: Namespace, pattern: SequencePattern | None) -> tuple[Path, TrainedNetwork, str]:
    """Return file, network, and what to say of the choice."""
    path, name = options.input_weights, pattern.name if pattern else DEFAULT_PATTERN
    if options.iter_num is not None:
        path = series.iteration_path(options.data_dir, options.name, name, options.iter_num)
    if path is not None:
        return path, _load(path), f"Using weights {path}"
    for path in series.newest_first(options.data_dir, options.name, pattern and name):
        network = _load(path)
        if options.model in (None, network.model.model):
            return path, network, f"Using weights {path}"
    in_len = options.in_len or (options.command == "predict" and len(options.values))
    path = series.shipped_path(name, options.model or ModelConfig.model, in_len)
    if not path.exists():
        raise WeightsError(f"{options.data_dir}: expected weights of pattern {name!r}, found none: train them first")
    return path, weights.load(path), f"Using weights {path}, as none in {options.data_dir} fit"


def trained_on(network: TrainedNetwork) -> np.ndarray | None:
    """Return the random sources that the network's last training drew, `[points, S]`, if that can be known."""
    if "start_step" not in network.trained:
        return None
    config = TrainConfig(**given(Namespace(**network.trained), TrainConfig))
    return drawn_sources(network.model, config, network.trained["start_step"])


def check_agreement(
    options: Namespace, path: Path, network: TrainedNetwork, pattern: SequencePattern | None = None
) -> None:
    """Raise UsageError for an option that contradicts the file, or the training of a snapshot."""
    resumed = bool(network.progress) and options.command == "train" and bool(options.resume)
    # The name of a data file does not contradict a pattern, but where that training is to be resumed.
    known = network.pattern in PATTERNS or is_own(network.pattern or "") or resumed
    found = asdict(network.model) | {"pattern": network.pattern if known else None}
    asked = given(options, ModelConfig) | {"pattern": pattern and pattern.name}
    if resumed:
        found, asked = found | network.trained, asked | given(options, TrainConfig)
    for name, value in asked.items():
        alike = {value, found[name]} <= {"BasicLSTMCell", "LSTMCell"}  # two names of one cell
        if None not in (value, found[name]) and value != found[name] and not alike:
            raise UsageError(f"{path} has {name.replace('_', '-')} {found[name]}, but the options ask for {value}")
