"""`predict`: decode the sources on the command line, in a file or from the terminal, and print the answers."""

import functools
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace

from seq2seq_demo.commands import network_selection
from seq2seq_demo.commands.options import PredictOptions
from seq2seq_demo.config import INTEGERS
from seq2seq_demo.console import pluralize, print_notice, print_result
from seq2seq_demo.data.encoder import Encoder, batches, valid_records
from seq2seq_demo.data.layout import Layout
from seq2seq_demo.data.lines import plain_name
from seq2seq_demo.data.readers import read_file, read_terminal, read_words
from seq2seq_demo.data.records import Record, by_length
from seq2seq_demo.display import heatmap, plots, predictions
from seq2seq_demo.display.progress_bar import ProgressBar
from seq2seq_demo.errors import InputError, UsageError, require
from seq2seq_demo.network.decoding import MAX_ROWS_AT_ONCE, DecodingOptions
from seq2seq_demo.predictions import Prediction, PredictionRequest, stream

Rows = Iterable[Record | None]
MIXED_BATCH_SIZE = 16 * MAX_ROWS_AT_ONCE  # large, so that many sequences of a mixed batch have the same length


def predict(options: PredictOptions) -> None:
    """Answer the sources on the command line, else those of --from-file, else those typed at the terminal."""
    as_integers = read_words(options.words).values
    typed_len = len(as_integers) if options.words and isinstance(as_integers, list) else None
    selected = network_selection.select_network(options, options.in_len or typed_len)
    network, model_config = selected.network, selected.network.model_config
    network.check_answer_lengths(options.out_len, options.max_out_len)
    form = network_selection.input_format(options, network.vocabularies.tokens, is_paired=False)
    if options.prints_tsv:
        # `--format tsv` sets the format of the output, and that of the input only if the input is a .tsv file.
        is_tsv = plain_name(options.from_file or "").endswith(".tsv")
        form = replace(form, format=form.format if is_tsv else None, blank_lines=True)
    has_attention = all(each.model_config.has_attention for each in network.networks)
    needs_attention = options.show_attention or options.attention_plot is not None
    expected = "expected a network of embedding_attention to show attention, got embedding_rnn"
    require(has_attention or not needs_attention, expected, UsageError)
    expected = "expected a calibrated network for --min-confidence, got several, or one that was not trained on pairs"
    require(options.min_confidence is None or network.temperature is not None, expected, UsageError)
    if options.attention_plot:
        plots.check(options.attention_plot, options.force)
    predictor, bar = _Predictor(options, selected), ProgressBar("Predicting", may_show=False)
    rows: Rows
    if options.words:
        rows = sources = network_selection.typed_sources(options.words, selected)
        predictor.keeps_going |= len(sources) > 1
    elif file := options.from_file:
        size = os.path.getsize(file) if os.path.isfile(file) and not file.endswith(".gz") else None
        bar = ProgressBar("Predicting", size, may_show=not sys.stdout.isatty())

        def on_layout(layout: Layout) -> None:
            bar.notify(*network_selection.layout_notices(file, options, layout, layout.given.tokens))

        if options.json and not os.path.isfile(file):  # a client may wait for each answer
            form = replace(form, blank_lines=True)
        rows = read_file(file, form, lambda n_bytes: bar.advance(0, n_bytes), on_layout)
    else:
        symbols = f"integers from 0 to {model_config.in_max_int}" if form.tokens[0] == INTEGERS else form.tokens[0]
        ending = "Ctrl-Z and Enter end" if sys.platform == "win32" else "Ctrl-D ends"
        bar.notify(f"Type {predictor.in_len or 'some'} {symbols}; {ending}")
        rows = (row for record in read_terminal(form.tokens) for row in (record, None))  # None flushes after each line
    with bar:
        predictor.print_answers(rows, bar)


