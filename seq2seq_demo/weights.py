"""The weights file: HDF5, one dataset a weight, and JSON that says what they are. Nothing in it is ever executed."""

import hashlib
import io
import json
import os
import re
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np

from seq2seq_demo import files, weights_2016
from seq2seq_demo.config import ModelConfig
from seq2seq_demo.errors import DemoError, WeightsError
from seq2seq_demo.parameters import TrainedNetwork, check_weights

FORMAT, VERSION = "seq2seq-demo weights", 1
# The first bytes of the file, HDF5's user block: format, version and a checksum over all the rest, in plain text. So
# nothing that is damaged ever gets as far as the HDF5 library.
HEADER_SIZE = 512


def check_writable(path: Path) -> None:
    """Raise WeightsError if it can be known beforehand that `save` would fail."""
    files.check_writable(path, "a weights file", WeightsError)


def save(network: TrainedNetwork, path: str | os.PathLike, overwrite: bool = True) -> None:
    """Write the file whole or not at all.

    Raises:
        WeightsError: it could not be written.
        FileExistsError: it is there already and `overwrite` is False.
    """
    try:
        files.write(Path(path), _to_bytes(network), overwrite)
    except FileExistsError:
        raise
    except OSError as error:
        raise WeightsError(f"{path}: could not be written: {error.strerror}") from error


def load(path: str | os.PathLike) -> TrainedNetwork:
    """Read a weights file, ours or a checkpoint of the 2016 program: its content tells which.

    Raises:
        WeightsError: it is missing, damaged or something else; the message says what was expected and found.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: expected a weights file, found none") from error
    except OSError as error:
        raise WeightsError(f"{path}: expected a weights file, got: {error.strerror}") from error
    try:
        return _from_bytes(content)
    except DemoError as error:
        raise WeightsError(f"{path}: {error}") from error
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise WeightsError(f"{path}: damaged weights file: {error}") from error


def _to_bytes(network: TrainedNetwork) -> bytes:
    """Return the file's content; the same network gives the same bytes."""
    arrays = {**network.weights, "optimizer/step": np.int64(network.step)}
    arrays |= {f"optimizer/{name}": moment for name, moment in network.moments.items()}
    training = {
        name: getattr(network, name) for name in ("pattern", "in_len", "out_len", "trained", "reached", "progress")
    }
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=HEADER_SIZE) as file:
        for name, array in arrays.items():
            file[name] = array
        file.attrs.update(format=FORMAT, version=VERSION)
        file.attrs.update(model=json.dumps(asdict(network.model)), training=json.dumps(training))
    body = buffer.getvalue()[HEADER_SIZE:]
    header = f"{FORMAT} {VERSION}\nsha256 {hashlib.sha256(body).hexdigest()}\n".encode()
    return header.ljust(HEADER_SIZE, b"\0") + body


def _from_bytes(content: bytes) -> TrainedNetwork:
    if weights_2016.is_checkpoint(content):
        return weights_2016.from_2016(content)
    header = re.fullmatch(rb"%b (\d+)\nsha256 (\w{64})\n\0*" % FORMAT.encode(), content[:HEADER_SIZE])
    if not header:
        raise WeightsError("expected a weights file, of this program or of 2016, found something else")
    if int(header[1]) != VERSION:
        raise WeightsError(f"expected version {VERSION} of a weights file, got {int(header[1])}")
    if hashlib.sha256(content[HEADER_SIZE:]).hexdigest().encode() != header[2]:
        raise WeightsError("damaged weights file: its content does not match its checksum")
    with h5py.File(io.BytesIO(content), "r") as file:
        model, training = (json.loads(file.attrs[name]) for name in ("model", "training"))
        arrays = _datasets(file)
    names = [name for name in arrays if name.startswith("optimizer/")]
    moments = {name.removeprefix("optimizer/"): arrays.pop(name) for name in names}
    network = TrainedNetwork(ModelConfig(**model), arrays, step=int(moments.pop("step")), moments=moments, **training)
    check_weights(network.model, network.weights, network.moments)
    return network


def _datasets(file: h5py.File) -> dict[str, np.ndarray]:
    """Return every dataset by its path."""
    arrays = {}
    file.visititems(lambda name, item: arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return arrays
