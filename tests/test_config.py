import math
from dataclasses import replace

import pytest

from seq2seq_demo.config import ModelConfig, TrainConfig, parse_integer
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
    ],
)
def test_training_values_out_of_range(values):
    name, value = next(iter(values.items()))
    with pytest.raises(UsageError, match=str(value)):
        replace(TrainConfig(points=100), **values)
    assert name


@pytest.mark.parametrize("name", ["num_layers", "cell_size", "embedding_size", "in_max_int", "out_max_int"])
def test_model_sizes_out_of_range(name):
    with pytest.raises(UsageError, match=f"expected {name.replace('_', '-')} to be an integer of at least 1, got 0"):
        ModelConfig(**{name: 0})


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
