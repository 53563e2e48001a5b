"""`evaluate`: measure a network on random sources of one or several lengths, or on the user's pairs."""

import json

from seq2seq_demo.commands.network_selection import pair_arguments, select_network
from seq2seq_demo.commands.options import EvaluateOptions
from seq2seq_demo.config import EVALUATION_SIZE
from seq2seq_demo.console import ProgressBar, pluralize, print_result
from seq2seq_demo.data.pair_task import PairTask, Task, pair_task
from seq2seq_demo.data.reading import file_title
from seq2seq_demo.data.sampling import n_evaluation_sources
from seq2seq_demo.errors import InputError, UsageError


def evaluate(options: EvaluateOptions) -> None:
    """Evaluate a network, and print tables or, with --json, one JSON object."""
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
    if task is None:
        alternative = "" if network.vocabularies.are_text else ", or a pattern with -p"
        raise UsageError(f"the network was trained on {network.task!r}: give a file of pairs{alternative}")
    if isinstance(task, PairTask):
        n_sources = len(task.pairs)
    else:
        measured, n = lengths or network.trained_lengths, options.points or EVALUATION_SIZE
        n_sources = sum(n_evaluation_sources(network.model_config, in_len, n) for in_len in measured)
    origin = f" of {file_title(options.from_file)}" if options.from_file else ""
    origin += f", pattern {pattern.name!r}" if pattern and (options.pattern or not origin) else ""
    with ProgressBar("Evaluating", n_sources, may_show=not options.quiet) as progress:
        evaluation = network.evaluate_task(
            task,
            n=options.points,
            lengths=lengths,
            out_len=options.settings.get("out_len"),
            seed=options.seed,
            beam=options.beam,
            origin=origin,
            on_progress=progress.advance,
        )
    print_result(json.dumps(evaluation.to_dict()) if options.json else evaluation.report(options.verbose > 0))
    if isinstance(task, PairTask) and task.n_skipped:
        raise InputError(f"skipped {pluralize(task.n_skipped, 'invalid record')}")
