"""One function a command, the pipeline on a page: start reading here."""

import functools
import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import gettempdir

import numpy as np

from seq2seq_demo import evaluation, heatmap, inputs, plots, report, selection, series, tensorboard, weights, workers
from seq2seq_demo.config import ModelConfig, TrainConfig, given
from seq2seq_demo.dataset import Pairs, fresh_sources
from seq2seq_demo.errors import InputError, UsageError, WeightsError
from seq2seq_demo.history import History
from seq2seq_demo.memory import check_decoding_fits, check_points_fit
from seq2seq_demo.numpy_decoder import CHUNK, Decoded, NumpyNetwork, in_threads, softmax
from seq2seq_demo.parameters import TrainedNetwork
from seq2seq_demo.patterns import PATTERNS, SequencePattern, find_pattern
from seq2seq_demo.report import Prediction
from seq2seq_demo.snapshots import Interruption, Snapshots

EVALUATED = 10_000  # sources, unless N says otherwise


def train(options: Namespace) -> None:
    """Train on random sources or own pairs, from initial weights, a file's or a snapshot's; the chief worker saves."""
    start = selection.start_of_training(options)
    if not workers.is_chief():
        _train_with_the_chief(start)
        return
    output = _output_path(options, start.origin.name)
    weights.check_writable(output or options.data_dir / "any")
    if start.config.epochs == 0:  # converts a file of 2016, or shows what training starts from
        print(f"Saved {_save(start.network, output, options, start.origin.name)}")
        return
    reached = _train_and_save(start, options, output).reached["exact_match"]
    if reached < min(0.99, start.config.stop_at_exact or 1):
        more_points = isinstance(start.origin, SequencePattern) and start.config.points < 100_000
        report.notice(report.advice(start.network.model, start.config, reached, more_points))


def _train_and_save(start: selection.Start, options: Namespace, output: Path | None) -> TrainedNetwork:
    """Train while the screen, the history, TensorBoard and the snapshots follow; return the network."""
    network, config, origin, snapshot = start
    history = History(options.history, options.history_plot)
    log_dir = options.log_dir or tensorboard.default_log_dir(options.name, origin.name)
    if options.log_dir:
        tensorboard.check(log_dir)
    logs = tensorboard.TensorBoard(log_dir, options.tensorboard_verbose or 0)
    report.training_header(network.model, config, origin.name, options.verbose)
    report.line(f"Log directory: {log_dir}")
    from seq2seq_demo import training  # loads TensorFlow

    with Interruption() as interruption, report.TrainingReport(config) as screen, logs:
        snapshots = Snapshots(options.data_dir, options.name, origin, output, interruption, snapshot)
        network = training.train(origin, config, start=network, watchers=[screen, history, logs], snapshots=snapshots)
        report.line(f"Saved {_save_or_keep(network, output, options, origin.name, snapshots)}")
    return network


def _train_with_the_chief(start: selection.Start) -> None:
    """Do a worker's share; the chief prints and saves."""
    if start.config.epochs > 0:
        from seq2seq_demo import training  # loads TensorFlow

        training.train(start.origin, start.config, start=start.network)


def predict(options: Namespace) -> None:
    """Decode the sequences given, or those that somebody types, and print what the network says to each."""
    network, pattern, notices = selection.network_to_use(options)
    if (options.show_attention or options.attention_plot) and not network.model.has_attention:
        raise UsageError(f"{network.model.model} has no attention to show: expected a network of embedding_attention")
    if options.attention_plot:
        plots.check(options.attention_plot)
    decode = _predictor(network, pattern, options)
    if options.values or options.from_file:
        _answer(options, network, decode, notices)
    else:
        _converse(options, network, decode, notices)


def _answer(options: Namespace, network: TrainedNetwork, decode: Callable, notices: list[str]) -> None:
    """Print a line for each sequence, and draw them all if asked to."""
    skipped, drawn, show = [], [], _shown(options)
    skip = (lambda error: skipped.append(report.notice(str(error)))) if options.keep_going else None
    sequences = inputs.from_words(options.values) if options.values else inputs.from_file(options.from_file)
    batches = inputs.batches(sequences, CHUNK, options.in_len or network.in_len, network.model.in_max_int, skip)
    for predictions in in_threads(decode, batches):
        if options.attention_plot:
            drawn += predictions
            plots.check_number(len(drawn))
        report.say(notices)  # once there is an answer, so that an error stands alone
        print(*map(show, predictions), sep="\n", flush=True)
    if drawn:
        plots.attention(options.attention_plot, drawn)
        report.notice(f"Drew {options.attention_plot}")
    if skipped:
        raise InputError(f"expected sequences that the network can read, skipped {len(skipped)} that are not")


