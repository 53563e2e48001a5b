"""The command line: argv → the frozen options of a command → the command; errors → one line and an exit status."""

import os
import sys
import traceback

from seq2seq_demo.cli.parser import parse
from seq2seq_demo.commands.options import EvaluateOptions, Options, PatternsOptions, PredictOptions, TrainOptions
from seq2seq_demo.errors import DemoError, Interrupted


def main(argv: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    options = None
    try:
        options = parse(sys.argv[1:] if argv is None else argv)
        run(options)
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
        return error.exit_status if isinstance(error, DemoError) else 1
    return 0


def run(options: Options) -> None:
    """Call the command; NumPy and h5py, which --help and wrong usage do without, are imported with it."""
    if "numpy" not in sys.modules:
        # Read once: threads of BLAS, which network/parallel.py keeps away, take a quarter of the start to make.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    match options:
        case TrainOptions():
            from seq2seq_demo.commands.train import train

            train(options)
        case PredictOptions():
            from seq2seq_demo.commands.predict import predict

            predict(options)
        case EvaluateOptions():
            from seq2seq_demo.commands.evaluate import evaluate

            evaluate(options)
        case PatternsOptions():
            from seq2seq_demo.commands.patterns import patterns

            patterns(options)


def _in_a_line(error: Exception) -> str:
    """Return what to say of an error."""
    if isinstance(error, DemoError):
        message = str(error)
    elif isinstance(error, OSError):
        message = f"{error.filename or 'standard output'}: {error.strerror}"
    else:
        message = f"unexpected {type(error).__name__}: {error}"
    return " ".join(message.split())
