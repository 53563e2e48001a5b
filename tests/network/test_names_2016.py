"""Conversion of 2016 variables, tested with the 2016 weights, TensorFlow's own writer and the 2016 equations.

The equations are written out again here on purpose.
"""

import json
import math
from dataclasses import replace

import helpers_2016
import numpy as np
import pytest
from helpers_2016 import PRIMES, SMALL, assert_equal, random_arrays, refusal, variables_of_2016, variables_with_moments
from hypothesis import given, settings, strategies as st

from seq2seq_demo.config import MODELS, ModelConfig
from seq2seq_demo.errors import WeightsError
from seq2seq_demo.files.checkpoint_2016 import read_checkpoint
from seq2seq_demo.network.names_2016 import from_2016, name_of_2016
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.network.parameters import check_weights
from seq2seq_demo.trained_network import load

# ---- The weights that the 2016 program shipped ----


def test_the_reference_network_reproduces_its_recorded_outputs(reference_2016):
    network = load(reference_2016 / helpers_2016.REFERENCE)
    expected = json.loads((reference_2016 / "sorted_len20_greedy.json").read_text())
    assert network.model_config == ModelConfig(model="embedding_attention")
    assert (network.task, network.in_len, network.out_len) == (None, None, None)
    sources = np.array(expected["inputs"])
    numpy_network = network.to_numpy()
    decoded = numpy_network.decode(sources, 20)
    assert decoded.symbols.tolist() == expected["predictions"]
    np.testing.assert_allclose(decoded.logits[0], expected["logits_of_row_0"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(decoded.attention[0], expected["attention_of_row_0"], rtol=0, atol=1e-4)
    assert numpy_network.decode(sources[:5], 8).symbols.tolist() == expected["predictions_out_len_8_of_first_5"]


def test_the_reference_network_has_its_step_and_moments(reference_2016):
    variables = read_checkpoint((reference_2016 / helpers_2016.REFERENCE).read_bytes())
    network = from_2016(variables)
    assert network.step == 14080 == 20 * 704  # 20 epochs of 90,000 points
    assert len(network.moments) == 2 * len(network.weights)
    power = float(variables["Adam/beta2_power"])
    assert math.log(power) / math.log(np.float32(0.999)) - 1 == pytest.approx(14080, abs=0.1)
    f = slice(64, 96)  # the third of the gates i j f o
    stored = variables["embedding_attention_seq2seq/RNN/BasicLSTMCell/Linear/Bias"][f]
    moment = variables["Adam/embedding_attention_seq2seq/RNN/BasicLSTMCell/Linear/Bias/Adam"][f]
    np.testing.assert_array_equal(network.weights["encoder/layer_0/bias"][32:64], stored + 1)
    np.testing.assert_array_equal(network.moments["m/encoder/layer_0/bias"][32:64], moment)


# ---- Checkpoints that TensorFlow's Saver writes ----


@pytest.mark.parametrize("era", helpers_2016.ERAS)
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell_type", helpers_2016.CELLS_2016)
@pytest.mark.parametrize("model", MODELS)
def test_variables_of_every_kind_become_our_weights_again(model, cell_type, num_layers, era):
    config = replace(PRIMES, model=model, cell_type=cell_type, num_layers=num_layers)
    weights, moments, variables = variables_with_moments(config, helpers_2016.ERAS[era])
    network = from_2016(variables)
    assert network.model_config == config
    assert_equal(network.weights, weights)
    assert_equal(network.moments, moments)
    assert network.step == 1234


def test_a_checkpoint_of_weights_alone_has_no_moments(tmp_path):
    weights = random_arrays(PRIMES, 1)
    network = from_2016(read_checkpoint(helpers_2016.save(variables_of_2016(PRIMES, weights), tmp_path)))
    assert_equal(network.weights, weights)
    assert (network.moments, network.step) == ({}, 0)


@pytest.mark.parametrize(
    ("name", "of_2016"),
    [
        (
            "embedding_rnn_seq2seq/rnn/embedding_wrapper/multi_rnn_cell/cell_11/gru_cell/gates/kernel",
            "embedding_rnn_seq2seq/RNN/MultiRNNCell/Cell11/GRUCell/Gates/Linear/Matrix",
        ),
        (
            "Adam/embedding_rnn_seq2seq/RNN/EmbeddingWrapper/embedding/Adam_1",
            "embedding_rnn_seq2seq/RNN/EmbeddingWrapper/embedding/Adam_1",
        ),
        ("embedding_rnn_seq2seq/rnn/lstm_cell/biases/Adam", "embedding_rnn_seq2seq/RNN/LSTMCell/Linear/Bias/Adam"),
        ("embedding_rnn_seq2seq/RNN/LSTMCell/W_0", "embedding_rnn_seq2seq/RNN/LSTMCell/Linear/Matrix"),
    ],
)
def test_later_variable_names_become_those_of_2016(name, of_2016):
    assert name_of_2016(name) == of_2016


# ---- The 2016 equations on 2016 variables, compared with ours on converted weights ----


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def linear(variables, scope, *inputs):
    matrix, bias = variables[f"{scope}/Linear/Matrix"], variables[f"{scope}/Linear/Bias"]
    return np.concatenate(inputs, axis=1).astype(np.float64) @ matrix + bias


def cell_of_2016(variables, scope, x, state):
    """A cell of TF 0.10's rnn_cell.py: return the next state, whose last array is the output."""
    h = state[-1]
    if scope.endswith("BasicRNNCell"):
        return (np.tanh(linear(variables, scope, x, h)),)
    if scope.endswith("GRUCell"):
        r, u = np.split(sigmoid(linear(variables, scope + "/Gates", x, h)), 2, axis=1)
        return (u * h + (1 - u) * np.tanh(linear(variables, scope + "/Candidate", x, r * h)),)
    i, j, f, o = np.split(linear(variables, scope, x, h), 4, axis=1)
    c = state[0] * sigmoid(f + 1) + sigmoid(i) * np.tanh(j)
    return c, np.tanh(c) * sigmoid(o)


def logits_of_2016(config, variables, sources, decoder_input):
    """TF 0.10's seq2seq.py with teacher forcing: logits [B, T, V]."""
    kind = config.model.removeprefix("embedding_")
    network, decoder = f"embedding_{kind}_seq2seq", f"embedding_{kind}_seq2seq/embedding_{kind}_decoder"
    step = f"{decoder}/{kind}_decoder"
    stacks = [f"MultiRNNCell/Cell{k}/" for k in range(config.num_layers)] if config.num_layers > 1 else [""]
    zero = np.zeros((len(sources), config.cell_size))
    states = [(zero, zero) if "LSTM" in config.cell_type else (zero,)] * config.num_layers

    def run_cells(scope, x):
        for layer, stack in enumerate(stacks):
            states[layer] = cell_of_2016(variables, f"{scope}/{stack}{config.cell_type}", x, states[layer])
            x = states[layer][-1]
        return x

    embedding = variables[f"{network}/RNN/EmbeddingWrapper/embedding"]
    memory = np.stack([run_cells(f"{network}/RNN", embedding[symbols]) for symbols in sources.T], axis=1)
    logits, context = [], zero
    for symbols in decoder_input.T:
        x = variables[f"{decoder}/embedding"][symbols]
        h = run_cells(step, linear(variables, step, x, context) if config.has_attention else x)
        logits.append(linear(variables, f"{step}/OutputProjectionWrapper", h))
        if config.has_attention:
            query = linear(variables, f"{step}/Attention_0", *[array for state in states for array in state])
            features = np.einsum("bsi,xyio->bso", memory, variables[f"{step}/AttnW_0"])
            u = np.exp(np.sum(variables[f"{step}/AttnV_0"] * np.tanh(features + query[:, None]), axis=2))
            context = np.einsum("bs,bsh->bh", u / u.sum(axis=1, keepdims=True), memory)
            logits[-1] = linear(variables, f"{step}/AttnOutputProjection", logits[-1], context)
    return np.stack(logits, axis=1)


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell_type", ["BasicLSTMCell", "GRUCell", "BasicRNNCell"])
@pytest.mark.parametrize("model", MODELS)
def test_the_equations_of_2016_give_the_same_logits(model, cell_type, num_layers):
    config = replace(PRIMES, model=model, cell_type=cell_type, num_layers=num_layers)
    variables = variables_of_2016(config, random_arrays(config, 5))
    rng = np.random.default_rng(6)
    sources, decoder_input = rng.integers(0, 11, (3, 4)), rng.integers(0, 13, (3, 6))
    expected = logits_of_2016(config, variables, sources, decoder_input)
    network = from_2016(variables)
    decoded = NumpyNetwork(network.model_config, network.weights).decode(sources, 6, decoder_input)
    np.testing.assert_allclose(decoded.logits, expected, rtol=0, atol=1e-5)


# ---- Steps ----


def variables_with(**extra):
    """The variables of all weights and moments, and `extra` ones."""
    _, _, variables = variables_with_moments(SMALL)
    kept = {name: array for name, array in variables.items() if "embedding_" in name}
    return kept | {name.replace("__", "/"): np.asarray(array) for name, array in extra.items()}


def power_after(steps):
    power = np.float32(0.999)
    for _ in range(steps):
        power *= np.float32(0.999)
    return power


@pytest.mark.parametrize(
    ("extra", "step"),
    [
        ({"Training_step": np.float32(7), "Global_Step": np.float32(9)}, 7),
        ({"Global_Step": np.float32(9)}, 9),
        ({"global_step": np.int64(2**40)}, 2**40),
        ({"global_step": np.int32(11), "beta2_power": power_after(3)}, 11),
        ({"beta1_power": np.float32(6e-45), "beta2_power": power_after(0)}, 0),
        ({"Adam__beta2_power": power_after(1)}, 1),
        ({"Adam__beta2_power": power_after(80_000)}, 80_000),
    ],
)
def test_the_step_is_read_or_computed_from_a_power_of_beta(extra, step):
    assert from_2016(variables_with(**extra)).step == step


@pytest.mark.parametrize("power", [7e-43, 1, 1 - 1e-9, 2, -1, np.nan, [0.5], "0.5", 0.5j, None])
def test_moments_need_a_step_or_a_usable_power_of_beta(power):
    assert refusal(from_2016, variables_with(beta2_power=power)) == "missing variable 'Training_step'"


NUMBERS = [np.float32(-1), np.float32(0.5), np.float32(np.nan), np.float32(3e38), np.int64(-1), np.uint64(2**63)]


@pytest.mark.parametrize(
    "step", [*NUMBERS, np.ones(2), np.ones((2, 2)), "7", b"7", 7j, True, None, np.zeros((), "i4,f4")]
)
def test_an_invalid_step_is_refused(step):
    assert "expected a number of steps in variable 'Training_step'" in refusal(
        from_2016, variables_with(Training_step=step)
    )


# ---- Invalid names and shapes ----


@pytest.mark.parametrize("cell_type", ["BasicLSTMCell", "GRUCell"])
@pytest.mark.parametrize("model", MODELS)
def test_each_missing_variable_is_named(model, cell_type):
    _, _, variables = variables_with_moments(replace(SMALL, model=model, cell_type=cell_type))
    for name in variables:
        if "embedding_" in name:
            remaining = {other: array for other, array in variables.items() if other != name}
            assert refusal(from_2016, remaining) == f"missing variable {name.removeprefix('Adam/')!r}"


@pytest.mark.parametrize(
    "name",
    [
        "conv1/weights",
        "embedding_rnn_seq2seq/RNN/GRUCell/Gates/Linear/Extra",
        "embedding_rnn_seq2seq/embedding_rnn_decoder/rnn_decoder/AttnV_0",
        "embedding_rnn_seq2seq/rnn/gru_cell/gates/kernel",  # a duplicate, under a later name
        "Adam/embedding_rnn_seq2seq/RNN/EmbeddingWrapper/embedding/Adam_2",
        "Adam/Adam",
        "my/val_loss",
        "removing_avg",
        "moving_avg_2",
        "a\nb/is_training",
    ],
)
def test_an_unexpected_variable_is_named(name):
    _, _, variables = variables_with_moments(SMALL)
    variables[name] = np.zeros((2, 3), np.float32)
    assert refusal(from_2016, variables) == f"unexpected variable {name!r}"


@pytest.mark.parametrize(
    ("array", "actual"),
    [
        (np.zeros((12, 8), np.float32), "float32 (12, 8)"),
        (np.zeros((7, 12), np.float32), "float32 (7, 12)"),
        (np.zeros((12, 7)), "float64 (12, 7)"),
        (np.zeros((), np.float32), "float32 ()"),
    ],
)
def test_a_variable_of_a_wrong_shape_or_type_is_refused(array, actual):
    config = replace(PRIMES, cell_type="BasicRNNCell")
    variables = variables_of_2016(config, random_arrays(config, 1))
    name = "embedding_rnn_seq2seq/RNN/BasicRNNCell/Linear/Matrix"
    variables[name] = array
    assert refusal(from_2016, variables) == f"expected variable {name!r} as float32 (12, 7), got {actual}"


def test_a_long_name_is_cut():
    name = "embedding_rnn_seq2seq/RNN/" + "x" * 10**6 + "Cell/"
    message = refusal(from_2016, variables_of_2016(SMALL, random_arrays(SMALL, 1)) | {name: np.ones(2)})
    assert message == f"unexpected variable '{name[:1000]}'..."


@pytest.mark.parametrize("shape", [(), (5,), (5, 2, 1), (0, 2), (5, 0), (1, 2), (0, 10**18), (10**18, 0)])
@pytest.mark.parametrize("name", ["RNN/EmbeddingWrapper/embedding", "OutputProjectionWrapper/Linear/Matrix"])
def test_invalid_matrices_that_determine_the_sizes_are_refused(name, shape):
    variables = variables_of_2016(SMALL, random_arrays(SMALL, 1))
    (name,) = (variable for variable in variables if variable.endswith(name))
    variables[name] = np.zeros(shape, np.float32)
    assert "expected" in refusal(from_2016, variables)


def test_too_many_layers_are_refused():
    cells = {f"embedding_rnn_seq2seq/RNN/MultiRNNCell/Cell{k}/GRUCell/x": np.ones(1) for k in range(1000)}
    variables = variables_of_2016(SMALL, random_arrays(SMALL, 1)) | cells
    assert refusal(from_2016, variables) == "expected `num_layers` of at most 100, got 1001"


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.data())
@pytest.mark.slow
def test_changed_variables_give_a_network_or_a_one_line_error(data):
    variables = data.draw(helpers_2016.changed_variables(helpers_2016.whole_checkpoint(SMALL)[0]))
    try:
        network = from_2016(variables)
    except WeightsError as error:
        assert str(error).isprintable()
    else:
        check_weights(network.model_config, network.weights, network.moments)
        assert 0 <= network.step < 2**53


def test_nan_is_refused():
    weights = random_arrays(SMALL, 1)
    weights["decoder/layer_0/bias"][4] = np.nan
    assert "decoder/layer_0/bias" in refusal(from_2016, variables_of_2016(SMALL, weights))


def test_an_unknown_cell_is_refused():
    variables = variables_of_2016(SMALL, random_arrays(SMALL, 1))
    renamed = {name.replace("GRUCell", "NASCell"): array for name, array in variables.items()}
    assert "unknown `cell_type` 'NASCell'" in refusal(from_2016, renamed)
