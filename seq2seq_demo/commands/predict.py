"""`predict`: decode the sources on the command line, in a file or from the terminal, and print the answers."""

import functools
import itertools
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace

from seq2seq_demo.commands import network_selection
from seq2seq_demo.commands.options import PredictOptions
from seq2seq_demo.config import INTEGERS
from seq2seq_demo.console import ProgressBar, has_colour, pluralize, print_notice, print_result
from seq2seq_demo.data.reading import read, read_terminal, stream_file
from seq2seq_demo.data.records import Record, by_length, read_words
from seq2seq_demo.data.tokens import number_known, tokenize
from seq2seq_demo.data.vocabulary import Vocabularies
from seq2seq_demo.errors import InputError, UsageError, require
from seq2seq_demo.network.decoding import MAX_ROWS_AT_ONCE, Answer, DecodingOptions
from seq2seq_demo.trained import formatting as predictions, plots
from seq2seq_demo.trained.predictions import Prediction, PredictionRequest, stream, to_prediction, unread

BATCH_SIZE = 16 * MAX_ROWS_AT_ONCE  # large, so that many sources of a batch have the same length


def predict(options: PredictOptions) -> None:
    """Answer the sources on the command line, else those of --from-file, else those typed at the terminal."""
    typed = tokenize(read_words(options.words), Vocabularies())
    typed_len = None if typed.error else len(typed.values)
    selected = network_selection.select_network(options, options.in_len or typed_len)
    network, model_config = selected.network, selected.network.model_config
    tokens = network.vocabularies.tokens
    has_attention = all(each.model_config.has_attention for each in network.members)
    expected = "expected a network of embedding_attention to show attention, got embedding_rnn"
    require(has_attention or not _needs_attention(options), expected, UsageError)
    expected = "expected a calibrated network for --min-confidence, got several, or one that was not trained on pairs"
    require(options.min_confidence is None or network.calibration is not None, expected, UsageError)
    if options.attention_plot:
        plots.check(options.attention_plot, options.force)
    predictor, bar = _Predictor(options, selected), ProgressBar("Predicting", may_show=False)
    file_format = network_selection.input_format(options, blank_lines=options.tsv or options.line_buffered)
    file_format = replace(file_format, json_lines=tokens[0] == INTEGERS)
    rows: Iterable[Record]
    if options.words:
        rows = sources = network_selection.typed_sources(options.words, selected)
        predictor.keeps_going |= len(sources) > 1
    elif options.from_file and options.line_buffered:
        rows = stream_file(options.from_file, file_format)
    elif options.from_file:
        rows, _ = read(options.from_file, "", file_format)
        bar = ProgressBar("Predicting", len(rows), may_show=not sys.stdout.isatty())
    else:
        symbols = f"integers from 0 to {model_config.in_max_int}" if tokens[0] == INTEGERS else tokens[0]
        ending = "Ctrl-Z and Enter end" if sys.platform == "win32" else "Ctrl-D ends"
        bar.notify(f"Type {options.in_len or 'some'} {symbols}; {ending}")
        rows = read_terminal(file_format)
    with bar:
        predictor.print_answers(rows, bar)


def _needs_attention(options: PredictOptions) -> bool:
    return options.show_attention or options.attention_plot is not None


