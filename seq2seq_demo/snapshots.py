"""Snapshots of a training that is under way, so that no kill, crash or Ctrl-C loses it.

A snapshot is a weights file, `s2s_checkpoint__{name}__{pattern}_{n}.weights.h5` in `--data-dir`, whose `progress` says
how far the training has come. What is random follows from the seed and from that, so a training that is resumed ends
with the bits that it would have ended with undisturbed.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from seq2seq_demo import series, weights
from seq2seq_demo.dataset import OwnData
from seq2seq_demo.errors import Interrupted, WeightsError
from seq2seq_demo.parameters import TrainedNetwork
from seq2seq_demo.patterns import PATTERNS, SequencePattern
from seq2seq_demo.report import notice

EVERY = 5000  # steps, as in 2016


class Interruption:
    """While entered, Ctrl-C and SIGTERM are noted in `signum`; the second time they end the process as usual."""

    signum: int | None = None

    def __enter__(self):
        """Begin to note the signals."""
        self.previous = {signum: signal.signal(signum, self._note) for signum in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_):
        """Leave the signals as they were."""
        for signum, handler in self.previous.items():
            signal.signal(signum, handler)

    def _note(self, signum, _):
        self.signum = signum
        signal.signal(signum, self.previous[signum])
        below_the_bar = b"\n" if os.isatty(2) else b""
        # Not print: it may be at work just now, and cannot be entered twice.
        os.write(2, below_the_bar + b"Stopping after this step; a second time stops at once\n")


class Snapshots:
    """The snapshot of one training: always the last one, under a name that no other training has."""

    def __init__(
        self,
        data_dir: Path,
        name: str | None,
        origin: SequencePattern | OwnData,
        output: Path | None,
        interruption: Interruption,
        path: Path | None = None,
    ):
        """Note what is trained on, and where it will be saved: `output`, or, if None, under the canonical name.

        `path` is where the snapshot is, once there is one.
        """
        self.data_dir, self.name, self.origin, self.output = data_dir, name, origin, output
        self.interruption, self.path = interruption, path
        self.digest = origin.digest() if isinstance(origin, OwnData) else None

    def after_steps(self, before: int, after: int, network: Callable[[], TrainedNetwork]) -> None:
        """Save if it is time to; called after the steps that took Adam from `before` to `after`.

        Raises:
            Interrupted: the training is to stop; the snapshot says where it stood.
        """
        if self.interruption.signum or after // EVERY > before // EVERY:
            self.save(network())
        if self.interruption.signum:
            own = " and the same -p or --from-file" if self.origin.name not in PATTERNS else ""
            resume = f"go on with `seq2seq-demo train --resume --data-dir {self.data_dir}`{own}"
            kept = f"kept in {self.path}: {resume}" if self.path else "no snapshot could be kept"
            raise Interrupted(f"interrupted at step {after}; {kept}", self.interruption.signum)

    def save(self, network: TrainedNetwork) -> None:
        """Write the snapshot; where that fails, say so, and let the training go on."""
        output = os.path.abspath(self.output) if self.output else None
        noted = {"name": self.name, "output": output, "data": self.digest}
        network = replace(network, trained=network.trained | noted)
        try:
            if self.path is None:
                where = self.data_dir, self.name, self.origin.name
                self.path = series.save_under_unused_name(network, *where, series.SNAPSHOT)
            else:
                weights.save(network, self.path)
        except WeightsError as error:
            notice(f"No snapshot: {error}")

    def remove(self) -> None:
        """Remove the snapshot: the training has been saved."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
