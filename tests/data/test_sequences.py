import io
import json
import os
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from seq2seq_demo.data.own_pairs import LENGTH_HINT
from seq2seq_demo.data.sequences import (
    Located,
    Place,
    batches,
    from_file,
    from_terminal,
    from_words,
    source_rows,
)
from seq2seq_demo.errors import InputError

UNREADABLE = "expected a JSON list of integers, or integers alone"


def read(path, rows=2, in_len=3, in_max_int=9):
    sequences = batches(from_file(str(path)), rows, in_len, in_max_int, hint=LENGTH_HINT)
    return [batch.sources.tolist() for batch in sequences]


@pytest.mark.parametrize(
    "words", [["3", "0", "12"], ["3,0,12"], ["3,", "0", ",12"], ["[3,", "0,", "12]"], ["[3,0,12]"]]
)
def test_a_sequence_typed_in_any_form(words):
    assert from_words(words).values == [3, 0, 12]


def test_words():
    assert from_words(["3", "0", "12"]) == (Place("input"), [3, 0, 12], None, None, False)
    for word in ("1.5", "abc", "1e3", "1_0", ""):
        assert str(from_words(["3", word]).values) == f"input 2: expected an integer, got {word!r}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1, 2, 3]", [[[1, 2, 3]]]),
        ("[[1, 2, 3], [4, 5, 6], [7, 8, 9]]", [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9]]]),
        ("[1, 2, 3]\n[4, 5, 6]\n\n[7, 8, 9]\n", [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9]]]),
        ("\n\ufeff[1,\n2,\n3\n]\n".lstrip("\n"), [[[1, 2, 3]]]),
        ("[\n  [1, 2, 3],\n  [4, 5, 6]\n]\n", [[[1, 2, 3], [4, 5, 6]]]),
        ("\ufeff[1, 2, 3]\r\n[4, 5, 6]\r\n", [[[1, 2, 3], [4, 5, 6]]]),
        ('{"input": [1, 2, 3]}\n[4, 5, 6]\n', [[[1, 2, 3], [4, 5, 6]]]),
        ('[{"input": [1, 2, 3], "output": [7]}, [4, 5, 6]]', [[[1, 2, 3], [4, 5, 6]]]),
        ('{\n"input": [1, 2, 3],\n"output": [7]\n}', [[[1, 2, 3]]]),
    ],
)
def test_every_form_of_a_file(tmp_path, text, expected):
    (tmp_path / "in.json").write_text(text, encoding="utf-8")
    assert read(tmp_path / "in.json") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 2 3", [[[1, 2, 3]]]),
        ("1 2 3\n4,5,6\n\n  7, 8 9\t\n", [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9]]]),
        ("\ufeff1 2 3\r\n4 5 6\r\n", [[[1, 2, 3], [4, 5, 6]]]),
        ('1 2 3\n[4, 5, 6]\n{"input": [7, 8, 9]}\n', [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9]]]),
        ("[1, 2, 3]\n4 5 6\n", [[[1, 2, 3], [4, 5, 6]]]),
        ("007 +8 9", [[[7, 8, 9]]]),
    ],
)
@pytest.mark.parametrize("name", ["in.txt", "in.json", "in.jsonl"])
def test_lines_of_plain_integers(tmp_path, text, expected, name):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read(tmp_path / name) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 x\n", "line 1, word 3: expected an integer, got 'x'$"),
        ("1 2 3\n\n4 5.0 6\n", "line 3, word 2: expected an integer, got '5.0'$"),
        ("1 2 3\n4,null,6\n", "line 2, word 2: expected an integer, got 'null'$"),
        ("1 2 3\n4 1_0 6\n", "line 2, word 2: expected an integer, got '1_0'$"),
        ("1 2 3\n4; 5; 6\n", "line 2, word 1: expected an integer, got '4;'$"),
        ("1 2 3\n4 5 6]\n", r"line 2, word 3: expected an integer, got '6\]'$"),
        ("1 2 3\n4 " + "y" * 1000, "line 2, word 2: expected an integer, got 'y{40}'$"),
        ("1 2 3\n4 5 10\n", "line 2: expected integers from 0 to 9, got 10$"),
        ("1 2 3\n4 -5 6\n", "line 2: expected integers from 0 to 9, got -5$"),
        ("1 2 3\n4 5\n", "line 2: expected 3 integers, got 2; for sequences of that length give --in-len 2$"),
        ("1 2 3\n,\n", "line 2: expected 3 integers, got none$"),
        ("1 2 3\n[4, 5\n", f"line 2: {UNREADABLE}: "),
        ("1 2 " + "9" * 5000, "line 1, word 3: expected an integer, got '9{40}'$"),
    ],
)
def test_what_is_wrong_in_a_line_of_plain_integers(tmp_path, text, message):
    (tmp_path / "in.txt").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read(tmp_path / "in.txt", rows=1000)
    assert str(error.value).startswith(str(tmp_path / "in.txt"))
    assert len(str(error.value)) < 400


