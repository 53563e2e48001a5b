"""Every weight of the network: its name, its shape and its initial value.

The Keras network, the NumPy network and the weights file all use these names.
"""

import itertools
import math

import numpy as np

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.errors import require

Shapes = dict[str, tuple[int, ...]]
MAX_WEIGHT = 1e10  # the largest absolute value of weights and moments; larger values could make logits overflow
Weights = dict[str, np.ndarray]  # float32 arrays, by name


def weight_shapes(model_config: ModelConfig) -> Shapes:
    """Return the shape of every weight by name, in the order of data flow."""
    E, H, V = model_config.embedding_size, model_config.cell_size, model_config.n_output_symbols
    M = model_config.memory_size
    n_states = model_config.num_layers * len(model_config.cell.states)
    shapes: Shapes = {"encoder/embedding": (model_config.n_input_symbols, E)}
    shapes |= _cell_shapes("encoder", model_config, M)
    if model_config.bidirectional:
        shapes |= _cell_shapes("encoder/backward", model_config, M)
        for layer, state in itertools.product(range(model_config.num_layers), model_config.cell.states):
            shapes |= _dense(f"encoder/bridge_{layer}_{state}", 2 * H, H)  # W_b
    shapes |= {"decoder/embedding": (V, E)}
    if model_config.has_attention:
        shapes |= _dense("decoder/input", E + M, E)  # W_i
    shapes |= _cell_shapes("decoder", model_config, H)
    if model_config.has_attention:
        shapes |= {"decoder/attention/key/kernel": (M, H)}  # W_k
        shapes |= _dense("decoder/attention/query", n_states * H, H)  # W_q
        shapes |= {"decoder/attention/score": (H,)}  # v
    shapes |= _dense("decoder/projection", H, V)  # W_p
    if model_config.has_attention:
        shapes |= _dense("decoder/output", V + M, V)  # W_o
    return shapes


def _dense(name: str, n_in: int, n_out: int) -> Shapes:
    return {f"{name}/kernel": (n_in, n_out), f"{name}/bias": (n_out,)}


def _cell_shapes(side: str, model_config: ModelConfig, layer_size: int) -> Shapes:
    """Return the weight shapes of stacked cells; above the first layer, cells read `layer_size` outputs."""
    H, width = model_config.cell_size, len(model_config.cell.gates) * model_config.cell_size
    shapes: Shapes = {}
    for layer in range(model_config.num_layers):
        n_in = layer_size if layer else model_config.embedding_size
        shapes[f"{side}/layer_{layer}/kernel"] = (n_in, width)
        shapes[f"{side}/layer_{layer}/recurrent_kernel"] = (H, width)
        shapes[f"{side}/layer_{layer}/bias"] = (width,)
    return shapes


def initial_weights(model_config: ModelConfig, seed: int) -> Weights:
    """Draw the initial weights in float32; return them by name.

    Weights are Glorot uniform (Glorot and Bengio 2010), except that the encoder's embedding is uniform in ±√3. Biases
    are 0, or 1 for a cell's `gates_with_bias_1`.
    """
    rng = np.random.default_rng([seed, 0])
    weights: Weights = {}
    shapes = weight_shapes(model_config)
    for name, shape in shapes.items():
        if name.endswith("bias"):
            weights[name] = np.zeros(shape, np.float32)
        else:
            limit = uniform_limit(name, shapes, model_config)
            weights[name] = (rng.uniform(-1, 1, shape) * limit).astype(np.float32)
    add_to_biases(weights, model_config, model_config.cell.gates_with_bias_1)
    return weights


def add_to_biases(weights: Weights, model_config: ModelConfig, gates: tuple[str, ...]) -> None:
    """Add 1 in place to the biases of these gates in every cell."""
    for name, array in weights.items():
        if "/layer_" in name and name.endswith("/bias"):
            for gate in gates:
                first = model_config.cell.gates.index(gate) * model_config.cell_size
                array[first : first + model_config.cell_size] += 1


def uniform_limit(name: str, shapes: Shapes, model_config: ModelConfig) -> float | np.ndarray:
    """Return the limit of a weight's uniform distribution: a number, or one number per column of a cell's kernels.

    A 2016 cell had one or more matrices with rows [input ; h], and each matrix was initialised with Glorot's limit.
    """
    if name == "encoder/embedding":
        return math.sqrt(3)
    if "/layer_" not in name:
        return math.sqrt(6 / (shapes[name][0] + shapes[name][-1]))  # v has fan in = fan out = H
    H, cell = model_config.cell_size, model_config.cell
    fan_in = shapes[f"{name.rpartition('/')[0]}/kernel"][0] + H
    fan_out = {gate: len(gates) * H for gates in cell.matrices.values() for gate in gates}
    return np.repeat([math.sqrt(6 / (fan_in + fan_out[gate])) for gate in cell.gates], H)


def check_weights(weights: Weights, moments: Weights) -> None:
    """Raise WeightsError if a value is not finite or not within ±MAX_WEIGHT, or if a second moment is negative.

    `moments` contains Adam's moments as "m/NAME" and "v/NAME", or is empty.
    """
    for name, array in (weights | moments).items():
        # a comparison with NaN is False
        require(bool(np.max(abs(array)) <= MAX_WEIGHT), f"{name!r} contains numbers above {MAX_WEIGHT:g} or NaN")
        require(not name.startswith("v/") or bool(array.min() >= 0), f"{name!r} contains a negative number")
