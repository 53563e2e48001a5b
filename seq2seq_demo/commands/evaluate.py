"""`evaluate`: measure a network on fresh sources, of one or several lengths, or on the user's pairs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from seq2seq_demo.commands.network_selection import read_pair_task, select_network
from seq2seq_demo.commands.options import EvaluateOptions
from seq2seq_demo.config import EVALUATION_SIZE
from seq2seq_demo.console import ProgressBar, pluralize, print_notice, print_result
from seq2seq_demo.data.pair_task import PairTask, Task
from seq2seq_demo.data.reading import file_title
from seq2seq_demo.display import evaluations
from seq2seq_demo.errors import InputError, UsageError
from seq2seq_demo.evaluation import RANDOM, EvaluationRow, n_to_measure
from seq2seq_demo.trained_network import TrainedNetwork


def evaluate(options: EvaluateOptions) -> None:
    """Print tables, or with --json one object per length and kind of sources, and for pairs one over all lengths."""
    lengths = options.lengths
    _, network, pattern = select_network(options, max(lengths, default=1))
    task: Task | None = pattern
    if options.from_file:
        task = read_pair_task(options, options.points, options.pattern_task, network, evaluates=True)
    if task is None:
        alternative = "" if network.vocabularies.are_text else " or -p"
        expected = f"expected --from-file with pairs{alternative}, got none"
        raise UsageError(f"the network was trained on {network.task!r}: {expected}")
    shown = replace(network, vocabularies=task.vocabularies)  # which also contain the unseen symbols of the pairs
    rows: list[EvaluationRow] = []
    labels = {"model": network.model_config.model, "pattern": pattern.name if pattern else None}
    with ProgressBar("Evaluating") as progress:
        for row in _measure(options, network, task, lengths, progress):
            rows.append(row)
            if options.json:
                progress.hide()
                print_result(json.dumps(labels | evaluations.row_dict(row, shown)))
    if not_fresh := [str(row.in_len) for row in rows if row.kind == RANDOM and not row.fresh]:
        print_notice(f"Some sources of length {', '.join(not_fresh)} may be training sources")
    if options.json and options.from_file:
        print_result(json.dumps(labels | evaluations.row_dict(evaluations.total(rows), shown)))
    elif not options.json:
        origin = f" of {file_title(options.from_file)}" if options.from_file else ""
        origin += f", pattern {pattern.name!r}" if pattern else ""
        print_result(evaluations.text(rows, shown, origin, options.verbose > 0))
    if isinstance(task, PairTask) and task.n_skipped:
        raise InputError(f"expected only pairs, skipped {pluralize(task.n_skipped, 'invalid record')}")


def _measure(
    options: EvaluateOptions, network: TrainedNetwork, task: Task, lengths: Sequence[int], progress: ProgressBar
) -> Iterator[EvaluationRow]:
    """Yield the figures of each length and kind of sources."""
    if isinstance(task, PairTask):
        lengths, n_sources = np.unique(task.pairs.sources.lengths).tolist(), len(task.pairs)
    else:
        lengths, n = lengths or network.trained_lengths, options.points or EVALUATION_SIZE
        n_sources = sum(n_to_measure(network.model_config, in_len, n) for in_len in lengths)
    progress.total = 2 * n_sources  # each is decoded twice, once with teacher forcing
    progress.notify(*network.length_notices(*lengths))
    yield from network.evaluate_by_length(
        task,
        options.points,
        lengths,
        options.out_len,
        options.seed,
        beam=options.beam,
        on_progress=progress.advance,
        on_skip=lambda error: progress.notify(f"Skipped one length: {error}"),
    )
