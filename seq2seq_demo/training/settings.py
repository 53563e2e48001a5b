"""Settings → model and training: what a user sets, the task, and the network to continue from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from seq2seq_demo.config import DEFAULT_FEW_SYMBOLS, ModelConfig, Settings, TrainConfig, given_values, lengths_text
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.tasks import Task
from seq2seq_demo.errors import UsageError
from seq2seq_demo.network.memory_estimates import check_training_fits
from seq2seq_demo.trained_network import TrainedNetwork


def resolve(
    task: Task, settings: Settings, start: TrainedNetwork | None, default_out_len: int | None
) -> tuple[ModelConfig, TrainConfig]:
    """Return the model and the training that the settings mean.

    They are those of `start`, the network to continue from, or else the defaults, where the settings say nothing.
    A network ends its answers if it is asked to learn a range of lengths, or if it is fresh and learns a user's pairs.
    Where it does not, it learns the first symbols of a pattern's targets: at most `default_out_len`, or (None) all.

    Raises:
        UsageError: a setting is out of its range, does not fit the task, or contradicts `start`.
        InputError: there are too few pairs.
    """
    asked = given_values(TrainConfig, settings)
    model_config = _model_of(start, settings) if start else _fresh_model(task, settings)
    values: dict[str, Any] = {"in_len": TrainConfig.in_len, "few_symbols": 0.0}
    if start and start.in_len is not None:
        values |= {"in_len": start.in_len, "min_in_len": start.min_in_len}
    if model_config.ends and "in_len" in asked:
        values["min_in_len"] = asked["in_len"]
    if model_config.ends and not isinstance(task, PairTask):
        values["few_symbols"] = DEFAULT_FEW_SYMBOLS
        if "out_len" in asked:
            raise UsageError("expected `out_len` or a range of `in_len`, whose targets are taken whole, got both")
    values |= asked
    values.setdefault("out_len", default_out_len or values["in_len"])
    config = TrainConfig(**values)
    check_training_fits(model_config, config)  # before a pattern is tried at such a length
    config = task.sized(config, model_config, asked.get("out_len"), default_out_len)
    check_training_fits(model_config, config)
    if isinstance(task, PairTask):
        _require_asked(task, settings)
    return model_config, config


def _model_of(start: TrainedNetwork, settings: Settings) -> ModelConfig:
    """Return the model of a network, if the settings do not contradict it."""
    asked = given_values(ModelConfig, settings)
    other = replace(start.model_config, **asked)
    if other.cell == start.model_config.cell:  # which may have two names
        other = replace(other, cell_type=start.model_config.cell_type)
    if other != start.model_config:
        raise UsageError(f"expected settings that do not contradict the network, {start.summary()}, got {asked}")
    return replace(start.model_config, ends=start.ends or _is_range(settings))


def _is_range(settings: Settings) -> bool:
    return isinstance(settings.get("in_len"), tuple | list)


def _fresh_model(task: Task, settings: Settings) -> ModelConfig:
    """Return the model of a fresh network; pairs tell the largest symbols that the settings do not."""
    ends = isinstance(task, PairTask) or _is_range(settings)
    return ModelConfig(**task.largest_symbols() | given_values(ModelConfig, settings), ends=ends)


def _require_asked(task: PairTask, settings: Settings) -> None:
    """Raise UsageError unless there are as many pairs as the settings say, and of such lengths."""
    sources, targets = task.pairs.sources.lengths, task.pairs.targets.lengths
    found = {"points": (len(task.pairs), len(task.pairs))}
    found |= {name: (int(x.min()), int(x.max())) for name, x in {"in_len": sources, "out_len": targets}.items()}
    asked: dict[str, Any] = {**settings}
    for name, (least, most) in found.items():
        if (value := asked.get(name)) is not None:
            shortest, longest = value if isinstance(value, tuple | list) else (value, value)
            if not shortest <= least <= most <= longest:
                pairs, given = lengths_text(least, most), lengths_text(shortest, longest)
                raise UsageError(f"expected `{name}` {pairs}, as in the pairs, got {given}")
