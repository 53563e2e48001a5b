"""Read whole files, and write files atomically: completely or not at all. All output files are written here."""

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from seq2seq_demo import system_memory
from seq2seq_demo.errors import Seq2SeqError, require

try:
    import fcntl
except ImportError:  # Windows, which also can neither rename, replace nor remove an open file
    fcntl = None  # type: ignore[assignment]

# Without O_NONBLOCK, opening a pipe blocks until a writer opens it. Without O_BINARY, Windows converts the content.
FLAGS = [getattr(os, name, 0) for name in ("O_RDONLY", "O_NONBLOCK", "O_NOCTTY", "O_BINARY")]
# For each kind of output, a pattern that matches the files of this program from their first byte. A document that
# embeds one of our pictures does not match, because the program's name is at another place.
OWN_FILES = {
    # Until version 3, snapshots and recordings begin as weights files do.
    "a weights file": rb'seq2seq-demo weights \d+\n(?!.*("progress": \{"|"steps_per_epoch"))',
    "a recording": rb'seq2seq-demo (recording|weights \d+\n.*"steps_per_epoch")',
    "a history": rb'\[\n  \{\n    "epoch": 1,\n    "step": \d+,\n    "loss": ',
    "a page": rb'<!DOCTYPE html>\n.{,60}<meta name="generator" content="seq2seq-demo">|// A network of seq2seq-demo',
    "a picture": rb"\x89PNG.{33}tEXtSoftware\0seq2seq-demo"
    rb"|<\?xml(?:(?!</metadata>).){,2000}<cc:Agent>\s+<dc:title>seq2seq-demo<"
    rb"|%PDF.*/Creator \(seq2seq-demo\) /Producer [^)]*\) >>\nendobj\nxref",
}


LOCK = b"seq2seq-demo lock\n"  # the content of a lock


