import gzip
import json
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from seq2seq_demo.data import lines, readers
from seq2seq_demo.data.encoder import Encoder, batches, valid_records
from seq2seq_demo.data.layout import InputFormat
from seq2seq_demo.data.readers import read_file, read_pairs, read_terminal, read_words
from seq2seq_demo.data.records import TEXT_HINT, Place, Record
from seq2seq_demo.errors import InputError, UsageError

UNREADABLE = "expected a JSON list of integers, or integers alone"

NOT_JSON = "expected a JSON list of integers"
NO_DOCUMENT = r"expected a JSON list of integers, or a list of these \(one per line needs the suffix .jsonl\)"

COLUMNS = "; select two columns with `columns`, as in `columns` 1,2"


def values_of(batch):
    return [row.values for row in batch]


def read_batches(path, rows=2, in_len=3, skip=None):
    """Return batches of a file's sequences, all of one length."""
    encoder = Encoder(in_max_int=9, equal_lengths=True, in_len=in_len)
    return batches(valid_records(encoder.encode_all(read_file(str(path))), skip), rows)


def read(path, rows=2, in_len=3):
    return [values_of(batch) for batch in read_batches(path, rows, in_len)]


def test_command_line_words():
    for line in ("3 0 12", "3,0,12", "3, 0 ,12", "[3, 0, 12]", "[3,0,12]"):
        assert read_words(line.split()) == Record(Place("input"), [3, 0, 12])
    for word in ("1.5", "abc", "1e3", "1_0", ""):
        assert str(read_words(["3", word]).error) == f"input 2: expected an integer, got {word!r}"
    for word in ("1.5", "1e3"):
        assert str(read_words([word]).error) == f"input 1: expected an integer, got {word!r}"
    assert str(read_words(["hello", "3"]).error) == f"input 1: expected an integer, got 'hello'{TEXT_HINT}"


ROWS = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
TEXT, JSON, LINES = ("in.txt", "in.tsv", "in"), ("in.json",), ("in.txt", "in.jsonl")


@pytest.mark.parametrize(
    ("n", "names", "text"),
    [
        (1, (*JSON, *LINES), "[1, 2, 3]"),
        (1, JSON, "\ufeff[1,\n2,\n3\n]\n"),
        (1, JSON, '{\n"input": [1, 2, 3],\n"output": [7]\n}'),
        (2, JSON, "[\n  [1, 2, 3],\n  [4, 5, 6]\n]\n"),
        (2, LINES, "\ufeff[1, 2, 3]\r\n[4, 5, 6]\r\n"),
        (2, LINES, '{"input": [1, 2, 3]}\n[4, 5, 6]\n'),
        (2, JSON, '[{"input": [1, 2, 3], "output": [7]}, [4, 5, 6]]'),
        (3, LINES, "[1, 2, 3]\n[4, 5, 6]\n\n[7, 8, 9]\n"),
        (3, TEXT, "1 2 3\n4,5,6\n\n  7, 8 9 \n"),
        (3, TEXT, '1 2 3\n[4, 5, 6]\n{"input": [7, 8, 9]}\n'),
    ],
)
def test_every_file_format_of_integers(tmp_path, n, names, text):
    for name in names:
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert read(tmp_path / name, rows=3) == [ROWS[:n]], name


