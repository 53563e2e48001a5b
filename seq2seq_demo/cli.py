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
from seq2seq_demo.patterns import DEFAULT_PATTERN, PATTERNS

COMMANDS = ("train", "predict")
ENGINES = ("numpy", "keras")
USAGE = "seq2seq-demo [options] train N\n       seq2seq-demo [options] predict X [X ...]"
EPILOG = """\
examples:
  seq2seq-demo train 100000 -p reversed -m embedding_attention -r 0.005 --lr-schedule cosine -e 2 -o weights.h5
  seq2seq-demo predict -i weights.h5 0 1 2 3 4 5 6 7 8 9
  seq2seq-demo predict --from-file inputs.jsonl

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

    {"train": commands.train, "predict": commands.predict}[options.command](options)


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Return the options; one that was not given is None.

    Raises:
        UsageError: the words make no command, or a value is out of its range.
    """
    parser, only_for = _parser()
    options = parser.parse_intermixed_args(argv)
    if options.command is None:
        raise UsageError(f"expected a command, one of {', '.join(COMMANDS)}; see --help")
    require_choice("command", options.command, COMMANDS)
    for command, actions in only_for.items():
        for action in actions:
            if command != options.command and getattr(options, action.dest) is not None:
                name = "/".join(action.option_strings)
                raise UsageError(f"{name} means nothing to {options.command}: it is an option of {command}")
    _check_values(options)
    return options


def _check_values(options: argparse.Namespace) -> None:
    """Raise UsageError for a value out of its range, before anything slow is imported."""
    ModelConfig(**given(options, ModelConfig))
    if options.pattern is not None:
        require_choice("pattern", options.pattern, tuple(PATTERNS))
    if options.iter_num is not None:
        require_integer("iter_num", options.iter_num, at_least=0)
    if options.iter_num is not None and options.input_weights is not None:
        raise UsageError("expected -i/--input-weights or --iter-num, got both: each names the weights to start from")
    if options.name is not None and (not 0 < len(options.name.encode()) <= 100 or os.sep in options.name):
        raise UsageError(f"expected -n/--name to be part of a file name, up to 100 bytes, got {options.name[:100]!r}")
    if not options.data_dir.is_dir():
        raise UsageError(f"expected --data-dir to be a directory, got {str(options.data_dir)!r}")
    {"train": _check_train, "predict": _check_predict}[options.command](options)


def _check_train(options: argparse.Namespace) -> None:
    if len(options.values) > 1 or not (options.values or options.resume or options.epochs == 0):
        found = " ".join(options.values) or "none"
        raise UsageError(f"train expects the number of points, as in `train 100000`, got {found}")
    try:
        options.points = parse_integer(options.values[0]) if options.values else None
    except ValueError as error:
        raise UsageError(f"train expects the number of points as an integer, got {options.values[0][:40]!r}") from error
    TrainConfig(**given(options, TrainConfig))


def _check_predict(options: argparse.Namespace) -> None:
    if bool(options.values) == (options.from_file is not None):
        found = "both" if options.values else "none"
        raise UsageError(f"predict expects integers, as in `predict 3 1 2`, or --from-file, got {found}")
    for name in ("in_len", "out_len"):
        if getattr(options, name) is not None:
            require_integer(name, getattr(options, name), at_least=1)


