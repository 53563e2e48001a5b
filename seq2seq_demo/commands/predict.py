"""`predict`: decode the sequences given, or those that somebody types, and print what the network says to each."""

import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from seq2seq_demo.commands.options import PredictOptions
from seq2seq_demo.commands.selection import Choice, network_to_use, other_length_notice, typed_sources
from seq2seq_demo.config import INTEGERS
from seq2seq_demo.data import records
from seq2seq_demo.data.own_pairs import LENGTH_HINT
from seq2seq_demo.data.readers import Form, from_file, from_terminal, from_words
from seq2seq_demo.data.sequence_pattern import SequencePattern
from seq2seq_demo.data.records import Batch, Located
from seq2seq_demo.data.vocabulary import encoded
from seq2seq_demo.display import heatmap, plots
from seq2seq_demo.display.console import notice, result, say
from seq2seq_demo.display.long_work import LongWork
from seq2seq_demo.display.predictions import answer_lines, answers_json
from seq2seq_demo.errors import InputError, UsageError
from seq2seq_demo.network.numpy_network import Decoded
from seq2seq_demo.network.parallel import CHUNK, in_threads
from seq2seq_demo.predictions import Decode, Prediction, Wanted, answers_to
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
    if options.words:
        _answer(options, choice, typed_sources(options.words, choice, form), LongWork("Predicting", may_show=False))
    elif options.from_file:
        with LongWork("Predicting", _size(options.from_file), may_show=not sys.stdout.isatty()) as work:
            rows = from_file(options.from_file, form, told=lambda read: work.advance(0, read))
            _answer(options, choice, rows, work)
    else:
        _converse(options, choice, form)


def _size(file: str) -> int | None:
    """Return the bytes of a file, if it tells how many it has."""
    return os.path.getsize(file) if os.path.isfile(file) else None


def _answer(options: PredictOptions, choice: Choice, rows: Iterable[Located | None], work: LongWork) -> None:
    """Print a line for each sequence, and draw them all if asked to."""
    skipped: list[InputError] = []
    drawn: list[Prediction] = []  # the best answers

    def skip(error: InputError) -> None:
        skipped.append(error)
        work.hide()
        notice(str(error))

    ends = choice.network.ends
    batches = _batches(rows, MIXED if ends else CHUNK, options, choice, skip if options.keep_going else None)
    show, notices, other_lengths = _shower(options, choice), _notices(options, choice), _other_lengths(choice)
    answers = _answers_of_any_length if ends else _answers
    for batch, found in answers(options, choice, batches):
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
    if skipped:
        raise InputError(f"expected sequences that the network can read, skipped {len(skipped)} that are not")


Answers = list[Prediction]  # to one source, the best first
Answered = Iterator[tuple[Batch, list[Answers]]]


def _answers(options: PredictOptions, choice: Choice, batches: Iterable[Batch | None]) -> Answered:
    """Yield the predictions of batches, of which each holds sources of one length."""
    predict_batch = _predictor(options, choice)
    return in_threads(lambda batch: (batch, predict_batch(batch)), batches)


def _answers_of_any_length(options: PredictOptions, choice: Choice, batches: Iterable[Batch | None]) -> Answered:
    """Yield the predictions of batches, in each of which sources of one length are decoded together."""
    answers: dict[int, Answers] = {}
    for batch, numbers, found in in_threads(_ending_predictor(options, choice), _parts(options, choice, batches)):
        answers |= zip(numbers, found, strict=True)
        if len(answers) == len(batch.rows):
            yield batch, [answers[number] for number in range(len(batch.rows))]
            answers = {}


Part = tuple[Batch, list[int], int]  # numbers of rows in a batch, and the length of their sources


def _parts(options: PredictOptions, choice: Choice, batches: Iterable[Batch | None]) -> Iterator[Part | None]:
    """Yield the parts of each batch that are decoded at once."""
    wanted = _wanted(options)
    for batch in batches:
        if batch is None:
            yield None
            continue
        for in_len, numbers in batch.by_length().items():
            rows = wanted.rows_at_once(in_len, choice.network.max_out_len(in_len) + 1)
            for first in range(0, len(numbers), rows):
                yield batch, numbers[first : first + rows], in_len


def _ending_predictor(
    options: PredictOptions, choice: Choice
) -> Callable[[Part], tuple[Batch, list[int], list[Answers]]]:
    """Return a function from some rows of a batch, which have one length, to what is predicted and expected."""
    network, pattern, model_config = choice.network, choice.pattern, choice.network.model_config
    decode, numpy_network, wanted = _decoder(options, network), network.to_numpy(), _wanted(options)

    def answers(part: Part) -> tuple[Batch, list[int], list[Answers]]:
        batch, numbers, in_len = part
        rows = [batch.rows[number] for number in numbers]
        sources = np.array([row.values for row in rows])
        T = options.max_out_len or network.max_out_len(in_len)
        wanted.check_fits(model_config, len(rows), in_len, T)
        expected = _expected(rows)
        if pattern and None in expected:
            targets = _targets(pattern, sources, model_config.out_max_int)
            expected = [target if output is None else output for output, target in zip(expected, targets, strict=True)]
        return batch, numbers, answers_to(numpy_network, sources, T, True, wanted, expected, decode)

    return answers


