"""The 2016 reader against the 2016 weights, against TensorFlow's own writer, and against damage.

The inverse of the conversion, the 2016 equations and the table format are written out here once more, on purpose.
"""

import json
import math
import random
import struct
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from seq2seq_demo.config import CELL_TYPES, MODELS, ModelConfig
from seq2seq_demo.errors import WeightsError
from seq2seq_demo.numpy_decoder import NumpyNetwork
from seq2seq_demo.parameters import weight_shapes
from seq2seq_demo.weights_2016 import MAGIC, crc32c, from_2016, is_checkpoint, read_checkpoint

REFERENCE = "ts2s__attention__sorted_1.tfl"
PRIMES = ModelConfig(cell_size=7, embedding_size=5, in_max_int=10, out_max_int=11)  # 11 symbols in, 13 out
SMALL = replace(PRIMES, cell_type="GRUCell", cell_size=3, embedding_size=2, in_max_int=4, out_max_int=5)

# ---- What the tests write: our weights under the names of three TensorFlows ----

TF_0_10 = {
    "embedding": "RNN/EmbeddingWrapper/embedding",
    "encoder cell": "RNN",
    "decoder cell": "",
    "stack": "MultiRNNCell/Cell%d",
    "cell": {name: name for name in CELL_TYPES},
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


# ---- How they write it: TensorFlow's Saver, or a table of one's own where TensorFlow would not write the like ----


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


def slices(variables):
    """The SavedTensorSlices of a checkpoint: the list of variables, then each variable."""
    import tensorflow as tf
    from tensorflow.core.util.saved_tensor_slice_pb2 import SavedTensorSlices

    messages = [SavedTensorSlices()]
    messages[0].meta.SetInParent()
    for name, array in sorted(variables.items()):
        dtype = tf.as_dtype(array.dtype)
        meta = messages[0].meta.tensor.add(name=name, type=dtype.as_datatype_enum)
        meta.shape.SetInParent()
        messages.append(SavedTensorSlices())
        data = messages[-1].data
        data.name = name
        data.slice.SetInParent()
        for size in array.shape:
            meta.shape.dim.add(size=size)
            data.slice.extent.add()
        field = {"float32": "float_val", "float64": "double_val", "bool": "bool_val", "int64": "int64_val"}
        getattr(data.data, field.get(dtype.name, "int_val")).extend(array.ravel().tolist())
    return messages


def table(messages, compression=0, per_block=3):
    """A sorted string table: data blocks, an empty list of meta blocks, the index, the footer."""
    records = [message if isinstance(message, bytes) else message.SerializeToString() for message in messages]
    records = [(b"" if k == 0 else b"\0key%06d" % k, record) for k, record in enumerate(records)]
    content, handles = b"", []
    for start in range(0, len(records), per_block):
        content, handle = add_block(content, records[start : start + per_block], compression)
        handles.append((records[start][0] + b"~", handle))
    content, meta = add_block(content, [], compression)
    content, index = add_block(content, handles, compression)
    return content + (meta + index).ljust(40, b"\0") + MAGIC


def add_block(content, entries, compression):
    block, previous = b"", b""
    for key, value in entries:
        shared = max(n for n in range(len(previous) + 1) if key.startswith(previous[:n]))
        block += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        previous = key
    block += struct.pack("<II", 0, 1)
    checksum = crc32c(block + bytes([compression]))
    masked = ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF
    handle = varint(len(content)) + varint(len(block))
    return content + block + bytes([compression]) + struct.pack("<I", masked), handle


def varint(number):
    head, last = [], number
    while last >= 128:
        head.append(last % 128 + 128)
        last //= 128
    return bytes([*head, last])


def of_length(tag, data):
    """A protocol buffer's field that holds bytes or a message."""
    return bytes([tag << 3 | 2]) + varint(len(data)) + data


def plain_crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def assert_equal(arrays, expected):
    assert list(arrays) == list(expected)
    for name, array in expected.items():
        assert arrays[name].dtype == array.dtype, name
        np.testing.assert_array_equal(arrays[name], array, err_msg=name, strict=True)


def refusal(content):
    """The message of the WeightsError, one line."""
    with pytest.raises(WeightsError) as caught:
        from_2016(content)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---- The weights that the 2016 program shipped ----


def test_reference_predicts_what_its_equations_say(reference_2016):
    network = from_2016((reference_2016 / REFERENCE).read_bytes())
    expected = json.loads((reference_2016 / "sorted_len20_greedy.json").read_text())
    assert network.model == ModelConfig(model="embedding_attention")
    assert (network.pattern, network.in_len, network.out_len) == (None, None, None)
    sources = np.array(expected["inputs"])
    numpy_network = NumpyNetwork(network.model, network.weights)
    decoded = numpy_network.decode(sources, 20)
    assert decoded.symbols.tolist() == expected["predictions"]
    np.testing.assert_allclose(decoded.logits[0], expected["logits_of_row_0"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(decoded.attention[0], expected["attention_of_row_0"], rtol=0, atol=1e-4)
    assert numpy_network.decode(sources[:5], 8).symbols.tolist() == expected["predictions_out_len_8_of_first_5"]


def test_reference_variables_are_what_tensorflow_reads(reference_2016):
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(reference_2016 / REFERENCE))
    variables = read_checkpoint((reference_2016 / REFERENCE).read_bytes())
    assert sorted(variables) == sorted(reader.get_variable_to_shape_map())
    for name, array in variables.items():
        np.testing.assert_array_equal(array, reader.get_tensor(name), err_msg=name, strict=True)


def test_reference_step_and_moments(reference_2016):
    content = (reference_2016 / REFERENCE).read_bytes()
    network, variables = from_2016(content), read_checkpoint(content)
    assert network.step == 14080 == 20 * 704  # 20 epochs of 90,000 points
    assert len(network.moments) == 2 * len(network.weights)
    power = float(variables["Adam/beta2_power"])
    assert math.log(power) / math.log(np.float32(0.999)) - 1 == pytest.approx(14080, abs=0.1)
    f = slice(64, 96)  # of i j f o
    stored = variables["embedding_attention_seq2seq/RNN/BasicLSTMCell/Linear/Bias"][f]
    moment = variables["Adam/embedding_attention_seq2seq/RNN/BasicLSTMCell/Linear/Bias/Adam"][f]
    np.testing.assert_array_equal(network.weights["encoder/layer_0/bias"][32:64], stored + 1)
    np.testing.assert_array_equal(network.moments["m/encoder/layer_0/bias"][32:64], moment)


# ---- What TensorFlow's Saver writes comes back ----


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell_type", CELL_TYPES)
@pytest.mark.parametrize("model", MODELS)
def test_what_the_saver_writes_comes_back_equal(model, cell_type, num_layers, era, tmp_path):
    config = replace(PRIMES, model=model, cell_type=cell_type, num_layers=num_layers)
    weights, moments, variables = variables_with_moments(config, ERAS[era])
    content = save(variables, tmp_path)
    assert is_checkpoint(content)
    network = from_2016(content)
    assert network.model == config
    assert_equal(network.weights, weights)
    assert_equal(network.moments, moments)
    assert network.step == 1234


def test_a_checkpoint_of_weights_alone_has_no_moments(tmp_path):
    weights = random_arrays(PRIMES, 1)
    network = from_2016(save(variables_of_2016(PRIMES, weights), tmp_path))
    assert_equal(network.weights, weights)
    assert (network.moments, network.step) == ({}, 0)


def test_every_type_and_several_blocks(tmp_path):
    rng = np.random.default_rng(0)
    variables = {f"noise_{k}": rng.normal(size=(211, 307)).astype(np.float32) for k in range(3)}  # over 256 KiB
    variables |= {"double": rng.normal(size=(2, 3)), "zeros": np.zeros(40_000, np.float32)}
    variables |= {"int32": np.array([-(2**31), -1, 0, 1, 127, 128, 2**31 - 1], np.int32)}
    variables |= {"int64": np.array([[-(2**63), -1], [300, 2**63 - 1]]), "bool": np.array([True, False, True])}
    read = read_checkpoint(save(variables, tmp_path))
    assert_equal(dict(sorted(read.items())), dict(sorted(variables.items())))
    assert all(array.flags.writeable for array in read.values())


# ---- The 2016 equations on the 2016 variables, against our equations on the converted ones ----


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def linear(variables, scope, *inputs):
    matrix, bias = variables[f"{scope}/Linear/Matrix"], variables[f"{scope}/Linear/Bias"]
    return np.concatenate(inputs, axis=1).astype(np.float64) @ matrix + bias


def cell_of_2016(variables, scope, x, state):
    """TF 0.10's rnn_cell.py: return the next state, its last array being the output."""
    h = state[-1]
    if scope.endswith("BasicRNNCell"):
        return (np.tanh(linear(variables, scope, x, h)),)
    if scope.endswith("GRUCell"):
        r, u = np.split(sigmoid(linear(variables, scope + "/Gates", x, h)), 2, axis=1)
        return (u * h + (1 - u) * np.tanh(linear(variables, scope + "/Candidate", x, r * h)),)
    i, j, f, o = np.split(linear(variables, scope, x, h), 4, axis=1)
    c = state[0] * sigmoid(f + 1) + sigmoid(i) * np.tanh(j)
    return c, np.tanh(c) * sigmoid(o)


def logits_of_2016(config, variables, sources, decoder_input):
    """TF 0.10's seq2seq.py, teacher forced: [B, T, V]."""
    kind = config.model.removeprefix("embedding_")
    network, decoder = f"embedding_{kind}_seq2seq", f"embedding_{kind}_seq2seq/embedding_{kind}_decoder"
    step = f"{decoder}/{kind}_decoder"
    stacks = [f"MultiRNNCell/Cell{k}/" for k in range(config.num_layers)] if config.num_layers > 1 else [""]
    zero = np.zeros((len(sources), config.cell_size))
    states = [(zero, zero) if "LSTM" in config.cell_type else (zero,)] * config.num_layers

    def run_cells(scope, x):
        for layer, stack in enumerate(stacks):
            states[layer] = cell_of_2016(variables, f"{scope}/{stack}{config.cell_type}", x, states[layer])
            x = states[layer][-1]
        return x

    embedding = variables[f"{network}/RNN/EmbeddingWrapper/embedding"]
    memory = np.stack([run_cells(f"{network}/RNN", embedding[symbols]) for symbols in sources.T], axis=1)
    logits, context = [], zero
    for symbols in decoder_input.T:
        x = variables[f"{decoder}/embedding"][symbols]
        h = run_cells(step, linear(variables, step, x, context) if config.has_attention else x)
        logits.append(linear(variables, f"{step}/OutputProjectionWrapper", h))
        if config.has_attention:
            query = linear(variables, f"{step}/Attention_0", *[array for state in states for array in state])
            features = np.einsum("bsi,xyio->bso", memory, variables[f"{step}/AttnW_0"])
            u = np.exp(np.sum(variables[f"{step}/AttnV_0"] * np.tanh(features + query[:, None]), axis=2))
            context = np.einsum("bs,bsh->bh", u / u.sum(axis=1, keepdims=True), memory)
            logits[-1] = linear(variables, f"{step}/AttnOutputProjection", logits[-1], context)
    return np.stack(logits, axis=1)


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell_type", ["BasicLSTMCell", "GRUCell", "BasicRNNCell"])
@pytest.mark.parametrize("model", MODELS)
def test_the_equations_of_2016_give_the_same_logits(model, cell_type, num_layers):
    config = replace(PRIMES, model=model, cell_type=cell_type, num_layers=num_layers)
    content = table(slices(variables_of_2016(config, random_arrays(config, 5))))
    rng = np.random.default_rng(6)
    sources, decoder_input = rng.integers(0, 11, (3, 4)), rng.integers(0, 13, (3, 6))
    expected = logits_of_2016(config, read_checkpoint(content), sources, decoder_input)
    network = from_2016(content)
    decoded = NumpyNetwork(network.model, network.weights).decode(sources, 6, decoder_input)
    np.testing.assert_allclose(decoded.logits, expected, rtol=0, atol=1e-5)


# ---- Steps ----


def content_with(**others):
    """A checkpoint of weights and moments, of whose other variables only these are there."""
    _, _, variables = variables_with_moments(SMALL)
    kept = {name: array for name, array in variables.items() if "embedding_" in name}
    return table(slices(kept | {name.replace("__", "/"): np.asarray(array) for name, array in others.items()}))


def power_after(steps):
    power = np.float32(0.999)
    for _ in range(steps):
        power *= np.float32(0.999)
    return power


@pytest.mark.parametrize(
    ("others", "step"),
    [
        ({"Training_step": np.float32(7), "Global_Step": np.float32(9)}, 7),
        ({"Global_Step": np.float32(9)}, 9),
        ({"global_step": np.int64(2**40)}, 2**40),
        ({"global_step": np.int32(11), "beta2_power": power_after(3)}, 11),
        ({"beta1_power": np.float32(6e-45), "beta2_power": power_after(0)}, 0),
        ({"Adam__beta2_power": power_after(1)}, 1),
        ({"Adam__beta2_power": power_after(80_000)}, 80_000),
    ],
)
def test_step(others, step):
    assert from_2016(content_with(**others)).step == step


@pytest.mark.parametrize("others", [{}, {"beta2_power": np.float32(7e-43)}, {"beta2_power": np.float32(1)}])
def test_moments_without_a_step(others):
    assert refusal(content_with(**others)) == "missing variable 'Training_step'"


@pytest.mark.parametrize("step", [np.float32(-1), np.float32(0.5), np.float32(np.nan), np.float32(3e38), np.ones(2)])
def test_a_step_that_is_none(step):
    assert "expected a number of steps in variable 'Training_step'" in refusal(content_with(Training_step=step))


# ---- Names and shapes that are not the 2016 program's ----


@pytest.mark.parametrize("cell_type", ["BasicLSTMCell", "GRUCell"])
@pytest.mark.parametrize("model", MODELS)
def test_each_missing_variable_is_named(model, cell_type):
    _, _, variables = variables_with_moments(replace(SMALL, model=model, cell_type=cell_type))
    messages = slices(variables)
    listed = list(messages[0].meta.tensor)
    for k, name in enumerate(sorted(variables)):
        if "embedding_" in name:
            messages[0].ClearField("meta")
            messages[0].meta.tensor.extend(listed[:k] + listed[k + 1 :])
            content = table(messages[: k + 1] + messages[k + 2 :], per_block=1000)
            assert refusal(content) == f"missing variable {name.removeprefix('Adam/')!r}"


@pytest.mark.parametrize(
    "name",
    [
        "conv1/weights",
        "embedding_rnn_seq2seq/RNN/GRUCell/Gates/Linear/Extra",
        "embedding_rnn_seq2seq/embedding_rnn_decoder/rnn_decoder/AttnV_0",
        "embedding_rnn_seq2seq/rnn/gru_cell/gates/kernel",  # there already, under its name in 2016
        "Adam/embedding_rnn_seq2seq/RNN/EmbeddingWrapper/embedding/Adam_2",
        "Adam/Adam",
        "my/val_loss",
        "removing_avg",
        "moving_avg_2",
        "a\nb/is_training",
    ],
)
def test_an_unexpected_variable_is_named(name):
    _, _, variables = variables_with_moments(SMALL)
    variables[name] = np.zeros((2, 3), np.float32)
    assert refusal(table(slices(variables))) == f"unexpected variable {name!r}"


def test_a_foreign_checkpoint(tmp_path):
    assert refusal(save({"conv1/weights": np.zeros((3, 3), np.float32)}, tmp_path)) == (
        "unexpected variable 'conv1/weights'"
    )
    assert "missing variable 'embedding_rnn_seq2seq/" in refusal(save({"val_loss": np.float32(1)}, tmp_path))


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.zeros((12, 8), np.float32), "float32 (12, 8)"),
        (np.zeros((7, 12), np.float32), "float32 (7, 12)"),
        (np.zeros((12, 7)), "float64 (12, 7)"),
        (np.zeros((), np.float32), "float32 ()"),
    ],
)
def test_a_variable_of_another_shape_or_type(array, found):
    config = replace(PRIMES, cell_type="BasicRNNCell")
    variables = variables_of_2016(config, random_arrays(config, 1))
    name = "embedding_rnn_seq2seq/RNN/BasicRNNCell/Linear/Matrix"
    variables[name] = array
    assert refusal(table(slices(variables))) == f"expected variable {name!r} as float32 (12, 7), got {found}"


