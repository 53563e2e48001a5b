"""Our weights under the names that the 2016 program's checkpoints have, in three TensorFlows, and files of them.

Deliberately independent of `names_2016.py`, so that an error in it shows.
"""

from dataclasses import replace

import numpy as np
import pytest

from seq2seq_demo.cells import CELL_TYPES
from seq2seq_demo.config import ModelConfig
from seq2seq_demo.errors import WeightsError
from seq2seq_demo.network.parameters import weight_shapes

REFERENCE = "ts2s__attention__sorted_1.tfl"
PRIMES = ModelConfig(cell_size=7, embedding_size=5, in_max_int=10, out_max_int=11)  # 11 symbols in, 13 out
SMALL = replace(PRIMES, cell_type="GRUCell", cell_size=3, embedding_size=2, in_max_int=4, out_max_int=5)

CELLS_2016 = [name for name, cell in CELL_TYPES.items() if cell.matrices_of_2016]
TF_0_10 = {
    "embedding": "RNN/EmbeddingWrapper/embedding",
    "encoder cell": "RNN",
    "decoder cell": "",
    "stack": "MultiRNNCell/Cell%d",
    "cell": {name: name for name in CELLS_2016},
    "parts": ("/Gates", "/Candidate"),
    "matrix": "/Linear/Matrix",
    "bias": "/Linear/Bias",
    "projection": "OutputProjectionWrapper",
    "slots": "Adam/%s/%s",
}
TF_1_0 = {
    "embedding": "rnn/embedding_wrapper/embedding",
    "encoder cell": "rnn",
    "decoder cell": "",
    "stack": "multi_rnn_cell/cell_%d",
    "cell": {
        "BasicLSTMCell": "basic_lstm_cell",
        "LSTMCell": "lstm_cell",
        "GRUCell": "gru_cell",
        "BasicRNNCell": "basic_rnn_cell",
    },
    "parts": ("/gates", "/candidate"),
    "matrix": "/weights",
    "bias": "/biases",
    "projection": "output_projection_wrapper",
    "slots": "%s/%s",
}
TF_1_4 = TF_1_0 | {
    "encoder cell": "rnn/embedding_wrapper",
    "decoder cell": "output_projection_wrapper",
    "matrix": "/kernel",
    "bias": "/bias",
}
ERAS = {"TF 0.10": TF_0_10, "TF 1.0": TF_1_0, "TF 1.4": TF_1_4}


def path(*parts):
    return "/".join(part for part in parts if part)


def layer_of_2016(config, weights, era, place, scope, *, forget_bias):
    """A cell of ours as its 2016 variables: rows [input ; h], gates i j f o, or r u and the candidate."""
    H = config.cell_size
    matrix = np.vstack([weights[f"{place}/kernel"], weights[f"{place}/recurrent_kernel"]])
    blocks = [(matrix[:, k : k + H], weights[f"{place}/bias"][k : k + H]) for k in range(0, matrix.shape[1], H)]
    if config.cell_type == "GRUCell":
        z, r, candidate = blocks
        parts = {era["parts"][0]: [r, z], era["parts"][1]: [candidate]}
    elif config.cell_type == "BasicRNNCell":
        parts = {"": blocks}
    else:
        i, f, candidate, o = blocks
        parts = {"": [i, candidate, (f[0], f[1] - np.float32(forget_bias)), o]}
    names = ("/W_0", "/B") if era is TF_0_10 and config.cell_type == "LSTMCell" else (era["matrix"], era["bias"])
    variables = {}
    for part, gates in parts.items():
        variables[scope + part + names[0]] = np.hstack([matrix for matrix, _ in gates])
        variables[scope + part + names[1]] = np.hstack([bias for _, bias in gates])
    return variables


