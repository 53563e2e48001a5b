"""Read a checkpoint of the 2016 program without TensorFlow: first the file, then what its variables are here.

The file is a TensorFlow V1 checkpoint: a sorted string table (LevelDB's doc/table_format.md) of protocol buffers
(tensorflow/core/util/saved_tensor_slice.proto). Its variables are those of TF 0.10's tf.nn.seq2seq under TFLearn, or
those of TF 1.x's tf.contrib.legacy_seq2seq, which renamed them.
"""

import math
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain

import numpy as np

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.errors import UsageError, WeightsError
from seq2seq_demo.parameters import TrainedNetwork, check_weights, weight_shapes

# ---- The file: bytes to arrays ----

MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
FOOTER_SIZE = 48
# TensorFlow's number of a data type: NumPy's name of it, and the field of a TensorProto that holds its values.
TYPES = {1: ("<f4", 5), 2: ("<f8", 6), 3: ("<i4", 7), 9: ("<i8", 10), 10: ("?", 11)}


def is_checkpoint(content: bytes) -> bool:
    """Whether the content ends as a sorted string table does."""
    return len(content) >= FOOTER_SIZE and content.endswith(MAGIC)


def read_checkpoint(content: bytes) -> dict[str, np.ndarray]:
    """Return every variable of a TensorFlow V1 checkpoint by its name, in its own shape and type.

    Raises:
        WeightsError: it is truncated, damaged, compressed, of variables in slices, or something else.
    """
    if not is_checkpoint(content):
        raise WeightsError("expected a TensorFlow V1 checkpoint, got something else or only a part of one")
    try:
        return _variables([_message(record) for record in _records(content)], len(content))
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        raise WeightsError("damaged checkpoint: expected SavedTensorSlices, got something else") from error


