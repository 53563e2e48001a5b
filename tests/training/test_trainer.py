from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import begun, fit, largest_difference, pairs_of, pairs_of_arrays, ragged, random_weights

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.data.sequences import Pairs, Sequences, shift_right
from seq2seq_demo.errors import TrainingError
from seq2seq_demo.network.keras_network.dropout import Masks
from seq2seq_demo.network.keras_network.model import Seq2Seq
from seq2seq_demo.trained.metrics import Epoch
from seq2seq_demo.trained.trained_network import TrainedNetwork, untrained
from seq2seq_demo.training import batches, steps
from seq2seq_demo.training.batches import Batch, Widths
from seq2seq_demo.training.steps import Steps
from seq2seq_demo.training.trainer import Trainer
from seq2seq_demo.training.validation import validation_metrics

pytestmark = pytest.mark.slow

SMALL = ModelConfig("embedding_attention", cell_size=7, embedding_size=5, in_max_int=10, out_max_int=12)
BOTH_WAYS = ModelConfig("embedding_attention", "GRUCell", 2, 7, 5, in_max_int=10, out_max_int=12, bidirectional=True)
REVERSED = find_pattern("reversed")


def trainer_of(config, network):
    """A trainer of a network from its first step, with batches of one width."""
    return Trainer(begun(network, config), Widths([(config.in_len, config.out_len)], []))


def run_eagerly(function, **_):
    """A replacement for `tf.function`, which takes seconds to build a graph."""
    return function


def gradients_of(loss_of, model_config, weights):
    """The gradients of a loss of the Keras network, one per weight."""
    network = Seq2Seq(model_config, weights)
    variables = [variable.value for variable in network.named_variables().values()]
    with tf.GradientTape() as tape:
        loss = loss_of(network)
    return [tf.convert_to_tensor(gradient).numpy() for gradient in tape.gradient(loss, variables)]


@pytest.mark.parametrize(("points", "clipped", "since"), [(13, False, 0), (3, True, 5)])
def test_one_step_is_adam_on_the_gradient_of_the_mean_loss(monkeypatch, points, clipped, since):
    """The reference is algorithm 1 of Kingma and Ba (2015) in NumPy, reordered as in their section 2."""
    monkeypatch.setattr(tf, "function", run_eagerly)
    weights = random_weights(SMALL)
    if clipped:
        weights["decoder/output/kernel"] *= 60
    config = TrainConfig(points, in_len=6, out_len=4, learning_rate=0.01, epochs=1, batch_size=100)
    moments = {
        f"{m}/{name}": np.full(w.shape, value, np.float32)
        for m, value in (("m", 0.02), ("v", 0.003))
        for name, w in weights.items()
    }
    trained = fit(REVERSED, config, TrainedNetwork(SMALL, weights, step=8, moments=moments, moments_since=since))

    pairs, _ = REVERSED.draw(config, SMALL, start_step=8)
    sources, targets = pairs.sources.array(), pairs.targets.array()

    def mean_loss(network):
        log_probabilities = tf.nn.log_softmax(network(sources, shift_right(targets, go=13)))
        return -tf.reduce_mean(tf.gather(log_probabilities, targets.astype(int), batch_dims=2))

    gradients = gradients_of(mean_loss, SMALL, weights)
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    assert (norm > 5) == clipped
    assert (trained.step, trained.moments_since) == (9, since)
    t = 9 - since
    for name, g in zip(weights, gradients, strict=True):
        clipped_g = g * min(1, 5 / norm)
        m, v = 0.9 * 0.02 + 0.1 * clipped_g, 0.999 * 0.003 + 0.001 * clipped_g**2
        step = 0.01 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8)
        assert np.abs(trained.moments[f"m/{name}"] - m).max() < 1e-5, name
        assert np.abs(trained.moments[f"v/{name}"] - v).max() < 1e-5, name
        assert np.abs(trained.weights[name] - (weights[name] - step)).max() < 1e-5, name


