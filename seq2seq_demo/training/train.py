"""`train`: train a network in one call."""

from collections.abc import Callable, Sequence

from seq2seq_demo.config import INTEGERS, SETTINGS, AnyCell, AnyModel, Schedule, TokenKind, check_given
from seq2seq_demo.console import notice, print_line
from seq2seq_demo.data.layout import InputFormat
from seq2seq_demo.data.pair_task import Data, Rows, Task, pair_task
from seq2seq_demo.data.patterns import as_pattern
from seq2seq_demo.data.reading import parse_columns
from seq2seq_demo.declarations import require_flag
from seq2seq_demo.errors import UsageError
from seq2seq_demo.trained.trained_network import TrainedNetwork
from seq2seq_demo.training.callbacks import Callback, TrainingState, check_callbacks
from seq2seq_demo.training.report import TrainingReport, outcome_notices, summary, training_header
from seq2seq_demo.training.settings import new_run, run_notices


def train(
    data: Data,
    points: int | None = None,
    *,
    in_tokens: TokenKind | None = None,
    out_tokens: TokenKind | None = None,
    lowercase: bool | None = None,
    columns: str | Sequence[str] = (),
    validation: Rows | None = None,
    in_len: int | tuple[int, int] | None = None,
    out_len: int | None = None,
    model: AnyModel | None = None,
    cell_type: AnyCell | None = None,
    num_layers: int | None = None,
    cell_size: int | None = None,
    embedding_size: int | None = None,
    bidirectional: bool | None = None,
    in_max_int: int | None = None,
    out_max_int: int | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    lr_schedule: Schedule | None = None,
    batch_size: int | None = None,
    dropout: float | None = None,
    label_smoothing: float | None = None,
    consistency: float | None = None,
    few_symbols: float | None = None,
    keep_best: bool | None = None,
    patience: int | None = None,
    stop_at_exact: float | None = None,
    seed: int | None = None,
    start: TrainedNetwork | None = None,
    on_epoch: Callable[[TrainingState], object] | None = None,
    callbacks: Sequence[Callback] | None = None,
    verbose: bool | None = None,
) -> TrainedNetwork:
    """Train a network on data and return it; the network ends its answers and accepts sources of any length.

    Settings that are None get values that suit the data; `network.settings` contains them. The same settings and data
    give the same network, but this is guaranteed only for the first training run of a process.

    Args:
        data: the name of a pattern, such as "reversed" or "FILE.py:FUNCTION"; a function that maps a source, a list of
            integers, to its target; the path of a file of pairs; an iterable of tuples (source, target)
            or of dictionaries {"source": …, "target": …} or {"input": …, "output": …}; or a DataFrame that has columns
            named source and target, or only two columns.
        points: for a pattern or function, the number of random sources (default 100,000); for pairs, only the first
            `points` are used (default all). A tenth is held out for validation.
        in_tokens: "integers" if a source is a list of integers; "characters" or "words" if it is a string or a
            list of tokens; by default, recognised from the data.
        out_tokens: the same for targets.
        lowercase: convert sources, but not targets, to lower case, in training and whenever the network reads a source;
            by default, as `start` does.
        columns: the names of the columns or keys of sources and targets, such as ("word", "ipa"), also in `validation`.
        validation: validation pairs, or the path of their file; by default, a tenth of the pairs.
        in_len: the length of a pattern's sources, or their range (shortest, longest); by default (1, 10).
        out_len: the length of the longest target. It follows from the data; any other value is an error.
        model: "attention", or "rnn" for a decoder without attention.
        cell_type: "LSTM", "GRU" or "RNN".
        num_layers: the number of layers.
        cell_size: the number of units of a cell.
        embedding_size: the size of the embeddings.
        bidirectional: let the encoder read the source in both directions.
        in_max_int: the largest integer in sources (default: 9 for a pattern; for pairs, the largest one in the data).
        out_max_int: the largest integer in targets (default: `in_max_int` for a pattern; for pairs, the largest one
            in the data).
        epochs: the number of passes over the data; 0 returns a network without training.
        learning_rate: the learning rate of Adam.
        lr_schedule: "constant"; "cosine", which lowers the learning rate to 0; or "adaptive", a cosine that falls
            faster once the training pairs are learned, and then ends the training.
        batch_size: the number of points per batch.
        dropout: the dropout rate.
        label_smoothing: the fraction of the target probability that is spread over all symbols.
        consistency: the weight of the divergence between answers with two dropout masks.
        few_symbols: the fraction of a pattern's sources that consist of few different symbols (default 0.25).
        keep_best: return the network after the epoch with the best exact match, not after the last epoch; with few
            validation pairs and more than 20 `epochs`, only if that network is clearly better.
        patience: stop after this number of epochs without improvement and keep the best epoch.
        stop_at_exact: stop once the validation exact match reaches this fraction.
        seed: the random seed (default 0).
        start: a network to continue from. Its model is kept, and so are its lengths unless `in_len` changes them.
        on_epoch: a function that is called after each epoch with a `TrainingState`; training stops if it returns True.
        callbacks: objects whose methods are called after steps and epochs, and can stop the training.
        verbose: True prints the report of the command `train`, with a progress bar on a terminal. False shows nothing.
            By default, only a progress bar is shown, and only in a notebook.

    Raises:
        UsageError: a setting is out of its range, does not fit the data, or contradicts `start`; or a callback is
            not a `Callback` object, or has a method `on_…` that `Callback` lacks or that takes `logs`, as in Keras.
        InputError: there are no pairs, or an item is not a source and a target of the expected kinds.
        TrainingError: TensorFlow is not installed, the loss or a weight is not finite, or another worker is lost.
    """
    settings = {name: value for name, value in locals().items() if name in SETTINGS and value is not None}
    if start is not None and not isinstance(start, TrainedNetwork):
        raise UsageError(f"expected `start` to be a network, as load() returns it, got {start!r}")
    if isinstance(validation, float):
        raise UsageError(
            f"expected `validation` to be pairs or a path (default: a tenth of all pairs), got {validation}"
        )
    all_callbacks = check_callbacks(callbacks, on_epoch)
    check_given(settings)  # before the pairs are read

    task: Task | None = as_pattern(data, start.vocabularies.tokens if start else (INTEGERS, INTEGERS))
    if task is None:
        task = pair_task(
            data,
            points,
            file_format=InputFormat(columns=parse_columns(columns)),
            kinds=(in_tokens, out_tokens),
            lowercase=lowercase,
            largest=start.model_config.largest if start else (in_max_int, out_max_int),
            vocabularies=start.vocabularies if start else None,
            holds_out=True,
            validation=validation,
        )
    elif columns or validation is not None or lowercase is not None or not {in_tokens, out_tokens} <= {None, INTEGERS}:
        names = "`columns`, `validation`, `in_tokens`, `out_tokens` and `lowercase`"
        raise UsageError(f"{names} can only be used with pairs, got pattern {task.name!r}")
    snapshot = new_run(task, settings, start, recommends=True)
    model_config, config = snapshot.network.model_config, snapshot.run.config
    for text in run_notices(task, snapshot, start):
        notice(text)
    if verbose is not None and require_flag("`verbose`", verbose):
        training_header(model_config, config, task, 1)
    from seq2seq_demo.training.trainer import fit  # loads TensorFlow

    with TrainingReport(config, verbose) as report:
        network = fit(task, snapshot, [report, *all_callbacks])
    if verbose:
        for line in (*outcome_notices(network, task, snapshot.network.calibration), f"Trained{summary(network)}"):
            print_line(line)
    return network
