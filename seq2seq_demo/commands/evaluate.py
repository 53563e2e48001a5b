"""`evaluate`: measure a network on fresh sources, of one length or of several, or on own pairs."""

import json
from collections.abc import Iterator

import numpy as np

from seq2seq_demo.commands.options import EvaluateOptions
from seq2seq_demo.commands.selection import Choice, Skipped, network_to_use, other_length_notice, own_pairs
from seq2seq_demo.config import EVALUATED, TrainConfig
from seq2seq_demo.data.batches import Pairs
from seq2seq_demo.data.own_pairs import OwnPairs
from seq2seq_demo.data.own_ragged_pairs import OwnRaggedPairs, as_ragged
from seq2seq_demo.data.sequence_pattern import SequencePattern
from seq2seq_demo.data.tasks import Task
from seq2seq_demo.display.console import counted, result, say
from seq2seq_demo.display.evaluations import (
    evaluation_dict,
    evaluation_text,
    given_dict,
    given_text,
    lengths_text,
    row_dict,
    rows_text,
)
from seq2seq_demo.display.long_work import LongWork
from seq2seq_demo.errors import InputError, UsageError
from seq2seq_demo.evaluation import measure
from seq2seq_demo.varied_evaluation import RANDOM, Row, n_to_measure

SKIPPED = 5  # pairs whose errors are told


def evaluate(options: EvaluateOptions) -> None:
    """Print tables, or a JSON object for each length."""
    choice = network_to_use(options, max([options.in_len or 1, *options.lengths]))
    choice.network.require_end(options.out_len, options.max_out_len)
    skipped: Skipped = {}
    if choice.network.ends:
        _evaluate_rows(options, choice, skipped)
    else:
        _evaluate_lengths(options, choice, skipped)
    for errors in skipped.values():
        if errors:
            raise InputError(f"expected pairs that the network can read, left out {len(errors)} that are not")


def _evaluate_lengths(options: EvaluateOptions, choice: Choice, skipped: Skipped) -> None:
    """Print what a network reaches at one length, or at each of several."""
    network, pattern = choice.network, choice.pattern
    all_facts = []
    for pairs in _pairs_to_measure(options, choice, skipped):
        in_len = pairs.sources.shape[1]
        with LongWork(f"Length {in_len}" if options.lengths else "Evaluating", len(pairs.sources)) as work:
            facts = evaluation_dict(measure(network.to_numpy(), pairs, options.beam, work.advance), in_len)
        all_facts.append(facts)
        if options.json:
            result(json.dumps(_about(choice) | facts))
    if not options.json:
        fresh = f"fresh sources, pattern {pattern.name!r}" if pattern else ""
        what = f"pairs of {options.from_file}" if options.from_file else fresh
        tables = lengths_text(all_facts) if options.lengths else evaluation_text(all_facts[0])
        result(f"{all_facts[-1]['n']} {what}\n\n{tables}")


def _about(choice: Choice) -> dict[str, str | None]:
    return {"model": choice.network.model_config.model, "pattern": choice.pattern.name if choice.pattern else None}


def _evaluate_rows(options: EvaluateOptions, choice: Choice, skipped: Skipped) -> None:
    """Print what a network that ends its answers reaches at each length, and on each kind of sources."""
    rows, vocabularies = [], choice.network.vocabularies
    with LongWork("Evaluating") as work:
        for row in _rows(options, choice, skipped, work):
            if choice.notices or options.json:
                work.hide()
            say(choice.notices)
            rows.append(row)
            if options.json:
                result(json.dumps(_about(choice) | row_dict(row)))
    few = [str(row.in_len) for row in rows if row.kind == RANDOM and row.fresh is False]
    if few:
        lengths = f"length {few[0]}" if len(few) == 1 else f"lengths {', '.join(few)}"
        say([f"Of {lengths}, too few sources are left that the network was not trained on: others were measured too"])
    if not options.json:
        pattern = f", pattern {choice.pattern.name!r}" if choice.pattern else ""
        if options.from_file:
            result(given_text(options.from_file + pattern, rows, vocabularies, options.verbose > 0))
        else:
            result(f"Sources of each length{pattern}; an answer's end counts\n\n{rows_text(rows)}")
    elif options.from_file:
        result(json.dumps(_about(choice) | given_dict(rows, vocabularies)))


def _rows(options: EvaluateOptions, choice: Choice, skipped: Skipped, work: LongWork) -> Iterator[Row]:
    """Yield what is measured."""
    network, lengths = choice.network, options.lengths or ([options.in_len] if options.in_len else ())
    task: Task
    if options.from_file:
        task = as_ragged(_given_pairs(options, options.from_file, choice, skipped))
        lengths = np.unique(task.pairs.sources.lengths).tolist()
        n = len(task.pairs)
    else:
        task, largest = _pattern(choice), network.model_config.in_max_int
        each = [n_to_measure(S, options.points or EVALUATED, largest) for S in lengths or network.trained_lengths]
        n = sum(each)
    work.total = 2 * n  # each is decoded twice, once with teacher forcing
    choice.notices.extend(other_length_notice(network, *lengths))
    seed, is_given = options.seed or 0, options.from_file is not None
    settings = options.points, lengths, options.max_out_len, seed
    yield from network.rows(task, *settings, beam=options.beam, detailed=is_given, told=work.advance)


def _pattern(choice: Choice) -> SequencePattern:
    """Return the pattern that makes the targets."""
    if choice.pattern is None:
        other = "" if choice.network.vocabularies.are_text else ", or -p"
        raise UsageError(f"the network was trained on {choice.network.task!r}: expected --from-file with pairs{other}")
    return choice.pattern


def _given_pairs(options: EvaluateOptions, file: str, choice: Choice, skipped: Skipped) -> OwnPairs | OwnRaggedPairs:
    """Return the pairs of a file, and note which of them the network cannot read."""
    given = choice.pattern if options.pattern else None
    place = skipped if options.keep_going else None
    task = own_pairs(file, options, options.points, given, choice.network, choice.network.ends, place)
    errors = skipped.get(file, [])
    choice.notices.extend([*map(str, errors[:SKIPPED]), *([_skipped_notice(errors)] if errors else [])])
    return task


def _pairs_to_measure(options: EvaluateOptions, choice: Choice, skipped: Skipped) -> Iterator[Pairs]:
    """Yield the pairs to evaluate on, for each length."""
    network, notices = choice.network, choice.notices
    notices.extend(other_length_notice(network, options.in_len, *options.lengths))
    if options.from_file:
        own = _given_pairs(options, options.from_file, choice, skipped)
        assert isinstance(own, OwnPairs)
        say(notices)
        yield own.pairs
        return
    pattern = _pattern(choice)
    if not network.draws_again:
        notices.append("It was trained on too many points to draw them again: some of the sources may be among them")
    n = options.points or EVALUATED
    lengths = options.lengths or [options.in_len or network.in_len or TrainConfig.in_len]
    measured = False
    for S in lengths:
        try:
            pairs = network.held_out(pattern, n, in_len=S, out_len=options.out_len, seed=options.seed or 0)
        except InputError as error:  # every source of that length was trained on
            if lengths[-1] == S and not measured:
                raise
            notices.append(f"Left out: {error}")
            continue
        found, measured = len(pairs.sources), True
        if found < n:
            notices.append(f"Only {found} of {n} sources of length {S} were found that were not trained on")
        say(notices)
        yield pairs


def _skipped_notice(skipped: list[InputError]) -> str:
    """Return what to say of pairs that could not be read."""
    left_out = counted(len(skipped), "pair")
    return f"Left out {left_out} that the network cannot read: count them as wrong where figures are compared"
