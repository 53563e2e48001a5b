"""One function a command, the pipeline on a page: start reading here."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import gettempdir

import numpy as np

from seq2seq_demo import inputs, report, series, weights, workers
from seq2seq_demo.config import ModelConfig, TrainConfig, given
from seq2seq_demo.errors import InputError, UsageError, WeightsError
from seq2seq_demo.memory import check_decoding_fits, check_training_fits
from seq2seq_demo.numpy_decoder import CHUNK, NumpyNetwork, in_threads
from seq2seq_demo.parameters import TrainedNetwork, untrained
from seq2seq_demo.patterns import DEFAULT_PATTERN, PATTERNS, SequencePattern, find_pattern
from seq2seq_demo.snapshots import Interruption, Snapshots


def train(options: Namespace) -> None:
    """Train on random sources, from initial weights, a file's or a snapshot's; save, if this is the chief worker."""
    start, config, snapshot_path = _start_of_training(options)
    pattern = find_pattern(options.pattern or start.pattern or DEFAULT_PATTERN)
    pattern.check(config.in_len, config.out_len, start.model.in_max_int, start.model.out_max_int)
    if not workers.is_chief():
        _train_with_the_chief(pattern, config, start)
        return
    output = _output_path(options, pattern.name)
    weights.check_writable(output or options.data_dir / "any")
    if config.epochs == 0:  # converts a file of 2016, or shows what training starts from
        print(f"Saved {_save(start, output, options, pattern.name)}")
        return
    report.training_header(start.model, config, pattern.name, options.verbose)
    from seq2seq_demo import training  # loads TensorFlow

    with Interruption() as interruption, report.TrainingReport(config) as training_report:
        snapshots = Snapshots(options.data_dir, options.name, pattern.name, output, interruption)
        snapshots.path = snapshot_path
        network = training.train(pattern, config, None, start, [training_report], snapshots)
        report.line(f"Saved {_save_or_keep(network, output, options, pattern.name, snapshots)}")
    if network.reached["exact_match"] < min(0.99, config.stop_at_exact or 1):
        report.notice(report.advice(start.model, config, network.reached["exact_match"]))


def _train_with_the_chief(pattern: SequencePattern, config: TrainConfig, start: TrainedNetwork) -> None:
    """Do a worker's share; the chief prints and saves."""
    if config.epochs > 0:
        from seq2seq_demo import training  # loads TensorFlow

        training.train(pattern, config, start=start)


def predict(options: Namespace) -> None:
    """Decode the sequences given, and print a line for each."""
    path, network, notices = _network_to_predict_with(options)
    _check_agreement(options, path, network)
    if network.in_len is None:
        notices.append(f"Inferred from the file: {report.describe(network)}; lengths follow the input")
    elif options.verbose:
        notices.append(report.describe(network))
    skipped = []
    skip = (lambda error: skipped.append(report.notice(str(error)))) if options.keep_going else None
    sequences = inputs.from_words(options.values) if options.values else inputs.from_file(options.from_file)
    in_len = options.in_len or network.in_len
    sources = inputs.batches(sequences, CHUNK, in_len, network.model.in_max_int, skip)
    for lines in in_threads(_predictor(network, options), sources):
        while notices:  # said once there is an answer, so that an error stands alone
            report.notice(notices.pop(0))
        print(*lines, sep="\n", flush=True)
    if skipped:
        raise InputError(f"expected sequences that the network can read, skipped {len(skipped)} that are not")


def _start_of_training(options: Namespace) -> tuple[TrainedNetwork, TrainConfig, Path | None]:
    """Return what to train, how, and the snapshot that --resume goes on with."""
    if options.resume:
        return _resumed(options)
    config = TrainConfig(**given(options, TrainConfig))
    path = options.input_weights
    if options.iter_num is not None:
        pattern = options.pattern or DEFAULT_PATTERN
        path = series.iteration_path(options.data_dir, options.name, pattern, options.iter_num)
        if not path.exists():
            report.notice(f"No {path}: starting afresh")
            path = None
    if path is None:
        model = ModelConfig(**given(options, ModelConfig))
        check_training_fits(model, config)
        fresh = untrained(model, config.seed)
        return replace(fresh, pattern=options.pattern or DEFAULT_PATTERN, **_lengths(config)), config, None
    network = _load(path)
    _check_agreement(options, path, network)
    check_training_fits(network.model, config)
    if config.epochs:
        lengths = f"sources of {config.in_len} and targets of {config.out_len} symbols"
        report.notice(f"Going on from {path}: {report.describe(network)}; with {lengths}")
    elif network.in_len is None and (options.in_len or options.out_len):
        network = replace(network, **_lengths(config))
    return replace(network, pattern=options.pattern or network.pattern, progress={}), config, None


def _lengths(config: TrainConfig) -> dict[str, int]:
    return {"in_len": config.in_len, "out_len": config.out_len}


def _load(path: Path) -> TrainedNetwork:
    """Read a weights file; where it does not say its pattern, as those of 2016, a canonical name may."""
    network = weights.load(path)
    pattern = network.pattern or series.pattern_in_name(path)
    return replace(network, pattern=pattern if pattern in PATTERNS else network.pattern)