def test_outputs_and_other_values_are_kept(tmp_path):
    lines, outputs, others = zip(
        ('{"input": [1, 2, 3], "id": "a"}', None, {"id": "a"}),
        ('{"id": {"row": [7]}, "input": [4, 5, 6], "output": [7], "": 1.5}', [7], {"id": {"row": [7]}, "": 1.5}),
        ('{"input": [1, 2, 3], "output": null}', None, None),
        ('{"input": [1, 2, 3], "ID": null}', None, {"ID": None}),
        ('{"source": [4, 5, 6], "target": [7], "id": 1}', [7], {"id": 1}),
        ('{"input": [4, 5, 6], "source": "b", "output": [7], "target": 8}', [7], {"source": "b", "target": 8}),
        ("[1, 2, 3]", None, None),
        strict=True,
    )
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    (tmp_path / "in.json").write_text(f"[{', '.join(lines)}]")
    for name, kind, first in (("in.jsonl", "line", 1), ("in.json", "sequence", 0)):
        records = [row for batch in read_batches(tmp_path / name, 2, 3) for row in batch]
        assert [row[2:4] for row in records] == [*zip(outputs, others, strict=True)]
        assert [row.place for row in records] == [Place(str(tmp_path / name), kind, first + k) for k in range(7)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 x\n", "line 1, word 3: expected an integer, got 'x'$"),
        ("1 2 3\n4 " + "y" * 1000, "line 2, word 2: expected an integer, got 'y{40}'$"),
        ("1 2 3\n4 5 10\n", "line 2: expected integers from 0 to 9, got 10$"),
        ("1 2 3\n4 5\n", "line 2: expected 3 integers, got 2; for sequences of that length give `in_len` 2$"),
        ("1 2 3\n,\n", "line 2: expected 3 integers, got none$"),
        ("", f"in.txt: {UNREADABLE}, got nothing$"),
        ("[" * 100_000, f"line 1: {UNREADABLE}"),
        ("1 2\0 3", r"line 1, word 2: expected an integer, got '2\\x00'$"),
    ],
)
def test_errors_in_lines_of_integers_name_the_place(tmp_path, text, message):
    check_error(tmp_path / "in.txt", text, message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3", f"line 1: {NOT_JSON}"),
        ("[1, NaN, 3]", "got NaN"),
        ("[]", "expected 3 integers, got none$"),
        ("{}", 'line 1: expected an object with "input" or "source", got {}$'),
        ('{"input": [1, 2, 3], "output": 4}', "line 1, output: expected a list of integers, got 4"),
        ("[1, 2, 3]\n[1, 2\n", f"line 2: {NOT_JSON}: Expecting ',' delimiter: column 6$"),
        ('{"input": [1], "input": [2]}', 'line 1: expected each key once, got "input" twice$'),
        ('{"input": [1, 2, 3], "id": [[{"\\ud800\\n": 1, "\\ud800\\n": 2}]]}', r'once, got "\\ud800\\n" twice$'),
        ('{"input": [1, 2, 3], "id": [1e999]}', "line 1, id: expected JSON, got Infinity$"),
        ('{"input": [1, 2, 3], "id": ' + "[" * 200 + "]" * 200 + "}", "line 1, id: expected lists nested at most 100"),
        ('{"input": [[1, 2], [3, 4]]}', "expected a list of integers, got lists; a list of sequences needs a .json"),
        ("[1, 99]", "line 1: expected integers from 0 to 9, got 99$"),  # `in_len` 2 would not help
    ],
)
def test_errors_in_json_lines_name_the_place(tmp_path, text, message):
    check_error(tmp_path / "in.jsonl", text, message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[1, 2, 3], [1, 2]]", "in.json, sequence 1: expected 3 integers, got 2"),
        ('[[1, 2, 3], {"input": [1], "n": 1, "n": 2}]', 'in.json: expected each key once, got "n" twice$'),
        ("[" * 900 + "]" * 900, "in.json, sequence 0: expected a list of integers, got lists"),
        ("\n[\n\n  [1, 2],\n\n\n  [3, x]\n]\n", f"in.json: {NO_DOCUMENT}: Expecting value: line 7 column 7"),
        ("[1, 2, 3]\n[4, 5, 6]\n", f"in.json: {NO_DOCUMENT}: Extra data: line 2 column 1"),
    ],
)
def test_errors_in_a_json_document_name_the_place(tmp_path, text, message):
    check_error(tmp_path / "in.json", text, message)


def check_error(path, text, message):
    path.write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read(path)
    assert str(error.value).startswith(str(path))
    assert len(str(error.value)) < 400
    assert "\n" not in str(error.value)


def test_invalid_utf_8_is_refused(tmp_path):
    for rest in (b"\xbb\n", b"\xef\xbb\n", b"\xbf"):  # parts of a byte order mark
        (tmp_path / "in.txt").write_bytes(b"1 2 3\n" + rest)
        with pytest.raises(InputError, match=f"line 2: expected UTF-8, got byte 0x{rest[0]:x}"):
            read(tmp_path / "in.txt")


