"""`predict`: decode the sequences given, or those that are typed, and print the answer to each."""

import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from seq2seq_demo.commands.options import PredictOptions
from seq2seq_demo.commands.selection import Choice, network_to_use, other_length_notice, typed_sources
from seq2seq_demo.config import INTEGERS
from seq2seq_demo.data.readers import Form, from_file, from_terminal, from_words
from seq2seq_demo.data.records import Batch, Located
from seq2seq_demo.data.row_reader import LENGTH_HINT, RowReader, batches
from seq2seq_demo.display import heatmap, plots
from seq2seq_demo.display.console import notice, result, say
from seq2seq_demo.display.long_work import LongWork
from seq2seq_demo.display.predictions import answer_lines, answers_json
from seq2seq_demo.errors import InputError, UsageError
from seq2seq_demo.network.decoding import Decode, DecodingOptions
from seq2seq_demo.network.numpy_network import Decoded
from seq2seq_demo.network.parallel import CHUNK
from seq2seq_demo.predictions import Prediction, Question
from seq2seq_demo.trained_network import TrainedNetwork

MIXED = 16 * CHUNK  # sequences of any lengths that are read at once, so that many have the same


def predict(options: PredictOptions) -> None:
    """Answer what was typed, or is in the file, or, where there is neither, what is typed at the terminal."""
    as_integers = from_words(options.words).values
    typed_len = len(as_integers) if options.words and isinstance(as_integers, list) else None
    choice = network_to_use(options, options.in_len or typed_len)
    choice.network.require_end(options.out_len, options.max_out_len)
    form = Form(*choice.network.vocabularies.tokens, options.format)
    model_config = choice.network.model_config
    if (options.show_attention or options.attention_plot) and not model_config.has_attention:
        raise UsageError(f"{model_config.model} has no attention to show: expected a network of embedding_attention")
    if options.attention_plot:
        plots.check(options.attention_plot)
    if not choice.network.ends:
        choice.notices.extend(other_length_notice(choice.network, options.in_len))
    if options.words:
        _answer(options, choice, typed_sources(options.words, choice, form), LongWork("Predicting", may_show=False))
    elif options.from_file:
        with LongWork("Predicting", _size(options.from_file), may_show=not sys.stdout.isatty()) as work:
            rows = from_file(options.from_file, form, told=lambda read: work.advance(0, read))
            _answer(options, choice, rows, work)
    else:
        largest, in_len = model_config.in_max_int, _required_len(options, choice)
        what = f"integers from 0 to {largest}" if form.in_tokens == INTEGERS else form.in_tokens
        say([*choice.notices, f"Type {in_len or 'some'} {what}; Ctrl-D ends"])
        choice.notices.clear()
        rows = (row for typed in from_terminal(form) for row in (typed, None))  # None flushes: each is answered at once
        _answer(options, choice, rows, LongWork("Predicting", may_show=False), is_typed=True)


def _size(file: str) -> int | None:
    """Return the bytes of a file, if it tells how many it has."""
    return os.path.getsize(file) if os.path.isfile(file) else None


def _answer(
    options: PredictOptions, choice: Choice, rows: Iterable[Located | None], work: LongWork, is_typed: bool = False
) -> None:
    """Print the answer to each sequence, and draw them all if asked to; what `is_typed` wrong does not end it."""
    skipped: list[InputError] = []
    drawn: list[Prediction] = []  # the best answers

    def skip(error: InputError) -> None:
        skipped.append(error)
        work.hide()
        notice(str(error))

    may_skip = options.keep_going or is_typed
    read = _batches(rows, options, choice, skip if may_skip else None)
    show, notices, other_lengths = _shower(options, choice), choice.notices, _other_lengths(choice)
    for batch, found in choice.network.stream(read, _question(options, choice)):
        notices += other_lengths(batch)
        if options.attention_plot:
            drawn += [choice.network.named(best) for best, *_ in found]
            plots.check_number(len(drawn))
        if notices:
            work.hide()
        say(notices)  # once there is an answer, so that an error stands alone
        result("\n".join(map(show, found, batch.rows)), coloured=options.show_attention)
        work.advance(len(found), 0)
    if options.attention_plot and drawn:
        plots.attention(options.attention_plot, drawn)
        notice(f"Drew {options.attention_plot}")
    if skipped and not is_typed:
        raise InputError(f"expected sequences that the network can read, skipped {len(skipped)} that are not")


