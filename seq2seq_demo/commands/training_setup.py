"""Sets up a training run: its task, its initial weights (fresh, from a file or a snapshot), and its destination."""

import contextlib
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from seq2seq_demo.commands import network_selection
from seq2seq_demo.commands.options import TrainOptions
from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.lines import file_title, pipes_kept
from seq2seq_demo.data.pair_task import PairTask, pair_warnings
from seq2seq_demo.data.pattern_task import SequencePattern
from seq2seq_demo.data.tasks import Task
from seq2seq_demo.display import training_report
from seq2seq_demo.display.console import pluralize, print_notice
from seq2seq_demo.errors import InputError, Seq2SeqError, UsageError, WeightsError
from seq2seq_demo.files import atomic_files, file_names, resume_notes, weights_file
from seq2seq_demo.files.stored_network import DataFingerprint, Snapshot, StoredNetwork
from seq2seq_demo.network.memory_estimates import check_training_fits
from seq2seq_demo.trained_network import TrainedNetwork, untrained
from seq2seq_demo.training import recorder, snapshots, workers
from seq2seq_demo.training.budget import UNLIMITED, Clock, start_clock, within_budget
from seq2seq_demo.training.settings import begin_run, hold_out, resolve, with_recipe

BUDGETED = ("epochs", "cell_size", "embedding_size")  # settings that --budget chooses

MAX_SKIPPED = 0.1  # largest share of the records of a file that --keep-going skips


@dataclass(frozen=True)
class TrainingSetup:
    """A training run to start or resume, with its task and the place where it will be saved."""

    snapshot: Snapshot[TrainedNetwork]  # the state to start or resume from
    config: TrainConfig
    task: Task
    name: str | None  # the NAME part of canonical file names
    destination: resume_notes.Destination
    path: Path | None = None  # the file of the snapshot that --resume continues
    lock: atomic_files.HeldFile | None = None  # the file at `path`, locked
    clock: Clock = UNLIMITED  # the time limit of a new training run
    finished: Path | None = None  # with --resume: a weights file that already contains the result of this run

    @property
    def network(self) -> TrainedNetwork:
        """The network to train; of an ensemble, the first one."""
        return self.snapshot.first


def set_up_training(options: TrainOptions) -> TrainingSetup:
    """Set up the training that the options describe, and print warnings about its pairs.

    Raises:
        Seq2SeqError: the options contradict the weights, the snapshot or the pairs, or one of these cannot be read.
        WeightsError: with --resume, there is no snapshot, and another training run is saved at the destination.
    """
    # A pipe can be read only once, but every snapshot is compared with the pairs.
    with pipes_kept() if options.resume else contextlib.nullcontext():
        resumed, contradiction = _resume_newest(options) if options.resume else (None, None)
        setup = resumed or _new_training(options)
    if options.resume:
        output, _, folder = setup.destination
        saved = [output] if output else file_names.newest_first(folder, setup.name, setup.task.name)
        chosen = BUDGETED if options.budget else ("epochs",) if options.settings.get("epochs") is None else ()
        setup = replace(setup, finished=next((path for path in saved if _is_saved(setup, path, chosen)), None))
        if contradiction and not setup.finished:
            raise contradiction
        if not (setup.path or setup.finished):
            for path in saved:
                if _is_saved(setup, path, but_for=["epochs"]):
                    finished = f"{path} contains this training run, finished after another number of epochs"
                    raise WeightsError(f"{finished}: to train it further, give -i {path} and -e N without --resume")
            if output and os.path.lexists(output):
                raise WeightsError(f"{output} contains another training run: leave out --resume to train again")
            hint = _snapshots_elsewhere(options)
            print_notice(f"Found no snapshot in {options.data_dir}{hint}: starting from fresh weights")
    for warning in pair_warnings(setup.task) if isinstance(setup.task, PairTask) else ():
        print_notice(warning)
    return setup


def _snapshots_elsewhere(options: TrainOptions) -> str:
    """Return a hint about snapshots that could not be written to --data-dir; "" if there are none."""
    others = [x for x in snapshots.fallback_folders() if not atomic_files.is_same_file(x, options.data_dir)]
    found = [x for x in others if file_names.newest_first(x, options.name, None, file_names.SNAPSHOT)]
    return f", but there are some in {' and '.join(map(str, found))} (see --data-dir)" if found else ""


