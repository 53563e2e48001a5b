"""A loop over time that XLA can compile and differentiate, unlike `keras.ops.scan`."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Structure = Any  # nested tuples of tensors
Step = Callable[[Structure, Structure], tuple[Structure, Structure]]
Scan = Callable[..., tuple[Structure, Structure]]  # `scan` or a `functools.partial` of it


def scan(
    step: Step,
    inputs: Structure,
    carry: Structure,
    length: int,
    n_steps: tf.Tensor | int | None = None,
    reverse: bool = False,
    mask: tf.Tensor | None = None,
) -> tuple[Structure, Structure]:
    """Run `output, carry = step(inputs at t, carry)` for t = 0 … n_steps − 1; return the outputs and the final carry.

    Args:
        step: the function to run; it must not change the structure or shapes of `carry`.
        inputs: tensors `[length, …]` in any nested structure; their first axis is time.
        carry: the initial carry.
        length: the number of time steps in `inputs` and in the outputs. From `n_steps` on, the outputs are 0.
        n_steps: the number of time steps to run, at most `length` (the default).
        reverse: whether to run t from n_steps − 1 down to 0. Each output keeps the position of its input.
        mask: `[length, B, 1]`; where it is False, the step leaves the row's carry unchanged.
    """
    if mask is not None:
        step, inputs = _masked(step), (inputs, mask)
    n_steps = length if n_steps is None else n_steps
    # This call only determines the outputs' shapes. TensorFlow removes it from a graph because its results are unused.
    example, _ = step(tf.nest.map_structure(lambda x: x[0], inputs), carry)
    if all(x.shape.is_fully_defined() for x in tf.nest.flatten(example)):
        inputs = tf.nest.map_structure(lambda x: tf.TensorArray(x.dtype, length).unstack(x), inputs)
        outputs = tf.nest.map_structure(lambda x: tf.TensorArray(x.dtype, length, element_shape=x.shape), example)
    else:  # TFLite does not support arrays of tensors whose shapes are unknown
        outputs = tf.nest.map_structure(lambda x: tf.zeros((length, *sizes(x)), x.dtype), example)

    def body(t: tf.Tensor, outputs: Structure, carry: Structure) -> tuple[tf.Tensor, Structure, Structure]:
        at = n_steps - 1 - t if reverse else t
        output, carry = step(tf.nest.map_structure(lambda array: _read(array, at), inputs), carry)
        outputs = tf.nest.map_structure(lambda array, x: _write(array, at, x), outputs, output)
        return t + 1, outputs, carry

    # XLA can differentiate the loop only if its number of iterations has an upper bound.
    _, outputs, carry = tf.while_loop(lambda t, *_: t < n_steps, body, (0, outputs, carry), maximum_iterations=length)
    return tf.nest.map_structure(lambda array: array.stack() if _is_array(array) else array, outputs), carry


def sizes(x: tf.Tensor) -> tuple[int | tf.Tensor, ...]:
    """Return the shape of a tensor. Each size that is known only at run time is itself a tensor."""
    return tuple(tf.shape(x)[axis] if size is None else size for axis, size in enumerate(x.shape))


def _is_array(x: Any) -> bool:
    return isinstance(x, tf.TensorArray)


def _read(rows: tf.TensorArray | tf.Tensor, t: tf.Tensor) -> tf.Tensor:
    return rows.read(t) if _is_array(rows) else rows[t]


def _write(rows: tf.TensorArray | tf.Tensor, t: tf.Tensor, x: tf.Tensor) -> tf.TensorArray | tf.Tensor:
    """Return the rows, with row t replaced with x."""
    if _is_array(rows):
        return rows.write(t, x)
    is_t = tf.range(tf.shape(rows)[0]) == t
    return tf.where(tf.reshape(is_t, (-1, *[1] * len(x.shape))), x, rows)


def _masked(step: Step) -> Step:
    """Wrap a step so that it takes (inputs, mask `[B, 1]`) and keeps a row's carry unchanged if its mask is False."""

    def masked_step(x: Structure, carry: Structure) -> tuple[Structure, Structure]:
        inputs, mask = x
        output, new = step(inputs, carry)
        return output, tf.nest.map_structure(lambda a, b: tf.where(mask, a, b), new, carry)

    return masked_step
