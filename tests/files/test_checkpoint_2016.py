"""The 2016 reader against the 2016 weights, against TensorFlow's own writer, and against damage.

The table format is written out here once more, on purpose.
"""

import random
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from helpers import environment
from helpers_2016 import (
    REFERENCE,
    SMALL,
    add_block,
    assert_equal,
    encode,
    hostile_checkpoints,
    is_read,
    records,
    refusal,
    save,
    table,
    variables_with_moments,
    varint,
)
from hypothesis import given, settings

from seq2seq_demo.errors import WeightsError
from seq2seq_demo.files.checkpoint_2016 import MAGIC, _Reader, crc32c, is_checkpoint, read_checkpoint
from seq2seq_demo.network.names_2016 import from_2016

# ---- Messages of one's own where TensorFlow would not write the like ----


def slices(variables):
    """The SavedTensorSlices of a checkpoint: the list of variables, then each variable."""
    import tensorflow as tf
    from tensorflow.core.util.saved_tensor_slice_pb2 import SavedTensorSlices

    messages = [SavedTensorSlices()]
    messages[0].meta.SetInParent()
    for name, array in sorted(variables.items()):
        dtype = tf.as_dtype(array.dtype)
        meta = messages[0].meta.tensor.add(name=name, type=dtype.as_datatype_enum)
        meta.shape.SetInParent()
        messages.append(SavedTensorSlices())
        data = messages[-1].data
        data.name = name
        data.slice.SetInParent()
        for size in array.shape:
            meta.shape.dim.add(size=size)
            data.slice.extent.add()
        field = {"float32": "float_val", "float64": "double_val", "bool": "bool_val", "int64": "int64_val"}
        getattr(data.data, field.get(dtype.name, "int_val")).extend(array.ravel().tolist())
    return messages


def of_length(tag, data):
    """A protocol buffer's field that holds bytes or a message."""
    return encode([(tag, 2, data)])


def plain_crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


# ---- What TensorFlow writes ----


def test_reference_variables_are_what_tensorflow_reads(reference_2016):
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(reference_2016 / REFERENCE))
    variables = read_checkpoint((reference_2016 / REFERENCE).read_bytes())
    assert sorted(variables) == sorted(reader.get_variable_to_shape_map())
    for name, array in variables.items():
        np.testing.assert_array_equal(array, reader.get_tensor(name), err_msg=name, strict=True)


def test_every_type_and_several_blocks(tmp_path):
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


# ---- The file's other spellings, and what is refused ----


def test_values_as_bytes_one_by_one_or_cut_short():
    v = np.array([[1.5, -2.5, 3.25], [4, 7, 7]], np.float32)
    whole, short, content, unpacked = (slices({"v": v}) for _ in range(4))
    del short[1].data.data.float_val[5:]
    content[1].data.data.ClearField("float_val")
    content[1].data.data.tensor_content = v.tobytes()
    data = b"".join(bytes([5 << 3 | 5]) + number.tobytes() for number in v.ravel())
    unpacked[1] = of_length(2, of_length(1, b"v") + of_length(2, b"\x0a\x00\x0a\x00") + of_length(3, data))
    for messages in (whole, short, content, unpacked):
        assert_equal(read_checkpoint(table(messages)), {"v": v})
    integers = slices({"n": np.array([5, -3, 300], np.int32)})
    data = b"".join(bytes([7 << 3]) + varint(number % 2**64) for number in (5, -3, 300))
    integers[1] = of_length(2, of_length(1, b"n") + of_length(2, b"\x0a\x00") + of_length(3, data))
    assert_equal(read_checkpoint(table(integers)), {"n": np.array([5, -3, 300], np.int32)})


def change_slices(messages, change):
    v = messages[1].data
    match change:
        case "a part of it":
            v.slice.extent[0].length = 1
        case "twice":
            messages.append(messages[1])
        case "a string":
            messages[0].meta.tensor[0].type = 7
        case "too many values":
            v.data.float_val.append(1)
        case "no values":
            v.data.ClearField("float_val")
        case "odd bytes":
            v.data.tensor_content = b"12345"
        case "no data":
            del messages[1]
        case "no list":
            del messages[0]
        case "not listed":
            v.name = "w"
        case "absurd":
            messages[0].meta.tensor[0].shape.dim[0].size = 10**15
        case "negative":
            messages[0].meta.tensor[0].shape.dim[0].size = -2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("a part of it", "expected variable 'v' in one piece"),
        ("twice", "expected variable 'v' in one piece"),
        ("a string", "expected numbers in variable 'v', got TensorFlow's data type 7"),
        ("no data", "missing the values of variable 'v'"),
        ("too many values", "damaged"),
        ("no values", "damaged"),
        ("odd bytes", "damaged"),
        ("no list", "damaged"),
        ("not listed", "damaged"),
        ("absurd", "larger than such a file can hold"),
        ("negative", "damaged"),
    ],
)
def test_slices_that_are_refused(change, message):
    messages = slices({"v": np.array([[1, 2, 3], [4, 5, 6]], np.float32)})
    assert list(read_checkpoint(table(messages))) == ["v"]
    change_slices(messages, change)
    assert message in refusal(read_checkpoint, table(messages))