@pytest.mark.parametrize("shape", [(), (5,), (5, 2, 1), (0, 2), (5, 0), (1, 2)])
@pytest.mark.parametrize("name", ["RNN/EmbeddingWrapper/embedding", "OutputProjectionWrapper/Linear/Matrix"])
def test_the_matrices_that_give_the_sizes(name, shape):
    variables = variables_of_2016(SMALL, random_arrays(SMALL, 1))
    (name,) = (variable for variable in variables if variable.endswith(name))
    variables[name] = np.zeros(shape, np.float32)
    assert "expected" in refusal(table(slices(variables)))


def test_not_a_number():
    weights = random_arrays(SMALL, 1)
    weights["decoder/layer_0/bias"][4] = np.nan
    assert "decoder/layer_0/bias" in refusal(table(slices(variables_of_2016(SMALL, weights))))


def test_an_unknown_cell():
    variables = variables_of_2016(SMALL, random_arrays(SMALL, 1))
    renamed = {name.replace("GRUCell", "NASCell"): array for name, array in variables.items()}
    assert "unknown cell type 'NASCell'" in refusal(table(slices(renamed)))


# ---- The file's other spellings, and what is refused ----


def test_values_as_bytes_one_by_one_or_cut_short():
    v = np.array([[1.5, -2.5, 3.25], [4, 7, 7]], np.float32)
    whole, short, content, unpacked = (slices({"v": v}) for _ in range(4))
    del short[1].data.data.float_val[5:]
    content[1].data.data.ClearField("float_val")
    content[1].data.data.tensor_content = v.tobytes()
    data = b"".join(bytes([5 << 3 | 5]) + number.tobytes() for number in v.ravel())
    unpacked[1] = of_length(2, of_length(1, b"v") + of_length(2, b"\x0a\x00\x0a\x00") + of_length(3, data))
    for messages in (whole, short, content, unpacked):
        assert_equal(read_checkpoint(table(messages)), {"v": v})
    integers = slices({"n": np.array([5, -3, 300], np.int32)})
    data = b"".join(bytes([7 << 3]) + varint(number % 2**64) for number in (5, -3, 300))
    integers[1] = of_length(2, of_length(1, b"n") + of_length(2, b"\x0a\x00") + of_length(3, data))
    assert_equal(read_checkpoint(table(integers)), {"n": np.array([5, -3, 300], np.int32)})


