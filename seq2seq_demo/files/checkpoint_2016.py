"""Read a checkpoint of the 2016 program, a TensorFlow V1 checkpoint, without TensorFlow.

It is a sorted string table (LevelDB's doc/table_format.md) of protocol buffers
(tensorflow/core/util/saved_tensor_slice.proto). What its variables are here, `network/names_2016.py` knows.
"""

import math
import os
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Any, BinaryIO

import numpy as np

from seq2seq_demo.errors import WeightsError, require

MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
FOOTER_SIZE = 48
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # protocol buffers' wire types
SIZES = {FIXED64: 8, BYTES: 0, FIXED32: 4}
# TensorFlow's number of a data type: NumPy's name of it, and the field of a TensorProto that holds its values.
TYPES = {1: ("<f4", 5), 2: ("<f8", 6), 3: ("<i4", 7), 9: ("<i8", 10), 10: ("?", 11)}
UNPACKED = {"<f4": FIXED32, "<f8": FIXED64}  # the wire type of a value on its own; VARINT for the other types
# More than a checkpoint of 2016 has. Beyond, a hostile one could take memory, time, or a message of megabytes.
MAX_FIELD, MAX_RANK, MAX_NAME = 15, 8, 1000


def is_checkpoint(content: bytes) -> bool:
    """Whether the content ends as a sorted string table does."""
    return len(content) >= FOOTER_SIZE and content.endswith(MAGIC)


def is_checkpoint_file(file: BinaryIO) -> bool:
    """Whether the file ends so; it is read from there."""
    file.seek(-min(FOOTER_SIZE, file.seek(0, os.SEEK_END)), os.SEEK_END)
    return is_checkpoint(file.read())


def read_checkpoint(content: bytes) -> dict[str, np.ndarray]:
    """Return every variable of a TensorFlow V1 checkpoint by its name, in its own shape and type.

    Raises:
        WeightsError: it is truncated, damaged, compressed, of variables in slices, or something else.
    """
    is_whole = is_checkpoint(content)
    require(is_whole, "expected a TensorFlow V1 checkpoint, got something else or only a part of one")
    try:
        return _variables(map(_Message, _records(content)), len(content))
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        raise WeightsError("damaged checkpoint: expected SavedTensorSlices, got something else") from error


