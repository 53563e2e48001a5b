"""Snapshots of a training that is under way, so that no kill, crash or Ctrl-C loses it.

A snapshot is a weights file, `s2s_checkpoint__{name}__{task}_{n}.weights.h5` in `--data-dir`, whose `progress` says
how far the training has come. What is random follows from the seed and from that, so a training that is resumed ends
with the same bits as one that was not interrupted.
"""

import os
import shlex
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.errors import Interrupted, WeightsError
from seq2seq_demo.files import canonical
from seq2seq_demo.trained_network import Destination, TrainedNetwork

EVERY = 5000  # steps, as in 2016


class Interruption:
    """While entered, Ctrl-C and SIGTERM are noted in `signum`; the second time they end the process as usual."""

    signum: int | None = None

    def __enter__(self) -> "Interruption":
        """Begin to note the signals."""
        self.previous = {signum: signal.signal(signum, self._note) for signum in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the signals as they were."""
        for signum, handler in self.previous.items():
            signal.signal(signum, handler)

    def _note(self, signum: int, _: FrameType | None) -> None:
        self.signum = signum
        signal.signal(signum, self.previous[signal.Signals(signum)])
        below_the_bar = b"\n" if os.isatty(2) else b""
        # Not print: it may be at work just now, and cannot be entered twice.
        os.write(2, below_the_bar + b"Stopping after this step; a second time stops at once\n")


@dataclass
class Snapshots:
    """The snapshot of one training: always the last one, under a name that no other training has."""

    data_dir: Path
    task: str  # its name
    destination: Destination
    interruption: Interruption
    warn: Callable[[str], None]  # is told where a snapshot cannot be written
    path: Path | None = None  # of the snapshot, once there is one

    def after_steps(self, before: int, after: int, network: Callable[[], TrainedNetwork]) -> None:
        """Save if it is time to; called after the steps that took Adam from `before` to `after`.

        Raises:
            Interrupted: the training is to stop; the snapshot says how far it came.
        """
        if self.interruption.signum or after // EVERY > before // EVERY:
            self.save(network())
        if self.interruption.signum:
            is_built_in = self.task in PATTERNS and self.destination.data is None
            own = "" if is_built_in else " and the same -p or --from-file"
            resume = f"resume it with `seq2seq-demo train --resume --data-dir {shlex.quote(str(self.data_dir))}`{own}"
            kept = f"kept in {self.path}: {resume}" if self.path else "no snapshot could be kept"
            raise Interrupted(f"interrupted at step {after}; {kept}", self.interruption.signum)

    def save(self, network: TrainedNetwork) -> None:
        """Write the snapshot; where that fails, say so, and let the training continue."""
        network = replace(network, destination=self.destination)
        try:
            if self.path is None:
                name, kind = self.destination.name, canonical.SNAPSHOT
                self.path = canonical.save_under_unused_name(network.save, self.data_dir, name, self.task, kind)
            else:
                network.save(self.path)
        except WeightsError as error:
            self.warn(f"No snapshot: {error}")

    def remove(self) -> None:
        """Remove the snapshot: the training has been saved."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