def change_slices(messages, change):
    v = messages[1].data
    match change:
        case "a part of it":
            v.slice.extent[0].length = 1
        case "twice":
            messages.append(messages[1])
        case "a string":
            messages[0].meta.tensor[0].type = 7
        case "too many values":
            v.data.float_val.append(1)
        case "no values":
            v.data.ClearField("float_val")
        case "odd bytes":
            v.data.tensor_content = b"12345"
        case "no data":
            del messages[1]
        case "no list":
            del messages[0]
        case "not listed":
            v.name = "w"
        case "absurd":
            messages[0].meta.tensor[0].shape.dim[0].size = 10**15
        case "negative":
            messages[0].meta.tensor[0].shape.dim[0].size = -2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("a part of it", "expected variable 'v' in one piece"),
        ("twice", "expected variable 'v' in one piece"),
        ("a string", "expected numbers in variable 'v', got TensorFlow's data type 7"),
        ("no data", "missing the values of variable 'v'"),
        ("too many values", "damaged"),
        ("no values", "damaged"),
        ("odd bytes", "damaged"),
        ("no list", "damaged"),
        ("not listed", "damaged"),
        ("absurd", "larger than such a file can hold"),
        ("negative", "larger than such a file can hold"),
    ],
)
def test_slices_that_are_refused(change, message):
    messages = slices({"v": np.array([[1, 2, 3], [4, 5, 6]], np.float32)})
    assert list(read_checkpoint(table(messages))) == ["v"]
    change_slices(messages, change)
    assert message in refusal(table(messages))


