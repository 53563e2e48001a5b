"""Selects the network, the pattern and the pairs that the options name, and rejects options that contradict them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from seq2seq_demo.commands.options import NetworkOptions
from seq2seq_demo.config import CELL_TYPES, ModelConfig, given_values
from seq2seq_demo.console import notice
from seq2seq_demo.data.layout import InputFormat
from seq2seq_demo.data.pair_task import task_name
from seq2seq_demo.data.pattern_task import PatternTask
from seq2seq_demo.data.patterns import DEFAULT_PATTERN, PATTERNS, find_pattern, is_user_function
from seq2seq_demo.data.reading import parse_columns
from seq2seq_demo.data.records import Place, Record, read_words
from seq2seq_demo.declarations import likely_name, preview
from seq2seq_demo.errors import UsageError, WeightsError
from seq2seq_demo.files import file_names
from seq2seq_demo.trained.loading import ensemble, load
from seq2seq_demo.trained.trained_network import TrainedNetwork

MAX_LEN_WITHOUT_ATTENTION = 10  # the bundled embedding_rnn networks for patterns were not trained on longer sources


class SelectedNetwork(NamedTuple):
    """A network, its file, and the pattern that computes its targets (None if unknown)."""

    path: Path
    network: TrainedNetwork
    pattern: PatternTask | None


def select_network(options: NetworkOptions, in_len: int | None) -> SelectedNetwork:
    """Load the network given by -i or --iter-num, else the newest canonical file that fits, else a bundled network.

    A file fits if its pattern, name and model match the options. `in_len` is the length of the sources (None if
    unknown). For long sources, a bundled network with attention is chosen. A notice names the file.

    Raises:
        UsageError: an option contradicts the file.
        WeightsError: no file fits, or the file cannot be read.
    """
    path, network = _load_selected(options, in_len)
    check_options_match(options, path, network)
    if network.in_len is None:
        notice(f"Inferred from the file: {network.summary()}; the file does not record the training lengths")
    elif options.verbose:
        notice(network.summary())
    return SelectedNetwork(path, network, options.pattern_task or network.pattern_task)


def _load_selected(options: NetworkOptions, in_len: int | None) -> tuple[Path, TrainedNetwork]:
    """Load the network that `select_network` describes, and return its path and the network."""
    pattern, model = options.pattern_task, options.settings.get("model")
    task = pattern.name if pattern else DEFAULT_PATTERN
    if path := path_from_options(options):
        paths = [path, *map(file_names.find_weights, options.input_weights[1:])]
        networks = [load_with_task(each) for each in paths]
        for each, network in zip(paths[1:], networks[1:], strict=True):
            check_options_match(options, each, network)
        notice(f"Using weights {', '.join(map(str, paths))}")
        return path, ensemble(networks)
    for path in file_names.newest_first(options.data_dir, options.name, task if pattern else None):
        try:
            network = load_with_task(path)
        except WeightsError as error:
            notice(f"Skipping {error}")
            continue
        if model in (None, network.model_config.model):
            notice(f"Using weights {path}")
            return path, network
    is_long = in_len is not None and in_len > MAX_LEN_WITHOUT_ATTENTION
    shipped = file_names.shipped_path(task, model or ("embedding_attention" if is_long else ModelConfig.model))
    if not shipped.exists():
        raise WeightsError(f"found no weights for pattern {task!r} in {options.data_dir}")
    folder = "this folder" if options.data_dir == Path() else str(options.data_dir)
    notice(f"Using the bundled network {file_names.display_name(shipped)}: found no matching weights in {folder}")
    return shipped, load(shipped)


def path_from_options(options: NetworkOptions, data_file: str | None = None) -> Path | None:
    """Return the weights file that -i or --iter-num names; None without these options.

    For --iter-num, the file name contains the task that `task_of_file_name` returns.
    """
    if options.iter_num is None:
        return file_names.find_weights(options.input_weights[0]) if options.input_weights else None
    task = task_of_file_name(options, data_file)
    return file_names.iteration_path(options.data_dir, options.name, task, options.iter_num)


def task_of_file_name(options: NetworkOptions, data_file: str | None) -> str:
    """Return the task for canonical file names: the -p pattern, else the data file, else the default pattern."""
    if options.pattern_task:
        return options.pattern_task.name
    return task_name(data_file) if data_file else DEFAULT_PATTERN


def load_with_task(path: Path) -> TrainedNetwork:
    """Load a weights file. A 2016 file does not record its pattern; a canonical file name provides it.

    Raises:
        WeightsError: the file is missing or damaged.
    """
    network = load(path)
    task = network.task or file_names.parse_task(path)
    return replace(network, task=task if task in PATTERNS else network.task)


def pair_arguments(options: NetworkOptions, network: TrainedNetwork | None) -> dict[str, Any]:
    """Return the arguments of `pair_task` that follow from the options and the network that reads the pairs.

    Raises:
        UsageError: the file does not exist, and its name is similar to a pattern's name.
    """
    file = options.from_file or ""
    if "." not in file and not os.path.lexists(file) and (near := likely_name(file, PATTERNS)):
        raise UsageError(f"{file}: no such file; for a pattern, give -p {near}")
    given = options.settings.get
    return {
        "data": file,
        "file_format": input_format(options),
        "kinds": (options.in_tokens, options.out_tokens),
        "largest": network.model_config.largest if network else (given("in_max_int"), given("out_max_int")),
        "vocabularies": network.vocabularies if network else None,
    }


def input_format(options: NetworkOptions) -> InputFormat:
    """Return the file format that the options describe."""
    columns = parse_columns(options.columns) if options.columns else ()
    header = None if options.header is None else options.header == "yes"
    return InputFormat(format=options.format, columns=columns, header=header, encoding=options.encoding)


def typed_sources(words: Sequence[str], selected: SelectedNetwork) -> list[Record]:
    """Return the sources that a user typed as command-line arguments.

    If the network takes integers, all arguments together form one source. Otherwise, each argument is a source.
    """
    if not selected.network.vocabularies.source.is_text:
        return [read_words(words)]
    return [Record(Place(f"input {preview(word)}"), word) for word in words]


def pattern_to_train(network: TrainedNetwork | None) -> PatternTask:
    """Return the built-in pattern that the network was trained on, or the default pattern for a new network.

    Raises:
        UsageError: the network was trained on pairs or a user's function, which the command line must name again.
    """
    if network and network.task is not None and not network.pattern:
        missing = "-p with your function" if is_user_function(network.task) else "a file of pairs"
        raise UsageError(f"the network was trained on {network.task!r}: give {missing}")
    return find_pattern((network and network.pattern) or DEFAULT_PATTERN)


def check_options_match(options: NetworkOptions, path: Path, network: TrainedNetwork) -> None:
    """Raise UsageError for an option that contradicts the network."""
    pattern, tokens = options.pattern_task, network.vocabularies.tokens
    if pattern and network.vocabularies.are_text:
        raise UsageError(f"{path} maps {' to '.join(tokens)}, but patterns (-p) take only integers")
    recorded = vars(network.model_config) | {"pattern": network.task, "in_tokens": tokens[0], "out_tokens": tokens[1]}
    given = given_values(ModelConfig, options.settings)
    given |= {"in_tokens": options.in_tokens, "out_tokens": options.out_tokens}
    if pattern and (network.task in PATTERNS or is_user_function(network.task or "")):
        given["pattern"] = pattern.name  # a network that was trained on pairs may continue with any pattern
    if "cell_type" in given and CELL_TYPES[given["cell_type"]] == network.model_config.cell:
        del given["cell_type"]  # BasicLSTMCell and LSTMCell are the same cell
    require_recorded(path, recorded, given)


def require_recorded(path: Path, recorded: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Raise UsageError if a given value differs from the recorded value of the same name; None counts as not given."""
    for name, value in given.items():
        if value is not None and value != recorded[name]:
            raise UsageError(f"{path} has {name.replace('_', '-')} {recorded[name]}, but the options ask for {value}")