def test_xla_changes_nothing(monkeypatch):
    config = TrainConfig(100, 4, 4, 0.01, epochs=1, batch_size=16, dropout=0.3, min_in_len=3)
    start = untrained(replace(SMALL, cell_type="BasicRNNCell", ends=True), 0)
    monkeypatch.setattr(steps, "use_xla", lambda *_: True)
    compiled = fit(REVERSED, config, start)
    monkeypatch.setattr(tf, "function", run_eagerly)
    eager = fit(REVERSED, config, start)
    assert largest_difference(compiled, eager) < 1e-5
    for name, first in start.weights.items():
        assert np.abs(eager.weights[name] - first).max() > 1e-3, name  # every weight learns


@pytest.mark.parametrize(
    ("schedule", "epochs", "accuracies", "rates"),
    [
        ("constant", 2, [1.0], [0.2] * 4),
        ("cosine", 2, [1.0], [0.2, 0.17071068, 0.1, 0.02928932]),
        # Epoch 4 has learned the pairs. The other 16 epochs of the cosine then take 3: 5 and 5.5 are 4 + 16 / 3 and 12.
        ("adaptive", 20, [0.9, 0.999, 0.999, 1.0, 0.9], [0.2, 0.19969173, 0.11045285, 0.06909830]),
    ],
)
def test_learning_rates(schedule, epochs, accuracies, rates):
    """Check the rates of two steps per epoch, before the first epoch and after others."""
    config = TrainConfig(10, in_len=6, out_len=4, learning_rate=0.2, lr_schedule=schedule, epochs=epochs, batch_size=5)
    trainer = trainer_of(config, untrained(SMALL, 0))
    first = trainer.learning_rates()[:2]
    for number, accuracy in enumerate(accuracies, start=1):
        trainer.epochs.append(Epoch(number, 2 * number, forced_token_accuracy=accuracy, validation_exact_match=1))
    assert [*first, *trainer.learning_rates()[:2]] == pytest.approx(rates)


def test_a_loss_that_is_not_finite_ends_training(monkeypatch):
    monkeypatch.setattr(tf, "function", run_eagerly)
    start = untrained(SMALL, 0)
    start.weights["decoder/projection/bias"][:] = np.inf
    with pytest.raises(TrainingError, match="the loss is nan at step 2: try a lower `learning_rate`"):
        fit(REVERSED, TrainConfig(50, epochs=3, batch_size=32, in_len=5, out_len=5), start)


def test_a_weight_that_no_file_may_contain_ends_training():
    start = untrained(SMALL, 0)
    start.weights["encoder/embedding"][3] = np.nan
    with pytest.raises(TrainingError, match=r"numbers above 1e\+10 or NaN at step 0: try a lower `learning_rate`"):
        trainer_of(TrainConfig(50), start).snapshot()


# ---- Resuming and validation ----


def test_targets_of_one_source_are_alternatives_only_in_a_users_pairs():
    pairs = pairs_of(([1, 2], [3]), ([1, 2], [4]), ([2], [5]))
    network = untrained(replace(SMALL, ends=True), 0)
    network.weights["decoder/output/bias"][4] = 1e3
    network = replace(network, in_len=2, out_len=1)
    tasks = PairTask("mine", pairs, np.zeros(3, bool)), REVERSED
    of_pairs, of_pattern = (validation_metrics(task, network, pairs) for task in tasks)
    assert of_pairs.token_accuracy != of_pattern.token_accuracy


# ---- Sums ----

SOURCES = [[3, 1, 4, 1, 5], [2], [7, 7], [6, 0, 8, 2]]
TARGETS = [[4, 2], [], [9, 9, 1, 0, 3, 2], [5]]
PAIRS = ragged(SOURCES, TARGETS)
N_SYMBOLS = 3 + 1 + 7 + 2  # with END


