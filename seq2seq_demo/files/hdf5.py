"""Read the HDF5 that this program writes, without HDF5's library (HDF5 File Format Specification, versions 0 and 1).

The library follows whatever a file says: into other files, round in circles, and to more memory than there is. Here
every structure is looked at once, within the file, and what `container.to_bytes` never writes is refused.
"""

from collections.abc import Iterator
from typing import NamedTuple

from seq2seq_demo.errors import WeightsError, require

SIGNATURE = b"\x89HDF\r\n\x1a\n"
# How HDF5 writes the types that weights files and recordings hold.
DTYPES = {
    bytes.fromhex("11200f0002000000000010000a05000a0f000000"): "float16",
    bytes.fromhex("11201f000400000000002000170800177f000000"): "float32",
    bytes.fromhex("100800000800000000004000"): "int64",
}
# Numbers of messages in an object's header.
DATASPACE, DATATYPE, EXTERNAL, LAYOUT, FILTERS, ATTRIBUTE, CONTINUATION, GROUP = 1, 3, 7, 8, 11, 12, 16, 17
CONTIGUOUS, VARIABLE_LENGTH = 1, 9
MAX_DEPTH = 10  # of groups, and of the tree that lists one
MAX_BLOCKS, MAX_ATTRIBUTES = 20, 20  # of an object
SHOWN = 100  # characters of a name, in an error


class Dataset(NamedTuple):
    """An array: its type, and where its values lie, in one piece."""

    dtype: str
    shape: tuple[int, ...]
    start: int  # of the bytes, counted from the file's signature
    size: int


def read(content: bytes) -> tuple[dict[str, Dataset], dict[str, str]]:
    """Return the arrays of a file by their paths, and the texts among its attributes by their names.

    Raises:
        WeightsError: it is damaged, or holds something that a weights file never does.
    """
    file = _File(content)
    is_hdf5 = content[:8] == SIGNATURE and content[8] == 0 and content[13:15] == b"\x08\x08"
    require(is_hdf5, "expected HDF5 with a superblock of version 0, got something else")
    root = file.messages(file.integer(64))
    datasets = dict(file.datasets(root, "", 0))
    n_bytes = sum(dataset.size for dataset in datasets.values())
    require(n_bytes <= len(content), "expected each weight in a place of its own, got some that overlap")
    return datasets, dict(file.texts(root))


