import hashlib
import json
import os
import pickle
import random

import h5py
import numpy as np
import pytest
from conftest import random_weights

from seq2seq_demo import weights
from seq2seq_demo.config import ModelConfig
from seq2seq_demo.errors import WeightsError
from seq2seq_demo.parameters import TrainedNetwork, weight_shapes

CONFIG = ModelConfig("embedding_attention", "GRUCell", 2, 7, 5, in_max_int=10, out_max_int=12)


def network(**changes) -> TrainedNetwork:
    moments = {
        f"{m}/{name}": np.full(shape, 0.5, np.float32) for m in "mv" for name, shape in weight_shapes(CONFIG).items()
    }
    values = {
        "model": CONFIG,
        "weights": random_weights(CONFIG),
        "pattern": "reversed",
        "in_len": 11,
        "out_len": 4,
        "trained": {"epochs": 3, "learning_rate": 0.005},
        "reached": {"exact_match": 0.75},
        "step": 1234567,
        "moments": moments,
    }
    return TrainedNetwork(**values | changes)


def same(a: TrainedNetwork, b: TrainedNetwork) -> bool:
    arrays = [(x.weights | x.moments) for x in (a, b)]
    rest = [(x.model, x.pattern, x.in_len, x.out_len, x.trained, x.reached, x.step) for x in (a, b)]
    return (
        arrays[0].keys() == arrays[1].keys()
        and all((arrays[0][name] == arrays[1][name]).all() for name in arrays[0])
        and rest[0] == rest[1]
    )


def test_hdf5_of_another_program_is_refused(tmp_path):
    with h5py.File(tmp_path / "w", "w") as file:
        file["encoder/embedding"] = np.ones((3, 2))
    with pytest.raises(WeightsError, match="expected a weights file, of this program or of 2016, found something else"):
        weights.load(tmp_path / "w")


@pytest.mark.parametrize("saved", [network(), network(moments={}, step=0, pattern=None, in_len=None, out_len=None)])
@pytest.mark.parametrize("name", ["weights.tfl", "gewichte ä.h5", "no_suffix"])
def test_round_trip_under_any_name(tmp_path, saved, name):
    weights.save(saved, tmp_path / name)
    assert same(weights.load(tmp_path / name), saved)
    assert os.listdir(tmp_path) == [name]


def test_layout(tmp_path):
    weights.save(network(), tmp_path / "w")
    with h5py.File(tmp_path / "w") as file:
        assert file["encoder/layer_1/recurrent_kernel"].shape == (7, 21)
        assert file["decoder/attention/query/kernel"].shape == (14, 7)
        assert file["optimizer/m/encoder/embedding"].shape == (11, 5)
        assert file["optimizer/step"][()] == 1234567
        assert json.loads(file.attrs["model"])["cell_type"] == "GRUCell"
        assert json.loads(file.attrs["training"])["pattern"] == "reversed"
        assert file.attrs["version"] == 1