def first_batch(our_steps, pairs=PAIRS):
    return Batch(*(x[0] for x in our_steps.batches(pairs)))


def sums_of(our_steps, batch, width):
    """Loss, correct symbols and gradient of a batch at a width, in NumPy."""
    return [x.numpy() for x in our_steps.sums_at(width, batch)]


@pytest.mark.parametrize(
    ("model", "bidirectional", "num_layers", "dropout"),
    [("embedding_rnn", False, 2, 0.0), ("embedding_attention", True, 1, 0.3)],
)
def test_sums_of_a_padded_batch_equal_those_of_its_rows(model, bidirectional, num_layers, dropout):
    """Padding changes neither loss nor correct symbols nor gradients, whichever rows share a batch."""
    model_config = ModelConfig(model, "GRUCell", num_layers, 7, 5, 10, 12, bidirectional, ends=True)
    config = TrainConfig(4, 5, 6, batch_size=4, min_in_len=1, dropout=dropout)
    our_steps = Steps(TrainedNetwork(model_config, random_weights(model_config)), config, Widths([(8, 9)], []))
    batch = first_batch(our_steps)
    assert (batch.n_symbols, *batch.longest) == (N_SYMBOLS, 5, 7)
    rows = [batch.map_rows(lambda x, n=n: x[n : n + 1]) for n in range(4)]
    assert rows[2].with_own_longest().longest.numpy().tolist() == [2, 7]
    each = [sums_of(our_steps, rows[n], (len(SOURCES[n]), len(TARGETS[n]) + 1)) for n in range(4)]
    for total, *parts in zip(sums_of(our_steps, batch, (8, 9)), *each, strict=True):
        assert np.abs(total - sum(parts)).max() < 1e-5


def test_label_smoothing_changes_only_the_gradients_and_equals_that_of_keras():
    model_config = replace(SMALL, ends=True)
    weights = random_weights(model_config)

    def sums(label_smoothing):
        config = TrainConfig(4, 5, 6, batch_size=4, min_in_len=1, label_smoothing=label_smoothing)
        our_steps = Steps(TrainedNetwork(model_config, weights), config, Widths([(5, 7)], []))
        return sums_of(our_steps, first_batch(our_steps), (5, 7))

    smoothed_loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2, reduction="sum")

    def loss_of(network):
        loss = 0.0
        for source, target in zip(SOURCES, TARGETS, strict=True):
            expected = np.array([[*target, model_config.go]])
            logits = network(np.array([source]), shift_right(expected, model_config.go))
            loss += smoothed_loss(keras.ops.one_hot(expected, model_config.n_output_symbols), logits)
        return loss / N_SYMBOLS

    gradient = np.concatenate([g.ravel() for g in gradients_of(loss_of, model_config, weights)])
    plain, smoothed = sums(0.0), sums(0.2)
    assert plain[:2] == smoothed[:2]
    assert np.abs(smoothed[2] - gradient).max() < 1e-5
    assert np.abs(smoothed[2] - plain[2]).max() > 1e-2


def test_consistency_adds_the_divergences_between_two_dropout_masks_to_the_mean_loss_of_both():
    weights, config = random_weights(BOTH_WAYS), TrainConfig(4, 6, 4, batch_size=4, dropout=0.3, consistency=0.7)
    our_steps = Steps(TrainedNetwork(BOTH_WAYS, weights), config, Widths([(6, 4)], []))
    rng = np.random.default_rng(1)
    pairs = pairs_of_arrays(rng.integers(0, 11, (3, 6)), rng.integers(0, 13, (3, 4)))  # and a missing row
    batch = first_batch(our_steps, pairs)
    sums = our_steps.sums_at((6, 4), batch)

    keys, divergence = batch.twice().row_keys, keras.losses.KLDivergence(reduction="sum")
    assert np.intersect1d(keys[:4], keys[4:]).size == 0

    def loss_of(network):
        both = [network.losses(batch.sources, batch.targets, None, Masks(0.3, k)) for k in (keys[:4], keys[4:])]
        (losses_p, logits_p), (losses_q, logits_q) = ((losses[:3], logits[:3]) for losses, logits in both)
        p, q = tf.nn.softmax(logits_p), tf.nn.softmax(logits_q)
        mean_loss = tf.reduce_sum(losses_p + losses_q) / 2
        assert abs(sums.loss - mean_loss) < 1e-4
        return (mean_loss + 0.7 * (divergence(p, q) + divergence(q, p)) / 2) / 12

    gradient = np.concatenate([g.ravel() for g in gradients_of(loss_of, BOTH_WAYS, weights)])
    assert np.abs(sums.gradient - gradient).max() < 1e-5


