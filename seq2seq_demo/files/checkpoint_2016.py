"""Read a checkpoint of the 2016 program, a TensorFlow V1 checkpoint, without TensorFlow.

The file is a sorted string table (LevelDB's doc/table_format.md) of protocol buffers
(tensorflow/core/util/saved_tensor_slice.proto). `network/names_2016.py` maps its variables to our weights.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from seq2seq_demo.errors import WeightsError, require

MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
FOOTER_SIZE = 48
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # protocol buffers' wire types
SIZES = {FIXED64: 8, BYTES: 0, FIXED32: 4}
# TensorFlow's number of a data type → NumPy's name, and the number of the TensorProto field with the values.
TYPES = {1: ("<f4", 5), 2: ("<f8", 6), 3: ("<i4", 7), 9: ("<i8", 10), 10: ("?", 11)}
# No checkpoint of 2016 exceeds these limits. They bound memory, time and error messages for hostile files.
MAX_FIELD, MAX_NAME = 15, 1000


def is_checkpoint(content: bytes) -> bool:
    """Whether the content ends with the footer of a sorted string table."""
    return len(content) >= FOOTER_SIZE and content.endswith(MAGIC)


def read_checkpoint(content: bytes) -> dict[str, np.ndarray]:
    """Return the variables of a TensorFlow V1 checkpoint by name.

    Raises:
        WeightsError: the content is not a checkpoint, is damaged or compressed, or has sliced variables.
    """
    require(is_checkpoint(content), "expected a TensorFlow V1 checkpoint, got something else")
    try:
        return _variables(map(_Message, _records(content)))
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        raise WeightsError("damaged checkpoint: expected SavedTensorSlices, got something else") from error


class _Reader:
    """Reads bytes from front to back; true while bytes are left."""

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data, self.position = data, position

    def __bool__(self) -> bool:
        return self.position < len(self.data)

    def take(self, size: int) -> bytes:
        require(0 <= size <= len(self.data) - self.position, "a part is longer than the whole", ValueError)
        self.position += size
        return self.data[self.position - size : self.position]

    def varint(self) -> int:
        """Read an unsigned 64-bit integer: seven bits per byte, lowest first; the last byte has no high bit."""
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
    """Yield the table's values in order, without the keys: each value contains the name of its variable."""
    footer, end = _Reader(content[-FOOTER_SIZE:]), 0
    _block(content, footer)  # the index of meta blocks is empty; this checks it for damage
    _, index = _block(content, footer)
    for handle in _entries(index):
        offset, block = _block(content, _Reader(handle))
        # Blocks must not overlap: a small file could list the same block endlessly.
        require(offset >= end, "blocks overlap", ValueError)
        end = offset + len(block)
        yield from _entries(block)


def _block(content: bytes, handle: _Reader) -> tuple[int, bytes]:
    """Read the block whose offset and size `handle` encodes; return its offset and its content."""
    offset, size = handle.varint(), handle.varint()
    file = _Reader(content, position=offset)
    block, compression, checksum = file.take(size), file.take(1), file.take(4)
    crc = crc32c(block + compression)
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32  # LevelDB's stored form
    is_right = checksum == masked.to_bytes(4, "little")
    require(is_right, f"damaged checkpoint: the block at byte {offset} does not match its checksum")
    require(compression == b"\0", f"expected an uncompressed checkpoint, got compression type {compression[0]}")
    return offset, block


def _entries(block: bytes) -> Iterator[bytes]:
    """Yield a block's values.

    An entry omits the prefix that its key shares with the previous key. It consists of three sizes (of the prefix, the
    rest of the key, and the value), the rest of the key, and the value.
    """
    n_restarts = int.from_bytes(block[-4:], "little")  # restart points for searching, 4 bytes each
    entries = _Reader(_Reader(block).take(len(block) - 4 * (n_restarts + 1)))
    while entries:
        _, key_size, value_size = entries.varint(), entries.varint(), entries.varint()
        entries.take(key_size)
        yield entries.take(value_size)


def crc32c(data: bytes) -> int:
    """Return the CRC-32C (Castagnoli)."""
    table, crc = _crc_table(), 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


@cache
def _crc_table() -> list[int]:
    """Return the CRC of every byte."""
    crcs: np.ndarray = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        crcs = crcs >> 1 ^ 0x82F63B78 * (crcs & 1)
    return [*map(int, crcs)]


class _Message:
    """A protocol buffer; its fields are looked up by number and wire type."""

    def __init__(self, data: bytes) -> None:
        reader, self.fields = _Reader(data), dict[tuple[int, int], list[Any]]()
        while reader:
            number, wire_type = divmod(reader.varint(), 8)
            value = reader.varint() if wire_type == VARINT else reader.take(SIZES[wire_type] or reader.varint())
            if number <= MAX_FIELD:
                self.fields.setdefault((number, wire_type), []).append(value)

    def all(self, number: int, wire_type: int) -> list[Any]:
        """Return every occurrence of a field in order: integers for varints, else bytes."""
        return self.fields.get((number, wire_type), [])

    def integer(self, number: int) -> int:
        """Return the value of a field that occurs once and is a non-negative integer."""
        (value,) = self.all(number, VARINT)
        require(value < 2**63, "a negative integer", ValueError)
        return int(value)

    def content(self, number: int) -> bytes:
        """Return the bytes of a field that occurs once."""
        (value,) = self.all(number, BYTES)
        return bytes(value)

    def message(self, number: int) -> "_Message":
        """Return the message of a field that occurs once."""
        return _Message(self.content(number))

    def name(self, number: int) -> str:
        """Return the name stored in a field that occurs once, at most MAX_NAME bytes long."""
        name = self.content(number)
        require(len(name) <= MAX_NAME, "a name that is too long", ValueError)
        return str(name, "utf-8")


def _variables(records: Iterator[_Message]) -> dict[str, np.ndarray]:
    """Return the arrays of SavedTensorSlices: the first record lists the variables, each other record holds one."""
    first = next(records, _Message(b""))
    listed = dict(_parse_meta(_Message(meta)) for meta in first.message(1).all(1, BYTES))
    arrays: dict[str, np.ndarray] = {}
    for saved in (record.message(2) for record in records):
        name = saved.name(1)
        is_whole = name not in arrays and not any(saved.message(2).all(1, BYTES))  # a slice has extents
        require(is_whole, f"expected variable {name!r} in one piece, got slices")
        arrays[name] = _array(name, saved.message(3), *listed.pop(name))
    for name in listed:
        raise WeightsError(f"missing the values of variable {name!r}")
    return arrays


def _parse_meta(meta: _Message) -> tuple[str, tuple[tuple[int, ...], int]]:
    """Return the name of a SavedSliceMeta, and its shape and type."""
    shape = tuple(_Message(axis).integer(1) for axis in meta.message(2).all(2, BYTES))
    return meta.name(1), (shape, meta.integer(3))


def _array(name: str, tensor: _Message, shape: tuple[int, ...], kind: int) -> np.ndarray:
    """Return the array of a TensorProto, whose values are packed into one field."""
    require(kind in TYPES, f"expected numbers in variable {name!r}, got TensorFlow's data type {kind}")
    dtype, field = TYPES[kind]
    content = tensor.content(field)
    if dtype.startswith("<f"):
        return np.frombuffer(content, dtype).reshape(shape).copy()
    integers = np.array([*_Reader(content).varints()], np.uint64)  # negative values are stored modulo 2^64
    return integers.astype(dtype).reshape(shape)
