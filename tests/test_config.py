import enum
import json
import math
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


def test_defaults_are_those_of_2016():
    model, train = ModelConfig(), TrainConfig(points=100_000)
    assert (model.model, model.cell_type, model.num_layers) == ("embedding_rnn", "BasicLSTMCell", 1)
    assert (model.cell_size, model.embedding_size) == (32, 20)
    assert (train.learning_rate, train.epochs, train.batch_size) == (1e-4, 10, 128)
    assert (train.in_len, train.out_len) == (10, 10)


def test_a_tenth_of_the_points_or_a_given_number_validates():
    train = TrainConfig(points=100_000)
    assert (train.n_training, train.n_validation, train.steps_per_epoch) == (90_000, 10_000, 704)
    assert (TrainConfig(points=2).n_training, TrainConfig(points=2).n_validation) == (1, 1)
    train = TrainConfig(points=37, validation_points=7, batch_size=10)
    assert (train.n_training, train.n_validation, train.steps_per_epoch) == (30, 7, 3)
    with pytest.raises(UsageError, match="expected fewer than 37 points for validation, got 37"):
        TrainConfig(points=37, validation_points=37)


OUT_OF_RANGE = {
    "points": [1, np.int64(1), np.bool_(True), 1000.0],
    "in_len": [0, "5"],
    "learning_rate": [0, math.nan, math.inf, 1e39, -1e-3, 1e-46, True, "0.1", 10**400, Fraction(1, 10**400), 1j],
    "lr_schedule": ["linear", ["constant"], None, 3],
    "epochs": [-1],
    "seed": [True],
    "stop_at_exact": [0, 1.1, math.nan],
    "dropout": [1, -0.1],
    "patience": [0, 1.5],
    "keep_best": [1, None, "True", np.bool_(True)],
    "validation_points": [0, 2.0],
    "minutes": [0, math.nan],
    "label_smoothing": [-0.1, 1],
    "consistency": [-0.1, 101],
    "min_in_len": [0],
}


@pytest.mark.parametrize("name", OUT_OF_RANGE)
def test_training_values_out_of_range_are_refused(name):
    for value in OUT_OF_RANGE[name]:
        with pytest.raises(UsageError, match=re.escape(str(value)[:30])):
            replace(TrainConfig(points=100), **{name: value})


def test_model_sizes_out_of_range_are_refused():
    with pytest.raises(UsageError, match="expected `cell_size` to be an integer of at least 1, got 0"):
        ModelConfig(cell_size=0)
    with pytest.raises(UsageError, match="at least 1, got a number of thousands of digits"):
        ModelConfig(cell_size=-(10**5000))


def test_numbers_of_any_type_become_plain_python_numbers():
    class Size(enum.IntEnum):
        LARGE = 64

    train = TrainConfig(np.int64(1000), np.uint8(7), np.array(3), np.float32(0.5), seed=np.int16(2), stop_at_exact=1)
    assert train == TrainConfig(1000, 7, 3, 0.5, seed=2, stop_at_exact=1.0)
    assert repr(train) == repr(TrainConfig(1000, 7, 3, 0.5, seed=2, stop_at_exact=1.0))  # workers compare this text
    assert TrainConfig(dropout=Fraction(1, 4)).dropout == 0.25
    assert TrainConfig(learning_rate=Fraction(1, 4), stop_at_exact=np.float64(0.5)).learning_rate == 0.25
    model = ModelConfig(np.str_("embedding_rnn"), cell_size=Size.LARGE, in_max_int=np.uint8(255))
    assert model.n_input_symbols == 256  # a uint8 would overflow
    for config in (train, model):
        assert {type(value) for value in asdict(config).values()} <= {bool, int, float, str, type(None)}
        assert type(config)(**json.loads(json.dumps(asdict(config)))) == config


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("size", (0, True, 2.0, "5"), "expected `beam_size` to be an integer of at least 1, got {!r}"),
        ("size", (1001,), "expected `beam_size` of at most 1000, got {!r}"),
        ("n_best", (0, None), "expected `n_best` to be an integer of at least 1, got {!r}"),
        ("length_penalty", (-0.1, 10.1, math.nan, math.inf, True, None, "1"), "expected {name} from 0 to 10, got {!r}"),
    ],
)
def test_beam_values_out_of_range_are_refused(name, values, message):
    for value in values:
        with pytest.raises(UsageError, match=f"^{message.format(value, name='`length_penalty`')}$"):
            Beam(**{"size": 3} | {name: value})


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


@pytest.mark.parametrize(
    ("name", "likely"),
    [
        ("learningRate", "learning_rate"),
        ("lr", "learning_rate"),
        ("validation_split", "validation"),
        ("max_out_len", "out_len"),
        ("drop_out", "dropout"),
        ("quiet", "verbose"),
        ("pairs", "data"),
        ("task", "data"),
        ("no_such", None),
    ],
)
def test_an_unknown_name_has_a_likely_meaning(name, likely):
    names = [*sorted(SETTINGS), "data", "validation", "verbose"]
    assert likely_name(name, names) == likely
    options = {f"--{each.replace('_', '-')}": each for each in names}
    assert options.get(likely_name(f"--{name}", options)) == likely
