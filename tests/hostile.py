"""Hostile weights files with valid checksums, for the tests and for `scripts/attack`."""

import hashlib
import io
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.files import container
from seq2seq_demo.trained import weights_file
from seq2seq_demo.trained.metrics import Epoch, Metrics
from seq2seq_demo.trained.plots import History
from seq2seq_demo.trained.saved_network import TrainingRun
from seq2seq_demo.trained.trained_network import TrainedNetwork, untrained
from seq2seq_demo.training.snapshots import Snapshot

CONFIG = ModelConfig("embedding_attention", cell_size=3, embedding_size=2, in_max_int=4, out_max_int=3)
WEIGHT, SHAPE = "decoder/projection/kernel", (3, 5)
SECRET = b"root:x:0:0:secret\n" * 40  # the content of a file that must not be read


def small_network() -> TrainedNetwork:
    """A network whose file is small."""
    return untrained(CONFIG, seed=1)


def small_content() -> bytes:
    """The content of that network's file."""
    return weights_file.to_bytes(small_network())


def with_checksum(body: bytes, version: int = container.VERSION) -> bytes:
    """Put the header of a weights file before an HDF5 body."""
    header = f"seq2seq-demo weights {version}\nsha256 {hashlib.sha256(body).hexdigest()}\n"
    return header.encode().ljust(512, b"\0") + body


def edited(content: bytes, change: Callable[[h5py.File], object]) -> bytes:
    """Change the content of a weights file with h5py; return it with a new checksum."""
    buffer = io.BytesIO(content)
    with h5py.File(buffer, "r+") as file:
        change(file)
    return with_checksum(buffer.getvalue()[512:], int(content[:99].split()[2]))


