"""Derives a `ModelConfig` and a `TrainConfig` from the settings of a user, the task and an earlier network."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from seq2seq_demo.config import DEFAULT_FEW_SYMBOLS, ModelConfig, TrainConfig, given_values, lengths_text
from seq2seq_demo.data.pair_task import PairTask, Task, pair_warnings
from seq2seq_demo.errors import UsageError
from seq2seq_demo.network.parameters import n_weights
from seq2seq_demo.system_memory import FLOAT_BYTES, bytes_per_row, check_fits, check_lengths, check_points_fit
from seq2seq_demo.trained.plots import History
from seq2seq_demo.trained.saved_network import TrainingRun
from seq2seq_demo.trained.trained_network import TrainedNetwork, untrained
from seq2seq_demo.trained.weights_file import LENGTHS
from seq2seq_demo.training import workers
from seq2seq_demo.training.recipe import PairStatistics, recommended_settings, settings_for_pattern
from seq2seq_demo.training.snapshots import Snapshot


def resolve(
    task: Task, settings: Mapping[str, Any], start: TrainedNetwork | None = None, in_python: bool = False
) -> tuple[ModelConfig, TrainConfig]:
    """Return the configs of the network and of its training.

    If `start` is given, training continues from it: its model is kept, and its lengths are kept unless the settings
    change them. Other missing settings have the recipe's values if the task is a user's pairs, or if `in_python`; else
    their defaults.

    A network learns to end its answers if `in_python`, if it learns pairs, if `start` already ends them, or if `in_len`
    is a range. Any other network learns the first `out_len` symbols of a pattern's targets, by default at most as many
    as `start` learned.

    Raises:
        UsageError: a setting is out of its range, does not fit the task, or contradicts `start`.
        InputError: there are too few pairs.
    """
    has_minutes, members = settings.get("minutes") is not None, settings.get("members") or 1
    if has_minutes and (settings.get("epochs") is not None or members > 1):
        raise UsageError("expected `minutes`, which limits the time, without `epochs` and `members`, got both")
    if (has_minutes or members > 1) and not workers.is_single():
        raise UsageError("expected `minutes` or `members` without TF_CONFIG, got both")
    settings = with_recipe(task, settings, start, in_python)
    given = given_values(TrainConfig, settings)
    if start and (start.others or members > 1):
        found = f"an ensemble of {len(start.members)}" if start.others else f"`members` {members}"
        raise UsageError(f"expected to continue from one network and to train one, got {found}")
    if start:
        model_config = _continued_model(start, settings)
    else:  # the task's largest symbols are the defaults of `in_max_int` and `out_max_int`
        model_config = ModelConfig(**task.largest_symbols() | given_values(ModelConfig, settings))
    ends = in_python or task.is_pairs or model_config.ends or isinstance(settings.get("in_len"), tuple | list)
    model_config = replace(model_config, ends=ends)
    values: dict[str, Any] = {"lr_schedule": "cosine"} if "minutes" in given else {}
    if in_python:
        values["min_in_len"] = 1
    if start and start.in_len is not None:
        values |= {"in_len": start.in_len, "min_in_len": start.min_in_len}
    if model_config.ends and "in_len" in given:
        values["min_in_len"] = given["in_len"]
    if model_config.ends and not task.is_pairs:
        values["few_symbols"] = DEFAULT_FEW_SYMBOLS
    values |= given
    default_out_len = (start and start.out_len) or TrainConfig.out_len
    values.setdefault("out_len", default_out_len)
    config = TrainConfig(**values)
    check_training_fits(model_config, config)  # before a pattern is called with sources of this length
    config = task.sized(config, model_config, given.get("out_len"), default_out_len)
    check_training_fits(model_config, config)
    if isinstance(task, PairTask):
        _check_pairs_match(task, settings)
    return model_config, config


def with_recipe(
    task: Task, settings: Mapping[str, Any], start: TrainedNetwork | None, in_python: bool = False
) -> dict[str, Any]:
    """Return the settings that are not None; for pairs or `in_python`, add the recipe's values for missing settings.

    If training continues from `start`, add only training settings, because the network keeps its model, and keep the
    best network, which may be `start`. The recipe's patience is for the recipe's epochs and the best of them.
    """
    given: dict[str, Any] = {name: value for name, value in settings.items() if value is not None}
    if isinstance(task, PairTask):
        chosen = _settings_for_pairs(task, given) | ({"keep_best": True} if start else {})
    else:
        symbols = {"out_max_int": given["in_max_int"]} if "in_max_int" in given else {}
        chosen = settings_for_pattern(given.get("points", TrainConfig.points)) | symbols if in_python else {}
    return (given_values(TrainConfig, chosen) if start else chosen) | given


def _settings_for_pairs(task: PairTask, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipe's values that fit the given ones."""
    in_len, out_len = task.pairs.sources.lengths.mean(), task.pairs.targets.lengths.mean()
    n_in, n_out = (largest + 1 for largest in task.largest_symbols().values())
    chosen = recommended_settings(PairStatistics(len(task.split[0]), n_in, n_out, float(in_len), float(out_len)))
    if given.keys() & {"epochs", "minutes"} or given.get("keep_best") is False:
        chosen.pop("patience", None)
    if given.get("dropout") == 0:
        chosen.pop("consistency", None)
    return chosen


