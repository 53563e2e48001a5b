"""`predict`: decode the sequences given, or those that are typed, and print the answer to each."""

import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from seq2seq_demo.commands.network_selection import Choice, network_to_use, other_length_notice, typed_sources
from seq2seq_demo.commands.options import PredictOptions
from seq2seq_demo.config import INTEGERS
from seq2seq_demo.data.readers import InputFormat, read_file, read_terminal, read_words
from seq2seq_demo.data.records import Record, RecordBatch
from seq2seq_demo.data.row_reader import LENGTH_HINT, RowReader, batches
from seq2seq_demo.display import heatmap, plots
from seq2seq_demo.display.console import print_notice, print_notices, print_result
from seq2seq_demo.display.predictions import answer_lines, answers_json
from seq2seq_demo.display.progress_bar import ProgressBar
from seq2seq_demo.errors import InputError, UsageError
from seq2seq_demo.network.decoding import DecodingOptions
from seq2seq_demo.network.numpy_network import Decoded
from seq2seq_demo.network.thread_pool import MAX_ROWS_AT_ONCE
from seq2seq_demo.predictions import Prediction, PredictionRequest, stream

Rows = Iterable[Record | None]
MIXED = 16 * MAX_ROWS_AT_ONCE  # sequences of any lengths that are read at once, so that many have the same


def predict(options: PredictOptions) -> None:
    """Answer what was typed, or is in the file, or, where there is neither, what is typed at the terminal."""
    as_integers = read_words(options.words).values
    typed_len = len(as_integers) if options.words and isinstance(as_integers, list) else None
    choice = network_to_use(options, options.in_len or typed_len)
    choice.network.check_answer_lengths(options.out_len, options.max_out_len)
    form = InputFormat(*choice.network.vocabularies.tokens, options.format)
    model_config = choice.network.model_config
    if (options.show_attention or options.attention_plot) and not model_config.has_attention:
        raise UsageError(f"{model_config.model} has no attention to show: expected a network of embedding_attention")
    if options.attention_plot:
        plots.check(options.attention_plot)
    if not choice.network.ends:
        choice.notices.extend(other_length_notice(choice.network, options.in_len))
    answering, hidden = _Answering(options, choice), ProgressBar("Predicting", may_show=False)
    if options.words:
        answering.answer(typed_sources(options.words, choice, form), hidden)
    elif file := options.from_file:
        size = os.path.getsize(file) if os.path.isfile(file) else None
        with ProgressBar("Predicting", size, may_show=not sys.stdout.isatty()) as work:
            answering.answer(read_file(file, form, on_progress=lambda read: work.advance(0, read)), work)
    else:
        what = f"integers from 0 to {model_config.in_max_int}" if form.in_tokens == INTEGERS else form.in_tokens
        print_notices([*choice.notices, f"Type {answering.in_len or 'some'} {what}; Ctrl-D ends"])
        choice.notices.clear()
        rows = (row for typed in read_terminal(form) for row in (typed, None))  # None flushes: each is answered at once
        answering.answer(rows, hidden, is_typed=True)


class _Answering:
    """How the options want a network to answer, and to show its answers."""

    def __init__(self, options: PredictOptions, choice: Choice) -> None:
        self.options, self.network, self.notices = options, choice.network, choice.notices
        asked = options.max_out_len or options.out_len
        # The length that sources must have: what is asked, or of a network that does not end, what was trained.
        self.in_len = options.in_len or (None if self.network.ends else self.network.in_len)
        # Tries the pattern.
        self.out_len = functools.cache(lambda S: self.network.answer_len(S, choice.pattern, asked))
        self.targets = self.network.target_function(choice.pattern, asked) if choice.pattern else None
        self.known_lengths: set[int] = set()
        self.is_warned = False
        self.has_colour = heatmap.has_colour(sys.stdout)

    def answer(self, rows: Rows, work: ProgressBar, is_typed: bool = False) -> None:
        """Print the answer to each sequence, and draw them all if asked to; what `is_typed` wrong does not end it."""
        options, network = self.options, self.network
        skipped: list[InputError] = []
        drawn: list[Prediction] = []  # the best answers

        def skip(error: InputError) -> None:
            skipped.append(error)
            work.hide()
            print_notice(str(error))

        checked = self._batches(rows, skip if options.keep_going or is_typed else None)
        for batch, found in stream(network.to_numpy(), checked, self._question()):
            self._note_lengths(batch)
            if options.attention_plot:
                drawn += [network.with_symbols(best) for best, *_ in found]
                plots.check_panel_count(len(drawn))
            if self.notices:
                work.hide()
            print_notices(self.notices)  # once there is an answer, so that an error stands alone
            print_result("\n".join(map(self._shown, found, batch.rows)), coloured=options.show_attention)
            work.advance(len(found), 0)
        if options.attention_plot and drawn:
            plots.attention(options.attention_plot, drawn)
            print_notice(f"Drew {options.attention_plot}")
        if skipped and not is_typed:
            raise InputError(f"expected sequences that the network can read, skipped {len(skipped)} that are not")

    def _question(self) -> PredictionRequest:
        """Return how to answer."""
        options = self.options
        has_attention = options.show_attention or options.attention_plot is not None
        decoding = DecodingOptions(options.beam, probabilities=options.json, attention=has_attention)
        question = PredictionRequest(self.out_len, decoding, self.targets)
        if options.engine == "numpy":
            return question
        keras_network = self.network.to_keras()  # loads TensorFlow
        return question._replace(decode=lambda *asked: Decoded(*map(np.asarray, keras_network.greedy(*asked))))

    def _batches(self, rows: Rows, skip: Callable[[InputError], object] | None) -> Iterator[RecordBatch | None]:
        """Yield the sequences in batches, of one length unless the network ends its answers."""
        network, in_len = self.network, self.in_len
        reader = RowReader(*network.vocabularies, network.model_config.in_max_int, in_len=in_len, on_error=skip)
        if not network.ends:
            reader.equal_lengths, reader.length_hint = True, LENGTH_HINT if in_len else ""
            reader.predicted_len = self.out_len
        return batches(reader.read_all(rows), MIXED if network.ends else MAX_ROWS_AT_ONCE)

    def _note_lengths(self, batch: RecordBatch) -> None:
        """Note, once, lengths in a batch that were not trained, or have no target; all have one without END."""
        new = batch.by_length().keys() - self.known_lengths if self.network.ends else set()
        self.known_lengths |= new
        if not self.is_warned:
            warning = other_length_notice(self.network, *new)
            self.notices += warning
            self.is_warned = bool(warning)
        for in_len in sorted(new):
            try:
                if self.targets:
                    self.targets(np.zeros((1, in_len), np.int64))
            except UsageError as error:
                self.notices.append(f"Nothing is expected of some answers: {error}")

    def _shown(self, answers: list[Prediction], row: Record) -> str:
        """Return the answers to a source as the text to print."""
        answers = [self.network.with_symbols(answer) for answer in answers]
        if self.options.json:
            return answers_json(answers, _about(row), self.options.n_best)
        lines = answer_lines(answers)
        if self.options.show_attention:
            drawn = [heatmap.attention_text(answer, self.has_colour) for answer in answers]
            lines = [line for pair in zip(lines, drawn, strict=True) for line in pair]
        return "\n".join(lines)


def _about(row: Record) -> dict[str, object]:
    """Return which input an answer belongs to: the line or the index in its file, and its id."""
    key = {"line": "line", "sequence": "index"}.get(row.place.kind)
    about: dict[str, object] = {key: row.place.number} if key else {}
    return about | {"id": row.id} if row.has_id else about
