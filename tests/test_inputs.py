import io
import json
from types import SimpleNamespace

import numpy as np
import pytest

from seq2seq_demo import inputs
from seq2seq_demo.errors import InputError
from seq2seq_demo.patterns import find_pattern


def read(path, rows=2, in_len=3, in_max_int=9):
    return [batch.sources.tolist() for batch in inputs.batches(inputs.from_file(str(path)), rows, in_len, in_max_int)]


def test_words():
    assert list(inputs.from_words(["3", "0", "12"])) == [("input", [3, 0, 12], None)]
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
        ('{"input": [1, 2, 3]}\n[4, 5, 6]\n', [[[1, 2, 3], [4, 5, 6]]]),
        ('[{"input": [1, 2, 3], "output": [7]}, [4, 5, 6]]', [[[1, 2, 3], [4, 5, 6]]]),
        ('{\n"input": [1, 2, 3],\n"output": [7]\n}', [[[1, 2, 3]]]),
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
        ("[1, 2, 3, 4]", "expected 3 integers, got 4; for sequences of that length give --in-len 4$"),
        ("[]", "expected 3 integers, got 0$"),
        ("{}", 'line 1: expected {"input": \\[...\\], "output": \\[...\\]}, got no input in {}'),
        ('{"input": [1, 2, 3], "output": 4}', "line 1, output: expected a list of integers, got 4"),
        ('{"input": [1, 2, 3], "output": []}', "line 1, output: expected some integers, got 0"),
        ('{"input": [1, 2, 3], "output": [0.5]}', "line 1, output: expected integers from 0 to 2147483647, got 0.5"),
        ('{"input": 4}', "line 1: expected a list of integers, got 4"),
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
    batches = inputs.batches(inputs.from_file("-"), 5, 3, 9)
    assert np.array([next(batches).sources for _ in range(3)]).tolist() == [[[1, 2, 3]] * 5] * 3
    assert endless.n < 100


def pairs(*rows, pattern=None, **known):
    located = [inputs.Located(f"line {k}", *row) for k, row in enumerate(rows, start=1)]
    return inputs.pairs(located, pattern, **known)


def test_pairs():
    sources, targets = pairs(([1, 2, 300], [4, 5]), ([6, 7, 8], [9, 0]))
    assert sources.tolist() == [[1, 2, 300], [6, 7, 8]]
    assert targets.tolist() == [[4, 5], [9, 0]]
    assert (sources.dtype, targets.dtype) == (np.uint16, np.uint8)


def test_pairs_of_a_pattern():
    running_sum = find_pattern("running_sum")
    _, targets = pairs(([1, 2, 4],), ([4, 4, 4], [4, 3, 2]), pattern=running_sum)  # modulo 5, of the largest symbol
    assert targets.tolist() == [[1, 3, 2], [4, 3, 2]]
    _, targets = pairs(([1, 2, 4],), pattern=running_sum, in_max_int=9, out_max_int=5, out_len=2)
    assert targets.tolist() == [[1, 3]]
    with pytest.raises(InputError, match=r"line 2: expected the output of 'running_sum', \[4, 3, 2\], got \[4, 3, 1\]"):
        pairs(([1, 2, 4],), ([4, 4, 4], [4, 3, 1]), pattern=running_sum)


@pytest.mark.parametrize(
    ("second", "known", "message"),
    [
        (([1, 2], [3, 4]), {}, "line 2: expected 3 integers, got 2$"),
        (([1, 2, 3], [3]), {}, "line 2, output: expected 2 integers, got 1$"),
        (([1, 2, 3],), {}, r"line 2: expected an output too, as in {.*}, or a pattern \(-p\) that makes it"),
        (([1, 2, 3], [4, 9]), {"out_max_int": 8}, "line 2, output: expected integers from 0 to 8, got 9"),
        (([1, 2, 3], [4, 9]), {"in_max_int": 2}, "line 2: expected integers from 0 to 2, got 3"),
        (([1, 2, 3], [4, 9]), {"in_len": 4}, "line 1: expected 4 integers, got 3; for sequences of that length give"),
        (([1, 2, 3], [4, 9]), {"out_len": 3}, "line 1, output: expected 3 integers, got 2"),
        (([1, 2, 2**31], [4, 9]), {}, "line 2: expected integers from 0 to 2147483647, got 2147483648"),
    ],
)
def test_what_is_no_pair(second, known, message):
    with pytest.raises(InputError, match=message):
        pairs(([1, 2, 0], [3, 4]), second, **known)


def test_lines_that_are_typed(monkeypatch):
    lines = iter(["3 1 2", "", "4, 5,6", "[7, 8, 9]", "1 x", "[1", '{"input": [2, 2]}'])

    def typed(prompt):
        assert prompt == "> "
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", typed)
    located = list(inputs.from_terminal())
    values = [row.values for row in located]
    assert values[:3] + values[5:] == [[3, 1, 2], [4, 5, 6], [7, 8, 9], [2, 2]]
    assert str(values[3]) == "line 5, word 2: expected an integer, got 'x'"
    assert str(values[4]).startswith("line 6: expected a JSON list of integers")