class HeldFile(contextlib.AbstractContextManager["HeldFile"]):
    """A file that stays open, and locked if it was, until `close`. On Windows, it is closed from the start."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._status = file, os.fstat(file.fileno())
        if fcntl is None:
            file.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def is_at(self, path: Path) -> bool:
        """Whether the path names this file."""
        return _names(path, self._status)


def open_regular(path: Path, kind: str, error_class: type[Seq2SeqError] = Seq2SeqError) -> BinaryIO:
    """Open a regular file for reading; `kind` describes the expected file in errors.

    Raises:
        error_class: the file does not exist, cannot be opened, or is a device or pipe, which may never end.
    """
    try:
        file = os.fdopen(os.open(path, sum(FLAGS)), "rb")
    except FileNotFoundError as error:
        raise error_class(f"{path}: expected {kind}, found none") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise error_class(f"{path}: expected {kind}, got: {getattr(error, 'strerror', None) or error}") from error
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise error_class(f"{path}: expected {kind}, found a device or pipe")


def read(path: Path, kind: str, error_class: type[Seq2SeqError] = Seq2SeqError) -> bytes:
    """Return the content of a regular file.

    Raises:
        error_class: as in `open_regular`; or the file is larger than half of this machine's memory, or cannot be read.
    """
    with open_regular(path, kind, error_class) as file:
        size = os.fstat(file.fileno()).st_size
        if 2 * size > system_memory.total():  # both the bytes and the parsed content are in memory
            expected = f"expected at most half of the memory of {system_memory.gib(system_memory.total())}"
            raise error_class(f"{path}: {expected}, got a file of {system_memory.gib(size)}")
        try:
            return file.read()
        except OSError as error:
            raise error_class(f"{path}: expected {kind}, got: {error.strerror}") from error


def write(path: Path, content: bytes, overwrite: bool = True, error_class: type[Seq2SeqError] = Seq2SeqError) -> None:
    """Write a file atomically. If the path is a symbolic link, replace the file that it names.

    Raises:
        FileExistsError: the file exists and `overwrite` is False.
        error_class: the file could not be written.
    """
    try:
        write_locked(Path(os.path.realpath(path)) if overwrite else path, content, overwrite).close()
    except FileExistsError:
        raise
    except OSError as error:
        raise error_class(f"{path}: could not be written: {error.strerror or error}") from error


def write_locked(path: Path, content: bytes, overwrite: bool = True) -> HeldFile:
    """Write a file atomically, never through a symbolic link; return it, open and locked (see `lock`).

    The content goes to a temporary file in the same directory and is flushed to disk before it gets its name. If the
    program is killed earlier, the temporary file `.seq2seq-demo-….tmp` remains.

    Raises:
        FileExistsError: the path exists and `overwrite` is False.
        OSError: the file could not be written.
    """
    temporary = path.with_name(f".seq2seq-demo-{os.urandom(8).hex()}.tmp")
    file = temporary.open("xb")  # fails if the name exists, even as a symbolic link
    try:
        with contextlib.suppress(OSError, AttributeError):  # the file is new, or the system has no modes
            os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode) & 0o777)
        lock(file)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        held = HeldFile(file)
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
    return held


def _claim(temporary: Path, path: Path) -> None:
    """Rename a file to `path`, or raise FileExistsError if the path exists."""
    try:
        os.link(temporary, path)
    except FileExistsError as error:  # which names the temporary file, too
        raise FileExistsError(*error.args, str(path)) from None
    except OSError:  # no hard links, as on FAT: lock the folder, check the name, then rename
        if fcntl is None:
            os.rename(temporary, path)  # on Windows, this fails if the path exists
            return
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            os.rename(temporary, path)
        finally:
            os.close(folder)


def _flush_directory(folder: Path) -> None:
    """Make the names in a directory survive a power failure, if the file system supports it."""
    with contextlib.suppress(OSError):  # Windows cannot open a directory
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def lock(file: BinaryIO) -> bool:
    """Try to lock an open file; return False if another process holds the lock.

    The kernel releases the lock when the file is closed or the process ends. On Windows, there are no locks.
    """
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:  # other errors: the file system has no locks
        return error.errno != errno.EAGAIN
    return True


def open_locked(path: Path, kind: str, error_class: type[Seq2SeqError] = Seq2SeqError) -> HeldFile:
    """Open a regular file for reading and lock it.

    Raises:
        error_class: as in `open_regular`; or another process has locked or replaced the file.
    """
    file = open_regular(path, kind, error_class)
    if lock(file) and _names(path, os.fstat(file.fileno())):
        return HeldFile(file)
    file.close()
    raise error_class(f"{path}: expected {kind}, but another process is using this file")


@contextlib.contextmanager
def reserved(path: Path) -> Iterator[None]:
    """Reserve an output, a file or a directory, for this process by a file whose name ends in `.lock`.

    Raises:
        Seq2SeqError: another process has reserved the output, or the lock cannot be written.
    """
    real = Path(os.path.realpath(path))
    lock_path = real / "seq2seq-demo.lock" if real.is_dir() else Path(f"{real}.lock")
    try:
        held = write_locked(lock_path, LOCK, overwrite=False)
    except FileExistsError:  # another process has reserved the output, or was killed
        expected = f"no other process that writes {path}"
        is_lock = read(lock_path, expected) == LOCK
        require(is_lock, f"{lock_path}: expected {expected}, found another file", Seq2SeqError)
        held = open_locked(lock_path, expected)
    except OSError as error:
        raise Seq2SeqError(f"{path}: could not be written: {error.strerror or error}") from error
    with held:
        try:
            yield
        finally:
            lock_path.unlink(missing_ok=True)


def _names(path: Path, status: os.stat_result) -> bool:
    """Whether the path still names the file with this status."""
    try:
        return os.path.samestat(os.lstat(path), status)
    except OSError:
        return False


def check_writable(path: Path, kind: str, error_class: type[Seq2SeqError] = Seq2SeqError) -> None:
    """Raise `error_class` if `write` is certain to fail; `kind` describes the file to be written."""
    try:
        folder = Path(os.path.realpath(path)).parent
        obstacle = _obstacle(path, folder)
    except (OSError, ValueError) as error:  # for example, the name is too long or contains NUL
        obstacle = f": {getattr(error, 'strerror', None) or error}"
    if obstacle:
        raise error_class(f"{path}: expected a place for {kind}{obstacle}")


def _obstacle(path: Path, folder: Path) -> str | None:
    """Return why the path cannot be written to, if that can be known without writing."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if not stat.S_ISREG(mode := os.stat(path).st_mode):
            return f", found {'a directory' if stat.S_ISDIR(mode) else 'a device or pipe'}"
    if not folder.is_dir():
        return f", but there is no directory {folder}"
    return None if os.access(folder, os.W_OK) else f", but {folder} cannot be written"


def check_replaceable(
    path: Path, kind: str, force: bool | None = None, error_class: type[Seq2SeqError] = Seq2SeqError
) -> None:
    """Raise `error_class` if `write` is certain to fail, or if it would replace another program's file.

    A file of this `kind`, a key of OWN_FILES, or an empty file may be replaced, and with `force` any file. If `force`
    is None, the error does not mention `force`.
    """
    check_writable(path, kind, error_class)
    if force or not path.exists():
        return
    is_replaceable = False
    with contextlib.suppress(OSError, Seq2SeqError):
        content = read(path, kind)
        is_replaceable = not content or is_own(content, kind)
    if not is_replaceable:
        hint = "" if force is None else "; `force` replaces it"
        raise error_class(f"{path}: expected a new file or {kind} that this program wrote, found another file{hint}")


def is_own(content: bytes, kind: str) -> bool:
    """Whether this is the content of a file of this kind, a key of OWN_FILES, that this program wrote."""
    return re.match(OWN_FILES[kind], content, re.DOTALL) is not None


def is_same_file(path: Path, other: Path) -> bool:
    """Whether two paths name the same file, which need not exist."""
    try:
        return os.path.samefile(path, other)
    except (OSError, ValueError):
        return os.path.realpath(path) == os.path.realpath(other)
