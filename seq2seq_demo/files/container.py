"""The container format: named arrays and named strings in HDF5, after a header with a SHA-256 checksum.

The checksum detects damage but not malice, because anyone can compute it. The HDF5 library, which writes the files, is
unsafe for hostile files: it follows links into other files, loops on cycles, and allocates any size that a file claims.
The reader here stays within the file, reads no more bytes in total than the file has, and rejects what `to_bytes`
never writes.
Source: HDF5 File Format Specification, versions 0 and 1.
"""

import hashlib
import io
import itertools
import math
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from seq2seq_demo.errors import WeightsError, require

VERSION = 5  # 2 added vocabularies, 3 recordings, 4 nested metadata; 5 dropped keys; all versions can be read
WEIGHTS, SNAPSHOT = "weights", "snapshot"  # kinds; until version 3, all headers said "weights"
HEADER_SIZE = 512  # HDF5's user block: kind, version and the checksum of the rest, as ASCII text
HEADER = re.compile(rb"seq2seq-demo (?:weights|snapshot) ([0-9]{1,9})\nsha256 ([0-9a-f]{64})\n\0*")

SIGNATURE = b"\x89HDF\r\n\x1a\n"
# The encodings of the types in weights files.
DTYPES = {
    bytes.fromhex("11201f000400000000002000170800177f000000"): "float32",
    bytes.fromhex("100800000800000000004000"): "int64",
}
# Types of the messages in an object's header.
DATASPACE, DATATYPE, EXTERNAL, LAYOUT, FILTERS, ATTRIBUTE, CONTINUATION, GROUP = 1, 3, 7, 8, 11, 12, 16, 17
CONTIGUOUS, VARIABLE_LENGTH = 1, 9
MAX_DEPTH = 10  # the depth of nested groups, and of a group's B-tree
MAX_NAME = 100  # bytes


def to_bytes(kind: str, arrays: dict[str, np.ndarray], texts: dict[str, str]) -> bytes:
    """Return the content of a file; equal arrays and strings give equal bytes."""
    import h5py  # slow to import

    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=HEADER_SIZE, libver="earliest") as file:
        for name, array in arrays.items():
            file[name] = array
        file.attrs.update(version=VERSION)
        file.attrs.update(texts)
    body = buffer.getvalue()[HEADER_SIZE:]
    header = f"seq2seq-demo {kind} {VERSION}\nsha256 {hashlib.sha256(body).hexdigest()}\n".encode()
    return header.ljust(HEADER_SIZE, b"\0") + body


class Container:
    """The content of a file: strings by name, and arrays, which are decoded on request.

    Raises:
        WeightsError: the body is not HDF5 as `to_bytes` writes it.
    """

    def __init__(self, version: int, body: bytes) -> None:
        self.version, self._body = version, body
        self.datasets, self.texts = read_hdf5(body)
        self.texts.pop("format", "")  # until version 3

    def array(self, name: str, shape: tuple[int, ...], dtype: str = "float32") -> np.ndarray:
        """Return an array; raise WeightsError unless it has this shape and type."""
        require(name in self.datasets, f"missing weight {name!r}")
        dataset, n_bytes = self.datasets[name], math.prod(shape) * np.dtype(dtype).itemsize
        matches = (dataset.dtype, dataset.shape) == (dtype, shape)
        require(matches, f"expected {name!r} as {dtype} {shape}, got {dataset.dtype} {dataset.shape}")
        require(dataset.size == n_bytes, f"{name!r} is not contiguous")
        values = self._body[dataset.start : dataset.start + dataset.size]
        return np.frombuffer(values, np.dtype(dtype).newbyteorder("<")).astype(dtype).reshape(shape)


def read(content: bytes) -> Container:
    """Parse the content of a file, after checking its version and checksum.

    Raises:
        WeightsError: the file is damaged, has an unknown version, or is not a container.
    """
    header, body = HEADER.fullmatch(content[:HEADER_SIZE]), content[HEADER_SIZE:]
    if not header:
        raise WeightsError("neither a weights file of this program nor a 2016 checkpoint")
    version, checksum = int(header[1]), hashlib.sha256(body).hexdigest().encode()
    require(1 <= version <= VERSION, f"expected a weights file of version 1 to {VERSION}, got version {version}")
    require(checksum == header[2], "damaged weights file: its content does not match its checksum")
    return Container(version, body)


# ---- HDF5 without its library ----


class Dataset(NamedTuple):
    """An array: its type and shape, and the contiguous bytes of its values."""

    dtype: str
    shape: tuple[int, ...]
    start: int  # offset from the file's signature
    size: int  # in bytes


def read_hdf5(content: bytes) -> tuple[dict[str, Dataset], dict[str, str]]:
    """Return the arrays of a file by path, and the string attributes of its root group by name.

    Raises:
        WeightsError: the file is damaged, or contains structures that a weights file never contains.
    """
    file = _File(content)
    is_hdf5 = content[:8] == SIGNATURE and content[8] == 0 and content[13:15] == b"\x08\x08"
    require(is_hdf5, "not HDF5 with a superblock of version 0")
    root = file.messages(file.integer(64))
    datasets = dict(file.datasets(root, "", 0))
    regions = sorted((dataset.start, dataset.start + dataset.size) for dataset in datasets.values() if dataset.size)
    is_separate = all(end <= start for (_, end), (start, _) in itertools.pairwise(regions))
    require(is_separate, "some weights overlap")
    return datasets, dict(file.texts(root))


