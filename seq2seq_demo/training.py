"""The training loop: loss, gradients, Adam, epochs, and the figures of each on the validation set."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

from seq2seq_demo.network import XLA_PAYS_FROM, set_threads  # before TensorFlow, which this sets up

# isort: split
import keras
import numpy as np
import tensorflow as tf

from seq2seq_demo import dataset, workers
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.dataset import OwnData
from seq2seq_demo.errors import TrainingError
from seq2seq_demo.evaluation import Figures, evaluate
from seq2seq_demo.network.model import Seq2Seq
from seq2seq_demo.numpy_decoder import NumpyNetwork
from seq2seq_demo.parameters import TrainedNetwork, untrained
from seq2seq_demo.patterns import SequencePattern
from seq2seq_demo.snapshots import Snapshots
from seq2seq_demo.watchers import Watcher

STEPS_PER_CALL = 64


@workers.losses_reported()
def train(
    origin: SequencePattern | OwnData,
    config: TrainConfig,
    model: ModelConfig | None = None,
    start: TrainedNetwork | None = None,
    watchers: Sequence[Watcher] = (),
    snapshots: Snapshots | None = None,
) -> TrainedNetwork:
    """Train a network on random sources and a pattern's targets, or on a user's own pairs; return it.

    `start` is the network to go on from, instead of a fresh one of `model`; a snapshot is gone on with from where it
    stood. `watchers` are told how it goes; `snapshots` keeps the training while it is under way. Several workers, or
    GPUs, train it together; each worker returns it.

    Raises:
        UsageError: the pattern or the pairs do not fit these lengths or symbols, or the workers cannot share a batch.
        TrainingError: the loss or a weight is no longer finite, or another worker is lost.
        Interrupted: a signal came; the last snapshot says where the training stood.
    """
    start = start or untrained(model or ModelConfig(), config.seed)
    set_threads(start.model.cell_size)
    strategy = workers.strategy(config.batch_size)
    data = origin.digest() if isinstance(origin, OwnData) else None
    workers.require_agreement(strategy, repr((config, origin.name, data, start)))
    with strategy.scope():
        trainer = Trainer(origin.name, config, start)
    training, validation = dataset.draw(origin, trainer.model, config, trainer.progress.start_step)
    while not trainer.is_done():
        for watcher in watchers:
            watcher.epoch_starts(trainer.progress.epoch)
        trainer.run_epoch(training, watchers, snapshots)
        trainer.end_epoch(evaluate(NumpyNetwork(trainer.model, trainer.snapshot().weights), validation))
        network = trainer.snapshot()
        for watcher in watchers:
            watcher.epoch_ends(trainer.progress.history, network, validation)
        if snapshots:
            snapshots.save(network)
    return replace(trainer.snapshot(), progress={})


@dataclass
class Progress:
    """How far a training has come: all that a snapshot needs beside weights, moments and options."""

    start_step: int  # Adam's step where it began
    epoch: int = 0
    points: int = 0  # done in this epoch
    loss_sum: float = 0.0  # over the symbols of these points
    right_sum: float = 0.0
    history: list[dict] = field(default_factory=list)  # the figures of each epoch that is over


def use_xla(config: TrainConfig) -> bool:
    """Say whether the run is long enough to be worth compiling."""
    return config.epochs * config.n_training >= XLA_PAYS_FROM


class Trainer:
    """The network's variables and Adam's, the compiled steps that change them, and how far they have come."""

    def __init__(self, pattern: str, config: TrainConfig, start: TrainedNetwork):
        """Begin with the weights, Adam's state and, if it is a snapshot, the progress of `start`.

        The strategy in scope says where the variables live.
        """
        self.strategy = tf.distribute.get_strategy()
        self.pattern, self.config, self.model, self.reached = pattern, config, start.model, start.reached
        self.progress = Progress(**start.progress or {"start_step": start.step})
        self.network = Seq2Seq(start.model, start.weights)
        self.variables = list(self.network.named_variables().values())
        # Kingma and Ba 2015; TFLearn clipped the gradients without saying so.
        self.adam = keras.optimizers.Adam(beta_1=0.9, beta_2=0.999, epsilon=1e-8, global_clipnorm=5.0, name="adam")
        self.adam.build(self.variables)
        self.adam.iterations.assign(start.step)
        for name, moment in start.moments.items():
            self._moment_variables()[name].assign(moment)
        # XLA compiles no sum over workers: with several, it gets what each computes alone, a step at a time.
        alone = self.strategy.num_replicas_in_sync == 1
        self.run_steps = tf.function(self._run_steps, jit_compile=use_xla(config) and alone)
        self.sums = self._sums if alone else tf.function(self._sums, jit_compile=use_xla(config))

    @property
    def step(self) -> int:
        """How many times Adam has changed the weights."""
        return int(self.adam.iterations.numpy())

    def is_done(self) -> bool:
        """Say whether the last epoch is over, or the network is exact enough."""
        enough = self.config.stop_at_exact
        stopped = self.progress.epoch > 0 and enough is not None and self.reached["exact_match"] >= enough
        return stopped or self.progress.epoch >= self.config.epochs

    def snapshot(self) -> TrainedNetwork:
        """Return the network as it is now.

        Raises:
            TrainingError: a weight is not finite.
        """
        moments = {name: variable.numpy() for name, variable in self._moment_variables().items()}
        weights = self.network.named_weights()
        if not all(np.isfinite(array).all() for array in (weights | moments).values()):
            raise TrainingError(f"a weight is not finite at step {self.step}: try a lower --learning-rate")
        return TrainedNetwork(
            model=self.model,
            weights=weights,
            pattern=self.pattern,
            in_len=self.config.in_len,
            out_len=self.config.out_len,
            trained=asdict(self.config) | {"start_step": self.progress.start_step},
            reached=self.reached,
            step=self.step,
            moments=moments,
            progress=asdict(self.progress),
        )

    def _moment_variables(self) -> dict[str, keras.Variable]:
        """Return Adam's moments as `m/NAME` and `v/NAME`."""
        by_path = {variable.path: variable for variable in self.adam.variables}
        return {
            f"{letter}/{name}": by_path[f"adam/{variable.path.replace('/', '_')}_{moment}"]
            for letter, moment in (("m", "momentum"), ("v", "velocity"))
            for name, variable in self.network.named_variables().items()
        }

    def run_epoch(self, training: dataset.Pairs, watchers: Sequence[Watcher], snapshots: Snapshots | None) -> None:
        """Train on the epoch's remaining points."""
        at = self.progress
        order = dataset.epoch_order(self.config, at.start_step, at.epoch)
        for pairs in dataset.chunks(training, order[at.points :], STEPS_PER_CALL * self.config.batch_size):
            before, rows = self.step, len(pairs.sources)
            loss, right = self.run_steps(*self._batches(pairs), tf.constant(rows), self.learning_rates())
            at.points += rows
            at.loss_sum += float(loss)
            at.right_sum += float(right)
            if not math.isfinite(at.loss_sum):
                raise TrainingError(f"the loss is {at.loss_sum} at step {self.step}: try a lower --learning-rate")
            symbols = rows * self.config.out_len
            for watcher in watchers:
                watcher.progresses(self.step, at.points, float(loss) / symbols, float(right) / symbols)
            if snapshots:
                snapshots.after_steps(before, self.step, self.snapshot)

    def end_epoch(self, figures: Figures) -> None:
        """Note what the epoch reached on the training points, and on the validation points; the next one is to come."""
        at = self.progress
        symbols = at.points * self.config.out_len
        self.reached = asdict(figures)
        validation = {f"validation_{name}": value for name, value in self.reached.items()}
        epoch = {"epoch": at.epoch + 1, "step": self.step, "loss": at.loss_sum / symbols}
        epoch |= {"token_accuracy": at.right_sum / symbols} | validation
        self.progress = Progress(at.start_step, at.epoch + 1, history=[*at.history, epoch])

    def _batches(self, pairs: dataset.Pairs) -> list[tf.Tensor]:
        """Return sources `[K, B, S]` and targets `[K, B, T]` for K steps; rows that are lacking are zeros."""
        K, B = STEPS_PER_CALL, self.config.batch_size
        batches = []
        for symbols in pairs:
            padded = np.zeros((K * B, symbols.shape[1]), symbols.dtype)
            padded[: len(symbols)] = symbols
            batches.append(tf.constant(padded.reshape(K, B, -1)))
        return batches

    def learning_rates(self) -> tf.Tensor:
        """Return the learning rates of the next K steps, `[K]`."""
        c, at = self.config, self.progress
        first = at.epoch * c.steps_per_epoch + at.points // c.batch_size
        share = (first + np.arange(STEPS_PER_CALL)) / (c.epochs * c.steps_per_epoch)  # of the run, 0 to 1
        factor = 0.5 + 0.5 * np.cos(np.pi * share) if c.lr_schedule == "cosine" else np.ones(STEPS_PER_CALL)
        return tf.constant(c.learning_rate * factor, tf.float32)

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
        batch, rows = (sources, targets, weight), tf.reduce_sum(weight)
        loss_sum, right, *gradients = workers.sum_over_shares(self.strategy, self.sums, batch, rows)
        self.adam.learning_rate = learning_rate
        self.adam.apply(gradients)
        return loss_sum, right

    def _sums(self, sources, targets, weight, rows):
        """Return the sums of loss and of right symbols, and the gradients of the mean loss.

        With several workers, B is this one's share, and adding up makes the sums and gradients of the whole batch,
        which has so many `rows`.
        """
        with tf.GradientTape() as tape:
            losses, logits = self.network.forced_losses(sources, targets)  # [B, T], [B, T, V]
            loss_sum = tf.reduce_sum(losses * weight[:, None])
            loss = loss_sum / (rows * targets.shape[1])
        right = tf.argmax(logits, axis=-1, output_type=tf.int32) == tf.cast(targets, tf.int32)  # [B, T]
        right = tf.cast(right, tf.float32)
        return [loss_sum, tf.reduce_sum(right * weight[:, None]), *tape.gradient(loss, self.variables)]
