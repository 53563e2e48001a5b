"""All weights of a network in one vector, and Adam on it: a step changes three vectors, not three for each weight."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from seq2seq_demo.network.parameters import Shapes, Weights

CLIP_NORM = 5.0  # of the gradient; TFLearn clipped it without saying so
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class PackedAdam:
    """The weights and Adam's moments of them, each N numbers, in the order of the shapes."""

    def __init__(self, shapes: Shapes, weights: Weights, moments: Weights, step: int) -> None:
        """Begin with these weights, at this step; moments that are not there are zeros."""
        self.shapes = shapes
        self.sizes = [math.prod(shape) for shape in shapes.values()]
        zeros = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        self.iterations = tf.Variable(step, dtype=tf.int64, name="iterations")
        self.weights = tf.Variable(self._packed(weights), name="weights")
        self.m, self.v = (
            tf.Variable(self._packed({name: moments.get(f"{m}/{name}", zeros[name]) for name in shapes}), name=m)
            for m in "mv"
        )

    def _packed(self, arrays: Weights) -> np.ndarray:
        return np.concatenate([arrays[name].ravel() for name in self.shapes])

    def named(self, vector: tf.Variable) -> Weights:
        """Return the arrays in a vector, by name."""
        parts = np.split(vector.numpy(), np.cumsum(self.sizes)[:-1])
        return {name: part.reshape(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}

    def named_weights(self) -> Weights:
        """Return every weight by its name."""
        return self.named(self.weights)

    def named_moments(self) -> Weights:
        """Return Adam's moments as `m/NAME` and `v/NAME`."""
        both = {"m": self.named(self.m), "v": self.named(self.v)}
        return {f"{letter}/{name}": array for letter, named in both.items() for name, array in named.items()}

    @contextlib.contextmanager
    def watched(self, variables: Sequence[keras.Variable]) -> Iterator[tuple[tf.GradientTape, list[tf.Tensor]]]:
        """Yield a tape that watches the weights, which stand for these variables meanwhile."""
        parts = tf.split(tf.convert_to_tensor(self.weights), self.sizes)
        parts = [tf.reshape(part, shape) for part, shape in zip(parts, self.shapes.values(), strict=True)]
        values = zip(variables, parts, strict=True)
        with keras.StatelessScope(list(values)), tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(parts)
            yield tape, parts

    def apply(self, gradient: tf.Tensor, learning_rate: tf.Tensor) -> None:
        """Change the weights once (Kingma and Ba 2015), by a gradient `[N]` that is clipped to a norm of 5."""
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
