"""Parses argv into the frozen options of one command. No other file imports argparse."""

import argparse
import contextlib
import os
import stat
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import Field, fields
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, cast

from seq2seq_demo import __version__
from seq2seq_demo.commands import options
from seq2seq_demo.commands.options import PREDICT_EXPECTS, Options
from seq2seq_demo.config import EVALUATION_SIZE, ModelConfig, Settings, TrainConfig
from seq2seq_demo.console import print_result
from seq2seq_demo.declarations import (
    declared_fields,
    declared_option,
    parse_integer,
    require_choice,
    suggestions,
    value_type,
)
from seq2seq_demo.errors import UsageError
from seq2seq_demo.files import file_names

MAX_RANGE = 1000  # lengths in one range of --lengths
SEQUENCE, NUMBER, NOTHING = "[X ...]", "[N]", ""  # the positional arguments after a command


class Command(NamedTuple):
    """A command: the class of its options, its positional arguments and a summary for the help."""

    options: type[Options]
    arguments: str
    summary: str


COMMANDS = {
    "train": Command(options.TrainOptions, NUMBER, "train a network on N points, and save it"),
    "predict": Command(options.PredictOptions, SEQUENCE, "decode one sequence, a file or typed input"),
    "evaluate": Command(options.EvaluateOptions, NUMBER, f"test a network on N sources ({EVALUATION_SIZE}) or pairs"),
    "page": Command(options.PageOptions, SEQUENCE, "write an HTML page in which networks run"),
    "patterns": Command(options.PatternsOptions, NOTHING, "list the patterns, or check one (-p)"),
    "networks": Command(options.NetworksOptions, NOTHING, "list the networks that come with the program"),
}
OVERVIEW = "Train small sequence-to-sequence networks and see what they learn."
TRAIN_DEFAULTS = """
The defaults below are those for patterns. For pairs (--from-file), the program
chooses settings that suit them, and prints them."""
OVERVIEW_EXAMPLES = [
    "train 100000 -m embedding_attention -r 0.005 -e 2 -o weights.h5",
    "predict -i weights.h5 3 1 4 1 5 9 2 6 5 3",
]
EXAMPLES = (  # the help of a command shows the examples that begin with its name
    "train 100000 -p reversed -m embedding_attention -r 0.005 --lr-schedule cosine -e 2 -o weights.h5",
    "train 400000 -p reversed -m embedding_attention -r 0.005 --lr-schedule cosine -e 3 --in-len 1-20",
    "train --from-file words.tsv --in-tokens characters --out-tokens words --budget 5 -o words.h5",
    "predict -m embedding_attention 3 1 4 1 5 9 2 6 5 3 --show-attention",
    "predict -i weights.h5 --from-file inputs.jsonl --json",
    "predict -i g2p hello --beam-size 5 --n-best 3",
    "evaluate -i weights.h5 --lengths 5,10,20",
    "page -i g2p hello through -o g2p.html",
    "page --gallery pages",
    "patterns -p my_patterns.py:my_function",
    "networks",
)


def parse(argv: Sequence[str]) -> Options:
    """Parse the command line into the options of its command.

    Raises:
        UsageError: the command or an option is unknown, or a value is out of range.
        SystemExit: the help or the version was printed.
    """
    if "_ARGCOMPLETE" in os.environ:  # the shell asks for completions
        import argcomplete

        argcomplete.autocomplete(make_parser(_find_command(os.environ["COMP_LINE"].split())))
    parser = make_parser()
    parser.command = _find_command(argv)
    namespace, unknown = parser.parse_known_intermixed_args(argv)
    values = {name: value for name, value in vars(namespace).items() if value is not None}
    given: dict[str, Any] = {name: tuple(x) if isinstance(x, list) else x for name, x in values.items()}
    command, arguments = given.pop("command", None), given.pop("arguments")
    if not unknown:
        if command is None:
            raise UsageError(f"expected a command, one of {', '.join(COMMANDS)}; see --help")
        require_choice("command", command, COMMANDS)
    _require_options(command, given, unknown, parser)
    given |= _parse_arguments(command, arguments, has_file="from_file" in given)
    options_class = COMMANDS[command].options
    own = {field.name: given.pop(field.name) for field in fields(options_class) if field.name in given}
    return options_class(settings=cast(Settings, given), **own)


def _find_command(words: Sequence[str]) -> str | None:
    return next((word for word in words if word in COMMANDS), None)


