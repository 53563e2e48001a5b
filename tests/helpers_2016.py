"""Our weights as variables of a 2016 checkpoint, with TF 0.10's names.

The names are written out again here on purpose, so that an error in `names_2016.py` makes a test fail.
"""

from dataclasses import replace

import numpy as np

from seq2seq_demo.config import CELL_TYPES, ModelConfig
from seq2seq_demo.network.parameters import weight_shapes

REFERENCE = "ts2s__attention__sorted_1.tfl"
PRIMES = ModelConfig(cell_size=7, embedding_size=5, in_max_int=10, out_max_int=11)  # 11 symbols in, 13 out
SMALL = replace(PRIMES, cell_type="GRUCell", cell_size=3, embedding_size=2, in_max_int=4, out_max_int=5)
CELLS_2016 = [name for name, cell in CELL_TYPES.items() if cell.matrices_of_2016]


def layer_of_2016(config, weights, place, scope, forget_bias):
    """One of our layers as 2016 variables: rows [input ; h]; columns i j f o (LSTM), or r u and candidate (GRU)."""
    H = config.cell_size
    matrix = np.vstack([weights[f"{place}/kernel"], weights[f"{place}/recurrent_kernel"]])
    blocks = [(matrix[:, k : k + H], weights[f"{place}/bias"][k : k + H]) for k in range(0, matrix.shape[1], H)]
    if config.cell_type == "GRUCell":
        z, r, candidate = blocks
        parts = {"/Gates": [r, z], "/Candidate": [candidate]}
    elif config.cell_type == "BasicRNNCell":
        parts = {"": blocks}
    else:
        i, f, candidate, o = blocks
        parts = {"": [i, candidate, (f[0], f[1] - np.float32(forget_bias)), o]}
    names = ("/W_0", "/B") if config.cell_type == "LSTMCell" else ("/Linear/Matrix", "/Linear/Bias")
    return {
        f"{scope}{part}{name}": np.hstack([gate[k] for gate in gates])
        for part, gates in parts.items()
        for k, name in enumerate(names)
    }


def variables_of_2016(config, weights, forget_bias=1):
    """Our weights as variables of 2016. For moments, `forget_bias` must be 0."""
    kind = config.model.removeprefix("embedding_")
    network, decoder = f"embedding_{kind}_seq2seq", f"embedding_{kind}_seq2seq/embedding_{kind}_decoder"
    step = f"{decoder}/{kind}_decoder"
    variables = {f"{network}/RNN/EmbeddingWrapper/embedding": weights["encoder/embedding"]}
    variables[f"{decoder}/embedding"] = weights["decoder/embedding"]
    dense = {"decoder/projection": f"{step}/OutputProjectionWrapper"}
    if kind == "attention":
        variables[f"{step}/AttnW_0"] = weights["decoder/attention/key/kernel"][None, None]
        variables[f"{step}/AttnV_0"] = weights["decoder/attention/score"]
        dense |= {"decoder/input": step, "decoder/attention/query": f"{step}/Attention_0"}
        dense |= {"decoder/output": f"{step}/AttnOutputProjection"}
    for ours, scope in dense.items():
        variables[f"{scope}/Linear/Matrix"] = weights[f"{ours}/kernel"]
        variables[f"{scope}/Linear/Bias"] = weights[f"{ours}/bias"]
    for side, scope in (("encoder", f"{network}/RNN"), ("decoder", step)):
        for layer in range(config.num_layers):
            stack = f"/MultiRNNCell/Cell{layer}" if config.num_layers > 1 else ""
            cell = f"{scope}{stack}/{config.cell_type}"
            variables |= layer_of_2016(config, weights, f"{side}/layer_{layer}", cell, forget_bias)
    return variables


def random_arrays(config, seed, low=-64):
    """Random weights that are multiples of 1/64, so that adding and subtracting 1 is exact in float32."""
    rng = np.random.default_rng(seed)
    shapes = weight_shapes(config).items()
    return {name: (rng.integers(low, 65, shape) / 64).astype(np.float32) for name, shape in shapes}


def variables_with_moments(config):
    """Random weights and moments under our names, and the variables of a checkpoint that contains both."""
    weights, m, v = random_arrays(config, 1), random_arrays(config, 2), random_arrays(config, 3, low=0)
    variables = variables_of_2016(config, weights)
    for arrays, slot in ((m, "Adam"), (v, "Adam_1")):
        moments = variables_of_2016(config, arrays, forget_bias=0)
        variables |= {f"Adam/{name}/{slot}": array for name, array in moments.items()}
    others = ("val_loss", "acc/moving_avg", "Adam/beta1_power", "Adam/sequence_loss/truediv/moving_avg")
    variables |= {"Training_step": np.float32(1234), "is_training": np.bool_(True)} | dict.fromkeys(
        others, np.float32(1)
    )
    moments = {f"m/{name}": array for name, array in m.items()} | {f"v/{name}": array for name, array in v.items()}
    return weights, moments, variables
