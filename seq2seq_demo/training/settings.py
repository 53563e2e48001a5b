"""Merges settings from the user, an earlier network, the recipe and the 2016 program into the configs of a run.

It also yields the notices about the data of a new run.
"""

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from seq2seq_demo.config import CHARACTERS, DEFAULT_FEW_SYMBOLS, ModelConfig, TrainConfig, given_values, lengths_text
from seq2seq_demo.data.pair_task import PairTask, Task
from seq2seq_demo.data.pattern_task import PatternTask
from seq2seq_demo.data.records import Place
from seq2seq_demo.data.sequences import Sequences, max_typical_length
from seq2seq_demo.errors import UsageError
from seq2seq_demo.trained.evaluation import short_lengths
from seq2seq_demo.trained.plots import History
from seq2seq_demo.trained.saved_network import TrainingRun
from seq2seq_demo.trained.trained_network import TrainedNetwork, untrained
from seq2seq_demo.trained.weights_file import LENGTHS
from seq2seq_demo.training.recipe import recommended_settings, settings_for_pattern
from seq2seq_demo.training.snapshots import Snapshot


def resolve(
    task: Task, settings: Mapping[str, Any], start: TrainedNetwork | None = None, *, recommends: bool = False
) -> tuple[ModelConfig, TrainConfig]:
    """Return the configs of a network and of its training.

    The user's `settings` take precedence over the lengths of `start`, the network to continue from. After these come
    the recipe's values, which apply to pairs and, if `recommends` is True, to a pattern. The 2016 defaults come last.
    The number and the lengths of pairs are always taken from the pairs, and the model from `start`.

    A network learns to end its answers if it uses the recipe's values, continues from a network that ends its answers,
    or learns a range of lengths. Any other network learns the first `out_len` symbols of a pattern's targets.

    Args:
        task: a pattern or pairs.
        settings: the user's settings, which `check_given` has checked.
        start: the network to continue from.
        recommends: whether the recipe's values are also the defaults for a pattern.

    Raises:
        UsageError: a setting does not fit the task or another setting, or contradicts `start`.
        InputError: there are too few pairs.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    has_range = isinstance(given.get("in_len"), tuple | list)
    has_recipe = recommends or task.is_pairs
    ends = has_recipe or has_range or (start is not None and start.ends)
    recipe = _recipe(task, given, start) if has_recipe else {}
    if start:
        model_config = replace(_continued_model(start, given), ends=ends)
    else:
        model_settings = given_values(ModelConfig, ChainMap(given, recipe, task.largest_symbols()))
        model_config = ModelConfig(**model_settings, ends=ends)

    sources = (  # the first one that contains a setting decides it
        given,
        {"min_in_len": given["in_len"]} if ends and "in_len" in given and not has_range else {},
        {"in_len": start.in_len, "min_in_len": start.min_in_len} if start and start.in_len else {},
        {"out_len": start.out_len} if start and start.out_len else {},
        recipe,
        {"few_symbols": DEFAULT_FEW_SYMBOLS} if ends else {},
    )
    config = TrainConfig(**given_values(TrainConfig, ChainMap(*sources)))
    if isinstance(task, PairTask):
        config = replace(config, **_sizes_of_pairs(task, given))
    else:
        lengths: dict[str, Any] = {"in_len": config.in_len, "min_in_len": config.min_in_len}
        out_len = task.target_len(model_config, **lengths, out_len=given.get("out_len"), default=config.out_len)
        config = replace(config, out_len=out_len)
    return model_config, config


def _continued_model(start: TrainedNetwork, given: Mapping[str, Any]) -> ModelConfig:
    """Return the model of `start`; raise UsageError if `start` is an ensemble or the settings contradict the model."""
    if start.others:
        raise UsageError(f"expected a single network to train further, got an ensemble of {len(start.members)}")
    given_sizes = given_values(ModelConfig, given)
    other = replace(start.model_config, **given_sizes)
    if other.cell == start.model_config.cell:  # BasicLSTMCell and LSTMCell are the same cell
        other = replace(other, cell_type=start.model_config.cell_type)
    if other != start.model_config:
        raise UsageError(f"the settings {given_sizes} contradict the network, {start.summary()}")
    return start.model_config


# ---- Sources of settings ----


def _recipe(task: Task, given: Mapping[str, Any], start: TrainedNetwork | None) -> dict[str, Any]:
    """Return the recipe's values for the task.

    If training on pairs continues from `start`, the best network is kept, which may be `start`. The recipe's patience
    and its adaptive schedule apply only with its number of epochs, and patience only if the best epoch is kept.
    """
    if isinstance(task, PatternTask):
        symbols = {"out_max_int": given["in_max_int"]} if "in_max_int" in given else {}
        return settings_for_pattern(given.get("points", TrainConfig.points)) | symbols
    recipe = recommended_settings(
        n_pairs=len(task.split[0]),
        **task.largest_symbols(),
        mean_in_len=float(task.pairs.sources.lengths.mean()),
        mean_out_len=float(task.pairs.targets.lengths.mean()),
    )
    if "epochs" in given:
        recipe |= {"lr_schedule": "cosine", "keep_best": recipe["patience"] is not None, "patience": None}
    if given.get("keep_best") is False:
        recipe["patience"] = None
    if given.get("dropout") == 0:
        recipe["consistency"] = 0.0
    return recipe | ({"keep_best": True} if start else {})


def _sizes_of_pairs(task: PairTask, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sizes of the pairs; raise UsageError if a given `in_len` or `out_len` differs."""
    sizes = task.sizes()  # targets may be shorter than `out_len`
    for name, shortest in {"in_len": sizes["min_in_len"], "out_len": sizes["out_len"]}.items():
        if name in given:
            low, high = given[name] if isinstance(given[name], tuple | list) else (given[name], given[name])
            if not low <= shortest <= sizes[name] <= high:
                expected, got = lengths_text(shortest, sizes[name]), lengths_text(low, high)
                raise UsageError(f"expected `{name}` {expected}, as in the pairs, got {got}")
    return sizes


