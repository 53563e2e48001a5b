"""`train`: a network from a task and a few settings, in one call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from seq2seq_demo.callbacks import Callback
from seq2seq_demo.config import (
    INTEGERS,
    TOKENS,
    ModelConfig,
    TrainConfig,
    require_choice,
    require_flag,
    require_integer,
)
from seq2seq_demo.data.batches import Pairs
from seq2seq_demo.data.own_pairs import OwnPairs
from seq2seq_demo.data.own_ragged_pairs import as_ragged, task_of_rows
from seq2seq_demo.data.ragged import RaggedPairs
from seq2seq_demo.data.tasks import Task, as_task
from seq2seq_demo.data.varied import SHARE
from seq2seq_demo.errors import UsageError
from seq2seq_demo.network.ram import check_training_fits
from seq2seq_demo.trained_network import TrainedNetwork, untrained
from seq2seq_demo.training.processes import processes
from seq2seq_demo.training.recorder import begun


def train(
    task: str | Task | Iterable[Any],
    *,
    points: int | None = None,
    in_len: int | tuple[int, int] | None = None,
    out_len: int | None = None,
    model: str | None = None,
    cell_type: str | None = None,
    num_layers: int | None = None,
    cell_size: int | None = None,
    embedding_size: int | None = None,
    in_max_int: int | None = None,
    out_max_int: int | None = None,
    learning_rate: float = TrainConfig.learning_rate,
    lr_schedule: str = TrainConfig.lr_schedule,
    epochs: int = TrainConfig.epochs,
    batch_size: int = TrainConfig.batch_size,
    seed: int = TrainConfig.seed,
    stop_at_exact: float | None = None,
    few_symbols: float | None = None,
    in_tokens: str = INTEGERS,
    out_tokens: str = INTEGERS,
    validation: Iterable[Any] | None = None,
    keep_best: bool = False,
    patience: int | None = None,
    bidirectional: bool | None = None,
    dropout: float = 0.0,
    record: bool = False,
    start: TrainedNetwork | None = None,
    callbacks: Sequence[Callback] = (),
) -> TrainedNetwork:
    """Train a network on a pattern's name, a `Task`, or pairs of a source and a target; return it.

    Sources and targets are lists of integers, or with `in_tokens` and `out_tokens` of "characters" or "words" texts, or
    lists of these. Other pairs, `validation`, say how good an epoch is; by default it is a tenth of the pairs.

    The settings are the options of the command line, with its defaults; but `out_len` None is all of a pattern's
    target. `in_len=(1, 20)` is a range: then, and for pairs of different lengths, the network learns to end its
    answers, and takes sources of any length. `start` is a network to continue from: model and lengths are its own,
    unless other lengths are given. With `record`, the network has a `recording`, its weights at steps 0, 50, 100,
    200, 400, … and at the ends of epochs, and `save` writes that beside its file.

    Raises:
        UsageError: a setting is out of its range, does not fit the task, or contradicts `start`.
        InputError: there are no pairs, or one is not two lists of integers.
        TrainingError: the loss or a weight is no longer finite, or another worker is lost.
    """
    if start is not None and not isinstance(start, TrainedNetwork):
        raise UsageError(f"expected start to be a network, as load() returns it, got {start!r}")
    task = _task(task, start, (in_tokens, out_tokens), validation)
    shortest, in_len = _range(in_len)
    sizes = {"points": points, "in_len": in_len, "out_len": out_len}
    sizes = {name: value for name, value in sizes.items() if value is not None}
    for name, value in sizes.items():
        require_integer(name, value, at_least=1)
    if start is not None:
        start = replace(start, progress=None, lesson=None, best=None, recording=None)  # it may be a snapshot
        if shortest is None and start.ends:
            shortest = in_len or start.min_in_len
    if shortest is not None and isinstance(task, OwnPairs):
        task = as_ragged(task)
    asked = {
        "model": model,
        "cell_type": cell_type,
        "num_layers": num_layers,
        "cell_size": cell_size,
        "embedding_size": embedding_size,
        "in_max_int": in_max_int,
        "out_max_int": out_max_int,
        "bidirectional": bidirectional,
    }
    model_config = _model_config(task, start, {name: value for name, value in asked.items() if value is not None})
    start_in_len = start.in_len if start else None
    start_out_len = start.out_len if start and in_len in (None, start.in_len) else None
    config = TrainConfig(
        points=points or TrainConfig.points,
        in_len=in_len or start_in_len or TrainConfig.in_len,
        out_len=out_len or start_out_len or in_len or TrainConfig.out_len,
        learning_rate=learning_rate,
        lr_schedule=lr_schedule,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        stop_at_exact=stop_at_exact,
        min_in_len=shortest,
        keep_best=keep_best,
        patience=patience,
        dropout=dropout,
        few_symbols=few_symbols if few_symbols is not None else SHARE if shortest is not None else 0,
    )
    if shortest is not None and out_len is not None:
        raise UsageError("expected out_len or a range of in_len, whose targets are taken whole, got both")
    config = sized(task, config, model_config, out_len, start_out_len)
    for name, value in sizes.items():
        if value != getattr(config, name) and not (config.varies and name == "in_len"):
            raise UsageError(f"expected {name.replace('_', '-')} {getattr(config, name)}, as of the pairs, got {value}")
    network = start or replace(untrained(model_config, seed), vocabularies=task.vocabularies)
    if require_flag("record", record):
        network = begun(network, config)
    with processes(config) as group:
        from seq2seq_demo.training.loop import fit  # loads TensorFlow

        return fit(task, config, network, callbacks, group=group)


def _task(task: Any, start: TrainedNetwork | None, tokens: tuple[str, str], validation: Iterable[Any] | None) -> Task:
    """Return the task, of texts if the tokens are, or if the network to continue from is of texts."""
    for name, value in zip(("in-tokens", "out-tokens"), tokens, strict=True):
        require_choice(name, value, TOKENS)
    vocabularies = start.vocabularies if start else None
    if vocabularies and tokens not in ((INTEGERS, INTEGERS), vocabularies.tokens):
        raise UsageError(f"expected tokens of the network, {', '.join(vocabularies.tokens)}, got {', '.join(tokens)}")
    if isinstance(task, str | Pairs | RaggedPairs) or not isinstance(task, Iterable):
        if validation is not None or tokens != (INTEGERS, INTEGERS):
            raise UsageError(f"expected pairs for a validation or tokens of their own, got {task!r}"[:200])
        found = as_task(task)
        if vocabularies and found.vocabularies != vocabularies:
            what = " to ".join(vocabularies.tokens)
            raise UsageError(f"expected pairs of the symbols of the network, {what}, got {task!r}"[:200])
        return found
    return task_of_rows(task, vocabularies, tokens, validation)


def _range(in_len: Any) -> tuple[int | None, int | None]:
    """Return the shortest length, None where there is only one, and the longest."""
    if not isinstance(in_len, tuple | list):
        return None, in_len
    if len(in_len) != 2:
        raise UsageError(f"expected in_len as a length or a range (shortest, longest), got {in_len!r}")
    shortest, longest = (require_integer("in_len", value, at_least=1) for value in in_len)
    return shortest, longest


def _model_config(task: Task, start: TrainedNetwork | None, asked: dict[str, Any]) -> ModelConfig:
    """Return the model of `start`, which what is asked must not contradict, or a fresh one."""
    if start is None:
        return ModelConfig(**task.largest_symbols() | asked)
    if replace(start.model_config, **asked) != start.model_config:
        raise UsageError(f"expected settings that do not contradict the network, {start.summary()}, got {asked}")
    return start.model_config


def sized(
    task: Task, config: TrainConfig, model_config: ModelConfig, asked: int | None, default: int | None
) -> TrainConfig:
    """Return the config as the task completes it, once it is known that such a training fits into RAM."""
    check_training_fits(model_config, config)  # before a pattern is tried at such a length
    config = task.sized(config, model_config, asked, default)
    check_training_fits(model_config, config)
    return config
