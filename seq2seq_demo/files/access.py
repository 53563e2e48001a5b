"""Files are read whole, and written whole or not at all."""

import contextlib
import os
from pathlib import Path

from seq2seq_demo.errors import DemoError


def read(path: Path, kind: str, error_class: type[DemoError] = DemoError) -> bytes:
    """Return a file's content, or raise an error; `kind` says what file was expected."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise error_class(f"{path}: expected {kind}, found none") from error
    except OSError as error:
        raise error_class(f"{path}: expected {kind}, got: {error.strerror}") from error


def write(path: Path, content: bytes, overwrite: bool = True) -> None:
    """Write a temporary file in the same directory, then rename it; what a symbolic link points to is replaced.

    Raises:
        FileExistsError: it is there already and `overwrite` is False.
        OSError: it could not be written.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if not overwrite:
            open(path, "xb").close()  # claims the name, or finds it taken
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def check_writable(path: Path, kind: str, error_class: type[DemoError] = DemoError) -> None:
    """Raise an error if it can be known beforehand that `write` would fail; `kind` says what file was expected."""
    obstacle = _obstacle(path)
    if obstacle:
        raise error_class(f"{path}: expected a place for {kind}{obstacle}")


def _obstacle(path: Path) -> str | None:
    """Return why nothing can be written there, if that can be known."""
    try:
        exists = path.exists()
    except OSError as error:  # the name is too long, say
        return f": {error.strerror}"
    if exists and not path.is_file():
        return f", found {'a directory' if path.is_dir() else 'a device or pipe'}"
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        return f", but there is no directory {folder}"
    if not os.access(folder, os.W_OK):
        return f", but {folder} cannot be written"
    return None