def _parser() -> tuple[argparse.ArgumentParser, dict[str, list[argparse.Action]]]:
    """Return the parser, and the options that only one command takes, by command."""
    parser = _Parser(
        prog="seq2seq-demo",
        usage=USAGE,
        description="Train small sequence-to-sequence networks on integer sequences and see what they learned.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    parser.add_argument("command", nargs="?", metavar="command", help=f"one of {', '.join(COMMANDS)}")
    parser.add_argument("values", nargs="*", metavar="N | X ...", help="train: how many points; predict: the sequence")
    _add_common(parser.add_argument_group("options of both commands").add_argument)
    _add_model(parser.add_argument_group("the network (predict takes it from the weights)").add_argument)
    train, predict = (
        parser.add_argument_group("options of train"),
        parser.add_argument_group("options of predict"),
    )
    return parser, {"train": _add_train(train.add_argument), "predict": _add_predict(predict.add_argument)}


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        """Raise instead of printing two lines and exiting."""
        raise UsageError(message)


def _add_common(add) -> None:
    names = f"one of {', '.join(PATTERNS)} (default {DEFAULT_PATTERN}, or what the weights were trained on)"
    add("-h", "--help", action="help", help="show this and exit")
    add("--version", action="version", version=f"%(prog)s {__version__}", help="show the version and exit")
    add("-v", "--verbose", action="count", default=0, help="say more of the weights; twice: parameters, tracebacks")
    add("-i", "--input-weights", type=_path, metavar="FILE", help="weights to start from: ours, or a .tfl of 2016")
    add("-p", "--pattern-name", dest="pattern", metavar="NAME", help=names)
    add("-n", "--name", metavar="NAME", help='the part NAME of the canonical file names (default "basic")')
    add("--iter-num", type=_integer, metavar="N", help="load iteration N of the canonical names; train saves N + 1")
    add("--data-dir", type=_path, default=Path(), metavar="DIR", help="where canonical files are kept (default .)")
    add(
        "--in-len",
        type=_integer,
        metavar="S",
        help=f"length of a source (default {TrainConfig.in_len}; predict: as trained)",
    )
    add(
        "--out-len",
        type=_integer,
        metavar="T",
        help=f"length of a target (default {TrainConfig.out_len}; predict: as trained)",
    )


def _add_model(add) -> None:
    d = ModelConfig
    add("-m", "--model", metavar="MODEL", help=_choices(MODELS, d.model))
    add("--cell-type", metavar="CELL", help=_choices(CELL_TYPES, d.cell_type))
    add("-L", "--num-layers", type=_integer, metavar="N", help=f"stacked cells (default {d.num_layers})")
    add("--cell-size", type=_integer, metavar="H", help=f"units of a cell (default {d.cell_size})")
    add("--embedding-size", type=_integer, metavar="E", help=f"default {d.embedding_size}")
    add("--in-max-int", type=_integer, metavar="N", help=f"the largest source symbol (default {d.in_max_int})")
    add("--out-max-int", type=_integer, metavar="N", help=f"the largest target symbol (default {d.out_max_int})")


def _add_train(add) -> list[argparse.Action]:
    d = TrainConfig
    return [
        add("-e", "--epochs", type=_integer, metavar="N", help=f"default {d.epochs}; 0 saves without training"),
        add("-r", "--learning-rate", type=_number, metavar="R", help=f"of Adam (default {d.learning_rate})"),
        add("--lr-schedule", metavar="NAME", help=_choices(LR_SCHEDULES, d.lr_schedule) + "; cosine falls to 0"),
        add("--batch-size", type=_integer, metavar="B", help=f"default {d.batch_size}"),
        add("--seed", type=_integer, metavar="N", help=f"of data and initial weights (default {d.seed})"),
        add("--stop-at-exact", type=_number, metavar="X", help="stop after the epoch whose exact match reaches X"),
        add("--resume", action="store_true", default=None, help="go on with the snapshot of a training that stopped"),
        add("-o", "--output-weights", type=_path, metavar="FILE", help="default: the next unused canonical name"),
        add("--tensorboard-verbose", type=int, choices=range(4), help="0 to 3 (default 0)"),
    ]


def _add_predict(add) -> list[argparse.Action]:
    return [
        add("--from-file", metavar="FILE", help="a JSON list, a list of lists, or a list a line; - is standard input"),
        add(
            "--keep-going",
            action="store_true",
            default=None,
            help="skip sequences that are wrong, and exit 1 at the end",
        ),
        add("--engine", choices=ENGINES, help="what decodes: numpy (default), at once, or keras, the trained network"),
    ]


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


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected a number, got {text!r}") from error
