"""Files are read whole, and written whole or not at all. Every file that the program writes is written here."""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from seq2seq_demo import system_memory
from seq2seq_demo.errors import Seq2SeqError


def open_regular(path: Path, kind: str, error_class: type[Seq2SeqError] = Seq2SeqError) -> BinaryIO:
    """Open a regular file to read; `kind` says what file was expected.

    Raises:
        Seq2SeqError: there is none, or a device or pipe, which may never end; of the class given.
    """
    try:
        # Without O_NONBLOCK, opening a pipe waits for somebody to write into it.
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb")
    except FileNotFoundError as error:
        raise error_class(f"{path}: expected {kind}, found none") from error
    except OSError as error:
        raise error_class(f"{path}: expected {kind}, got: {error.strerror}") from error
    except ValueError as error:  # a NUL in the name
        raise error_class(f"{path}: expected {kind}, got a name that no file can have") from error
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise error_class(f"{path}: expected {kind}, found a device or pipe")


def read(path: Path, kind: str, error_class: type[Seq2SeqError] = Seq2SeqError) -> bytes:
    """Return what a regular file holds, or raise an error as `open_regular` does."""
    with open_regular(path, kind, error_class) as file:
        return content_of(file)


def content_of(file: BinaryIO) -> bytes:
    """Return all that an open regular file holds.

    Raises:
        Seq2SeqError: that does not fit into this machine's memory, or cannot be read.
    """
    size = os.fstat(file.fileno()).st_size
    if 2 * size > system_memory.total():  # it is held as it is and as what it means
        fits = f"fits twice into {system_memory.gib(system_memory.total())} of memory"
        raise Seq2SeqError(f"expected a file that {fits}, got one of {system_memory.gib(size)}")
    file.seek(0)
    return file.read()


def write(path: Path, content: bytes, overwrite: bool = True, error_class: type[Seq2SeqError] = Seq2SeqError) -> None:
    """Write a file whole or not at all; where the path is a symbolic link, the file that it names is replaced.

    Raises:
        FileExistsError: it is there already and `overwrite` is False.
        Seq2SeqError: it could not be written; of the class given.
    """
    try:
        write_locked(Path(os.path.realpath(path)) if overwrite else path, content, overwrite).close()
    except FileExistsError:
        raise
    except OSError as error:
        raise error_class(f"{path}: could not be written: {error.strerror or error}") from error


def write_locked(path: Path, content: bytes, overwrite: bool = True) -> BinaryIO:
    """Write a file whole or not at all, never through a symbolic link; return it, open and locked (see `lock`).

    What is written has a name of its own in the same directory until all of it is on the disk. If the program is killed
    before, that file, `.seq2seq-demo-….tmp`, stays.

    Raises:
        FileExistsError: something is there already and `overwrite` is False.
        OSError: it could not be written.
    """
    temporary = path.with_name(f".seq2seq-demo-{os.urandom(8).hex()}.tmp")
    # O_EXCL fails where there is anything of that name, a link too.
    file = os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb")
    try:
        with contextlib.suppress(OSError):  # there is none yet, or the file system has no modes
            os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode) & 0o777)
        lock(file)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        if overwrite:
            os.replace(temporary, path)
        else:
            _claim(temporary, path)
        _flush_directory(path.parent)
    except BaseException:
        file.close()
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return file


def _claim(temporary: Path, path: Path) -> None:
    """Give a file the name `path`, or raise FileExistsError where something has it."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # FAT, say, has no links: there, one process at a time looks whether the name is free
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            os.rename(temporary, path)
        finally:
            os.close(folder)


def _flush_directory(folder: Path) -> None:
    """Make the names in a directory outlast a power failure, where the file system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def lock(file: BinaryIO) -> bool:
    """Lock an open file unless somebody else has, and say whether it is ours now.

    The kernel unlocks it when it is closed, or whatever ends the process.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:  # of another kind, where the file system has no locks
        return not isinstance(error, BlockingIOError)
    return True


def open_locked(path: Path, kind: str, error_class: type[Seq2SeqError] = Seq2SeqError) -> BinaryIO:
    """Open a regular file to read, and lock it.

    Raises:
        Seq2SeqError: as `open_regular`; or somebody else has locked it, or put another in its place.
    """
    file = open_regular(path, kind, error_class)
    if lock(file) and is_at(path, file):
        return file
    file.close()
    raise error_class(f"{path}: expected {kind}, but this one is still being written by another process")


def is_at(path: Path, file: BinaryIO) -> bool:
    """Say whether the path still names that open file."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(file.fileno()))
    except OSError:
        return False


def check_writable(path: Path, kind: str, error_class: type[Seq2SeqError] = Seq2SeqError) -> None:
    """Raise an error if it can be known beforehand that `write` would fail; `kind` says what file was expected."""
    obstacle = _obstacle(path)
    if obstacle:
        raise error_class(f"{path}: expected a place for {kind}{obstacle}")


def require_replaceable(
    path: Path, is_ours: Callable[[BinaryIO], bool], expected: str, error_class: type[Seq2SeqError] = Seq2SeqError
) -> None:
    """Raise an error if a file with content of another kind is there: most likely it is data, and would be lost."""
    if path.is_file() and os.access(path, os.R_OK):  # else `check_writable` says what is wrong
        with path.open("rb") as file:
            is_empty = os.fstat(file.fileno()).st_size == 0
            if not (is_empty or is_ours(file)):
                raise error_class(f"{path}: expected {expected}, found another kind of file")


def _obstacle(path: Path) -> str | None:
    """Return why nothing can be written there, if that can be known."""
    try:
        folder = Path(os.path.realpath(path)).parent
    except (FileNotFoundError, ValueError) as error:  # or there is a NUL in the name
        return f": {getattr(error, 'strerror', None) or error}"
    try:
        if not stat.S_ISREG(mode := os.stat(path).st_mode):
            return f", found {'a directory' if stat.S_ISDIR(mode) else 'a device or pipe'}"
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:  # the name is too long, say
        return f": {error.strerror}"
    if not folder.is_dir():
        return f", but there is no directory {folder}"
    if not os.access(folder, os.W_OK):
        return f", but {folder} cannot be written"
    return None


def are_one_file(path: Path, other: Path) -> bool:
    """Say whether two paths name one file, or would if it were there."""
    try:
        return os.path.samefile(path, other)
    except (OSError, ValueError):
        return os.path.realpath(path) == os.path.realpath(other)


def is_standard_input(path: Path) -> bool:
    """Say whether the path names the file that standard input comes from."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(0))
    except (OSError, ValueError):
        return False
