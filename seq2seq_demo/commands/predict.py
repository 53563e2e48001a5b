"""`predict`: decode the sequences given, or those that somebody types, and print what the network says to each."""

import functools
import sys
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from seq2seq_demo.commands.options import PredictOptions
from seq2seq_demo.commands.selection import Choice, network_to_use, other_length_notice
from seq2seq_demo.data import sequences
from seq2seq_demo.data.own_pairs import LENGTH_HINT
from seq2seq_demo.data.sequences import Batch, Located
from seq2seq_demo.display import heatmap, plots
from seq2seq_demo.display.console import notice, result, say
from seq2seq_demo.display.predictions import prediction_json, prediction_line
from seq2seq_demo.errors import InputError, UsageError
from seq2seq_demo.network.numpy_network import Decoded
from seq2seq_demo.network.parallel import CHUNK, in_threads
from seq2seq_demo.network.ram import check_decoding_fits
from seq2seq_demo.trained_network import Prediction, TrainedNetwork, predictions_of


def predict(options: PredictOptions) -> None:
    """Answer what was typed, or is in the file, or, where there is neither, what is typed at the terminal."""
    typed = sequences.from_words(options.words) if options.words else None
    typed_len = len(typed.values) if typed and isinstance(typed.values, list) else None
    choice = network_to_use(options, options.in_len or typed_len)
    model_config = choice.network.model_config
    if (options.show_attention or options.attention_plot) and not model_config.has_attention:
        raise UsageError(f"{model_config.model} has no attention to show: expected a network of embedding_attention")
    if options.attention_plot:
        plots.check(options.attention_plot)
    if typed:
        _answer(options, choice, [typed])
    elif options.from_file:
        _answer(options, choice, sequences.from_file(options.from_file))
    else:
        _converse(options, choice)


def _answer(options: PredictOptions, choice: Choice, rows: Iterable[Located | None]) -> None:
    """Print a line for each sequence, and draw them all if asked to."""
    skipped: list[InputError] = []
    drawn: list[Prediction] = []

    def skip(error: InputError) -> None:
        skipped.append(error)
        notice(str(error))

    batches = _batches(rows, CHUNK, options, choice, skip if options.keep_going else None)
    predict_batch, show, notices = _predictor(options, choice), _shower(options), _notices(options, choice)
    for batch, predictions in in_threads(lambda batch: (batch, predict_batch(batch)), batches):
        if options.attention_plot:
            drawn += predictions
            plots.check_number(len(drawn))
        say(notices)  # once there is an answer, so that an error stands alone
        result("\n".join(map(show, predictions, batch.rows)), coloured=options.show_attention)
    if options.attention_plot and drawn:
        plots.attention(options.attention_plot, drawn)
        notice(f"Drew {options.attention_plot}")
    if skipped:
        raise InputError(f"expected sequences that the network can read, skipped {len(skipped)} that are not")


def _converse(options: PredictOptions, choice: Choice) -> None:
    """Answer each line that is typed before the next is read; say what is wrong with it, and continue."""
    in_len, largest = options.in_len or choice.network.in_len, choice.network.model_config.in_max_int
    predict_batch, show = _predictor(options, choice), _shower(options)
    say([*_notices(options, choice), f"Type {in_len or 'some'} integers from 0 to {largest}; Ctrl-D ends"])
    rows = sequences.from_terminal()
    for batch in _batches(rows, 1, options, choice, lambda error: notice(str(error))):
        if batch:
            result("\n".join(map(show, predict_batch(batch), batch.rows)), coloured=options.show_attention)


def _batches(
    rows: Iterable[Located | None],
    size: int,
    options: PredictOptions,
    choice: Choice,
    skip: Callable[[InputError], None] | None,
) -> Iterator[Batch | None]:
    """Yield the sequences in batches of the length that is asked for, or was trained, or that the first one has."""
    in_len = options.in_len or choice.network.in_len
    largest, hint = choice.network.model_config.in_max_int, LENGTH_HINT if in_len else ""
    return sequences.batches(rows, size, in_len, largest, skip, hint, _target_len(options, choice))


def _target_len(options: PredictOptions, choice: Choice) -> Callable[[int], int]:
    """Return a function from the length of a source to how many symbols to decode."""
    return functools.cache(lambda S: choice.network.target_len(S, choice.pattern, options.out_len))  # tries the pattern


def _notices(options: PredictOptions, choice: Choice) -> list[str]:
    """Return what to say before the answers."""
    return [*choice.notices, *other_length_notice(choice.network, options.in_len)]


def _predictor(options: PredictOptions, choice: Choice) -> Callable[[Batch], list[Prediction]]:
    """Return a function from a batch to what is predicted, and expected: by its file, or else by the pattern."""
    network, pattern, model_config = choice.network, choice.pattern, choice.network.model_config
    decode = _decoder(options, network)
    attention = options.show_attention or options.attention_plot is not None
    target_len = _target_len(options, choice)

    def predictions(batch: Batch) -> list[Prediction]:
        B, S = batch.sources.shape
        T = target_len(S)
        check_decoding_fits(model_config, B, S, T)
        expected = [row.output for row in batch.rows]
        if pattern and None in expected:
            targets = pattern.targets(batch.sources, T, model_config.out_max_int).tolist()
            expected = [output or target for output, target in zip(expected, targets, strict=True)]
        decoded = decode(batch.sources, T)
        return predictions_of(
            batch.sources, decoded, expected, with_probabilities=options.json, with_attention=attention
        )

    return predictions


def _decoder(options: PredictOptions, network: TrainedNetwork) -> Callable[[np.ndarray, int], Decoded]:
    """Return a function from sources `[B, S]` and T to what greedy decoding says."""
    if options.engine == "numpy":
        return network.to_numpy().decode
    keras_network = network.to_keras()  # loads TensorFlow
    return lambda sources, out_len: Decoded(*map(np.asarray, keras_network.greedy(sources, out_len)))


def _shower(options: PredictOptions) -> Callable[[Prediction, Located], str]:
    """Return what turns a prediction into the text to print."""
    if options.json:
        return lambda prediction, row: prediction_json(prediction, _about(row))
    if not options.show_attention:
        return lambda prediction, _: prediction_line(prediction)
    colour = heatmap.has_colour(sys.stdout)
    return lambda prediction, _: f"{prediction_line(prediction)}\n{heatmap.draw(prediction, colour)}"


def _about(row: Located) -> dict[str, object]:
    """Return which input an answer belongs to: the line or the index in its file, and its id."""
    key = {"line": "line", "sequence": "index"}.get(row.place.kind)
    about: dict[str, object] = {key: row.place.number} if key else {}
    return about | {"id": row.id} if row.has_id else about
