"""The steps that are recorded, and their weights. Recording does not change a training run."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import Watcher, fit, same_arrays

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.errors import WeightsError
from seq2seq_demo.files.recording import find_recording
from seq2seq_demo.metrics import Figures
from seq2seq_demo.trained_network import load, untrained
from seq2seq_demo.training import trainer
from seq2seq_demo.training.recorder import chunk_ends, is_recorded, start_recording

pytestmark = pytest.mark.slow

MODEL = ModelConfig("embedding_attention", cell_size=7, embedding_size=5)
REVERSED = find_pattern("reversed")
# 90 steps per epoch, in calls of 64 and 26.
CONFIG = TrainConfig(1600, in_len=4, out_len=3, learning_rate=0.01, epochs=2, batch_size=16)
STEPS = (0, 5, 7, 10, 14, 20, 28, 40, 57, 80, 90, 113, 160, 180)

GROWING = (5, 7, 10, 14, 20, 28, 40, 57, 80, 113, 160)


def are_same(a, b):
    """Whether two recordings have equal steps and weights."""
    return a.steps == b.steps and all(map(same_arrays, a.weights, b.weights))


def matches(recorded, weights):
    """Whether the recorded weights of a step are these, rounded to float16."""
    return all((recorded[name] == weight.astype(np.float16)).all() for name, weight in weights.items())


@pytest.fixture(scope="module")
def watcher():
    return Watcher()


@pytest.fixture(scope="module")
def recorded(watcher):
    return fit(REVERSED, CONFIG, start_recording(untrained(MODEL, 0), CONFIG), [watcher])


@pytest.mark.parametrize(
    ("steps_per_epoch", "epochs", "kept"),
    [
        (200, 3, [0, *GROWING, 200, 226, 320, 400, 453, 600]),
        (60, 3, [0, *GROWING[:8], 60, 80, 113, 120, 160, 180]),
        (10, 2, [0, 5, 7, 10, 14, 20]),
    ],
)
def test_which_steps_are_recorded(steps_per_epoch, epochs, kept):
    config = TrainConfig(points=10 * steps_per_epoch, epochs=epochs, batch_size=9)
    assert config.steps_per_epoch == steps_per_epoch
    assert [step for step in range(steps_per_epoch * epochs + 1) if is_recorded(config, step)] == kept


def test_calls_are_split_at_each_recorded_step():
    assert [*chunk_ends(CONFIG, 28, 64)] == [12, 29, 52, 62, 64]  # steps 40, 57, 80, 90
    assert [*chunk_ends(CONFIG, 64, 26)] == [16, 26]
    assert [*chunk_ends(CONFIG, 90, 64)] == [23, 64]
    assert [*chunk_ends(CONFIG, 101, 3)] == [3]


def test_the_recorded_weights_are_those_of_the_training(recorded, watcher):
    recording = recorded.recording
    assert (recording.steps, recording.epochs) == (STEPS, tuple(step / 90 for step in STEPS))
    assert matches(recording.weights[0], untrained(MODEL, 0).weights)
    assert matches(recording.weights[-1], recorded.weights)
    assert same_arrays(recorded.weights, fit(REVERSED, CONFIG, untrained(MODEL, 0)).weights)
    assert matches(recording.weights[STEPS.index(90)], watcher.networks[0].weights)
    assert not matches(recording.weights[-2], recorded.weights)


def test_with_keep_best_the_whole_training_is_recorded(tmp_path, monkeypatch, fast_steps):
    reached = iter([0.1, 0.5, 0.2, 0.3])
    monkeypatch.setattr(trainer.results, "validation_figures", lambda *_: Figures(2.0, 0.1, 0.1, 0.1, next(reached)))
    config = replace(CONFIG, points=400, epochs=4, keep_best=True)
    best = fit(REVERSED, config, start_recording(untrained(MODEL, 0), config))
    assert best.step == 46
    assert best.recording.steps == (0, *GROWING[:5], 23, 28, 40, 46, 57, 69, 80, 92)
    assert matches(best.recording.weights[best.recording.steps.index(best.step)], best.weights)
    best.save(tmp_path / "w.h5")
    assert are_same(find_recording(tmp_path / "w.h5", load(tmp_path / "w.h5").weights), best.recording)


def test_weights_are_not_saved_if_their_recording_cannot_be(tmp_path, recorded):
    (tmp_path / "w.record.h5").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(WeightsError, match=r"w\.record\.h5: expected a (place for|new file or) a recording"):
            recorded.save(tmp_path / "w.h5", overwrite)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("w.record.h5", "mine")]