def test_a_block_is_not_read_again_and_again():
    content, first = add_block(b"", [(b"", slices({})[0].SerializeToString())], 0)
    content, empty = add_block(content, [], 0)
    content, meta = add_block(content, [], 0)
    for handles, fine in ([first, empty], True), ([first, empty, empty], False), ([empty, first], False):
        whole, index = add_block(content, [(b"%d" % k, handle) for k, handle in enumerate(handles)], 0)
        whole += (meta + index).ljust(40, b"\0") + MAGIC
        assert (read_checkpoint(whole) == {}) if fine else ("damaged" in refusal(read_checkpoint, whole))


@pytest.mark.parametrize("nonsense", ["no records", "no list", "a number for a name", "a number of 70 bits"])
def test_records_of_something_else(nonsense):
    number = slices({"n": np.array(5)})
    values = of_length(10, b"\xff" * 9 + b"\x7f")
    messages = {
        "no records": [],
        "no list": number[1:],
        "a number for a name": [of_length(1, of_length(1, b"\x08\x05\x12\x00\x18\x01"))],
        "a number of 70 bits": [number[0], of_length(2, of_length(1, b"n") + of_length(2, b"") + of_length(3, values))],
    }
    assert "damaged" in refusal(read_checkpoint, table(messages[nonsense]))


def test_a_compressed_checkpoint():
    assert "expected an uncompressed checkpoint" in refusal(
        read_checkpoint, table(slices({"v": np.ones(2)}), compression=1)
    )


def test_the_index_of_a_version_2_checkpoint(tmp_path):
    import tensorflow as tf

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.get_variable("v", initializer=tf.ones(3))
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(tmp_path / "v2"))
    assert "index of a V2 one" in refusal(read_checkpoint, (tmp_path / "v2.index").read_bytes())


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


def test_truncated(small):
    offsets = {*range(60), *range(len(small) - 60, len(small)), *random.Random(1).sample(range(len(small)), 200)}
    for offset in sorted(offsets):
        refusal(read_checkpoint, small[:offset])
        if offset < len(small) - 48:
            refusal(read_checkpoint, small[:offset] + small[-48:])  # the end is there, the middle is not


def test_flipped_bytes(small):
    rng, expected, footer = random.Random(2), read_checkpoint(small), len(small) - 48
    positions = {*rng.sample(range(len(small)), 300), *range(footer - 60, len(small))}  # index and meta, all of them
    for position in sorted(positions):
        damaged = bytearray(small)
        damaged[position] ^= rng.randrange(1, 256)
        try:
            assert_equal(read_checkpoint(bytes(damaged)), expected)
        except WeightsError:
            continue
        assert footer < position < len(small) - 8, "only the padding of the footer is of no use"


def test_random_bytes():
    rng = random.Random(3)
    for size in (0, 1, 8, 40, 48, 100, 1000, 20000):
        for _ in range(10):
            refusal(read_checkpoint, rng.randbytes(size))
            refusal(read_checkpoint, rng.randbytes(size) + MAGIC)
            refusal(read_checkpoint, bytes(size) + MAGIC)


def test_nonsense_with_right_checksums():
    """What no checksum catches must not be another error either."""
    rng = random.Random(4)
    _, _, variables = variables_with_moments(SMALL)
    whole = [message.SerializeToString() for message in slices(variables)]
    refused = 0
    for _ in range(500):
        damaged = list(whole)
        k = rng.choice([0, rng.randrange(len(whole))])
        record = bytearray(damaged[k])
        for _ in range(rng.randrange(1, 4)):
            record[rng.randrange(len(record))] = rng.randrange(256)
        damaged[k] = bytes(record[: rng.choice([len(record), rng.randrange(len(record))])])
        try:
            from_2016(read_checkpoint(table(damaged, per_block=1000)))
        except WeightsError as error:
            refused += "\n" not in str(error)
    assert refused > 350


# ---- Malice: checksums are right, and a few bytes claim much ----

ONE = np.float32(1).tobytes()


def listed(name=b"v", dims=(1,), dtype=1, *others):
    """A SavedSliceMeta, in a list of variables."""
    axes = [(2, 2, [(1, 0, dim)] if isinstance(dim, int) else dim) for dim in dims]
    return (1, 2, [(1, 2, name), (2, 2, axes), (3, 0, dtype), *others])


def saved(name=b"v", values=((5, 2, ONE),), extents=()):
    """A SavedSlice."""
    return [(2, 2, [(1, 2, name), (2, 2, [*extents]), (3, 2, [*values])])]


def claims(*metas, dtype=1, values=((5, 2, ONE),)):
    """A table of these variables, each with one value."""
    variables = [listed(b"v%d" % k, meta, dtype) for k, meta in enumerate(metas)]
    return table([[(1, 2, variables)], *(saved(b"v%d" % k, values) for k in range(len(metas)))])