def test_a_block_is_not_read_again_and_again():
    content, first = add_block(b"", [(b"", slices({})[0].SerializeToString())], 0)
    content, empty = add_block(content, [], 0)
    content, meta = add_block(content, [], 0)
    for handles, fine in ([first, empty], True), ([first, empty, empty], False), ([empty, first], False):
        whole, index = add_block(content, [(b"%d" % k, handle) for k, handle in enumerate(handles)], 0)
        whole += (meta + index).ljust(40, b"\0") + MAGIC
        assert (read_checkpoint(whole) == {}) if fine else ("damaged" in refusal(whole))


def test_an_absurd_shape_of_bytes():
    dims = b"\x12\x08\x08" + varint(10**14) + b"\x12\x03\x0a\x01x"
    messages = slices({"v": np.ones(1, np.float32)})
    messages[0] = of_length(1, of_length(1, of_length(1, b"v") + of_length(2, dims) + b"\x18\x01"))
    assert "damaged" in refusal(table(messages))


@pytest.mark.parametrize("nonsense", ["no records", "no list", "a number for a name", "a number of 70 bits"])
def test_records_of_something_else(nonsense):
    number = slices({"n": np.array(5)})
    values = of_length(10, b"\xff" * 9 + b"\x7f")
    records = {
        "no records": [],
        "no list": number[1:],
        "a number for a name": [of_length(1, of_length(1, b"\x08\x05\x12\x00\x18\x01"))],
        "a number of 70 bits": [number[0], of_length(2, of_length(1, b"n") + of_length(2, b"") + of_length(3, values))],
    }
    assert "damaged" in refusal(table(records[nonsense]))


