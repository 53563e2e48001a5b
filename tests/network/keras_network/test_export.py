"""Saved and exported Keras networks, compared with the NumPy network."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import random_weights

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.network.keras_network.model import Seq2Seq
from seq2seq_demo.trained.trained_network import make_numpy_network

pytestmark = pytest.mark.slow

B, S, T = 2, 6, 3
SOURCES = np.random.default_rng(0).integers(0, 11, (B, S), np.int32)
DECODER_INPUT = np.random.default_rng(1).integers(0, 14, (B, T), np.int32)


def networks(num_layers=1):
    """A network with every kind of layer, in Keras and in NumPy."""
    config = ModelConfig("embedding_attention", "BasicRNNCell", num_layers, 7, 5, 10, 12, bidirectional=True, ends=True)
    weights = random_weights(config)
    return Seq2Seq(config, weights), make_numpy_network(config, weights)


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # in Keras
def test_a_keras_file_has_the_whole_network(tmp_path):
    network, _ = networks(num_layers=2)
    network.save(tmp_path / "a.keras")
    loaded = keras.saving.load_model(tmp_path / "a.keras")
    assert loaded.model_config == network.model_config
    for name, variable in network.named_variables().items():
        assert (variable.numpy() == loaded.named_variables()[name].numpy()).all(), name


def test_inputs_may_have_any_size_and_may_be_in_a_dictionary():
    network, reference = networks()
    logits = reference.decode(SOURCES, T, DECODER_INPUT).logits
    inputs = [keras.Input((None,), dtype="int32") for _ in range(2)]
    functional = keras.Model(inputs, network(*inputs))
    assert functional.output_shape == (None, None, 14)
    assert np.abs(functional([SOURCES, DECODER_INPUT]) - logits).max() < 1e-4
    assert np.abs(network({"sources": SOURCES, "decoder_input": DECODER_INPUT}) - logits).max() < 1e-4


# In this interpreter, which comes with TensorFlow, only a warning has changed.
@pytest.mark.filterwarnings(r"ignore:\s+Warning. tf.lite.Interpreter is deprecated")
def test_exported_networks_answer_like_numpy(tmp_path):
    network, reference = networks()
    decoded, forced = reference.decode(SOURCES, T), reference.decode(SOURCES, T, DECODER_INPUT)
    network.export(tmp_path / "saved", verbose=False)
    saved = tf.saved_model.load(tmp_path / "saved")
    assert np.abs(saved.serve(SOURCES, DECODER_INPUT) - forced.logits).max() < 1e-4
    assert (saved.greedy(SOURCES, T)["symbols"].numpy() == decoded.symbols).all()
    of_saved = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "saved"), signature_keys=["greedy"])
    greedy = tf.lite.Interpreter(model_content=of_saved.convert()).get_signature_runner("greedy")
    answer = greedy(sources=SOURCES, out_len=np.int32(T))
    assert (answer["symbols"] == decoded.symbols).all()
    assert np.abs(answer["logits"] - decoded.logits).max() < 1e-4
