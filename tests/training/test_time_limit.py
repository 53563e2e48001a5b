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
    """The time in a list, which a call of 4 steps takes 6 seconds and a validation 4 seconds further."""
    now = [1000.0]
    take, validate = steps.Steps.take, trainer.validation_metrics

    def slow(function, duration):
        def timed(*arguments):
            result = function(*arguments)
            now[0] += duration
            return result

        return timed

    for module in (trainer, steps, batches):
        monkeypatch.setattr(module, "STEPS_PER_CALL", 4)
    monkeypatch.setattr(trainer, "FIRST_STEPS", 4)
    monkeypatch.setattr(steps, "use_xla", lambda *_: False)
    monkeypatch.setattr(steps.Steps, "take", slow(take, 6.0))
    monkeypatch.setattr(trainer, "validation_metrics", slow(validate, 4.0))
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def fitted(snapshots=None, callbacks=(), **how):
    return fit(REVERSED, CONFIG, untrained(ModelConfig(cell_size=3, embedding_size=2), 0), callbacks, snapshots, **how)


CONFIG = TrainConfig(50, 3, 3, 0.2, "cosine", batch_size=5, minutes=1.0)  # 9 steps per epoch: calls of 4, 4 and 1


def test_a_run_ends_in_time_with_a_validation_and_annealed(seconds, monkeypatch):
    """Epoch 1 takes 3 · 6 + 4 s, epoch 2 the same. Then 60 − 44 − 4 s are left for steps: two calls of epoch 3."""
    rates, learning_rates = [], trainer.Trainer.learning_rates

    def recorded(self):
        rates.append(float(learning_rates(self)[0]))
        return learning_rates(self)

    monkeypatch.setattr(trainer.Trainer, "learning_rates", recorded)
    watcher = Watcher()
    network = fitted(callbacks=[watcher])
    assert seconds[0] == 1060
    assert [epoch.step for epoch in watcher.history] == [9, 18, 26]
    assert network.run.config == replace(CONFIG, epochs=3)
    assert network.validation == watcher.history[-1].validation
    # The fraction of the time for steps that has elapsed since the first call, which compiles the steps: of 54 s until
    # the first validation has been measured, then of 50 s.
    fractions = [0, 0, 6 / 54, *(s / 50 for s in (16, 22, 28, 38, 44))]
    assert rates == pytest.approx([0.1 + 0.1 * math.cos(math.pi * x) for x in fractions])


def test_a_resumed_run_has_the_time_that_was_left(seconds, tmp_path):
    kept = {}
    fitted(snapshots_in_memory(kept))
    (tmp_path / "w").write_bytes(kept[13].to_bytes())  # after 28 s
    snapshot = load_snapshot(tmp_path / "w")
    assert snapshot.progress.seconds == 28
    seconds[0] = 5000.0
    fit(REVERSED, CONFIG, snapshot, began=4997.0)
    assert seconds[0] == 5000 + 4 * 6 + 2 * 4  # from second 31 of the run on; the last call begins at second 53 of 56


def test_time_before_the_first_step_counts_and_one_call_is_always_made(seconds):
    network = fitted(began=seconds[0] - 100)
    assert (network.step, seconds[0]) == (4, 1010)
    assert trainer.Clock(TrainConfig(), None, 0.0).fraction_done == 0


def test_settings_of_a_run_with_a_time_limit():
    for given, schedule in ({}, "cosine"), ({"lr_schedule": "constant"}, "constant"):
        _, config = resolve(REVERSED, {"minutes": 2, **given})
        assert (config.lr_schedule, config.minutes) == (schedule, 2.0)
        assert batches.use_xla(config, 32)


def test_contradictions_are_refused(monkeypatch):
    for given in ({"epochs": 3}, {"members": 2}):
        with pytest.raises(UsageError, match="`minutes`, which limits the time, cannot be combined with `epochs`"):
            train("reversed", minutes=1, **given)
    hosts = '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}'
    monkeypatch.setenv("TF_CONFIG", hosts)
    with pytest.raises(UsageError, match="`minutes` and `members` cannot be combined with TF_CONFIG"):
        train("reversed", minutes=1)