class _Reader:
    """Bytes that are read from front to back; true while some are left."""

    def __init__(self, data: bytes, at: int = 0):
        self.data, self.at = data, at

    def __bool__(self) -> bool:
        return self.at < len(self.data)

    def take(self, size: int) -> bytes:
        if not 0 <= size <= len(self.data) - self.at:
            raise ValueError("a part is longer than the whole")
        self.at += size
        return self.data[self.at - size : self.at]

    def varint(self) -> int:
        """Read an integer: seven bits a byte, the lowest first, and every byte but the last above 127."""
        value = 0
        for shift in range(0, 70, 7):
            (byte,) = self.take(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ValueError("an integer of more than ten bytes")

    def varints(self) -> Iterator[int]:
        while self:
            yield self.varint()


def _records(content: bytes) -> Iterator[bytes]:
    """Yield the table's values in order. Its keys are not needed: a value bears its variable's name."""
    footer, end = _Reader(content[-FOOTER_SIZE:]), 0
    _block(content, footer)  # lists the meta blocks; there are none, but damage to it is damage
    _, index = _block(content, footer)
    for handle in _entries(index):
        offset, block = _block(content, _Reader(handle))
        if offset < end:  # reading the same block again and again could take forever
            raise ValueError("blocks overlap")
        end = offset + len(block)
        yield from _entries(block)


def _block(content: bytes, handle: _Reader) -> tuple[int, bytes]:
    """Return the offset and the content of the block whose offset and size `handle` says next."""
    offset, size = handle.varint(), handle.varint()
    file = _Reader(content, at=offset)
    block, compression, checksum = file.take(size), file.take(1), file.take(4)
    crc = crc32c(block + compression)
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32  # so LevelDB stores a checksum
    if checksum != masked.to_bytes(4, "little"):
        raise WeightsError(f"damaged checkpoint: the block at byte {offset} does not match its checksum")
    if compression != b"\0":
        raise WeightsError(f"expected an uncompressed checkpoint, got compression type {compression[0]}")
    return offset, block


def _entries(block: bytes) -> Iterator[bytes]:
    """Yield a block's values. Before each key and value stand three sizes: of what the key repeats, key, value."""
    n_restarts = int.from_bytes(block[-4:], "little")  # places to start a search from, 4 bytes each
    entries = _Reader(_Reader(block).take(len(block) - 4 * (n_restarts + 1)))
    while entries:
        _, key_size, value_size = entries.varint(), entries.varint(), entries.varint()
        entries.take(key_size)
        yield entries.take(value_size)


def crc32c(data: bytes) -> int:
    """Return the CRC-32C (Castagnoli) of at least 4 bytes, in log(length) NumPy steps.

    It is linear: A (w_n + A (w_{n-1} + …)), where w are words of 32 bits, + is xor, and A shifts by 32 bits. So
    neighbours are merged all at once, A w_1 + w_2, A w_3 + w_4, …, then these under A², and so on.
    """
    A = np.arange(256, dtype=np.uint32) << np.array([[0], [8], [16], [24]], np.uint32)
    for _ in range(32):
        A = A >> 1 ^ 0x82F63B78 * (A & 1)  # in the end A[k, b] is A times the word whose byte k is b, others 0
    power, start = A, -len(data) % 4
    padded = np.frombuffer(bytes(start) + data, np.uint8).copy()  # zeros in front change nothing
    padded[start : start + 4] ^= 0xFF
    words = padded.view("<u4")
    while len(words) > 1:
        words = np.pad(words, (len(words) % 2, 0))
        words = _apply(power, words[::2]) ^ words[1::2]
        power = _apply(power, power)
    return int(_apply(A, words)[0]) ^ 0xFFFFFFFF


def _apply(A: np.ndarray, words: np.ndarray) -> np.ndarray:
    return A[0][words & 0xFF] ^ A[1][words >> 8 & 0xFF] ^ A[2][words >> 16 & 0xFF] ^ A[3][words >> 24]


def _message(data: bytes) -> dict[int, list]:
    """Return a protocol buffer's fields: by number, every occurrence, an integer or bytes."""
    reader, fields = _Reader(data), {}
    while reader:
        number, kind = divmod(reader.varint(), 8)
        size = {0: 0, 1: 8, 5: 4}[kind] if kind != 2 else reader.varint()
        fields.setdefault(number, []).append(reader.take(size) if kind else reader.varint())
    return fields


def _variables(records: list[dict], n_bytes: int) -> dict[str, np.ndarray]:
    """Return the arrays of SavedTensorSlices: the first of these lists the variables, every other one holds one."""
    listing = records[0][1][0]
    if isinstance(listing, int):
        raise WeightsError("expected a TensorFlow V1 checkpoint, got the index of a V2 one, which holds no weights")
    listed = dict(_listed(_message(meta)) for meta in _message(listing).get(1, []))
    # As values may be left out (see _array), the file's length alone does not bound the memory.
    if sum(math.prod(shape) for shape, _ in listed.values()) > n_bytes + 2**24:
        raise WeightsError("damaged checkpoint: its variables are larger than such a file can hold")
    arrays = {}
    for saved in (_message(record[2][0]) for record in records[1:]):
        name = str(saved[1][0], "utf-8")
        if name in arrays or any(_message(saved[2][0]).get(1, [])):  # a slice that is the whole gives no extents
            raise WeightsError(f"expected variable {name!r} in one piece, got slices")
        arrays[name] = _array(name, _message(saved[3][0]), *listed.pop(name))
    for name in listed:
        raise WeightsError(f"missing the values of variable {name!r}")
    return arrays


def _listed(meta: dict) -> tuple[str, tuple[tuple[int, ...], int]]:
    """Return a SavedSliceMeta's name, shape and type."""
    shape = tuple(int(_message(axis).get(1, [0])[0]) for axis in _message(meta[2][0]).get(2, []))
    return str(meta[1][0], "utf-8"), (shape, meta[3][0])


def _array(name: str, tensor: dict, shape: tuple[int, ...], kind: int) -> np.ndarray:
    """Return a TensorProto's values. Those left out at the end equal the last one that is there."""
    if kind not in TYPES:
        raise WeightsError(f"expected numbers in variable {name!r}, got TensorFlow's data type {kind}")
    dtype, field = TYPES[kind]
    if 4 in tensor:
        values = np.frombuffer(tensor[4][0], dtype)
    elif dtype.startswith("<f"):
        values = np.frombuffer(b"".join(tensor[field]), dtype)  # packed or one by one, the bytes are the same
    else:
        packed = (_Reader(value).varints() if isinstance(value, bytes) else [value] for value in tensor[field])
        values = np.array([*chain(*packed)], np.uint64).astype(dtype)  # a negative one stands modulo 2^64
    return np.concatenate([values, np.repeat(values[-1:], math.prod(shape) - len(values))]).reshape(shape)


# ---- The names: 2016's variables to our weights ----

NAMES = {
    "encoder/embedding": "{network}/RNN/EmbeddingWrapper/embedding",
    "decoder/embedding": "{decoder}/embedding",
    "decoder/input/kernel": "{step}/Linear/Matrix",  # its rows are [d_t ; a_{t-1}], as ours
    "decoder/input/bias": "{step}/Linear/Bias",
    "decoder/attention/key/kernel": "{step}/AttnW_0",  # [1, 1, H, H], a convolution's
    "decoder/attention/query/kernel": "{step}/Attention_0/Linear/Matrix",
    "decoder/attention/query/bias": "{step}/Attention_0/Linear/Bias",
    "decoder/attention/score": "{step}/AttnV_0",
    "decoder/projection/kernel": "{step}/OutputProjectionWrapper/Linear/Matrix",
    "decoder/projection/bias": "{step}/OutputProjectionWrapper/Linear/Bias",
    "decoder/output/kernel": "{step}/AttnOutputProjection/Linear/Matrix",  # [W_p h_t + b_p ; a_t], as ours
    "decoder/output/bias": "{step}/AttnOutputProjection/Linear/Bias",
}
# A cell's matrices with the number of gates of each, and where Keras's gates stand among them.
LSTM = {"": 4}, (0, 2, 1, 3)  # i j f o, where j is the candidate; Keras: i f c o
GRU = {"/Gates": 2, "/Candidate": 1}, (1, 0, 2)  # r u, candidate; Keras: z (which is 2016's u) r candidate
CELLS = {"BasicLSTMCell": LSTM, "LSTMCell": LSTM, "GRUCell": GRU, "BasicRNNCell": ({"": 1}, (0,))}
# What TFLearn and Adam save beside the weights and their moments.
OTHERS = re.compile(r"(.*/)?(moving_avg|beta[12]_power)|(?i:training_step|global_step)|val_loss|val_acc|is_training")


def from_2016(content: bytes) -> TrainedNetwork:
    """Return the network of a checkpoint of the 2016 program, with Adam's step, and its moments if they are there.

    Pattern and lengths are None, as the checkpoint does not say them.

    Raises:
        WeightsError: a variable is missing, unexpected, or not of the shape that the others need, and the message
            names it; or the content is no whole checkpoint.
    """
    variables = read_checkpoint(content)
    found = _by_name_of_2016(variables)
    model, names = _model(found)
    weights, moments = _weights(model, names, partial(_take, found, "")), {}
    has_moments = any(name.endswith(("/Adam", "/Adam_1")) for name in found)
    for moment, slot in (("m", "/Adam"), ("v", "/Adam_1")) if has_moments else ():
        arrays = _weights(model, names, partial(_take, found, slot))
        moments |= {f"{moment}/{name}": array for name, array in arrays.items()}
    for name, _ in found.values():
        raise WeightsError(f"unexpected variable {name!r}")
    if CELLS[model.cell_type] is LSTM:
        _add_forget_bias(model, weights)
    check_weights(model, weights, moments)
    trained = {"program": "TFLearnSeq2Seq"}
    return TrainedNetwork(model, weights, trained=trained, step=_step(variables, has_moments), moments=moments)


def name_of_2016(name: str) -> str:
    """Return TF 0.10's name of a variable that may bear TF 1.x's, without the scope of a moment's optimiser.

    >>> name_of_2016("embedding_rnn_seq2seq/rnn/embedding_wrapper/multi_rnn_cell/cell_0/gru_cell/gates/kernel")
    'embedding_rnn_seq2seq/RNN/MultiRNNCell/Cell0/GRUCell/Gates/Linear/Matrix'
    >>> name_of_2016("Adam/embedding_rnn_seq2seq/RNN/EmbeddingWrapper/embedding/Adam_1")
    'embedding_rnn_seq2seq/RNN/EmbeddingWrapper/embedding/Adam_1'
    """
    name, slot = re.fullmatch(r"(.*?)(/Adam|/Adam_1|)", name, re.DOTALL).groups()
    if slot:
        name = re.sub(r"^\w+/(?=embedding_\w+_seq2seq/)", "", name)
    name = re.sub(r"\b(rnn|gates|candidate|cell_\d+|\w+_cell|\w+_wrapper)\b", _camel_case, name)
    name = re.sub(r"\b(kernel|weights|W_0)$", "Linear/Matrix", name)  # W_0 and B: of TF 0.10's LSTMCell
    name = re.sub(r"\b(bias|biases|B)$", "Linear/Bias", name)
    name = re.sub(r"(Embedding|OutputProjection)Wrapper/(?=\w+Cell/)", "", name)  # TF 1.x: around the cells
    return name + slot


def _camel_case(match: re.Match) -> str:
    words = match[0].split("_")
    return "".join(word.upper() if word in ("rnn", "lstm", "gru") else word.title() for word in words)


def _by_name_of_2016(variables: dict[str, np.ndarray]) -> dict[str, tuple[str, np.ndarray]]:
    """Return the name and the array of every weight and moment, by its name in 2016."""
    found = {}
    for name, array in variables.items():
        key = name_of_2016(name)
        if OTHERS.fullmatch(name):
            continue
        if key in found or not key.startswith(("embedding_rnn_seq2seq/", "embedding_attention_seq2seq/")):
            raise WeightsError(f"unexpected variable {name!r}")
        found[key] = name, array
    return found


def _model(found: dict) -> tuple[ModelConfig, dict[str, str]]:
    """Return what names and shapes say of the model, and 2016's name for each of our weights and layers."""
    kind = "attention" if any(name.startswith("embedding_attention") for name in found) else "rnn"
    network, decoder = f"embedding_{kind}_seq2seq", f"embedding_{kind}_seq2seq/embedding_{kind}_decoder"
    step = f"{decoder}/{kind}_decoder"
    names = {ours: name.format(network=network, decoder=decoder, step=step) for ours, name in NAMES.items()}
    cells = (re.match(rf"{network}/RNN/(MultiRNNCell/Cell\d+/)?(\w+Cell)/", name) for name in found)
    cells = sorted({(cell[1] or "", cell[2]) for cell in cells if cell}) or [("", "BasicLSTMCell")]
    for layer, (stacked, cell_type) in enumerate(cells):
        place = f"MultiRNNCell/Cell{layer}/{cell_type}" if stacked else cell_type
        names |= {f"encoder/layer_{layer}": f"{network}/RNN/{place}", f"decoder/layer_{layer}": f"{step}/{place}"}
    n_inputs, E = _matrix_shape(found, names["encoder/embedding"])
    H, V = _matrix_shape(found, names["decoder/projection/kernel"])
    try:
        return ModelConfig(f"embedding_{kind}", cell_type, len(cells), H, E, n_inputs - 1, V - 2), names
    except UsageError as error:
        raise WeightsError(str(error)) from error


def _matrix_shape(found: dict, name: str) -> tuple[int, int]:
    if name not in found:
        raise WeightsError(f"missing variable {name!r}")
    known, array = found[name]
    if array.ndim != 2:
        raise WeightsError(f"expected a matrix in variable {known!r}, got shape {array.shape}")
    return array.shape


def _take(found: dict, slot: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Remove a variable's slot ("": itself) from `found`, and return it, float32 in this shape."""
    if name + slot not in found:
        raise WeightsError(f"missing variable {name + slot!r}")
    known, array = found.pop(name + slot)
    if array.shape != shape or array.dtype != np.float32:
        raise WeightsError(f"expected variable {known!r} as float32 {shape}, got {array.dtype} {array.shape}")
    return array


def _weights(model: ModelConfig, names: dict[str, str], take: Callable) -> dict[str, np.ndarray]:
    """Return 2016's weights, or one moment of each, by our names and laid out as ours."""
    weights = {}
    for name, shape in weight_shapes(model).items():
        place, _, part = name.rpartition("/")
        if name == "decoder/attention/key/kernel":
            weights[name] = take(names[name], (1, 1, *shape)).reshape(shape)
        elif name in names:
            weights[name] = take(names[name], shape)
        elif part == "kernel":
            matrix = _gates(model, take, names[place] + "{}/Linear/Matrix", shape[0] + model.cell_size)
            weights[name], weights[f"{place}/recurrent_kernel"] = np.split(matrix, [shape[0]])  # [input ; h]
            weights[f"{place}/bias"] = _gates(model, take, names[place] + "{}/Linear/Bias")
    return weights


def _gates(model: ModelConfig, take: Callable, name: str, *rows: int) -> np.ndarray:
    """Return the matrices, or the biases, of a cell side by side, their gates in Keras's order."""
    parts, order = CELLS[model.cell_type]
    stored = [take(name.format(part), (*rows, n * model.cell_size)) for part, n in parts.items()]
    gates = np.split(np.concatenate(stored, axis=-1), len(order), axis=-1)
    return np.concatenate([gates[k] for k in order], axis=-1)


def _add_forget_bias(model: ModelConfig, weights: dict[str, np.ndarray]) -> None:
    """Add to an LSTM's biases the 1 that 2016 added in every step. Moments are of gradients: they stay."""
    for name, array in weights.items():
        if "/layer_" in name and name.endswith("/bias"):
            array[model.cell_size : 2 * model.cell_size] += 1


def _step(variables: dict[str, np.ndarray], needed: bool) -> int:
    """Return how many times Adam was applied.

    Applying it counts Training_step up (in TF 1.x global_step); TFLearn's Global_Step counts batches, which is the
    same. Failing these, β2^(t+1) tells t. β1^(t+1) does not: float32 holds it for 800 steps only.
    """
    for name in ("Training_step", "global_step", "Global_Step"):
        if name in variables:
            step = float(variables[name]) if variables[name].shape == () else math.nan
            if not (0 <= step < 2**53 and step.is_integer()):
                raise WeightsError(f"expected a number of steps in variable {name!r}, got {variables[name]}")
            return int(step)
    for name, power in variables.items():
        if name.endswith("beta2_power") and power.shape == () and np.finfo(np.float32).tiny < power < 1:
            return round(math.log(power, np.float32(0.999))) - 1  # exact while above tiny: up to 87,000 steps
    if needed:
        raise WeightsError("missing variable 'Training_step'")
    return 0