class _File:
    """A file and the number of bytes that may still be read. Structures do not overlap, so each is read once."""

    def __init__(self, content: bytes) -> None:
        self.content, self.unread = content, len(content)

    def _bytes(self, start: int, size: int) -> bytes:
        """Return bytes; raise WeightsError if they extend beyond the file or if too many bytes have been read."""
        require(start + size <= len(self.content), "a structure extends beyond the end of the file")
        self.unread -= size
        require(self.unread >= 0, "some structures overlap")
        return self.content[start : start + size]

    def integer(self, start: int, size: int = 8) -> int:
        """Return an unsigned little-endian integer."""
        return int.from_bytes(self._bytes(start, size), "little")

    def _require(self, signature: bytes, start: int) -> int:
        """Return the offset of a structure after checking its signature."""
        require(self._bytes(start, len(signature)) == signature, f"no {signature!r} at byte {start}")
        return start

    def messages(self, header: int) -> list[tuple[int, bytes]]:
        """Return the type and the content of each message in an object's header."""
        self._require(b"\x01\x00", header)
        blocks = [(header + 16, self.integer(header + 8, 4))]
        messages = []
        for start, size in blocks:  # the loop appends to `blocks`
            position, end = start, start + size
            while position + 8 <= end:
                kind, n_bytes, flags = (self.integer(position + at, 2 if at < 4 else 1) for at in (0, 2, 4))
                message = self._bytes(position + 8, n_bytes)
                require(not flags & 2, "an object has a shared message")
                if kind == CONTINUATION:
                    blocks.append((_number(message, 0), _number(message, 8)))
                messages.append((kind, message))
                position += 8 + n_bytes
        return messages

    def datasets(self, messages: list[tuple[int, bytes]], path: str, depth: int) -> Iterator[tuple[str, Dataset]]:
        """Yield the path and the array of an object or, if it is a group, of all its members, recursively."""
        by_kind = dict(messages)
        if GROUP not in by_kind:
            yield path, self._dataset(path, by_kind)
            return
        require(depth <= MAX_DEPTH, f"more than {MAX_DEPTH} nested groups")
        tree, heap = (_number(by_kind[GROUP], at) for at in (0, 8))
        names = self.integer(self._require(b"HEAP", heap) + 24)
        for name_offset, header in self._entries(tree, 0):
            name = self._name(names + name_offset)
            yield from self.datasets(self.messages(header), f"{path}/{name}".lstrip("/"), depth + 1)

    def _entries(self, node: int, depth: int) -> Iterator[tuple[int, int]]:
        """Yield, for each member of a group, the offset of its name in the heap and the offset of its header."""
        require(depth <= MAX_DEPTH, f"a B-tree of more than {MAX_DEPTH} levels")
        if self._bytes(node, 4) == b"TREE":
            for child in range(self.integer(node + 6, 2)):
                yield from self._entries(self.integer(node + 32 + 16 * child), depth + 1)
            return
        self._require(b"SNOD", node)
        for entry in range(self.integer(node + 6, 2)):
            start = node + 8 + 40 * entry
            require(self.integer(start + 16, 4) <= 1, "expected weights, got a symbolic link")  # type 2
            yield self.integer(start), self.integer(start + 8)

    def _name(self, start: int) -> str:
        end = self.content.find(b"\0", start, start + MAX_NAME)
        require(end >= 0, f"a name can have at most {MAX_NAME} bytes")
        return self.content[start:end].decode(errors="replace")

    def _dataset(self, path: str, messages: dict[int, bytes]) -> Dataset:
        """Return the array that an object's messages describe."""
        space, datatype, layout = (messages.get(kind, b"") for kind in (DATASPACE, DATATYPE, LAYOUT))
        is_array = DATATYPE in messages and not messages.keys() & {EXTERNAL, FILTERS}
        is_plain = is_array and space[:1] == b"\x01" and layout[:2] == bytes((3, CONTIGUOUS))
        require(is_plain, f"{path!r} is not a contiguous array")
        dtype = next((name for encoding, name in DTYPES.items() if datatype.startswith(encoding)), "another type")
        shape = tuple(_number(space, 8 + 8 * axis) for axis in range(_number(space, 1, 1)))
        start, size = (_number(layout, at) for at in (2, 10))
        self._bytes(start, size)
        return Dataset(dtype=dtype, shape=shape, start=start, size=size)

    def texts(self, messages: list[tuple[int, bytes]]) -> Iterator[tuple[str, str]]:
        """Yield the name and the value of each attribute that is a variable-length string."""
        for message in (message for kind, message in messages if kind == ATTRIBUTE):
            padded = [-(-_number(message, at, 2) // 8) * 8 for at in (2, 4, 6)]  # sizes of name, type and dataspace
            name = message[8 : 8 + padded[0]].rstrip(b"\0").decode(errors="replace")
            if _number(message, 8 + padded[0], 1) & 15 == VARIABLE_LENGTH:
                value = message[8 + sum(padded) :]
                heap, index = _number(value, 4), _number(value, 12, 4)
                yield name, self._heap_object(heap, index).decode(errors="replace")

    def _heap_object(self, heap: int, index: int) -> bytes:
        """Return an object of a global heap, where HDF5 stores strings."""
        position, end = heap + 16, self._require(b"GCOL", heap) + self.integer(heap + 8)
        while position + 16 <= end:
            size = self.integer(position + 8)
            if self.integer(position, 2) == index:
                return self._bytes(position + 16, size)
            position += 16 + -(-size // 8) * 8
        raise WeightsError("a string is missing from its heap")


def _number(content: bytes, start: int, size: int = 8) -> int:
    """Return an unsigned little-endian integer; bytes beyond the end count as zero."""
    return int.from_bytes(content[start : start + size], "little")
