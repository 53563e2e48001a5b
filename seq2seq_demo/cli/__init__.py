"""The command line: parse argv, run the command, and turn errors into one line and an exit status."""

import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable
from importlib import import_module

from seq2seq_demo.cli.parser import COMMANDS, parse
from seq2seq_demo.commands.options import Options
from seq2seq_demo.console import print_notice, printable, safe_streams
from seq2seq_demo.errors import Interrupted, Seq2SeqError


@safe_streams()
def main(argv: list[str] | None = None, on_start: Callable[[], object] = lambda: None) -> int:
    """Run the program and return its exit status; `on_start` is called after the imports, before the command."""
    options = None
    try:
        options = parse(sys.argv[1:] if argv is None else argv)
        run(options, on_start)
    except BrokenPipeError:  # a reader such as `head` has closed the pipe
        pass
    except KeyboardInterrupt:
        print_notice("seq2seq-demo: interrupted")
        return 128 + signal.SIGINT
    except Exception as error:
        if options and options.verbose >= 2:
            print(printable(traceback.format_exc()), file=sys.stderr)
        kind = "" if isinstance(error, Interrupted) else "error: "
        print_notice(f"seq2seq-demo: {kind}{_error_message(error)}")
        return error.exit_status if isinstance(error, Seq2SeqError) else 1
    return 0


def run(options: Options, on_start: Callable[[], object]) -> None:
    """Import the command, which imports NumPy, and run it. --help and usage errors do not reach this slow import."""
    if "numpy" not in sys.modules:
        # NumPy reads this variable when it is imported. Otherwise, it starts BLAS threads, which takes a quarter of the
        # start-up time, although network/thread_pool.py does not use them.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(100_000)  # frequent collections take a tenth of the run time; sequences have no cycles
    (command,) = (name for name, row in COMMANDS.items() if row.options is type(options))
    module = import_module(f"seq2seq_demo.commands.{command}")
    on_start()  # after the imports: NumPy turns a KeyboardInterrupt during its import into other errors
    getattr(module, command)(options)


def _error_message(error: Exception) -> str:
    message = f"unexpected {type(error).__name__}: {error}"
    if isinstance(error, Seq2SeqError):
        message = str(error)
    elif isinstance(error, OSError) and error.filename is not None:
        message = f"{error.filename}: {error.strerror}"
    elif isinstance(error, OverflowError) and "timestamp" in str(error):
        message = "expected a clock that shows a year before 2262"
    elif isinstance(error, MemoryError):
        message = f"expected more free memory: {error}"
    return " ".join(message.split())
