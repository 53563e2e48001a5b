"""Checkpoints of 2016, tested with the 2016 weights, TensorFlow's own writer and the 2016 equations."""

import json
from dataclasses import replace

import numpy as np
import pytest
from helpers_2016 import CELLS_2016, PRIMES, REFERENCE, SMALL, random_arrays, variables_of_2016, variables_with_moments

from seq2seq_demo.config import MODELS, ModelConfig
from seq2seq_demo.errors import WeightsError
from seq2seq_demo.network.names_2016 import from_2016
from seq2seq_demo.trained.loading import load


def assert_equal(arrays, expected):
    assert list(arrays) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(arrays[name], array, err_msg=name, strict=True)


def refuses(variables):
    """Require that the variables are refused in one line."""
    with pytest.raises(WeightsError, match=r"^not the variables of a 2016 network: .*\Z"):
        from_2016(variables)


# ---- The weights that the 2016 program shipped ----


@pytest.mark.slow
def test_the_reference_network_reproduces_its_recorded_outputs(reference_2016):
    network = load(reference_2016 / REFERENCE)
    expected = json.loads((reference_2016 / "sorted_len20_greedy.json").read_text())
    assert network.model_config == ModelConfig(model="embedding_attention")
    assert (network.task, network.in_len, network.out_len) == (None, None, None)
    assert network.step == 14080 == 20 * 704  # 20 epochs of 90,000 points
    assert len(network.moments) == 2 * len(network.weights)
    sources = np.array(expected["inputs"])
    numpy_network = network.to_numpy()
    decoded = numpy_network.decode(sources, 20)
    assert decoded.symbols.tolist() == expected["predictions"]
    np.testing.assert_allclose(decoded.logits[0], expected["logits_of_row_0"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(decoded.attention[0], expected["attention_of_row_0"], rtol=0, atol=1e-4)
    assert numpy_network.decode(sources[:5], 8).symbols.tolist() == expected["predictions_out_len_8_of_first_5"]


# ---- Checkpoints that TensorFlow's Saver writes ----


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A checkpoint of weights alone, and the weights."""
    import tensorflow as tf

    weights, v1 = random_arrays(PRIMES, 1), tf.compat.v1
    path = tmp_path_factory.mktemp("2016") / "a.tfl"
    with tf.Graph().as_default(), v1.Session() as session:
        for name, array in variables_of_2016(PRIMES, weights).items():
            v1.get_variable(name, initializer=tf.constant(array), use_resource=False)
        session.run(v1.global_variables_initializer())
        saver = v1.train.Saver(write_version=v1.train.SaverDef.V1)
        saver.save(session, str(path), write_meta_graph=False, write_state=False)
    return path.read_bytes(), weights


@pytest.mark.slow
def test_a_checkpoint_is_read_under_any_name(tmp_path, checkpoint):
    content, weights = checkpoint
    for name in ("a.tfl", "[a]*?.h5", "gewichte ä"):  # TensorFlow itself would match other names
        (tmp_path / name).write_bytes(content)
        network = load(tmp_path / name)
        assert_equal(network.weights, weights)
        assert (network.moments, network.step, network.program) == ({}, 0, "TFLearnSeq2Seq")


@pytest.mark.slow
def test_a_damaged_checkpoint_is_refused_in_one_line(tmp_path, checkpoint):
    content, _ = checkpoint
    path, middle = tmp_path / "a.tfl", len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    for damaged in (flipped, content[:middle] + content[-48:], content[-48:], content[-8:]):
        path.write_bytes(damaged)
        with pytest.raises(WeightsError) as error:
            load(path)
        assert str(error.value) == f"{path}: damaged checkpoint: TensorFlow cannot read it"


# ---- Names ----


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell_type", CELLS_2016)
@pytest.mark.parametrize("model", MODELS)
def test_variables_of_every_kind_become_our_weights_again(model, cell_type, num_layers):
    config = replace(PRIMES, model=model, cell_type=cell_type, num_layers=num_layers)
    weights, moments, variables = variables_with_moments(config)
    facts = from_2016(variables)
    assert facts["model_config"] == config
    assert_equal(facts["weights"], weights)
    assert_equal(facts["moments"], moments)
    assert facts["step"] == 1234


# ---- Missing variables and other shapes ----

MATRIX = "embedding_rnn_seq2seq/RNN/GRUCell/Gates/Linear/Matrix"


@pytest.mark.parametrize("model", MODELS)
def test_a_missing_variable_is_refused(model):
    _, _, variables = variables_with_moments(replace(SMALL, model=model))
    for name in filter(lambda name: "embedding_" in name, variables):
        refuses({other: array for other, array in variables.items() if other != name})


def test_another_shape_is_refused():
    _, _, variables = variables_with_moments(SMALL)
    for shape in ((7, 12), (2, 2, 3)):
        refuses(variables | {MATRIX: np.zeros(shape, np.float32)})
