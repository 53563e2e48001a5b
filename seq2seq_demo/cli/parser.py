"""argv → the frozen options of one command. This is the only file that knows argparse."""

import argparse
import os
import shlex
import stat
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import Field, fields
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, cast

from seq2seq_demo import __version__
from seq2seq_demo.commands import options
from seq2seq_demo.commands.options import PREDICT_EXPECTS, Options, declared_options
from seq2seq_demo.config import DEFAULT_EVALUATION_SIZE, Settings
from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.declarations import declared_option, parse_integer, require_choice, value_type
from seq2seq_demo.display.console import print_result
from seq2seq_demo.errors import UsageError
from seq2seq_demo.files import file_names

MAX_LISTED = 1000  # lengths of a range of --lengths
TEXTS, NUMBER, NOTHING = "[X ...]", "[N]", ""  # words that a command takes beside its options


class Command(NamedTuple):
    """A command: its options, the words that it takes beside them, and a summary."""

    options: type[Options]
    values: str
    summary: str


COMMANDS = {
    "train": Command(options.TrainOptions, NUMBER, "train a network on N points, and save it"),
    "predict": Command(options.PredictOptions, TEXTS, "decode a sequence, a file, or what is typed"),
    "evaluate": Command(
        options.EvaluateOptions, NUMBER, f"measure a network on N sources ({DEFAULT_EVALUATION_SIZE}) or pairs"
    ),
    "page": Command(options.PageOptions, TEXTS, "write an HTML page in which networks run"),
    "patterns": Command(options.PatternsOptions, NOTHING, "list what can be learned, or check one (-p)"),
    "networks": Command(options.NetworksOptions, NOTHING, "list the networks that come with the program"),
}
EXPECTED = {
    "train": "the number of points, as in `train 100000`, or --from-file",
    "evaluate": "how many sources, as in `evaluate 10000`",
}
OVERVIEW = "Train small sequence-to-sequence networks on pairs; see what they learned."
OVERVIEW_EXAMPLES = [
    "train 100000 -m embedding_attention -r 0.005 -e 2 -o weights.h5",
    "predict -i weights.h5 3 1 4 1 5 9 2 6 5 3",
]
EXAMPLES = (  # each in the help of its command
    "train 100000 -p reversed -m embedding_attention -r 0.005 --lr-schedule cosine -e 2 -o weights.h5",
    "train 400000 -p reversed -m embedding_attention -r 0.005 --lr-schedule cosine -e 3 --in-len 1-20",
    "train 100000 -p my_patterns.py:my_function",
    "train --from-file pairs.jsonl",
    "train --from-file words.tsv --in-tokens characters --out-tokens words -m embedding_attention -o words.h5",
    "predict -m embedding_attention 3 1 4 1 5 9 2 6 5 3 --show-attention",
    "predict -i weights.h5 --from-file inputs.jsonl --json",
    "predict -i g2p hello --beam-size 5 --n-best 3",
    "evaluate -i weights.h5",
    "evaluate -i weights.h5 --lengths 5,10,20",
    "page -i reversed.h5 -o reversed.html",
    "page -i attention.h5 -i rnn.h5 -o both.html",
    "page -i g2p hello through -o g2p.html",
    "patterns",
    "patterns -p my_patterns.py:my_function",
    "networks",
)


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
    except _Asked as asked:
        print_result(f"seq2seq-demo {__version__}" if asked.args == ("version",) else _help(_command_among(argv)))
        sys.exit(0)
    if unknown:
        raise UsageError(_unknown_option(unknown, _command_among(argv)))
    given = {name: value for name, value in vars(namespace).items() if value is not None}
    command, values = given.pop("command", None), given.pop("values")
    if command is None:
        raise UsageError(f"expected a command, one of {', '.join(COMMANDS)}; see --help")
    require_choice("command", command, COMMANDS)
    _require_own_options(command, given, {action.dest: "/".join(action.option_strings) for action in parser._actions})
    if "input_weights" in given:
        given["input_weights"], *more = given["input_weights"]
        given |= {"more_input_weights": tuple(more)} if more else {}
    given |= _of_values(command, values, has_file="from_file" in given)
    kind = COMMANDS[command].options
    own = {field.name: given.pop(field.name) for field in fields(kind) if field.name in given}
    return kind(settings=cast(Settings, given), **own)


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
    if command and COMMANDS[command].values == TEXTS:
        return f"unknown option {name}; put -- before a text that begins with -, as in `{command} -- {word[:40]}`"
    return f"unknown option {name}; see `{f'{command} --help' if command else '--help'}`"


def _require_own_options(command: str, given: dict[str, Any], written: dict[str, str]) -> None:
    """Raise UsageError for an option of other commands; `written` maps a name to its spelling, `-e/--epochs`."""
    of_commands = {name: declared_options(row.options) for name, row in COMMANDS.items()}
    owners = {written[name]: [other for other, own in of_commands.items() if name in own] for name in given}
    if isinstance(given.get("in_len"), tuple):
        owners["--in-len A-B"] = ["train"]
    if len(given.get("input_weights", ())) > 1:
        owners["a second -i/--input-weights"] = ["page"]
    for name, (*others, last) in owners.items():
        if command not in (*others, last):
            listed = f"{', '.join(others)} and {last}" if others else last
            raise UsageError(f"{name} means nothing to {command}: it is an option of {listed}")


