"""Read a checkpoint of the 2016 program, a TensorFlow V1 checkpoint, without TensorFlow.

It is a sorted string table (LevelDB's doc/table_format.md) of protocol buffers
(tensorflow/core/util/saved_tensor_slice.proto). What its variables are here, `network/names_2016.py` knows.
"""

import math
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

from seq2seq_demo.errors import WeightsError

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

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data, self.position = data, position

    def __bool__(self) -> bool:
        return self.position < len(self.data)

    def take(self, size: int) -> bytes:
        if not 0 <= size <= len(self.data) - self.position:
            raise ValueError("a part is longer than the whole")
        self.position += size
        return self.data[self.position - size : self.position]

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
    """Yield the table's values in order. Its keys are not needed: a value holds its variable's name."""
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
    file = _Reader(content, position=offset)
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
    A: np.ndarray = np.arange(256, dtype=np.uint32) << np.array([[0], [8], [16], [24]], np.uint32)
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
    result: np.ndarray = A[0][words & 0xFF] ^ A[1][words >> 8 & 0xFF] ^ A[2][words >> 16 & 0xFF] ^ A[3][words >> 24]
    return result


def _message(data: bytes) -> dict[int, list[Any]]:
    """Return a protocol buffer's fields: by number, every occurrence, an integer or bytes."""
    reader, fields = _Reader(data), dict[int, list[Any]]()
    while reader:
        number, kind = divmod(reader.varint(), 8)
        size = {0: 0, 1: 8, 5: 4}[kind] if kind != 2 else reader.varint()
        fields.setdefault(number, []).append(reader.take(size) if kind else reader.varint())
    return fields


def _variables(records: list[dict[int, list[Any]]], n_bytes: int) -> dict[str, np.ndarray]:
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


def _listed(meta: dict[int, list[Any]]) -> tuple[str, tuple[tuple[int, ...], int]]:
    """Return a SavedSliceMeta's name, shape and type."""
    shape = tuple(int(_message(axis).get(1, [0])[0]) for axis in _message(meta[2][0]).get(2, []))
    return str(meta[1][0], "utf-8"), (shape, meta[3][0])


def _array(name: str, tensor: dict[int, list[Any]], shape: tuple[int, ...], kind: int) -> np.ndarray:
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
