import pytest

from seq2seq_demo.network.keras_network.scan import scan

# isort: split
import tensorflow as tf

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(
    ("n_steps", "reverse", "expected"),
    [
        (None, False, [[2, 6, 16], [1, 4, 25], [16], [6, 4, 2], [12]]),  # y_t = Σ_{s ≤ t} w x_s
        (2, True, [[6, 4, 0], [1, 4, 0], [6], [2, 4, 0], [5]]),  # backwards: y_1 = w x_1, y_0 = y_1 + w x_0
    ],
)
def test_outputs_carry_and_gradients_by_hand(jit_compile, n_steps, reverse, expected):
    """Check two outputs, the carry, and the gradients of the first output's sum, for x = 1, 2, 5 and w = 2."""

    @tf.function(jit_compile=jit_compile)
    def run(x, w, n):
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            (outputs, squares), carry = scan(
                lambda x, y: ((y + w * x, x * x), y + w * x), x, tf.zeros(1), 3, n, reverse=reverse
            )
            total = tf.reduce_sum(outputs)
        return outputs, squares, carry, *tape.gradient(total, [x, w])

    actual = run(tf.constant([[1.0], [2.0], [5.0]]), tf.constant(2.0), n_steps and tf.constant(n_steps))
    assert [array.numpy().ravel().tolist() for array in actual] == expected
