"""The time that a training run may take."""

import subprocess
import sys
import time

import pytest
from helpers import RECIPE, Watcher, same_arrays

from seq2seq_demo.data.pair_task import pair_task_from_rows
from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.errors import TrainingError, UsageError
from seq2seq_demo.training import budget
from seq2seq_demo.training.budget import Clock, start_clock, within_budget
from seq2seq_demo.training.settings import resolve
from seq2seq_demo.training.train import train

PAIRS = pair_task_from_rows([([n % 5], [n % 7]) for n in range(40)])
REVERSED = find_pattern("reversed")


@pytest.fixture
def chosen(monkeypatch):
    """A function that returns the sizes and the epochs which are chosen, if time passes only while steps are measured.

    An epoch takes `seconds` · cell size / 128, and everything before the first epoch `overhead`.
    """

    def chosen(minutes, seconds, overhead=10.0, task=PAIRS, start=None, **settings):
        now, measured = [0.0], []

        def measure(config, network, pairs, timeout):
            measured.append(network.model_config.cell_size)
            now[0] += min(timeout, overhead + 2)
            is_late = timeout < overhead + 2
            return None if is_late else (seconds * network.model_config.cell_size / 128, overhead)

        monkeypatch.setattr("seq2seq_demo.training.settings.recommended_settings", lambda _: RECIPE)
        monkeypatch.setattr(budget, "_measure_in_child", measure)
        monkeypatch.setattr(time, "monotonic", lambda: now[0])
        configs = resolve(task, settings, start, None)
        model, config = within_budget(Clock(minutes, 0.0), task, configs, settings, start)
        return model.cell_size, model.embedding_size, config.epochs, measured

    return chosen


@pytest.mark.parametrize(
    ("minutes", "seconds", "settings", "expected"),
    [
        (10, 1, {}, (128, 64, 100, [128])),  # all 100 epochs of the recipe fit
        (2, 2, {}, (128, 64, 46, [128])),  # (2 · 60 · 0.95 − 12 − 10) / 2
        (2, 9.1, {}, (128, 64, 10, [128])),  # just enough epochs
        (2, 9.3, {}, (64, 32, 17, [128, 64])),  # the smaller network has 12 s less
        (2, 40, {}, (32, 16, 6, [128, 64, 32])),
        (2, 40, {"cell_size": 128}, (128, 64, 2, [128])),
        (2, 40, {"embedding_size": 50}, (32, 50, 6, [128, 64, 32])),
        (0.7, 2, {}, (128, 64, 8, [128])),  # too little time is left to measure another network
        (0.3, 1, {}, (32, 16, 10, [128])),  # the measurement is broken off
        (2, 10, {"task": REVERSED, "points": 100}, (32, 20, 10, [32])),  # a pattern's network stays
    ],
)
def test_the_largest_network_and_the_most_epochs_that_fit_are_chosen(chosen, minutes, seconds, settings, expected):
    assert chosen(minutes, seconds, **settings) == expected


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), "x"])
def test_a_budget_is_a_number_above_0(minutes):
    with pytest.raises(UsageError, match="expected `budget` to be a number"):
        start_clock(minutes, {})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 3}, "expected `epochs` or `budget`, which chooses the number of epochs, got both"),
        ({"processes": 2}, "expected `budget` without `processes`, got both"),
        ({"members": 2}, "expected `budget` without `members`, got both"),
    ],
)
def test_a_budget_and_its_contradictions_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        train("reversed", budget=1, points=100, **settings)


def test_an_epoch_begins_only_if_one_like_it_would_end_within_the_budget():
    clock = Clock(1, time.monotonic() - 50)
    assert [clock.has_time_for(seconds) for seconds in (5, 12, 14)] == [True, True, False]
    assert start_clock(None, {}).has_time_for(10**9)


def test_a_failed_measurement_is_an_error(monkeypatch):
    monkeypatch.setattr(budget, "PROGRAM", "raise SystemExit('no memory')")
    with pytest.raises(TrainingError, match="expected to measure how long an epoch takes, got: no memory"):
        train([([1], [2])] * 20, budget=1)


def test_the_child_ends_with_its_parent():
    child = "import os; from seq2seq_demo.training.budget import _end_with; parent = os.getppid(); print(flush=True)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{child}; _end_with(parent)'])"
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.kill()
        assert process.stdout.read() == b""  # the child has closed it


@pytest.mark.slow
def test_a_budget_changes_only_the_settings():
    """A child process measures, and the training has the bits of one with the same settings and no budget."""
    settings = {"points": 40, "in_len": 3, "cell_size": 3}
    limited = train("reversed", budget=5, **settings)
    assert limited.trained.config.epochs == 10
    assert same_arrays(limited.weights, train("reversed", epochs=10, **settings).weights)


@pytest.mark.slow
def test_a_run_that_is_slower_than_measured_ends_in_time(monkeypatch, fast_steps):
    watcher = Watcher()
    monkeypatch.setattr(budget, "_measure_in_child", lambda *_, **__: (1e-9, 0.0))
    monkeypatch.setattr(Clock, "has_time_for", lambda *_: len(watcher.history) < 2)
    network = train("reversed", points=40, in_len=3, budget=5, callbacks=[watcher])
    assert (network.trained.config.epochs, len(watcher.history)) == (10, 2)
