"""Training steps: a compiled program takes up to 64 of them in one call of TensorFlow.

A step decodes a batch with teacher forcing; Adam then updates the weights with the gradient of the mean loss over all
symbols except padding. `Steps.sums_at` computes the loss and the gradient. Other functions wrap it to choose the
padding width, to save memory, or to distribute the rows over the replicas.

The program handles batches of all lengths: its loops stop after the longest sequence of the batch. The cost of
attention grows with the padding width, so the program has a branch for each of a few widths.
"""

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.network.keras_network.dropout import Masks
from seq2seq_demo.network.keras_network.model import Seq2Seq, divergences, mean_losses
from seq2seq_demo.network.parameters import Shapes, Weights, weight_shapes
from seq2seq_demo.trained.trained_network import TrainedNetwork
from seq2seq_demo.training import batches, workers
from seq2seq_demo.training.batches import STEPS_PER_CALL, Batch, Widths, first_fitting_width, use_xla

CLIP_NORM = 5.0  # the largest global norm of a gradient; TFLearn's default
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Sums(NamedTuple):
    """The sums over the rows of a batch; the sums of its parts add up to these."""

    loss: tf.Tensor  # nats, a scalar
    correct: tf.Tensor  # the number of correct symbols, a scalar
    gradient: tf.Tensor  # [W], of the loss divided by the number of symbols in the whole batch


BatchFunction = Callable[[Batch], Sums]


def by_width(widths: Sequence[tuple[int, int]], functions: Sequence[BatchFunction]) -> BatchFunction:
    """Return a function that passes a batch to the function for the first width that fits, or else to the last one."""

    def sums(batch: Batch) -> Sums:
        if len(functions) == 1:
            return functions[0](batch)
        branches = [functools.partial(function, batch) for function in functions]
        return Sums(*tf.switch_case(first_fitting_width(batch.longest, widths), branches))

    return sums


def on_replicas(function: BatchFunction, uses_xla: bool) -> BatchFunction:
    """Return a function that lets each replica compute the sums of an equal part of the rows and adds up the results.

    The sums are added up as one vector, so that the replicas synchronise only once per step.
    """
    strategy = tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:  # an all-reduce would keep its graph in memory until the process ends
        return function

    def packed(batch: Batch) -> tf.Tensor:
        return tf.concat([tf.reshape(x, [-1]) for x in function(batch)], axis=0)

    # XLA cannot compile an all-reduce, so each replica compiles only its own computation.
    compiled = tf.function(packed, autograph=False, jit_compile=uses_xla)

    def sums(batch: Batch) -> Sums:
        def of_replica(number: tf.Tensor) -> tf.Tensor:
            return compiled(batch.map_rows(lambda x: tf.reshape(x, (replicas, -1, *x.shape[1:]))[number]))

        total = workers.sum_over_replicas(strategy, of_replica)
        return Sums(total[0], total[1], total[2:])

    return sums


