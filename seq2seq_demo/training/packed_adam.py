"""Adam with all weights of a network in one vector.

A step updates three vectors (weights and two moments) instead of three arrays per weight.
"""

import contextlib
import math
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from seq2seq_demo.network.parameters import Shapes, Weights

CLIP_NORM = 5.0  # the largest global norm of a gradient; TFLearn's default
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class PackedAdam:
    """The weights and Adam's two moments as vectors `[W]`, in the order of `shapes`.

    `moments` holds "m/NAME" and "v/NAME"; missing moments start at zero. `step` counts the updates so far.
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

    def weights_by_name(self) -> Weights:
        """Return the weights as arrays by name."""
        return self._unpack(self.weights)

    def moments_by_name(self) -> Weights:
        """Return Adam's moments as "m/NAME" and "v/NAME"."""
        return self._unpack(self.m, "m/") | self._unpack(self.v, "v/")

    @contextlib.contextmanager
    def gradient_tape(self, variables: Sequence[keras.Variable]) -> Iterator[tuple[tf.GradientTape, list[tf.Tensor]]]:
        """Yield a tape, and the weights as the tensors that it watches.

        Within the context, the `variables` have the values of these tensors. They must be in the order of `shapes`.
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
