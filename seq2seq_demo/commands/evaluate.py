"""`evaluate`: measure a network on fresh sources, of one or several lengths, or on the user's pairs."""

import json
from dataclasses import replace

from seq2seq_demo.commands.network_selection import pair_arguments, select_network
from seq2seq_demo.commands.options import EvaluateOptions
from seq2seq_demo.console import ProgressBar, pluralize, print_result
from seq2seq_demo.data.pair_task import PairTask, Task, pair_task
from seq2seq_demo.data.reading import file_title
from seq2seq_demo.errors import InputError, UsageError
from seq2seq_demo.trained.evaluation import EvaluationRequest, n_to_measure


def evaluate(options: EvaluateOptions) -> None:
    """Print tables, or with --json one object."""
    lengths = options.lengths
    _, network, pattern = select_network(options, max(lengths, default=1))
    task: Task | None = pattern
    if options.from_file:
        task = pair_task(
            n=options.points,
            pattern=options.pattern_task,
            allows_unknown=options.pattern_task is None,
            max_skipped=1.0 if options.keep_going else 0.0,
            **pair_arguments(options, network),
        )
        if options.pattern_task and options.out_len and not network.ends:
            task = replace(task, pairs=task.pairs.cut(options.out_len))
    if task is None:
        alternative = "" if network.vocabularies.are_text else " or -p"
        expected = f"expected --from-file with pairs{alternative}, got none"
        raise UsageError(f"the network was trained on {network.task!r}: {expected}")
    if isinstance(task, PairTask):
        n_sources = len(task.pairs)
    else:
        measured = lengths or network.trained_lengths
        n_sources = sum(n_to_measure(network.model_config, each, options.points) for each in measured)
    origin = f" of {file_title(options.from_file)}" if options.from_file else ""
    origin += f", pattern {pattern.name!r}" if pattern and (options.pattern or not origin) else ""
    given = options.points, lengths, options.out_len, options.seed, options.beam, origin
    with ProgressBar("Evaluating", n_sources) as progress:
        evaluation = network.measure(task, EvaluationRequest(*given, progress.advance, progress.notify))
    print_result(json.dumps(evaluation.to_dict()) if options.json else evaluation.report(options.verbose > 0))
    if isinstance(task, PairTask) and task.n_skipped:
        raise InputError(f"expected only pairs, skipped {pluralize(task.n_skipped, 'invalid record')}")
