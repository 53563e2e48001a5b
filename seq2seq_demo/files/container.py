"""The container format: named arrays and named strings in HDF5, after a header with a SHA-256 checksum.

The checksum detects damage but not malice, because anyone can compute it. Files are therefore written with HDF5's
library but read with our own reader, `hdf5`.
"""

import hashlib
import io
import math
import re

import numpy as np

from seq2seq_demo.errors import WeightsError, require
from seq2seq_demo.files import hdf5

VERSION = 5  # 2 added vocabularies, 3 recordings, 4 nested metadata; 5 dropped keys; all versions can be read
WEIGHTS, SNAPSHOT = "weights", "snapshot"  # kinds; until version 3, headers say "weights"
HEADER_SIZE = 512  # HDF5's user block: kind, version and the checksum of the rest, as ASCII text
HEADER = re.compile(rb"seq2seq-demo (?:weights|snapshot) ([0-9]{1,9})\nsha256 ([0-9a-f]{64})\n\0*")


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
        self.datasets, self.texts = hdf5.read(body)
        self.texts.pop("format", "")  # until version 3

    def array(self, name: str, shape: tuple[int, ...], dtype: str = "float32") -> np.ndarray:
        """Return an array; raise WeightsError unless it has this shape and type."""
        require(name in self.datasets, f"missing weight {name!r}")
        dataset, n_bytes = self.datasets[name], math.prod(shape) * np.dtype(dtype).itemsize
        matches = (dataset.dtype, dataset.shape) == (dtype, shape)
        require(matches, f"expected {name!r} as {dtype} {shape}, got {dataset.dtype} {dataset.shape}")
        require(dataset.size == n_bytes, f"expected {name!r} in one piece, got something else")
        values = self._body[dataset.start : dataset.start + dataset.size]
        return np.frombuffer(values, np.dtype(dtype).newbyteorder("<")).astype(dtype).reshape(shape)


def read(content: bytes) -> Container:
    """Parse the content of a file, after checking its version and checksum.

    Raises:
        WeightsError: the file is damaged, has an unknown version, or is not a container.
    """
    header, body = HEADER.fullmatch(content[:HEADER_SIZE]), content[HEADER_SIZE:]
    if not header:
        raise WeightsError("expected a weights file of this program or of 2016, got something else")
    version, checksum = int(header[1]), hashlib.sha256(body).hexdigest().encode()
    require(1 <= version <= VERSION, f"expected a weights file of version 1 to {VERSION}, got version {version}")
    require(checksum == header[2], "damaged weights file: its content does not match its checksum")
    return Container(version, body)