class _File:
    """A file that is being read."""

    def __init__(self, content: bytes) -> None:
        self.content, self.seen = content, set[int]()

    def _bytes(self, start: int, size: int) -> bytes:
        """Return bytes that have to be there."""
        is_within = start + size <= len(self.content)
        require(is_within, "expected every part of the file within it, got one beyond its end")
        return self.content[start : start + size]

    def integer(self, start: int, size: int = 8) -> int:
        """Return an unsigned integer."""
        return int.from_bytes(self._bytes(start, size), "little")

    def _once(self, start: int, signature: bytes) -> int:
        """Return where a structure begins that is looked at for the first time, so that nothing goes in circles."""
        require(start not in self.seen, "expected each part of the file in one place, got one in several")
        self.seen.add(start)
        found = self._bytes(start, len(signature))
        require(found == signature, f"expected {signature!r} at byte {start}, got something else")
        return start

    def messages(self, header: int) -> list[tuple[int, bytes]]:
        """Return the messages of an object's header: number and content of each."""
        self._once(header, b"\x01\x00")
        blocks = [(header + 16, self.integer(header + 8, 4))]
        messages = []
        for start, size in blocks:  # which grow
            position, end = start, start + size
            while position + 8 <= end:
                number, n_bytes, flags = (self.integer(position + at, 2 if at < 4 else 1) for at in (0, 2, 4))
                message = self._bytes(position + 8, n_bytes)
                require(not flags & 2, "expected every part of an object with it, got one that is shared")
                if number == CONTINUATION:
                    blocks.append((self._once(_number(message, 0), b""), _number(message, 8)))
                    require(len(blocks) <= MAX_BLOCKS, "expected the header of an object in few parts, got many")
                messages.append((number, message))
                position += 8 + n_bytes
        return messages

    def datasets(self, messages: list[tuple[int, bytes]], path: str, depth: int) -> Iterator[tuple[str, Dataset]]:
        """Yield the arrays of a group, and of the groups below it."""
        found = dict(messages)
        if GROUP not in found:
            yield path, self._dataset(path, found)
            return
        require(depth <= MAX_DEPTH, "expected few groups within one another, got many")
        tree, heap = (_number(found[GROUP], at) for at in (0, 8))
        names = self.integer(self._once(heap, b"HEAP") + 24)
        taken = set[str]()
        for name_at, header in self._entries(tree, 0):
            name = self._name(names + name_at)
            is_new = name not in taken and "/" not in name and name != ""
            require(is_new, f"expected a name of its own for each weight, got {name!r}")
            taken.add(name)
            yield from self.datasets(self.messages(header), f"{path}/{name}".lstrip("/"), depth + 1)

    def _entries(self, node: int, depth: int) -> Iterator[tuple[int, int]]:
        """Yield where the name of each member of a group stands, and where its header is."""
        require(depth <= MAX_DEPTH, "expected a shallow tree of names, got a deep one")
        if self._bytes(node, 4) == b"TREE":
            self._once(node, b"TREE")
            for child in range(self.integer(node + 6, 2)):
                yield from self._entries(self.integer(node + 32 + 16 * child), depth + 1)
            return
        self._once(node, b"SNOD")
        for entry in range(self.integer(node + 6, 2)):
            start = node + 8 + 40 * entry
            require(self.integer(start + 16, 4) <= 1, "expected weights, got a link to one")  # 2: to a path
            yield self.integer(start), self.integer(start + 8)

    def _name(self, start: int) -> str:
        end = self.content.find(b"\0", start, start + SHOWN)
        require(end >= 0, f"expected names of at most {SHOWN} bytes, got a longer one")
        return self.content[start:end].decode(errors="replace")

    def _dataset(self, path: str, found: dict[int, bytes]) -> Dataset:
        """Return the array that an object's messages describe."""
        space, datatype, layout = (found.get(number, b"") for number in (DATASPACE, DATATYPE, LAYOUT))
        is_array = DATATYPE in found and not found.keys() & {EXTERNAL, FILTERS}
        is_plain = is_array and space[:1] == b"\x01" and layout[:2] == bytes((3, CONTIGUOUS))
        require(is_plain, f"expected {path!r} to be an array in one piece, got something else")
        dtype = next((name for begins, name in DTYPES.items() if datatype.startswith(begins)), "another type")
        shape = tuple(_number(space, 8 + 8 * axis) for axis in range(_number(space, 1, 1)))
        start, size = (_number(layout, at) for at in (2, 10))
        self._once(start, b"")
        self._bytes(start, size)
        return Dataset(dtype, shape, start, size)

    def texts(self, messages: list[tuple[int, bytes]]) -> Iterator[tuple[str, str]]:
        """Yield name and text of the attributes that are texts of variable length."""
        taken = set[str]()
        for number, message in messages:
            if number != ATTRIBUTE:
                continue
            require(len(taken) <= MAX_ATTRIBUTES, "expected few attributes, got many")
            version = _number(message, 0, 1)
            padding = 8 if version == 1 else 1
            sizes = [_number(message, at, 2) for at in (2, 4, 6)]
            padded = [-(-size // padding) * padding for size in sizes]
            start = 8 if version < 3 else 9
            name = message[start : start + sizes[0]].rstrip(b"\0").decode(errors="replace")
            kind = _number(message, start + padded[0], 1) & 15
            require(name not in taken, f"expected each attribute once, got {name[:SHOWN]!r} twice")
            taken.add(name)
            if kind == VARIABLE_LENGTH:
                value = message[start + sum(padded) :]
                heap, index = _number(value, 4), _number(value, 12, 4)
                yield name, self._heap_object(heap, index).decode(errors="replace")

    def _heap_object(self, heap: int, index: int) -> bytes:
        """Return an object of a global heap, one of those where HDF5 keeps texts."""
        require(self._bytes(heap, 4) == b"GCOL", "expected a heap of texts, got something else")
        position, end = heap + 16, heap + self.integer(heap + 8)
        while position + 16 <= end:
            found, size = self.integer(position, 2), self.integer(position + 8)
            if found == index:
                return self._bytes(position + 16, size)
            if not found:  # the room that is left
                break
            position += 16 + -(-size // 8) * 8
        raise WeightsError("expected a text in its heap, got none")


def _number(content: bytes, start: int, size: int = 8) -> int:
    """Return an unsigned integer; what lies beyond the end is zeros."""
    return int.from_bytes(content[start : start + size], "little")