# ---- A run before its first step ----


def new_run(
    task: Task, settings: Mapping[str, Any], start: TrainedNetwork | None = None, *, recommends: bool = False
) -> Snapshot:
    """Return a training run before its first step, with the weights of `start` or, by default, initial weights."""
    model_config, config = resolve(task, settings, start, recommends=recommends)
    network = start or replace(untrained(model_config, config.seed), vocabularies=task.vocabularies)
    begun = begin_run(replace(network, model_config=model_config), task, config)
    return Snapshot(begun, best=begun if start and config.saves_best else None)


def begin_run(network: TrainedNetwork, task: Task, config: TrainConfig) -> TrainedNetwork:
    """Return the network with the record of a training run that is about to start."""
    run = TrainingRun(
        config=config,
        start_step=network.step,
        data=task.digest,
        fingerprint=task.fingerprint(config, network.model_config),
        validated_by_content=task.validation is None if isinstance(task, PairTask) else None,
    )
    facts: dict[str, Any] = {"task": task.name, "run": run, "history": History(), "program": None}
    facts["calibration"] = network.calibration if task.is_pairs else None
    return replace(network, **facts, **{name: getattr(config, name) for name in LENGTHS})


# ---- Notices about the data ----


def run_notices(task: Task, begun: Snapshot, start: TrainedNetwork | None) -> Iterator[str]:
    """Yield the notices about the data of a new training run, each as one line.

    Raises:
        InputError: all validation pairs contain symbols that the network lacks.
    """
    config, model_config = begun.run.config, begun.network.model_config
    if isinstance(task, PatternTask):
        yield from _pattern_notices(task, config, model_config, start)
        return
    task.draw(config, model_config)  # raises any error before a snapshot is written
    yield from pair_warnings(task)
    run = start.run if start else None
    if not (start and run and (run.data or start.vocabularies.are_text)):
        return
    others_may_validate = task.validation or task.holds_out_lowest or not run.validated_by_content
    if (run.data != task.digest and others_may_validate) or run.validated_by_content is None:
        otherwise = "The network was trained on different pairs before; if some of them are validation pairs now"
        yield f"{otherwise}, the validation metrics are too optimistic"


