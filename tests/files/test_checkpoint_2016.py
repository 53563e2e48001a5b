"""The reader of 2016 checkpoints, tested with the 2016 weights, TensorFlow's own writer, damage and hostile files.

The tests write tables with code of their own, so that they share no error with the reader.
"""

import random
import subprocess
import sys

import helpers_2016
import numpy as np
import pytest
from helpers import environment
from helpers_2016 import SMALL, add_block, assert_equal, encode, records, refusal, save, table, variables_with_moments
from hypothesis import given, settings

from seq2seq_demo.errors import WeightsError
from seq2seq_demo.files.checkpoint_2016 import MAGIC, crc32c, is_checkpoint, read_checkpoint


def plain_crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


# ---- Files that TensorFlow writes ----


def test_the_reference_variables_equal_those_that_tensorflow_reads(reference_2016):
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(reference_2016 / helpers_2016.REFERENCE))
    variables = read_checkpoint((reference_2016 / helpers_2016.REFERENCE).read_bytes())
    assert sorted(variables) == sorted(reader.get_variable_to_shape_map())
    for name, array in variables.items():
        np.testing.assert_array_equal(array, reader.get_tensor(name), err_msg=name, strict=True)


def test_every_type_is_read_from_several_blocks(tmp_path):
    rng = np.random.default_rng(0)
    variables = {f"noise_{k}": rng.normal(size=(211, 307)).astype(np.float32) for k in range(3)}  # over 256 KiB
    variables |= {"double": rng.normal(size=(2, 3)), "zeros": np.zeros(40_000, np.float32)}
    variables |= {"int32": np.array([-(2**31), -1, 0, 1, 127, 128, 2**31 - 1], np.int32)}
    variables |= {"int64": np.array([[-(2**63), -1], [300, 2**63 - 1]]), "bool": np.array([True, False, True])}
    content = save(variables, tmp_path)
    assert is_checkpoint(content)
    read = read_checkpoint(content)
    assert_equal(dict(sorted(read.items())), dict(sorted(variables.items())))
    assert all(array.flags.writeable for array in read.values())


# ---- Unsupported files ----


def test_blocks_must_be_listed_once_and_in_order():
    content, first = add_block(b"", [(b"", encode(records({})[0]))], 0)
    content, empty = add_block(content, [], 0)
    content, meta = add_block(content, [], 0)
    for handles, is_valid in ([first, empty], True), ([first, empty, empty], False), ([empty, first], False):
        whole, index = add_block(content, [(b"%d" % k, handle) for k, handle in enumerate(handles)], 0)
        whole += (meta + index).ljust(40, b"\0") + MAGIC
        assert (read_checkpoint(whole) == {}) if is_valid else ("damaged" in refusal(read_checkpoint, whole))


def test_a_compressed_checkpoint_is_refused():
    content = table(records({"v": np.ones(2)}), compression=1)
    assert "expected an uncompressed checkpoint" in refusal(read_checkpoint, content)


def test_crc32c():
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    data = random.Random(0).randbytes(3000)
    for size in (*range(4, 40), 255, 256, 257, 3000):
        assert crc32c(data[:size]) == plain_crc32c(data[:size])


# ---- Damage ----


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    _, _, variables = variables_with_moments(SMALL)
    return save(variables, tmp_path_factory.mktemp("small"))


def test_truncated_files_are_refused(small):
    offsets = {*range(60), *range(len(small) - 60, len(small)), *random.Random(1).sample(range(len(small)), 60)}
    for offset in sorted(offsets):
        refusal(read_checkpoint, small[:offset])
        if offset < len(small) - 48:
            refusal(read_checkpoint, small[:offset] + small[-48:])  # only the middle is missing


@pytest.mark.slow
def test_flipped_bytes_are_refused(small):
    rng, expected, footer = random.Random(2), read_checkpoint(small), len(small) - 48
    positions = {*rng.sample(range(len(small)), 100), *range(footer - 60, len(small))}  # the end in full
    for position in sorted(positions):
        damaged = bytearray(small)
        damaged[position] ^= rng.randrange(1, 256)
        try:
            assert_equal(read_checkpoint(bytes(damaged)), expected)
        except WeightsError:
            continue
        assert footer < position < len(small) - 8, "only the padding of the footer may change"


# ---- Hostile files: valid checksums, and a few bytes that claim large sizes ----

ONE = np.float32(1).tobytes()


def listed(name=b"v", dims=(1,), dtype=1, *fields):
    """A SavedSliceMeta: the entry of a variable in the list of variables."""
    axes = [(2, 2, [(1, 0, dim)] if isinstance(dim, int) else dim) for dim in dims]
    return (1, 2, [(1, 2, name), (2, 2, axes), (3, 0, dtype), *fields])