def test_the_lines_after_a_bad_one_are_read(tmp_path):
    (tmp_path / "in.txt").write_text("1 2 3\nx 5 6\n[7\n7 8 9\n")
    skipped = []
    sequences = batches(from_file(str(tmp_path / "in.txt")), 10, 3, 9, skip=skipped.append)
    assert [batch.sources.tolist() for batch in sequences] == [[[1, 2, 3], [7, 8, 9]]]
    assert [str(error).removeprefix(f"{tmp_path}/")[:14] for error in skipped] == ["in.txt, line 2", "in.txt, line 3"]


def test_what_stands_beside_an_input_is_carried(tmp_path):
    lines = [
        '{"input": [1, 2, 3], "id": "a"}',
        '{"id": {"row": [7]}, "input": [4, 5, 6], "output": [7]}',
        '{"input": [1, 2, 3], "id": 0}',
        '{"input": [1, 2, 3], "id": null}',
        "[1, 2, 3]",
        "1 2 3",
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    (tmp_path / "in.json").write_text(f"[{', '.join(lines[:5])}]")
    ids, outputs = ["a", {"row": [7]}, 0, None, None, None], [None, [7], None, None, None, None]
    for name, kind, first, n in (("in.jsonl", "line", 1, 6), ("in.json", "sequence", 0, 5)):
        located = [row for batch in batches(from_file(str(tmp_path / name)), 2, 3, 9) for row in batch.rows]
        assert [row.id for row in located] == ids[:n]
        assert [row.has_id for row in located] == [True, True, True, True, False, False][:n]
        assert [row.output for row in located] == outputs[:n]
        assert [row.place for row in located] == [(str(tmp_path / name), kind, first + k) for k in range(n)]


def test_the_first_sequence_may_set_the_length(tmp_path):
    (tmp_path / "in.jsonl").write_text("[1, 2]\n[3, 4]\n[5]\n")
    with pytest.raises(InputError, match="line 3: expected 2 integers, got 1"):
        read(tmp_path / "in.jsonl", in_len=None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"{UNREADABLE}, found nothing"),
        ("[1, 2", UNREADABLE),
        ("[" * 100_000, UNREADABLE),
        ('["a", 2, 3]', 'expected integers from 0 to 9, got "a"'),
        ("[true, 2, 3]", "got true"),
        ("[1, null, 3]", "got null"),
        ("[1, NaN, 3]", "got NaN"),
        ("[1, 2.0, 3]", "got 2.0"),
        ("[1, 2, 10]", "from 0 to 9, got 10"),
        ("[1, -1, 2]", "from 0 to 9, got -1"),
        ("[1, 2, 1" + "0" * 5000 + "]", "expected"),
        ("[1, 2, 3, 4]", "expected 3 integers, got 4; for sequences of that length give --in-len 4$"),
        ("[]", "expected 3 integers, got none$"),
        ("{}", r'line 1: expected {"input": \[...\]}, got no input in {}'),
        ('{"input": [1, 2, 3], "output": 4}', "line 1, output: expected a list of integers, got 4"),
        ('{"input": [1, 2, 3], "output": []}', "line 1, output: expected some integers, got none"),
        ('{"input": [1, 2, 3], "output": [0.5]}', "line 1, output: expected integers from 0 to 2147483647, got 0.5"),
        ('{"input": 4}', "line 1: expected a list of integers, got 4"),
        ('"123"', 'expected a list of integers, got "123"'),
        ("[[1, 2, 3], [1, 2]]", "sequence 1: expected 3 integers, got 2"),
        ("[[1, 2, 3], 4]", "expected"),
        ("[1, 2, 3]\n[1, 2\n", f"line 2: {UNREADABLE}"),
        ("[1, 2, 3] [4, 5, 6]", UNREADABLE),
        ('{"input": [1, 2, 3], "outputs": [4]}', 'line 1: expected the keys input, output, id, got "outputs"$'),
        ('{"inputs": [1, 2, 3]}', 'line 1: expected the keys input, output, id, got "inputs"$'),
        ('{"input": [1], "input": [2]}', 'line 1: expected the keys input, output, id once each, got "input" twice$'),
        ('{"input": [1], "id": 1, "id": 2}', 'line 1: expected the keys input, output, id once each, got "id" twice$'),
        ('[[1, 2, 3], {"input": [1], "input": [2]}]', 'sequence 1: expected the keys .* once each, got "input" twice$'),
        ('[[1, 2, 3], {"input": [1], "Id": 2}]', 'sequence 1: expected the keys input, output, id, got "Id"$'),
        ('{"input": [1, 2, 3],\n"input": [2]}', r'in.json: expected the keys .* once each, got "input" twice$'),
        ('{"input": [1, 2, 3], "id": {"a": 1, "a": 2}}', 'line 1, id: expected each key once, got "a" twice$'),
        ('{"input": [1, 2, 3], "id": [[{"\\ud800\\n": 1, "\\ud800\\n": 2}]]}', r'once, got "\\ud800\\n" twice$'),
        ('{"input": {"input": [1], "input": [2]}}', 'line 1: expected a list of integers, got {"input": '),
        ('{"input": [1, 2, 3], "id": NaN}', "line 1, id: expected JSON, got NaN$"),
        ('{"input": [1, 2, 3], "id": [1e999]}', "line 1, id: expected JSON, got Infinity$"),
        ('{"input": [1, 2, 3], "id": ' + "[" * 200 + "]" * 200 + "}", "line 1, id: expected lists nested at most 100"),
        ("[1, [2, 3]]", r"in.json: expected integers from 0 to 9, got \[2, 3\]$"),
        ("[[1, 2], 3]", r"in.json: expected integers from 0 to 9, got \[1, 2\]$"),
        ('{"input": [[1, 2], [3, 4]]}', "line 1: expected a list of integers, got a list of lists$"),
        ('{"input": [[1, 2], 3]}', r"line 1: expected integers from 0 to 9, got \[1, 2\]$"),
        ("[1, 2.5]", "line 1: expected integers from 0 to 9, got 2.5$"),
        ("[1, 99]", "line 1: expected integers from 0 to 9, got 99$"),  # --in-len 2 would not help
        ("[1, -Infinity]", "line 1: expected integers from 0 to 9, got -Infinity$"),
        ("\ufeff", f"in.json: {UNREADABLE}, found nothing$"),
        ("\ufeff \n\n", f"in.json: {UNREADABLE}, found nothing$"),
        ("[1, \0, 3]", f"in.json: {UNREADABLE}: "),
        ("1 2\0 3", r"line 1, word 2: expected an integer, got '2\\x00'$"),
        ("[" * 900 + "]" * 900, "in.json, sequence 0: expected a list of integers, got a list of lists"),
    ],
)
def test_what_is_wrong_and_where(tmp_path, text, message):
    (tmp_path / "in.json").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read(tmp_path / "in.json")
    assert str(tmp_path / "in.json") in str(error.value)
    assert len(str(error.value)) < 400
    assert "\n" not in str(error.value)


