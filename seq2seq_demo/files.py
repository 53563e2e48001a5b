"""Files are written whole or not at all."""

import contextlib
import os
from pathlib import Path


def write(path: Path, content: bytes, overwrite: bool = True) -> None:
    """Write the file beside its place first, then move it there; what a symbolic link points to is replaced.

    Raises:
        FileExistsError: it is there already and `overwrite` is False.
        OSError: it could not be written.
    """
    path = Path(os.path.realpath(path))
    beside = path.with_name(f".{os.getpid()}.tmp")
    try:
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if not overwrite:
            open(path, "xb").close()  # claims the name, or finds it taken
        os.replace(beside, path)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


def why_not_writable(path: Path, kind: str) -> str | None:
    """Return why `write` is going to fail, if that can be known; `kind` says what file was expected."""
    expected = f"{path}: expected a place for {kind}"
    try:
        there = path.exists()
    except OSError as error:  # the name is too long, say
        return f"{expected}: {error.strerror}"
    if there and not path.is_file():
        return f"{expected}, found {'a directory' if path.is_dir() else 'a device or pipe'}"
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        return f"{expected}, but there is no directory {folder}"
    if not os.access(folder, os.W_OK):
        return f"{expected}, but {folder} cannot be written"
    return None