def test_the_same_network_gives_the_same_bytes(tmp_path):
    weights.save(network(), tmp_path / "a")
    weights.save(network(), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_file_is_replaced_only_where_it_may_be(tmp_path):
    weights.save(network(step=1), tmp_path / "w")
    with pytest.raises(FileExistsError):
        weights.save(network(step=2), tmp_path / "w", overwrite=False)
    assert weights.load(tmp_path / "w").step == 1
    weights.save(network(step=2), tmp_path / "w")
    assert weights.load(tmp_path / "w").step == 2
    weights.save(network(step=3), tmp_path / "v", overwrite=False)
    assert sorted(os.listdir(tmp_path)) == ["v", "w"]


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("weights") / "w"
    weights.save(network(), path)
    return path.read_bytes()


def is_refused(path, content) -> bool:
    """Whether a damaged file is refused in one line; if not, it has to be read as the undamaged one."""
    path.write_bytes(content)
    try:
        assert same(weights.load(path), network())
        return False
    except WeightsError as error:
        assert str(error).startswith(f"{path}: ")
        assert "\n" not in str(error)
        return True


def test_a_file_that_is_cut_anywhere_is_refused(tmp_path, content):
    rng = random.Random(1)
    for length in [*range(600), *(rng.randrange(len(content)) for _ in range(300))]:
        assert is_refused(tmp_path / "w", content[:length])


def test_a_flipped_byte_anywhere_is_refused(tmp_path, content):
    rng = random.Random(2)
    for position in [*range(512), *(rng.randrange(len(content)) for _ in range(500))]:
        damaged = bytearray(content)
        damaged[position] ^= 1 << rng.randrange(8)
        assert is_refused(tmp_path / "w", bytes(damaged))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: file.__delitem__("optimizer/v/decoder/embedding"), "missing weight 'v/decoder/embedding'"),
        (lambda file: file.create_dataset("extra", data=1), "unexpected weight 'extra'"),
        (lambda file: file.__delitem__("optimizer/step"), "damaged weights file: 'step'"),
        (lambda file: file.attrs.__setitem__("training", "[]"), "damaged weights file"),
        (lambda file: file.attrs.__setitem__("model", '{"model": "no"}'), "unknown model 'no'"),
    ],
)
def test_an_edited_file_is_refused_even_with_a_new_checksum(tmp_path, content, change, message):
    path = tmp_path / "w"
    path.write_bytes(content)
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(WeightsError, match="does not match its checksum"):
        weights.load(path)
    body = path.read_bytes()[512:]
    header = f"seq2seq-demo weights 1\nsha256 {hashlib.sha256(body).hexdigest()}\n".encode()
    path.write_bytes(header.ljust(512, b"\0") + body)
    with pytest.raises(WeightsError, match=message):
        weights.load(path)


def test_another_version_is_refused(tmp_path, content):
    (tmp_path / "w").write_bytes(content.replace(b"weights 1\n", b"weights 2\n", 1))
    with pytest.raises(WeightsError, match="expected version 1 of a weights file, got 2"):
        weights.load(tmp_path / "w")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    broken = network()
    broken.weights["decoder/attention/score"][3] = value
    weights.save(broken, tmp_path / "w")
    with pytest.raises(WeightsError, match="expected finite numbers in 'decoder/attention/score'"):
        weights.load(tmp_path / "w")


def test_a_crash_while_saving_leaves_the_old_file(tmp_path, monkeypatch):
    weights.save(network(step=1), tmp_path / "w")

    def crash(*_):
        raise KeyboardInterrupt

    for function in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, function, crash)
            with pytest.raises(KeyboardInterrupt):
                weights.save(network(step=2), tmp_path / "w")
        assert weights.load(tmp_path / "w").step == 1
        assert os.listdir(tmp_path) == ["w"]


@pytest.mark.parametrize(
    "content", [b"", b"some text\n", pickle.dumps({"weights": [1, 2]}), b"\x89HDF\r\n\x1a\n" + bytes(900)]
)
def test_another_kind_of_file_is_refused(tmp_path, content):
    (tmp_path / "w").write_bytes(content)
    with pytest.raises(WeightsError, match="weights file"):
        weights.load(tmp_path / "w")


def test_no_file(tmp_path):
    with pytest.raises(WeightsError, match="expected a weights file, found none"):
        weights.load(tmp_path / "w")
    with pytest.raises(WeightsError, match="expected a weights file, got: Is a directory"):
        weights.load(tmp_path)


def test_where_nothing_can_be_written(tmp_path):
    weights.check_writable(tmp_path / "new")
    for path, message in [(tmp_path, "found a directory"), (tmp_path / "none" / "w", "there is no directory")]:
        with pytest.raises(WeightsError, match=message):
            weights.check_writable(path)
        with pytest.raises(WeightsError, match="could not be written"):
            weights.save(network(), path)