def _question(options: PredictOptions, choice: Choice) -> Question:
    """Return how to answer."""
    network, pattern = choice.network, choice.pattern
    asked = options.max_out_len or options.out_len
    out_len = functools.cache(lambda in_len: network.answer_len(in_len, pattern, asked))  # tries the pattern
    has_attention = options.show_attention or options.attention_plot is not None
    decoding = DecodingOptions(options.beam, probabilities=options.json, attention=has_attention)
    targets = network.targets_by(pattern, asked) if pattern else None
    return Question(out_len, decoding, targets, _decoder(options, network))


def _other_lengths(choice: Choice) -> Callable[[Batch], list[str]]:
    """Return a function that reports, once, lengths in a batch that were not trained, or have no target."""
    network, known = choice.network, set[int]()
    targets = network.targets_by(choice.pattern) if choice.pattern else None
    said: list[str] = []

    def notices(batch: Batch) -> list[str]:
        if not network.ends:
            return []
        lengths = batch.by_length().keys()
        new = [] if said else other_length_notice(network, *lengths)
        said.extend(new)
        for in_len in sorted(lengths - known):
            known.add(in_len)
            try:
                if targets:
                    targets(np.zeros((1, in_len), np.int64))
            except UsageError as error:
                new.append(f"Nothing is expected of some answers: {error}")
        return new

    return notices


def _required_len(options: PredictOptions, choice: Choice) -> int | None:
    """Return the length that sources must have: what is asked, or of a network that does not end, what was trained."""
    return options.in_len or (None if choice.network.ends else choice.network.in_len)


def _batches(
    rows: Iterable[Located | None],
    options: PredictOptions,
    choice: Choice,
    skip: Callable[[InputError], None] | None,
) -> Iterator[Batch | None]:
    """Yield the sequences in batches, of one length unless the network ends its answers."""
    network, in_len = choice.network, _required_len(options, choice)
    reader = RowReader(*network.vocabularies, network.model_config.in_max_int, in_len=in_len, skip=skip)
    if not network.ends:
        reader.alike, reader.hint = True, LENGTH_HINT if in_len else ""
        reader.predicted_len = _question(options, choice).out_len
    return batches(reader.readable(rows), MIXED if network.ends else CHUNK)


def _decoder(options: PredictOptions, network: TrainedNetwork) -> Decode | None:
    """Return the greedy decoder of another engine than NumPy."""
    if options.engine == "numpy":
        return None
    keras_network = network.to_keras()  # loads TensorFlow
    return lambda sources, out_len: Decoded(*map(np.asarray, keras_network.greedy(sources, out_len)))


def _shower(options: PredictOptions, choice: Choice) -> Callable[[list[Prediction], Located], str]:
    """Return what turns the answers to a source into the text to print."""
    colour, are_text = heatmap.has_colour(sys.stdout), choice.network.vocabularies.are_text

    def show(answers: list[Prediction], row: Located) -> str:
        if are_text:
            answers = [choice.network.named(answer) for answer in answers]
        if options.json:
            return answers_json(answers, _about(row), options.n_best)
        if not options.show_attention:
            return "\n".join(answer_lines(answers))
        drawn = [heatmap.draw(answer, colour) for answer in answers]
        return "\n".join(line for pair in zip(answer_lines(answers), drawn, strict=True) for line in pair)

    return show


def _about(row: Located) -> dict[str, object]:
    """Return which input an answer belongs to: the line or the index in its file, and its id."""
    key = {"line": "line", "sequence": "index"}.get(row.place.kind)
    about: dict[str, object] = {key: row.place.number} if key else {}
    return about | {"id": row.id} if row.has_id else about