def new_run(
    task: Task, settings: Mapping[str, Any], start: TrainedNetwork | None = None, in_python: bool = False
) -> Snapshot:
    """Return a training run before its first step, from initial weights or those of `start`, as in `resolve`."""
    model_config, config = resolve(task, settings, start, in_python)
    network = start or replace(untrained(model_config, config.seed), vocabularies=task.vocabularies)
    begun = begin_run(replace(network, model_config=model_config), task, config)
    return Snapshot(begun, best=begun if start and config.saves_best else None)


def begin_run(network: TrainedNetwork, task: Task, config: TrainConfig) -> TrainedNetwork:
    """Return the network at the start of a training run, which identifies its data."""
    fingerprint = task.fingerprint(config, network.model_config)
    run = TrainingRun(config, network.step, task.digest, fingerprint, task.validates_by_content)
    facts: dict[str, Any] = {"task": task.name, "run": run, "history": History(), "program": None, "calibration": None}
    return replace(network, **facts, **{name: getattr(config, name) for name in LENGTHS})


def _continued_model(start: TrainedNetwork, settings: Mapping[str, Any]) -> ModelConfig:
    """Return the model of `start`; raise UsageError if the settings contradict it."""
    given = given_values(ModelConfig, settings)
    other = replace(start.model_config, **given)
    if other.cell == start.model_config.cell:  # BasicLSTMCell and LSTMCell are one cell
        other = replace(other, cell_type=start.model_config.cell_type)
    if other != start.model_config:
        raise UsageError(f"expected settings that do not contradict the network, {start.summary()}, got {given}")
    return start.model_config


def run_notices(task: Task, begun: Snapshot, start: TrainedNetwork | None) -> Iterator[str]:
    """Yield the notices about the data of a new training run, each as one line.

    One is that the pairs that validate now may have trained the network to continue from.

    Raises:
        InputError: all validation pairs have symbols that the network lacks.
    """
    config, model = begun.run.config, begun.network.model_config
    if isinstance(task, PairTask):
        task.draw(config, model)  # raises an error before there is a snapshot
        yield from pair_warnings(task)
    elif (n := sum((model.in_max_int + 1) ** length for length in task.lengths_of(config, model))) <= config.points:
        drawn = f"{config.points:,} were drawn: few validation sources, if any, are new to the network"
        yield f"There are only {n} source{'s' * (n > 1)} of length {config.lengths}, and {drawn}"
    if not (isinstance(task, PairTask) or model.ends):
        whole = task.check(config.in_len, None, model.in_max_int, model.out_max_int)
        if whole > config.out_len == TrainConfig.out_len:
            yield f"Targets of {whole} symbols are cut to {config.out_len}: give `out_len` {whole} to learn them whole"
    run = start and start.run
    learned_pairs = start and run and (run.data or start.vocabularies.are_text)
    if run and learned_pairs and task.digest and run.validated_by_content != task.validates_by_content:
        otherwise = "The network was validated on pairs chosen in another way, so it may have been trained on pairs"
        yield f"{otherwise} that validate it now; if it was, the validation figures are too optimistic"


def _check_pairs_match(task: PairTask, settings: Mapping[str, Any]) -> None:
    """Raise UsageError if a given `in_len` or `out_len` differs from the pairs."""
    for name, sequences in {"in_len": task.pairs.sources, "out_len": task.pairs.targets}.items():
        largest = int(sequences.lengths.max())  # targets may be shorter
        smallest = int(sequences.lengths.min()) if name == "in_len" else largest
        if (value := settings.get(name)) is not None:
            low, high = value if isinstance(value, tuple | list) else (value, value)
            if not low <= smallest <= largest <= high:
                expected, got = lengths_text(smallest, largest), lengths_text(low, high)
                raise UsageError(f"expected `{name}` {expected}, as in the pairs, got {got}")


def check_training_fits(model_config: ModelConfig, config: TrainConfig) -> None:
    """Raise UsageError if the weights, the points or a batch cannot fit into memory."""
    S, T = config.in_len, config.out_len
    n = n_weights(model_config)
    check_lengths(S, T)
    check_fits(f"{n} weights", 4 * n * FLOAT_BYTES)  # with gradients and two moments
    check_points_fit(config.points, *((config.min_in_len or S, 0) if model_config.ends else (S, T)))
    if not model_config.ends:  # otherwise, a batch of long sequences is trained in parts
        rows = min(config.batch_size, config.n_training)
        check_fits(f"a batch of {rows} sequences", rows * bytes_per_row(model_config, S, T))
