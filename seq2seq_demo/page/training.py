"""Builds the training page, where two networks learn a pattern, one with attention and one without."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from seq2seq_demo.config import CELL_ALIASES, Model, ModelConfig
from seq2seq_demo.network.parameters import initial_weights, uniform_limit, weight_shapes
from seq2seq_demo.page.builder import assemble, config_data, read_asset

TITLE = "Train two networks, with attention and without"
MODELS: dict[str, Model] = {"with attention": "embedding_attention", "without attention": "embedding_rnn"}
# In run/training.html, a task may replace the default settings. With its own, running sums of five digits reach an
# exact match of 0.9 within 24,000 samples, and sums of two numbers within 43,000 (seeds 0 to 2). With the defaults,
# neither reaches it within 64,000.
LEFT_OUT = {"cell_size", "in_max_int", "out_max_int", "go", "ends", "model"}  # set or not read by a course
# One unit, two input symbols and three output symbols.
SMALLEST: dict[str, Any] = {"cell_size": 1, "in_max_int": 1, "out_max_int": 1}


def build_training(index: str = "", exercises: str = "") -> str:
    """Return the training page as HTML; the parameters are as in `builder.build`."""
    data = training_data()
    recipes = [recipe for one in (*data["networks"], data["bidirectional"]) for recipe in one["cells"].values()]
    parameters: list[Any] = []  # of all networks, which share most of them
    for recipe in recipes:
        parameters += [one for one in recipe["parameters"] if one not in parameters]
        recipe["parameters"] = [parameters.index(one) for one in recipe["parameters"]]
    parts = {"controls": read_asset("run/training.html"), "index": index, "exercises": exercises}
    return assemble("training.js", TITLE, {"training": data, "parameters": parameters}, **parts)


def training_data() -> dict[str, Any]:
    """Return the JSON object for `Course` in course.js: a recipe for each cell of each network."""
    networks = [
        {
            "facts": {"name": name},
            "cells": {label: _recipe(ModelConfig(model, cell)) for label, cell in CELL_ALIASES.items()},
        }
        for name, model in MODELS.items()
    ]
    recipe = _recipe(ModelConfig("embedding_attention", CELL_ALIASES["LSTM"], bidirectional=True))
    return {"networks": networks, "bidirectional": networks[0] | {"cells": {"LSTM": recipe}}}


def _recipe(config: ModelConfig) -> dict[str, Any]:
    """Return a network's config and the rules for drawing its weights.

    A parameter is [name, rows, columns, fans, biases], where [a, b, c, d] means a + bH + cI + dO for cell size H,
    I input symbols and O output symbols. The columns are divided evenly among the fans, and the weights of each fan are
    uniform in ±√(6 / fan). The columns of a bias are divided among `biases`, which are omitted if they are 0.
    """
    sizes = [replace(config, **SMALLEST | larger) for larger in ({}, *({name: 2} for name in SMALLEST))]
    shapes, fans = zip(*((weight_shapes(size), _fans(size)) for size in sizes), strict=True)
    biases = {name: array for name, array in initial_weights(sizes[0], seed=0).items() if name.endswith("bias")}
    parameters = [
        [
            name,
            *_linear(*((1, *each[name])[-2:] for each in shapes)),
            _linear(*(each.get(name, ()) for each in fans)),
            *([biases[name].astype(int).tolist()] if "/layer_" in name and name in biases else []),
        ]
        for name in shapes[0]
    ]
    data = config_data(config)
    return {"config": {name: data[name] for name in data if name not in LEFT_OUT}, "parameters": parameters}


def _fans(config: ModelConfig) -> dict[str, list[int]]:
    """Return fan in + fan out of each weight that is not a bias: one number, or one per gate if gates differ."""
    shapes, H = weight_shapes(config), config.cell_size
    limits = {name: uniform_limit(name, shapes, config) for name in shapes if not name.endswith("bias")}
    fans = {name: [round(6 / each**2) for each in np.atleast_1d(limit)[::H]] for name, limit in limits.items()}
    return {name: each[:1] if len({*each}) == 1 else each for name, each in fans.items()}


def _linear(*sizes: Sequence[int]) -> list[list[int]]:
    """Return [a, b, c, d], without trailing zeros, for each size a + bH + cI + dO.

    The first argument contains the sizes for SMALLEST, where H = 1, I = 2 and O = 3. Each further argument contains the
    sizes after one setting of SMALLEST is increased by one.
    """
    linear = []
    for smallest, *larger in zip(*sizes, strict=True):
        slopes = [size - smallest for size in larger]
        size = [smallest - sum(n * slope for n, slope in zip((1, 2, 3), slopes, strict=True)), *slopes]
        while not size[-1]:
            size.pop()
        linear.append(size)
    return linear