def _wanted(options: PredictOptions) -> Wanted:
    """Return how to search for answers, and what to tell of them."""
    return Wanted(options.beam, options.json, options.show_attention or options.attention_plot is not None)


def _expected(rows: Iterable[Located]) -> list[list[int] | None]:
    """Return the outputs that stand beside the sources, in numbers."""
    return [row.output for row in rows]


def _targets(pattern: SequencePattern, sources: np.ndarray, out_max_int: int) -> list[list[int]] | list[None]:
    """Return what a pattern makes of sources `[B, S]`; None of each if it does not take that length."""
    try:
        return pattern.ragged_targets(sources, out_max_int).rows()
    except UsageError:
        return [None] * len(sources)


def _other_lengths(choice: Choice) -> Callable[[Batch], list[str]]:
    """Return a function that says, once, of a batch that it has lengths which were not trained, or have no target."""
    network, pattern, c = choice.network, choice.pattern, choice.network.model_config
    said: list[str] = []
    known: set[int] = set()

    def notices(batch: Batch) -> list[str]:
        if not network.ends:
            return []
        new = [] if said else other_length_notice(network, *batch.by_length())
        said.extend(new)
        if pattern is None:
            return new
        for in_len in sorted(batch.by_length().keys() - known):
            known.add(in_len)
            try:
                pattern.check(in_len, None, c.in_max_int, c.out_max_int, ragged=True)
            except UsageError as error:
                new.append(f"Nothing is expected of some answers: {error}")
        return new

    return notices


def _converse(options: PredictOptions, choice: Choice, form: Form) -> None:
    """Answer each line that is typed before the next is read; say what is wrong with it, and continue."""
    ends, largest = choice.network.ends, choice.network.model_config.in_max_int
    in_len = options.in_len or (None if ends else choice.network.in_len)
    answers, show = _answers_of_any_length if ends else _answers, _shower(options, choice)
    other_lengths = _other_lengths(choice)
    what = f"integers from 0 to {largest}" if form.in_tokens == INTEGERS else form.in_tokens
    say([*_notices(options, choice), f"Type {in_len or 'some'} {what}; Ctrl-D ends"])
    rows = from_terminal(form)
    batches = _batches(rows, 1, options, choice, lambda error: notice(str(error)))
    for batch in filter(None, batches):
        for _, found in answers(options, choice, [batch]):
            say(other_lengths(batch))
            result("\n".join(map(show, found, batch.rows)), coloured=options.show_attention)


def _batches(
    rows: Iterable[Located | None],
    size: int,
    options: PredictOptions,
    choice: Choice,
    skip: Callable[[InputError], None] | None,
) -> Iterator[Batch | None]:
    """Yield the sequences in batches of the length that is asked for, or was trained, or that the first one has."""
    ends, (source, target) = choice.network.ends, choice.network.vocabularies
    in_len = options.in_len or (None if ends else choice.network.in_len)
    if choice.network.vocabularies.are_text:
        rows = (row and encoded(row, source, target) for row in rows)
    largest, hint = choice.network.model_config.in_max_int, LENGTH_HINT if in_len and not ends else ""
    target_len = None if ends else _target_len(options, choice)
    return records.batches(rows, size, in_len, largest, skip, hint, target_len, mixed=ends)


def _target_len(options: PredictOptions, choice: Choice) -> Callable[[int], int]:
    """Return a function from the length of a source to how many symbols to decode."""
    return functools.cache(lambda S: choice.network.target_len(S, choice.pattern, options.out_len))  # tries the pattern


def _notices(options: PredictOptions, choice: Choice) -> list[str]:
    """Return what to say before the answers."""
    others = [] if choice.network.ends else other_length_notice(choice.network, options.in_len)
    return [*choice.notices, *others]


def _predictor(options: PredictOptions, choice: Choice) -> Callable[[Batch], list[Answers]]:
    """Return a function from a batch to what is predicted, and expected: by its file, or else by the pattern."""
    network, pattern, model_config = choice.network, choice.pattern, choice.network.model_config
    decode, numpy_network, wanted = _decoder(options, network), network.to_numpy(), _wanted(options)
    target_len = _target_len(options, choice)

    def answers(batch: Batch) -> list[Answers]:
        sources = batch.sources
        B, S = sources.shape
        T = target_len(S)
        wanted.check_fits(model_config, B, S, T)
        expected = _expected(batch.rows)
        if pattern and None in expected:
            targets = pattern.targets(sources, T, model_config.out_max_int).tolist()
            expected = [output or target for output, target in zip(expected, targets, strict=True)]
        return answers_to(numpy_network, sources, T, False, wanted, expected, decode)

    return answers


def _decoder(options: PredictOptions, network: TrainedNetwork) -> Decode | None:
    """Return the greedy decoder of another engine than NumPy."""
    if options.engine == "numpy":
        return None
    keras_network = network.to_keras()  # loads TensorFlow
    return lambda sources, out_len: Decoded(*map(np.asarray, keras_network.greedy(sources, out_len)))


def _shower(options: PredictOptions, choice: Choice) -> Callable[[Answers, Located], str]:
    """Return what turns the answers to a source into the text to print."""
    colour, are_text = heatmap.has_colour(sys.stdout), choice.network.vocabularies.are_text

    def show(answers: Answers, row: Located) -> str:
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
