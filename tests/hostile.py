"""Hostile weights files with valid checksums, for the tests and for `scripts/attack`."""

import hashlib
import itertools
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.files import container, weights_file
from seq2seq_demo.files.weights_file import Snapshot, TrainingRun
from seq2seq_demo.trained_network import TrainedNetwork, untrained

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


def edited(path: Path, change: Callable[[h5py.File], object]) -> bytes:
    """Change the small network's file with h5py; return its content with a new checksum."""
    path.write_bytes(small_content())
    with h5py.File(path, "r+") as file:
        change(file)
    return with_checksum(path.read_bytes()[512:])


def hostile_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of each hostile file; create the files that they refer to in the folder."""
    (folder / "secret").write_bytes(SECRET)
    os.mkfifo(folder / "pipe")
    with h5py.File(folder / "other.h5", "w") as other:
        other["data"] = np.ones(SHAPE, np.float32)
    for name, change in _structures(folder).items():
        yield name, edited(folder / "edited", lambda file, change=change: change(file))
    body = small_content()[512:]
    tree, heap = body.index(b"TREE"), body.index(b"GCOL")
    yield "a tree within itself", with_checksum(body[: tree + 32] + tree.to_bytes(8, "little") + body[tree + 40 :])
    yield "a heap without an end", with_checksum(body[: heap + 16] + bytes(16) + body[heap + 32 :])
    for name, text in _metadata().items():
        yield name, edited(folder / "edited", lambda file, text=text: file.attrs.__setitem__(text[0], text[1]))


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

    def virtual(*names: str, shape=SHAPE) -> Callable[[h5py.File], object]:
        layout = h5py.VirtualLayout(shape, np.float32)
        for name in names:
            layout[...] = h5py.VirtualSource(name, WEIGHT if name == "." else "data", shape)
        return replaced(lambda file: file.create_virtual_dataset(WEIGHT, layout))

    def nested(file):
        group = file
        for _ in range(3000):
            group = group.create_group("g")

    def soft_group(file):
        file.move("decoder", "elsewhere")
        file["decoder"] = h5py.SoftLink("/elsewhere")

    def compact(file):
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple(SHAPE)
        h5py.h5d.create(file.id, WEIGHT.encode(), h5py.h5t.IEEE_F32LE, space, properties)

    def many_links(file):
        group = file.create_group("many")
        for index in range(3000):
            group[str(index)] = file[WEIGHT]

    floats = {"shape": SHAPE, "dtype": "f4"}
    secret, pipe, other = (str(folder / name) for name in ("secret", "pipe", "other.h5"))
    return {
        "external storage": dataset(**floats, external=[(secret, 0, 60)]),
        "external storage in a pipe": dataset(**floats, external=[(pipe, 0, 60)]),
        "external storage in a device": dataset(**floats, external=[("/dev/zero", 0, 60)]),
        "external storage, unlimited": dataset(**floats, external=[(secret, 0, h5py.h5f.UNLIMITED)]),
        "virtual of another file": virtual(other),
        "virtual of itself": virtual("."),
        "virtual of many": virtual(other, "none.h5"),
        "virtual and huge": virtual(other, shape=(2**40, 2**20)),
        "soft link": link(h5py.SoftLink("/decoder/projection/bias")),
        "soft link to itself": link(h5py.SoftLink(f"/{WEIGHT}")),
        "soft link to nothing": link(h5py.SoftLink("/nothing")),
        "soft link in place of a group": soft_group,
        "external link": link(h5py.ExternalLink(other, "data")),
        "external link to a pipe": link(h5py.ExternalLink(pipe, "data")),
        "external link to text": link(h5py.ExternalLink(secret, "data")),
        "hard link to the root": lambda file: file.__setitem__("decoder/again", file["/"]),
        "hard link to its group": link(lambda file: file["decoder"]),
        "a group for a weight": link(lambda file: file.create_group(None)),
        "a type for a weight": link(np.dtype(np.float32)),
        "3000 groups, nested": nested,
        "3000 links": many_links,
        "compact": replaced(compact),
        "chunks": dataset(data=np.ones(SHAPE, np.float32), chunks=(1, 5)),
        "chunks, gzip": dataset(data=np.zeros(SHAPE, np.float32), compression="gzip"),
        "chunks, huge": dataset(shape=(2**30, 5), dtype="f4", chunks=(1024, 5), compression="gzip"),
        "resizable": dataset(shape=(3, 5), maxshape=(None, None), dtype="f4"),
        "never written": dataset(**floats),
        "1.5e9 floats, never written": dataset(shape=(1_500_000_000,), dtype="f4"),
        "1e18 floats, never written": dataset(shape=(10**9, 10**9), dtype="f4"),
        "empty": dataset(dtype=h5py.Empty("f4").dtype, shape=None),
        "no axis": dataset(data=np.float32(1)),
        "32 axes": dataset(shape=(1,) * 32, dtype="f4"),
        "float64": dataset(data=np.ones(SHAPE)),
        "big-endian": dataset(data=np.ones(SHAPE, ">f4")),
        "integers": dataset(data=np.ones(SHAPE, np.int32)),
        "structures": dataset(data=np.ones(SHAPE, [("a", "f4"), ("b", "f4")])),
        "texts": dataset(data=np.full(SHAPE, "a", object), dtype=h5py.string_dtype()),
        "fixed texts": dataset(data=np.full(SHAPE, b"abcd", "S4")),
        "sequences": dataset(shape=SHAPE, dtype=h5py.vlen_dtype(np.float32)),
        "references": dataset(shape=SHAPE, dtype=h5py.ref_dtype),
        "arrays": dataset(shape=SHAPE, dtype=np.dtype(("f4", (1,)))),
        "NaN": dataset(data=np.full(SHAPE, np.nan, np.float32)),
        "infinity": dataset(data=np.full(SHAPE, np.inf, np.float32)),
        "step, negative": lambda file: file["optimizer/step"].write_direct(np.array(-1)),
        "step, a float": lambda file: (file.__delitem__("optimizer/step"), file.__setitem__("optimizer/step", 1.0)),
        "step, many": lambda file: (file.__delitem__("optimizer/step"), file.__setitem__("optimizer/step", [1, 2])),
        "no step": lambda file: file.__delitem__("optimizer/step"),
        "no weight": lambda file: file.__delitem__(WEIGHT),
        "no decoder": lambda file: file.__delitem__("decoder"),
        "moments of one weight": lambda file: file.create_dataset(f"optimizer/m/{WEIGHT}", data=np.ones(SHAPE, "f4")),
        "a committed type": committed_type,
        "one weight under two names": shared_weight,
        "another weight": lambda file: file.create_dataset("decoder/more", data=1),
        "a long text": lambda file: file.attrs.__setitem__("more", "a" * 10**6),
    }


def _vocabularies() -> dict[str, object]:
    """Vocabularies that are invalid, or do not fit a network of source symbols 0 to 4 and target symbols 0 to 3."""
    integers = {"tokens": "integers", "symbols": []}
    sides: dict[str, object] = {f"as {value!r}": value for value in (None, [], 7, "a", {"tokens": "characters"})}
    for tokens, symbols in [
        ("characters", ["a", "b", "c", "d", "d"]),
        ("characters", ["a", "b", "c", "d", "ee"]),
        ("characters", ["a", "b", "c", "d", ""]),
        ("characters", ["a", "b", "c", "d", 5]),
        ("characters", ["a", "b", "c", "d", "\ud800"]),
        ("characters", ["a", "b", "c", "d"]),
        ("characters", ["a", "b", "c", "d", "e\u0301"]),
        ("characters", ["a", "b", "c", "d", "\u212b"]),
        ("characters", []),
        ("words", ["a", "b", "c", "d", "e f"]),
        ("words", ["a", "b", "c", "d", " e"]),
        ("integers", ["0", "1", "2", "3", "4"]),
        ("\x1b[2J", ["a", "b", "c", "d", "e"]),
        (["words"], ["a", "b", "c", "d", "e"]),
        ("words", {"a": 1}),
    ]:
        sides[f"{tokens} {symbols}"] = {"tokens": tokens, "symbols": symbols}
    cases: dict[str, object] = {name: {"source": side, "target": integers} for name, side in sides.items()}
    cases |= {"of nothing": {}, "of a source": {"source": integers}, "as a list": [integers, integers]}
    cases["of three sides"] = {"source": integers, "target": integers, "\x1b]0;x\x07": integers}
    cases["with more keys"] = {"source": integers | {"\x1b[2J": 1}, "target": integers}
    cases["of a network without an end"] = {"source": {"tokens": "words", "symbols": [*"abcde"]}, "target": integers}
    return cases


def _metadata() -> dict[str, tuple[str, str]]:
    """Map the name of each case of invalid metadata to the attribute and its text."""
    training = json.loads(_training())
    run = training["trained"]
    huge = 10**9
    wrong: dict[str, tuple[str, object]] = {f"model {value!r}": ("model", value) for value in (None, [], 7, "a", True)}
    model = {"model": "embedding_attention", "cell_type": "BasicLSTMCell", "cell_size": 3, "embedding_size": 2}
    model |= {"in_max_int": 4, "out_max_int": 3, "num_layers": 1, "ends": False}
    for name in model:
        values = (None, [], {}, 1.5, 2 if name == "ends" else True, "\x1b[2Jx", -1, huge, 10**400)
        wrong |= {f"{name} {str(value)[:9]!r}": ("model", model | {name: value}) for value in values}
    wrong["an unknown key"] = "model", model | {"\x1b]0;x\x07": 1}
    for name in ("pattern", "in_len", "out_len", "trained", "reached", "progress"):
        more = ({"a": 1},) if name == "pattern" else ([[]], "\x1b[2J\nx", 10**400)
        values = (7.5, [], True, -1, *more)
        wrong |= {f"{name} {str(value)[:9]!r}": ("training", training | {name: value}) for value in values}
    earlier = {name: value for name, value in run.items() if name not in ("data", "fingerprint")} | {"pattern": "x"}
    impossible = [earlier | change for change in ({"start_step": -1}, {"points": 0}, {"pattern": None})]
    for value in ({}, "x", [7], [{}], [run], *([facts] for facts in impossible), [earlier] * 101):
        wrong[f"earlier {len(wrong)}"] = "training", training | {"earlier": value}
    member = {"model": model, "training": training | {"progress": {}}}
    nested = {"model": model, "training": training | {"progress": {}, "members": [member]}}
    of_more_symbols = {"model": model | {"out_max_int": 5}, "training": training | {"progress": {}}}
    for value in ({}, "x", [7], [{}], [member | {"x": 1}], [nested], [of_more_symbols], [member], [member] * 200):
        wrong[f"members {len(wrong)}"] = "training", training | {"members": value}
    texts = ("data", "fingerprint")
    may_be_null = ("stop_at_exact", "start_step", "min_in_len", "patience", "validation_points", *texts)
    for name in run:
        not_text = 7 if name in texts else "x"
        not_number = 7.5 if name in texts else "no" if name in may_be_null else None
        for value in ([], {}, not_text, 7 if name == "keep_best" else True, -1, 10**400, not_number):
            changed = training | {"trained": run | {name: value}}
            wrong[f"trained, {name} {str(value)[:9]!r}"] = "training", changed
    for name, value in itertools.product(training["progress"], ([1], {}, "x", True, -1, huge, None)):
        if name != "start_step" and not (name.endswith("_sum") and type(value) is int):
            changed = training | {"progress": training["progress"] | {name: value}}
            wrong[f"progress, {name} {value!r}"] = "training", changed
    wrong |= {f"vocabulary {name}": ("vocabularies", value) for name, value in _vocabularies().items()}
    cases = {name: (attribute, json.dumps(value)) for name, (attribute, value) in wrong.items()}
    cases["no JSON"] = "training", "{"
    cases["nested JSON"] = "training", "[" * 100_000
    cases["NaN in JSON"] = "training", json.dumps(training).replace('"loss_sum": 0.0', '"loss_sum": NaN')
    cases["1e999 in JSON"] = "training", json.dumps(training).replace('"loss_sum": 0.0', '"loss_sum": 1e999')
    return cases


def _training() -> str:
    """The text of the attribute `training` in a snapshot."""
    run = TrainingRun(TrainConfig(points=20, in_len=4, out_len=3, epochs=2), 0)
    network = TrainedNetwork(CONFIG, small_network().weights, "sorted", 4, 3, trained=run)
    return container.read(weights_file.to_bytes(Snapshot(network))).texts["training"]


def mutated(content: bytes, rng: random.Random) -> bytes:
    """A weights file with some bytes of its HDF5 changed, and a valid checksum."""
    body = bytearray(content[512:])
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        position, size = rng.randrange(len(body)), rng.choice((1, 1, 2, 4, 8))
        other = rng.randrange(len(body))
        new = rng.choice((b"\xff" * size, bytes(size), rng.randbytes(size), bytes(body[other : other + 5 * size])))
        body[position : position + len(new)] = new
    return with_checksum(bytes(body))
