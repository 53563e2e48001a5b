"""Training runs for a given time."""

import math
import time
from dataclasses import replace

import pytest
from helpers import Watcher, fit, snapshots_in_memory

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.errors import UsageError
from seq2seq_demo.trained.trained_network import untrained
from seq2seq_demo.training import batches, steps, trainer
from seq2seq_demo.training.settings import resolve
from seq2seq_demo.training.snapshots import load_snapshot
from seq2seq_demo.training.train import train

REVERSED = find_pattern("reversed")


@pytest.fixture
def seconds(monkeypatch, fast_steps):
    """The time in a list, which a step takes half a second and a validation 3.5 seconds further."""
    now = [1000.0]
    take, validate = steps.Steps.take, trainer.validation_metrics

    def slow(function, duration):
        def timed(*arguments):
            result = function(*arguments)
            now[0] += duration(*arguments)
            return result

        return timed

    for module in (trainer, steps, batches):
        monkeypatch.setattr(module, "STEPS_PER_CALL", 4)
    monkeypatch.setattr(trainer, "FIRST_STEPS", 4)
    monkeypatch.setattr(steps, "use_xla", lambda *_: False)
    monkeypatch.setattr(steps.Steps, "take", slow(take, lambda _, pairs, *__: math.ceil(len(pairs) / 5) / 2))
    monkeypatch.setattr(trainer, "validation_metrics", slow(validate, lambda *_: 3.5))
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def fitted(snapshots=None, callbacks=(), **how):
    return fit(REVERSED, CONFIG, untrained(ModelConfig(cell_size=3, embedding_size=2), 0), callbacks, snapshots, **how)


CONFIG = TrainConfig(50, 3, 3, 0.2, "cosine", batch_size=5, minutes=1.0)  # 9 steps per epoch: calls of 4, 4 and 1


def test_a_run_ends_in_time_with_a_validation_and_annealed(seconds, monkeypatch):
    """Seven epochs take 9 / 2 + 3.5 s each. Then 60 − 56 − 3.5 s are left for steps: one step of epoch 8."""
    calls, learning_rates = [], trainer.Trainer.learning_rates

    def recorded(self):
        calls.append((self.step, seconds[0] - 1000, float(learning_rates(self)[0])))
        return learning_rates(self)

    monkeypatch.setattr(trainer.Trainer, "learning_rates", recorded)
    watcher = Watcher()
    network = fitted(callbacks=[watcher])
    assert seconds[0] == 1060
    assert [epoch.step for epoch in watcher.history] == [*range(9, 64, 9), 64]
    assert network.run.config == replace(CONFIG, epochs=8)
    assert network.validation == watcher.history[-1].validation
    # The fraction of the time for steps that has elapsed since the first call, which compiles the steps: of 59.5 s
    # until the first validation has been measured, then of 56 s.
    fractions = [max(0, now - 0.5) / (59.5 if step < 9 else 56) for step, now, _ in calls]
    assert [rate for *_, rate in calls] == pytest.approx([0.1 + 0.1 * math.cos(math.pi * x) for x in fractions])
    # A call takes at most a twentieth of the time that is left, or one step.
    sizes = [after - before for (before, *_), (after, *_) in zip(calls, [*calls[1:], (64,)], strict=True)]
    assert sizes[:7] == [1, 3, 4, 1, 4, 4, 1]
    assert all(size <= max(1, (56.5 - now) / 10) for size, (_, now, _) in zip(sizes[1:], calls[1:], strict=True))
    assert max(sizes[-20:]) == 1


def test_a_resumed_run_has_the_time_that_was_left(seconds, tmp_path):
    kept = {}
    fitted(snapshots_in_memory(kept))
    (tmp_path / "w").write_bytes(kept[13].to_bytes())  # after 10 s
    snapshot = load_snapshot(tmp_path / "w")
    assert snapshot.progress.seconds == 10
    seconds[0] = 5000.0
    fit(REVERSED, CONFIG, snapshot, began=4997.0)
    assert seconds[0] == 5000 + 2.5 + 3.5 + 5 * 8  # from second 13 of the run to second 59; there is no time for a step


def test_time_before_the_first_step_counts_and_one_call_is_always_made(seconds):
    network = fitted(began=seconds[0] - 100)
    assert (network.step, seconds[0]) == (1, 1004)
    assert trainer.Clock(TrainConfig(), None, 0.0).fraction_done == 0


def test_settings_of_a_run_with_a_time_limit():
    for given, schedule in ({}, "cosine"), ({"lr_schedule": "constant"}, "constant"):
        _, config = resolve(REVERSED, {"minutes": 2, **given})
        assert (config.lr_schedule, config.minutes) == (schedule, 2.0)
        assert batches.use_xla(config, 32)


def test_contradictions_are_refused(monkeypatch):
    with pytest.raises(UsageError, match="`minutes`, which limits the time, cannot be combined with `epochs`"):
        train("reversed", minutes=1, epochs=3)
    hosts = '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}'
    monkeypatch.setenv("TF_CONFIG", hosts)
    with pytest.raises(UsageError, match="`minutes` cannot be combined with TF_CONFIG"):
        train("reversed", minutes=1)