def hostile_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of each hostile file; create the files that they refer to in the folder."""
    (folder / "secret").write_bytes(SECRET)
    with h5py.File(folder / "other.h5", "w") as other:
        other["data"] = np.ones(SHAPE, np.float32)
    for name, change in _structures(folder).items():
        yield name, edited(small_content(), change)
    body = small_content()[512:]
    tree, heap = body.index(b"TREE"), body.index(b"GCOL")
    yield "a tree within itself", with_checksum(body[: tree + 32] + tree.to_bytes(8, "little") + body[tree + 40 :])
    yield "a heap without an end", with_checksum(body[: heap + 16] + bytes(16) + body[heap + 32 :])
    weight, bias = (container.read_hdf5(body)[0][f"decoder/projection/{name}"].start for name in ("kernel", "bias"))
    places = [bytes((3, 1)) + at.to_bytes(8, "little") for at in (weight, bias + 4)]
    yield "weights that overlap", with_checksum(body.replace(*places))
    yield "header blocks that overlap", with_checksum(overlapping_blocks(10**5))
    content = snapshot_content()
    for name, text in _metadata().items():
        yield name, edited(content, lambda file, text=text: file.attrs.__setitem__(*text))


def overlapping_blocks(size: int) -> bytes:
    """The HDF5 of an array whose header has 19 blocks that reach to the end of the file, and of no other array."""

    def words(*numbers: int) -> bytes:
        return b"".join(number.to_bytes(8, "little") for number in numbers)

    blocks = [(container.CONTINUATION, words(start, size - start)) for start in range(1000, 1152, 8)]
    layout = container.LAYOUT, bytes((3, container.CONTIGUOUS)) + words(900, 0)
    described = (container.DATASPACE, words(1)), (container.DATATYPE, next(iter(container.DTYPES))), layout
    messages = b"".join(words(kind + (len(content) << 16)) + content for kind, content in (*blocks, *described))
    superblock = (container.SIGNATURE + bytes(5) + b"\x08\x08").ljust(64, b"\0") + words(72)
    return (superblock + words(1, len(messages)) + messages).ljust(size, b"\0")


def _structures(folder: Path) -> dict[str, Callable[[h5py.File], object]]:
    def replaced(make: Callable[[h5py.File], object]) -> Callable[[h5py.File], object]:
        def change(file):
            del file[WEIGHT]
            make(file)

        return change

    def dataset(**options) -> Callable[[h5py.File], object]:
        return replaced(lambda file: file.create_dataset(WEIGHT, **options))

    def committed_type(file):
        file["type"] = np.dtype("f4")
        dataset(shape=SHAPE, dtype=file["type"])(file)
        del file["type"]

    def shared_weight(file):
        del file["decoder/layer_0/bias"]
        file["decoder/layer_0/bias"] = file["encoder/layer_0/bias"]

    def link(target) -> Callable[[h5py.File], object]:
        return replaced(lambda file: file.__setitem__(WEIGHT, target(file) if callable(target) else target))

    def virtual(file):
        layout = h5py.VirtualLayout(SHAPE, np.float32)
        layout[...] = h5py.VirtualSource(other, "data", SHAPE)
        file.create_virtual_dataset(WEIGHT, layout)

    def nested(file):
        group = file
        for _ in range(1500):
            group = group.create_group("g")

    def many_links(file):
        group = file.create_group("many")
        for index in range(1500):
            group[str(index)] = file[WEIGHT]

    floats = {"shape": SHAPE, "dtype": "f4"}
    secret, other = (str(folder / name) for name in ("secret", "other.h5"))
    return {
        "external storage": dataset(**floats, external=[(secret, 0, 60)]),
        "virtual": replaced(virtual),
        "soft link": link(h5py.SoftLink("/decoder/projection/bias")),
        "external link": link(h5py.ExternalLink(other, "data")),
        "hard link to the root": lambda file: file.__setitem__("decoder/again", file["/"]),
        "a group for a weight": link(lambda file: file.create_group(None)),
        "a type for a weight": link(np.dtype(np.float32)),
        "1500 groups, nested": nested,
        "1500 links": many_links,
        "chunks": dataset(data=np.ones(SHAPE, np.float32), chunks=(1, 5)),
        "never written": dataset(**floats),
        "1.5e9 floats, never written": dataset(shape=(1_500_000_000,), dtype="f4"),
        "empty": dataset(dtype=h5py.Empty("f4").dtype, shape=None),
        "float64": dataset(data=np.ones(SHAPE)),
        "big-endian": dataset(data=np.ones(SHAPE, ">f4")),
        "structures": dataset(data=np.ones(SHAPE, [("a", "f4"), ("b", "f4")])),
        "texts": dataset(data=np.full(SHAPE, "a", object), dtype=h5py.string_dtype()),
        "NaN": dataset(data=np.full(SHAPE, np.nan, np.float32)),
        "step, negative": lambda file: file["optimizer/step"].write_direct(np.array(-1)),
        "step, a float": lambda file: (file.__delitem__("optimizer/step"), file.__setitem__("optimizer/step", 1.0)),
        "no step": lambda file: file.__delitem__("optimizer/step"),
        "no weight": lambda file: file.__delitem__(WEIGHT),
        "moments of one weight": lambda file: file.create_dataset(f"optimizer/m/{WEIGHT}", data=np.ones(SHAPE, "f4")),
        "a committed type": committed_type,
        "one weight under two names": shared_weight,
        "a long text": lambda file: file.attrs.__setitem__("more", "a" * 10**6),
    }


def _vocabularies() -> dict[str, object]:
    """Vocabularies that do not fit a network of source symbols 0 to 4 and target symbols 0 to 3."""
    integers = {"tokens": "integers", "symbols": []}
    cases: dict[str, object] = {}
    for tokens, symbols in [
        ("characters", [*"abcdd"]),
        ("characters", [*"abcd", "\ud800"]),
        ("characters", [*"abcd"]),
        ("words", [*"abcd", "e f"]),
        ("words", [*"abcd", "e" + "\u0301\u0316" * 40_000]),  # Python sorts accents in quadratic time
        ("integers", [*"01234"]),
    ]:
        cases[f"{tokens} {symbols}"[:60]] = {"source": {"tokens": tokens, "symbols": symbols}, "target": integers}
    cases["of a network without an end"] = {"source": {"tokens": "words", "symbols": [*"abcde"]}, "target": integers}
    return cases


def snapshot_content() -> bytes:
    """The content of a snapshot: a network with metrics, and an epoch."""
    config, metrics = TrainConfig(points=20, in_len=4, out_len=3, epochs=2), Metrics(1.0, 0.5, 0.5, 0.5, 0.5)
    run = TrainingRun(config, 0)
    history = History([Epoch(1, 1, 1.0, 0.5, *astuple(metrics))])
    facts = {"in_len": 4, "out_len": 3, "run": run, "validation": metrics, "history": history}
    network = TrainedNetwork(CONFIG, small_network().weights, task="sorted", **facts)
    return Snapshot(network).to_bytes()


def snapshot_metadata(content: bytes = b"") -> dict[str, Any]:
    """The JSON of a weights file, by default of the snapshot, by attribute."""
    return {name: json.loads(text) for name, text in container.read(content or snapshot_content()).texts.items()}


def paths(value: object, path: tuple = ()) -> list[tuple]:
    """The path of each value within JSON, outermost first."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(inner for key, each in items for inner in paths(each, (*path, key)))]