def _converse(options: Namespace, network: TrainedNetwork, decode: Callable, notices: list[str]) -> None:
    """Answer each line that is typed before the next is read; say what is wrong with it, and go on."""
    in_len, show = options.in_len or network.in_len, _shown(options)
    largest = network.model.in_max_int
    report.say([*notices, f"Type {in_len or 'some'} integers from 0 to {largest}; Ctrl-D ends"])
    for batch in inputs.batches(inputs.from_terminal(), 1, in_len, largest, lambda error: report.notice(str(error))):
        print(show(*decode(batch)), flush=True)


def _shown(options: Namespace) -> Callable[[Prediction], str]:
    """Return what turns a prediction into the text to print."""
    if options.json:
        return report.prediction_json
    if not options.show_attention:
        return report.prediction_line
    colour = heatmap.has_colour(sys.stdout)
    return lambda p: f"{report.prediction_line(p)}\n{heatmap.draw(*p[:3], p.attention, colour)}"


def _predictor(
    network: TrainedNetwork, pattern: SequencePattern | None, options: Namespace
) -> Callable[[inputs.Batch], list[Prediction]]:
    """Return a function from a batch to what is predicted, and expected: by its file, or else by the pattern."""
    decode = _decoder(network, options.engine)
    model, attention = network.model, options.show_attention or options.attention_plot
    target_len = functools.cache(lambda S: _target_len(options, network, pattern, S))  # it tries the pattern

    def predictions(batch: inputs.Batch) -> list[Prediction]:
        B, S = batch.sources.shape
        T = target_len(S)
        check_decoding_fits(model, B, S, T)
        expected = [_output(row, T) for row in batch.rows]
        if pattern and None in expected:
            targets = pattern.targets(batch.sources, T, model.out_max_int).tolist()
            expected = [output or target for output, target in zip(expected, targets, strict=True)]
        decoded = decode(batch.sources, T)
        probabilities = softmax(decoded.logits).max(axis=-1).tolist() if options.json else [None] * B
        alphas = decoded.attention if attention else [None] * B
        columns = batch.sources.tolist(), decoded.symbols.tolist(), expected, probabilities, alphas
        return [Prediction(*row) for row in zip(*columns, strict=True)]

    return predictions


def _target_len(options: Namespace, network: TrainedNetwork, pattern: SequencePattern | None, in_len: int) -> int:
    """Return T: what the options say, or what was trained, or, for sources of another length, the pattern's targets.

    Raises:
        UsageError: the pattern does not take such sources, or gives less than the options ask for.
    """
    trained = network.out_len if network.in_len in (None, in_len) else None
    if pattern is None:
        return options.out_len or network.out_len or in_len
    whole = pattern.check(in_len, options.out_len or trained, network.model.in_max_int, network.model.out_max_int)
    return options.out_len or trained or whole


def _output(row: inputs.Located, out_len: int) -> list[int] | None:
    """Return what the file expects of a sequence; it has to be as long as what is predicted."""
    if row.output is not None and len(row.output) != out_len:
        n = len(row.output)
        raise InputError(f"{row.where}: expected an output of {out_len} integers, got {n}; give --out-len {n}")
    return row.output


def _decoder(network: TrainedNetwork, engine: str | None) -> Callable[[np.ndarray, int], Decoded]:
    """Return a function from sources `[B, S]` and T to what greedy decoding says."""
    if engine != "keras":
        return NumpyNetwork(network.model, network.weights).decode
    from seq2seq_demo.network.model import Seq2Seq  # loads TensorFlow

    keras_network = Seq2Seq(network.model, network.weights)
    return lambda sources, out_len: Decoded(*map(np.asarray, keras_network.greedy(sources, out_len)))


