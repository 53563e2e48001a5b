from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from helpers import largest_difference, random_weights

from seq2seq_demo.callbacks import Callback
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.batches import shift_right
from seq2seq_demo.data.sequence_pattern import find_pattern
from seq2seq_demo.errors import TrainingError
from seq2seq_demo.evaluation import measure
from seq2seq_demo.network.keras_network.model import Seq2Seq
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.trained_network import Progress, TrainedNetwork, TrainingRun, untrained
from seq2seq_demo.training import loop
from seq2seq_demo.training.loop import Trainer, fit

SMALL = ModelConfig("embedding_attention", cell_size=7, embedding_size=5, in_max_int=10, out_max_int=12)
REVERSED = find_pattern("reversed")


@pytest.mark.parametrize(("points", "clipped"), [(13, False), (3, True)])
def test_one_step_is_adam_on_the_gradient_of_the_mean_loss(points, clipped):
    """Kingma and Ba 2015, algorithm 1 with the order of its section 2, written out in NumPy."""
    weights = random_weights(SMALL)
    if clipped:
        weights["decoder/output/kernel"] *= 60
    config = TrainConfig(points, in_len=6, out_len=4, learning_rate=0.01, epochs=1, batch_size=100)
    moments = {
        f"{m}/{name}": np.full(w.shape, value, np.float32)
        for m, value in (("m", 0.02), ("v", 0.003))
        for name, w in weights.items()
    }
    trained = fit(REVERSED, config, TrainedNetwork(SMALL, weights, step=8, moments=moments))

    network = Seq2Seq(SMALL, weights)
    (sources, targets), _ = REVERSED.draw(config, SMALL, start_step=8)
    variables = list(network.named_variables().values())
    with tf.GradientTape() as tape:
        logits = network(sources, shift_right(targets, go=13))
        log_probabilities = tf.nn.log_softmax(logits)
        loss = -tf.reduce_mean(tf.gather(log_probabilities, targets.astype(int), batch_dims=2))
    gradients = [g.numpy() for g in tape.gradient(loss, [v.value for v in variables])]
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    assert (norm > 5) == clipped
    assert trained.step == 9
    for name, g in zip(weights, gradients, strict=True):
        clipped_g = g * min(1, 5 / norm)
        m, v = 0.9 * 0.02 + 0.1 * clipped_g, 0.999 * 0.003 + 0.001 * clipped_g**2
        step = 0.01 * np.sqrt(1 - 0.999**9) / (1 - 0.9**9) * m / (np.sqrt(v) + 1e-8)
        assert np.abs(trained.moments[f"m/{name}"] - m).max() < 1e-5, name
        assert np.abs(trained.moments[f"v/{name}"] - v).max() < 1e-5, name
        assert np.abs(trained.weights[name] - (weights[name] - step)).max() < 1e-5, name


@pytest.mark.slow
def test_rows_that_fill_up_the_last_batch_count_for_nothing():
    config = TrainConfig(50, in_len=6, out_len=4, learning_rate=0.01, epochs=2, batch_size=45)  # 45 for training
    exact = fit(REVERSED, config, untrained(SMALL, 0))
    padded = fit(REVERSED, replace(config, batch_size=64), untrained(SMALL, 0))
    assert padded.step == exact.step == 2
    assert largest_difference(padded, exact) < 1e-5
    assert largest_difference(padded, untrained(SMALL, 0)) > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("xla", [False, True])
def test_the_same_seed_gives_the_same_bits(monkeypatch, xla):
    monkeypatch.setattr(loop, "use_xla", lambda *_: xla)
    config = TrainConfig(400, in_len=6, out_len=4, learning_rate=0.01, epochs=2, batch_size=32, seed=3)
    a, b = (fit(REVERSED, config, untrained(SMALL, 3)) for _ in range(2))
    assert all((a.weights[name] == b.weights[name]).all() for name in a.weights)
    assert all((a.moments[name] == b.moments[name]).all() for name in a.moments)
    if not xla:  # compiling once more would tell no more
        other = fit(REVERSED, replace(config, seed=4), untrained(SMALL, 4))
        assert largest_difference(a, other) > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("model", [SMALL, ModelConfig("embedding_rnn", "GRUCell", 2, 7, 5, 10, 12)])
def test_xla_changes_nothing(monkeypatch, model):
    config = TrainConfig(100, in_len=6, out_len=4, learning_rate=0.001, epochs=1, batch_size=32)
    results = []
    for xla in (False, True):
        monkeypatch.setattr(loop, "use_xla", lambda *_, xla=xla: xla)
        results.append(fit(REVERSED, config, untrained(model, 0)))
    assert largest_difference(*results) < 1e-5