def with_value(metadata: dict[str, Any], path: tuple, value: object) -> dict[str, Any]:
    """A copy of JSON with another value at a path."""
    changed = parent = json.loads(json.dumps(metadata))
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return changed


def _metadata() -> dict[str, tuple[str, str]]:
    """Map the name of each case of invalid metadata to the attribute and its text."""
    metadata = snapshot_metadata()
    cases: dict[str, tuple[str, str]] = {}
    for number, path in enumerate(paths(metadata)[1:]):
        parent: Any = metadata
        for key in path:
            parent = parent[key]
        values: list[object] = [{"\x1b]0;x\x07": 1}, [[]], 10**400]
        values += [] if isinstance(parent, str | None) else ["\x1b[2J\nx"]
        values += [1.5, True, *([] if "step" in path else [-1])] if type(parent) is int else []
        for value in ({"a": 1}, values[number % len(values)]):
            changed = with_value(metadata, path, value)
            cases[f"{path} {str(value)[:9]!r}"] = path[0], json.dumps(changed[path[0]])
    network = metadata["networks"][0]
    for number, networks in enumerate(([], [network] * 200, [network] * 3, [network, network | {"members": []}])):
        cases[f"networks {number}"] = "networks", json.dumps(networks)
    cases |= {f"vocabulary {name}": ("vocabularies", json.dumps(value)) for name, value in _vocabularies().items()}
    progress = metadata["progress"]
    for change in ({"epoch": 1}, {"points": 10**9}):
        cases[f"progress {change}"] = "progress", json.dumps(progress | change)
    cases["no JSON"] = "networks", "{"
    cases["nested JSON"] = "networks", "[" * 100_000
    cases["NaN in JSON"] = "progress", json.dumps(progress).replace('"loss_sum": 0.0', '"loss_sum": NaN')
    cases["1e999 in JSON"] = "progress", json.dumps(progress).replace('"loss_sum": 0.0', '"loss_sum": 1e999')
    return cases


def mutated(content: bytes, rng: random.Random) -> bytes:
    """A weights file with some bytes of its HDF5 changed, and a valid checksum."""
    body = bytearray(content[512:])
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        position, size = rng.randrange(len(body)), rng.choice((1, 1, 2, 4, 8))
        other = rng.randrange(len(body))
        new = rng.choice((b"\xff" * size, bytes(size), rng.randbytes(size), bytes(body[other : other + 5 * size])))
        body[position : position + len(new)] = new
    return with_checksum(bytes(body))