def evaluate(options: Namespace) -> None:
    """Measure a network on fresh sources, of one length or of several, or on own pairs; print tables or JSON."""
    network, pattern, notices = selection.network_to_use(options)
    numpy_network = NumpyNetwork(network.model, network.weights)
    facts = []
    for title, pairs in _pairs_to_measure(options, network, pattern, notices):
        report.say(notices)
        measured = evaluation.measure(numpy_network, pairs)
        facts.append(report.evaluation_dict(measured, pairs.sources.shape[1]))
        if options.json:
            about = {"model": network.model.model, "pattern": pattern and pattern.name}
            print(json.dumps(about | facts[-1]), flush=True)
        elif not options.lengths:
            print(f"{title}\n\n{report.evaluation_text(facts[-1])}")
    if options.lengths and not options.json:
        print(f"{title}\n\n{report.lengths_text(facts)}")


def _pairs_to_measure(
    options: Namespace, network: TrainedNetwork, pattern: SequencePattern | None, notices: list[str]
) -> Iterator[tuple[str, Pairs]]:
    """Yield the pairs to evaluate on, under a title."""
    model = network.model
    if options.from_file:
        pairs = selection.given_pairs(options, pattern if options.pattern else None, model)
        yield f"{len(pairs.sources)} pairs of {options.from_file}", pairs
        return
    if pattern is None:
        raise UsageError(f"the network was trained on {network.pattern!r}: expected --from-file with pairs, or -p")
    in_len, seen = options.in_len or network.in_len or TrainConfig.in_len, selection.trained_on(network)
    for S in options.lengths or [in_len]:
        T, n = _target_len(options, network, pattern, S), options.points or EVALUATED
        check_points_fit(n, S, T)
        sources = fresh_sources(options.seed or 0, n, S, model.in_max_int, seen)
        if not len(sources):
            raise InputError(f"expected sources of length {S} that were not trained on, but every one was")
        if len(sources) < n:
            notices.append(f"Only {len(sources)} of {n} sources of length {S} were found that were not trained on")
        title = f"{len(sources)} fresh sources, pattern {pattern.name!r}"
        yield title, Pairs(sources, pattern.targets(sources, T, model.out_max_int))


def patterns(options: Namespace) -> None:
    """List the patterns with an example each; or check and show the one of -p."""
    model = ModelConfig(**given(options, ModelConfig))
    digits = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3]) % (model.in_max_int + 1)
    source = np.resize(digits, options.in_len or 6)
    rows = []
    for pattern in [find_pattern(options.pattern)] if options.pattern else PATTERNS.values():
        try:
            example = _example(pattern, source, options.out_len, model)
        except UsageError:
            if options.pattern:
                raise
            example = "none"
        what = (pattern.function.__doc__ or "").strip().partition("\n")[0]
        rows.append([pattern.name, pattern.lengths, pattern.target_len, example, what])
    header = ["pattern", "length S", "target", f"{' '.join(map(str, source))} becomes", ""]
    print(report.table(header, rows, str.ljust))


def _example(pattern: SequencePattern, source: np.ndarray, out_len: int | None, model: ModelConfig) -> str:
    """Return what the pattern makes of a source `[S]`."""
    pattern.check(len(source), out_len, model.in_max_int, model.out_max_int)
    (target,) = pattern.targets(source[None], out_len, model.out_max_int)
    return " ".join(map(str, target))


def _output_path(options: Namespace, pattern: str) -> Path | None:
    """Return where -o or --iter-num wants a training saved; None is the next unused canonical name.

    Raises:
        WeightsError: the iteration that --iter-num is to make is there already.
    """
    if options.output_weights is not None or options.iter_num is None:
        return options.output_weights
    path = series.canonical_path(options.data_dir, options.name, pattern, options.iter_num + 1)
    if path.exists():
        raise WeightsError(f"{path} exists: go on from it with --iter-num {options.iter_num + 1}, or give -o FILE")
    return path


def _save_or_keep(
    network: TrainedNetwork, output: Path | None, options: Namespace, pattern: str, snapshots: Snapshots
) -> Path:
    """Save a training, which makes its snapshot needless; where that fails, say where else it is kept."""
    try:
        path = _save(network, output, options, pattern)
    except WeightsError as error:
        kept = snapshots.path or series.save_under_unused_name(network, Path(gettempdir()), options.name, pattern)
        raise WeightsError(f"{error}; the trained network is kept in {kept}") from error
    snapshots.remove()
    return path


def _save(network: TrainedNetwork, output: Path | None, options: Namespace, pattern: str) -> Path:
    """Save a training; return where."""
    if output is None:
        return series.save_under_unused_name(network, options.data_dir, options.name, pattern)
    weights.save(network, output)
    return output
