"""Sets up a new training run: its task, its initial weights (fresh or from a file), and the path of its result."""

import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from seq2seq_demo.commands import network_selection
from seq2seq_demo.commands.options import TrainOptions
from seq2seq_demo.config import TrainConfig
from seq2seq_demo.console import pluralize, print_notice
from seq2seq_demo.data.pair_task import PairTask, Task
from seq2seq_demo.data.patterns import PatternTask
from seq2seq_demo.display import training_report
from seq2seq_demo.errors import WeightsError
from seq2seq_demo.files import atomic_files, file_names
from seq2seq_demo.files.stored_network import Snapshot
from seq2seq_demo.trained_network import TrainedNetwork, untrained
from seq2seq_demo.training import recorder
from seq2seq_demo.training.settings import begin_run, resolve, with_recipe


@dataclass(frozen=True)
class TrainingSetup:
    """A training run to start or resume, with its task and the path of its result."""

    snapshot: Snapshot[TrainedNetwork]  # the state to start or resume from
    config: TrainConfig
    task: Task
    name: str | None  # the NAME part of canonical file names
    result: Path | None  # None: the next unused canonical name, claimed when the run starts
    lock: BinaryIO | None = None  # the snapshot beside the result, locked, if the run is resumed
    began: float = field(default_factory=time.monotonic)  # from which a budget counts

    @property
    def network(self) -> TrainedNetwork:
        """The network to train; of an ensemble, the first one."""
        return self.snapshot.network


def new_training(options: TrainOptions) -> TrainingSetup:
    """Set up a training run that starts from fresh weights or from a weights file.

    Raises:
        Seq2SeqError: the options contradict the weights or the pairs, or one of these cannot be read.
    """
    began = time.monotonic()
    path, start, settings = _start_path(options), None, options.settings
    if path is not None:
        start = network_selection.load_with_task(path)
        network_selection.check_options_match(options, path, start)
    pairs = read_pairs(options, settings.get("points"), start)
    task = pairs or options.pattern_task or network_selection.pattern_to_train(start)
    if pairs and options.pattern and not start:  # by default, targets have the same symbols as sources
        largest = pairs.largest_symbols()["in_max_int"]
        settings = {"out_max_int": settings.get("in_max_int", largest), **settings}
    default_out_len = start.out_len if start else None
    model_config, config = resolve(task, settings, start, default_out_len or TrainConfig.out_len)
    result = named_result(options)
    if options.iter_num is not None and result and os.path.lexists(result):
        n = options.iter_num + 1
        raise WeightsError(f"{result} exists already: continue from it with --iter-num {n}, or give -o FILE")
    network = start or replace(untrained(model_config, config.seed), vocabularies=task.vocabularies)
    name: str | None = task.name
    if start and config.epochs:
        up_to = "up to " if model_config.ends else ""
        trained = f"sources of {config.lengths} and targets of {up_to}{config.out_len} symbols"
        unknown = "" if start.in_len else "; the file records no lengths: --in-len and --out-len set them"
        fresh = "" if start.moments else "; the file has no state of the optimiser, so Adam's moments start at zero"
        print_notice(f"Continuing from {path}: {start.summary()}; with {trained}{unknown}{fresh}")
        _warn_of_other_split(task, start, path)
    elif start and not (pairs or options.pattern):  # the weights are only converted, so an unknown task stays unknown
        name = start.task
    if config.epochs and with_recipe(task, settings, start).keys() > settings.keys():
        print_notice(training_report.settings_line(None if start else model_config, config))
    if config.epochs or (network.in_len is None and (not start or settings.keys() & {"in_len", "out_len"})):
        network = replace(network, in_len=config.in_len, out_len=config.out_len, min_in_len=config.min_in_len)
    if config.epochs:
        network = begin_run(replace(network, model_config=model_config), task, config)
        _warn_of_few_sources(task, network, config)
    network = replace(network, task=name, recording=None)
    if options.record:
        network = recorder.start_recording(network, config)
    return TrainingSetup(Snapshot(network), config, task, options.name, result, began=began)


def named_result(options: TrainOptions) -> Path | None:
    """Return the path of -o, or of the iteration that follows --iter-num; None without these options.

    Raises:
        WeightsError: -o names a file of another kind.
    """
    if options.output is not None:
        atomic_files.check_replaceable(options.output, "a weights file", options.force, WeightsError)
        return options.result
    if options.iter_num is None:
        return None
    task = network_selection.task_of_file_name(options, options.from_file)
    return file_names.canonical_path(options.data_dir, options.name, task, options.iter_num + 1)


def _warn_of_other_split(task: Task, start: TrainedNetwork, path: Path | None) -> None:
    """Print a notice if the pairs that validate now may have trained the network."""
    run = start.trained
    learned_pairs = run and (run.fingerprint.data or start.vocabularies.are_text)
    if run and learned_pairs and task.digest and run.validated_by_content != task.validates_by_content:
        advice = "if it was, the validation figures are too optimistic"
        unknown = "it is unknown whether it was trained on pairs that validate it now"
        print_notice(f"{path} was validated on pairs chosen in another way, so {unknown}; {advice}")


def _warn_of_few_sources(task: Task, network: TrainedNetwork, config: TrainConfig) -> None:
    """Print a notice if the training run draws at least as many sources as the pattern has."""
    if isinstance(task, PatternTask):
        lengths = task.lengths_of(config, network.model_config)
        if (n := sum((network.model_config.in_max_int + 1) ** length for length in lengths)) <= config.points:
            few = f"There are only {pluralize(n, 'source')} of length {config.lengths}"
            print_notice(
                f"{few}, and {config.points:,} were drawn: few validation sources, if any, are new to the network"
            )


def _start_path(options: TrainOptions) -> Path | None:
    """Return the weights file to start from; None for fresh weights."""
    path = network_selection.path_from_options(options, options.from_file)
    if path is None or options.iter_num is None or path.exists():
        return path
    print_notice(f"Found no {path}: starting from fresh weights")
    return None


def read_pairs(options: TrainOptions, n: int | None, network: TrainedNetwork | None) -> PairTask | None:
    """Return the pairs of --from-file, or the first `n`, as a task; None without that option.

    The pairs must fit `network`, unless it is None.

    Raises:
        InputError: a pair is unreadable, too many pairs were skipped, or there are fewer than `n`.
    """
    if not options.from_file:
        return None
    return network_selection.read_pair_task(options, n, options.pattern_task, network)
