import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_demo.training.steps import PackedAdam

SHAPES = {"a/kernel": (3, 4), "b": (5,), "c": (2, 3)}


def arrays(seed, scale=1.0):
    rng = np.random.default_rng(seed)
    return {name: (scale * rng.normal(size=shape)).astype(np.float32) for name, shape in SHAPES.items()}


@pytest.mark.parametrize("scale", [0.1, 30.0])  # with norms below and above 5
def test_adam_equals_that_of_keras(scale):
    weights = arrays(0)
    variables = [keras.Variable(weights[name], name=name.replace("/", "_")) for name in SHAPES]
    reference = keras.optimizers.Adam(beta_1=0.9, beta_2=0.999, epsilon=1e-8, global_clipnorm=5.0)
    packed = PackedAdam(SHAPES, weights, {}, step=0)
    for step, rate in enumerate((0.01, 0.02, 0.005)):
        gradients = arrays(step + 1, scale)
        reference.learning_rate = rate
        reference.apply([tf.constant(gradients[name]) for name in SHAPES], variables)
        vector = np.concatenate([gradients[name].ravel() for name in SHAPES])
        packed.apply(tf.constant(vector), tf.constant(rate))
    for variable, array in zip(variables, packed.weights_by_name().values(), strict=True):
        np.testing.assert_allclose(array, variable.numpy(), rtol=1e-5, atol=1e-6)
    moments = packed.moments_by_name()
    for variable in reference.variables:
        letter = {"momentum": "m", "velocity": "v"}.get(variable.name.rpartition("_")[2])
        if letter:
            name = variable.name.rpartition("_")[0].replace("a_kernel", "a/kernel")
            np.testing.assert_allclose(moments[f"{letter}/{name}"], variable.numpy(), rtol=1e-5, atol=1e-7)
    assert len(moments) == 6
    assert int(packed.iterations.numpy()) == 3
