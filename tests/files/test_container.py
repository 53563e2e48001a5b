import hashlib
import io
import pickle
import random

import h5py
import numpy as np
import pytest

from seq2seq_demo.errors import WeightsError
from seq2seq_demo.files.container import from_bytes, to_bytes

ARRAYS = {"a/b": np.arange(6, dtype=np.float32).reshape(2, 3), "a/c": np.array([0.5], np.float32), "n": np.int64(7)}
TEXTS = {"model": '{"Größe": 7}', "training": ""}


@pytest.fixture(scope="module")
def content():
    return to_bytes(ARRAYS, TEXTS)


def with_new_checksum(content):
    body = content[512:]
    return f"seq2seq-demo weights 1\nsha256 {hashlib.sha256(body).hexdigest()}\n".encode().ljust(512, b"\0") + body


def test_round_trip(content):
    arrays, texts = from_bytes(content, ("model", "training"))
    assert texts == TEXTS
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape)
        assert (arrays[name] == array).all()


def test_layout(content):
    assert with_new_checksum(content) == content
    with h5py.File(io.BytesIO(content)) as file:
        assert file["a"]["b"][1, 2] == 5
        assert (file.attrs["format"], file.attrs["version"]) == ("seq2seq-demo weights", 1)
        assert file.attrs["model"] == '{"Größe": 7}'


def test_the_same_arrays_give_the_same_bytes(content):
    assert to_bytes(ARRAYS, TEXTS) == content


def test_hdf5_of_another_program_is_refused():
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["encoder/embedding"] = np.ones((3, 2))
    with pytest.raises(WeightsError, match="expected a weights file, of this program or of 2016, found something else"):
        from_bytes(buffer.getvalue(), ())


@pytest.mark.parametrize(
    "content", [b"", b"some text\n", pickle.dumps({"weights": [1, 2]}), b"\x89HDF\r\n\x1a\n" + bytes(900)]
)
def test_another_kind_of_file_is_refused(content):
    with pytest.raises(WeightsError, match="expected a weights file, of this program or of 2016, found something else"):
        from_bytes(content, ())


def test_another_version_is_refused(content):
    with pytest.raises(WeightsError, match="expected version 1 of a weights file, got 2"):
        from_bytes(content.replace(b"weights 1\n", b"weights 2\n", 1), ())


def test_a_cut_or_changed_body_does_not_match_its_checksum(content):
    changed = bytearray(content)
    changed[-1] ^= 1
    for damaged in (content[:-1], content + b"\0", bytes(changed), content[:512]):
        with pytest.raises(WeightsError, match="damaged weights file: its content does not match its checksum"):
            from_bytes(damaged, ())


def test_a_text_that_is_missing(content):
    with pytest.raises(WeightsError, match=r"damaged weights file: .*other"):
        from_bytes(content, ("other",))


def test_what_is_no_hdf5_is_refused_even_with_a_new_checksum(content):
    rng = random.Random(1)
    for damaged in (content[:512] + b"no HDF5", content[:512] + rng.randbytes(900), content[:1000]):
        with pytest.raises(WeightsError, match="damaged weights file"):
            from_bytes(with_new_checksum(damaged), ())