def variables_of_2016(config, weights, era=TF_0_10, forget_bias=1):
    """Our weights, or one moment of each (which has no forget bias), by their names in an era."""
    kind = config.model.removeprefix("embedding_")
    network, decoder = f"embedding_{kind}_seq2seq", f"embedding_{kind}_seq2seq/embedding_{kind}_decoder"
    step = f"{decoder}/{kind}_decoder"
    variables = {f"{network}/{era['embedding']}": weights["encoder/embedding"]}
    variables[f"{decoder}/embedding"] = weights["decoder/embedding"]
    dense = {"decoder/projection": f"{step}/{era['projection']}"}
    if kind == "attention":
        variables[f"{step}/AttnW_0"] = weights["decoder/attention/key/kernel"][None, None]
        variables[f"{step}/AttnV_0"] = weights["decoder/attention/score"]
        dense |= {"decoder/input": step, "decoder/attention/query": f"{step}/Attention_0"}
        dense |= {"decoder/output": f"{step}/AttnOutputProjection"}
    for ours, scope in dense.items():
        variables[scope + era["matrix"]] = weights[f"{ours}/kernel"]
        variables[scope + era["bias"]] = weights[f"{ours}/bias"]
    for side, scope in (("encoder", network), ("decoder", step)):
        for layer in range(config.num_layers):
            stack = era["stack"] % layer if config.num_layers > 1 else ""
            name = path(scope, era[f"{side} cell"], stack, era["cell"][config.cell_type])
            variables |= layer_of_2016(config, weights, era, f"{side}/layer_{layer}", name, forget_bias=forget_bias)
    return variables


def random_arrays(config, seed, low=-64):
    """Arrays of our shapes, in steps of 1/64, so that adding and subtracting 1 is exact in float32."""
    rng = np.random.default_rng(seed)
    shapes = weight_shapes(config).items()
    return {name: (rng.integers(low, 65, shape) / 64).astype(np.float32) for name, shape in shapes}


def variables_with_moments(config, era=TF_0_10):
    """Our weights and moments, and what a whole checkpoint of them holds."""
    weights, m, v = random_arrays(config, 1), random_arrays(config, 2), random_arrays(config, 3, low=0)
    variables = variables_of_2016(config, weights, era)
    for arrays, slot in ((m, "Adam"), (v, "Adam_1")):
        moments = variables_of_2016(config, arrays, era, forget_bias=0)
        variables |= {era["slots"] % (name, slot): array for name, array in moments.items()}
    if era is TF_0_10:
        variables |= {name: np.float32(1234) for name in ("Training_step", "Global_Step")}
        variables |= {name: np.float32(0.5) for name in ("val_loss", "val_acc", "acc/moving_avg")}
        variables |= {name: np.float32(0.5) for name in ("Adam/beta1_power", "Adam/beta2_power")}
        variables |= {"is_training": np.bool_(True), "Adam/sequence_loss/truediv/moving_avg": np.float32(0.5)}
    else:
        variables |= {"global_step": np.int64(1234), "beta1_power": np.float32(0.5), "beta2_power": np.float32(0.5)}
    moments = {f"m/{name}": array for name, array in m.items()} | {f"v/{name}": array for name, array in v.items()}
    return weights, moments, variables


def save(variables, directory):
    """The bytes of a V1 checkpoint written by TensorFlow."""
    import tensorflow as tf

    v1, file = tf.compat.v1, directory / "checkpoint.tfl"
    with tf.Graph().as_default(), v1.Session() as session:
        for name, array in variables.items():
            v1.get_variable(name, initializer=tf.constant(array), use_resource=False)
        session.run(v1.global_variables_initializer())
        saver = v1.train.Saver(write_version=v1.train.SaverDef.V1)
        saver.save(session, str(file), write_meta_graph=False, write_state=False)
    return file.read_bytes()


def assert_equal(arrays, expected):
    assert list(arrays) == list(expected)
    for name, array in expected.items():
        assert arrays[name].dtype == array.dtype, name
        np.testing.assert_array_equal(arrays[name], array, err_msg=name, strict=True)


def refusal(read, content):
    """The message, one line, of the WeightsError that reading raises."""
    with pytest.raises(WeightsError) as caught:
        read(content)
    assert "\n" not in str(caught.value)
    return str(caught.value)