def _pattern_notices(
    task: PatternTask, config: TrainConfig, model_config: ModelConfig, start: TrainedNetwork | None
) -> Iterator[str]:
    """Yield notices if this run or an earlier one draws many of the possible sources, and if targets are cut."""
    lengths = task.lengths_of(config, model_config)
    n = sum((model_config.in_max_int + 1) ** length for length in lengths)
    if n <= config.points:
        drawn = f"{config.points:,} were drawn: hardly any validation source is new to the network"
        yield f"There are only {n} source{'s' * (n > 1)} of length {config.lengths}, and {drawn}"
    elif start and (short := short_lengths(start, lengths)):
        few = f"sources of length {lengths_text(short[0], short[-1])}, because few are possible"
        yield f"Earlier training drew some of the same {few}: the validation metrics may be too optimistic"
    if not model_config.ends:
        whole = task.check(config.in_len, model_config.largest)
        if whole > config.out_len == TrainConfig.out_len:
            yield f"Targets of {whole} symbols are cut to {config.out_len}: use `out_len` {whole} for whole targets"


def pair_warnings(task: PairTask) -> Iterator[str]:
    """Yield the warnings about a task's pairs, each as one line."""
    sources, targets, places = task.pairs.sources, task.pairs.targets, task.places
    source_ids = sources.groups()
    n_targets = np.bincount(task.pairs.distinct().sources.groups())
    is_empty, has_several = targets.lengths == 0, (n_targets > 1)[source_ids]
    if n := int(is_empty.sum()):
        yield f"Pairs with an empty target: {n}{_example(places, is_empty)}; remove them if their targets are missing"
    if n := int((n_targets > 1).sum()):
        yield f"Sources with several targets: {n}{_example(places, has_several)}; an answer may equal any of them"
    yield from _space_warnings(task)
    yield from _outlier_warning("source", sources, places)
    yield from _outlier_warning("target", targets, places)
    if len(targets) > 1 and len({*targets.groups().tolist()}) == 1:
        yield "Every target is the same, so there is nothing to learn from the sources"
    if task.validation:
        _, first = np.unique(task.validation.sources.groups(), return_index=True)
        if n := int(task.validation.sources[first].are_in(sources).sum()):
            overlap = f"{n} of {len(first)} distinct validation sources are also training sources"
            yield f"{overlap}: validation metrics are too optimistic"


def _example(places: Sequence[Place], is_example: np.ndarray) -> str:
    return f", such as {places[int(np.argmax(is_example))]}"


def _space_warnings(task: PairTask) -> Iterator[str]:
    """Warn about strings of characters that begin or end with a space, which is hard to see."""
    sides = zip(("Sources", "Targets"), (task.pairs.sources, task.pairs.targets), task.vocabularies, strict=True)
    for name, sequences, vocabulary in sides:
        if vocabulary.tokens == CHARACTERS and " " in vocabulary.symbols:
            space = vocabulary.symbols.index(" ")
            if n := sum(space in (row[0], row[-1]) for row in sequences.rows() if row):
                yield f"{name} with a space at the beginning or end, which counts as a character: {n}"


def _outlier_warning(kind: str, sequences: Sequences, places: Sequence[Place]) -> Iterator[str]:
    """Warn about the longest sequence if it is far longer than almost all others."""
    longest, typical = int(np.argmax(sequences.lengths)), max_typical_length(sequences.lengths)
    length = int(sequences.lengths[longest])
    if length > typical:
        long = f"{places[longest]}: the {kind} has {length} symbols, but almost all others have at most {typical}"
        yield f"{long}: it makes training slower and increases memory use; remove it if it is a mistake"
