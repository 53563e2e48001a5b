"""The container of weights: arrays by name and texts by name in HDF5, after a header with a checksum over it all.

The checksum tells damage, not malice: whoever makes a file makes its checksum too. HDF5 can refer to other files, loop,
and declare more than it holds, so only what is expected is looked at, and only where it is what `to_bytes` writes.
"""

import hashlib
import io
import math
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import h5py
import numpy as np

from seq2seq_demo.errors import WeightsError

FORMAT, VERSION = "seq2seq-demo weights", 1
# The first bytes of the file, HDF5's user block: format, version and a checksum over all the rest, in plain text. So
# nothing that is damaged ever gets as far as the HDF5 library.
HEADER_SIZE = 512
_HEAP = b"GCOL\1\0\0\0"  # how HDF5's global heaps, where it keeps texts, begin


def to_bytes(arrays: dict[str, np.ndarray], texts: dict[str, str]) -> bytes:
    """Return the file's content; the same arrays and texts give the same bytes."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=HEADER_SIZE) as file:
        for name, array in arrays.items():
            file[name] = array
        file.attrs.update(format=FORMAT, version=VERSION)
        file.attrs.update(texts)
    body = buffer.getvalue()[HEADER_SIZE:]
    header = f"{FORMAT} {VERSION}\nsha256 {hashlib.sha256(body).hexdigest()}\n".encode()
    return header.ljust(HEADER_SIZE, b"\0") + body


def is_container(header: bytes) -> bool:
    """Whether a file that begins so is one of ours, of whatever version."""
    return _match(header) is not None


def _match(header: bytes) -> re.Match[bytes] | None:
    pattern = rb"%b ([0-9]{1,9})\nsha256 ([0-9a-f]{64})\n\0*" % FORMAT.encode()
    return re.fullmatch(pattern, header[:HEADER_SIZE])


class Container:
    """An open container: its texts in some order, and arrays, read when they are asked for."""

    def __init__(self, file: h5py.File, texts: list[str]) -> None:
        """Read nothing yet."""
        self._root, self.texts = file.id, texts

    def has(self, name: str) -> bool:
        """Say whether there is an array or a group of that name, in the file itself and not behind a link."""
        path = b""
        for part in name.encode().split(b"/"):
            path = path + b"/" + part if path else part
            if not self._root.links.exists(path) or self._root.links.get_info(path).type != h5py.h5l.TYPE_HARD:
                return False
        return True

    def array(self, name: str, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        """Return an array that has to be of that shape and type."""
        if not self.has(name):
            raise WeightsError(f"missing weight {name!r}")
        dataset = h5py.h5o.open(self._root, name.encode())
        if not isinstance(dataset, h5py.h5d.DatasetID):
            raise WeightsError(f"expected an array {name!r}, got something else")
        if dataset.shape != shape or dataset.dtype != np.dtype(dtype):
            raise WeightsError(f"expected {name!r} as {dtype} {shape}, got {dataset.dtype} {dataset.shape}")
        # Whole and in one piece in this very file: neither other files, other datasets nor filters are asked for it.
        made, n_bytes = dataset.get_create_plist(), math.prod(shape) * np.dtype(dtype).itemsize
        plain = made.get_layout() == h5py.h5d.CONTIGUOUS and not made.get_external_count() and not made.get_nfilters()
        if not plain or dataset.get_storage_size() != n_bytes or dataset.get_offset() is None:
            raise WeightsError(f"expected {name!r} in one piece, got something else")
        array = np.empty(shape, dtype)
        dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, array)
        return array

    def require_only(self, names: Collection[str]) -> None:
        """Raise WeightsError unless these are all the arrays."""
        children: dict[str, set[str]] = {"": set()}
        for name in names:
            group = ""
            for part in name.split("/"):
                children.setdefault(group, set()).add(part)
                group = f"{group}/{part}".lstrip("/")
        for group, parts in children.items():
            found = h5py.h5o.open(self._root, group.encode() or b".") if not group or self.has(group) else ()
            for extra in sorted({name.decode() for name in found} - parts):
                raise WeightsError(f"unexpected weight {f'{group}/{extra}'.lstrip('/')!r}")


@contextmanager
def opened(content: bytes) -> Iterator[Container]:
    """Open the content of a file.

    Raises:
        WeightsError: it is damaged, of another version, or something else.
    """
    header = _match(content)
    if not header:
        raise WeightsError("expected a weights file, of this program or of 2016, found something else")
    if int(header[1]) != VERSION:
        raise WeightsError(f"expected version {VERSION} of a weights file, got {int(header[1])}")
    if hashlib.sha256(content[HEADER_SIZE:]).hexdigest().encode() != header[2]:
        raise WeightsError("damaged weights file: its content does not match its checksum")
    try:
        texts = [text.decode(errors="replace") for text in _texts(content)]
        with h5py.File(io.BytesIO(content), "r") as file:
            yield Container(file, [text for text in texts if text != FORMAT])
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, OverflowError, MemoryError) as error:
        raise WeightsError(f"damaged weights file: {error}") from error


def _texts(content: bytes) -> Iterator[bytes]:
    """Yield the texts, which are all that HDF5 keeps in its global heaps (format specification, III.E).

    HDF5 itself would reserve as much memory as a text's length is said to be, and go round in a heap for ever that is
    not filled by its objects.
    """
    start = content.find(_HEAP)
    while start >= 0:
        position, end = start + 16, start + _number(content, start + 8, 8)
        while position < min(end, len(content)) - 16:
            index, size = _number(content, position, 2), _number(content, position + 8, 8)
            if not index:  # the room that is left
                break
            yield content[position + 16 : position + 16 + size]
            position += 16 + -(-size // 8) * 8
        start = content.find(_HEAP, start + 1)


def _number(content: bytes, position: int, size: int) -> int:
    return int.from_bytes(content[position : position + size], "little")