def _is_saved(setup: TrainingSetup, path: Path, but_for: Collection[str] = ()) -> bool:
    """Whether a weights file contains the result of this training run, and its recording exists if the run records.

    The settings named in `but_for` may differ.
    """
    with contextlib.suppress(WeightsError):
        stored = weights_file.read(path)
        if setup.config.epochs and isinstance(stored, StoredNetwork) and stored.trained:
            is_recorded = setup.network.recording is None or file_names.recording_path(path).exists()
            ids = {snapshots.training_id(network, but_for) for network in (stored, setup.network)}
            return is_recorded and len(ids) == 1
    return False


def _new_training(options: TrainOptions) -> TrainingSetup:
    """Set up a training run that starts from fresh weights or from a weights file."""
    clock = start_clock(options.budget, options.settings)
    path, start, settings = _start_path(options), None, options.settings
    if path is not None:
        start = network_selection.load_with_task(path)
        network_selection.check_options_match(options, path, start)
    pairs = _read_pairs(options, settings.get("points"), start)
    task = hold_out(pairs or options.sequence_pattern or network_selection.pattern_to_train(start), start)
    if pairs and options.pattern and not start:  # by default, targets have the same symbols as sources
        largest = pairs.largest_symbols()["in_max_int"]
        settings = {"out_max_int": settings.get("in_max_int", largest), **settings}
    default_out_len = start.out_len if start else None
    model_config, config = resolve(task, settings, start, default_out_len or TrainConfig.out_len)
    destination = _destination(options, options.name, task)
    if options.budget:
        print_notice(f"Measuring how many epochs fit into a budget of {options.budget:g} min")
    model_config, config = within_budget(clock, task, (model_config, config), settings, start)
    network = start or replace(untrained(model_config, config.seed), vocabularies=task.vocabularies)
    name: str | None = task.name
    if start and config.epochs:
        up_to = "up to " if model_config.ends else ""
        trained = f"sources of {config.lengths} and targets of {up_to}{config.out_len} symbols"
        unknown = "" if start.in_len else "; the file records no lengths: --in-len and --out-len set them"
        fresh = "" if start.moments else "; the file has no state of the optimiser, so Adam's moments start at zero"
        print_notice(f"Continuing from {path}: {start.summary()}; with {trained}{unknown}{fresh}")
        _warn_of_trained_pairs(task, start, path)
    elif start and not (pairs or options.pattern):  # the weights are only converted, so an unknown task stays unknown
        name = start.task
    if config.epochs and with_recipe(task, settings, start).keys() > settings.keys():
        print_notice(training_report.settings_line(None if start else model_config, config))
    if config.epochs or (network.in_len is None and (not start or settings.keys() & {"in_len", "out_len"})):
        network = replace(network, in_len=config.in_len, out_len=config.out_len, min_in_len=config.min_in_len)
    if config.epochs:
        network = _with_fingerprint(begin_run(replace(network, model_config=model_config), task, config), task)
        _warn_of_few_sources(task, network, config)
    network = replace(network, task=name, recording=None)
    if options.record:
        network = recorder.start_recording(network, config)
    return TrainingSetup(Snapshot(network), config, task, options.name, destination, clock=clock)


def _warn_of_trained_pairs(task: Task, start: TrainedNetwork, path: Path | None) -> None:
    """Print a notice if the network to continue from may have been trained on pairs that now validate it."""
    if isinstance(task, PairTask) and start.step:
        sources, held_out = task.split[1].sources, start.held_out
        n = len(sources) - (0 if held_out is None else int(np.isin(sources.digests(), held_out).sum()))
        recorded = "records no validation pairs" if held_out is None else "was validated on other pairs"
        unknown = f"whether it was trained on {n} of the {len(sources)} pairs that validate it now"
        if n:
            advice = "if it was, the validation figures are too optimistic"
            print_notice(f"{path} {recorded}, so it is unknown {unknown}; {advice}")


def _warn_of_few_sources(task: Task, network: TrainedNetwork, config: TrainConfig) -> None:
    """Print a notice if the training runs draw at least as many sources as the pattern has."""
    if isinstance(task, SequencePattern):
        n_drawn = sum(each.run.config.points for each in network.runs)
        lengths = task.lengths_of(config, network.model_config)
        if (n := sum((network.model_config.in_max_int + 1) ** length for length in lengths)) <= n_drawn:
            few = f"There are only {pluralize(n, 'source')} of length {config.lengths}"
            print_notice(f"{few}, and {n_drawn:,} were drawn: most validation sources are not new to the network")


def _start_path(options: TrainOptions) -> Path | None:
    """Return the weights file to start from; None for fresh weights."""
    path = network_selection.path_from_options(options, options.from_file)
    if path is None or options.iter_num is None or path.exists():
        return path
    print_notice(f"Found no {path}: starting from fresh weights")
    return None


