"""Snapshots of a training run, from which the run can be resumed after a kill, a crash or Ctrl-C.

A snapshot is a weights file with the `progress` of the run. It is beside the result that the run will write: the
snapshot of `d/x.h5` is `d/s2s_checkpoint__x.h5`. All randomness depends on the seed and the progress, so a resumed run
ends with the same bits as an uninterrupted one.
"""

import contextlib
import math
import os
import select
import shlex
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Protocol

from seq2seq_demo.errors import Interrupted, Seq2SeqError, WeightsError
from seq2seq_demo.files import atomic_files, file_names, weights_file
from seq2seq_demo.files.stored_network import Snapshot
from seq2seq_demo.trained_network import TrainedNetwork

SNAPSHOT_INTERVAL = 5000  # steps, as in 2016
EPOCH_INTERVAL = 2.0  # seconds; a snapshot takes 0.1 s or more, an epoch of few pairs less
# Windows has SIGBREAK for Ctrl-Break and a closed console, but no SIGHUP.
SIGNAL_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
SIGNALS = [getattr(signal, name) for name in SIGNAL_NAMES if hasattr(signal, name)]


def load_snapshot(path: Path) -> Snapshot[TrainedNetwork]:
    """Read a snapshot.

    Raises:
        WeightsError: the file is missing, damaged, or something else, such as a trained network.
    """
    stored = weights_file.read(path)
    if not isinstance(stored, Snapshot):
        raise WeightsError(f"{path}: expected a snapshot of this version, got weights; -i continues from them")
    return Snapshot(TrainedNetwork.of(stored.network), stored.progress, stored.best)


class SignalHandler:
    """A context in which the first Ctrl-C, SIGTERM or SIGHUP sets `signum`, and the second ends the process at once.

    A Python handler does not run while TensorFlow compiles, which takes seconds. A thread watches the signals instead:
    it announces the first one, and ends the process if a second one arrives before the handler has run.

    Signals that the process ignores, as under nohup, stay ignored.
    """

    signum: int | None = None

    def __enter__(self) -> "SignalHandler":
        handled = [signum for signum in SIGNALS if signal.getsignal(signum) != signal.SIG_IGN]
        self.previous = {signum: signal.signal(signum, self._handle) for signum in handled}
        reader, self.writer = os.pipe()
        if hasattr(os, "set_blocking"):  # required for the next line, except on Windows
            os.set_blocking(self.writer, False)
        self.previous_writer = signal.set_wakeup_fd(self.writer, warn_on_full_buffer=False)
        self.watcher = threading.Thread(target=self._watch, args=[reader], daemon=True)
        self.watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        for signum, handler in self.previous.items():
            signal.signal(signum, handler)
        signal.set_wakeup_fd(self.previous_writer)
        os.close(self.writer)  # ends the watcher
        self.watcher.join()

    def _handle(self, signum: int, _: FrameType | None) -> None:
        self.signum = signum
        for handled in self.previous:
            signal.signal(handled, signal.SIG_DFL)
        for descriptor in (1, 2):
            _discard_if_blocked(descriptor)

    def _watch(self, reader: int) -> None:
        """Announce the first signal, and end the process at the second. Signal numbers arrive on the pipe `reader`."""
        message = b"Stopping after this step; interrupt again to stop at once\n"
        with open(reader, "rb", buffering=0) as pipe:
            while signum := pipe.read(1):
                if signum[0] not in self.previous:  # another part of the process handles this signal
                    continue
                _discard_if_blocked(2)
                with contextlib.suppress(OSError):  # nothing may read standard error any more
                    os.write(2, (b"\n" if os.isatty(2) else b"") + message)  # below the progress bar
                if message.startswith(b"Stopped"):
                    os._exit(128 + signum[0])
                message = b"Stopped at once; the last snapshot remains\n"


class Stopped(Protocol):
    """Whether the run has to stop."""

    signum: int | None  # the signal that stops it


