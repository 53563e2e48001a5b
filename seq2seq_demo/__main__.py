"""`python -m seq2seq_demo` is `seq2seq-demo`; Ctrl-C ends both without a traceback, from the first imports on."""

import os
import signal
import sys
from collections.abc import Callable

HEEDED = signal.getsignal(signal.SIGINT) == signal.default_int_handler  # or it is ignored, in the background


def main() -> int:
    """Run the program; return its exit status."""
    from seq2seq_demo import cli

    try:
        return cli.main(on_start=lambda: _on_ctrl_c(signal.default_int_handler))
    except KeyboardInterrupt:  # just before or after what `cli.main` guards
        return 128 + signal.SIGINT
    finally:
        _on_ctrl_c(_stop)


def _on_ctrl_c(handler: Callable[..., object]) -> None:
    if HEEDED:
        signal.signal(signal.SIGINT, handler)


def _stop(*_: object) -> None:
    os._exit(128 + signal.SIGINT)


_on_ctrl_c(_stop)
if __name__ == "__main__":
    sys.exit(main())