def _read_pairs(options: TrainOptions, n: int | None, network: TrainedNetwork | None) -> PairTask | None:
    """Return the pairs of --from-file as a task; None without that option."""
    if options.from_file is None:
        return None
    skipped: network_selection.SkippedPairs | None = {} if options.keep_going else None
    task = network_selection.read_pair_task(options, n, options.sequence_pattern, network, print_notice, skipped)
    for (file, errors), pairs in zip((skipped or {}).items(), (task.pairs, task.validation), strict=False):
        _report_skipped(file, len(pairs or ()), errors, options.keep_going == "all")
    return task


def _report_skipped(file: str, n_pairs: int, errors: list[InputError], may_skip_all: bool) -> None:
    """Print how many pairs of a file were skipped; raise InputError if they are too many."""
    if errors:
        n = n_pairs + len(errors)
        counts = f"{n:,} records of {file_title(file)}: {n_pairs:,} pairs, {len(errors):,} skipped"
        if not may_skip_all and len(errors) > MAX_SKIPPED * n:
            expected = "expected to skip at most a tenth of the records (--keep-going all skips any number)"
            raise InputError(f"{expected}, got {counts}; the first error: {errors[0]}")
        print_notice(f"Read {counts}; the first error: {errors[0]}")


def _with_fingerprint(network: TrainedNetwork, task: Task) -> TrainedNetwork:
    """Record the fingerprint of the task in the training run, so that --resume recognises the data."""
    assert network.trained
    digest = task.digest if isinstance(task, PairTask) else None
    fingerprint = DataFingerprint(digest, task.fingerprint(network.trained.config, network.model_config))
    return replace(network, trained=replace(network.trained, fingerprint=fingerprint))


def _destination(options: TrainOptions, name: str | None, task: Task) -> resume_notes.Destination:
    """Return the destination that -o or --iter-num selects.

    Raises:
        WeightsError: -o names a file of another kind, or the iteration after --iter-num exists already.
    """
    folder, output = options.data_dir, options.output
    if output is not None:
        weights_file.check_replaceable(output, options.force)
        return resume_notes.Destination(output, overwrite=True, folder=folder)
    if options.iter_num is None:
        return resume_notes.Destination(folder=folder)
    n = options.iter_num + 1
    existing = file_names.iteration_path(folder, name, task.name, n)
    if os.path.lexists(existing) and not options.resume:
        raise WeightsError(f"{existing} exists already: continue from it with --iter-num {n}, or give -o FILE")
    return resume_notes.Destination(file_names.canonical_path(folder, name, task.name, n), folder=folder)


def _resume_newest(options: TrainOptions) -> tuple[TrainingSetup | None, Seq2SeqError | None]:
    """Resume the first of `_snapshots` that the options do not contradict; also return the first contradiction.

    Return no setup if the options describe a new training run and there is no snapshot, or the file of -o exists and
    may contain the result of this run.

    Raises:
        Seq2SeqError: the options contradict every snapshot; the error is about the first one.
        WeightsError: there is no snapshot, and the options do not describe a new training run.
    """
    contradiction: Seq2SeqError | None = None
    for path, snapshot in _snapshots(options):
        try:
            return _resume(options, path, snapshot), None
        except Seq2SeqError as error:
            contradiction = contradiction or error
    describes_new_run = bool(options.settings.get("points") or options.from_file)
    if contradiction and not (describes_new_run and options.output and os.path.lexists(options.output)):
        raise contradiction
    if not describes_new_run:
        raise WeightsError(f"{options.data_dir}: expected a snapshot to resume from, found none")
    return None, contradiction


def _snapshots(options: TrainOptions) -> Iterator[tuple[Path, Snapshot[TrainedNetwork]]]:
    """Yield the readable snapshots and their paths: first those of training runs that will be saved as -o, then others.

    Both groups are in the order of their age, newest first. Several workers ignore the destinations, because only the
    chief notes them.
    """
    output = options.output if workers.is_single() else None
    others = []
    for path in file_names.newest_first(options.data_dir, options.name, None, file_names.SNAPSHOT):
        try:
            snapshot = snapshots.load_snapshot(path)
        except WeightsError as error:
            print_notice(f"Skipping {error}")
            continue
        noted = resume_notes.load_destination(path, snapshots.training_id(snapshot.first))
        if output is None or (noted and noted.output and atomic_files.is_same_file(noted.output, output)):
            yield path, snapshot
        else:
            others.append(path)
    for path in others:
        with contextlib.suppress(WeightsError):  # another process may have removed it meanwhile
            yield path, snapshots.load_snapshot(path)


