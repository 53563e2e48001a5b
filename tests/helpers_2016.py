"""Our weights as variables in checkpoints of the 2016 program, under the names of three TensorFlow versions.

The names and the file format are written out again here on purpose, so that an error in `names_2016.py` or
`checkpoint_2016.py` makes a test fail. The last part generates hostile files.
"""

import struct
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import strategies as st

from seq2seq_demo.config import CELL_TYPES, ModelConfig
from seq2seq_demo.errors import Seq2SeqError
from seq2seq_demo.files.checkpoint_2016 import MAGIC, crc32c, read_checkpoint
from seq2seq_demo.network.names_2016 import from_2016
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
    "cell": dict(zip(CELLS_2016, ("basic_lstm_cell", "lstm_cell", "gru_cell", "basic_rnn_cell"), strict=True)),
    "parts": ("/gates", "/candidate"),
    "matrix": "/weights",
    "bias": "/biases",
    "projection": "output_projection_wrapper",
    "slots": "%s/%s",
}
TF_1_4 = TF_1_0 | {"encoder cell": "rnn/embedding_wrapper", "decoder cell": "output_projection_wrapper"}
TF_1_4 |= {"matrix": "/kernel", "bias": "/bias"}
ERAS = {"TF 0.10": TF_0_10, "TF 1.0": TF_1_0, "TF 1.4": TF_1_4}


def path(*parts):
    return "/".join(part for part in parts if part)


def layer_of_2016(config, weights, era, place, scope, *, forget_bias):
    """One of our layers as 2016 variables: rows [input ; h]; columns i j f o (LSTM), or r u and candidate (GRU)."""
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
    """Our weights as variables with the names of an era. For moments, `forget_bias` must be 0."""
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
    """Random weights that are multiples of 1/64, so that adding and subtracting 1 is exact in float32."""
    rng = np.random.default_rng(seed)
    shapes = weight_shapes(config).items()
    return {name: (rng.integers(low, 65, shape) / 64).astype(np.float32) for name, shape in shapes}


def variables_with_moments(config, era=TF_0_10):
    """Random weights and moments under our names, and a whole 2016 checkpoint that contains both, as variables."""
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
    """Have TensorFlow write a V1 checkpoint; return its bytes."""
    import tensorflow as tf

    v1, file = tf.compat.v1, directory / "checkpoint.tfl"
    with tf.Graph().as_default(), v1.Session() as session:
        for name, array in variables.items():
            v1.get_variable(name, initializer=tf.constant(array), use_resource=False)
        session.run(v1.global_variables_initializer())
        saver = v1.train.Saver(write_version=v1.train.SaverDef.V1)
        saver.save(session, str(file), write_meta_graph=False, write_state=False)
    return file.read_bytes()


# ---- The format of the files ----

# For each NumPy type: TensorFlow's type number, and the TensorProto field of the values.
TYPES = {"float32": (1, 5), "float64": (2, 6), "int32": (3, 7), "int64": (9, 10), "bool": (10, 11)}


def records(variables):
    """The SavedTensorSlices of a checkpoint, each as a list of fields; the first one lists the variables."""
    listing, saved = [], []
    for name, array in sorted(variables.items()):
        dtype, field = TYPES[array.dtype.name]
        shape = [(2, 2, [(1, 0, size)]) for size in array.shape]
        whole = [(1, 2, [])] * array.ndim  # one unbounded extent per axis
        listing.append((1, 2, [(1, 2, name.encode()), (2, 2, shape), (3, 0, dtype), (4, 2, whole)]))
        floats = array.dtype.kind == "f"
        values = array.tobytes() if floats else b"".join(varint(int(number) % 2**64) for number in array.flat)
        saved.append([(2, 2, [(1, 2, name.encode()), (2, 2, whole), (3, 2, [(1, 0, dtype), (field, 2, values)])])])
    return [[(1, 2, listing)], *saved]


def encode(fields):
    """Encode fields (number, wire type, value) as a protocol buffer; a value is an integer, bytes or fields."""
    parts = []
    for number, wire_type, value in fields:
        content = encode(value) if isinstance(value, list) else varint(value) if isinstance(value, int) else value
        parts += [varint(number << 3 | wire_type), varint(len(content)) if wire_type == 2 else b"", content]
    return b"".join(parts)


def table(messages, compression=0, per_block=3, damage=bytes):
    """A sorted string table: data blocks, an empty meta block, the index, the footer.

    Messages are bytes, lists of fields, or objects of Google's library. `damage` changes each block before its checksum
    is computed.
    """
    entries = [(b"\0key%06d" % k if k else b"", _serialized(message)) for k, message in enumerate(messages)]
    content, handles = b"", []
    for start in range(0, len(entries), per_block):
        content, handle = add_block(content, entries[start : start + per_block], compression, damage)
        handles.append((entries[start][0] + b"~", handle))
    content, meta = add_block(content, [], compression, damage)
    content, index = add_block(content, handles, compression, damage)
    return content + (meta + index).ljust(40, b"\0") + MAGIC


def _serialized(message):
    if isinstance(message, bytes):
        return message
    return encode(message) if isinstance(message, list) else message.SerializeToString()


def add_block(content, entries, compression=0, damage=bytes):
    block, previous = b"", b""
    for key, value in entries:
        shared = max(n for n in range(len(previous) + 1) if key.startswith(previous[:n]))
        block += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        previous = key
    block = damage(block + struct.pack("<II", 0, 1)) + bytes([compression])
    checksum = crc32c(block)
    masked = ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF
    handle = varint(len(content)) + varint(len(block) - 1)
    return content + block + struct.pack("<I", masked), handle


def varint(number):
    head, last = [], number
    while last >= 128:
        head.append(last % 128 + 128)
        last //= 128
    return bytes([*head, last])


