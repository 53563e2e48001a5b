import gzip

import pytest
from helpers import peak_memory

from seq2seq_demo.data.layout import InputFormat
from seq2seq_demo.data.lines import file_blocks
from seq2seq_demo.data.readers import read_file
from seq2seq_demo.errors import InputError

TEXT = "".join(f"{n}\té{n * n}\r\n" for n in range(20_000)).encode()


def content(path):
    return b"".join(file_blocks(str(path)))


def test_a_gzip_file_is_read_whatever_its_name(tmp_path):
    path = tmp_path / "in.tsv"
    path.write_bytes(gzip.compress(TEXT[:70_000]) + gzip.compress(TEXT[70_000:]))  # two members, as `cat a.gz b.gz`
    assert content(path) == TEXT
    for block in file_blocks(str(path)):
        assert block.endswith(b"\n")
    assert None not in read_file(str(path), InputFormat(("characters", "characters")))


def test_a_gzip_pipe(write):
    write(gzip.compress(b"1 2\n3 4\n"))
    write(None)
    assert [row.values for row in read_file("-") if row] == [[1, 2], [3, 4]]


@pytest.mark.parametrize("damage", [lambda x: x[:-100], lambda x: x[:20] + b"\0" + x[21:], lambda x: x[:2]])
def test_a_damaged_gzip_file_is_refused(tmp_path, damage):
    path = tmp_path / "in.gz"
    path.write_bytes(damage(gzip.compress(TEXT)))
    with pytest.raises(InputError, match="expected a complete gzip file: "):
        content(path)


def test_a_gzip_file_that_expands_a_thousandfold_takes_little_memory(tmp_path):
    path = tmp_path / "in.gz"
    path.write_bytes(gzip.compress(b"0" * 2**26) + gzip.compress(b"\n1 2\n"))
    peak, (first, last) = peak_memory(lambda: [row.error or row.values for row in read_file(str(path)) if row])
    assert str(first).endswith("in.gz, line 1: expected a line of at most 4 MiB, got a longer one")
    assert last == [1, 2]
    assert peak < 2**25
