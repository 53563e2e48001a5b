"""Parses the command line, runs the command, and turns an error into one line and an exit status.

No other module imports argparse.
"""

import argparse
import contextlib
import functools
import gc
import io
import os
import signal
import sys
import textwrap
import traceback
from collections.abc import Callable, Collection, Sequence
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from seq2seq_demo import __version__
from seq2seq_demo.commands.command_table import ALL, COMMANDS, Command
from seq2seq_demo.commands.options import Options
from seq2seq_demo.config import SETTINGS
from seq2seq_demo.console import print_error, printable, show_notices
from seq2seq_demo.declarations import Setting, declared_options, did_you_mean, parse_integer, require_choice
from seq2seq_demo.errors import Interrupted, Seq2SeqError, UsageError, system_reason
from seq2seq_demo.files import file_names

MAX_RANGE = 1000  # maximum number of lengths in one range of `evaluate --in-len`
OVERVIEW = "Train small sequence-to-sequence networks and see what they learn."
TRAIN_DEFAULTS = """

The defaults below are for patterns. For a FILE of pairs, the program
chooses settings that suit them and prints them."""
EXAMPLES = (  # the help for a command shows the examples that begin with its name, the main help the first two
    "train 100000 -p reversed -m embedding_attention -r 0.005 --lr-schedule cosine -e 2 -o weights.h5",
    "predict -i weights.h5 3 1 4 1 5 9 2 6 5 3",
    "train 400000 -p reversed -m embedding_attention -r 0.005 --lr-schedule cosine -e 3 --in-len 1-20",
    "train words.tsv --in-tokens characters --out-tokens words -o words.h5",
    "predict -m embedding_attention 3 1 4 1 5 9 2 6 5 3 --show-attention",
    "predict -i weights.h5 --from-file inputs.jsonl --json",
    "predict -i g2p hello --beam-size 5 --n-best 3",
    "evaluate -i weights.h5 --in-len 5,10-20",
    "evaluate -i words.h5 test.tsv",
    "page -i g2p hello through -o g2p.html",
    "page --gallery pages",
    "patterns -p my_patterns.py:my_function",
    "networks",
)
REMOVED = {  # options of earlier versions, and what to do instead
    "--members": "--members was removed in 0.6.0: train once for each --seed, then give each weights file with -i",
    "--minutes": "--minutes was removed in 0.6.0: -e sets the number of epochs; --resume continues after Ctrl-C",
    "--jobs": "--jobs was removed in 0.6.0: `train` commands with different seeds can run at the same time",
}


def main(argv: list[str] | None = None) -> int:
    """Run the program and return its exit status."""
    options = None
    if isinstance(sys.stdout, io.TextIOWrapper):  # escape what the locale cannot encode, as standard error does
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        command, options = parse(sys.argv[1:] if argv is None else argv)
        with show_notices(options.quiet):
            run(command, options)
    except BrokenPipeError:  # a reader such as `head` has closed the pipe
        pass
    except (KeyboardInterrupt, Exception) as error:
        if _is_interruption(error):
            print_error("seq2seq-demo: interrupted")
            return 128 + signal.SIGINT
        if options and options.verbose >= 2:
            print(printable(traceback.format_exc()), file=sys.stderr)
        kind = "" if isinstance(error, Interrupted) else "error: "
        print_error(f"seq2seq-demo: {kind}{_error_message(error)}")
        return error.exit_status if isinstance(error, Seq2SeqError) else 1
    return 0


def run(command: str, options: Options) -> None:
    """Import the command's module, which loads NumPy, and run the command. --help and usage errors do neither."""
    if "numpy" not in sys.modules:
        # By default, importing NumPy starts BLAS threads, which takes a quarter of the start-up time.
        # network/thread_pool.py does not use these threads.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(100_000)  # frequent collections would take a tenth of the run time; sequences contain no cycles
    module = import_module(f"seq2seq_demo.commands.{COMMANDS[command].module or command}")
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:  # set in `__main__.py`
        # Only after the imports, because NumPy turns a KeyboardInterrupt during its import into other errors.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    getattr(module, command)(options)


def _is_interruption(error: BaseException | None) -> bool:
    """Whether this is a KeyboardInterrupt, or an unexpected error that arose while one was being handled."""
    if error is None or isinstance(error, Seq2SeqError):
        return False
    return isinstance(error, KeyboardInterrupt) or _is_interruption(error.__context__)