def test_not_utf_8(tmp_path):
    (tmp_path / "in.jsonl").write_bytes(b"[1, 2, 3]\n[1, \xff]\n")
    with pytest.raises(InputError, match="line 2: expected UTF-8, got byte 0xff"):
        read(tmp_path / "in.jsonl")
    for rest in (b"\xbb\n", b"\xef\xbb\n", b"\xbf"):  # parts of a byte order mark
        (tmp_path / "in.txt").write_bytes(b"1 2 3\n" + rest)
        with pytest.raises(InputError, match=f"line 2: expected UTF-8, got byte 0x{rest[0]:x}"):
            read(tmp_path / "in.txt")


@pytest.fixture
def short(monkeypatch):
    """Lines of 100 bytes at most, and documents of 1000, are read."""
    monkeypatch.setattr("seq2seq_demo.data.sequences.MAX_LINE", 100)
    monkeypatch.setattr("seq2seq_demo.data.sequences.MAX_DOCUMENT", 1000)
    monkeypatch.setattr("seq2seq_demo.data.sequences.CHUNK", 64)


@pytest.mark.parametrize("long", ["1 2 3" + " " * 300, "[1, 2, 3" + " " * 300 + "]", "x" * 101, "\0" * 1000, " " * 300])
@pytest.mark.parametrize("end", ["", "\n", "\n7 8 9\n"])
def test_a_line_that_is_too_long_is_skipped_to_its_end(tmp_path, short, long, end):
    (tmp_path / "in.jsonl").write_text("1 2 3" + " " * 94 + "\n\n" + long + end)
    skipped = []
    got = batches(from_file(str(tmp_path / "in.jsonl")), 10, 3, 9, skip=skipped.append)
    assert [batch.sources.tolist() for batch in got] == [[[1, 2, 3], *[[7, 8, 9]] * ("7" in end)]]
    message = f"{tmp_path}/in.jsonl, line 3: expected a line of at most 0 MiB, got a longer one"
    assert list(map(str, skipped)) == [message]


