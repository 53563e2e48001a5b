"""The file of a training recording: writing, reading, and refused files."""

import json
import os

import numpy as np
import pytest
from helpers import random_weights, save_random

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.errors import WeightsError
from seq2seq_demo.files import container, recording, weights_file
from seq2seq_demo.trained_network import load

MODEL = ModelConfig("embedding_attention", cell_size=4, embedding_size=3)
WEIGHTS = [random_weights(MODEL, seed) for seed in (1, 2, 3)]
SAVED = WEIGHTS[2]


def three_steps() -> recording.Recording:
    """A recording of three steps, the last of them with the saved weights."""
    begun = recording.Recording(4, (0,), (recording.to_float16(WEIGHTS[0]),))
    return begun.with_step(4, WEIGHTS[1]).with_step(6, SAVED)


@pytest.fixture
def content():
    return recording.to_bytes(three_steps(), SAVED)


def test_a_recording_is_read_as_it_was_written(tmp_path, content):
    (tmp_path / "w.record.h5").write_bytes(content)
    loaded = recording.find_recording(tmp_path / "w.h5", SAVED)
    assert (loaded.steps, loaded.steps_per_epoch, loaded.epochs) == ((0, 4, 6), 4, (0.0, 1.0, 1.5))
    for weights, at_step in zip(WEIGHTS, loaded.weights, strict=True):
        assert at_step.keys() == weights.keys()
        for name, weight in weights.items():
            assert at_step[name].dtype == np.float16
            assert (at_step[name] == weight.astype(np.float16)).all()
    assert recording.to_bytes(loaded, SAVED) == content


def test_weights_beyond_float16_are_clipped():
    (halves,) = recording.to_float16({"w": np.array([1e10, -1e10, 65519.9, 65520, 0.1, -70000], np.float32)}).values()
    assert halves.dtype == np.float16
    assert halves.tolist() == [65504, -65504, 65504, 65504, np.float16(0.1), -65504]


def test_a_missing_recording_is_none_and_wrong_files_are_refused(tmp_path, content):
    path = tmp_path / "w.record.h5"
    assert recording.find_recording(tmp_path / "w.h5", SAVED) is None
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"w\.h5, got the recording of another training run$"):
        recording.find_recording(tmp_path / "w.h5", WEIGHTS[1])
    with pytest.raises(WeightsError, match=r"expected a weights file, got a training recording$"):
        load(path)
    for other, message in [
        (content[:-1], "damaged weights file: its content does not match its checksum"),
        (content[1:], "expected a training recording, got something else"),
        (b"", "expected a training recording, got something else"),
        (
            weights_file.to_bytes(save_random(tmp_path / "v", MODEL).content),
            "expected a training recording, found a weights file",
        ),
    ]:
        path.write_bytes(other)
        with pytest.raises(WeightsError, match=f"^{path}: {message}$"):
            recording.find_recording(tmp_path / "w.h5", SAVED)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(WeightsError, match="found a device or pipe"):
        recording.find_recording(tmp_path / "w.h5", SAVED)


def test_invalid_recordings_are_refused(tmp_path, content):
    arrays, texts = recording.to_arrays(three_steps()), container.read(content).texts
    facts, name = json.loads(texts["recording"]), "decoder/projection/bias"
    changes = {
        f"ascending steps from 0, got {steps}": {"steps": np.array(steps)}
        for steps in ((0, 4, 4), (1, 4, 6), (0, 6, 4), (-1, 4, 6))
    }
    changes |= {
        f"expected '{name}' as float16": {name: arrays[name].astype("f4")},
        "expected 'encoder/embedding' as float16": {"steps": np.array([0, 6])},
        f"finite weights, got others in '{name}'": {name: arrays[name] + np.inf},
        "unexpected weight 'more'": {"more": arrays[name]},
    }
    files = {expected: container.to_bytes("recording", arrays | change, texts) for expected, change in changes.items()}
    without = {k: v for k, v in arrays.items() if k != "steps"}
    files["missing weight 'steps'"] = container.to_bytes("recording", without, texts)
    for wrong, expected in [
        (facts | {"steps_per_epoch": 0}, "steps_per_epoch to be an integer of at least 1, got 0"),
        (facts | {"steps_per_epoch": 1.5}, "'steps_per_epoch' as int, got 1.5"),
        (facts | {"more": 1}, "expected the keys steps_per_epoch, saved, got 'more'"),
        ({"saved": ""}, "expected the key 'steps_per_epoch', got none"),
    ]:
        files[expected] = container.to_bytes("recording", arrays, {"recording": json.dumps(wrong)})
    files["expected JSON, got ''"] = container.to_bytes("recording", arrays, {})
    for expected, wrong_content in files.items():
        (tmp_path / "w.record.h5").write_bytes(wrong_content)
        with pytest.raises(WeightsError) as error:
            recording.find_recording(tmp_path / "w.h5", SAVED)
        assert expected in str(error.value), (expected, str(error.value))
        assert "\n" not in str(error.value)
        assert len(str(error.value)) < 400


def test_a_recording_has_a_bounded_number_of_steps(tmp_path):
    halves, n = recording.to_float16(WEIGHTS[0]), recording.MAX_STEPS + 1
    content = recording.to_bytes(recording.Recording(4, tuple(range(n)), (halves,) * n), SAVED)
    (tmp_path / "w.record.h5").write_bytes(content)
    with pytest.raises(WeightsError, match=f"expected at most {n - 1} steps, got {n}"):
        recording.find_recording(tmp_path / "w.h5", SAVED)
