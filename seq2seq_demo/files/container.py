"""The container of weights: arrays by name and texts by name in HDF5, after a header with a checksum over it all."""

import hashlib
import io
import re

import h5py
import numpy as np

from seq2seq_demo.errors import WeightsError

FORMAT, VERSION = "seq2seq-demo weights", 1
# The first bytes of the file, HDF5's user block: format, version and a checksum over all the rest, in plain text. So
# nothing that is damaged ever gets as far as the HDF5 library.
HEADER_SIZE = 512


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


def from_bytes(content: bytes, names: tuple[str, ...]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return every array, and the texts of these names.

    Raises:
        WeightsError: it is damaged, of another version, or something else.
    """
    header = re.fullmatch(rb"%b (\d+)\nsha256 (\w{64})\n\0*" % FORMAT.encode(), content[:HEADER_SIZE])
    if not header:
        raise WeightsError("expected a weights file, of this program or of 2016, found something else")
    if int(header[1]) != VERSION:
        raise WeightsError(f"expected version {VERSION} of a weights file, got {int(header[1])}")
    if hashlib.sha256(content[HEADER_SIZE:]).hexdigest().encode() != header[2]:
        raise WeightsError("damaged weights file: its content does not match its checksum")
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            return _datasets(file), {name: str(file.attrs[name]) for name in names}
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise WeightsError(f"damaged weights file: {error}") from error


def _datasets(file: h5py.File) -> dict[str, np.ndarray]:
    """Return every dataset by its path."""
    arrays: dict[str, np.ndarray] = {}

    def note(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    file.visititems(note)
    return arrays
