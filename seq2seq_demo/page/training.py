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
    "task": ("Task", "reversed", [*names_in("symbols.js", "PATTERNS"), "pairs"]),
    "length": ("Length", "10", ["3", "5", "10", "20", "1-3", "1-5", "1-10", "1-20"]),
    "units": ("Units", "16", ["8", "16", "32", "64"]),
    "cell": ("Cell", "LSTM", [*CELL_ALIASES]),
    "rate": ("Learning rate", "0.01", ["0.001", "0.003", "0.01", "0.03", "0.1", "1"]),
    "feed": ("Symbols fed", "expected", ["expected", "own"]),
    "seed": ("Seed", "0", [*map(str, range(100))]),
}
# One unit, two input and three output symbols.
SMALLEST: dict[str, Any] = {"cell_size": 1, "in_max_int": 1, "out_max_int": 1}
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
    recipe = _recipe(ModelConfig("embedding_attention", CELL_ALIASES["LSTM"], bidirectional=True))
    bidirectional = networks[0] | {"cells": {"LSTM": recipe}}
    settings = {name: dict(zip(("label", "value", "choices"), row, strict=True)) for name, row in SETTINGS.items()}
    questions = [[question, *rest] for question, rest in QUESTIONS.items()]
    return {"networks": networks, "bidirectional": bidirectional, "settings": settings, "questions": questions}


def _recipe(config: ModelConfig) -> dict[str, Any]:
    """Return a network's config, and how to draw its weights for any cell size H and any numbers I, O of symbols.

    A parameter is [name, rows, columns, fans, biases], in which [a, b, c, d] means a + bH + cI + dO, for I input and O
    output symbols. The columns are divided evenly among the fans, in which weights are uniform in ±√(6 / fan), or among
    the biases.
    """
    sizes = [replace(config, **SMALLEST | larger) for larger in ({}, *({name: 2} for name in SMALLEST))]
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


def _linear(*sizes: Sequence[int]) -> list[list[int]]:
    """Return [a, b, c, d] of each size a + bH + cI + dO.

    The first argument has the sizes for SMALLEST, where H = 1, I = 2 and O = 3. Each further argument has them after
    one setting of SMALLEST is increased by one.
    """
    linear = []
    for smallest, *larger in zip(*sizes, strict=True):
        slopes = [size - smallest for size in larger]
        linear.append([smallest - sum(n * slope for n, slope in zip((1, 2, 3), slopes, strict=True)), *slopes])
    return linear
