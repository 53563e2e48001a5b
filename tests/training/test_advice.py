"""Suggestions after a training run."""

from dataclasses import replace

import pytest
from helpers import RECIPE, trained_network

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import pair_task_from_rows
from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.metrics import EpochFigures, Figures
from seq2seq_demo.training.advice import suggestions
from seq2seq_demo.training.settings import begin_run, resolve

PAIRS = pair_task_from_rows([([n % 5], [n % 7]) for n in range(40)])
REVERSED = find_pattern("reversed")
RISING, FLAT = [0.1, 0.2, 0.3, 0.31], [0.1, 0.5, 0.7, 0.709]
MORE_EPOCHS = ("epochs", {"epochs": 20})
COSINE = {"lr_schedule": "cosine", "points": 100_000}


def history(exact_matches):
    return [EpochFigures(n, n, 1.0, 0.5, Figures(1.0, 0.5, 0.5, 0.5, x)) for n, x in enumerate(exact_matches, start=1)]


@pytest.fixture(autouse=True)
def recipe(monkeypatch):
    monkeypatch.setattr("seq2seq_demo.training.settings.recommended_settings", lambda _: RECIPE)


@pytest.mark.parametrize(
    ("given", "exact_matches", "expected"),
    [
        ({}, FLAT, []),
        ({}, RISING, [("epochs", {"epochs": 200})]),
        ({"cell_size": 256, "num_layers": 2, "batch_size": 8, "epochs": 300}, FLAT, []),
        ({"cell_size": 64, "epochs": 10}, RISING, [("recipe", {"cell_size": None, "epochs": None})]),
        ({"model": "embedding_rnn", "keep_best": False}, FLAT, [("recipe", {"model": None, "keep_best": None})]),
    ],
)
def test_settings_weaker_than_the_recipe_come_before_more_epochs(given, exact_matches, expected):
    model, config = resolve(PAIRS, given, None, None)
    network = trained_network(model_config=model, trained=None)
    assert suggestions(network, PAIRS, config, history(exact_matches)) == expected


def test_a_continued_network_keeps_its_model():
    model = ModelConfig(in_max_int=4, out_max_int=6, ends=True)
    _, config = resolve(PAIRS, {"dropout": 0.0}, None, None)
    network = begin_run(replace(trained_network(), model_config=model), PAIRS, config)
    assert suggestions(network, PAIRS, config, history(FLAT)) == [("recipe", {"dropout": None})]


@pytest.mark.parametrize(
    ("model", "settings", "exact_matches", "expected"),
    [
        ("embedding_attention", {}, FLAT, [("schedule", {"learning_rate": 0.005, "lr_schedule": "cosine"})]),
        ("embedding_rnn", {}, FLAT, [("schedule", {"learning_rate": 0.01, "lr_schedule": "cosine"})]),
        ("embedding_rnn", COSINE, RISING, [("attention", {"model": "embedding_attention"})]),
        ("embedding_attention", COSINE | {"points": 50}, FLAT, [("points", {"points": 100_000})]),
        ("embedding_attention", COSINE, FLAT, []),
        ("embedding_attention", COSINE, RISING, [MORE_EPOCHS]),
    ],
)
def test_of_a_pattern_the_schedule_comes_before_the_epochs(model, settings, exact_matches, expected):
    network = trained_network(model_config=ModelConfig(model), trained=None)
    assert suggestions(network, REVERSED, TrainConfig(**settings), history(exact_matches)) == expected