class _Reader:
    """Bytes that are read from front to back; true while some are left."""

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data, self.position = data, position

    def __bool__(self) -> bool:
        return self.position < len(self.data)

    def take(self, size: int) -> bytes:
        require(0 <= size <= len(self.data) - self.position, "a part is longer than the whole", ValueError)
        self.position += size
        return self.data[self.position - size : self.position]

    def varint(self) -> int:
        """Read an integer of 64 bits: seven bits a byte, the lowest first, and every byte but the last above 127."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.data[self.position]
            self.position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                require(value < 2**64, "an integer of more than 64 bits", ValueError)
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
        # To read the same block again and again could take forever.
        require(offset >= end, "blocks overlap", ValueError)
        end = offset + len(block)
        yield from _entries(block)


def _block(content: bytes, handle: _Reader) -> tuple[int, bytes]:
    """Return the offset and the content of the block whose offset and size `handle` says next."""
    offset, size = handle.varint(), handle.varint()
    file = _Reader(content, position=offset)
    block, compression, checksum = file.take(size), file.take(1), file.take(4)
    crc = crc32c(block + compression)
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32  # so LevelDB stores a checksum
    is_right = checksum == masked.to_bytes(4, "little")
    require(is_right, f"damaged checkpoint: the block at byte {offset} does not match its checksum")
    require(compression == b"\0", f"expected an uncompressed checkpoint, got compression type {compression[0]}")
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
    start, k = -len(data) % 4, 0
    padded = np.frombuffer(bytes(start) + data, np.uint8).copy()  # zeros in front change nothing
    padded[start : start + 4] ^= 0xFF
    words = padded.view("<u4")
    while len(words) > 1:
        if len(words) % 2:
            words = np.insert(words, 0, 0)
        words = _apply(_shift(k), words[::2]) ^ words[1::2]
        k += 1
    return int(_apply(_shift(0), words)[0]) ^ 0xFFFFFFFF


@cache  # or a file of many small blocks would take minutes
def _shift(k: int) -> np.ndarray:
    """Return A to the power of 2^k as a table `[4, 256]`: what a word becomes whose byte i is b, and the others 0."""
    if k:
        return _apply(_shift(k - 1), _shift(k - 1))
    A: np.ndarray = np.arange(256, dtype=np.uint32) << np.array([[0], [8], [16], [24]], np.uint32)
    for _ in range(32):
        A = A >> 1 ^ 0x82F63B78 * (A & 1)
    return A


def _apply(A: np.ndarray, words: np.ndarray) -> np.ndarray:
    result: np.ndarray = A[0][words & 0xFF] ^ A[1][words >> 8 & 0xFF] ^ A[2][words >> 16 & 0xFF] ^ A[3][words >> 24]
    return result


class _Message:
    """A protocol buffer. A field counts as there only under the wire type that is asked for."""

    def __init__(self, data: bytes) -> None:
        reader, self.fields = _Reader(data), dict[tuple[int, int], list[Any]]()
        while reader:
            number, wire_type = divmod(reader.varint(), 8)
            value = reader.varint() if wire_type == VARINT else reader.take(SIZES[wire_type] or reader.varint())
            if number <= MAX_FIELD:
                self.fields.setdefault((number, wire_type), []).append(value)

    def all(self, number: int, wire_type: int) -> list[Any]:
        """Return every occurrence of a field in order, integers if they are varints, else bytes."""
        return self.fields.get((number, wire_type), [])

    def integer(self, number: int) -> int:
        """Return the integer, not negative, in a field that is there once."""
        (value,) = self.all(number, VARINT)
        require(value < 2**63, "a negative integer", ValueError)
        return int(value)

    def content(self, number: int) -> bytes:
        """Return the bytes in a field that is there once."""
        (value,) = self.all(number, BYTES)
        return bytes(value)

    def message(self, number: int) -> "_Message":
        """Return the message in a field that is there once."""
        return _Message(self.content(number))

    def name(self, number: int) -> str:
        """Return the name in a field that is there once."""
        name = self.content(number)
        require(len(name) <= MAX_NAME, "a name that no message could show", ValueError)
        return str(name, "utf-8")


def _variables(records: Iterator[_Message], n_bytes: int) -> dict[str, np.ndarray]:
    """Return the arrays of SavedTensorSlices: the first of these lists the variables, every other one holds one."""
    first = next(records, _Message(b""))
    is_v1 = not first.all(1, VARINT)
    require(is_v1, "expected a TensorFlow V1 checkpoint, got the index of a V2 one, which holds no weights")
    metas = first.message(1).all(1, BYTES)
    listed = dict(_listed(_Message(meta)) for meta in metas)
    require(len(listed) == len(metas), "a variable is listed twice", ValueError)
    # As values may be left out (see _array), the file's length alone does not bound the memory.
    n_values = sum(math.prod(shape) for shape, _ in listed.values())
    require(n_values <= n_bytes + 2**24, "damaged checkpoint: its variables are larger than such a file can hold")
    arrays: dict[str, np.ndarray] = {}
    for saved in (record.message(2) for record in records):
        name = saved.name(1)
        is_whole = name not in arrays and not any(saved.message(2).all(1, BYTES))  # which then has no extents
        require(is_whole, f"expected variable {name!r} in one piece, got slices")
        arrays[name] = _array(name, saved.message(3), *listed.pop(name))
    for name in listed:
        raise WeightsError(f"missing the values of variable {name!r}")
    return arrays


def _listed(meta: _Message) -> tuple[str, tuple[tuple[int, ...], int]]:
    """Return a SavedSliceMeta's name, shape and type."""
    axes = meta.message(2).all(2, BYTES)
    require(len(axes) <= MAX_RANK, "more dimensions than a weight has", ValueError)
    shape = tuple(_Message(axis).integer(1) for axis in axes)
    require(0 not in shape, "a variable without values", ValueError)
    return meta.name(1), (shape, meta.integer(3))


def _array(name: str, tensor: _Message, shape: tuple[int, ...], kind: int) -> np.ndarray:
    """Return a TensorProto's values. Those left out at the end equal the last one that is there."""
    require(kind in TYPES, f"expected numbers in variable {name!r}, got TensorFlow's data type {kind}")
    values = _values(tensor, *TYPES[kind])
    array = np.full(math.prod(shape), values[-1])
    array[: len(values)] = values  # a ValueError if there are too many
    return array.reshape(shape)


def _values(tensor: _Message, dtype: str, field: int) -> np.ndarray:
    """Return the values that are there: as in memory, packed, or one by one."""
    wire_type = UNPACKED.get(dtype, VARINT)
    content, packed, single = tensor.all(4, BYTES), tensor.all(field, BYTES), tensor.all(field, wire_type)
    n_forms = sum(map(bool, (content, packed, single)))
    require(n_forms == 1, "values in no form or in several", ValueError)
    if wire_type == VARINT and not content:
        integers = [*chain(*(_Reader(part).varints() for part in packed)), *single]
        return np.array(integers, np.uint64).astype(dtype)  # a negative one stands modulo 2^64
    return np.frombuffer(b"".join(content + packed + single), dtype)