def _of_values(command: str, values: list[str], has_file: bool) -> dict[str, Any]:
    """Return what the words beside the options mean: the number of points, or a sequence."""
    takes, found = COMMANDS[command].values, " ".join(values)
    if takes == TEXTS:
        if command == "page" or values or has_file or (sys.stdin and sys.stdin.isatty()):
            return {"words": tuple(values)}
        if _is_fed():
            return {"from_file": "-"}
        raise UsageError(f"{PREDICT_EXPECTS} (- is standard input), got none, nor a terminal to ask")
    if len(values) > (takes == NUMBER):
        raise UsageError(f"{command} expects {EXPECTED.get(command, 'nothing after it')}, got {found}")
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
    """Return a parser of a command with its options, or of any command with the options of all."""
    parser = _Parser(prog="seq2seq-demo", allow_abbrev=False, add_help=False)
    _complete(parser.add_argument("command", nargs="?"), COMMANDS)
    _complete(parser.add_argument("values", nargs="*"), ())
    _add_asking(parser.add_argument)
    rows = [COMMANDS[command]] if command else COMMANDS.values()
    declared = {name: field for row in rows for name, field in declared_options(row.options).items()}
    for field in declared.values():
        _add(parser.add_argument, field)
    return parser


def _help(command: str | None) -> str:
    """Return the help of a command, or the overview: the commands, and the options that all of them take."""
    if command:
        row = COMMANDS[command]
        usage, description = f"{command} {row.values}", f"{row.summary[0].upper()}{row.summary[1:]}."
        examples = [line for line in EXAMPLES if line.split()[0] == command]
    else:
        rows = [f"\n  {f'{name} {row.values}':29}{row.summary}" for name, row in COMMANDS.items()]
        usage, examples = "COMMAND", OVERVIEW_EXAMPLES
        description = f"{OVERVIEW}\n\ncommands, each with a --help of its own:{''.join(rows)}"
    parser = argparse.ArgumentParser(
        add_help=False,
        usage=f"seq2seq-demo {usage.strip()} [options]",
        description=description,
        epilog="\n".join(["examples:", *(f"  seq2seq-demo {example}" for example in examples)]),
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=32),
    )
    own = parser.add_argument_group(f"options of {command}, which stand anywhere on the line")
    every = parser.add_argument_group("options of every command")
    _add_asking(every.add_argument)
    of_every = declared_options(Options)
    for name, field in (declared_options(COMMANDS[command].options) if command else of_every).items():
        _add((every if name in of_every else own).add_argument, field)
    return parser.format_help().rstrip()


class _Asked(Exception):
    """The words ask for help or the version."""


class _Asking(argparse.Action):
    def __call__(self, *_: object) -> NoReturn:
        """Stop parsing: the command, which decides the help, may come later on the line."""
        raise _Asked(self.dest)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise instead of printing two lines and exiting."""
        raise UsageError(message)


def _add_asking(add: Callable[..., argparse.Action]) -> None:
    add("-h", "--help", action=_Asking, nargs=0, help="show this; after a command, its options")
    add("--version", action=_Asking, nargs=0, help="show the version")


def _add(add: Callable[..., argparse.Action], field: Field[Any]) -> None:
    """Add an option as its field declares it; None: it was not given."""
    option, kind = declared_option(field), value_type(field)
    about: dict[str, Any] = {"action": "store_true" if kind is bool else "count"}
    if option.metavar is not None:
        about = {"metavar": option.metavar, "type": _length if field.name == "in_len" else TYPES.get(kind)}
    if field.name == "input_weights":
        about["action"] = "append"
    action = add(*option.flags, dest=field.name, default=None, help=option.help, **about)
    if field.name == "input_weights":
        action.completer = _weights  # type: ignore[attr-defined]
    elif choices := PATTERNS if field.name == "pattern" else option.choices:
        _complete(action, choices)


def _complete(action: argparse.Action, choices: Collection[str]) -> None:
    """Tell the shell what it may complete a value to; a wrong value gets an error of ours, with a suggestion."""
    action.completer = lambda **_: choices  # type: ignore[attr-defined]  # for argcomplete


def _weights(prefix: str, **_: object) -> list[str]:
    """Return what the shell may complete to weights: names that come with the program, and files."""
    from argcomplete.completers import FilesCompleter

    return [*file_names.shipped_networks(), *FilesCompleter()(prefix)]


def _typed(what: str, convert: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a function from a word to its value, whose error says what was expected."""

    def value_of(text: str) -> Any:
        try:
            return convert(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"expected {what}, got {text[:40]!r}") from error

    return value_of


def _path(text: str) -> Path:
    if text:
        return Path(text)
    raise ValueError(text)


def _range(text: str) -> int | tuple[int, int]:
    """Return the integer of `7`, or the two of `1-20`."""
    first, dash, last = text.partition("-")
    return (parse_integer(first), parse_integer(last)) if dash and first else parse_integer(text)


_length = _typed("a length, or a range as 1-20", _range)


def _lengths(text: str) -> tuple[int, ...]:
    """Return the integers of a list, in which `1-20` stands for all from 1 to 20."""
    numbers: list[int] = []
    for word in text.split(","):
        found = _length(word)
        first, last = found if isinstance(found, tuple) else (found, found)
        if not first <= last < first + MAX_LISTED:
            expected = f"expected ranges from shortest to longest, of at most {MAX_LISTED} lengths"
            raise argparse.ArgumentTypeError(f"{expected}, got {word}")
        numbers += range(first, last + 1)
    return tuple(dict.fromkeys(numbers))


TYPES: dict[Any, Callable[[str], Any]] = {  # by the types of fields
    int: _typed("an integer", parse_integer),
    float: _typed("a number", float),
    Path: _typed("the name of a file or directory", _path),
    Sequence[int]: _lengths,
}
