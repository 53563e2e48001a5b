"""argv → the frozen options of one command. This is the only file that knows argparse."""

import argparse
import os
import shlex
import stat
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import fields
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, cast

from seq2seq_demo import __version__
from seq2seq_demo.cells import CELL_TYPES
from seq2seq_demo.commands.options import (
    ENGINES,
    PREDICT_EXPECTS,
    EvaluateOptions,
    NetworksOptions,
    Options,
    PageOptions,
    PatternsOptions,
    PredictOptions,
    TrainOptions,
)
from seq2seq_demo.config import (
    EVALUATED,
    FORMATS,
    INTEGERS,
    LR_SCHEDULES,
    MODELS,
    TOKENS,
    ModelConfig,
    TrainConfig,
    parse_integer,
    require_choice,
)
from seq2seq_demo.data.patterns import OWN_FUNCTION, PATTERNS
from seq2seq_demo.display.console import result
from seq2seq_demo.errors import UsageError
from seq2seq_demo.files import canonical

MAX_LISTED = 1000  # lengths of a range of --lengths
TAKE_TEXTS = ("predict", "page")


class Command(NamedTuple):
    """A command: its options, what else it takes, what it does, and examples."""

    options: type[Options]
    values: str
    summary: str
    examples: tuple[str, ...]


COMMANDS = {
    "train": Command(
        TrainOptions,
        "[N]",
        "train a network on N points, and save it",
        (
            "train 100000 -p reversed -m embedding_attention -r 0.005 --lr-schedule cosine -e 2 -o weights.h5",
            "train 400000 -p reversed -m embedding_attention -r 0.005 --lr-schedule cosine -e 3 --in-len 1-20",
            "train 100000 -p my_patterns.py:my_function",
            "train --from-file pairs.jsonl",
            "train --from-file words.tsv --in-tokens characters --out-tokens words -m embedding_attention -o words.h5",
        ),
    ),
    "predict": Command(
        PredictOptions,
        "[X ...]",
        "decode a sequence, a file, or what is typed",
        (
            "predict -m embedding_attention 3 1 4 1 5 9 2 6 5 3 --show-attention",
            "predict -i weights.h5 --from-file inputs.jsonl --json",
            "predict -i g2p hello --beam-size 5 --n-best 3",
        ),
    ),
    "evaluate": Command(
        EvaluateOptions,
        "[N]",
        f"measure a network on N sources ({EVALUATED}) or pairs",
        ("evaluate -i weights.h5", "evaluate -i weights.h5 --lengths 5,10,20"),
    ),
    "page": Command(
        PageOptions,
        "[X ...]",
        "write an HTML page in which networks run",
        (
            "page -i reversed.h5 -o reversed.html",
            "page -i attention.h5 -i rnn.h5 -o both.html",
            "page -i g2p hello through -o g2p.html",
        ),
    ),
    "patterns": Command(
        PatternsOptions,
        "",
        "list what can be learned, or check one (-p)",
        ("patterns", "patterns -p my_patterns.py:my_function"),
    ),
    "networks": Command(
        NetworksOptions,
        "",
        "list the networks that come with the program",
        ("networks",),
    ),
}
HELP_OF = {  # of an option that means something else to each command
    ("train", "output"): "where to write weights (default: the next unused canonical name)",
    ("page", "output"): "where to write the page",
}
OVERVIEW = "Train small sequence-to-sequence networks on pairs; see what they learned."
OVERVIEW_EXAMPLES = (
    "train 100000 -m embedding_attention -r 0.005 -e 2 -o weights.h5",
    "predict -i weights.h5 3 1 4 1 5 9 2 6 5 3",
)

Add = Callable[..., argparse.Action]


