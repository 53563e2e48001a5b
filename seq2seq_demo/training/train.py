"""`train`: a network from a task and a few settings, in one call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Unpack

from seq2seq_demo.callbacks import Callback
from seq2seq_demo.config import INTEGERS, TOKENS, Settings
from seq2seq_demo.data.pair_task import pair_task_from_rows
from seq2seq_demo.data.tasks import PairRows, Task, TaskLike, as_task
from seq2seq_demo.declarations import require_choice, require_flag
from seq2seq_demo.errors import UsageError
from seq2seq_demo.trained_network import TrainedNetwork, untrained
from seq2seq_demo.training.processes import processes
from seq2seq_demo.training.recorder import begun
from seq2seq_demo.training.settings import resolve


def train(
    task: TaskLike,
    *,
    in_tokens: str = INTEGERS,
    out_tokens: str = INTEGERS,
    validation: PairRows | None = None,
    record: bool = False,
    start: TrainedNetwork | None = None,
    callbacks: Sequence[Callback] = (),
    **settings: Unpack[Settings],
) -> TrainedNetwork:
    """Train a network on a pattern's name, a `Task`, or pairs of a source and a target; return it.

    Sources and targets are lists of integers, or with `in_tokens` and `out_tokens` of "characters" or "words" texts, or
    lists of these. Other pairs, `validation`, say how good an epoch is; by default it is a tenth of the pairs.

    The settings are the options of the command line, with its defaults (see `Settings`); but `out_len` None is all of
    a pattern's target. With `in_len=(1, 20)`, a range, and on pairs, a fresh network learns to end its answers, and
    takes sources of any length. `start` is a network to continue from: model and lengths are its own, unless other
    lengths are given. With `record`, the network has a `recording`, its weights at steps 0, 50, 100, 200, 400, … and at
    the ends of epochs, and `save` writes that beside its file.

    Raises:
        UsageError: a setting is out of its range, does not fit the task, or contradicts `start`.
        InputError: there are no pairs, or one is not two lists of integers.
        TrainingError: the loss or a weight is no longer finite, or another worker is lost.
    """
    if start is not None and not isinstance(start, TrainedNetwork):
        raise UsageError(f"expected start to be a network, as load() returns it, got {start!r}")
    if unknown := settings.keys() - Settings.__annotations__.keys():
        raise TypeError(f"train() got an unexpected keyword argument {min(unknown)!r}")
    task = _task(task, start, (in_tokens, out_tokens), validation)
    has_its_lengths = start is not None and settings.get("in_len") in (None, start.in_len)
    model_config, config = resolve(task, settings, start, start.out_len if start and has_its_lengths else None)
    if start is None:
        network = replace(untrained(model_config, config.seed), vocabularies=task.vocabularies)
    else:
        network = replace(start, model_config=model_config, recording=None)
    if require_flag("`record`", record):
        network = begun(network, config)
    with processes(config) as join:
        from seq2seq_demo.training.trainer import fit  # loads TensorFlow

        return fit(task, config, network, callbacks, join=join)


def _task(task: TaskLike, start: TrainedNetwork | None, tokens: tuple[str, str], validation: PairRows | None) -> Task:
    """Return the task, of texts if the tokens are, or if the network to continue from is of texts."""
    for name, value in zip(("`in_tokens`", "`out_tokens`"), tokens, strict=True):
        require_choice(name, value, TOKENS)
    vocabularies = start.vocabularies if start else None
    if vocabularies and tokens not in ((INTEGERS, INTEGERS), vocabularies.tokens):
        raise UsageError(f"expected tokens of the network, {', '.join(vocabularies.tokens)}, got {', '.join(tokens)}")
    if isinstance(task, str) or not isinstance(task, Iterable):
        if validation is not None or tokens != (INTEGERS, INTEGERS):
            raise UsageError(f"expected pairs for a validation or tokens of their own, got {task!r}"[:200])
        found = as_task(task)
        if vocabularies and found.vocabularies != vocabularies:
            what = " to ".join(vocabularies.tokens)
            raise UsageError(f"expected pairs of the symbols of the network, {what}, got {task!r}"[:200])
        return found
    return pair_task_from_rows(task, vocabularies, tokens, validation)
