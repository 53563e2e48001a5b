"""The container of weights: arrays by name and texts by name in HDF5, after a header with a checksum over it all.

The checksum tells damage, not malice: whoever makes a file makes its checksum too. So `hdf5`, not HDF5's own library,
reads what `to_bytes` writes with it.
"""

import hashlib
import io
import math
import re

import numpy as np

from seq2seq_demo.errors import WeightsError, require
from seq2seq_demo.files import hdf5

FORMAT, VERSION = "seq2seq-demo weights", 3  # 2 has vocabularies, 3 records END; all are read
# The first bytes of the file, HDF5's user block: format, version and a checksum over all the rest, in plain text. So
# nothing that is damaged is looked at.
HEADER_SIZE = 512


def to_bytes(arrays: dict[str, np.ndarray], texts: dict[str, str]) -> bytes:
    """Return the file's content; the same arrays and texts give the same bytes."""
    import h5py  # only here, as it takes a while to load

    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=HEADER_SIZE, libver="earliest") as file:
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
    """What is in a file: its texts by name, and arrays, which are made when they are asked for."""

    def __init__(self, version: int, body: bytes) -> None:
        """Look at what is there.

        Raises:
            WeightsError: it is not what `to_bytes` writes.
        """
        self.version, self._body, self._asked = version, body, set[str]()
        self.datasets, self.texts = hdf5.read(body)

    def array(self, name: str, shape: tuple[int, ...], dtype: str = "float32") -> np.ndarray:
        """Return an array that has to be of that shape and type."""
        require(name in self.datasets, f"missing weight {name!r}")
        self._asked.add(name)
        dataset, n_bytes = self.datasets[name], math.prod(shape) * np.dtype(dtype).itemsize
        is_so = (dataset.dtype, dataset.shape) == (dtype, shape)
        require(is_so, f"expected {name!r} as {dtype} {shape}, got {dataset.dtype} {dataset.shape}")
        require(dataset.size == n_bytes, f"expected {name!r} in one piece, got something else")
        values = self._body[dataset.start : dataset.start + dataset.size]
        return np.frombuffer(values, np.dtype(dtype).newbyteorder("<")).astype(dtype).reshape(shape)

    def require_no_more(self) -> None:
        """Raise WeightsError unless every array has been asked for."""
        for extra in sorted(self.datasets.keys() - self._asked):
            raise WeightsError(f"unexpected weight {extra!r}")


def read(content: bytes) -> Container:
    """Return what is in a file of that content.

    Raises:
        WeightsError: it is damaged, of another version, or something else.
    """
    header, body = _match(content), content[HEADER_SIZE:]
    if not header:
        raise WeightsError("expected a weights file, of this program or of 2016, found something else")
    version, checksum = int(header[1]), hashlib.sha256(body).hexdigest().encode()
    require(1 <= version <= VERSION, f"expected version 1 to {VERSION} of a weights file, got {version}")
    require(checksum == header[2], "damaged weights file: its content does not match its checksum")
    try:
        return Container(version, body)
    except WeightsError as error:
        raise WeightsError(f"damaged weights file: {error}") from error
