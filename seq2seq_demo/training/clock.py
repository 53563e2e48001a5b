"""The time limit of a training run."""

import math
import time

from seq2seq_demo.config import TrainConfig


class Clock:
    """Measures the time of a training run: of all its processes, from their start.

    The schedule of the learning rate follows `fraction_done`, so the rate reaches 0 at the end of the time, however
    fast the machine is.
    """

    def __init__(self, config: TrainConfig, began: float | None, spent: float) -> None:
        """Make a clock for a run, or for one that took `spent` seconds before it was interrupted.

        `began` is the `time.monotonic()` from which the time limit counts, by default now.
        """
        self.began = (time.monotonic() if began is None else began) - spent
        self.start_up = 0.0 if spent else None  # seconds until the steps were compiled; 0 in a resumed run
        self.limit = 60 * config.minutes if config.minutes else math.inf  # seconds
        self.validation = 0.0  # seconds that the last validation took; the next one follows the last step

    def start(self) -> None:
        """Start the schedule, after the first steps; later calls do nothing."""
        if self.start_up is None:
            self.start_up = self.spent

    @property
    def spent(self) -> float:
        """The seconds of the time limit that are spent; 0 without a time limit."""
        return time.monotonic() - self.began if math.isfinite(self.limit) else 0.0

    @property
    def fraction_done(self) -> float:
        """The elapsed fraction of the time for steps, from 0 to 1; 0 without a time limit."""
        if self.start_up is None:
            return 0.0
        time_for_steps = self.limit - self.validation - self.start_up
        return min(1.0, (self.spent - self.start_up) / time_for_steps) if time_for_steps > 0 else 1.0

    @property
    def is_over(self) -> bool:
        """Whether no time for steps is left."""
        return self.fraction_done == 1