def _error_message(error: BaseException) -> str:
    message = f"unexpected {type(error).__name__}: {error}"
    if isinstance(error, Seq2SeqError):
        message = str(error)
    elif isinstance(error, OSError) and error.filename is not None:
        message = f"{error.filename}: {system_reason(error)}"
    elif isinstance(error, MemoryError):
        message = f"out of memory: {error}".removesuffix(": ")
    return " ".join(message.split())


# ---- Parsing ----


def parse(argv: Sequence[str]) -> tuple[str, Options]:
    """Parse the command line into a command and its options.

    Raises:
        UsageError: the command or an option is unknown, or a value is out of range.
        SystemExit: the help or the version was printed.
    """
    if "_ARGCOMPLETE" in os.environ:  # the shell asks for completions
        import argcomplete

        command, _ = _split(os.environ["COMP_LINE"].split())
        argcomplete.autocomplete(make_parser(command, completes=True), always_complete_options=False)
    command, words = _split(argv or ["--help"])
    namespace, unknown = make_parser(command).parse_known_intermixed_args(words)
    if command is None and words and not words[0].startswith("-"):
        require_choice("command", words[0], COMMANDS)
    for word in unknown:
        if word.startswith("-"):
            _reject(word.partition("=")[0][:40], command)
    if command is None:
        raise UsageError(f"expected a command, one of {', '.join(COMMANDS)}; see --help")
    if unknown:
        raise UsageError(f"{command} takes no further arguments, got {unknown[0][:40]!r}")
    values = vars(namespace).items()
    given: dict[str, Any] = {name: tuple(x) if isinstance(x, list) else x for name, x in values if x is not None}
    for word in given.pop("words", ()) if "[FILE]" in COMMANDS[command].arguments else ():
        name, value = "from_file", word
        with contextlib.suppress(ValueError):
            name, value = "points", parse_integer(word)
        if name in given:
            raise UsageError(f"{command} takes at most one number and one file, also got {value!r}; -i reads weights")
        given[name] = value
    if command == "predict" and (given["words"] == ("-",) or not (given["words"] or sys.stdin.isatty())):
        del given["words"]
        given.setdefault("from_file", "-")
    options_class = COMMANDS[command].options
    own = {field.name: given.pop(field.name) for field in fields(options_class) if field.name in given}
    return command, options_class(settings=given, typed=tuple(words), **own)