class Recorder(Callback):
    def __init__(self):
        self.progress, self.history, self.last_loss = [], [], None

    def on_steps_end(self, step, points, loss, token_accuracy):
        self.progress.append(points)
        self.last_loss = loss

    def on_epoch_end(self, history, network, validation):
        self.history = history
        self.network = network
        self.validation = validation


@pytest.mark.slow
@pytest.mark.parametrize("model", ["embedding_attention", "embedding_rnn"])
def test_it_learns(model):
    config = TrainConfig(4000, in_len=3, out_len=3, learning_rate=0.02, lr_schedule="cosine", epochs=8, batch_size=32)
    recorder = Recorder()
    model_config = ModelConfig(model, cell_size=17, in_max_int=4, out_max_int=4)
    trained = fit(REVERSED, config, untrained(model_config, 0), [recorder])
    assert [figures.epoch for figures in recorder.history] == list(range(1, 9))
    assert [figures.step for figures in recorder.history] == list(range(113, 8 * 113 + 1, 113))
    losses = [figures.loss for figures in recorder.history]
    assert losses[0] > 3 * losses[-1]
    assert recorder.last_loss < 1.1 * losses[-1]  # the mean of the last steps, not of the whole epoch or training
    assert recorder.progress == [2048, 3600] * 8
    figures = measure(NumpyNetwork(trained.model_config, trained.weights), recorder.validation).figures
    assert trained.reached == recorder.network.reached == recorder.history[-1].validation == figures
    assert figures.exact_match > 0.97
    assert (trained.task, trained.in_len, trained.out_len, trained.step) == ("reversed", 3, 3, 8 * 113)
    assert trained.trained == TrainingRun(config, start_step=0)


@pytest.mark.slow
def test_it_stops_once_it_is_exact_enough():
    recorder = Recorder()
    config = TrainConfig(2000, in_len=2, out_len=2, learning_rate=0.02, epochs=30, batch_size=32, stop_at_exact=0.9)
    fit(REVERSED, config, untrained(ModelConfig("embedding_attention", in_max_int=3, out_max_int=3), 0), [recorder])
    exact = [figures.validation.exact_match for figures in recorder.history]
    assert len(exact) < 30
    assert exact[-1] >= 0.9 > max(exact[:-1], default=0)


@pytest.mark.slow
def test_going_on_keeps_adam_and_meets_new_points():
    config = TrainConfig(200, in_len=6, out_len=4, learning_rate=0.01, epochs=1, batch_size=32)
    first = fit(REVERSED, config, untrained(SMALL, 0))
    second = fit(REVERSED, config, first)
    forgot = fit(REVERSED, config, TrainedNetwork(SMALL, first.weights, step=first.step))
    assert (first.step, second.step) == (6, 12)
    assert largest_difference(second, forgot) > 1e-4


@pytest.mark.parametrize(
    ("schedule", "rates"), [("constant", [0.2] * 4), ("cosine", [0.2, 0.17071068, 0.1, 0.02928932])]
)
def test_learning_rates(schedule, rates):
    config = TrainConfig(10, in_len=6, out_len=4, learning_rate=0.2, lr_schedule=schedule, epochs=2, batch_size=5)
    trainer = Trainer("reversed", config, untrained(SMALL, 0))
    first = trainer.learning_rates()[:2].numpy()
    trainer.progress = Progress(epoch=1)
    got = [*first, *trainer.learning_rates()[:2].numpy()]
    assert got == pytest.approx(rates)


def test_a_loss_that_is_not_finite_ends_training():
    start = untrained(SMALL, 0)
    start.weights["decoder/projection/bias"][:] = np.inf
    with pytest.raises(TrainingError, match="the loss is nan at step 2: try a lower --learning-rate"):
        fit(REVERSED, TrainConfig(50, epochs=3, batch_size=32, in_len=5, out_len=5), start)


def test_no_epochs_change_nothing():
    start = untrained(SMALL, 7)
    trained = fit(REVERSED, TrainConfig(50, epochs=0), start)
    assert largest_difference(start, trained) == 0
    assert trained.step == 0


def test_a_weight_that_is_not_finite_ends_training():
    start = untrained(SMALL, 0)
    start.weights["encoder/embedding"][3] = np.nan
    with pytest.raises(TrainingError, match="a weight is not finite at step 0: try a lower --learning-rate"):
        Trainer("reversed", TrainConfig(50), start).snapshot()
