import pickle

import numpy as np
import pytest
from hostile import overlapping_blocks, with_checksum

from seq2seq_demo.errors import WeightsError
from seq2seq_demo.files.container import _File, read, to_bytes

ARRAYS = {"a/b": np.arange(6, dtype=np.float32).reshape(2, 3), "a/c": np.array([0.5], np.float32), "n": np.int64(7)}
TEXTS = {"model": '{"Größe": 7}', "training": ""}


@pytest.fixture(scope="module")
def content():
    return to_bytes("weights", ARRAYS, TEXTS)


@pytest.mark.parametrize("n", [1, 7, 8, 9, 100, 1000])
def test_any_number_of_arrays_can_be_stored(n):
    """HDF5 stores the members of a group in leaves of eight below a tree of nodes."""
    arrays = {f"{k % 3}/{k}": np.full((k % 5 + 1, 2), k, np.float32) for k in range(n)}
    file = read(to_bytes("snapshot", arrays, TEXTS))
    assert all((file.array(name, array.shape, "float32") == array).all() for name, array in arrays.items())


@pytest.mark.parametrize("size", [0, 1, 7, 8, 3000, 4000, 4056, 4060, 4064, 4072, 4080, 5000, 10**6])
def test_texts_of_any_size_can_be_stored(size):
    texts = {"model": '{"é": "€"}', "training": "t" * size, "third": "x" * 40}
    assert read(to_bytes("weights", {}, texts)).texts == texts


@pytest.mark.parametrize(
    "content", [b"", b"some text\n", pickle.dumps({"weights": [1, 2]}), b"\x89HDF\r\n\x1a\n" + bytes(900)]
)
def test_another_kind_of_file_is_refused(content):
    with pytest.raises(WeightsError, match="neither a weights file of this program nor a 2016 checkpoint"):
        read(content)
    with pytest.raises(WeightsError, match="not HDF5 with a superblock"):
        read(with_checksum(content))  # even with a valid checksum


def test_no_more_bytes_are_read_than_the_file_has(monkeypatch):
    size, sizes, read_bytes = 50_000, [], _File._bytes

    def counted(file, start, size):
        sizes.append(size)
        return read_bytes(file, start, size)

    monkeypatch.setattr(_File, "_bytes", counted)
    with pytest.raises(WeightsError, match="some structures overlap"):
        read(with_checksum(overlapping_blocks(size)))
    assert sum(sizes) <= size + 8
