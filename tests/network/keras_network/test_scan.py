import pytest

from seq2seq_demo.network.keras_network.scan import scan

# isort: split
import tensorflow as tf


@pytest.mark.parametrize("jit_compile", [False, True])
def test_scan_from_the_end(jit_compile):
    """Of the first two of three: y_1 = w x_1 and y_0 = y_1 + w x_0."""
    x = tf.constant([[1.0], [2.0], [5.0]])

    @tf.function(jit_compile=jit_compile)
    def run(x, w, n):
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            outputs, carry = scan(lambda x, y: (y + w * x, y + w * x), x, tf.zeros(1), 3, n, reverse=True)
            total = tf.reduce_sum(outputs)
        return outputs, carry, *tape.gradient(total, [x, w])

    outputs, carry, dx, dw = run(x, tf.constant(2.0), tf.constant(2))
    assert outputs.numpy().ravel().tolist() == [6, 4, 0]
    assert carry.numpy().tolist() == [6]
    assert dx.numpy().ravel().tolist() == [2, 4, 0]
    assert dw.numpy() == 5


@pytest.mark.parametrize("jit_compile", [False, True])
def test_scan(jit_compile):
    """y_t = Σ_{s ≤ t} w x_s, whose gradients are known."""
    x = tf.constant([[1.0], [2.0], [5.0]])

    @tf.function(jit_compile=jit_compile)
    def run(x, w):
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            (outputs, squares), carry = scan(lambda x, y: ((y + w * x, x * x), y + w * x), x, tf.zeros(1), 3)
            total = tf.reduce_sum(outputs)
        return outputs, squares, carry, *tape.gradient(total, [x, w])

    outputs, squares, carry, dx, dw = run(x, tf.constant(2.0))
    assert outputs.numpy().ravel().tolist() == [2, 6, 16]
    assert squares.numpy().ravel().tolist() == [1, 4, 25]
    assert carry.numpy().tolist() == [16]
    assert dx.numpy().ravel().tolist() == [6, 4, 2]
    assert dw.numpy() == 12
