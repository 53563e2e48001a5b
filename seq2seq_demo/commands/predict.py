"""`predict`: decode the sources on the command line, in a file or from the terminal, and print the answers."""

import functools
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from seq2seq_demo.commands import network_selection
from seq2seq_demo.commands.network_selection import SelectedNetwork
from seq2seq_demo.commands.options import PredictOptions
from seq2seq_demo.config import INTEGERS
from seq2seq_demo.console import ProgressBar, has_colour, notice, one_line, pluralize, print_error, print_result
from seq2seq_demo.data.reading import read, read_terminal, stream_file
from seq2seq_demo.data.records import Record, by_length, read_words
from seq2seq_demo.data.tokens import tokenize, tokenize_and_number
from seq2seq_demo.data.vocabulary import Vocabularies
from seq2seq_demo.declarations import with_option_names
from seq2seq_demo.errors import InputError, UsageError, require
from seq2seq_demo.network.decoding import MAX_ROWS_AT_ONCE, DecodingOptions
from seq2seq_demo.trained import plots
from seq2seq_demo.trained.predictions import UNENDED, Prediction, as_text, bracketed, stream
from seq2seq_demo.trained.trained_network import TrainedNetwork

WITHHELD = ("prediction", "exact", "score", "prediction_tokens", "probabilities", "attention")
ANSWER_KEYS = (*WITHHELD, "ended", "probability", "confidence")  # the JSON keys of each n-best answer
LINEAR_TSV = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
BATCH_SIZE = 16 * MAX_ROWS_AT_ONCE  # large, so that many sources in a batch have the same length
Answered = Iterator[tuple[list[Record], list[list[Prediction]]]]  # batches of records, with each record's predictions


def predict(options: PredictOptions) -> None:
    """Answer the sources from the command line, else from the --from-file file, else from the terminal.

    Raises:
        InputError: a source is unreadable. The error is raised after the previous sources are answered or, if
            unreadable sources are skipped, after all others are. At the terminal, a notice replaces the error.
    """
    if files := [*filter(os.path.isfile, options.words)]:
        notice(f"Reading {files[0]} as a source, although it is a file; -i reads weights, --from-file sources")
    typed = tokenize(read_words(options.words), Vocabularies())
    typed_len = None if typed.error else len(typed.values)
    selected = network_selection.select_network(options, options.in_len or typed_len)
    network, tokens = selected.network, selected.network.vocabularies.tokens
    has_attention = all(member.model_config.has_attention for member in network.members)
    expected = "showing attention needs an embedding_attention network, got embedding_rnn"
    require(has_attention or not _needs_attention(options), expected, UsageError)
    expected = "--min-confidence needs one weights file, of a calibrated network: one trained on pairs"
    require(options.min_confidence is None or network.calibration is not None, expected, UsageError)
    if options.attention_plot:
        plots.check(options.attention_plot, options.force)
    skips_unreadable = options.keep_going or options.json or options.tsv or options.line_buffered
    is_interactive, bar = False, ProgressBar("Predicting", may_show=False)
    file_format = network_selection.input_format(options)
    has_blank_lines = options.tsv or options.line_buffered  # a blank line also gets an answer
    file_format = replace(file_format, blank_lines=has_blank_lines, json_lines=tokens[0] == INTEGERS)
    rows: Iterable[Record]
    if options.words:
        rows = sources = network_selection.typed_sources(options.words, selected)
        skips_unreadable |= len(sources) > 1
    elif options.from_file and options.line_buffered:
        rows = stream_file(options.from_file, file_format)
    elif options.from_file:
        rows, _ = read(options.from_file, "", file_format)
        bar = ProgressBar("Predicting", len(rows), may_show=not (options.quiet or sys.stdout.isatty()))
    else:
        symbols = f"integers from 0 to {network.model_config.in_max_int}" if tokens[0] == INTEGERS else tokens[0]
        ending = "Ctrl-Z and Enter end" if sys.platform == "win32" else "Ctrl-D ends"
        notice(f"Type {options.in_len or 'some'} {symbols}; {ending} the input")
        rows = read_terminal(file_format)
        skips_unreadable = is_interactive = True
    with bar:
        answered = _answer(rows, options, selected, skips_unreadable, options.line_buffered or is_interactive)
        n_unreadable = _print_answers(answered, options, network, skips_unreadable, bar)
    if n_unreadable and not is_interactive:
        raise InputError(f"skipped {pluralize(n_unreadable, 'sequence')} that the network cannot read")


