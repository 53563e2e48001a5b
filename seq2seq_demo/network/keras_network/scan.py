"""A loop over time that XLA can compile and differentiate (`keras.ops.scan` is not one)."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Structure = Any  # tensors in tuples, to any depth
Step = Callable[[Structure, Structure], tuple[Structure, Structure]]
Scan = Callable[..., tuple[Structure, Structure]]  # as `scan`


def scan(
    step: Step,
    inputs: Structure,
    carry: Structure,
    length: int,
    n_steps: tf.Tensor | int | None = None,
    reverse: bool = False,
    mask: tf.Tensor | None = None,
) -> tuple[Structure, Structure]:
    """Run `output, carry = step(inputs at t, carry)` for t = 0 … length − 1, or for the first `n_steps` of these.

    With `reverse`, t runs from the last of these down to 0; an output stands at its t all the same. With a `mask`
    `[length, B, 1]`, the carry of a row stays as it is at each t where the mask is False.

    `inputs` is a structure of tensors with time first, `[length, …]`; `carry` keeps its structure and shapes.
    Returns the outputs, stacked `[length, …]`, zeros where there was no step, and the last carry.
    """
    if mask is not None:
        step, inputs = _holding(step), (inputs, mask)
    n_steps = length if n_steps is None else n_steps
    # A dry step tells which arrays the outputs need; as nothing uses what it computes, a graph leaves it out.
    example, _ = step(tf.nest.map_structure(lambda x: x[0], inputs), carry)
    inputs = tf.nest.map_structure(lambda x: tf.TensorArray(x.dtype, length).unstack(x), inputs)
    outputs = tf.nest.map_structure(lambda x: tf.TensorArray(x.dtype, length, element_shape=x.shape), example)

    def body(t: tf.Tensor, outputs: Structure, carry: Structure) -> tuple[tf.Tensor, Structure, Structure]:
        at = n_steps - 1 - t if reverse else t
        output, carry = step(tf.nest.map_structure(lambda array: array.read(at), inputs), carry)
        outputs = tf.nest.map_structure(lambda array, x: array.write(at, x), outputs, output)
        return t + 1, outputs, carry

    # XLA differentiates the loop only when it is told how long it can get.
    _, outputs, carry = tf.while_loop(lambda t, *_: t < n_steps, body, (0, outputs, carry), maximum_iterations=length)
    return tf.nest.map_structure(lambda array: array.stack(), outputs), carry


def _holding(step: Step) -> Step:
    """Return the step of inputs and a mask `[B, 1]` that leaves a row's carry as it is where the mask is False."""

    def held(x: Structure, carry: Structure) -> tuple[Structure, Structure]:
        inputs, mask = x
        output, new = step(inputs, carry)
        return output, tf.nest.map_structure(lambda a, b: tf.where(mask, a, b), new, carry)

    return held
