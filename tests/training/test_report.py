"""The header, the probe and the settings of a training report."""

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from helpers import pairs_of, prediction_of, trained_network

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import pair_task
from seq2seq_demo.trained.metrics import Epoch
from seq2seq_demo.training.report import TrainingReport, probe, probe_line, probe_pair, settings_line, training_header

ROWS = [([1, 2], [2]), ([0], [1]), ([2], [0])]


def test_the_settings_are_said_in_one_line():
    model = ModelConfig("embedding_attention", bidirectional=True)
    config = TrainConfig(points=100, epochs=2, dropout=0.3, lr_schedule="cosine", keep_best=True)
    network = "embedding_attention, bidirectional, 1 x BasicLSTMCell of size 32, embedding size 20, dropout 0.3"
    training = "2 epochs of batches of 128, learning rate 0.0001 (cosine), best epoch saved"
    expected = f"Settings for 90 pairs: {network}, {training}; `train --help` lists the options that change them"
    assert settings_line(model, config) == expected


CALLS = [(1, 4, 4), (1, 18, 7), (1, 24, 3), (1, 40, 2), (2, 40, 9), (25, 40, 99), (26, 40, 9)]


def test_the_time_of_a_run_is_estimated_from_the_steps_after_the_first_call(capsys, monkeypatch):
    """After the first 4 of 26 · 40 pairs, 20 pairs take 10 s; the other 1,016 pairs therefore take about 8 min."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    for settings, word in ({}, "about"), ({"lr_schedule": "adaptive"}, "at most"):
        report = TrainingReport(TrainConfig(points=44, epochs=26, batch_size=2, **settings), verbose=True)
        left = []
        for epoch, points, seconds in CALLS:
            now[0] += seconds
            state = SimpleNamespace(epoch=epoch, points=points, figures=Epoch(epoch, 1), history=())
            report.on_steps_end(state)
            left.append(report._time_left(state.history))
        expected = [f"{word} {n} min left" for n in (8, 6, 4)]
        assert left == ["", "", *expected, "", ""]
        assert capsys.readouterr().out == f"{expected[0].capitalize()}\n"


def test_probe_lines():
    right = "    probe [1, 2], prediction=[2 1]"
    assert probe_line(prediction_of([1, 2], [2, 1], [2, 1]), colour=True) == right
    wrong = prediction_of([1, 2], [2, 3], [2, 1])
    assert probe_line(wrong, colour=False) == "    probe [1, 2], prediction=[2 3*] (expected=[2 1])"
    red = "    probe [1, 2], prediction=[2 \033[31m3*\033[0m] (expected=[2 1])"
    assert probe_line(wrong, colour=True) == red
    text = prediction_of(["a", "b"], ["U", "\033"], ["U", "V"], tokens=("characters", "characters"))
    expected = "    probe ab, prediction=U\033[31m\\x1b*\033[0m (expected=UV)"  # our colours are not escaped
    assert probe_line(text, colour=True) == expected


def test_a_probe_is_aligned_with_its_target():
    for predicted, ended, shown in (
        ([1, 9, 2, 3, 4], True, "[1 9* 2 3 4]"),
        ([1, 2, 3, 4], False, "[1 2 3 4] ... (did not end)"),
        ([2, 3, 4], True, "[2* 3 4]"),  # one star, because 1 is missing before 2
        ([9, 1, 2, 3], None, "[9* 1* 2* 3*]"),  # a network without END: compared by position
    ):
        line = probe_line(prediction_of([1], predicted, [1, 2, 3, 4], ended=ended), colour=False)
        assert line == f"    probe [1], prediction={shown} (expected=[1 2 3 4])"


@pytest.mark.parametrize("other_pairs", [[], [([4, 5], [1, 1, 1])], [([4, 6], []), ([4, 5], [7, 7, 7, 7, 7])]])
def test_a_probe_is_compared_with_the_nearest_target_of_its_source(other_pairs):
    """The last alternative equals the answer, so the answer is right."""
    network = trained_network()
    network = replace(network, model_config=replace(network.model_config, ends=True), min_in_len=1)
    predicted = network.predict([[4, 5]])[0]
    validation = pairs_of(([4, 5], [1, 2, 3]), ([4], []), *other_pairs, ([4, 5], predicted))
    found = probe(SimpleNamespace(network=network, _pairs=validation))
    assert (found.source, found.expected) == ([4, 5], predicted)
    assert "expected" not in probe_line(replace(found, exact=True), colour=False)


def test_the_probe_has_the_longest_source_with_more_than_two_symbols():
    pairs = [([1], []), ([2, 3, 4], [4]), ([5, 6], [6]), ([7, 8, 9], [9]), ([1, 1, 1, 1], [1])]
    assert probe_pair(pairs_of(*pairs)) == ([2, 3, 4], [4])
    assert probe_pair(pairs_of(pairs[0], pairs[-1])) == ([1, 1, 1, 1], [1])


def test_the_header_counts_training_and_validation_points(capsys):
    for validation, epochs, counts in (
        (None, "2 epochs", "2 training pairs, 1 validation pair\n"),
        (ROWS[:2], "1 epoch", "3 training pairs, 2 validation pairs from the validation file\n"),
    ):
        task = pair_task(ROWS, holds_out=True, validation=validation)
        training_header(ModelConfig(ends=True), TrainConfig(epochs=int(epochs[0]), **task.sizes()), task, 0)
        out = capsys.readouterr().out
        assert out.startswith(f"Training on 3 pairs ('pairs', sources of 1-2 symbols), with {epochs}\n")
        assert counts in out