@pytest.mark.parametrize(
    ("points", "batch_size", "rows"),
    [(100, 128, 128), (1000, 1000, 1000), (1000, 10**9, 1024), (100, 10**9, 128), (1000, 901, 901)],
)
def test_a_batch_has_the_keys_of_its_steps_and_is_not_padded_beyond_the_training_points(points, batch_size, rows):
    config = TrainConfig(points, in_len=6, out_len=4, batch_size=batch_size, dropout=0.1)
    pairs, _ = REVERSED.draw(config, SMALL)
    our_steps = Steps(untrained(SMALL, 0), config, Widths([(6, 4)], []))
    our_steps.adam.iterations.assign(7)
    batch = our_steps.batches(pairs[: our_steps.batch_rows])
    assert batch.sources.shape == (64, rows, 6)
    assert (batch.row_keys.numpy() == batches.row_keys(config.seed, 7, (64, rows))).all()


@pytest.mark.parametrize(
    ("microbatch_rows", "wide", "function"), [(2, [(12, 8)], tf.function), (6, [(12, 8), (13, 8)], run_eagerly)]
)
def test_sums_of_microbatches_equal_those_of_the_batch(monkeypatch, microbatch_rows, wide, function):
    """A batch is split to save memory, or because of a very long row."""
    model = ModelConfig("embedding_rnn", "BasicRNNCell", 1, 7, 5, in_max_int=8, out_max_int=9, ends=True)
    config, start = TrainConfig(8, 12, 7, batch_size=4, min_in_len=1), TrainedNetwork(model, random_weights(model))
    whole, apart = (Steps(start, config, widths) for widths in (Widths([(12, 8)], []), Widths([(3, 5)], wide)))
    apart_sums = function(apart.sums)
    rng = np.random.default_rng(0)
    for lengths in (([3, 1, 2, 3], [2, 0, 1, 4]), ([3, 1, 12, 3], [2, 0, 7, 4])):
        pairs = Pairs(*(Sequences.of_rows([rng.integers(0, 9, n).tolist() for n in side]) for side in lengths))
        monkeypatch.setattr(batches, "MAX_MICROBATCH_BYTES", 2**40)
        expected = whole.sums(first_batch(whole, pairs))
        monkeypatch.setattr(batches, "MAX_MICROBATCH_BYTES", microbatch_rows * batches.bytes_per_row(model, *wide[-1]))
        actual = apart_sums(first_batch(apart, pairs))
        for a, b in zip(actual, expected, strict=True):
            assert np.abs(a - b).max() < 1e-5
        assert float(expected.loss) > 1


def test_pairs_are_ordered_by_length_if_the_network_ends_its_answers():
    config = TrainConfig(40, in_len=6, out_len=4, batch_size=2)
    orders = [batches.epoch_order(PAIRS, config, 0, 0, by_length=ends).tolist() for ends in (False, True)]
    assert orders[0] != orders[1]
    for ends, order in enumerate(orders):
        assert trainer_of(config, untrained(replace(SMALL, ends=bool(ends)), 0)).order(PAIRS).tolist() == order