class PackedAdam:
    """Adam, with all weights, first moments and second moments as three vectors `[W]`, in the order of `shapes`.

    A step updates these three vectors instead of three arrays per weight.
    `moments` contains "m/NAME" and "v/NAME"; missing moments start at zero. `step` counts the updates so far.
    """

    def __init__(self, shapes: Shapes, weights: Weights, moments: Weights, step: int) -> None:
        self.shapes = shapes
        self.sizes = [math.prod(shape) for shape in shapes.values()]
        self.iterations = tf.Variable(step, dtype=tf.int64, name="iterations")
        zeros = {f"{m}/{name}": np.zeros(shape, np.float32) for m in "mv" for name, shape in shapes.items()}
        self.weights = tf.Variable(self._pack(weights), name="weights")
        self.m, self.v = (tf.Variable(self._pack(zeros | moments, f"{m}/"), name=m) for m in "mv")

    def _pack(self, arrays: Weights, prefix: str = "") -> np.ndarray:
        return np.concatenate([arrays[prefix + name].ravel() for name in self.shapes])

    def _unpack(self, vector: tf.Variable, prefix: str = "") -> Weights:
        parts = np.split(vector.numpy(), np.cumsum(self.sizes)[:-1])
        items = zip(self.shapes.items(), parts, strict=True)
        return {f"{prefix}{name}": part.reshape(shape) for (name, shape), part in items}

    def by_name(self) -> tuple[Weights, Weights]:
        """Return the weights by name, and Adam's moments by the names "m/NAME" and "v/NAME"."""
        return self._unpack(self.weights), self._unpack(self.m, "m/") | self._unpack(self.v, "v/")

    @contextlib.contextmanager
    def gradient_tape(self, variables: Sequence[keras.Variable]) -> Iterator[tuple[tf.GradientTape, list[tf.Tensor]]]:
        """Yield a tape, and the weights as the tensors that the tape watches.

        The `variables` must be in the order of `shapes`. Within the context, they have the values of these tensors.
        """
        parts = tf.split(tf.convert_to_tensor(self.weights), self.sizes)
        parts = [tf.reshape(part, shape) for part, shape in zip(parts, self.shapes.values(), strict=True)]
        values = zip(variables, parts, strict=True)
        with keras.StatelessScope(list(values)), tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(parts)
            yield tape, parts

    def apply(self, gradient: tf.Tensor, learning_rate: tf.Tensor) -> None:
        """Clip the gradient `[W]` and update the weights once (Kingma and Ba 2015)."""
        norm = tf.sqrt(tf.reduce_sum(tf.square(gradient)))
        gradient *= CLIP_NORM / tf.maximum(norm, CLIP_NORM)
        t = tf.cast(self.iterations + 1, tf.float32)
        m = self.m + (1 - BETA_1) * (gradient - self.m)
        v = self.v + (1 - BETA_2) * (tf.square(gradient) - self.v)
        rate = learning_rate * tf.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        self.weights.assign_sub(rate * m / (tf.sqrt(v) + EPSILON))
        self.m.assign(m)
        self.v.assign(v)
        self.iterations.assign_add(1)