def _needs_attention(options: PredictOptions) -> bool:
    return options.show_attention or options.attention_plot is not None


def _answer(
    rows: Iterable[Record], options: PredictOptions, selected: SelectedNetwork, skips_unreadable: bool, one_by_one: bool
) -> Answered:
    """Yield the sources in batches, with their predictions; unless `skips_unreadable`, stop after the first error."""
    network, pattern, out_len = selected.network, selected.pattern, options.settings.get("out_len")
    needs_probabilities = options.json or options.tsv or options.min_confidence is not None
    decoding = DecodingOptions(options.beam, needs_probabilities, _needs_attention(options))

    @functools.cache  # each uncached call runs the pattern
    def answer_len(in_len: int) -> int:
        return network.answer_len(in_len, pattern, out_len)

    @functools.cache
    def check_length(in_len: int) -> None:
        if options.in_len not in (None, in_len):
            raise UsageError(f"expected {options.in_len} symbols because of `in_len`, got {in_len}")
        answer_len(in_len)  # raises UsageError if the pattern rejects this length

    records = _numbered(rows, network, check_length, skips_unreadable)
    targets = network.target_function(pattern, out_len) if pattern else None
    answers_to = functools.partial(
        stream, network.to_numpy(), network, answer_len=answer_len, options=decoding, targets=targets
    )
    if one_by_one:  # `stream` reads ahead
        return itertools.chain.from_iterable(answers_to([[record]]) for record in records)
    return answers_to(iter(lambda: [*itertools.islice(records, BATCH_SIZE)], []))


def _numbered(
    rows: Iterable[Record], network: TrainedNetwork, check_length: Callable[[int], None], skips_unreadable: bool
) -> Iterator[Record]:
    """Yield each source as numbers, or unchanged with an error if the network cannot read it or `check_length` fails.

    Unless `skips_unreadable`, stop after the first record with an error.
    """
    vocabularies, largest = network.vocabularies, (network.model_config.in_max_int, None)
    for row in rows:
        record = tokenize_and_number(row, vocabularies, largest)
        if record.error and row.output is not None:  # the network need not write the target
            record = tokenize_and_number(row._replace(output=None), vocabularies, largest)
        if not record.error:
            try:
                check_length(len(record.values))
            except UsageError as refusal:
                record = row._replace(error=InputError(f"{row.place}: {refusal}"))
        yield record
        if record.error and not skips_unreadable:
            return


def _print_answers(
    answered: Answered, options: PredictOptions, network: TrainedNetwork, skips_unreadable: bool, bar: ProgressBar
) -> int:
    """Print the answers and, at the end, plot the attention of the best ones; return the number of unreadable sources.

    Raises:
        InputError: a source is unreadable, and `skips_unreadable` is False; all previous answers have been printed.
    """
    is_exact = options.show_attention or (options.tsv and not sys.stdout.isatty())
    n_unreadable = 0
    is_warned = False  # whether a notice has named a source length that did not occur in training
    errors: list[InputError] = []
    plotted: list[Prediction] = []
    for batch, predictions in answered:
        if not is_warned:
            is_warned = network.warn_of_lengths(*by_length(batch))
        errors = [record.error for record in batch if record.error]
        shown = [withhold(answers, options.min_confidence) for answers in predictions]
        if options.attention_plot:
            plotted += (best for best, *_ in shown if best.prediction is not None)
            n = plots.MAX_PANELS
            require(len(plotted) <= n, f"a picture shows the attention of at most {n} sequences", UsageError)
        for error in errors if skips_unreadable and not options.json else ():
            print_error(str(error))
        if texts := [*filter(None, map(functools.partial(_text, options), shown, batch))]:
            print_result("\n".join(texts), unchanged=is_exact)
        bar.advance(len(batch))
        n_unreadable += len(errors)
    if options.attention_plot and plotted:
        attention = [prediction.shown_attention() for prediction in plotted]
        plots.save(plots.attention_figure(attention), options.attention_plot)
        notice(f"Wrote {options.attention_plot}")
    if errors and not skips_unreadable:
        raise errors[0]
    return n_unreadable


