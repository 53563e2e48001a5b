import enum
import json
import math
import re
import subprocess
import sys
from dataclasses import asdict, replace
from fractions import Fraction

import numpy as np
import pytest

from seq2seq_demo.config import ModelConfig, TrainConfig, parse_integer, require_integer
from seq2seq_demo.errors import UsageError


def test_defaults_of_2016():
    model, train = ModelConfig(), TrainConfig(points=100_000)
    assert (model.model, model.cell_type, model.num_layers) == ("embedding_rnn", "BasicLSTMCell", 1)
    assert (model.cell_size, model.embedding_size) == (32, 20)
    assert (train.learning_rate, train.epochs, train.batch_size) == (1e-4, 10, 128)
    assert (train.in_len, train.out_len) == (10, 10)


def test_symbols():
    model = ModelConfig(in_max_int=6, out_max_int=11)
    assert (model.n_input_symbols, model.n_output_symbols, model.go) == (7, 13, 12)


def test_a_tenth_of_the_points_is_kept_for_validation():
    train = TrainConfig(points=100_000)
    assert (train.n_training, train.n_validation, train.steps_per_epoch) == (90_000, 10_000, 704)
    assert (TrainConfig(points=2).n_training, TrainConfig(points=2).n_validation) == (1, 1)


@pytest.mark.parametrize(
    "values",
    [
        {"points": 1},
        {"epochs": -1},
        {"batch_size": 0},
        {"in_len": 0},
        {"out_len": 1.5},
        {"seed": True},
        {"learning_rate": 0},
        {"learning_rate": math.nan},
        {"learning_rate": math.inf},
        {"lr_schedule": "linear"},
        {"stop_at_exact": 0},
        {"stop_at_exact": 1.1},
        {"learning_rate": True},
        {"learning_rate": "0.1"},
        {"learning_rate": 10**400},
        {"learning_rate": Fraction(1, 10**400)},
        {"learning_rate": 1j},
        {"stop_at_exact": True},
        {"stop_at_exact": "0.5"},
        {"stop_at_exact": math.nan},
        {"points": np.int64(1)},
        {"points": np.bool_(True)},
        {"points": 1000.0},
        {"in_len": "5"},
    ],
)
def test_training_values_out_of_range(values):
    (value,) = values.values()
    with pytest.raises(UsageError, match=re.escape(str(value)[:30])):
        replace(TrainConfig(points=100), **values)


@pytest.mark.parametrize("name", ["num_layers", "cell_size", "embedding_size", "in_max_int", "out_max_int"])
def test_model_sizes_out_of_range(name):
    with pytest.raises(UsageError, match=f"expected {name.replace('_', '-')} to be an integer of at least 1, got 0"):
        ModelConfig(**{name: 0})


def test_numbers_of_any_type_are_kept_as_plain_ones():
    class Size(enum.IntEnum):
        LARGE = 64

    train = TrainConfig(np.int64(1000), np.uint8(7), np.array(3), np.float32(0.5), seed=np.int16(2), stop_at_exact=1)
    assert train == TrainConfig(1000, 7, 3, 0.5, seed=2, stop_at_exact=1.0)
    assert repr(train) == repr(TrainConfig(1000, 7, 3, 0.5, seed=2, stop_at_exact=1.0))  # which workers compare
    assert TrainConfig(learning_rate=Fraction(1, 4), stop_at_exact=np.float64(0.5)).learning_rate == 0.25
    model = ModelConfig(np.str_("embedding_rnn"), cell_size=Size.LARGE, in_max_int=np.uint8(255))
    assert model.n_input_symbols == 256  # in no type that overflows
    for config in (train, model):
        assert {type(value) for value in asdict(config).values()} <= {int, float, str, type(None)}
        assert type(config)(**json.loads(json.dumps(asdict(config)))) == config


def test_an_integer_that_is_required_is_returned_as_an_int():
    assert type(require_integer("n", np.int64(5), at_least=5)) is int
    for value, shown in [(np.int64(4), "4"), (np.ones((2, 2)), r"array\(\[\[1., 1.\], \[1., 1.\]\]\)"), (None, "None")]:
        with pytest.raises(UsageError, match=f"^expected n to be an integer of at least 5, got {shown}$"):
            require_integer("n", value, at_least=5)


def test_settings_load_no_numpy():
    code = "import sys, seq2seq_demo.config; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("value", [["embedding_rnn"], None, 3])
def test_what_is_no_word_is_no_choice(value):
    for name in ("model", "cell_type"):
        with pytest.raises(UsageError, match=f"unknown {name.replace('_', ' ')} {re.escape(repr(value))}: "):
            ModelConfig(**{name: value})


def test_unknown_choices_are_told_the_nearest():
    with pytest.raises(UsageError, match="did you mean embedding_attention"):
        ModelConfig(model="attention")
    with pytest.raises(UsageError, match="did you mean GRUCell"):
        ModelConfig(cell_type="GRUcell")


def test_parse_integer():
    assert [parse_integer(text) for text in ("7", "-1", "+3", "007")] == [7, -1, 3, 7]
    for text in ("1_0", "１", "1e3", "1.0", "", "abc"):
        with pytest.raises(ValueError):
            parse_integer(text)


def test_an_integer_too_long_to_print():
    with pytest.raises(UsageError, match="at least 1, got one of thousands of digits"):
        ModelConfig(cell_size=-(10**5000))
