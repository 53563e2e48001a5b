"""The clock of a training run, which ends the run once its budget of time is spent."""

import math
import time

from seq2seq_demo.config import TrainConfig


class Clock:
    """Measures the time of a training run; each of several members has an equal share of the budget.

    The schedule of the learning rate follows `share_done`, so the rate reaches 0 when the budget is spent, however
    fast the machine is.
    """

    def __init__(self, config: TrainConfig, began: float | None, spent: float) -> None:
        """Start the clock of a run that took `spent` seconds before it was interrupted.

        `began` is the `time.monotonic()` from which to count, by default now.
        """
        self.started = (time.monotonic() if began is None else began) - spent
        self.limit = 60 * config.budget / config.members if config.budget else math.inf  # seconds
        self.validation = 0.0  # seconds that the last validation took; the next one follows the last step

    @property
    def spent(self) -> float:
        """The seconds since the start; 0 without a budget."""
        return time.monotonic() - self.started if math.isfinite(self.limit) else 0.0

    @property
    def share_done(self) -> float:
        """The elapsed share of the time for steps, from 0 to 1; 0 without a budget."""
        time_for_steps = self.limit - self.validation
        return min(1.0, self.spent / time_for_steps) if time_for_steps > 0 else 1.0

    @property
    def is_over(self) -> bool:
        """Whether no time for steps is left."""
        return self.share_done == 1
