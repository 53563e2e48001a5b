"""Every weight of the network: its name, its shape and its initial value.

The Keras network, the NumPy network and the weights file all use these names.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.errors import WeightsError

# How many gates a cell computes side by side, and how many arrays its state holds (LSTM: c and h).
GATES = {"BasicLSTMCell": 4, "LSTMCell": 4, "GRUCell": 3, "BasicRNNCell": 1}
STATES = {"BasicLSTMCell": 2, "LSTMCell": 2, "GRUCell": 1, "BasicRNNCell": 1}


@dataclass
class TrainedNetwork:
    """A network with its weights, and what is known of how they came to be (None where a 2016 file does not say)."""

    model: ModelConfig
    weights: dict[str, np.ndarray]  # float32, by the names of weight_shapes
    pattern: str | None = None
    in_len: int | None = None
    out_len: int | None = None
    trained: dict = field(default_factory=dict)  # the TrainConfig
    reached: dict = field(default_factory=dict)  # the validation figures of its last epoch
    step: int = 0  # how many times Adam changed the weights
    moments: dict[str, np.ndarray] = field(default_factory=dict)  # Adam's, as "m/NAME" and "v/NAME"; may be empty
    progress: dict = field(default_factory=dict)  # a snapshot's: how far its training has come


def weight_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight by its name, in the order in which data flows."""
    E, H, V = config.embedding_size, config.cell_size, config.n_output_symbols
    n_states = config.num_layers * STATES[config.cell_type]
    shapes = {"encoder/embedding": (config.n_input_symbols, E)}
    shapes |= _cell_shapes("encoder", config)
    shapes |= {"decoder/embedding": (V, E)}
    if config.has_attention:
        shapes |= _dense("decoder/input", E + H, E)  # W_i
    shapes |= _cell_shapes("decoder", config)
    if config.has_attention:
        shapes |= {"decoder/attention/key/kernel": (H, H)}  # W_k
        shapes |= _dense("decoder/attention/query", n_states * H, H)  # W_q
        shapes |= {"decoder/attention/score": (H,)}  # v
    shapes |= _dense("decoder/projection", H, V)  # W_p
    if config.has_attention:
        shapes |= _dense("decoder/output", V + H, V)  # W_o
    return shapes


def initial_weights(config: ModelConfig, seed: int) -> dict[str, np.ndarray]:
    """Return the values training starts from, float32, by name.

    Glorot uniform (Glorot and Bengio 2010), but the encoder's embedding is uniform in ±√3 and biases are 0, except
    the forget bias of an LSTM and the gate biases of a GRU, which are 1.
    """
    rng = np.random.default_rng([seed, 0])
    weights = {}
    for name, shape in weight_shapes(config).items():
        if name.endswith("bias"):
            weights[name] = np.zeros(shape, np.float32)
        else:
            limit = _uniform_limit(name, shape, config)
            weights[name] = (rng.uniform(-1, 1, shape) * limit).astype(np.float32)
    for side in ("encoder", "decoder"):
        for layer in range(config.num_layers):
            weights[f"{side}/layer_{layer}/bias"][_bias_of_one(config)] = 1
    return weights


def untrained(model: ModelConfig, seed: int) -> TrainedNetwork:
    """Return a network that training can start from."""
    return TrainedNetwork(model, initial_weights(model, seed))


def check_weights(model: ModelConfig, weights: dict[str, np.ndarray], moments: dict[str, np.ndarray]) -> None:
    """Raise WeightsError unless these are exactly the weights of `model`, finite, with all moments of Adam or none."""
    shapes = weight_shapes(model)
    _check_arrays(weights, shapes)
    if moments:
        _check_arrays(moments, {f"{moment}/{name}": shape for moment in "mv" for name, shape in shapes.items()})


def _check_arrays(arrays: dict[str, np.ndarray], shapes: dict[str, tuple[int, ...]]) -> None:
    for name in sorted(shapes.keys() ^ arrays.keys()):
        raise WeightsError(f"{'missing' if name in shapes else 'unexpected'} weight {name!r}")
    for name, shape in shapes.items():
        if arrays[name].shape != shape or arrays[name].dtype != np.float32:
            raise WeightsError(f"expected {name!r} as float32 {shape}, got {arrays[name].dtype} {arrays[name].shape}")
        if not np.isfinite(arrays[name]).all():
            raise WeightsError(f"expected finite numbers in {name!r}, got NaN or infinity")


def _dense(name: str, n_in: int, n_out: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}/kernel": (n_in, n_out), f"{name}/bias": (n_out,)}


def _cell_shapes(side: str, config: ModelConfig) -> dict[str, tuple[int, ...]]:
    H, width = config.cell_size, GATES[config.cell_type] * config.cell_size
    shapes = {}
    for layer in range(config.num_layers):
        n_in = H if layer else config.embedding_size
        shapes[f"{side}/layer_{layer}/kernel"] = (n_in, width)
        shapes[f"{side}/layer_{layer}/recurrent_kernel"] = (H, width)
        shapes[f"{side}/layer_{layer}/bias"] = (width,)
    return shapes


def _uniform_limit(name: str, shape: tuple[int, ...], config: ModelConfig) -> float | np.ndarray:
    """Return the bound of a weight's uniform distribution, one for all of it or one per column."""
    if name == "encoder/embedding":
        return math.sqrt(3)
    if "/layer_" in name:
        return _cell_limit(name, config)
    return math.sqrt(6 / (shape[0] + shape[-1]))  # v has fan in = fan out = H


def _cell_limit(name: str, config: ModelConfig) -> np.ndarray:
    """Return a cell's bound per column: in 2016 a matrix had the rows [input ; h], and a GRU had two of them."""
    H = config.cell_size
    fan_in = (H if "layer_0" not in name else config.embedding_size) + H
    blocks = (2 * H, H) if config.cell_type == "GRUCell" else (GATES[config.cell_type] * H,)
    return np.concatenate([np.full(width, math.sqrt(6 / (fan_in + width))) for width in blocks])


def _bias_of_one(config: ModelConfig) -> slice:
    """Return where a cell's bias starts at 1: gates stand in Keras's order i f c o, and z r h."""
    H = config.cell_size
    if config.cell_type == "GRUCell":
        return slice(0, 2 * H)
    return slice(H, 2 * H) if GATES[config.cell_type] == 4 else slice(0)
