import io
import json
from types import SimpleNamespace

import numpy as np
import pytest

from seq2seq_demo import inputs
from seq2seq_demo.errors import InputError


def read(path, rows=2, in_len=3, in_max_int=9):
    return [batch.tolist() for batch in inputs.batches(inputs.from_file(str(path)), rows, in_len, in_max_int)]


def test_words():
    assert list(inputs.from_words(["3", "0", "12"])) == [("input", [3, 0, 12])]
    for word in ("1.5", "abc", "1e3", "1_0", ""):
        with pytest.raises(InputError, match=f"input 2: expected an integer, got '{word}'"):
            list(inputs.from_words(["3", word]))


@pytest.mark.parametrize(
    ("text", "batches"),
    [
        ("[1, 2, 3]", [[[1, 2, 3]]]),
        ("[[1, 2, 3], [4, 5, 6], [7, 8, 9]]", [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9]]]),
        ("[1, 2, 3]\n[4, 5, 6]\n\n[7, 8, 9]\n", [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9]]]),
        ("\n\ufeff[1,\n2,\n3\n]\n".lstrip("\n"), [[[1, 2, 3]]]),
        ("[\n  [1, 2, 3],\n  [4, 5, 6]\n]\n", [[[1, 2, 3], [4, 5, 6]]]),
        ("\ufeff[1, 2, 3]\r\n[4, 5, 6]\r\n", [[[1, 2, 3], [4, 5, 6]]]),
    ],
)
def test_every_form_of_a_file(tmp_path, text, batches):
    (tmp_path / "in.json").write_text(text, encoding="utf-8")
    assert read(tmp_path / "in.json") == batches


def test_the_first_sequence_may_set_the_length(tmp_path):
    (tmp_path / "in.jsonl").write_text("[1, 2]\n[3, 4]\n[5]\n")
    with pytest.raises(InputError, match="line 3: expected 2 integers, got 1"):
        read(tmp_path / "in.jsonl", in_len=None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a JSON list of integers, found nothing"),
        ("[1, 2", "expected a JSON list of integers"),
        ("[" * 100_000, "expected a JSON list of integers"),
        ('["a", 2, 3]', 'expected integers from 0 to 9, got "a"'),
        ("[true, 2, 3]", "got true"),
        ("[1, null, 3]", "got null"),
        ("[1, NaN, 3]", "got NaN"),
        ("[1, 2.0, 3]", "got 2.0"),
        ("[1, 2, 10]", "from 0 to 9, got 10"),
        ("[1, -1, 2]", "from 0 to 9, got -1"),
        ("[1, 2, 1" + "0" * 5000 + "]", "expected"),
        ("[1, 2, 3, 4]", "expected 3 integers, got 4; for sequences of that length give --in-len 4 --out-len 4"),
        ("[]", "expected 3 integers, got 0$"),
        ("{}", "expected a list of integers, got {}"),
        ('"123"', 'expected a list of integers, got "123"'),
        ("[[1, 2, 3], [1, 2]]", "sequence 1: expected 3 integers, got 2"),
        ("[[1, 2, 3], 4]", "expected"),
        ("[1, 2, 3]\n[1, 2\n", "line 2: expected a JSON list of integers"),
        ("[1, 2, 3] [4, 5, 6]", "expected a JSON list of integers"),
    ],
)
def test_what_is_wrong_and_where(tmp_path, text, message):
    (tmp_path / "in.json").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read(tmp_path / "in.json")
    assert str(tmp_path / "in.json") in str(error.value)
    assert len(str(error.value)) < 400


def test_not_utf_8(tmp_path):
    (tmp_path / "in.jsonl").write_bytes(b"[1, 2, 3]\n[1, \xff]\n")
    with pytest.raises(InputError, match="line 2: expected UTF-8, got byte 0xff"):
        read(tmp_path / "in.jsonl")


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read(tmp_path / "none.json")
    with pytest.raises(InputError, match="Is a directory"):
        read(tmp_path)


def test_good_sequences_come_before_the_error_of_a_bad_one(tmp_path):
    lines = [json.dumps([k % 10] * 3) for k in range(1000)]
    lines[700] = "[1, 2]"
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    batches = inputs.batches(inputs.from_file(str(tmp_path / "in.jsonl")), 64, 3, 9)
    got = []
    with pytest.raises(InputError, match="line 701"):
        for batch in batches:
            got.extend(batch.tolist())
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
    batches = inputs.batches(inputs.from_file("-"), 5, 3, 9)
    assert np.array([next(batches) for _ in range(3)]).tolist() == [[[1, 2, 3]] * 5] * 3
    assert endless.n < 100
