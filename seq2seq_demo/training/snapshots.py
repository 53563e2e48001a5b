"""Snapshots of a training run, from which the run can be resumed after a kill, a crash or Ctrl-C.

A snapshot is a weights file, `s2s_checkpoint__{name}__{task}_{n}.weights.h5` in `--data-dir`, with the `progress` of
the run. All randomness depends on the seed and the progress, so a resumed run ends with the same bits as an
uninterrupted one. A run keeps its snapshot locked until the run ends.
"""

import contextlib
import hashlib
import math
import os
import select
import shlex
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import FrameType

from seq2seq_demo.errors import Interrupted, Seq2SeqError, WeightsError
from seq2seq_demo.files import atomic_files, file_names, resume_notes, weights_file
from seq2seq_demo.files.resume_notes import Destination
from seq2seq_demo.files.stored_network import Snapshot, StoredNetwork
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
        raise WeightsError(f"{path}: expected a snapshot, got weights")
    finished = tuple(map(TrainedNetwork.of, stored.finished))
    return Snapshot(TrainedNetwork.of(stored.network), stored.progress, stored.best, finished)


def training_id(network: StoredNetwork, but_for: Collection[str] = ()) -> str:
    """Return a checksum of task, model and settings: the same for all snapshots of a training run and for its result.

    Settings at their defaults are left out, so that a setting added in a later version does not change the checksum.
    So are the settings named in `but_for`.
    """
    run = network.trained
    assert run
    configs = network.model_config, run.config
    given = [{x.name: value for x in fields(c) if (value := getattr(c, x.name)) != x.default} for c in configs]
    chosen = [{name: value for name, value in each.items() if name not in but_for} for each in given]
    facts = chosen, network.task, run.start_step, run.fingerprint
    return hashlib.sha256(repr(facts).encode()).hexdigest()


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


@dataclass
class Snapshots(contextlib.AbstractContextManager["Snapshots"]):
    """Writes the snapshots of one training run. A snapshot replaces the previous one; no two runs share a file.

    The snapshot is in `data_dir` or, while writing there fails, in the temporary or the home directory.
    """

    data_dir: Path
    name: str | None  # the part NAME of canonical file names
    task: str  # the task's name
    destination: Destination
    signals: SignalHandler
    warn: Callable[[str], None]  # prints a notice
    resume_options: str = ""  # the options that --resume needs again, as in " -n NAME"
    last: Path | None = None  # the path of the latest snapshot; None if it could not be written
    saved_at: float = -math.inf  # the time of the latest snapshot, in seconds
    files: dict[Path, atomic_files.HeldFile] = field(default_factory=dict)  # every snapshot of this run, locked

    def __exit__(self, *_: object) -> None:
        """Unlock the snapshots."""
        for file in self.files.values():
            file.close()

    def after_steps(self, before: int, after: int, snapshot: Callable[[], Snapshot[TrainedNetwork]]) -> None:
        """Save a snapshot if one is due, after the steps that took Adam from step `before` to step `after`.

        Raises:
            Interrupted: a signal arrived; the snapshot has been saved.
        """
        if self.signals.signum or after // SNAPSHOT_INTERVAL > before // SNAPSHOT_INTERVAL:
            self.save(snapshot())
        if self.signals.signum:
            raise Interrupted(f"interrupted at step {after}; {self._how_to_resume()}", self.signals.signum)

    def after_epoch(self, snapshot: Callable[[], Snapshot[TrainedNetwork]], is_last: bool) -> None:
        """Save a snapshot after the last epoch, and after any other if the latest is at least 2 seconds old."""
        if is_last or time.monotonic() - self.saved_at >= EPOCH_INTERVAL:
            self.save(snapshot())

    def _how_to_resume(self) -> str:
        """Return text that names the latest snapshot and the command that resumes it."""
        path = self.last or next(iter(self._present()), None)
        if path is None:
            return "no snapshot could be kept"
        kept = f"kept in {path}" if self.last else f"this step could not be saved, but an earlier one is in {path}"
        folder = shlex.quote(str(path.parent))
        return f"{kept}: resume it with `seq2seq-demo train --resume --data-dir {folder}{self.resume_options}`"

    def save(self, snapshot: Snapshot[TrainedNetwork]) -> None:
        """Write the snapshot. On failure, warn and let training continue."""
        self._save(weights_file.to_bytes(snapshot), training_id(snapshot.first))
        self.saved_at = time.monotonic()

    def _save(self, content: bytes, training: str) -> None:
        """Write the content to the first folder where that succeeds, set `last`, and warn about the failures."""
        self.last, failures = None, []
        for folder in (self.data_dir, *fallback_folders()):
            try:
                self.last = self._write(folder, content, training)
                break
            except (OSError, Seq2SeqError) as error:
                failures.append(f"{folder}: {getattr(error, 'strerror', None) or error}")
        if failures:
            written = f"; saved in {self.last}" if self.last else ""
            self.warn(f"Could not write a snapshot to {'; or to '.join(failures)}{written}")

    def _write(self, folder: Path, content: bytes, training: str) -> Path:
        """Replace or create this run's snapshot in a folder, verify it, and return its path."""

        def write(path: Path, overwrite: bool) -> None:
            file = atomic_files.write_locked(path, content, overwrite)
            if path in self.files:
                self.files[path].close()
            self.files[path] = file

        path = next((path for path in self._present() if path.parent == folder), None)
        if path:
            write(path, True)
        else:
            path = file_names.save_under_unused_name(write, folder, self.name, self.task, file_names.SNAPSHOT)
            resume_notes.save_destination(path, training, self.destination)
        if atomic_files.read(path, "the snapshot") != content:
            raise Seq2SeqError("the file differs from what was written")
        return path

    def keep(self, network: TrainedNetwork) -> Path | None:
        """Return the last snapshot of a finished run; if this file is gone, save the network to a new file."""
        if self.last not in self._present():
            self._save(weights_file.to_bytes(network), "")
        return self.last

    def remove(self) -> None:
        """Delete the snapshots and their notes, after the result has been saved; warn about snapshots that remain."""
        present = self._present()
        for path in self.files:
            try:
                if path in present:
                    path.unlink(missing_ok=True)
                resume_notes.delete_destination(path)  # --resume needs the note if the snapshot remains
            except OSError as error:
                self.warn(f"Could not remove {path}, which is no longer needed: {error.strerror}")

    def _present(self) -> list[Path]:
        """Return the paths that still name this run's snapshots."""
        return [path for path, file in self.files.items() if file.is_at(path)]


def _discard_if_blocked(descriptor: int) -> None:
    """Redirect output to /dev/null if a write would block: the pipe is full, or the terminal is stopped."""
    with contextlib.suppress(OSError, ValueError):
        _, writable, _ = select.select([], [descriptor], [], 0)  # on Windows, OSError
        if not writable:
            with open(os.devnull, "wb") as devnull:
                os.dup2(devnull.fileno(), descriptor)


def fallback_folders() -> Iterator[Path]:
    """Yield the folders that keep snapshots while the data directory cannot."""
    with contextlib.suppress(OSError):  # no temporary directory is writable
        yield Path(tempfile.gettempdir())
    with contextlib.suppress(RuntimeError):  # the home directory is unknown
        yield Path.home()