@pytest.fixture
def small_limits(monkeypatch):
    """Limit lines to 100 bytes and documents to 1000."""
    assert (lines.MAX_LINE, readers.MAX_DOCUMENT) == (4 << 20, 128 << 20)
    for module in (lines, readers):
        monkeypatch.setattr(module, "MAX_LINE", 100)
    monkeypatch.setattr(readers, "MAX_DOCUMENT", 1000)
    monkeypatch.setattr(lines, "BLOCK_BYTES", 64)


@pytest.mark.parametrize("long", ["1 2 3" + " " * 300, "[1, 2, 3" + " " * 300 + "]", "x" * 101, "\0" * 1000, " " * 300])
@pytest.mark.parametrize("end", ["", "\n", "\n7 8 9\n"])
def test_a_line_that_is_too_long_is_skipped_to_its_end(tmp_path, small_limits, long, end):
    (tmp_path / "in.txt").write_text("1 2 3" + " " * 94 + "\n\n" + long + end)
    skipped = []
    (rows,) = read_batches(tmp_path / "in.txt", 10, 3, skip=skipped.append)
    expected = [(1, [1, 2, 3]), *[(4, [7, 8, 9])] * ("7" in end)]
    assert [(row.place.number, row.values) for row in rows] == expected
    message = f"{tmp_path}/in.txt, line 3: expected a line of at most 0 MiB, got a longer one"
    assert list(map(str, skipped)) == [message]


def test_a_document_may_be_longer_than_a_line(tmp_path, small_limits):
    rows = [[1, 2, 3]] * 50
    for indent in (None, 0):
        (tmp_path / "in.json").write_text(f"\n{json.dumps(rows, indent=indent)}")
        assert read(tmp_path / "in.json", rows=100) == [rows]
    for indent in (None, 0):
        (tmp_path / "in.json").write_text(json.dumps(rows * 3, indent=indent))
        message = "in.json: expected a JSON document of at most 0 MiB, or one sequence per line, got a longer document$"
        with pytest.raises(InputError, match=message):
            read(tmp_path / "in.json")
    (tmp_path / "in.jsonl").write_text("[1, 2, 3]\n" * 500)
    assert len(read(tmp_path / "in.jsonl", rows=1)) == 500


@pytest.mark.parametrize("beginning", [b"", b"1 2 3\n", b"[1, 2, 3]\n"])
def test_an_endless_line_is_refused(monkeypatch, small_limits, beginning):
    chunks = [*([beginning] if beginning else []), *[b"\0" * 8] * 100]  # reading past the end fails
    endless = Mock(read1=Mock(side_effect=chunks), peek=lambda _: b"", fileno=Mock(side_effect=OSError))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=endless))
    got = read_batches("-", 5, 3)
    if beginning:
        assert values_of(next(got)) == [[1, 2, 3]]
    line = 2 if beginning else 1
    with pytest.raises(InputError, match=f"standard input, line {line}: expected a line of at most"):
        next(got)