class _Predictor:
    """Decodes sources with the selected network, and prints the answers in the format of the options."""

    def __init__(self, options: PredictOptions, selected: network_selection.SelectedNetwork) -> None:
        self.options, self.network = options, selected.network
        out_len = options.max_out_len or options.out_len
        # The length that sources must have; None: any.
        self.in_len = options.in_len or (None if self.network.ends else self.network.in_len)
        # Cached, because each call runs the pattern.
        self.out_len = functools.cache(lambda in_len: self.network.answer_len(in_len, selected.pattern, out_len))
        self.check_memory = functools.cache(
            lambda S: DecodingOptions(options.beam).check_fits(self.network.model_config, 1, S, self.out_len(S))
        )
        self.targets = self.network.target_function(selected.pattern, out_len) if selected.pattern else None
        self.is_warned = False  # whether a notice named a source length that training did not have
        self.n_unanswered = 0
        # Whether unreadable sources are reported and skipped; otherwise, the first one raises an error.
        self.is_interactive = not (options.words or options.from_file)
        self.keeps_going = options.keep_going or options.json or options.prints_tsv or self.is_interactive

    def print_answers(self, rows: Rows, progress: ProgressBar) -> None:
        """Print the answers to each source; with --attention-plot, plot the attention of the best answers at the end.

        Raises:
            InputError: a source is unreadable. If `keeps_going`, the error follows the answers to all other sources. At
                the terminal, a notice replaces the error.
        """
        options, network = self.options, self.network
        n_skipped, is_exact = 0, options.prints_tsv and not sys.stdout.isatty()
        plotted: list[Prediction] = []
        for batch, answers in stream(network.to_numpy(), self._batches(rows), self._request()):
            if not self.is_warned:
                warning = network_selection.length_notices(network, *by_length(batch))
                progress.notify(*warning)
                self.is_warned = bool(warning)
            if options.attention_plot:
                best = (each[0].with_symbols(network.vocabularies) for each in answers if each)
                plotted += filter(self.is_answered, best)
                plots.check_panel_count(len(plotted))
            texts = [*filter(None, map(self._answer_text, answers, batch))]
            if not options.json:
                progress.notify(*(str(row.error) for row in batch if row.error))
            if texts:
                print_result("\n".join(texts), unchanged=options.show_attention or is_exact)
            progress.advance(len(answers), 0)
            n_skipped += sum(row.error is not None for row in batch)
        if options.attention_plot and plotted:
            plots.check(options.attention_plot, options.force)  # again: the file may have changed meanwhile
            plots.save(plots.attention_figure(plotted), options.attention_plot)
            print_notice(f"Wrote {options.attention_plot}")
        if self.n_unanswered:
            sources = pluralize(self.n_unanswered, "source")
            progress.notify(f"Left {sources} unanswered, because the confidence is below {options.min_confidence}")
        if n_skipped and not self.is_interactive:
            raise InputError(f"expected sequences that the network can read, skipped {n_skipped} that it cannot read")

    def _request(self) -> PredictionRequest:
        options = self.options
        has_attention = options.show_attention or options.attention_plot is not None
        needs_probabilities = options.json or options.prints_tsv or options.min_confidence is not None
        decoding = DecodingOptions(options.beam, needs_probabilities, has_attention)
        return PredictionRequest(self.out_len, decoding, self.targets, temperature=self.network.temperature)

    def _batches(self, rows: Rows) -> Iterator[list[Record] | None]:
        """Yield sources in batches; all have the same length unless the network ends its answers."""
        network, in_len = self.network, self.in_len
        encoder = Encoder(
            *network.vocabularies,
            network.model_config.in_max_int,
            equal_lengths=not network.ends,
            in_len=in_len,
            answer_len=None if network.ends else self.out_len,
            check_memory=self.check_memory if network.ends else lambda _: None,
        )
        records = encoder.encode_all(rows)
        return batches(
            records if self.keeps_going else valid_records(records),
            MIXED_BATCH_SIZE if network.ends else MAX_ROWS_AT_ONCE,
        )

    def is_answered(self, best: Prediction) -> bool:
        """Return whether the confidence in the best answer reaches --min-confidence."""
        return best.confidence is None or best.confidence >= (self.options.min_confidence or 0)

    def _answer_text(self, answers: list[Prediction], row: Record) -> str:
        """Format the answers to one source, or the error from reading it; as text, an error is only a notice."""
        if row.error:
            if self.options.json:
                return predictions.error_json(row)
            return predictions.error_tsv(row) if self.options.prints_tsv else ""
        answers = [answer.with_symbols(self.network.vocabularies) for answer in answers]
        is_answered = self.is_answered(answers[0])
        self.n_unanswered += not is_answered
        if self.options.json:
            return predictions.answers_json(answers, row, self.options.n_best, is_answered)
        if self.options.prints_tsv:
            return predictions.answers_tsv(answers, is_answered)
        if not is_answered:
            return predictions.unanswered_line(answers[0])
        lines = predictions.answer_lines(answers)
        if self.options.show_attention:
            heatmaps = [heatmap.attention_text(answer, heatmap.has_colour(sys.stdout)) for answer in answers]
            lines = [text for pair in zip(lines, heatmaps, strict=True) for text in pair]
        return "\n".join(lines)
