"""Reads whole files, and writes files atomically: completely or not at all. This module writes all results."""

import contextlib
import errno
import io
import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

from seq2seq_demo.errors import MissingWeights, Seq2SeqError, WeightsError, system_reason

try:
    import fcntl
except ImportError:  # Windows, which also cannot rename, replace or remove an open file
    fcntl = None  # type: ignore[assignment]

# For each kind of output, a pattern that matches this program's files from their first byte. A document that embeds one
# of our pictures does not match, because the program's name is elsewhere in the document.
OWN_FILES = {
    # Until version 3, snapshots and recordings of training runs began like weights files.
    "a weights file": rb'seq2seq-demo weights \d+\n(?!.*("progress": \{"|"steps_per_epoch"))',
    "a history": rb'\[\n  \{\n    "epoch": 1,\n    "step": \d+,\n    "loss": ',
    "a page": rb'<!DOCTYPE html>\n.{,60}<meta name="generator" content="seq2seq-demo">|// A network of seq2seq-demo',
    "a picture": rb"\x89PNG.{33}tEXtSoftware\0seq2seq-demo"
    rb"|<\?xml(?:(?!</metadata>).){,2000}<cc:Agent>\s+<dc:title>seq2seq-demo<"
    rb"|%PDF.*/Creator \(seq2seq-demo\) /Producer [^)]*\) >>\nendobj\nxref",
}


def open_regular(path: Path, kind: str) -> BinaryIO:
    """Open a regular file for reading; `kind` describes the expected file in errors.

    Raises:
        WeightsError: the file does not exist, cannot be opened, or is a directory, a device or a pipe.
    """
    try:
        if stat.S_ISREG(os.stat(path).st_mode):
            return path.open("rb")
    except FileNotFoundError as error:
        raise MissingWeights(f"{path}: no such file") from error
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {system_reason(error)}") from error
    raise WeightsError(f"{path}: expected {kind}, got a directory, device or pipe")


def read(path: Path, kind: str) -> bytes:
    """Return the content of a regular file; raise WeightsError as `open_regular` does."""
    with open_regular(path, kind) as file:
        return file.read()


def write(path: Path, content: bytes, overwrite: bool = True, error_class: type[Seq2SeqError] = Seq2SeqError) -> None:
    """Write a file as `write_locked` does, but with `overwrite`, replace the file that a symbolic link points to."""
    write_locked(Path(os.path.realpath(path)) if overwrite else path, content, overwrite, error_class).close()


def write_locked(path: Path, content: bytes, overwrite: bool, error_class: type[Seq2SeqError]) -> BinaryIO:
    """Write a file atomically, never through a symbolic link; return the file, which is locked until it is closed.

    The content is written to a temporary file in the same directory and flushed to disk before it is renamed. If the
    program is killed earlier, the temporary file `.seq2seq-demo-….tmp` remains. On Windows, return an empty stream.

    Raises:
        FileExistsError: the path exists and `overwrite` is False.
        error_class: the file could not be written.
    """
    temporary, file = path.with_name(f".seq2seq-demo-{os.urandom(8).hex()}.tmp"), None
    try:
        file = temporary.open("xb")  # fails if the name exists, even as a symbolic link
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        _lock(file)
        (os.replace if overwrite else _rename_to_unused)(temporary, path)
        _flush_directory(path.parent)
    except BaseException as error:
        if file:
            file.close()
        if isinstance(error, OSError) and not isinstance(error, FileExistsError):
            raise error_class(f"cannot write {path}: {system_reason(error)}") from error
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return file if fcntl else io.BytesIO()


def _rename_to_unused(temporary: Path, path: Path) -> None:
    """Rename a file, or raise FileExistsError if the path exists."""
    try:
        os.link(temporary, path)
    except OSError:  # the path exists, or the file system has no hard links
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        os.replace(temporary, path)


def _flush_directory(folder: Path) -> None:
    """Make the names in a directory survive a power failure, if the file system supports it."""
    with contextlib.suppress(OSError):  # Windows cannot open a directory
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _lock(file: BinaryIO) -> bool:
    """Lock an open file until it is closed; return False if another process has locked it.

    On Windows, where an open file cannot be replaced, close it instead.
    """
    if not fcntl:
        file.close()
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:  # other errors mean that the file system has no locks
        return error.errno != errno.EAGAIN
    return True


def open_locked(path: Path, kind: str) -> BinaryIO:
    """Open a regular file and lock it until it is closed. On Windows, return an empty stream.

    Raises:
        WeightsError: `open_regular` failed, or another process has locked, replaced or removed the file.
    """
    file = open_regular(path, kind)
    status = os.fstat(file.fileno())
    with contextlib.suppress(OSError):
        if _lock(file) and os.path.samestat(os.lstat(path), status):
            return file if fcntl else io.BytesIO()
    file.close()
    raise WeightsError(f"{path}: another process is using this file")


def check_writable(path: Path, kind: str, error_class: type[Seq2SeqError] = Seq2SeqError) -> None:
    """Raise `error_class` if `write` is certain to fail; `kind` describes the file to be written."""
    folder = os.path.dirname(os.path.realpath(path))
    if not (os.path.isdir(folder) and os.access(folder, os.W_OK)):
        raise error_class(f"cannot write {path}: there is no writable directory {folder}")
    if os.path.exists(path) and not os.path.isfile(path):
        raise error_class(f"{path}: expected {kind}, got a directory, device or pipe")


def check_replaceable(path: Path, kind: str, force: bool, error_class: type[Seq2SeqError] = Seq2SeqError) -> None:
    """Raise `error_class` if `write` is certain to fail, or if it would replace another program's file.

    An empty file or a file of this `kind` (a key of OWN_FILES) may be replaced; with `force`, any file may be replaced.
    """
    check_writable(path, kind, error_class)
    if force or not path.exists():
        return
    with contextlib.suppress(OSError, Seq2SeqError):
        content = read(path, kind)
        if not content or is_own(content, kind):
            return
    raise error_class(f"{path} already exists and is not {kind} that this program wrote")


def is_own(content: bytes, kind: str) -> bool:
    """Whether this is the content of a file of this `kind` (a key of OWN_FILES) that this program wrote."""
    return re.match(OWN_FILES[kind], content, re.DOTALL) is not None