@dataclass
class Snapshots(contextlib.AbstractContextManager["Snapshots"]):
    """Writes the snapshots of one training run to a file beside its result; a snapshot replaces the previous one.

    The file is locked from the first snapshot until the run ends, so no two runs write it.
    """

    result: Path
    options: str  # the options that --resume needs again, as in "--from-file pairs.tsv"
    signals: Stopped
    warn: Callable[[str], None]  # prints a notice
    file: atomic_files.HeldFile | None = None  # the latest snapshot, locked
    is_latest_saved: bool = True  # whether the last `save` succeeded
    claimed: bool = False  # whether the file is still the one that `claim` wrote
    saved_at: float = -math.inf  # the time of the latest snapshot, in seconds

    def __exit__(self, error_class: type[BaseException] | None, *_: object) -> None:
        """Unlock the snapshot; remove it if the run failed before its first step."""
        if self.claimed and error_class:
            self.remove()
        if self.file:
            self.file.close()

    @property
    def path(self) -> Path:
        """The path of the snapshot."""
        return file_names.snapshot_path(self.result)

    def claim(self, snapshot: Snapshot[TrainedNetwork], result: Path, overwrite: bool) -> None:
        """Write the first snapshot, which reserves its path and that of the `result` for this run.

        Raises:
            FileExistsError: the file exists and `overwrite` is False.
            Seq2SeqError: the file could not be written.
        """
        self.result = result
        try:
            self._write(weights_file.to_bytes(snapshot), overwrite)
        except FileExistsError:
            raise
        except OSError as error:
            raise WeightsError(f"{self.path}: could not be written: {error.strerror or error}") from error
        self.claimed = True

    def after_steps(self, before: int, after: int, snapshot: Callable[[], Snapshot[TrainedNetwork]]) -> None:
        """Save a snapshot if one is due, after the steps that took Adam from step `before` to step `after`.

        Raises:
            Interrupted: a signal arrived; the snapshot has been saved.
        """
        if self.signals.signum or after // SNAPSHOT_INTERVAL > before // SNAPSHOT_INTERVAL:
            self.save(snapshot())
        if self.signals.signum:
            raise Interrupted(f"interrupted at step {after}; {self.how_to_resume()}", self.signals.signum)

    def after_epoch(self, snapshot: Callable[[], Snapshot[TrainedNetwork]], is_last: bool) -> None:
        """Save a snapshot after the last epoch, and after any other if the latest is at least 2 seconds old."""
        if is_last or time.monotonic() - self.saved_at >= EPOCH_INTERVAL:
            self.save(snapshot())

    def how_to_resume(self) -> str:
        """Return text that names the snapshot and the command that resumes it."""
        if not self.is_present:
            return "no snapshot could be kept"
        kept = "kept" if self.is_latest_saved else "this step could not be saved, but an earlier one is"
        command = f"seq2seq-demo train --resume -o {shlex.quote(str(self.result))} {self.options}".rstrip()
        return f"{kept} in {self.path}: resume it with `{command}`"

    def save(self, snapshot: Snapshot[TrainedNetwork]) -> None:
        """Replace the snapshot. On failure, warn and let training continue."""
        self.is_latest_saved = False
        if self.file and not self.is_present:
            self.warn(f"{self.path} is no longer the snapshot of this run: if its directory was moved, remove it there")
        try:
            self._write(weights_file.to_bytes(snapshot), overwrite=self.is_present)
            self.claimed = False
        except (OSError, Seq2SeqError) as error:
            self.warn(f"Could not write a snapshot to {self.path}: {getattr(error, 'strerror', None) or error}")

    def _write(self, content: bytes, overwrite: bool) -> None:
        """Write the file, and read it back."""
        file = atomic_files.write_locked(self.path, content, overwrite)
        if self.file:
            self.file.close()
        self.file = file
        if atomic_files.read(self.path, "the snapshot") != content:
            raise WeightsError("the file differs from what was written")
        self.is_latest_saved, self.saved_at = True, time.monotonic()

    @property
    def is_present(self) -> bool:
        """Whether the path still names this run's snapshot."""
        return self.file is not None and self.file.is_at(self.path)

    def remove(self) -> None:
        """Delete the snapshot, after the result has been saved or before the first step; warn if that fails."""
        try:
            if self.is_present:
                self.path.unlink()
        except OSError as error:
            self.warn(f"Could not remove {self.path}, which is no longer needed: {error.strerror}")


def _discard_if_blocked(descriptor: int) -> None:
    """Redirect output to /dev/null if a write would block: the pipe is full, or the terminal is stopped."""
    with contextlib.suppress(OSError, ValueError):
        _, writable, _ = select.select([], [descriptor], [], 0)  # on Windows, OSError
        if not writable:
            with open(os.devnull, "wb") as devnull:
                os.dup2(devnull.fileno(), descriptor)