def _resumed(options: Namespace) -> tuple[TrainedNetwork, TrainConfig, Path]:
    """Return the snapshot to resume, its training, and its path; it also says where the training is to be saved."""
    path, snapshot = _snapshot_to_resume(options)
    trained = dict(snapshot.trained)
    name, output = trained.pop("name"), trained.pop("output")
    options.name = options.name or name
    options.output_weights = options.output_weights or (output and Path(output))
    report.notice(f"Going on with {path}, epoch {snapshot.progress['epoch'] + 1}, step {snapshot.step}")
    return snapshot, TrainConfig(**trained), path


def _snapshot_to_resume(options: Namespace) -> tuple[Path, TrainedNetwork]:
    """Return the newest snapshot that the options do not contradict.

    Raises:
        UsageError: they contradict them all; the message names an option of the newest.
        WeightsError: there is none.
    """
    contradiction = None
    for path in series.newest_first(options.data_dir, options.name, None, series.SNAPSHOT):
        snapshot = weights.load(path)
        try:
            _check_agreement(options, path, snapshot)
            return path, snapshot
        except UsageError as error:
            contradiction = contradiction or error
    raise contradiction or WeightsError(f"{options.data_dir}: expected a snapshot to resume from, found none")


def _network_to_predict_with(options: Namespace) -> tuple[Path, TrainedNetwork, list[str]]:
    """Return the network of -i, of --iter-num, of the newest canonical file that fits, or else a shipped one.

    The last item is what to say of the choice.
    """
    path = options.input_weights
    pattern = options.pattern or DEFAULT_PATTERN
    if options.iter_num is not None:
        path = series.iteration_path(options.data_dir, options.name, pattern, options.iter_num)
    if path is not None:
        return path, _load(path), [f"Using weights {path}"]
    for path in series.newest_first(options.data_dir, options.name, options.pattern):
        network = _load(path)
        if options.model in (None, network.model.model):
            return path, network, [f"Using weights {path}"]
    path = series.shipped_path(pattern, options.model or ModelConfig.model)
    return path, weights.load(path), [f"Using weights {path}, as none in {options.data_dir} fit"]


def _check_agreement(options: Namespace, path: Path, network: TrainedNetwork) -> None:
    """Raise UsageError for an option that contradicts the file, or the training of a snapshot."""
    found = asdict(network.model) | {"pattern": network.pattern}
    asked = given(options, ModelConfig) | {"pattern": options.pattern}
    if network.progress and options.command == "train" and options.resume:
        found, asked = found | network.trained, asked | given(options, TrainConfig)
    for name, value in asked.items():
        alike = {value, found[name]} <= {"BasicLSTMCell", "LSTMCell"}  # two names of one cell
        if None not in (value, found[name]) and value != found[name] and not alike:
            raise UsageError(f"{path} has {name.replace('_', '-')} {found[name]}, but the options ask for {value}")


def _predictor(network: TrainedNetwork, options: Namespace) -> Callable[[np.ndarray], list[str]]:
    """Return a function from sources `[B, S]` to the lines that tell what is predicted, and expected."""
    decode = _decoder(network, options.engine)
    pattern = PATTERNS.get(options.pattern or network.pattern)  # None: nobody knows what to expect

    def lines(sources: np.ndarray) -> list[str]:
        B, S = sources.shape
        T = options.out_len or network.out_len or S
        check_decoding_fits(network.model, B, T)
        expected = [None] * B
        if pattern:
            pattern.check(S, T, network.model.in_max_int, network.model.out_max_int)
            expected = pattern.targets(sources, T).tolist()
        rows = zip(sources.tolist(), decode(sources, T).tolist(), expected, strict=True)
        return [report.prediction_line(*row) for row in rows]

    return lines


def _decoder(network: TrainedNetwork, engine: str | None) -> Callable[[np.ndarray, int], np.ndarray]:
    """Return a function from sources `[B, S]` and T to the symbols of greedy decoding, `[B, T]`."""
    if engine != "keras":
        numpy_network = NumpyNetwork(network.model, network.weights)
        return lambda sources, out_len: numpy_network.decode(sources, out_len).symbols
    from seq2seq_demo.network.model import Seq2Seq  # loads TensorFlow

    keras_network = Seq2Seq(network.model, network.weights)
    return lambda sources, out_len: keras_network.greedy(sources, out_len)[0].numpy()


def _output_path(options: Namespace, pattern: str) -> Path | None:
    """Return where -o or --iter-num wants a training saved; None is the next unused canonical name.

    Raises:
        WeightsError: the iteration that --iter-num is to make is there already.
    """
    if options.output_weights is not None or options.iter_num is None:
        return options.output_weights
    path = series.canonical_path(options.data_dir, options.name, pattern, options.iter_num + 1)
    if path.exists():
        raise WeightsError(f"{path} exists: go on from it with --iter-num {options.iter_num + 1}, or give -o FILE")
    return path


def _save_or_keep(
    network: TrainedNetwork, output: Path | None, options: Namespace, pattern: str, snapshots: Snapshots
) -> Path:
    """Save a training, which makes its snapshot needless; where that fails, say where else it is kept."""
    try:
        path = _save(network, output, options, pattern)
    except WeightsError as error:
        kept = snapshots.path or series.save_under_unused_name(network, Path(gettempdir()), options.name, pattern)
        raise WeightsError(f"{error}; the trained network is kept in {kept}") from error
    snapshots.remove()
    return path


def _save(network: TrainedNetwork, output: Path | None, options: Namespace, pattern: str) -> Path:
    """Save a training; return where."""
    if output is None:
        return series.save_under_unused_name(network, options.data_dir, options.name, pattern)
    weights.save(network, output)
    return output