def saved(name=b"v", values=((5, 2, ONE),), extents=()):
    """A SavedSlice: values of a variable."""
    return [(2, 2, [(1, 2, name), (2, 2, [*extents]), (3, 2, [*values])])]


def claims(*shapes, dtype=1, values=((5, 2, ONE),)):
    """A table of variables with these shapes, each with only one value."""
    variables = [listed(b"v%d" % k, shape, dtype) for k, shape in enumerate(shapes)]
    return table([[(1, 2, variables)], *(saved(b"v%d" % k, values) for k in range(len(shapes)))])


def test_our_own_tables_are_read():
    assert_equal(read_checkpoint(claims([1], [1, 1])), {"v0": np.ones(1, "f4"), "v1": np.ones((1, 1), "f4")})
    _, _, variables = variables_with_moments(SMALL)
    variables = {name: np.asarray(variables[name]) for name in sorted(variables)} | {"x": np.arange(-1, 200)}
    assert_equal(read_checkpoint(table(records(variables))), variables)


WRONG_SIZES = [[1] * 99, [2**40] * 10_000, [0], [0, 10**18], [2**63, 2**63], [2**64 - 1], [2**64 + 1]]
WRONG_FIELDS = [[(1, 2, b"1")], [(1, 5, b"1\0\0\0")], [(1, 1, b"1" * 8)], [], [(1, 0, 1), (1, 0, 1)]]


@pytest.mark.parametrize("dims", [*WRONG_SIZES, *([field] for field in WRONG_FIELDS)], ids=lambda dims: str(dims)[:40])
def test_invalid_dimensions_are_refused(dims):
    assert "damaged checkpoint: expected SavedTensorSlices" in refusal(read_checkpoint, claims(dims))


@pytest.mark.parametrize(
    "messages",
    {
        "a name of fixed size": [[(1, 2, [listed()])], [(2, 2, [(1, 1, b"v" * 8), *saved()[0][2][1:]])]],
        "a name in latin-1": [[(1, 2, [listed(b"\xe9")])], saved(b"\xe9")],
        "a long name": [[(1, 2, [listed(b"v" * 2000, [1], 7)])], saved(b"v" * 2000)],
        "no records": [],
        "no list": [saved()],
        "a variable that is not listed": [[(1, 2, [listed()])], saved(b"w")],
        "too many values": [[(1, 2, [listed()])], saved(b"v", [(5, 2, ONE * 2)])],
        "no values": [[(1, 2, [listed()])], saved(b"v", [])],
        "odd bytes": [[(1, 2, [listed()])], saved(b"v", [(4, 2, b"12345")])],
        "a number of 70 bits": [[(1, 2, [listed(b"v", [1], 9)])], saved(b"v", [(10, 2, b"\xff" * 9 + b"\x7f")])],
        "a number without an end": [[(1, 2, [listed(b"v", [1], 9)])], saved(b"v", [(10, 2, b"\xff" * 11)])],
        "values of two forms": [[(1, 2, [listed(b"v", [2])])], saved(b"v", [(5, 2, ONE), (5, 5, ONE)])],
        "a record without a field": [[(1, 2, [listed()])], saved(), []],
    }.items(),
    ids=lambda item: item[0],
)
def test_invalid_fields_are_refused(messages):
    message = refusal(read_checkpoint, table(messages[1]))
    assert message == "damaged checkpoint: expected SavedTensorSlices, got something else"


def test_names_are_shown_as_one_line():
    name = "\n\x1b[2Jé"
    listing, values = [(1, 2, [listed(name.encode())])], saved(name.encode())
    part = saved(name.encode(), extents=[(1, 2, [(1, 0, 1)])])
    for messages, message in [
        ([[(1, 2, [listed(name.encode(), [1], 7)])], values], "expected numbers in variable {}, got TensorFlow's data"),
        ([listing], "missing the values of variable {}"),
        ([listing, part], "expected variable {} in one piece"),
        ([listing, values, values], "expected variable {} in one piece"),
    ]:
        assert message.format(repr(name)) in refusal(read_checkpoint, table(messages))


@settings(max_examples=200, derandomize=True, deadline=None)
@given(helpers_2016.hostile_checkpoints(SMALL))
@pytest.mark.slow
def test_hostile_checkpoints_give_a_network_or_a_one_line_error(content):
    helpers_2016.is_read(content)


@pytest.mark.slow
def test_reading_needs_no_tensorflow(small, tmp_path):
    (tmp_path / "small.tfl").write_bytes(small)
    code = "import sys; from seq2seq_demo.trained_network import load\n"
    code += "assert load(sys.argv[1]).step == 1234\n"
    code += "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "small.tfl")], check=True, env=environment())
