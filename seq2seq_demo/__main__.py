"""The entry point of `seq2seq-demo` and `python -m seq2seq_demo`. Ctrl-C ends the program without a traceback."""

import signal
import sys

# Until the command runs, Ctrl-C ends the process at once. A shell without job control starts background processes with
# SIGINT ignored, and these processes must keep ignoring it.
if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> int:
    """Run the program and return its exit status."""
    from seq2seq_demo.commands import cli

    try:
        return cli.main()
    except KeyboardInterrupt:  # raised outside the `try` block in `cli.main`
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