def withhold(answers: list[Prediction], min_confidence: float | None) -> list[Prediction]:
    """Return the predictions for a source or, if the confidence is too low, only the best one, without its answer."""
    best = answers[0]
    if min_confidence is None or best.error or (best.confidence or 0) >= min_confidence:
        return answers
    return [replace(best, **dict.fromkeys(WITHHELD))]


def _text(options: PredictOptions, answers: Sequence[Prediction], record: Record) -> str:
    """Format the answers to one source, or its error; in plain text, an error is empty because a notice reports it."""
    if options.json:
        return json_line(answers, record, options.n_best, options.show_attention)
    if options.tsv:
        return tsv_lines(answers)
    lines = answer_lines(answers)
    if options.show_attention and answers[0].prediction is not None:
        heatmaps = [plots.attention_text(answer.shown_attention(), has_colour(sys.stdout)) for answer in answers]
        lines = [text for pair in zip(lines, heatmaps, strict=True) for text in pair]
    return "\n".join(lines)


def answer_lines(answers: Sequence[Prediction]) -> list[str]:
    """Return a line for each answer to a source, best first, or no lines for an unreadable source.

    The first line has the format of the 2016 program, but omits an unknown target; the other lines are numbered.
    """
    best = answers[0]
    source = one_line(str(best.source))
    if best.prediction is None:
        return [] if best.error else [f"==> For input {source}, no answer (confidence {best.confidence:.4f})"]
    expected = "" if best.expected is None else f" (expected={bracketed(best.expected)})"
    first = f"==> For input {source}, prediction={_answer_text(best)}{expected}{_score(best)}"
    return [first, *(f"    {n}. {_answer_text(p)}{_score(p)}" for n, p in enumerate(answers[1:], start=2))]


def _answer_text(p: Prediction) -> str:
    return bracketed(p.prediction) + UNENDED * (p.ended is False)


def _score(p: Prediction) -> str:
    return "" if p.score is None else f" (score {p.score:.4f})"


def tsv_lines(predictions: Sequence[Prediction]) -> str:
    """Return a line per prediction: source, answer and confidence, separated by tabs.

    Without a calibration, the probability replaces the confidence. A withheld answer is an empty field. In the line
    for an unreadable record, all fields except the source are empty.
    """
    rows = []
    for p in predictions:
        score = p.probability if p.confidence is None else p.confidence
        texts = as_text(p.source or ""), as_text(p.prediction or "")
        rows.append([*(text.translate(LINEAR_TSV) for text in texts), "" if score is None else f"{score:.6g}"])
    return "\n".join(map("\t".join, rows))


def json_line(predictions: Sequence[Prediction], row: Record, n_best: int | None, attention: bool) -> str:
    """Return a line with a JSON object: the best prediction, its place, and the other values of its record.

    `n_best` adds all answers (null if there are none), and `attention` adds the attention weights.
    """
    best, *_ = answers = [p.to_dict(attention) for p in predictions]
    facts = {"line": row.place.number if row.place.kind else None, **best, "record": row.others}
    if n_best:
        shown = [{key: each[key] for key in ANSWER_KEYS if key in each} for each in answers]
        facts["n_best"] = None if best["prediction"] is None else shown
    if best["error"]:
        facts["error"] = with_option_names(best["error"])
    return json.dumps(facts)