def test_missing_files_and_directories_are_refused(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read(tmp_path / "none.json")
    with pytest.raises(InputError, match="Is a directory"):
        read(tmp_path)


def test_an_idle_pipe_yields_none(write):
    records = read_file("-")
    place = Place("standard input", "line", 1)
    write(b"1 2 3\n")
    assert next(records) == Record(place, [1, 2, 3])
    assert next(records) is None
    write(b'[4, 5]\n\n{"input": [6], "id": 1}\n7 ')
    assert next(records) == Record(place._replace(number=2), [4, 5])
    assert next(records) == Record(place._replace(number=4), [6], others={"id": 1})
    assert next(records) is None
    write(b"8")  # an unfinished line
    assert next(records) is None
    write(b"9 10\n11")
    assert next(records) == Record(place._replace(number=5), [7, 89, 10])
    assert next(records) is None
    write(None)
    assert list(records) == [Record(place._replace(number=6), [11])]


def test_on_windows_every_block_of_a_pipe_flushes_the_batch(write, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.platform", "win32")
    rows = read_batches("-", 2, None)
    write(b"1 2\n")
    assert values_of(next(rows)) == [[1, 2]]
    assert next(rows) is None
    test_files_never_yield_none(tmp_path)


def test_files_never_yield_none(tmp_path):
    (tmp_path / "in.txt").write_text("1 2 3\n" * 50_000)  # more than one block
    assert None not in list(read_file(str(tmp_path / "in.txt")))


def test_a_closed_standard_input_is_an_error(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(InputError, match="standard input: expected sequences, got a closed stream"):
        next(read_file("-"))


def typed(monkeypatch, lines, tokens=("integers", "integers")):
    """Type lines and end of file at the prompt; return the line number and values of each line that is read."""
    prompted = Mock(side_effect=[*lines, EOFError])
    monkeypatch.setattr("builtins.input", prompted)
    rows = [*read_terminal(tokens)]
    prompted.assert_called_with("> ")
    return [(row.place.number, row.error or row.values, *([row.output] if row.output else [])) for row in rows]


def test_typed_lines_of_integers(monkeypatch):
    lines = ["3 1 2", "", "4, 5,6", "[7, 8, 9]", "1 x", "[1", '{"input": [2, 2]}']
    *right, (_, slip), (_, unreadable), last = typed(monkeypatch, lines)
    assert [*right, last] == [(1, [3, 1, 2]), (3, [4, 5, 6]), (4, [7, 8, 9]), (7, [2, 2])]
    assert str(slip) == "line 5, word 2: expected an integer, got 'x'"
    assert str(unreadable).startswith(f"line 6: {UNREADABLE}")


# ---- Texts ----

CHARACTERS, WORDS = InputFormat(("characters", "characters")), InputFormat(("words", "words"))
G2P = InputFormat(("characters", "words"))


def text_records(path, form):
    """Return the records of a file of texts: the line with source and target, or with the error."""
    rows = [row for row in read_file(str(path), form) if row]
    return [(row.place.number, str(row.error) if row.error else row[1:3]) for row in rows]


def read_text(tmp_path, text, form=CHARACTERS, name="in.tsv"):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return text_records(tmp_path / name, form)


@pytest.mark.parametrize("name", ["in.tsv", "in.txt", "IN.TSV", "in"])
def test_lines_of_text(tmp_path, name):
    text = "hello\tHH AH L OW\n\n  a b \t c\n12+30\t42\nempty\t\nalone\n\ttarget\nquote\"\t'"
    assert read_text(tmp_path, text, name=name) == [
        (1, ("hello", "HH AH L OW")),
        (3, ("  a b ", " c")),
        (4, ("12+30", "42")),
        (5, ("empty", "")),
        (6, ("alone", None)),
        (7, ("", "target")),
        (8, ('quote"', "'")),
    ]


def test_line_endings_of_any_system(tmp_path):
    text = "\ufeff안녕\tمرحبا\r\n\r\n\t\r\n👩\u200d👧\te\u0301\r\nx\ty\r"
    expected = [(1, ("안녕", "مرحبا")), (4, ("👩\u200d👧", "e\u0301")), (5, ("x", "y"))]
    assert read_text(tmp_path, text) == expected
    assert read_text(tmp_path, "\ufeff\r\n\ufeff\n" + text.replace("\ufeff", "")) == [
        (n + 2, row) for n, row in expected
    ]
    assert read_text(tmp_path, " \t \n  \n\t\n") == [(1, (" ", " "))]  # two texts of spaces; two blank lines
    # Python's splitlines would also split at these characters.
    assert read_text(tmp_path, "a\u2028b\x0bc\x85d\te\n") == [(1, ("a\u2028b\x0bc\x85d", "e"))]


def test_reading_continues_after_a_bad_line(tmp_path):
    path, tabs = tmp_path / "in.tsv", f"expected a source, a tab and a target, got 2 tabs{COLUMNS}"
    assert read_text(tmp_path, b"a\tb\tc\nd\te\n\xff\xfe\tg\nh\ti\n\t\tj\n") == [
        (1, f"{path}, line 1: {tabs}"),
        (2, ("d", "e")),
        (3, f"{path}, line 3: expected UTF-8, got byte 0xff at offset 0; the file may be in `encoding` utf-16"),
        (4, ("h", "i")),
        (5, f"{path}, line 5: {tabs}"),
    ]


def test_text_that_looks_like_json(tmp_path):
    brackets = '[NP x]\tNP\n{a}\tb\n"q"\tr\n[]\t[\n'
    rows = [(1, ("[NP x]", "NP")), (2, ("{a}", "b")), (3, ('"q"', "r")), (4, ("[]", "["))]
    for name in ("in.txt", "in.tsv", "in"):
        assert read_text(tmp_path, brackets, name=name) == rows
    error = 'in.jsonl, line 1: expected JSON as in {"input": "...", "output": "..."}: '
    assert error in read_text(tmp_path, brackets, name="in.jsonl")[0][1]
    text = '["a", "b"]\n{"input": "a"}\n'
    as_text = [(1, ('["a", "b"]', None)), (2, ('{"input": "a"}', None))]
    as_json = [(1, (["a", "b"], None)), (2, ("a", None))]
    for name, format, expected in [
        ("in.txt", None, as_text),
        ("in", None, as_text),
        ("in.jsonl", None, as_json),
        ("in.jsonl", "text", as_text),
        ("in.txt", "json", as_json),
    ]:
        assert read_text(tmp_path, text, InputFormat(("words", "words"), format), name) == expected, (name, format)


def test_text_that_looks_like_json_is_noted(tmp_path):
    for text, tokens, is_noted in [
        ('{"input": "a"}\n', ("words", "words"), True),
        ('["a"]\n', (None, None), True),
        ("[1, 2]\n", ("integers", "words"), False),
        ('"a"\n', ("words", "words"), False),
    ]:
        (tmp_path / "in").write_text(text)
        layouts = []
        [*read_file(str(tmp_path / "in"), InputFormat(tokens), on_layout=layouts.append)]
        assert [each.looks_like_json for each in layouts] == [is_noted]


@pytest.mark.parametrize(
    "form", [CHARACTERS, G2P, InputFormat(("words", "integers")), InputFormat(("integers", "words"))]
)
def test_json_of_texts(tmp_path, form):
    lines = [
        '{"input": "hello", "output": "HH AH"}',
        '{"input": ["h", "e\\u0301"], "output": ["HH"], "id": 7}',
        '"alone"',
        '["a", "b"]',
        '{"input": [3, 1], "output": ""}',
    ]
    rows = [("hello", "HH AH"), (["h", "e\u0301"], ["HH"]), ("alone", None), (["a", "b"], None), ([3, 1], "")]
    text = "\n".join(lines)
    expected = [*enumerate(rows, start=1)]
    for name in ("in.jsonl", "in.JSONL"):
        assert read_text(tmp_path, text, form, name) == expected
    objects = [0, 1, 4]
    document = f"[{', '.join(lines[k] for k in objects)}]"
    for written in (document, document.replace("[{", "[\n{")):
        assert read_text(tmp_path, written, form, "in.json") == [*enumerate(rows[k] for k in objects)]
    assert read_text(tmp_path, '[["a"], ["b", "c"]]', form, "a.json") == [(0, (["a"], None)), (1, (["b", "c"], None))]


def test_a_file_without_texts_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"in.tsv: expected texts, got nothing"):
        read_text(tmp_path, "\ufeff\r\n\t\n")


def test_integers_separated_by_a_tab(tmp_path):
    text = "3 1 2\t1 2 3\n4,5\t\n6\n[7]\n"
    rows = [(1, ([3, 1, 2], [1, 2, 3])), (2, ([4, 5], [])), (3, ([6], None)), (4, ([7], None))]
    for name in ("in.tsv", "in.txt", "in"):
        assert read_text(tmp_path, text, InputFormat(), name) == rows
    results = dict(read_text(tmp_path, "1\t2\t3\nhello\tHH\n5\tHH\n5 a\t6\n1.5\t6\n", InputFormat()))
    path = tmp_path / "in.tsv"
    assert results == {
        1: f"{path}, line 1: expected a source, a tab and a target, got 2 tabs{COLUMNS}",
        2: f"{path}, line 2, word 1: expected an integer, got 'hello'{TEXT_HINT}",
        3: f"{path}, line 3, target word 1: expected an integer, got 'HH'{TEXT_HINT}",
        4: f"{path}, line 4, word 2: expected an integer, got 'a'",  # a typo
        5: f"{path}, line 5, word 1: expected an integer, got '1.5'",
    }


def test_rows_of_columns_are_not_json(tmp_path):
    ((_, error),) = read_text(tmp_path, "[7]\t1\n", InputFormat(header=False))
    assert error.endswith("line 1, word 1: expected an integer, got '[7]'")


def test_one_side_may_be_integers(tmp_path):
    assert read_text(tmp_path, "3 1\tthree one\n", InputFormat(("integers", "words"))) == [(1, ([3, 1], "three one"))]
    (right, (_, error)) = read_text(tmp_path, "three\t3,1\nthree\tone\n", InputFormat(("words", "integers")))
    assert right == (1, ("three", [3, 1]))
    assert error.endswith(f"line 2, target word 1: expected an integer, got 'one'{TEXT_HINT}")


def test_command_line_words_form_one_text():
    for words, text in ((["hello"], "hello"), (["New", "York"], "New York"), (["[1]"], "[1]"), ([" a  b"], " a  b")):
        assert read_words(words, "characters") == Record(Place("input"), text)


def test_typed_lines_of_text(monkeypatch):
    *right, (_, error), last = typed(
        monkeypatch, [" hello", "", "[1]", '"q"', "a\tb", "a\tb\tc", "é"], CHARACTERS.tokens
    )
    assert [*right, last] == [(1, " hello"), (3, "[1]"), (4, '"q"'), (5, "a", "b"), (7, "é")]
    assert str(error) == f"line 6: expected a source, a tab and a target, got 2 tabs{COLUMNS}"


@pytest.mark.parametrize(("encoding", "name"), [("utf-16", "in.txt"), ("cp1252", "in.txt.gz"), ("utf-8-sig", "in.txt")])
def test_files_in_any_encoding(tmp_path, encoding, name):
    text = "".join(f"é{'ß' * k}\tÄ\n" for k in range(40_000 // 200)) * 20
    content = text.encode(encoding)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    pairs = read_pairs(tmp_path / name, encoding=encoding)
    assert (len(pairs), pairs[:2]) == (4000, [("é", "Ä"), ("éß", "Ä")])
    if encoding != "utf-8-sig":  # the default removes the byte order mark, too
        with pytest.raises(InputError, match=f"in.txt.*, line 1: expected UTF-8, .* may be in `encoding` {encoding}$"):
            read_pairs(tmp_path / name)
        with pytest.raises(InputError, match="cannot be read with `encoding` ascii: 'ascii' codec can't decode byte"):
            read_pairs(tmp_path / name, encoding="ascii")
    for invalid in ("utf-9", "hex", "rot13", ""):
        with pytest.raises(InputError, match=f"cannot be read with `encoding` {invalid}: "):
            read_pairs(tmp_path / name, encoding=invalid)


def test_pairs_of_a_file(tmp_path):
    (tmp_path / "a.csv").write_text('\ufeffsep=;\nid;word;ipa\n1;a,b;x\n;;\n\n2;c;"y\nz"\n')  # as Excel writes
    assert read_pairs(tmp_path / "a.csv", columns=["word", "3"]) == [("a,b", "x"), ("c", "y\nz")]
    (tmp_path / "b.jsonl").write_text('{"input": [3, 1], "output": "a"}\n{"input": [2]}\n')
    assert read_pairs(tmp_path / "b.jsonl") == [([3, 1], "a"), ([2], None)]
    with pytest.raises(UsageError, match="unknown `format` 'xlsx'"):
        read_pairs(tmp_path / "a.csv", format="xlsx")
    with pytest.raises(InputError, match=r"a\.csv, line 1: expected "):
        read_pairs(tmp_path / "a.csv", format="json")