def test_a_compressed_checkpoint():
    assert "expected an uncompressed checkpoint" in refusal(table(slices({"v": np.ones(2)}), compression=1))


def test_the_index_of_a_version_2_checkpoint(tmp_path):
    import tensorflow as tf

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.get_variable("v", initializer=tf.ones(3))
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(tmp_path / "v2"))
    assert "index of a V2 one" in refusal((tmp_path / "v2.index").read_bytes())


def test_crc32c():
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    data = random.Random(0).randbytes(3000)
    for size in (*range(4, 40), 255, 256, 257, 3000):
        assert crc32c(data[:size]) == plain_crc32c(data[:size])


# ---- Damage ----


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    _, _, variables = variables_with_moments(SMALL)
    return save(variables, tmp_path_factory.mktemp("small"))


def test_truncated(small):
    offsets = {*range(60), *range(len(small) - 60, len(small)), *random.Random(1).sample(range(len(small)), 200)}
    for offset in sorted(offsets):
        refusal(small[:offset])
        if offset < len(small) - 48:
            refusal(small[:offset] + small[-48:])  # the end is there, the middle is not


def test_flipped_bytes(small):
    rng, expected, footer = random.Random(2), read_checkpoint(small), len(small) - 48
    positions = {*rng.sample(range(len(small)), 300), *range(footer - 60, len(small))}  # index and meta, all of them
    for position in sorted(positions):
        damaged = bytearray(small)
        damaged[position] ^= rng.randrange(1, 256)
        try:
            assert_equal(read_checkpoint(bytes(damaged)), expected)
        except WeightsError:
            continue
        assert footer < position < len(small) - 8, "only the padding of the footer is of no use"


