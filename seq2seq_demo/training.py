"""The training loop: loss, gradients, Adam, epochs, and the figures of each on the validation set."""

import math
from dataclasses import asdict

from seq2seq_demo.network import XLA_PAYS_FROM  # before TensorFlow, which this sets up

# isort: split
import keras
import numpy as np
import tensorflow as tf

from seq2seq_demo import dataset
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.errors import TrainingError
from seq2seq_demo.evaluation import evaluate
from seq2seq_demo.network.model import Seq2Seq
from seq2seq_demo.numpy_decoder import NumpyNetwork
from seq2seq_demo.parameters import TrainedNetwork, untrained
from seq2seq_demo.patterns import SequencePattern
from seq2seq_demo.report import Watcher

STEPS_PER_CALL = 64


def train(
    pattern: SequencePattern,
    config: TrainConfig,
    model: ModelConfig | None = None,
    start: TrainedNetwork | None = None,
    watcher: Watcher | None = None,
) -> TrainedNetwork:
    """Train a network on random sources and the pattern's targets; return it.

    `start` is the network to go on from, instead of a fresh one of `model`; `watcher` is told how it goes.

    Raises:
        UsageError: the pattern cannot fill these lengths or symbols.
        TrainingError: the loss is no longer finite.
    """
    start = start or untrained(model or ModelConfig(), config.seed)
    watcher = watcher or Watcher()
    training, validation = dataset.draw(pattern, start.model, config, start.step)
    trainer = Trainer(start, config)
    figures = None
    for epoch in range(config.epochs):
        watcher.epoch_starts(epoch)
        loss, accuracy = trainer.run_epoch(training, epoch, watcher)
        figures = evaluate(NumpyNetwork(start.model, trainer.network.named_weights()), validation)
        watcher.epoch_ends(epoch, loss, accuracy, figures)
        if config.stop_at_exact is not None and figures.exact_match >= config.stop_at_exact:
            break
    return TrainedNetwork(
        model=start.model,
        weights=trainer.network.named_weights(),
        pattern=pattern.name,
        in_len=config.in_len,
        out_len=config.out_len,
        trained=asdict(config),
        reached=asdict(figures) if figures else start.reached,
        step=trainer.step,
        moments=trainer.moments(),
    )


def use_xla(config: TrainConfig) -> bool:
    """Say whether the run is long enough to be worth compiling."""
    return config.epochs * config.n_training >= XLA_PAYS_FROM


class Trainer:
    """The network's variables and Adam's, and the compiled steps that change them."""

    def __init__(self, start: TrainedNetwork, config: TrainConfig):
        """Begin with the weights, and with Adam's state, of `start`."""
        self.config, self.start_step = config, start.step
        self.network = Seq2Seq(start.model, start.weights)
        self.variables = list(self.network.named_variables().values())
        # Kingma and Ba 2015; TFLearn clipped the gradients without saying so.
        self.adam = keras.optimizers.Adam(beta_1=0.9, beta_2=0.999, epsilon=1e-8, global_clipnorm=5.0, name="adam")
        self.adam.build(self.variables)
        self.adam.iterations.assign(start.step)
        for name, moment in start.moments.items():
            self._moment_variables()[name].assign(moment)
        self.run_steps = tf.function(self._run_steps, jit_compile=use_xla(config))

    @property
    def step(self) -> int:
        """How many times Adam has changed the weights."""
        return int(self.adam.iterations.numpy())

    def moments(self) -> dict[str, np.ndarray]:
        """Return Adam's moments as `m/NAME` and `v/NAME`."""
        return {name: variable.numpy() for name, variable in self._moment_variables().items()}

    def _moment_variables(self) -> dict[str, keras.Variable]:
        by_path = {variable.path: variable for variable in self.adam.variables}
        return {
            f"{letter}/{name}": by_path[f"adam/{variable.path.replace('/', '_')}_{moment}"]
            for letter, moment in (("m", "momentum"), ("v", "velocity"))
            for name, variable in self.network.named_variables().items()
        }

    def run_epoch(self, training: dataset.Pairs, epoch: int, watcher: Watcher) -> tuple[float, float]:
        """Train on every point once; return the mean loss and token accuracy, both with teacher forcing."""
        order = dataset.epoch_order(self.config, self.start_step, epoch)
        rows_per_call = STEPS_PER_CALL * self.config.batch_size
        loss_sum = right_sum = done = 0
        for pairs in dataset.chunks(training, order, rows_per_call):
            rows = len(pairs.sources)
            loss, right = self.run_steps(*self._batches(pairs), tf.constant(rows), self.learning_rates(epoch, done))
            loss_sum, right_sum, done = loss_sum + float(loss), right_sum + float(right), done + rows
            symbols = done * self.config.out_len
            if not math.isfinite(loss_sum):
                raise TrainingError(f"the loss is {loss_sum} at step {self.step}: try a lower --learning-rate")
            watcher.progresses(done, loss_sum / symbols, right_sum / symbols)
        return loss_sum / symbols, right_sum / symbols

    def _batches(self, pairs: dataset.Pairs) -> list[tf.Tensor]:
        """Return sources `[K, B, S]` and targets `[K, B, T]` for K steps; rows that are lacking are zeros."""
        K, B = STEPS_PER_CALL, self.config.batch_size
        batches = []
        for symbols in pairs:
            padded = np.zeros((K * B, symbols.shape[1]), symbols.dtype)
            padded[: len(symbols)] = symbols
            batches.append(tf.constant(padded.reshape(K, B, -1)))
        return batches

    def learning_rates(self, epoch: int, done: int) -> tf.Tensor:
        """Return the learning rates of the next K steps, `[K]`."""
        first = epoch * self.config.steps_per_epoch + done // self.config.batch_size
        share = (first + np.arange(STEPS_PER_CALL)) / (self.config.epochs * self.config.steps_per_epoch)
        cosine = self.config.lr_schedule == "cosine"
        return tf.constant(
            self.config.learning_rate * (0.5 + 0.5 * np.cos(np.pi * share) if cosine else share**0),
            tf.float32,
        )

    def _run_steps(self, sources, targets, rows, learning_rates):
        """Take a step for each batch that has rows; return the sums of loss and of right symbols over them all."""
        B = self.config.batch_size

        def body(k, loss_sum, right_sum):
            weight = tf.cast(tf.range(B) < rows - k * B, tf.float32)  # [B] 0 for the rows that are lacking
            loss, right = self._step(sources[k], targets[k], weight, learning_rates[k])
            return k + 1, loss_sum + loss, right_sum + right

        _, loss, right = tf.while_loop(lambda k, *_: k * B < rows, body, (0, 0.0, 0.0), parallel_iterations=1)
        return loss, right

    def _step(self, sources, targets, weight, learning_rate):
        """Change the weights once: `[B, S]`, `[B, T]`, `[B]`; return the sums of loss and of right symbols."""
        targets = tf.cast(targets, tf.int32)
        go = tf.fill((targets.shape[0], 1), self.network.config.go)
        with tf.GradientTape() as tape:
            logits = self.network(sources, tf.concat([go, targets[:, :-1]], axis=1))  # [B, T, V]
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)  # [B, T]
            loss_sum = tf.reduce_sum(losses * weight[:, None])
            loss = loss_sum / (tf.reduce_sum(weight) * targets.shape[1])
        self.adam.learning_rate = learning_rate
        self.adam.apply(tape.gradient(loss, self.variables))
        right = tf.cast(tf.argmax(logits, axis=-1, output_type=tf.int32) == targets, tf.float32)
        return loss_sum, tf.reduce_sum(right * weight[:, None])