class _Predictor:
    """Decodes sources with the selected network, and prints the answers in the format of the options."""

    def __init__(self, options: PredictOptions, selected: network_selection.SelectedNetwork) -> None:
        self.options, self.network, pattern = options, selected.network, selected.pattern
        # Cached, because each call runs the pattern.
        out_len = functools.cache(lambda in_len: self.network.answer_len(in_len, pattern, options.out_len))
        needs_probabilities = options.json or options.tsv or options.min_confidence is not None
        decoding = DecodingOptions(options.beam, needs_probabilities, _needs_attention(options))
        targets = self.network.target_function(pattern, options.out_len) if pattern else None
        self.request = PredictionRequest(out_len, decoding, targets)
        self.n_unanswered = 0
        self.failure: InputError | None = None  # the error that ends the reading
        # Whether unreadable sources are reported and skipped; otherwise, the first one raises an error.
        self.is_interactive = not (options.words or options.from_file)
        has_lines = options.json or options.tsv or options.line_buffered  # a line for each source
        self.keeps_going = options.keep_going or has_lines or self.is_interactive

    def print_answers(self, rows: Iterable[Record], progress: ProgressBar) -> None:
        """Print the answers to each source; with --attention-plot, plot the attention of the best answers at the end.

        Raises:
            InputError: a source is unreadable. The error follows the answers to the sources before it or, if
                `keeps_going`, to all others. At the terminal, a notice replaces the error.
        """
        options, network = self.options, self.network
        n_skipped, is_exact = 0, options.tsv and not sys.stdout.isatty()
        is_warned = False  # whether a notice named a source length that training did not have
        plotted: list[Prediction] = []
        for batch, answers in self._answers(self._read(rows)):
            if not is_warned:
                warning = network.length_notices(*by_length(batch))
                progress.notify(*warning)
                is_warned = bool(warning)
            shown = [*map(self._shown, answers, batch)]
            if options.attention_plot:
                plotted += (best for best, *_ in shown if best.prediction is not None)
                plots.check_panel_count(len(plotted))
            texts = [*filter(None, map(self._text, shown, batch))]
            if not options.json:
                progress.notify(*(str(row.error) for row in batch if row.error), are_errors=True)
            if texts:
                print_result("\n".join(texts), unchanged=options.show_attention or is_exact)
            progress.advance(len(answers))
            n_skipped += sum(row.error is not None for row in batch)
        if options.attention_plot and plotted:
            attention = [prediction.shown_attention() for prediction in plotted]
            plots.save(plots.attention_figure(attention), options.attention_plot)
            print_notice(f"Wrote {options.attention_plot}")
        if self.n_unanswered:
            sources = pluralize(self.n_unanswered, "source")
            progress.notify(f"Left {sources} unanswered, because the confidence is below {options.min_confidence}")
        if self.failure:
            raise self.failure
        if n_skipped and not self.is_interactive:
            raise InputError(f"expected sequences that the network can read, skipped {n_skipped} that it cannot read")

    def _answers(self, records: Iterator[Record]) -> Iterator[tuple[list[Record], list[list[Answer]]]]:
        """Yield the records in batches, with their answers; at the terminal and with --line-buffered, one by one."""
        network, request = self.network.to_numpy(), self.request
        if self.options.line_buffered or self.is_interactive:
            return itertools.chain.from_iterable(stream(network, [[record]], request) for record in records)
        return stream(network, iter(lambda: [*itertools.islice(records, BATCH_SIZE)], []), request)

    def _read(self, rows: Iterable[Record]) -> Iterator[Record]:
        """Yield the sources as numbers, or with an error; unless `keeps_going`, stop at the first `failure`."""
        vocabularies = self.network.vocabularies
        largest = self.network.model_config.in_max_int, None
        check_length = functools.cache(self._check_length)
        for row in rows:
            record = number_known(tokenize(row, vocabularies, largest), vocabularies)
            if record.error and row.output is not None:  # the network need not write the target
                record = number_known(tokenize(row._replace(output=None), vocabularies, largest), vocabularies)
            try:
                if not record.error:
                    check_length(len(record.values))
            except UsageError as error:
                record = row._replace(error=InputError(f"{row.place}: {error}"))
            if record.error and not self.keeps_going:
                self.failure = record.error
                return
            yield row._replace(error=record.error) if record.error else record

    def _check_length(self, in_len: int) -> None:
        """Raise UsageError if the network cannot decode a source of this length, or --in-len is another length."""
        if self.options.in_len not in (None, in_len):
            raise UsageError(f"expected {self.options.in_len} symbols, as `in_len` says, got {in_len}")
        self.request.options.check_fits(self.network.model_config, 1, in_len, self.request.out_len(in_len))

    def _shown(self, answers: list[Answer], row: Record) -> list[Prediction]:
        """Return the answers to one source as predictions, or the error from reading it, or the withheld answer."""
        if row.error:
            return [unread(row)]
        shown = [to_prediction(each, self.network.vocabularies, self.network.calibration) for each in answers]
        if (minimum := self.options.min_confidence) is None or (shown[0].confidence or 0) >= minimum:
            return shown
        self.n_unanswered += 1
        return [predictions.withheld(shown[0])]

    def _text(self, shown: list[Prediction], row: Record) -> str:
        """Format the answers to one source, or the error from reading it; as text, an error is only a notice."""
        options = self.options
        if options.json:
            return predictions.json_line(shown, row, options.n_best, options.show_attention)
        if options.tsv:
            return predictions.tsv_lines(shown)
        lines = predictions.answer_lines(shown)
        if options.show_attention and shown[0].prediction is not None:
            heatmaps = [plots.attention_text(each.shown_attention(), has_colour(sys.stdout)) for each in shown]
            lines = [text for pair in zip(lines, heatmaps, strict=True) for text in pair]
        return "\n".join(lines)
