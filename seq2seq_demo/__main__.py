"""Entry point of `seq2seq-demo` and `python -m seq2seq_demo`. Ctrl-C ends the program without a traceback."""

import signal
import sys
from typing import Any

# A shell without job control starts background processes with SIGINT ignored. They must keep ignoring it.
HANDLES_SIGINT = signal.getsignal(signal.SIGINT) == signal.default_int_handler


def main() -> int:
    """Run the program and return its exit status."""
    from seq2seq_demo.commands import cli

    try:
        return cli.main(on_start=lambda: _handle_sigint(signal.default_int_handler))
    except KeyboardInterrupt:  # raised outside the `try` of `cli.main`
        return 128 + signal.SIGINT
    finally:
        _handle_sigint(signal.SIG_DFL)


def _handle_sigint(handler: Any) -> None:
    if HANDLES_SIGINT:
        signal.signal(signal.SIGINT, handler)


_handle_sigint(signal.SIG_DFL)  # the process ends at once, while Python or this program starts or ends
if __name__ == "__main__":
    sys.exit(main())