def _split(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """Split off the command: the first word that names a command and is not the value of an option."""
    declared = [option for row in COMMANDS.values() for option in row.declared.values()]
    takes_value = {flag for option in declared if option.metavar for flag in option.flags}
    for n, word in enumerate(words):
        if word in COMMANDS and (n == 0 or words[n - 1] not in takes_value):
            return word, [*words[:n], *words[n + 1 :]]
    return None, [*words]


def _reject(flag: str, command: str | None) -> None:
    """Raise UsageError for an option that was removed, is unknown or belongs only to other commands, with a hint."""
    if flag in REMOVED:
        raise UsageError(REMOVED[flag])
    owners = [name for name, row in COMMANDS.items() for option in row.declared.values() if flag in option.flags]
    hint = "; see --help"
    if command in ("predict", "evaluate") and flag in ("-o", "--output", "--output-weights"):
        hint = "; > FILE saves the output"
    if owners and command:
        raise UsageError(f"{flag} is an option of {', '.join(owners)}, not of {command}{hint}")
    if not owners:
        own = COMMANDS[command].declared.values() if command else ()
        raise UsageError(f"unknown option {flag}{did_you_mean(flag, [option.flags[-1] for option in own]) or hint}")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise UsageError; by default, argparse would print two lines and exit."""
        raise UsageError(message)


def make_parser(command: str | None = None, completes: bool = False) -> _Parser:
    """Build the parser for a command's arguments or, without a command, for the options that all commands share.

    If `completes`, the parser also accepts the command itself, for completion in the shell.
    """
    if command:
        row = COMMANDS[command]
        usage = f"{command} {row.arguments}"
        description = f"{row.summary[0].upper()}{row.summary[1:]}.{TRAIN_DEFAULTS if command == 'train' else ''}"
        examples = tuple(line for line in EXAMPLES if line.split()[0] == command)
    else:
        row, usage, examples = Command(Options, "", OVERVIEW, groups={}), "COMMAND", EXAMPLES[:2]
        lines = [f"\n  {f'{name} {other.arguments}':29}{other.summary}" for name, other in COMMANDS.items()]
        description = f"{OVERVIEW}\n\ncommands (`COMMAND --help` lists the options of a command):{''.join(lines)}"
    parser = _Parser(
        prog="seq2seq-demo",
        usage=f"seq2seq-demo {usage.strip()} [options]",
        description=description,
        epilog="\n".join(["examples:", *map(_wrapped, examples)]),
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=32),
        allow_abbrev=False,
        add_help=False,
    )
    if completes or row.arguments:
        action = parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
        action.completer = lambda **_: () if command else COMMANDS  # type: ignore[attr-defined]
    unlisted = row.declared
    for heading, names in {**row.groups, ALL: [*row.groups.get(ALL, ()), *declared_options(Options)]}.items():
        add = parser.add_argument_group(heading).add_argument
        for name in names:
            _add_option(add, unlisted.pop(name))
    add("-h", "--help", action="help", help="show this help")
    version = argparse.SUPPRESS if command else "show the version"
    add("-V", "--version", action="version", version=f"seq2seq-demo {__version__}", help=version)
    for option in unlisted.values():
        _add_option(parser.add_argument, option._replace(help=argparse.SUPPRESS))
    return parser


def _wrapped(example: str) -> str:
    """Return the command line of an example, on lines that a shell joins and that fit into 80 columns."""
    return "  " + " \\\n      ".join(textwrap.wrap(f"seq2seq-demo {example}", 72, break_on_hyphens=False))


def _add_option(add: Callable[..., argparse.Action], option: Setting) -> None:
    """Add a declared option; its value is None unless the user gives the option."""
    keywords: dict[str, Any] = {"action": "store_true" if option.kind is bool else "count"}
    if option.kind is bool and option.name in SETTINGS:  # --no-NAME overrides the recipe
        keywords = {"action": argparse.BooleanOptionalAction}
    if option.metavar is not None:
        keywords = {"metavar": option.metavar, "type": CONVERTERS.get(option.kind)}
    if option.aliases:
        keywords["type"] = lambda text: option.aliases.get(text, text)
    if option.kind == Sequence[Path]:
        keywords["action"] = "append"
    action = add(*option.flags, dest=option.name, default=None, help=option.help, **keywords)
    if option.choices or option.name in ("input_weights", "pattern"):
        # argcomplete reads this attribute. With argparse's `choices`, errors would not suggest a value, as ours do.
        action.completer = functools.partial(_completions, option)  # type: ignore[attr-defined]


def _completions(option: Setting, prefix: str, **_: object) -> Collection[str]:
    """Return possible values of an option, including files for weights; argcomplete calls this function."""
    if option.name == "pattern":
        from seq2seq_demo.data.patterns import PATTERNS  # loads NumPy

        return [*PATTERNS]
    if option.name == "input_weights":
        from argcomplete.completers import FilesCompleter

        return [*file_names.shipped_networks(), *FilesCompleter()(prefix)]
    return option.choices


def _converter(expected: str, convert: Callable[[str], Any]) -> Callable[[str], Any]:
    """Wrap a conversion so that its ValueError becomes "expected ..., got ..."."""

    def converted(text: str) -> Any:
        try:
            return convert(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text[:40]!r}") from error

    return converted


def _parse_range(text: str) -> int | tuple[int, int]:
    """Parse a length such as `7` or a range such as `1-20`."""
    first, dash, last = text.partition("-")
    return (parse_integer(first), parse_integer(last)) if dash and first else parse_integer(text)


def _parse_lengths(text: str) -> tuple[int, ...]:
    """Parse a list of lengths and inclusive ranges, such as `5,1-20`, and drop duplicates."""
    lengths: list[int] = []
    for word in text.split(","):
        length = _parse_range(word)
        first, last = length if isinstance(length, tuple) else (length, length)
        if not 1 <= first <= last < first + MAX_RANGE:
            raise ValueError(word)
        lengths += range(first, last + 1)
    return tuple(dict.fromkeys(lengths))


LENGTHS = f"lengths of at least 1, and ranges of at most {MAX_RANGE} lengths, as in 5,10-20"
CONVERTERS: dict[Any, Callable[[str], Any]] = {  # by the type of the field
    int: _converter("an integer", parse_integer),
    int | tuple[int, int]: _converter("a length or a range such as 1-20", _parse_range),
    float: _converter("a number", float),
    Path: Path,
    Sequence[Path]: Path,  # for each -i
    Sequence[int]: _converter(LENGTHS, _parse_lengths),
}