class Steps:
    """A network, its optimiser, and the compiled steps that change both.

    The variables belong to the TensorFlow strategy that is in scope.
    """

    def __init__(self, start: TrainedNetwork, config: TrainConfig, widths: Widths) -> None:
        self.model_config, self.config, self.widths = start.model_config, config, widths
        # The copies of a row have different dropout masks (Liang et al. 2021).
        self.n_copies = 2 if config.consistency else 1
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        # A batch is padded to `batch_size` rows, or to fewer if there are few pairs. Each replica gets an equal part.
        block = 128 * replicas
        self.batch_rows = min(config.batch_size, -(-config.n_training // block) * block)
        self.network = Seq2Seq(self.model_config, start.weights)
        self.moments_since = start.moments_since if start.moments else start.step
        n_updates = start.step - self.moments_since
        shapes = weight_shapes(self.model_config)
        self.adam = PackedAdam(shapes, weights=start.weights, moments=start.moments, step=n_updates)
        # Without XLA, TensorFlow's loops fail on very large arrays with an error about TemporaryVariable.
        self.uses_xla = use_xla(config, self.model_config.cell_size) or bool(widths.wide)
        self.sums = on_replicas(self.sums_at_any_width(), self.uses_xla)
        # There is no Python control flow for autograph to translate.
        self.run = tf.function(self._run, autograph=False, jit_compile=self.uses_xla and replicas == 1)

    @property
    def step(self) -> int:
        """The number of updates that the weights have received."""
        return self.moments_since + int(self.adam.iterations.numpy())

    def take(self, pairs: Pairs, learning_rates: np.ndarray) -> tuple[float, float]:
        """Take a step for each batch of up to K · B pairs; return the loss sum and the number of correct symbols.

        `learning_rates` `[K]` contains a learning rate for each step.
        """
        rates = tf.constant(learning_rates, tf.float32)
        loss, correct = self.run(self.batches(pairs), tf.constant(len(pairs)), rates)
        return float(loss), float(correct)

    def batches(self, pairs: Pairs) -> Batch:
        """Return up to K · B pairs as K batches, with the dropout seeds of the next K steps."""
        c, shape = self.config, (STEPS_PER_CALL, self.batch_rows)
        keys = batches.row_keys(c.seed, self.step, shape) if c.dropout else np.zeros(shape, np.uint32)
        arrays = batches.stack_batches(pairs, self.widths.largest, self.model_config, self.batch_rows)
        sources, targets, lengths = map(tf.constant, arrays)  # [K, B, …]
        n_symbols = tf.constant(arrays[2][:, :, 1].sum(axis=1), tf.float32)  # [K]
        return Batch(
            sources=sources,
            targets=targets,
            lengths=lengths,
            row_keys=tf.constant(keys),
            n_symbols=n_symbols,
            longest=tf.constant(arrays[2].max(axis=1)),
        )

    def _run(self, data: Batch, rows: tf.Tensor, learning_rates: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Take one step per batch; return the loss sum and the number of correct symbols.

        Args:
            data: K batches.
            rows: the number of pairs in all batches; batches without pairs are skipped.
            learning_rates: one per batch, `[K]`.
        """

        def body(k: tf.Tensor, loss: tf.Tensor, correct: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            sums = self.sums(Batch(*(x[k] for x in data)))
            self.adam.apply(sums.gradient, learning_rates[k])
            return k + 1, loss + sums.loss, correct + sums.correct

        B, start = self.batch_rows, (tf.constant(0), tf.zeros(()), tf.zeros(()))
        _, loss, correct = tf.while_loop(lambda k, *_: k * B < rows, body, start, parallel_iterations=1)
        return loss, correct

    # ---- The sums of a batch ----

    def sums_at_any_width(self) -> BatchFunction:
        """Return a function for batches of all widths that splits them into microbatches if memory requires it."""
        functions = []
        for widths in self.widths.choices:
            function = by_width(widths, [functools.partial(self.sums_at, width) for width in widths])
            functions.append(self.in_microbatches(function, widths) if self.model_config.ends else function)
        return by_width(self.widths.usual, functions)

    def in_microbatches(self, function: BatchFunction, widths: Sequence[tuple[int, int]]) -> BatchFunction:
        """Return a function that adds up the sums of a batch's microbatches, whose width is one of `widths`."""
        n_bytes = self.n_copies * max(batches.bytes_per_row(self.model_config, *width) for width in widths)

        def sums(batch: Batch) -> Sums:
            B = batch.sources.shape[0]
            rows = batches.microbatch_rows(B, n_bytes, one_by_one=len(widths) > 2)
            if rows == B:
                return function(batch.with_own_longest())

            def body(first: tf.Tensor, total: Sums) -> tuple[tf.Tensor, Sums]:
                part = batch.map_rows(lambda x: tf.slice(x, [first, *[0] * (x.shape.rank - 1)], [rows, *x.shape[1:]]))
                of_part = function(part.with_own_longest())
                return first + rows, Sums(*(a + b for a, b in zip(total, of_part, strict=True)))

            zeros = Sums(tf.zeros(()), tf.zeros(()), tf.zeros(self.adam.weights.shape))
            _, total = tf.while_loop(lambda first, _: first < B, body, (0, zeros), parallel_iterations=1)
            return Sums(*total)

        return sums

    def sums_at(self, width: tuple[int, int], batch: Batch) -> Sums:
        """Compute the sums of a batch whose sources and targets are cut to `width`.

        Padding does not count. Label smoothing and consistency change only the gradient.
        """
        n_symbols = batch.n_symbols
        rows = batch.twice() if self.n_copies == 2 else batch
        sources, targets = rows.sources[:, : width[0]], rows.targets[:, : width[1]]
        lengths = rows.lengths if self.model_config.ends else None  # otherwise, there is no padding
        mask = tf.sequence_mask(rows.lengths[:, 1], targets.shape[1], tf.float32) / self.n_copies  # [B, T]
        dropout = Masks(self.config.dropout, rows.row_keys) if self.config.dropout else None
        with self.adam.gradient_tape(list(self.network.named_variables().values())) as (tape, weights):
            losses, logits = self.network.losses(sources, targets, lengths, dropout)
            loss_sum = tf.reduce_sum(losses * mask)
            loss = loss_sum / n_symbols
            if self.config.label_smoothing:
                loss += self.config.label_smoothing * tf.reduce_sum((mean_losses(logits) - losses) * mask) / n_symbols
            if self.config.consistency:
                loss += self.config.consistency * tf.reduce_sum(divergences(logits) * mask) / n_symbols
        is_correct = tf.argmax(logits, axis=-1, output_type=tf.int32) == tf.cast(targets, tf.int32)  # [B, T]
        gradients = tape.gradient(loss, weights)
        return Sums(
            loss=loss_sum,
            correct=tf.reduce_sum(tf.cast(is_correct, tf.float32) * mask),
            gradient=tf.concat([tf.reshape(gradient, [-1]) for gradient in gradients], axis=0),
        )