def _require_options(
    command: str, given: dict[str, Any], unknown: Sequence[str], parser: argparse.ArgumentParser
) -> None:
    """Raise UsageError for an option that no command has, or that this command lacks."""
    flags = {action.dest: "/".join(action.option_strings) for action in parser._actions}
    options_of = {name: declared_options(row.options) for name, row in COMMANDS.items()}
    owners: dict[str, list[str]] = {word.partition("=")[0][:40]: [] for word in unknown if word.startswith("-")}
    owners |= {flags[name]: [other for other, own in options_of.items() if name in own] for name in given}
    if isinstance(given.get("in_len"), tuple):
        owners["--in-len A-B"] = ["train"]
    if len(given.get("input_weights", ())) > 1:
        owners["a second -i/--input-weights"] = ["predict", "evaluate", "page"]
    for option, others in owners.items():
        if not others:
            raise UsageError(f"unknown option {option}{_hint(option, command, parser)}")
        if command not in others:
            raise UsageError(f"{option} is an option of {', '.join(others)}, not of {command}")


def _hint(option: str, command: str, parser: argparse.ArgumentParser) -> str:
    """Return advice about an unknown option."""
    if near := suggestions(option, parser._option_string_actions, 1):
        return f": did you mean {near[0]}?"
    takes_text = command in COMMANDS and COMMANDS[command].arguments == SEQUENCE
    return f"; put -- before a text, as in `{command} -- {option}`" if takes_text else "; see --help"


def declared_options(options: type[Options]) -> dict[str, Field[Any]]:
    """Return the declarations of a command's options by name, in the order in which --help lists them."""
    own = declared_fields(options)
    declared = declared_fields(ModelConfig) | declared_fields(TrainConfig) | own
    names: list[str] = []
    for base in options.__mro__:
        for attribute, value in vars(base).items():
            names += value if attribute == "accepted_settings" else [attribute] if attribute in own else []
    return {name: declared[name] for name in names if declared_option(declared[name]).usage}


def _parse_arguments(command: str, arguments: tuple[str, ...], has_file: bool) -> dict[str, Any]:
    """Parse the positional arguments of a command: the words of a sequence, or the number of points."""
    kind, text = COMMANDS[command].arguments, " ".join(arguments)
    if kind == SEQUENCE:
        if command == "page" or arguments or has_file or (sys.stdin and sys.stdin.isatty()):
            return {"words": arguments}
        if _has_redirected_input():
            return {"from_file": "-"}
        raise UsageError(f"{PREDICT_EXPECTS} (- is standard input), got neither, and nothing on standard input")
    if len(arguments) <= (kind == NUMBER):
        with contextlib.suppress(ValueError):
            return {"points": parse_integer(arguments[0])} if arguments else {}
    expected = f"one number, as in `{command} 10000`" if kind == NUMBER else "no arguments"
    raise UsageError(f"{command} expects {expected}, got {text[:40]!r}")


