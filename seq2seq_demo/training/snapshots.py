"""Snapshots of a training run, from which it can be resumed after a kill, a crash or Ctrl-C.

A snapshot is a weights file that also contains the `progress` of the run. It is saved next to the future result: the
snapshot of `d/x.h5` is `d/s2s_checkpoint__x.h5`. All randomness depends only on the seed and the progress, so a resumed
run ends with the same bits as an uninterrupted one.
"""

import contextlib
import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from seq2seq_demo.console import notice
from seq2seq_demo.errors import Interrupted, WeightsError
from seq2seq_demo.files import atomic_files, file_names
from seq2seq_demo.trained import weights_file
from seq2seq_demo.trained.saved_network import Progress, TrainingRun
from seq2seq_demo.trained.trained_network import TrainedNetwork

SNAPSHOT_INTERVAL = 5000  # steps, as in 2016
EPOCH_INTERVAL = 2.0  # seconds; writing a snapshot takes 0.1 s or more, while an epoch of few pairs may take less
# The message starts a new line, because a progress bar does not end its line.
MESSAGE = b"\nStopping after this step; interrupt again to stop at once\n"
# Windows has SIGBREAK for Ctrl-Break and a closed console, but no SIGHUP.
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The complete state of a training run, which suffices to resume it."""

    network: TrainedNetwork
    progress: Progress = field(default_factory=Progress)
    # If the config `saves_best`, the network after the best epoch so far or, if no epoch was better, at the start.
    best: TrainedNetwork | None = None

    @property
    def run(self) -> TrainingRun:
        """The config and the start of the run, which every snapshot records."""
        assert self.network.run
        return self.network.run

    def to_bytes(self) -> bytes:
        """Return the content of the snapshot's file."""
        return weights_file.to_bytes(self.network, self.progress, self.best)


def load_snapshot(path: Path) -> Snapshot:
    """Read a snapshot.

    Raises:
        WeightsError: the file is missing, damaged, or something else, such as a trained network.
    """
    network, progress, best = weights_file.read(path, TrainedNetwork)
    if progress is None:
        raise WeightsError(f"{path}: expected a snapshot of this version, got weights; use -i to continue from them")
    return Snapshot(network, progress, best)


def write_snapshot(snapshot: Snapshot, result: Path, overwrite: bool) -> BinaryIO:
    """Write a snapshot next to the result, and return its file, which is locked until it is closed.

    The first snapshot of a run reserves its path and the path of the result.

    Raises:
        FileExistsError: the file exists and `overwrite` is False.
        WeightsError: the file could not be written.
    """
    return atomic_files.write_locked(file_names.snapshot_path(result), snapshot.to_bytes(), overwrite, WeightsError)


class SignalHandler:
    """A context in which the first Ctrl-C, SIGTERM or SIGHUP sets `signum`, and the second ends the process at once.

    Signals that the process ignores, as under nohup, stay ignored.
    """

    signum: int | None = None

    def __enter__(self) -> "SignalHandler":
        handled = [signum for signum in SIGNALS if signal.getsignal(signum) != signal.SIG_IGN]
        self.previous = {signum: signal.signal(signum, self._handle) for signum in handled}
        return self

    def __exit__(self, *_: object) -> None:
        for signum, handler in self.previous.items():
            signal.signal(signum, handler)

    def _handle(self, signum: int, _: FrameType | None) -> None:
        self.signum = signum
        for handled in self.previous:
            signal.signal(handled, signal.SIG_DFL)
        with contextlib.suppress(OSError):  # standard error may be closed; `print` is not safe in a signal handler
            os.write(2, MESSAGE)


@dataclass
class Snapshots(contextlib.AbstractContextManager["Snapshots"]):
    """Writes the snapshots of one training run to a file next to its result; each snapshot replaces the previous one.

    The file is locked from the first snapshot until the run ends, so no other run can write to it.
    """

    result: Path
    command: str  # the command that resumes the run
    signals: SignalHandler
    file: BinaryIO | None = None  # the latest snapshot, locked
    saved_at: float = -math.inf  # the time of the latest snapshot, in seconds

    def __exit__(self, *_: object) -> None:
        if self.file:
            self.file.close()

    @property
    def path(self) -> Path:
        """The path of the snapshot."""
        return file_names.snapshot_path(self.result)

    def after_steps(self, before: int, after: int, snapshot: Callable[[], Snapshot]) -> None:
        """Save a snapshot if one is due after the steps that took Adam from step `before` to step `after`.

        Raises:
            Interrupted: a signal arrived; the snapshot has been saved.
        """
        signum = self.signals.signum
        if signum or after // SNAPSHOT_INTERVAL > before // SNAPSHOT_INTERVAL:
            self.save(snapshot())
        if signum:
            raise Interrupted(f"interrupted at step {after}; {self.how_to_resume()}", signum)

    def after_epoch(self, snapshot: Callable[[], Snapshot], is_last: bool) -> None:
        """Save a snapshot after the last epoch; after others, if the latest snapshot is at least 2 seconds old."""
        if is_last or time.monotonic() - self.saved_at >= EPOCH_INTERVAL:
            self.save(snapshot())

    def how_to_resume(self) -> str:
        """Return a clause that names the snapshot and the command that resumes it."""
        return f"the snapshot is kept in {self.path}: resume it with `{self.command}`"

    def save(self, snapshot: Snapshot) -> None:
        """Replace the snapshot. On failure, warn and let training continue; the previous snapshot remains."""
        try:
            file = write_snapshot(snapshot, self.result, overwrite=True)
        except WeightsError as error:
            notice(f"No new snapshot: {error}")
            return
        if self.file:
            self.file.close()
        self.file, self.saved_at = file, time.monotonic()

    def remove(self) -> None:
        """Delete the snapshot after the result has been saved."""
        self.path.unlink(missing_ok=True)