def test_random_bytes():
    rng = random.Random(3)
    for size in (0, 1, 8, 40, 48, 100, 1000, 20000):
        for _ in range(10):
            refusal(rng.randbytes(size))
            refusal(rng.randbytes(size) + MAGIC)
            refusal(bytes(size) + MAGIC)


def test_nonsense_with_right_checksums():
    """What no checksum catches must not be another error either."""
    rng = random.Random(4)
    _, _, variables = variables_with_moments(SMALL)
    records = [message.SerializeToString() for message in slices(variables)]
    refused = 0
    for _ in range(500):
        damaged = list(records)
        k = rng.choice([0, rng.randrange(len(records))])
        record = bytearray(damaged[k])
        for _ in range(rng.randrange(1, 4)):
            record[rng.randrange(len(record))] = rng.randrange(256)
        damaged[k] = bytes(record[: rng.choice([len(record), rng.randrange(len(record))])])
        try:
            from_2016(table(damaged, per_block=1000))
        except WeightsError as error:
            refused += "\n" not in str(error)
    assert refused > 350


def test_reading_needs_no_tensorflow(small, tmp_path):
    (tmp_path / "small.tfl").write_bytes(small)
    code = "import sys, pathlib; from seq2seq_demo.weights_2016 import from_2016\n"
    code += "from_2016(pathlib.Path(sys.argv[1]).read_bytes())\n"
    code += "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "small.tfl")], check=True)
