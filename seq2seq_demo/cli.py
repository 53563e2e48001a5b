"""The command line: argv → options → a function of `commands`; errors → one line and an exit status."""

import argparse
import os
import sys
import traceback
from pathlib import Path

from seq2seq_demo import __version__
from seq2seq_demo.config import (
    CELL_TYPES,
    LR_SCHEDULES,
    MODELS,
    ModelConfig,
    TrainConfig,
    given,
    parse_integer,
    require_choice,
    require_integer,
)
from seq2seq_demo.errors import DemoError, Interrupted, UsageError
from seq2seq_demo.patterns import DEFAULT_PATTERN, PATTERNS, check_name

COMMANDS = ("train", "predict", "evaluate", "patterns")
ENGINES = ("numpy", "keras")
USAGE = """\
seq2seq-demo [options] train N
       seq2seq-demo [options] predict [X ...]
       seq2seq-demo [options] evaluate [N]
       seq2seq-demo [options] patterns"""
EPILOG = """\
examples:
  seq2seq-demo train 100000 -p reversed -m embedding_attention -r 0.005 --lr-schedule cosine -e 2 -o weights.h5
  seq2seq-demo predict -i weights.h5 0 1 2 3 4 5 6 7 8 9
  seq2seq-demo predict --from-file inputs.jsonl --json
  seq2seq-demo predict -i weights.h5 --show-attention 3 1 4 1 5 9 2 6 5 3
  seq2seq-demo evaluate -i weights.h5 --lengths 5,10,20
  seq2seq-demo train 100000 -p my_patterns.py:my_function

Options stand before or after the command, in any order. Results go to standard output, the rest to standard error.
Exit status: 0 done, 1 it failed, 2 wrong usage, 130 interrupted.
"""