def parse(argv: Sequence[str]) -> Options:
    """Return the options of the command that the words name.

    Raises:
        UsageError: the words make no command, or a value is out of its range.
        SystemExit: they asked for help or the version, which is printed.
    """
    if "_ARGCOMPLETE" in os.environ:  # the shell asks what may stand here
        import argcomplete

        argcomplete.autocomplete(make_parser(_command_among(os.environ["COMP_LINE"].split())))
    parser = make_parser()
    try:
        namespace, unknown = parser.parse_known_intermixed_args(argv)
    except _HelpAsked:
        result(_help(_command_among(argv)))
        sys.exit(0)
    if unknown:
        raise UsageError(_unknown_option(unknown, _command_among(argv)))
    parsed = vars(namespace)
    command, values = parsed.pop("command"), parsed.pop("values")
    if command is None:
        raise UsageError(f"expected a command, one of {', '.join(COMMANDS)}; see --help")
    require_choice("command", command, COMMANDS)
    fields_set = {name: value for name, value in parsed.items() if value is not None}
    names = {action.dest: "/".join(action.option_strings) for action in parser._actions}
    names |= {"min_in_len": "--in-len A-B", "more_input_weights": "a second -i/--input-weights"}
    _require_own_options(command, {name: names[name] for name in fields_set})
    return COMMANDS[command].options(**fields_set, **_of_values(command, values, has_file="from_file" in fields_set))


def _command_among(words: Sequence[str]) -> str | None:
    return next((word for word in words if word in COMMANDS), None)


def _unknown_option(unknown: Sequence[str], command: str | None) -> str:
    """Return what to say of words of which the first that begins with - is no option."""
    import difflib  # only an error needs it

    word = next((word for word in unknown if word.startswith("-")), unknown[0])
    name = word.partition("=")[0][:40]
    known = [make_parser(command), make_parser()]  # an option of this command is meant rather than one of another
    near = [difflib.get_close_matches(name, parser._option_string_actions, n=1, cutoff=0.7) for parser in known]
    if any(near):
        return f"unknown option {name}: did you mean {(near[0] or near[1])[0]}?"
    if command in TAKE_TEXTS:
        return f"unknown option {name}; put -- before a text that begins with -, as in `{command} -- {word[:40]}`"
    return f"unknown option {name}; see `{f'{command} --help' if command else '--help'}`"


def _require_own_options(command: str, names: dict[str, str]) -> None:
    """Raise UsageError for an option of other commands; `names` maps a field to its spelling, `-e/--epochs`."""
    for name, written in names.items():
        owners = [other for other, row in COMMANDS.items() if name in {field.name for field in fields(row.options)}]
        if command not in owners:
            raise UsageError(f"{written} means nothing to {command}: it is an option of {_listed(owners)}")


def _listed(names: list[str]) -> str:
    """Return names as a sentence lists them."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _of_values(command: str, values: list[str], has_file: bool) -> dict[str, Any]:
    """Return what the words beside the options mean: the number of points, or a sequence."""
    if command == "predict":
        if values or has_file or (sys.stdin and sys.stdin.isatty()):
            return {"words": tuple(values)}
        if _is_fed():
            return {"from_file": "-"}
        raise UsageError(f"{PREDICT_EXPECTS} (- is standard input), got none, nor a terminal to ask")
    if command == "page":
        return {"words": tuple(values)}
    found = " ".join(values)
    if command in ("patterns", "networks"):
        if values:
            raise UsageError(f"{command} expects nothing after it, got {found}")
        return {}
    if len(values) > 1:
        what = {
            "train": "the number of points, as in `train 100000`, or --from-file",
            "evaluate": "how many sources, as in `evaluate 10000`",
        }
        raise UsageError(f"{command} expects {what[command]}, got {found}")
    try:
        return {"points": parse_integer(values[0])} if values else {}
    except ValueError as error:
        hint = f"; pairs in a file are given as --from-file {shlex.quote(found)}" if os.path.isfile(found) else ""
        raise UsageError(f"{command} expects the number of points as an integer, got {found[:40]!r}{hint}") from error


def _is_fed() -> bool:
    """Say whether something comes through a pipe, whose first byte this waits for, or from a file, by `<`."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
        return (stat.S_ISFIFO(mode) or stat.S_ISREG(mode)) and bool(cast(BufferedReader, sys.stdin.buffer).peek(1))
    except (AttributeError, OSError, ValueError):  # there is no such stream, it is closed, or it is a test's
        return False


