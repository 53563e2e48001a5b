"""What a user did or gave wrong. `cli` turns each into one line on standard error and an exit status."""


class Seq2SeqError(Exception):
    """Something failed; the message says what was expected and what was found."""

    exit_status = 1


class UsageError(Seq2SeqError):
    """A wrong option, or a value out of its range."""

    exit_status = 2


class InputError(Seq2SeqError):
    """Sequences that the network cannot read."""


class WeightsError(Seq2SeqError):
    """A weights file that is missing, damaged, or not what the options say."""


class TrainingError(Seq2SeqError):
    """Training could not continue."""


class Interrupted(Seq2SeqError):
    """A signal ended the training: status 130 after Ctrl-C, 143 after SIGTERM."""

    def __init__(self, message: str, signum: int) -> None:
        """Keep the exit status that shells give to a process which the signal ended."""
        super().__init__(message)
        self.exit_status = 128 + signum


def require(is_so: bool, message: str, error_class: type[Exception] = WeightsError) -> None:
    """Raise an error of that class unless it is so."""
    if not is_so:
        raise error_class(message)