def test_a_first_line_that_is_too_long(tmp_path, short):
    for line in (b"\0" * 200, b" " * 200, b"1 " * 200):
        (tmp_path / "in").write_bytes(b"\n" + line)
        with pytest.raises(InputError, match="in, line 2: expected a line of at most"):
            read(tmp_path / "in")


def test_a_document_may_be_longer_than_a_line(tmp_path, short):
    rows = [[1, 2, 3]] * 50
    for indent in (None, 0):
        (tmp_path / "in.json").write_text(f"\n{json.dumps(rows, indent=indent)}")
        assert read(tmp_path / "in.json", rows=100) == [rows]
    for indent in (None, 0):
        (tmp_path / "in.json").write_text(json.dumps(rows * 3, indent=indent))
        message = "in.json: expected a JSON document of at most 0 MiB, or one sequence a line, of any number, got more$"
        with pytest.raises(InputError, match=message):
            read(tmp_path / "in.json")
    (tmp_path / "in.json").write_text("[1, 2, 3]\n" * 500)
    assert len(read(tmp_path / "in.json", rows=1)) == 500


@pytest.mark.parametrize("beginning", [b"", b"1 2 3\n", b"[1, 2, 3]\n"])
def test_a_line_without_an_end(monkeypatch, short, beginning):
    class Endless(io.RawIOBase):
        read = 0

        def readable(self):
            return True

        def readinto(self, buffer):
            text = beginning if not self.read else b"\0" * 8
            self.read += 1
            buffer[: len(text or b"\0")] = text or b"\0"
            return len(text or b"\0")

    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BufferedReader(endless := Endless(), 64)))
    got = batches(from_file("-"), 5, 3, 9)
    if beginning:
        assert next(got).sources.tolist() == [[1, 2, 3]]
    line = 2 if beginning else 1
    with pytest.raises(InputError, match=f"standard input, line {line}: expected a line of at most"):
        next(got)
    assert endless.read < 100


@pytest.mark.slow
def test_a_device_that_never_ends(shell):
    done = shell("predict", "--from-file", "/dev/zero", "1", cwd="/")
    assert done.returncode == 2
    done = shell("predict", "--from-file", "/dev/zero")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "seq2seq-demo: error: /dev/zero, line 1: expected a line of at most 4 MiB, got a longer one\n"


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read(tmp_path / "none.json")
    with pytest.raises(InputError, match="Is a directory"):
        read(tmp_path)


def test_good_sequences_come_before_the_error_of_a_bad_one(tmp_path):
    lines = [json.dumps([k % 10] * 3) for k in range(1000)]
    lines[700] = "[1, 2]"
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    got = []
    with pytest.raises(InputError, match="line 701"):
        for batch in batches(from_file(str(tmp_path / "in.jsonl")), 64, 3, 9):
            got.extend(batch.sources.tolist())
    assert got == [[k % 10] * 3 for k in range(700)]


def test_standard_input_is_read_as_it_is_needed(monkeypatch):
    class Endless(io.RawIOBase):
        def __init__(self):
            self.n = 0

        def readable(self):
            return True

        def readinto(self, buffer):
            self.n += 1
            buffer[:8] = b"[1,2,3]\n"
            return 8

    stream = io.BufferedReader(endless := Endless(), 64)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=stream))
    endless_batches = batches(from_file("-"), 5, 3, 9)
    assert np.array([next(endless_batches).sources for _ in range(3)]).tolist() == [[[1, 2, 3]] * 5] * 3
    assert endless.n < 100


@pytest.fixture
def write(monkeypatch):
    """Standard input is a pipe: a function that writes to it, or with None closes it."""
    reading, writing = os.pipe()
    with open(reading, "rb") as stdin, open(writing, "wb", buffering=0) as pipe:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=stdin))
        yield lambda text: pipe.close() if text is None else pipe.write(text)


def test_a_pipe_in_which_no_more_is_waiting(write):
    located = from_file("-")
    place = Place("standard input", "line", 1)
    write(b"1 2 3\n")
    assert next(located) == Located(place, [1, 2, 3])
    assert next(located) is None
    write(b'[4, 5]\n\n{"input": [6], "id": 1}\n7 ')
    assert next(located) == Located(place._replace(number=2), [4, 5])
    assert next(located) == Located(place._replace(number=4), [6], id=1, has_id=True)
    assert next(located) is None
    write(b"8")  # a line that is not over
    assert next(located) is None
    write(b"9 10\n11")
    assert next(located) == Located(place._replace(number=5), [7, 89, 10])
    assert next(located) is None
    write(None)
    assert list(located) == [Located(place._replace(number=6), [11])]


