"""`train`: train a network on a task in one call."""

import time
from collections.abc import Iterable, Sequence
from typing import Unpack

from seq2seq_demo.callbacks import Callback, check_callbacks
from seq2seq_demo.config import INTEGERS, TOKENS, Settings, TokenKind
from seq2seq_demo.data.pair_task import PairRows, Task, TaskLike, as_task, pair_task_from_rows
from seq2seq_demo.data.records import Tokens
from seq2seq_demo.declarations import require_choice, require_flag
from seq2seq_demo.display.training_report import MemberReport, TrainingReport, training_header
from seq2seq_demo.errors import UsageError
from seq2seq_demo.trained_network import TrainedNetwork
from seq2seq_demo.training import members
from seq2seq_demo.training.results import combined
from seq2seq_demo.training.settings import new_run


def train(
    task: TaskLike,
    *,
    in_tokens: TokenKind | None = None,
    out_tokens: TokenKind | None = None,
    lowercase: bool | None = None,
    validation: PairRows | None = None,
    record: bool = False,
    start: TrainedNetwork | None = None,
    callbacks: Sequence[Callback] | None = None,
    verbose: bool | None = None,
    jobs: int | None = None,
    **settings: Unpack[Settings],
) -> TrainedNetwork:
    """Train a network on a task and return it.

    The settings are the options of the command line and have the same defaults (see `Settings`), except that
    `out_len=None` keeps a pattern's targets whole. A new network learns to end its answers, and accepts sources of any
    length, if `in_len` is a range such as `(1, 20)` or if it learns pairs.

    Args:
        task: the name of a pattern, a `Task`, or pairs. Pairs are tuples (source, target), dictionaries {"source": …,
            "target": …} or {"input": …, "output": …}, or a DataFrame that has columns named source and target, or only
            two columns.
        in_tokens: "integers" if a source is a list of integers; "characters" or "words" if it is a string or a
            list of tokens; by default, recognised.
        out_tokens: the same for targets.
        lowercase: convert sources, but not targets, to lower case, in training and whenever the network reads; by
            default, as `start` does.
        validation: pairs to validate with; by default, a tenth of the pairs.
        record: keep the weights of steps 0, 5, 7, 10, 14, 20, … and of the ends of epochs in
            `TrainedNetwork.recording`, which `save` writes to a file beside the weights.
        start: a network to continue from. Its model is kept, and so are its lengths unless the settings change them.
        callbacks: objects whose methods are called after steps and epochs, and can stop the training.
        verbose: print the report of the command `train`, with a progress bar on a terminal; by default, only show a
            progress bar, and only in a notebook. False shows nothing.
        jobs: how many `members` are trained at the same time, in as many processes; by default, one per core.
            With `callbacks`, one after another in this process.

    Raises:
        UsageError: a setting is out of its range, does not fit the task, or contradicts `start`; or a callback is
            not a `Callback` object, or has a method `on_…` that `Callback` lacks.
        InputError: there are no pairs, or a pair is not a source and a target of the expected kind.
        TrainingError: TensorFlow is not installed, the loss or a weight is not finite, or another worker is lost.
    """
    if start is not None and not isinstance(start, TrainedNetwork):
        raise UsageError(f"expected `start` to be a network, as load() returns it, got {start!r}")
    if unknown := settings.keys() - Settings.__annotations__.keys():
        raise TypeError(f"train() got an unexpected keyword argument {min(unknown)!r}")
    callbacks, began = check_callbacks(callbacks), time.monotonic()
    task = _task(task, start, (in_tokens, out_tokens), validation, lowercase)
    keeps_lengths = start is not None and settings.get("in_len") in (None, start.in_len)
    default_out_len = start.out_len if start and keeps_lengths else None
    snapshot = new_run(task, settings, start, default_out_len, require_flag("`record`", record))
    config = snapshot.run.config
    jobs = members.check_jobs(jobs, config)
    if verbose is not None and require_flag("`verbose`", verbose):
        training_header(snapshot.network.model_config, config, task, 1)
    if config.members > 1:
        reports = [[MemberReport(number, config)] if verbose else [] for number in range(1, config.members + 1)]
        runs = members.members_of(task, snapshot.network, [[*report, *callbacks] for report in reports])
        if callbacks:
            return combined([*map(members.train_member, runs)], task)
        return combined(members.train_side_by_side(runs, jobs), task)
    from seq2seq_demo.training.trainer import fit  # loads TensorFlow

    with TrainingReport(config, verbose) as report:
        return fit(task, config, snapshot, [report, *callbacks], began=began)


def _task(
    task: TaskLike,
    start: TrainedNetwork | None,
    tokens: Tokens,
    validation: PairRows | None,
    lowercase: bool | None,
) -> Task:
    """Convert the arguments of `train` to a task.

    Pairs are encoded with the vocabularies of `start`. Without `start`, `tokens` gives the kinds of symbols.
    """
    for name, value in zip(("`in_tokens`", "`out_tokens`"), tokens, strict=True):
        if value is not None:
            require_choice(name, value, TOKENS)
    vocabularies = start.vocabularies if start else None
    expected = " and ".join(vocabularies.tokens) if vocabularies else ""
    if vocabularies and any(token not in (None, own) for token, own in zip(tokens, vocabularies.tokens, strict=True)):
        raise UsageError(f"expected the network's tokens, {expected}, got {' and '.join(map(str, tokens))}")
    if not isinstance(task, str) and isinstance(task, Iterable):
        return pair_task_from_rows(task, vocabularies, tokens, validation, lowercase)
    if validation is not None or not {*tokens} <= {None, INTEGERS} or lowercase is not None:
        names = "`validation`, `in_tokens`, `out_tokens` or `lowercase`"
        raise UsageError(f"expected pairs with {names}, got {task!r}"[:200])
    named_task = as_task(task)
    if vocabularies and named_task.vocabularies != vocabularies:
        raise UsageError(f"expected pairs of {expected}, got {task!r}"[:200])
    return named_task
