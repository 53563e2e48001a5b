"""The training of the page in Node: gradients, and the steps of the TensorFlow trainer."""

import numpy as np
import pytest
from helpers import random_weights
from helpers_page import KINDS, ask, kind_name, needs_node, on_page

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.network.parameters import initial_weights, weight_shapes
from seq2seq_demo.page.builder import ShownNetwork, network_data
from seq2seq_demo.trained.trained_network import TrainedNetwork

pytestmark = [pytest.mark.slow, needs_node]
RATE = 1e-2


def ask_trainer(name, network, **question):
    """Node's answer to a question about the training of a network."""
    data = network_data(ShownNetwork("name", network))
    (answer,) = ask((name, {"network": data, **question}), module="network/trainer.js")
    return answer


@pytest.mark.parametrize("config", KINDS, ids=kind_name)
def test_the_gradient_of_networks_of_every_kind_agrees_with_finite_differences(config):
    rng = np.random.default_rng(3)
    sources = rng.integers(0, config.n_input_symbols, (5, 4)).tolist()
    targets = rng.integers(0, config.n_output_symbols, (5, 3)).tolist()
    network = TrainedNetwork(config, {name: w / 2 for name, w in random_weights(config).items()}, in_len=4, out_len=3)
    gradient, difference = np.transpose(ask_trainer("networkSlopes", network, sources=sources, targets=targets))
    np.testing.assert_allclose(gradient, difference, atol=2e-3 * max(np.abs(gradient).max(), 0.01))
    assert np.abs(gradient).max() > 0


def reversing_batches(n, config):
    """Batches of digits and their reversals; for a network that ends, they have two sizes, END, and padding."""
    rng, batches = np.random.default_rng(7), []
    for i in range(n):
        B, S = [(32, 3), (20, 2)][i % 2 if config.ends else 0]
        sources = rng.integers(0, 10, (B, S))
        targets = sources[:, ::-1]
        if config.ends:
            targets = np.hstack([targets, np.full((B, 1), config.go), np.full((B, 1), -1)])
            targets[rng.random(B) < 0.5, 2:] = [config.go, *[-1] * (S - 1)]  # ends after two symbols
        batches.append((sources, targets))
    return batches


def trained(config, n, **settings):
    weights = initial_weights(config, seed=0)
    network = TrainedNetwork(config, weights, in_len=5, out_len=5)
    numbers = {name: array.ravel().tolist() for name, array in weights.items()}
    batches = [[source.tolist(), target.tolist()] for source, target in reversing_batches(n, config)]
    return ask_trainer("train", network, weights=numbers, batches=batches, rate=RATE, **settings)


TRAINED = {
    "pattern": ModelConfig("embedding_attention", cell_size=16),
    "pairs": ModelConfig("embedding_attention", cell_size=16, ends=True, bidirectional=True),
}


@pytest.mark.parametrize("config", TRAINED.values(), ids=TRAINED)
def test_steps_have_the_losses_of_the_tensorflow_trainer(config):
    tf = pytest.importorskip("tensorflow")
    from seq2seq_demo.network.keras_network.model import Seq2Seq
    from seq2seq_demo.training.steps import PackedAdam, mean_losses

    smoothing = 0.1 * config.ends  # of pairs
    n, weights = 60, initial_weights(config, seed=0)
    network, adam = Seq2Seq(config, weights), PackedAdam(weight_shapes(config), weights, {}, 0)
    variables = [*network.named_variables().values()]

    @tf.function
    def step(sources, targets):
        mask = tf.cast(targets >= 0, tf.float32)
        with adam.gradient_tape(variables) as (tape, parts):
            losses, logits = network.losses(sources, tf.maximum(targets, 0), None, None)
            loss = tf.reduce_sum(losses * mask) / tf.reduce_sum(mask)
            smoothed = tf.reduce_sum((mean_losses(logits) - losses) * mask) / tf.reduce_sum(mask)
            total = loss + smoothing * smoothed
        gradients = [tf.reshape(gradient, [-1]) for gradient in map(tf.convert_to_tensor, tape.gradient(total, parts))]
        adam.apply(tf.concat(gradients, 0) * (sources.shape[0] / 32), tf.constant(RATE))
        return loss

    batches = reversing_batches(n, config)
    expected = [float(step(*(tf.constant(side, tf.int32) for side in batch))) for batch in batches]
    losses = trained(config, n, options={"smoothing": smoothing})["losses"]
    np.testing.assert_allclose(losses, expected, atol=1e-4)
    assert losses[0] > 2.2 and losses[-1] < 1.8


def test_networks_learn_from_their_own_symbols():
    losses = trained(ModelConfig("embedding_attention", cell_size=16), 60, options={"feedsOwn": True})["losses"]
    assert losses[-1] < losses[0] - 0.5


def test_a_symbol_is_right_only_if_it_is_due_and_the_answer_is_not_over():
    config = ModelConfig("embedding_attention", cell_size=7, in_max_int=3, out_max_int=2, ends=True)
    network = on_page(TrainedNetwork(config, random_weights(config, 4), task="copy", in_len=4, out_len=4, min_in_len=4))
    rng = np.random.default_rng(5)
    sources = rng.integers(0, 4, (200, 4)).tolist()
    answers = network.predict_numbers([(source, None) for source in sources])
    written = [[config.go if symbol == "END" else int(symbol) for symbol in answer.written] for answer in answers]
    targets = [
        [*rng.permutation(3)[: rng.integers(1, 4)], config.go] if i % 2 else symbols
        for i, symbols in enumerate(written)
    ]
    assert len({*map(len, written)}) > 2
    padded = [[*map(int, target), *[-1] * (6 - len(target))] for target in targets]
    expected = [
        [t < len(symbols) and symbols[t] == due for t, due in enumerate(target)]
        for symbols, target in zip(written, targets, strict=True)
    ]
    assert ask_trainer("rightSymbols", network, sources=sources, targets=padded) == expected