def _resume(options: TrainOptions, path: Path, snapshot: Snapshot[TrainedNetwork]) -> TrainingSetup:
    """Set up the rest of an interrupted run; of several workers, only the chief locks and writes the snapshot."""
    network, config = snapshot.first, snapshot.run.config
    network_selection.check_options_match(options, path, network, resume=True)
    if options.record and network.recording is None:
        raise UsageError(f"expected no --record, because {path} has no recording of the training so far")
    with contextlib.ExitStack() as unlock_on_error:
        lock = None
        if workers.is_chief():
            lock = atomic_files.open_locked(path, "the snapshot of an interrupted training run", WeightsError)
            unlock_on_error.enter_context(lock)
        task = _resumed_task(options, path, snapshot)
        check_training_fits(network.model_config, config)
        name = options.name or file_names.parse_name(path)
        destination = _resumed_destination(path, snapshot, _destination(options, name, task))
        member = f", member {len(snapshot.finished) + 1}" if snapshot.finished else ""
        print_notice(f"Resuming {path}{member}, epoch {snapshot.progress.epoch + 1}, step {snapshot.network.step}")
        # Old files lack the fingerprint.
        snapshot = replace(snapshot, network=_with_fingerprint(snapshot.network, task))
        unlock_on_error.pop_all()
        return TrainingSetup(snapshot, config, task, name, destination, path, lock)


def _resumed_destination(
    path: Path, snapshot: Snapshot[TrainedNetwork], chosen: resume_notes.Destination
) -> resume_notes.Destination:
    """Return the destination that the options choose or, if they leave it open, the one noted when the training began.

    Without a note, warn and return the chosen destination.

    Raises:
        WeightsError: the chosen file exists, and the note names another destination.
    """
    noted = resume_notes.load_destination(path, snapshots.training_id(snapshot.first))
    output = chosen.output
    if noted is None and output is None:
        unknown = "Found no note on the destination of this training run"
        print_notice(f"{unknown}: saving under the next unused name; use -o FILE to save elsewhere")
    if noted is None:
        return chosen
    if output is None:
        is_other_folder = noted.folder.is_dir() and not atomic_files.is_same_file(noted.folder, chosen.folder)
        return noted if is_other_folder else noted._replace(folder=chosen.folder)
    if os.path.lexists(output) and not (noted.output and atomic_files.is_same_file(noted.output, output)):
        where = f"as {noted.output}" if noted.output else f"in {noted.folder}"
        expected = "expected -o to name that file or a new one"
        raise WeightsError(f"{path} belongs to a training run that will be saved {where}: {expected}, got {output}")
    return chosen


def _resumed_task(options: TrainOptions, path: Path, snapshot: Snapshot[TrainedNetwork]) -> Task:
    """Return the task of a snapshot.

    Raises:
        UsageError: the options do not name the data that the training began with, or the pattern has changed.
    """
    network, config, fingerprint = snapshot.first, snapshot.run.config, snapshot.run.fingerprint
    if fingerprint.data and not options.from_file:
        raise UsageError(f"{path} was trained on pairs ({network.task!r}): expected --from-file again, got none")
    if options.from_file and not fingerprint.data:
        raise UsageError(f"{path} was trained on pattern {network.task!r}: expected no --from-file")
    if fingerprint.data and not (network.ends and config.seed == 0) and fingerprint.fingerprint is None:
        written = f"{path} was written by version 0.2, which split these pairs differently"
        raise UsageError(f"{written}: train again, or continue from its weights with -i")
    expected = f"{path}: expected the data that its training began with"
    has_validation_file = options.validation_file is not None
    try:
        pairs = _read_pairs(options, config.n_training if has_validation_file else config.points, network)
    except InputError as error:
        n_pairs = error.n_pairs if isinstance(error, network_selection.TooFewPairsError) else None
        if n_pairs == config.n_training and not has_validation_file:
            raise UsageError(f"{path} was trained with --validation-file: expected it again, got none") from error
        raise UsageError(f"{expected}: {error}") from error
    if pairs and pairs.digest != fingerprint.data:
        raise UsageError(f"{expected}, got other data")
    task = pairs or options.sequence_pattern or network_selection.pattern_to_train(network)
    if fingerprint.fingerprint not in (None, task.fingerprint(config, network.model_config)):
        raise UsageError(f"{path}: pattern {task.name!r} no longer makes the targets that this training run began with")
    return hold_out(task, network)
