"""The clock of a training run, which ends the run once its budget of time is spent."""

import math
import time

from seq2seq_demo.config import TrainConfig


class Clock:
    """Measures the time of a training run.

    The schedule of the learning rate follows `share_done`, so the rate reaches 0 when the budget is spent, however fast
    the machine is.
    """

    def __init__(self, config: TrainConfig, began: float | None, spent: float) -> None:
        """Make a clock for a run, or for one that took `spent` seconds before it was interrupted.

        `began` is the `time.monotonic()` from which the budget counts, by default now.
        """
        self.began = time.monotonic() if began is None else began
        self.started: float | None = None
        self.before = spent
        self.limit = 60 * config.budget if config.budget else math.inf  # seconds
        self.validation = 0.0  # seconds that the last validation took; the next one follows the last step

    def start(self) -> None:
        """Start to count, after the first steps; later calls do nothing."""
        if self.started is None:
            self.started = time.monotonic()
            self.limit -= self.started - self.began

    @property
    def spent(self) -> float:
        """The seconds of the budget that are spent; 0 without a budget."""
        elapsed = 0.0 if self.started is None else time.monotonic() - self.started
        return self.before + elapsed if math.isfinite(self.limit) else 0.0

    @property
    def share_done(self) -> float:
        """The elapsed share of the time for steps, from 0 to 1; 0 without a budget."""
        time_for_steps = self.limit - self.validation
        return min(1.0, self.spent / time_for_steps) if time_for_steps > 0 else 1.0

    @property
    def is_over(self) -> bool:
        """Whether no time for steps is left."""
        return self.share_done == 1
