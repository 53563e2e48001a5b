"""The errors that a user can cause. The command line prints an error as one line and exits with its `exit_status`."""


class Seq2SeqError(Exception):
    """The base class of all errors; the message for a wrong value states the expected and the actual value."""

    exit_status = 1


class UsageError(Seq2SeqError, ValueError):
    """A wrong option or argument, or a value out of range."""

    exit_status = 2


class InputError(Seq2SeqError, ValueError):
    """Sequences or pairs that are invalid, or that the network cannot read.

    `row` is the index of the sequence or pair, counted from 0, or None for other errors.
    """

    row: int | None = None


class MissingInput(InputError, FileNotFoundError):
    """A file of sequences that does not exist."""


class WeightsError(Seq2SeqError, ValueError):
    """A weights file that is missing or damaged, or that contradicts the options."""


class MissingWeights(WeightsError, FileNotFoundError):
    """A weights file that does not exist."""


class TrainingError(Seq2SeqError, RuntimeError):
    """A training run that cannot continue."""


class Interrupted(Seq2SeqError):
    """A signal ended the training. As in shells, the exit status is 128 + signum: 130 for Ctrl-C, 143 for SIGTERM."""

    def __init__(self, message: str, signum: int) -> None:
        super().__init__(message)
        self.exit_status = 128 + signum


def require_tensorflow() -> None:
    """Raise TrainingError if TensorFlow or Keras is not installed."""
    from importlib.util import find_spec  # this import takes longer than the rest of this file

    if not (find_spec("tensorflow") and find_spec("keras")):
        fix = "`pip install tensorflow` (Python 3.11 to 3.13 on Linux, Windows (x86-64) or macOS (Apple silicon))"
        raise TrainingError(f"Training needs TensorFlow and Keras, which are not installed: {fix}")


def system_reason(error: OSError) -> str:
    """Return the system's description of an error, in lower case."""
    return (error.strerror or str(error)).lower()


def require(condition: bool, message: str, error_class: type[Exception] = WeightsError) -> None:
    """Raise `error_class` with this message if the condition is false."""
    if not condition:
        raise error_class(message)
