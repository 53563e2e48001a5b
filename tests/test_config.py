import json
import math
import numbers
import re
from dataclasses import asdict, fields, replace
from fractions import Fraction
from inspect import signature
from typing import get_type_hints

import numpy as np
import pytest

from seq2seq_demo import train
from seq2seq_demo.config import SETTINGS, AnyCell, AnyModel, Beam, ModelConfig, TrainConfig
from seq2seq_demo.declarations import declared_settings, likely_name
from seq2seq_demo.errors import UsageError


def test_a_tenth_of_the_points_or_a_given_number_validates():
    train = TrainConfig(points=100_000)
    assert (train.n_training, train.n_validation, train.steps_per_epoch) == (90_000, 10_000, 704)
    assert (TrainConfig(points=2).n_training, TrainConfig(points=2).n_validation) == (1, 1)
    train = TrainConfig(points=37, validation_points=7, batch_size=10)
    assert (train.n_training, train.n_validation, train.steps_per_epoch) == (30, 7, 3)
    with pytest.raises(UsageError, match="expected fewer than 37 points for validation, got 37"):
        TrainConfig(points=37, validation_points=37)


INTEGER, MODEL, TRAIN, BEAM = "to be an integer of at least 1", ModelConfig(), TrainConfig(points=100), Beam(3)
POSITIVE = "to be a number above 0 that float32 can hold"
OUT_OF_RANGE = [  # a valid config, the name of a setting, its range, and values out of range
    (TRAIN, "points", "the number of points to be an integer of at least 2", [1, np.int64(1), np.bool_(True), 1000.0]),
    (TRAIN, "in_len", "`in_len` to be at most 100000", [100_001]),
    (TRAIN, "learning_rate", f"`learning_rate` {POSITIVE}", [0, math.nan, math.inf, 1e39, 1e-46, -1e-3, True, "0.1"]),
    (TRAIN, "lr_schedule", None, ["linear", ["constant"], None, 3]),
    (TRAIN, "epochs", "`epochs` to be an integer of at least 0", [-1]),
    (TRAIN, "stop_at_exact", "`stop_at_exact` to be above 0 and at most 1", [0, 1.1, math.nan]),
    (TRAIN, "keep_best", "`keep_best` to be True or False", [1, None, "True", np.bool_(True)]),
    (TRAIN, "consistency", "`consistency` from 0 to 100", [-0.1, 101]),
    (BEAM, "size", f"`beam_size` {INTEGER}", [0, True, 2.0, "5"]),
    (BEAM, "size", "`beam_size` to be at most 1000", [1001]),
    (BEAM, "length_penalty", "`length_penalty` from 0 to 10", [-0.1, 10.1, math.nan, math.inf, True, None, "1"]),
]


@pytest.mark.parametrize(("config", "name", "valid", "values"), OUT_OF_RANGE)
def test_values_out_of_range_are_refused(config, name, valid, values):
    for value in values:
        shown = str(value) if isinstance(value, numbers.Number) else repr(value)
        message = f"expected {valid}, got {shown[:40]}" if valid else f"unknown `{name}` {shown}: "
        with pytest.raises(UsageError, match=f"^{re.escape(message)}{'$' if valid else ''}"):
            replace(config, **{name: value})


def test_numbers_of_any_type_become_plain_python_numbers():
    train = TrainConfig(np.int64(1000), np.uint8(7), np.array(3), np.float32(0.5), seed=np.int16(2), stop_at_exact=1)
    assert train == TrainConfig(1000, 7, 3, 0.5, seed=2, stop_at_exact=1.0)
    assert repr(train) == repr(TrainConfig(1000, 7, 3, 0.5, seed=2, stop_at_exact=1.0))  # workers compare this text
    assert TrainConfig(dropout=Fraction(1, 4)).dropout == 0.25
    with pytest.raises(UsageError, match=r"^expected `dropout` to be at least 0 and below 1, got 10{37}…0$"):
        TrainConfig(dropout=10**400)
    model = ModelConfig(np.str_("embedding_rnn"), in_max_int=np.uint8(255))
    assert model.n_input_symbols == 256  # a uint8 would overflow
    for config in (train, model):
        assert {type(value) for value in asdict(config).values()} <= {bool, int, float, str, type(None)}
        assert type(config)(**json.loads(json.dumps(asdict(config)))) == config


DERIVED = {"ends", "min_in_len", "validation_points"}  # derived from task, lengths and data


def test_settings_are_the_fields_of_the_configs_and_the_keywords_of_train():
    declared = {field.name: field.type for config in (ModelConfig, TrainConfig) for field in fields(config)}
    assert {*declared} - DERIVED == SETTINGS
    assert declared_settings(ModelConfig).keys() | declared_settings(TrainConfig).keys() == {*declared}
    expected = {name: declared[name] | None for name in SETTINGS}
    expected["in_len"] |= tuple[int, int]
    expected["model"] |= AnyModel
    expected["cell_type"] |= AnyCell
    hints = get_type_hints(train)
    assert {name: hints[name] for name in SETTINGS} == expected
    assert {signature(train).parameters[name].default for name in SETTINGS} == {None}


# ---- Names ----


def test_short_names_of_models_and_cells_are_stored_in_full():
    assert ModelConfig("rnn", "LSTM") == ModelConfig()
    assert ModelConfig("attention", "RNN") == ModelConfig("embedding_attention", "BasicRNNCell")
    with pytest.raises(UsageError, match=r"unknown `model` 'GRU': expected one of embedding_rnn, embedding_attention$"):
        ModelConfig("GRU")


def test_an_unknown_name_has_a_likely_meaning():
    options = {f"--{each.replace('_', '-')}": each for each in SETTINGS}
    meanings = {"learningRate": "learning_rate", "epoch": "epochs", "drop_out": "dropout", "n": None, "no_such": None}
    for name, likely in meanings.items():
        assert likely_name(name, SETTINGS) == likely
        assert options.get(likely_name(f"--{name}", options)) == likely