def main(argv: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    options = None
    try:
        options = parse(argv)
        _run(options)
        if sys.stdout:  # None where it was closed from the start
            sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print("seq2seq-demo: interrupted", file=sys.stderr)
        return 130
    except Interrupted as error:
        print(f"seq2seq-demo: {error}", file=sys.stderr)
        return error.exit_status
    except Exception as error:
        if options and options.verbose >= 2:
            traceback.print_exc()
        print(f"seq2seq-demo: error: {_in_a_line(error)}", file=sys.stderr)
        return getattr(error, "exit_status", 1)
    return 0


def _in_a_line(error: Exception) -> str:
    """Return what to say of an error."""
    if isinstance(error, DemoError):
        message = str(error)
    elif isinstance(error, OSError):
        message = f"{error.filename or 'standard output'}: {error.strerror}"
    else:
        message = f"unexpected {type(error).__name__}: {error}"
    return " ".join(message.split())


def _run(options: argparse.Namespace) -> None:
    from seq2seq_demo import commands  # NumPy and h5py, which --help and wrong usage do without

    getattr(commands, options.command)(options)


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Return the options; one that was not given is None.

    Raises:
        UsageError: the words make no command, or a value is out of its range.
    """
    parser, only_for = _parser()
    if "_ARGCOMPLETE" in os.environ:  # the shell asks what may stand here
        _complete(parser, only_for)
    options = parser.parse_intermixed_args(argv)
    if options.command is None:
        raise UsageError(f"expected a command, one of {', '.join(COMMANDS)}; see --help")
    require_choice("command", options.command, COMMANDS)
    for commands, actions in only_for.items():
        for action in actions:
            if options.command not in commands and getattr(options, action.dest) is not None:
                name, owners = "/".join(action.option_strings), " and ".join(commands)
                raise UsageError(f"{name} means nothing to {options.command}: it is an option of {owners}")
    _check_values(options)
    return options


def _complete(parser: argparse.ArgumentParser, only_for: dict[tuple[str, ...], list[argparse.Action]]) -> None:
    """Tell the shell how the line may go on, and exit."""
    import argcomplete

    typed = next((word for word in os.environ["COMP_LINE"].split() if word in COMMANDS), None)
    others = [actions for commands, actions in only_for.items() if typed and typed not in commands]
    names = [name for actions in others for action in actions for name in action.option_strings]
    argcomplete.autocomplete(parser, exclude=names)


def _check_values(options: argparse.Namespace) -> None:
    """Raise UsageError for a value out of its range, before anything slow is imported."""
    ModelConfig(**given(options, ModelConfig))
    if options.pattern is not None:
        check_name(options.pattern)
    if options.iter_num is not None:
        require_integer("iter_num", options.iter_num, at_least=0)
    if options.iter_num is not None and options.input_weights is not None:
        raise UsageError("expected -i/--input-weights or --iter-num, got both: each names the weights to start from")
    if options.name is not None and (not 0 < len(options.name.encode()) <= 100 or os.sep in options.name):
        raise UsageError(f"expected -n/--name to be part of a file name, up to 100 bytes, got {options.name[:100]!r}")
    options.data_dir = options.data_dir or Path()
    if not options.data_dir.is_dir():
        raise UsageError(f"expected --data-dir to be a directory, got {str(options.data_dir)!r}")
    for name in ("in_len", "out_len"):
        if getattr(options, name) is not None:
            require_integer(name, getattr(options, name), at_least=1)
    check = {"train": _check_train, "predict": _check_predict, "evaluate": _check_evaluate, "patterns": _check_patterns}
    check[options.command](options)


def _check_train(options: argparse.Namespace) -> None:
    found = " ".join(options.values) or "none"
    if len(options.values) > 1 or not (options.values or options.resume or options.epochs == 0 or options.from_file):
        raise UsageError(f"train expects the number of points, as in `train 100000`, or --from-file, got {found}")
    options.points = _number_of_points(options)
    TrainConfig(**given(options, TrainConfig))


def _check_predict(options: argparse.Namespace) -> None:
    typed = sys.stdin and sys.stdin.isatty()
    if (options.values and options.from_file) or not (options.values or options.from_file or typed):
        found = "both" if options.values else "none, nor a terminal to ask"
        raise UsageError(f"predict expects integers, as in `predict 3 1 2`, or --from-file, got {found}")


def _check_evaluate(options: argparse.Namespace) -> None:
    if len(options.values) > 1:
        raise UsageError(f"evaluate expects how many sources, as in `evaluate 10000`, got {' '.join(options.values)}")
    options.points = _number_of_points(options)
    if options.points is not None:
        require_integer("the number of sources", options.points, at_least=1)
    if options.seed is not None:
        require_integer("seed", options.seed, at_least=0)
    for S in options.lengths or []:
        require_integer("lengths", S, at_least=1)
    if options.lengths and (options.from_file or options.in_len):
        raise UsageError("expected --lengths, or --from-file or --in-len, got both: each says how long sources are")


def _check_patterns(options: argparse.Namespace) -> None:
    if options.values:
        raise UsageError(f"patterns expects nothing after it, got {' '.join(options.values)}")


def _number_of_points(options: argparse.Namespace) -> int | None:
    """Return N, or None where it was left out."""
    try:
        return parse_integer(options.values[0]) if options.values else None
    except ValueError as error:
        found = options.values[0][:40]
        raise UsageError(f"{options.command} expects the number of points as an integer, got {found!r}") from error


def _parser() -> tuple[argparse.ArgumentParser, dict[tuple[str, ...], list[argparse.Action]]]:
    """Return the parser, and the options that only some commands take, by these commands."""
    parser = _Parser(
        prog="seq2seq-demo",
        usage=USAGE,
        description="Train small sequence-to-sequence networks on integer sequences and see what they learned.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    _add_choice(parser.add_argument, "command", COMMANDS, f"one of {', '.join(COMMANDS)}", nargs="?", metavar="command")
    numbers = "train, evaluate: how many points; predict: the sequence"
    parser.add_argument("values", nargs="*", metavar="N | X ...", help=numbers).completer = lambda **_: ()
    groups = {
        COMMANDS: ("options of every command", _add_every),
        ("train", "predict", "evaluate"): ("options of train, predict and evaluate", _add_common),
        ("train", "evaluate"): ("options of train and evaluate", _add_seed),
        ("train",): ("options of train", _add_train),
        ("predict", "evaluate"): ("options of predict and evaluate", _add_json),
        ("predict",): ("options of predict", _add_predict),
        ("evaluate",): ("options of evaluate", _add_evaluate),
    }
    return parser, {
        commands: add_options(parser.add_argument_group(title).add_argument)
        for commands, (title, add_options) in groups.items()
    }


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        """Raise instead of printing two lines and exiting."""
        raise UsageError(message)


def _add_every(add) -> list[argparse.Action]:
    d, names = ModelConfig, f"{', '.join(PATTERNS)}, or yours, FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION"
    default = f"default {DEFAULT_PATTERN}, or what the weights were trained on"
    S, T = TrainConfig.in_len, TrainConfig.out_len
    return [
        add("-h", "--help", action="help", help="show this and exit"),
        add("--version", action="version", version=f"%(prog)s {__version__}", help="show the version and exit"),
        add("-v", "--verbose", action="count", default=0, help="say more; twice: parameters, tracebacks"),
        _add_choice(add, "-p/--pattern-name", PATTERNS, f"one of {names} ({default})", dest="pattern", metavar="NAME"),
        add(
            "--in-len",
            type=_integer,
            metavar="S",
            help=f"length of a source (default {S}, or as trained)",
        ),
        add(
            "--out-len",
            type=_integer,
            metavar="T",
            help=f"length of a target (default {T}, or all of a shorter one, or as trained)",
        ),
        add("--in-max-int", type=_integer, metavar="N", help=f"the largest source symbol (default {d.in_max_int})"),
        add("--out-max-int", type=_integer, metavar="N", help=f"the largest target symbol (default {d.out_max_int})"),
    ]


def _add_common(add) -> list[argparse.Action]:
    d = ModelConfig
    return [
        add("-i", "--input-weights", type=_path, metavar="FILE", help="weights to start from: ours, or a .tfl of 2016"),
        add("-n", "--name", metavar="NAME", help='the part NAME of the canonical file names (default "basic")'),
        add("--iter-num", type=_integer, metavar="N", help="load iteration N of these names; train saves N + 1"),
        add("--data-dir", type=_path, metavar="DIR", help="where canonical files are kept (default .)"),
        add(
            "--from-file",
            metavar="FILE",
            help="sequences or pairs as JSON, a line each or in a list; - is standard input",
        ),
        _add_choice(add, "-m/--model", MODELS, _choices(MODELS, d.model), metavar="MODEL"),
        _add_choice(add, "--cell-type", CELL_TYPES, _choices(CELL_TYPES, d.cell_type), metavar="CELL"),
        add("-L", "--num-layers", type=_integer, metavar="N", help=f"stacked cells (default {d.num_layers})"),
        add("--cell-size", type=_integer, metavar="H", help=f"units of a cell (default {d.cell_size})"),
        add("--embedding-size", type=_integer, metavar="E", help=f"default {d.embedding_size}"),
    ]


def _add_seed(add) -> list[argparse.Action]:
    return [add("--seed", type=_integer, metavar="N", help=f"of data and initial weights (default {TrainConfig.seed})")]


def _add_train(add) -> list[argparse.Action]:
    d = TrainConfig
    logged = "0 loss and metrics (default), 1 gradients too, 2 weights too, 3 activations too"
    schedules = _choices(LR_SCHEDULES, d.lr_schedule)
    return [
        add("-e", "--epochs", type=_integer, metavar="N", help=f"default {d.epochs}; 0 saves without training"),
        add("-r", "--learning-rate", type=_number, metavar="R", help=f"of Adam (default {d.learning_rate})"),
        _add_choice(add, "--lr-schedule", LR_SCHEDULES, f"{schedules}; cosine falls to 0", metavar="NAME"),
        add("--batch-size", type=_integer, metavar="B", help=f"default {d.batch_size}"),
        add("--stop-at-exact", type=_number, metavar="X", help="stop after the epoch whose exact match reaches X"),
        add("--resume", action="store_true", default=None, help="go on with the snapshot of a training that stopped"),
        add("-o", "--output-weights", type=_path, metavar="FILE", help="default: the next unused canonical name"),
        add("--history", type=_path, metavar="FILE", help="write the figures of every epoch there, as JSON"),
        add("--history-plot", type=_path, metavar="FILE", help="draw their curves there: .png, .svg or .pdf"),
        add("--log-dir", type=_path, metavar="DIR", help="logs for TensorBoard (default: a new temporary directory)"),
        add("--tensorboard-verbose", type=int, choices=range(4), help=f"what is logged: {logged}"),
    ]


def _add_json(add) -> list[argparse.Action]:
    return [add("--json", action="store_true", default=None, help="print a JSON object a line instead of text")]


def _add_predict(add) -> list[argparse.Action]:
    skip = "skip sequences that are wrong, and exit 1 at the end"
    return [
        add("--show-attention", action="store_true", default=None, help="draw which inputs each output looked at"),
        add("--attention-plot", type=_path, metavar="FILE", help="draw that as a picture: .png, .svg or .pdf"),
        add("--keep-going", action="store_true", default=None, help=skip),
        add("--engine", choices=ENGINES, help="what decodes: numpy (default), at once, or keras, the trained network"),
    ]


def _add_evaluate(add) -> list[argparse.Action]:
    return [add("--lengths", type=_integers, metavar="S,S,...", help="a line for each of these lengths of a source")]


def _add_choice(add, names: str, choices, text: str, **more) -> argparse.Action:
    """Add an option whose values the shell completes; a wrong one gets an error of ours, with a suggestion."""
    action = add(*names.split("/"), help=text, **more)
    action.completer = lambda **_: choices
    return action


def _choices(names, default: str) -> str:
    return f"one of {', '.join(names)} (default {default})"


def _path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("expected the name of a file or directory, got ''")
    return Path(text)


def _integer(text: str) -> int:
    try:
        return parse_integer(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected an integer, got {text[:40]!r}") from error


def _integers(text: str) -> list[int]:
    return [_integer(word) for word in text.split(",")]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected a number, got {text!r}") from error
