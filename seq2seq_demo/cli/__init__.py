"""The command line: argv → the frozen options of a command → the command; errors → one line and an exit status."""

import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable
from importlib import import_module

from seq2seq_demo.cli.parser import COMMANDS, parse
from seq2seq_demo.commands.options import Options
from seq2seq_demo.display.console import print_notice, printable, safe_streams
from seq2seq_demo.errors import Interrupted, Seq2SeqError


@safe_streams()
def main(argv: list[str] | None = None, on_start: Callable[[], object] = lambda: None) -> int:
    """Run the program, and call `on_start` when all is imported and the command begins; return the exit status."""
    options = None
    try:
        options = parse(sys.argv[1:] if argv is None else argv)
        run(options, on_start)
    except BrokenPipeError:  # the reader of the results, `head` say, has seen enough
        pass
    except KeyboardInterrupt:
        print_notice("seq2seq-demo: interrupted")
        return 128 + signal.SIGINT
    except Interrupted as error:
        print_notice(f"seq2seq-demo: {_in_a_line(error)}")
        return error.exit_status
    except Exception as error:
        if options and options.verbose >= 2:
            print(printable(traceback.format_exc()), file=sys.stderr)
        print_notice(f"seq2seq-demo: error: {_in_a_line(error)}")
        return error.exit_status if isinstance(error, Seq2SeqError) else 1
    return 0


def run(options: Options, on_start: Callable[[], object]) -> None:
    """Call the command; NumPy, which --help and wrong usage do without, is imported with it."""
    if "numpy" not in sys.modules:
        # Read once: threads of BLAS, which network/thread_pool.py keeps away, take a quarter of the start to make.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(100_000)  # sequences and answers are many objects without a cycle: to look for one takes a tenth
    (command,) = (name for name, row in COMMANDS.items() if row.options is type(options))
    module = import_module(f"seq2seq_demo.commands.{command}")
    on_start()  # NumPy turns an exception of Ctrl-C in the middle of its import into errors of its own
    getattr(module, command)(options)


def _in_a_line(error: Exception) -> str:
    """Return what to say of an error."""
    message = f"unexpected {type(error).__name__}: {error}"
    if isinstance(error, Seq2SeqError):
        message = str(error)
    elif isinstance(error, OSError) and error.filename is not None:
        message = f"{error.filename}: {error.strerror}"
    elif isinstance(error, MemoryError):
        message = f"expected more memory to be free: {error}"
    elif isinstance(error, FileNotFoundError):
        message = "expected to run in a directory, but this one was removed"
    return " ".join(message.split())