def make_parser(command: str | None = None) -> argparse.ArgumentParser:
    """Return what parses a command with its options, or any command with the options of all."""
    parser = _Parser(prog="seq2seq-demo", allow_abbrev=False, add_help=False)
    _add_choice(parser.add_argument, "command", COMMANDS, "", nargs="?")
    values = parser.add_argument("values", nargs="*")
    values.completer = lambda **_: ()  # type: ignore[attr-defined]  # for argcomplete, as below
    for commands, add_options in OPTIONS_OF:
        if command is None or command in commands:
            add_options(parser.add_argument)
    return parser


def _help(command: str | None) -> str:
    """Return the help of a command, or the overview: the commands, and the options that all of them take."""
    if command is None:
        usage = "seq2seq-demo COMMAND [options]"
        rows = [f"  {f'{name} {row.values}':29}{row.summary}" for name, row in COMMANDS.items()]
        description = "\n".join([OVERVIEW, "", "commands, each with a --help of its own:", *rows])
        examples: tuple[str, ...] = OVERVIEW_EXAMPLES
    else:
        usage = f"seq2seq-demo {command} {COMMANDS[command].values} [options]"
        summary = COMMANDS[command].summary
        description = f"{summary[0].upper()}{summary[1:]}."
        examples = COMMANDS[command].examples
    parser = argparse.ArgumentParser(
        add_help=False,
        usage=" ".join(usage.split()),
        description=description,
        epilog="\n".join(["examples:", *(f"  seq2seq-demo {example}" for example in examples)]),
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=32),
    )
    own = parser.add_argument_group(f"options of {command}, which stand anywhere on the line")
    every = parser.add_argument_group("options of every command")
    for commands, add_options in OPTIONS_OF:
        if commands == tuple(COMMANDS):
            add_options(every.add_argument)
        elif command in commands:
            add_options(own.add_argument)
    for action in parser._actions:
        action.help = HELP_OF.get((command or "", action.dest)) or action.help
    return parser.format_help().rstrip()


class _HelpAsked(Exception):
    pass


class _Help(argparse.Action):
    def __call__(self, *_: object) -> NoReturn:
        """Stop parsing: the command, which decides the help, may come later on the line."""
        raise _HelpAsked


class _InLen(argparse.Action):
    def __call__(self, _parser: object, namespace: argparse.Namespace, value: Any, *_: object) -> None:
        """Set the length, or the shortest and the longest."""
        namespace.in_len = value[-1]
        namespace.min_in_len = value[0] if len(value) > 1 else None


class _InputWeights(argparse.Action):
    def __call__(self, _parser: object, namespace: argparse.Namespace, value: Any, *_: object) -> None:
        """Set the weights, or add more of them."""
        if namespace.input_weights is None:
            namespace.input_weights = value
        else:
            namespace.more_input_weights = (*(getattr(namespace, "more_input_weights", None) or ()), value)