def test_batches_of_a_pipe_in_which_no_more_is_waiting(write):
    rows = batches(from_file("-"), 2, None, 9)
    write(b"1 2\n3 4\n5 6\n")
    assert next(rows).sources.tolist() == [[1, 2], [3, 4]]
    assert next(rows).sources.tolist() == [[5, 6]]  # it does not wait for another
    assert next(rows) is None
    write(b"7 8\n9 0\n")
    assert next(rows).sources.tolist() == [[7, 8], [9, 0]]
    assert next(rows) is None
    write(b"1")
    assert next(rows) is None
    write(b" 1\n1 2 3\n")
    assert next(rows).sources.tolist() == [[1, 1]]
    with pytest.raises(InputError, match="standard input, line 7: expected 2 integers, got 3"):
        next(rows)


def test_a_pipe_that_holds_one_document(write):
    write(b"[\n[1, 2],\n")
    located = from_file("-")
    write(b"[3, 4]\n]\n")
    write(None)
    assert [row.values for row in located if row] == [[1, 2], [3, 4]]


def test_a_file_is_never_waited_for(tmp_path):
    (tmp_path / "in.txt").write_text("1 2 3\n" * 50_000)  # more than is read at once
    assert None not in list(from_file(str(tmp_path / "in.txt")))


def test_a_closed_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(InputError, match="standard input: expected sequences, but it is closed"):
        next(from_file("-"))


def test_sources_of_a_caller():
    assert source_rows([[1, 2], (3,), np.array([4, 5], np.uint8)], 9) == [[1, 2], [3], [4, 5]]
    assert source_rows(np.array([[1, 2], [3, 4]]), 9) == [[1, 2], [3, 4]]
    for sources, message in [
        ("12", 'expected a list of sources, each a list of integers, got "12"'),
        ([[1], 2], "sources, row 1: expected a list of integers, got 2"),
        ([[1], []], "sources, row 1: expected some integers, got none"),
        ([[1], [2, 10]], "sources, row 1: expected integers from 0 to 9, got 10"),
        ([[1.0]], "sources, row 0: expected integers from 0 to 9, got 1.0"),
        (np.array([[True]]), "sources, row 0: expected integers from 0 to 9, got true"),
        (np.ma.array([[1]]), "expected a list of sources, each a list of integers, got masked_array"),
        (np.array([[1]], "m8[ns]"), "expected a list of sources, each a list of integers, got array"),
        ([np.array([1], "M8[ns]")], "sources, row 0: expected a list of integers, got array"),
        ([[np.timedelta64(1, "ns")]], "sources, row 0: expected integers from 0 to 9, got np.timedelta64"),
        (np.array(1), "expected a list of sources, each a list of integers, got array"),
        ([1, 2], r"sources, row 0: expected a list of integers, got 1; a source alone is written \[\[1, 2\]\]"),
    ]:
        with pytest.raises(InputError, match=message) as error:
            source_rows(sources, 9)
        assert "\n" not in str(error.value)


def test_lines_that_are_typed(monkeypatch):
    lines = iter(["3 1 2", "", "4, 5,6", "[7, 8, 9]", "1 x", "[1", '{"input": [2, 2]}'])

    def typed(prompt):
        assert prompt == "> "
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", typed)
    located = list(from_terminal())
    values = [row.values for row in located]
    assert values[:3] + values[5:] == [[3, 1, 2], [4, 5, 6], [7, 8, 9], [2, 2]]
    assert str(values[3]) == "line 5, word 2: expected an integer, got 'x'"
    assert str(values[4]).startswith(f"line 6: {UNREADABLE}")


def test_good_sequences_come_before_an_error_of_the_reader():
    def rows():
        yield Located(Place("", "line", 1), [1, 2])
        raise InputError("the disk is gone")

    got = batches(rows(), 10, 2, 9)
    assert next(got).sources.tolist() == [[1, 2]]
    with pytest.raises(InputError, match="the disk is gone"):
        next(got)


def test_a_fifo(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    writer = threading.Thread(target=(tmp_path / "fifo").write_text, args=("1 2 3\n[4, 5, 6]\n",))
    writer.start()
    got = [row.values for row in from_file(str(tmp_path / "fifo")) if row]
    writer.join()
    assert got == [[1, 2, 3], [4, 5, 6]]
