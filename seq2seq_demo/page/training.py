"""Build the page in which two networks learn a pattern, one with attention and one without."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from seq2seq_demo.config import CELL_ALIASES, Model, ModelConfig
from seq2seq_demo.network.parameters import initial_weights, uniform_limit, weight_shapes
from seq2seq_demo.page.builder import assemble, config_data, names_in

TITLE = "Train two networks, with attention and without"
MODELS: dict[str, Model] = {"with attention": "embedding_attention", "without attention": "embedding_rnn"}
SETTINGS = {  # by their names in the address: the label, the default, the choices
    "task": ("Task", "reversed", names_in("symbols.js", "PATTERNS")),
    "length": ("Length", "10", ["3", "5", "10", "20", "1-3", "1-5", "1-10", "1-20"]),
    "units": ("Units", "16", ["8", "16", "32", "64"]),
    "cell": ("Cell", "LSTM", [*CELL_ALIASES]),
    "rate": ("Learning rate", "0.01", ["0.001", "0.003", "0.01", "0.03", "0.1", "1"]),
    "feed": ("Symbols fed", "expected", ["expected", "own"]),
    "seed": ("Seed", "0", [*map(str, range(100))]),
}
QUESTIONS = {  # with the settings that differ from the defaults, and the answer after the training
    "Which one will learn to reverse?": (
        {},
        "With attention, the decoder looks at one input at a time. Without attention, all ten digits must pass through "
        "the final state, and the network has not yet learned to keep them apart. Do more units help? Fewer digits?",
    ),
    "What if they need to remember only three digits?": (
        {"length": "3"},
        "Both learned it: three digits pass through the final state. The bottleneck is narrow, not closed.",
    ),
    "Teach without a teacher: feed them their own symbols": (
        {"feed": "own"},
        "With attention, the network learned without a teacher. Without attention, it learned less than with a "
        "teacher: after its first error, it is fed wrong symbols.",
    ),
}


def build_training(index: str = "", exercises: str = "") -> str:
    """Return the page in which two networks train, as HTML; with the parameters of `builder.build`."""
    return assemble("train.js", TITLE, {"training": training_data()}, index=index, exercises=exercises)


def training_data() -> dict[str, Any]:
    """Return the JSON object for `Course` in course.js: the tasks, and a recipe for each cell of each network."""
    symbols = {"tokens": "integers", "symbols": [], "largest": ModelConfig().in_max_int}
    networks = [
        {
            "facts": {"name": name, "task_description": "", "examples": [], "source": symbols, "target": symbols},
            "cells": {label: _recipe(ModelConfig(model, cell)) for label, cell in CELL_ALIASES.items()},
        }
        for name, model in MODELS.items()
    ]
    settings = {name: dict(zip(("label", "value", "choices"), row, strict=True)) for name, row in SETTINGS.items()}
    questions = [[question, *rest] for question, rest in QUESTIONS.items()]
    return {"networks": networks, "settings": settings, "questions": questions}


def _recipe(config: ModelConfig) -> dict[str, Any]:
    """Return a network's config, and how to draw its weights for any cell size H.

    A parameter is [name, rows, columns, fans, biases], in which a pair [a, b] means a + bH. The columns are divided
    evenly among the fans, in which weights are uniform in ±√(6 / fan), or among the biases.
    """
    sizes = [replace(config, cell_size=H) for H in (1, 2)]
    shapes, fans = zip(*((weight_shapes(size), _fans(size)) for size in sizes), strict=True)
    biases = {name: array for name, array in initial_weights(sizes[0], seed=0).items() if name.endswith("bias")}
    parameters = [
        [
            name,
            *_linear(*((1, *each[name])[-2:] for each in shapes)),
            _linear(*(each.get(name, ()) for each in fans)),
            biases[name].tolist() if "/layer_" in name and name in biases else [0],
        ]
        for name in shapes[0]
    ]
    return {"config": config_data(config), "parameters": parameters}


def _fans(config: ModelConfig) -> dict[str, list[int]]:
    """Return fan in + fan out of each weight that is not a bias: of each gate, in a cell, else of all columns."""
    shapes, H = weight_shapes(config), config.cell_size
    limits = {name: uniform_limit(name, shapes, config) for name in shapes if not name.endswith("bias")}
    return {name: [round(6 / each**2) for each in np.atleast_1d(limit)[::H]] for name, limit in limits.items()}


def _linear(at_1: Sequence[int], at_2: Sequence[int]) -> list[list[int]]:
    """Return [a, b] of each a + bH that has these values at an H of 1 and of 2."""
    return [[2 * one - two, two - one] for one, two in zip(at_1, at_2, strict=True)]