class _Version(argparse.Action):
    def __call__(self, *_: object) -> NoReturn:
        """Print the version, where argparse would not notice that nobody gets it."""
        result(f"seq2seq-demo {__version__}")
        sys.exit(0)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise instead of printing two lines and exiting."""
        raise UsageError(message)


def _add_every(add: Add) -> None:
    add("-h", "--help", action=_Help, nargs=0, help="show this; after a command, its options")
    add("--version", action=_Version, nargs=0, help="show the version")
    add("-v", "--verbose", action="count", help="say more; twice: parameters, tracebacks")


def _add_task(add: Add) -> None:
    d, S, T = ModelConfig, TrainConfig.in_len, TrainConfig.out_len
    pattern = f"one that `patterns` lists, or {OWN_FUNCTION}"
    _add_choice(add, "-p/--pattern-name", PATTERNS, pattern, dest="pattern", metavar="NAME")
    in_len = f"length of a source (default {S}, or as trained)"
    add("--in-len", type=_range, action=_InLen, metavar="S", help=in_len)
    add("--out-len", type=_integer, metavar="T", help=f"length of a target (default {T}, or as trained)")
    add("--in-max-int", type=_integer, metavar="N", help=f"the largest source symbol (default {d.in_max_int})")
    add("--out-max-int", type=_integer, metavar="N", help=f"the largest target symbol (default {d.out_max_int})")


def _add_network(add: Add) -> None:
    d = ModelConfig
    sequences = "sequences or pairs, as JSON or a line each; - is standard input"
    weights = "weights to use: a file, ours or a .tfl of 2016, or else a name that `networks` lists"
    action = add("-i", "--input-weights", type=_path, action=_InputWeights, metavar="FILE", help=weights)
    action.completer = _weights  # type: ignore[attr-defined]
    add("-n", "--name", metavar="NAME", help='the part NAME of the canonical file names (default "basic")')
    add("--iter-num", type=_integer, metavar="N", help="load iteration N of these names; train saves N + 1")
    add("--data-dir", type=_path, metavar="DIR", help="where canonical files are kept (default .)")
    add("--from-file", metavar="FILE", help=sequences)
    _add_choice(
        add, "--format", FORMATS, f"of such files: one of {', '.join(FORMATS)} (default: they tell)", metavar="F"
    )
    for side, what in (("in", "sources"), ("out", "targets")):
        text = f"what {what} consist of: {_choices(TOKENS, INTEGERS)}"
        _add_choice(add, f"--{side}-tokens", TOKENS, text, metavar="TOKENS")
    _add_choice(add, "-m/--model", MODELS, _choices(MODELS, d.model), metavar="MODEL")
    _add_choice(add, "--cell-type", CELL_TYPES, _choices(CELL_TYPES, d.cell_type), metavar="CELL")
    add("-L", "--num-layers", type=_integer, metavar="N", help=f"stacked cells (default {d.num_layers})")
    add("--cell-size", type=_integer, metavar="H", help=f"units of a cell (default {d.cell_size})")
    add("--embedding-size", type=_integer, metavar="E", help=f"default {d.embedding_size}")
    _add_flag(add, "--bidirectional", "the encoder reads the source from both ends")


def _add_output(add: Add) -> None:
    add("-o", "--output-weights", dest="output", type=_path, metavar="FILE", help="where to write: see HELP_OF")


def _add_seed(add: Add) -> None:
    add("--seed", type=_integer, metavar="N", help=f"of all that is random (default {TrainConfig.seed})")


def _add_train(add: Add) -> None:
    d = TrainConfig
    logged = "0 loss and metrics (default), 1 gradients too, 2 weights too, 3 activations too"
    schedules = f"{_choices(LR_SCHEDULES, d.lr_schedule)}; cosine falls to 0"
    add("-e", "--epochs", type=_integer, metavar="N", help=f"default {d.epochs}; 0 saves without training")
    add("-r", "--learning-rate", type=_number, metavar="R", help=f"of Adam (default {d.learning_rate})")
    _add_choice(add, "--lr-schedule", LR_SCHEDULES, schedules, metavar="NAME")
    add("--batch-size", type=_integer, metavar="B", help=f"default {d.batch_size}")
    add("--stop-at-exact", type=_number, metavar="X", help="stop after the epoch whose exact match reaches X")
    few = "share of the sources that are of few symbols (default 0.25 with a range of lengths, else 0)"
    add("--few-symbols", type=_number, metavar="X", help=few)
    add("--validation-file", metavar="FILE", help="pairs to validate with (default: a tenth of those of --from-file)")
    _add_flag(add, "--keep-best", "save the epoch whose validation exact match was best, not the last one")
    add("--patience", type=_integer, metavar="N", help="stop once N epochs have not been better")
    add("--dropout", type=_number, metavar="P", help="share of inputs that training leaves out at random (default 0)")
    _add_flag(add, "--record", "keep the weights at steps 0, 50, 100, 200, … and after epochs, in a file beside -o")
    _add_flag(add, "--resume", "resume a training that stopped, from its snapshot")
    add("--history", type=_path, metavar="FILE", help="write the figures of every epoch there, as JSON")
    add("--history-plot", type=_path, metavar="FILE", help="draw their curves there: .png, .svg or .pdf")
    add("--log-dir", type=_path, metavar="DIR", help="logs for TensorBoard (default: a new temporary directory)")
    add("--tensorboard-verbose", type=int, choices=range(4), help=f"what is logged: {logged}")


def _add_end(add: Add) -> None:
    text = "the longest answer of a network that ends its answers (default: as in training)"
    add("--max-out-len", type=_integer, metavar="T", help=text)


def _add_answers(add: Add) -> None:
    add("--beam-size", type=_integer, metavar="K", help="beam search: follow the K likeliest beginnings, not one")
    penalty = "score answers by log p / length^A, so that long ones are not left behind (default 0)"
    add("--length-penalty", type=_number, metavar="A", help=penalty)


def _add_keep_going(add: Add) -> None:
    text = "leave out sequences and pairs that are wrong, and say so; predict and evaluate exit 1 at the end"
    _add_flag(add, "--keep-going", text)


def _add_json(add: Add) -> None:
    _add_flag(add, "--json", "print a JSON object a line instead of text")


def _add_predict(add: Add) -> None:
    add("--engine", choices=ENGINES, help="what decodes: numpy (default), at once, or keras, the trained network")
    add("--n-best", type=_integer, metavar="N", help="print the N best answers of a beam search (default 1)")
    _add_flag(add, "--show-attention", "draw which inputs each output looked at")
    add("--attention-plot", type=_path, metavar="FILE", help="draw that as a picture: .png, .svg or .pdf")


def _add_evaluate(add: Add) -> None:
    add("--lengths", type=_integers, metavar="S,S-S,...", help="a line for each of these lengths of a source")


OPTIONS_OF: tuple[tuple[tuple[str, ...], Callable[[Add], None]], ...] = (
    (("train",), _add_train),
    (("predict",), _add_predict),
    (("evaluate",), _add_evaluate),
    (("predict", "evaluate"), _add_json),
    (("predict", "evaluate"), _add_end),
    (("predict", "evaluate"), _add_answers),
    (("train", "predict", "evaluate"), _add_keep_going),
    (("train", "evaluate"), _add_seed),
    (("train", "page"), _add_output),
    (("train", "predict", "evaluate", "page"), _add_network),
    (("train", "predict", "evaluate", "page", "patterns"), _add_task),
    (tuple(COMMANDS), _add_every),
)


def _add_flag(add: Add, name: str, text: str) -> None:
    add(name, action="store_true", default=None, help=text)  # None: it was not given


def _add_choice(add: Add, names: str, choices: Collection[str], text: str, **more: Any) -> None:
    """Add an option whose values the shell completes; a wrong one gets an error of ours, with a suggestion."""
    action = add(*names.split("/"), help=text, **more)
    action.completer = lambda **_: choices  # type: ignore[attr-defined]


def _weights(prefix: str, **_: object) -> list[str]:
    """Return what the shell may complete to weights: names that come with the program, and files."""
    from argcomplete.completers import FilesCompleter

    return [*canonical.shipped_networks(), *FilesCompleter()(prefix)]


def _choices(names: Collection[str], default: str) -> str:
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


def _range(text: str) -> tuple[int, ...]:
    """Return the integer of `7`, or the two of `1-20`."""
    first, dash, last = text.partition("-")
    try:
        return (_integer(first), _integer(last)) if dash and first else (_integer(text),)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"expected a length, or a range as 1-20, got {text[:40]!r}") from error


def _integers(text: str) -> tuple[int, ...]:
    """Return the integers of a list, in which `1-20` stands for all from 1 to 20."""
    numbers: list[int] = []
    for word in text.split(","):
        first, last = (_range(word) * 2)[:2]
        if not first <= last < first + MAX_LISTED:
            expected = f"expected ranges from shortest to longest, of at most {MAX_LISTED} lengths"
            raise argparse.ArgumentTypeError(f"{expected}, got {word}")
        numbers += range(first, last + 1)
    return tuple(dict.fromkeys(numbers))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected a number, got {text!r}") from error