def assert_equal(arrays, expected):
    assert list(arrays) == list(expected)
    for name, array in expected.items():
        assert arrays[name].dtype == array.dtype, name
        np.testing.assert_array_equal(arrays[name], array, err_msg=name, strict=True)


def refusal(read, content):
    """Require that `read` raises a Seq2SeqError of one line; return its message."""
    with pytest.raises(Seq2SeqError) as caught:
        read(content)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---- Hostile files, for Hypothesis ----

LIMITS = [0, 1, 2, 7, 2**24, 99999999, 2**31, 2**32 - 1, 2**62, 2**63, 2**64 - 1, 2**70]
INTEGERS = st.sampled_from(LIMITS) | st.integers(0, 300)
BYTES = [b"", b"-1", b"-99999999", b"\xff\xfe", b"\n\x1b[2J", b"Training_step", b"x" * 2000]
CONTENTS = st.sampled_from(BYTES) | st.binary(max_size=9)
SHAPES = st.lists(st.integers(1, 6), max_size=4)
NUMBERS = st.sampled_from([0.0, -1.0, 0.5, 0.99999999, 3e38, np.nan, np.inf])
NAMES = ["Training_step", "beta2_power", "rnn/lstm_cell/kernel", "é\n"]
NAMES += ["embedding_rnn_seq2seq/RNN/MultiRNNCell/Cell7/GRUCell/"]


@st.composite
def changed_variables(draw, variables):
    """Variables, some of them removed, renamed or replaced."""
    for name in draw(st.lists(st.sampled_from(list(variables)), min_size=1, max_size=3, unique=True)):
        kept = {other: array for other, array in variables.items() if other != name}
        array = np.full(draw(SHAPES), draw(NUMBERS))
        replacements = {
            "gone": {},
            "renamed": {draw(st.sampled_from([*NAMES, *variables])): variables[name]},
            "of another shape": {name: array.astype(np.float32)},
            "of another type": {name: np.nan_to_num(array).clip(-9, 9).astype(draw(st.sampled_from([*TYPES])))},
        }
        variables = kept | replacements[draw(st.sampled_from([*replacements]))]
    return variables


# Valid and invalid fields of a protocol buffer.
VALUES = {0: INTEGERS, 1: st.binary(min_size=8, max_size=8), 2: CONTENTS, 5: st.binary(min_size=4, max_size=4)}
WIRE_TYPES = st.sampled_from([0, 1, 2, 2, 5, 3, 7])
FIELDS = WIRE_TYPES.flatmap(lambda kind: st.tuples(st.integers(0, 17), st.just(kind), VALUES.get(kind, VALUES[1])))


@st.composite
def changed_message(draw, message):
    """A message with one change, possibly in a nested message."""
    if not message:
        return [draw(FIELDS)]
    k = draw(st.integers(0, len(message) - 1))
    number, wire_type, value = message[k]
    if isinstance(value, list) and draw(st.integers(0, 4)):
        return [*message[:k], (number, wire_type, draw(changed_message(value))), *message[k + 1 :]]
    replacements = {
        "gone": [],
        "twice": [message[k]] * 2,
        "often": [message[k]] * 500,
        "of another value": [(number, wire_type, draw(INTEGERS if wire_type == 0 else CONTENTS))],
        "of another number": [(draw(st.integers(0, 17)), wire_type, value)],
        "of another wire type": [(number, *draw(FIELDS)[1:])],
        "something else": [draw(FIELDS)],
        "and something else": [message[k], draw(FIELDS)],
        "and another one": [message[k], draw(st.sampled_from(message))],
    }
    return [*message[:k], *replacements[draw(st.sampled_from([*replacements]))], *message[k + 1 :]]


@st.composite
def damaged(draw, content):
    """Bytes with up to three spans replaced, removed or inserted."""
    for _ in range(draw(st.integers(1, 3))):
        first, size = draw(st.integers(0, len(content))), draw(st.integers(0, 4))
        content = content[:first] + draw(st.binary(max_size=4)) + content[first + size :]
    return content


@cache
def whole_checkpoint(config):
    """A whole checkpoint in three forms: variables, records as lists of fields, and records as bytes."""
    _, _, variables = variables_with_moments(config)
    return variables, records(variables), [encode(message) for message in records(variables)]


@st.composite
def hostile_checkpoints(draw, config):
    """The bytes of a checkpoint of this model, changed in one place.

    The checksums are valid unless the bytes of the whole file are damaged.
    """
    variables, messages, contents = whole_checkpoint(config)
    place = draw(st.sampled_from(["variables", *["message"] * 3, "record", "block", "file"]))
    k = draw(st.integers(0, len(contents) - 1)) * draw(st.integers(0, 1))  # often 0: the list of variables
    match place:
        case "variables":
            contents = [encode(message) for message in records(draw(changed_variables(variables)))]
        case "message":
            message = draw(changed_message(messages[k]))
            message = draw(changed_message(message)) if draw(st.booleans()) else message
            contents = [*contents[:k], encode(message), *contents[k + 1 :]]
        case "record":
            replacements = ([draw(damaged(contents[k]))], [], [contents[k]] * 2)
            contents = [*contents[:k], *draw(st.sampled_from(replacements)), *contents[k + 1 :]]

    def damage(block):
        return draw(damaged(block)) if place == "block" and draw(st.booleans()) else block

    content = table(contents, per_block=40, damage=damage)
    return draw(damaged(content)) if place == "file" else content


def is_read(content):
    """Whether a checkpoint can be read. Require that its arrays are small, or that the error has one line."""
    try:
        variables = read_checkpoint(content)
        assert sum(array.size for array in variables.values()) <= len(content)
        from_2016(variables)
    except Seq2SeqError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 3000
        return False
    return True
