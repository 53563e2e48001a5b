"""Snapshots of a training that is under way, so that no kill, crash or Ctrl-C loses it.

A snapshot is a weights file, `s2s_checkpoint__{name}__{task}_{n}.weights.h5` in `--data-dir`, whose `progress` says
how far the training has come. What is random follows from the seed and from that, so a training that is resumed ends
with the same bits as one that was not interrupted. As long as a training runs, it holds a lock on its snapshot.
"""

import contextlib
import hashlib
import os
import select
import shlex
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from seq2seq_demo.errors import Interrupted, Seq2SeqError, WeightsError
from seq2seq_demo.files import atomic_files, file_names, resume_notes, weights_file
from seq2seq_demo.files.resume_notes import Destination
from seq2seq_demo.files.weights_file import DataFingerprint, Snapshot
from seq2seq_demo.trained_network import TrainedNetwork

EVERY = 5000  # steps, as in 2016
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def load_snapshot(path: Path) -> Snapshot[TrainedNetwork]:
    """Read the snapshot of a training.

    Raises:
        WeightsError: it is missing, damaged, or something else, such as the network of a training that is over.
    """
    stored = weights_file.read(path)
    if not isinstance(stored, Snapshot):
        raise WeightsError(f"{path}: expected the snapshot of a training, got weights")
    return Snapshot(TrainedNetwork(**vars(stored.network)), stored.progress, stored.fingerprint, stored.best)


def training_id(snapshot: Snapshot[TrainedNetwork]) -> str:
    """Return a checksum of task, network and settings, the same for all snapshots of one training.

    Settings at their defaults are left out, so that one that a later version adds changes nothing.
    """
    network, run = snapshot.network, snapshot.run
    configs = network.model_config, run.config
    chosen = [{x.name: value for x in fields(c) if (value := getattr(c, x.name)) != x.default} for c in configs]
    facts = chosen, network.task, run.start_step, snapshot.fingerprint
    return hashlib.sha256(repr(facts).encode()).hexdigest()


class Interruption:
    """While entered, Ctrl-C, SIGTERM and SIGHUP are noted in `signum`; a second one ends the process at once.

    Signals that the process ignores, as under nohup, stay ignored.
    """

    signum: int | None = None

    def __enter__(self) -> "Interruption":
        """Begin to note the signals."""
        heeded = [signum for signum in SIGNALS if signal.getsignal(signum) != signal.SIG_IGN]
        self.previous = {signum: signal.signal(signum, self._note) for signum in heeded}
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the signals as they were."""
        for signum, handler in self.previous.items():
            signal.signal(signum, handler)

    def _note(self, signum: int, _: FrameType | None) -> None:
        self.signum = signum
        for heeded in self.previous:
            signal.signal(heeded, signal.SIG_DFL)  # at once: a handler of Python's waits until TensorFlow returns
        for stream in (1, 2):
            _let_go(stream)
        # Not print: it may be at work just now, and cannot be entered twice. Nobody may be reading any more.
        with contextlib.suppress(OSError):
            below_the_bar = b"\n" if os.isatty(2) else b""
            os.write(2, below_the_bar + b"Stopping after this step; a second time stops at once\n")


@dataclass
class Snapshots:
    """The snapshot of one training: always the last one, under a name that no other training has.

    It is kept in `data_dir`, or as long as that fails, in the temporary directory or at home.
    """

    data_dir: Path
    name: str | None  # the part NAME of canonical file names
    task: str  # its name
    fingerprint: DataFingerprint
    destination: Destination
    interruption: Interruption
    warn: Callable[[str], None]  # is told where a snapshot cannot be written
    again: str = ""  # the options that --resume needs again
    last: Path | None = None  # where the last one is, None if it could not be written
    files: dict[Path, BinaryIO] = field(default_factory=dict)  # each one that was written, open and locked

    def __enter__(self) -> "Snapshots":
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Unlock the snapshots that are left."""
        for file in self.files.values():
            file.close()

    def after_steps(self, before: int, after: int, snapshot: Callable[[], Snapshot[TrainedNetwork]]) -> None:
        """Save if it is time to; called after the steps that took Adam from `before` to `after`.

        Raises:
            Interrupted: the training is to stop; the snapshot says how far it came.
        """
        if self.interruption.signum or after // EVERY > before // EVERY:
            self.save(snapshot())
        if self.interruption.signum:
            raise Interrupted(f"interrupted at step {after}; {self._where()}", self.interruption.signum)

    def _where(self) -> str:
        """Return where the training is kept, and how to resume it."""
        earlier = next((path for path, file in self.files.items() if atomic_files.is_at(path, file)), None)
        path = self.last or earlier
        if path is None:
            return "no snapshot could be kept"
        kept = f"kept in {path}" if self.last else f"this could not be kept, but an earlier step is in {path}"
        folder = shlex.quote(str(path.parent))
        return f"{kept}: resume it with `seq2seq-demo train --resume --data-dir {folder}{self.again}`"

    def save(self, snapshot: Snapshot[TrainedNetwork]) -> None:
        """Write the snapshot; where that fails, say so, and let the training continue."""
        snapshot = replace(snapshot, fingerprint=self.fingerprint)
        self._save(weights_file.to_bytes(snapshot), training_id(snapshot))

    def _save(self, content: bytes, training: str) -> None:
        self.last, failures = None, []
        for folder in (self.data_dir, *_other_folders()):
            try:
                self.last = self._write(folder, content, training)
                break
            except (OSError, Seq2SeqError) as error:
                failures.append(f"{folder}: {getattr(error, 'strerror', None) or error}")
        if failures:
            self.warn(f"No snapshot in {'; nor in '.join(failures)}" + (f"; it is in {self.last}" if self.last else ""))

    def _write(self, folder: Path, content: bytes, training: str) -> Path:
        """Write the snapshot of a folder, where it is known to be ours, or a new one; return its path."""
        path = next((path for path, file in self.files.items() if path.parent == folder), None)
        written: list[BinaryIO] = []

        def write(path: Path, overwrite: bool) -> None:
            written.append(atomic_files.write_locked(path, content, overwrite))

        if path and atomic_files.is_at(path, self.files[path]):
            write(path, True)
            self.files[path].close()
        else:
            path = file_names.save_under_unused_name(write, folder, self.name, self.task, file_names.SNAPSHOT)
            resume_notes.note(path, training, self.destination)
        self.files[path] = written[-1]
        if atomic_files.read(path, "the snapshot") != content:
            raise Seq2SeqError("it does not hold what was written")
        return path

    def keep(self, network: TrainedNetwork) -> Path | None:
        """Return the file that keeps a finished training: the last snapshot, or if that is gone, a new file."""
        if not (self.last and atomic_files.is_at(self.last, self.files[self.last])):
            self._save(weights_file.to_bytes(network), "")
        return self.last

    def remove(self) -> None:
        """Remove what is left of the snapshots: the training has been saved."""
        for path, file in self.files.items():
            if atomic_files.is_at(path, file):
                path.unlink(missing_ok=True)
            resume_notes.forget(path)


def _let_go(descriptor: int) -> None:
    """Let what is written to a full pipe or a stopped terminal be lost: a write that waits is tried again, in vain."""
    with contextlib.suppress(OSError, ValueError):
        _, writable, _ = select.select([], [descriptor], [], 0)
        if not writable:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)


def _other_folders() -> Iterator[Path]:
    with contextlib.suppress(OSError):  # there is no temporary directory that can be written
        yield Path(tempfile.gettempdir())
    with contextlib.suppress(RuntimeError):  # nobody knows where home is
        yield Path.home()