def test_tables_of_our_own_are_read():
    assert_equal(read_checkpoint(claims([1], [2, 1])), {"v0": np.ones(1, "f4"), "v1": np.ones((2, 1), "f4")})
    _, _, variables = variables_with_moments(SMALL)
    variables = {name: np.asarray(variables[name]) for name in sorted(variables)} | {"x": np.arange(-1, 200)}
    assert_equal(read_checkpoint(table(records(variables))), variables)


@pytest.mark.parametrize(
    "dims",
    [
        [1] * 9,
        [2**40] * 10_000,
        [0],
        [0, 10**18],
        [2**63, 2**63],
        [2**64 - 1],
        [2**64 + 1],
        [[(1, 2, b"1")]],
        [[(1, 5, b"1\0\0\0")]],
        [[(1, 1, b"1" * 8)]],
        [[]],
        [[(1, 0, 1), (1, 0, 1)]],
    ],
    ids=str,
)
def test_dimensions_that_are_none(dims):
    assert "damaged checkpoint: expected SavedTensorSlices" in refusal(read_checkpoint, claims(dims))


def test_a_dimension_of_bytes_does_not_cancel_the_bound():
    """int(b"-134217728") is an integer, and a sum with it is small."""
    content = claims([2**27], [[(1, 2, b"-134217728")]])
    tracemalloc.start()
    try:
        assert "damaged" in refusal(read_checkpoint, content)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_what_is_left_out_is_bounded_in_sum():
    """Bools, which take least memory."""
    for most in ([2**24], [2**12, 1, 2**12]):
        size = len(claims(most, [300], dtype=10, values=[(11, 0, 1)]))
        fits, larger = (claims(most, [rest], dtype=10, values=[(11, 0, 1)]) for rest in (size, size + 1))
        assert len(fits) == size
        assert [array.sum() for array in read_checkpoint(fits).values()] == [2**24, size]
        assert "larger than such a file can hold" in refusal(read_checkpoint, larger)


@pytest.mark.parametrize(
    "messages",
    {
        "a name of fixed size": [[(1, 2, [listed()])], [(2, 2, [(1, 1, b"v" * 8), *saved()[0][2][1:]])]],
        "a name listed with a fixed size": [[(1, 2, [(1, 2, [(1, 5, b"vvvv"), *listed()[2][1:]])])], *[saved(b"vvvv")]],
        "a name in latin-1": [[(1, 2, [listed(b"\xe9")])], saved(b"\xe9")],
        "a long name": [[(1, 2, [listed(b"v" * 2000, [1], 7)])], saved(b"v" * 2000)],
        "two names": [[(1, 2, [listed(b"v", [1], 1, (1, 2, b"v"))])], saved()],
        "the same name twice": [[(1, 2, [listed(), listed()])], saved()],
        "a type of bytes": [[(1, 2, [(1, 2, [*listed()[2][:2], (3, 2, b"\1")])])], saved()],
        "two lists": [[(1, 2, [listed()]), (1, 2, [])], saved()],
        "values of two forms": [[(1, 2, [listed(b"v", [2])])], saved(b"v", [(5, 2, ONE), (5, 5, ONE)])],
        "values of another size": [[(1, 2, [listed(b"v", [2])])], saved(b"v", [(5, 1, ONE * 2)])],
        "integers for floats": [[(1, 2, [listed()])], saved(b"v", [(5, 0, 1)])],
        "a record without a field": [[(1, 2, [listed()])], saved(), []],
    }.items(),
    ids=lambda item: item[0],
)
def test_fields_that_are_not_right(messages):
    message = refusal(read_checkpoint, table(messages[1]))
    assert message == "damaged checkpoint: expected SavedTensorSlices, got something else"


def test_names_are_shown_as_one_line():
    name = "\n\x1b[2Jé"
    for messages in [
        [[(1, 2, [listed(name.encode(), [1], 7)])], saved(name.encode())],
        [[(1, 2, [listed(name.encode())])]],
        [[(1, 2, [listed(name.encode())])], saved(name.encode(), extents=[(1, 2, [(1, 0, 1)])])],
    ]:
        assert repr(name) in refusal(read_checkpoint, table(messages))


def test_unknown_fields_are_skipped():
    unknown = [(number, 0, 1) for number in range(100, 20_000)]
    content = table([[(1, 2, [listed()])], saved() + unknown])
    tracemalloc.start()
    try:
        assert list(read_checkpoint(content)) == ["v"]
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@settings(max_examples=200, derandomize=True, deadline=None)
@given(hostile_checkpoints(SMALL))
def test_hostile_checkpoints_give_a_network_or_a_line(content):
    is_read(content)


@pytest.mark.slow
def test_reading_needs_no_tensorflow(small, tmp_path):
    (tmp_path / "small.tfl").write_bytes(small)
    code = "import sys; from seq2seq_demo.trained_network import load\n"
    code += "assert load(sys.argv[1]).step == 1234\n"
    code += "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "small.tfl")], check=True, env=environment())


def test_an_integer_of_more_than_ten_bytes():
    with pytest.raises(ValueError, match="an integer of more than ten bytes"):
        _Reader(b"\xff" * 11).varint()
