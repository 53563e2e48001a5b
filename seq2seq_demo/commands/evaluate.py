"""`evaluate`: measure a network on fresh sources, of one length or of several, or on own pairs."""

import json
from collections.abc import Iterator, Sequence

import numpy as np

from seq2seq_demo.commands.network_selection import Choice, Skipped, network_to_use, other_length_notice, read_task
from seq2seq_demo.commands.options import EvaluateOptions
from seq2seq_demo.config import DEFAULT_EVALUATION_SIZE
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.tasks import Task
from seq2seq_demo.display.console import pluralize, print_notice, print_notices, print_result
from seq2seq_demo.display.evaluations import (
    by_length_table,
    fixed_length_tables,
    pairs_dict,
    pairs_text,
    row_dict,
    sources_text,
    variable_length_tables,
)
from seq2seq_demo.display.progress_bar import ProgressBar
from seq2seq_demo.errors import InputError, UsageError
from seq2seq_demo.evaluation import RANDOM, EvaluationRow, n_to_measure

SKIPPED = 5  # pairs whose errors are told


def evaluate(options: EvaluateOptions) -> None:
    """Print tables, or a JSON object for each length."""
    lengths = options.lengths or ([options.in_len] if options.in_len else [])
    choice = network_to_use(options, max(lengths, default=1))
    network, notices, n = choice.network, choice.notices, options.points or DEFAULT_EVALUATION_SIZE
    network.check_answer_lengths(options.out_len, options.max_out_len)
    skipped: Skipped = {}
    rows: list[EvaluationRow] = []
    with ProgressBar("Evaluating") as work:
        for row in _rows(options, choice, lengths, skipped, work):
            rows.append(row)
            if row.kind == RANDOM and not network.ends and row.evaluation.n < n:
                found = f"Only {row.evaluation.n} of {n} sources of length {row.in_len}"
                notices.append(f"{found} were found that were not trained on")
            if notices or options.json:
                work.hide()
            print_notices(notices)
            if options.json:
                print_result(json.dumps(_about(choice) | row_dict(row, network)))
    _warn_of_overlap(rows)
    if not options.json:
        print_result(_text(options, choice, rows))
    elif options.from_file and network.ends:
        print_result(json.dumps(_about(choice) | pairs_dict(rows, network.vocabularies)))
    if n_skipped := sum(map(len, skipped.values())):
        raise InputError(f"expected pairs that the network can read, left out {n_skipped} that are not")


def _about(choice: Choice) -> dict[str, str | None]:
    return {"model": choice.network.model_config.model, "pattern": choice.pattern.name if choice.pattern else None}


def _text(options: EvaluateOptions, choice: Choice, rows: Sequence[EvaluationRow]) -> str:
    """Return the tables of a network that ends its answers, or 2016's of one that does not."""
    pattern = f"pattern {choice.pattern.name!r}" if choice.pattern else ""
    if not choice.network.ends:
        e = rows[-1].evaluation
        measured = f"{e.n} fresh sources, {pattern}"
        if options.from_file:
            have_several = e.n_pairs > e.n
            measured = sources_text(e, options.from_file) if have_several else f"{e.n} pairs of {options.from_file}"
        return f"{measured}\n\n{by_length_table(rows) if options.lengths else fixed_length_tables(e)}"
    pattern = f", {pattern}" if pattern else ""
    if options.from_file:
        return pairs_text(options.from_file + pattern, rows, choice.network.vocabularies, options.verbose > 0)
    return f"Sources of each length{pattern}; an answer without END is wrong\n\n{variable_length_tables(rows)}"


def _rows(
    options: EvaluateOptions, choice: Choice, lengths: Sequence[int], skipped: Skipped, work: ProgressBar
) -> Iterator[EvaluationRow]:
    """Yield the figures of each length, and of each kind of sources."""
    network, n = choice.network, options.points
    task: Task | None = choice.pattern
    if options.from_file:
        task = given = _given_pairs(options, choice, skipped)
        lengths, total = np.unique(given.pairs.sources.lengths).tolist(), len(given.pairs)
    elif task is None:
        other = "" if network.vocabularies.are_text else ", or -p"
        raise UsageError(f"the network was trained on {network.task!r}: expected --from-file with pairs{other}")
    else:
        lengths = lengths or network.trained_lengths
        total = sum(n_to_measure(network.model_config, in_len, n or DEFAULT_EVALUATION_SIZE) for in_len in lengths)
        if not network.ends and not network.redraws_training_sources:
            some = "some of the sources may be among them"
            choice.notices.append(f"It was trained on too many points to draw them again: {some}")
    work.total = 2 * total  # each is decoded twice, once with teacher forcing
    choice.notices.extend(other_length_notice(network, *lengths))
    yield from network.evaluate_by_length(
        task,
        n,
        lengths,
        options.max_out_len or options.out_len,
        options.seed or 0,
        beam=options.beam,
        detailed=not network.ends or options.from_file is not None,
        on_progress=work.advance,
        on_skip=lambda error: choice.notices.append(f"Left out: {error}"),
    )


def _given_pairs(options: EvaluateOptions, choice: Choice, skipped: Skipped) -> PairTask:
    """Return the pairs of --from-file, and note which of them the network cannot read."""
    may_skip = skipped if options.keep_going else None
    task = read_task(options, options.points, options.sequence_pattern, choice.network, may_skip)
    for errors in skipped.values():
        choice.notices.extend(map(str, errors[:SKIPPED]))
        if errors:
            left_out = f"Left out {pluralize(len(errors), 'pair')} that the network cannot read"
            choice.notices.append(f"{left_out}: count them as wrong where figures are compared")
    return task


def _warn_of_overlap(rows: Sequence[EvaluationRow]) -> None:
    """Say which lengths have too few sources that the network was not trained on."""
    few = [str(row.in_len) for row in rows if row.kind == RANDOM and row.fresh is False]
    if few:
        lengths = f"length {few[0]}" if len(few) == 1 else f"lengths {', '.join(few)}"
        print_notice(
            f"Of {lengths}, too few sources are left that the network was not trained on: others were measured too"
        )