def _has_redirected_input() -> bool:
    """Check whether standard input is a file or a pipe that is not empty; wait for the first byte of a pipe."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
        return (stat.S_ISFIFO(mode) or stat.S_ISREG(mode)) and bool(cast(BufferedReader, sys.stdin.buffer).peek(1))
    except (AttributeError, OSError, ValueError):  # standard input is None, closed or replaced by a test
        return False


class _Parser(argparse.ArgumentParser):
    command: str | None = None  # for the help, because the command may follow --help on the line

    def error(self, message: str) -> NoReturn:
        """Raise UsageError; by default, argparse would print two lines and exit."""
        raise UsageError(message)

    def print_help(self, file: object = None) -> None:
        """Print the help of the command, which --help does before the program exits."""
        print_result(_help(self.command))


def _add_help_and_version(add: Callable[..., argparse.Action]) -> None:
    add("-h", "--help", action="help", help="show this help")
    add("--version", action="version", version=f"seq2seq-demo {__version__}", help="show the version")


def make_parser(command: str | None = None) -> _Parser:
    """Build a parser with the options of one command, or of all commands."""
    parser = _Parser(prog="seq2seq-demo", allow_abbrev=False, add_help=False)
    _set_completions(parser.add_argument("command", nargs="?"), COMMANDS)
    _set_completions(parser.add_argument("arguments", nargs="*"), ())
    _add_help_and_version(parser.add_argument)
    rows = [COMMANDS[command]] if command else COMMANDS.values()
    declared = {name: field for row in rows for name, field in declared_options(row.options).items()}
    for field in declared.values():
        _add_option(parser.add_argument, field)
    return parser


def _help(command: str | None) -> str:
    """Return the help of a command, or the overview: all commands, and the options that they share."""
    if command:
        row = COMMANDS[command]
        usage, description = f"{command} {row.arguments}", f"{row.summary[0].upper()}{row.summary[1:]}."
        description += f"\n{TRAIN_DEFAULTS}" * (command == "train")
        examples = [line for line in EXAMPLES if line.split()[0] == command]
    else:
        rows = [f"\n  {f'{name} {row.arguments}':29}{row.summary}" for name, row in COMMANDS.items()]
        usage, examples = "COMMAND", OVERVIEW_EXAMPLES
        description = f"{OVERVIEW}\n\ncommands (`COMMAND --help` lists the options of a command):{''.join(rows)}"
    parser = argparse.ArgumentParser(
        add_help=False,
        usage=f"seq2seq-demo {usage.strip()} [options]",
        description=description,
        epilog="\n".join(["examples:", *(f"  seq2seq-demo {example}" for example in examples)]),
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=32),
    )
    own = parser.add_argument_group(f"options of {command}, before or after the command")
    shared = parser.add_argument_group("options of every command")
    _add_help_and_version(shared.add_argument)
    shared_options = declared_options(Options)
    for name, field in (declared_options(COMMANDS[command].options) if command else shared_options).items():
        _add_option((shared if name in shared_options else own).add_argument, field)
    return parser.format_help().rstrip()


def _add_option(add: Callable[..., argparse.Action], field: Field[Any]) -> None:
    """Add the option that a field declares; its value is None unless the user gives it."""
    option, kind = declared_option(field), value_type(field)
    keywords: dict[str, Any] = {"action": "store_true" if kind is bool else "count"}
    if kind is bool and field.name in Settings.__annotations__:  # --no-NAME overrides the recipe
        keywords = {"action": argparse.BooleanOptionalAction}
    if option.metavar is not None:
        keywords = {"metavar": option.metavar, "type": _length if field.name == "in_len" else CONVERTERS.get(kind)}
    if field.name == "input_weights":
        keywords["action"] = "append"
    action = add(*option.flags, dest=field.name, default=None, help=option.help, **keywords)
    if field.name == "input_weights":
        action.completer = _complete_weights  # type: ignore[attr-defined]
    elif field.name == "pattern":
        action.completer = _complete_patterns  # type: ignore[attr-defined]
    elif option.choices:
        _set_completions(action, option.choices)


def _set_completions(action: argparse.Action, choices: Collection[str]) -> None:
    """Set the values for shell completion. argparse's `choices` would replace our errors, which suggest a value."""
    action.completer = lambda **_: choices  # type: ignore[attr-defined]  # read by argcomplete


def _complete_patterns(**_: object) -> list[str]:
    from seq2seq_demo.data.patterns import PATTERNS  # loads NumPy

    return [*PATTERNS]


def _complete_weights(prefix: str, **_: object) -> list[str]:
    from argcomplete.completers import FilesCompleter

    return [*file_names.shipped_networks(), *FilesCompleter()(prefix)]


def _converter(expected: str, convert: Callable[[str], Any]) -> Callable[[str], Any]:
    """Wrap a conversion so that its ValueError becomes "expected ..., got ..."."""

    def converted(text: str) -> Any:
        try:
            return convert(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text[:40]!r}") from error

    return converted


def _parse_path(text: str) -> Path:
    if text:
        return Path(text)
    raise ValueError(text)


def _parse_range(text: str) -> int | tuple[int, int]:
    """Parse `7` or a range such as `1-20`."""
    first, dash, last = text.partition("-")
    return (parse_integer(first), parse_integer(last)) if dash and first else parse_integer(text)


_length = _converter("a length or a range such as 1-20", _parse_range)
_path = _converter("the name of a file or directory", _parse_path)


def _lengths(text: str) -> tuple[int, ...]:
    """Parse a list of lengths and ranges such as `5,1-20`, both ends of a range included; drop duplicates."""
    lengths: list[int] = []
    for word in text.split(","):
        length = _length(word)
        first, last = length if isinstance(length, tuple) else (length, length)
        if not first <= last < first + MAX_RANGE:
            expected = f"expected ranges from shortest to longest, of at most {MAX_RANGE} lengths"
            raise argparse.ArgumentTypeError(f"{expected}, got {word}")
        lengths += range(first, last + 1)
    return tuple(dict.fromkeys(lengths))


CONVERTERS: dict[Any, Callable[[str], Any]] = {  # by the type of a field
    int: _converter("an integer", parse_integer),
    float: _converter("a number", float),
    Path: _path,
    Sequence[Path]: _path,  # for each -i
    Sequence[int]: _lengths,
}
