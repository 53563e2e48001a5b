"""Files, typed words and Python objects become records. Most tests are tables: content → records or errors."""

import gzip

import numpy as np
import pytest

from seq2seq_demo.data import reading
from seq2seq_demo.data.layout import InputFormat
from seq2seq_demo.data.pair_task import pair_task
from seq2seq_demo.data.reading import read_pairs, stream_file
from seq2seq_demo.data.records import Place, Record, python_records, read_words
from seq2seq_demo.errors import InputError, UsageError

JSON = 'JSON, a list of symbols or an object such as {"input": [1, 2], "output": "ab"}'


def rows_of(records):
    """Return the number of each record with its source and output, or with its error without the place."""
    return [(r.place.number, str(r.error).removeprefix(f"{r.place}: ") if r.error else r[1:3]) for r in records]


def read(tmp_path, content, name="in.txt", **given):
    """Return the records of a file."""
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    records, _ = reading.read(path, "", InputFormat(**given))
    return records


TAB = "hello\tHH AH\n\n  a b \t c\n12+30\t42\nempty\t\nalone\n\ttarget\nquote\"\t'"
TAB_ROWS = [(1, ("hello", "HH AH")), (3, ("  a b ", " c")), (4, ("12+30", "42")), (5, ("empty", ""))]
TAB_ROWS += [(6, ("alone", None)), (7, ("", "target")), (8, ('quote"', "'"))]
THREE_COLUMNS = "expected a source, a tab and a target, or `columns`, got 3 columns"
CARRIAGE_RETURN = "expected a line feed at the end of each line, got a carriage return within a line"
NOT_UTF_8 = "expected UTF-8, got byte 0xff; `encoding` selects a different encoding"
NOT_CLOSED, N_COLUMNS = "a quotation mark is not closed", "expected 2 columns, as in the first row, got {} columns"
BAD_LINES = b"a\tb\tc\nd\te\n\xff\xfe\tg\nh\ti\n"
READ_LINES = [(1, THREE_COLUMNS), (2, ("d", "e")), (3, NOT_UTF_8), (4, ("h", "i"))]
BAD_ROWS = b'a,b\nc\nd,e,f\n\n \n"\ng",h\n\xff,i\nj,k\rl\nm,n\n"o,p\n\nq,r\n'
READ_ROWS = [(1, ("a", "b")), (2, N_COLUMNS.format(1)), (3, N_COLUMNS.format(3)), (6, ("\ng", "h")), (8, NOT_UTF_8)]
READ_ROWS += [(9, CARRIAGE_RETURN), (10, ("m", "n")), (11, NOT_CLOSED)]


def test_lines_and_tables(tmp_path):
    for name, content, given, rows in [
        *((name, TAB, {}, TAB_ROWS) for name in ("IN.TSV", "in")),
        ("in.txt", "\ufeff안녕\tمرحبا\r\n\r\n\t\r\nx\ty\r", {}, [(1, ("안녕", "مرحبا")), (4, ("x", "y"))]),
        ("in.txt", "a\tb\rc\td\r\ne\tf", {}, [(1, CARRIAGE_RETURN), (2, ("e", "f"))]),
        ("in.txt", "a\u2028b\x0bc\x85d\te\n", {}, [(1, ("a\u2028b\x0bc\x85d", "e"))]),  # splitlines would split
        ("in.txt", "\n \n\ta\n", {"blank_lines": True}, [(1, ("", None)), (2, ("", None)), (3, ("", "a"))]),
        ("in.txt", BAD_LINES, {}, READ_LINES),
        ("in.jsonl", '["a"]\n', {"format": "text"}, [(1, ('["a"]', None))]),
        ("in.txt", '["a"]\n"b"\n', {"format": "json"}, [(1, (["a"], None)), (2, ("b", None))]),
        # Integers: a line that begins with a bracket is JSON, unless the file has columns.
        ("in.txt", "3 1\t4\n[7]\n", {"json_lines": True}, [(1, ("3 1", "4")), (2, ([7], None))]),
        ("in.txt", "[7]\t1\n", {"json_lines": True, "header": False}, [(1, ("[7]", "1"))]),
        # CSV
        ("a.csv", "1;2,5;3\n4;5,5;6\n", {"columns": ("1", "2")}, [(1, ("1", "2,5")), (2, ("4", "5,5"))]),
        ("a.csv", "a\tb\n", {}, [(1, ("a", "b"))]),
        ("a.csv", '"x, y";b\n', {}, [(1, ("x, y", "b"))]),  # as a row, it has more columns with semicolons
        ("a.csv", '"x, y"\t"z, t"\n', {}, [(1, ("x, y", "z, t"))]),  # with commas, it is not CSV
        ("a.csv", 'id;word;ipa\n1;a,b;x\n;;\n"";"";\n2;c;y\n', {}, [(2, ("a,b", "x")), (5, ("c", "y"))]),
        ("a.csv", 'a,"b\nc,d\n', {}, [(1, NOT_CLOSED)]),
        ("a.csv", f"{'x ' * 100_000},b\n", {}, [(1, ("x " * 100_000, "b"))]),
        ("a.csv", "target,source\nx,y\n", {}, [(2, ("y", "x"))]),
        ("a.csv", "word\nhello\n", {"header": True}, [(2, ("hello", None))]),
        ("a.csv", "word,other\nx,y\n", {}, [(1, ("word", "other")), (2, ("x", "y"))]),
        ("a.csv", "source,target\nx,y\n", {"header": False}, [(1, ("source", "target")), (2, ("x", "y"))]),
        ("a.txt", 'source\ttarget\n"x\ty\n', {}, [(2, ('"x', "y"))]),
        ("a.tsv", '"a\tb\t"c"\n', {"columns": ("1", "3")}, [(1, ('"a', '"c"'))]),
        ("a.csv", BAD_ROWS, {}, READ_ROWS),
    ]:
        assert rows_of(read(tmp_path, content, name, **given)) == rows


def test_columns_by_name_and_number(tmp_path, caplog):
    content = "n,word,2\n7,hello,HH AH\n8,world,W ER\n"
    for columns, row in [
        (("2", "word"), ("HH AH", "hello")),  # a name comes before a number
        (("word",), ("hello", None)),
        (("word", "3"), ("hello", "HH AH")),
    ]:
        assert rows_of(read(tmp_path, content, "in.csv", columns=columns))[0] == (2, row)
    caplog.set_level("INFO")
    records = read(tmp_path, content, "in.csv", columns=("word", "2"))
    assert [record.others for record in records] == [{"n": "7"}, {"n": "8"}]
    reading = f'Reading {tmp_path}/in.csv as CSV with a header: sources are "word", targets are "2", first "hello" → '
    assert caplog.messages == [f'{reading}"HH AH"; if not, give `format`, `header` or `columns`']


def test_files_that_cannot_be_read(tmp_path):
    for name, content, given, message in [
        ("in.csv", "n,word,2\n", {"columns": ("word", "IPA")}, 'one of "n", "word", "2", or a number from 1 to 3'),
        ("in.csv", "n,word,2\n", {"columns": ("1", "4")}, 'each of `columns` to be a number from 1 to 3, got "4"'),
        ("in.csv", "n,w,2\n", {}, 'expected two columns, or `columns` to select them, got 3 columns: "n", "w", "2"'),
        ("in.csv", "a,b\r\nc,d\r\n".encode("utf-16"), {}, "line 1: expected UTF-8, got byte 0xff; `encoding` selects"),
        ("a.csv", b"PK\3\4\xff", {}, "a.csv: expected a file of sequences, got an Excel workbook: save it as CSV"),
        ("a.json", "[]", {}, "a.json is empty"),
        ("a.json", "[1, 2]\n[3]\n", {}, "a.json: expected JSON.* a list of these .*: Extra data: line 2 column 1"),
        *(("in.txt", content, {}, "in.txt is empty") for content in ("", "\ufeff\r\n\t\n")),
        ("in.gz", gzip.compress(b"a\n" * 99, mtime=0)[:-9], {}, "cannot read .*in.gz: "),
        *(("in.txt", "a\n", {"encoding": name}, f"with `encoding` {name}: ") for name in ("utf-9", "zip", "utf-16")),
    ]:
        with pytest.raises(InputError, match=message) as error:
            read(tmp_path, content, name, **given)
        assert "\n" not in str(error.value)
        assert len(str(error.value)) < 400


def test_a_directory_and_a_path_that_cannot_exist(tmp_path):
    with pytest.raises(InputError, match=f"cannot read {tmp_path}: is a directory"):
        reading.read(tmp_path, "", InputFormat())
    with pytest.raises(InputError, match=r"^cannot read a\0b with `encoding` utf-8: [^\n]*$"):
        reading.read("a\0b", "", InputFormat())


@pytest.mark.parametrize(("encoding", "name"), [("utf-16", "in.txt"), ("cp1252", "in.txt.gz"), ("utf-8-sig", "in.GZ")])
def test_encodings_and_gzip(tmp_path, encoding, name):
    content = "éß\tÄ\nx\ty\n".encode(encoding)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.lower().endswith("gz") else content)
    assert read_pairs(tmp_path / name, encoding=encoding) == [("éß", "Ä"), ("x", "y")]
    if encoding == "utf-8-sig":  # UTF-8 removes the byte order mark, too
        assert read_pairs(tmp_path / name, encoding="UTF8") == read_pairs(tmp_path / name) == [("éß", "Ä"), ("x", "y")]
    else:
        with pytest.raises(InputError, match=r"in.txt.*, line 1: expected UTF-8, got byte"):
            read_pairs(tmp_path / name)


# ---- JSON ----


def test_json_lines_and_documents(tmp_path):
    lines, rows, others = zip(
        ('{"input": "hello", "output": "HH"}', ("hello", "HH"), None),
        ('{"id": {"row": [7]}, "input": ["h", "e"], "output": ["HH"]}', (["h", "e"], ["HH"]), {"id": {"row": [7]}}),
        ('{"source": [4], "target": [7]}', ([4], [7]), None),
        ('{"input": [4], "source": "b", "output": "", "target": 8}', ([4], ""), {"source": "b", "target": 8}),
        ('["a", "b"]', (["a", "b"], None), None),
        strict=True,
    )
    contents = {"in.JSONL": ("\ufeff" + "\r\n".join(lines), 1), "in.json": (f"[\n{','.join(lines)}]", 0)}
    for name, (content, first) in contents.items():
        records = read(tmp_path, content, name)
        assert rows_of(records) == [*enumerate(rows, start=first)]
        assert [record.others for record in records] == [*others]
    assert rows_of(read(tmp_path, '{\n"input": "a"\n}', "in.json")) == [(0, ("a", None))]
    assert rows_of(read(tmp_path, '[{"input": "a"}, 3]', "in.json")) == [(0, ("a", None)), (1, (3, None))]


def test_invalid_lines_of_json(tmp_path):
    for line, message in [
        ("[1, 2", f"expected {JSON}: Expecting ',' delimiter: column 6"),
        (f'{{"input": [{"9" * 5000}]}}', f"expected {JSON}: Exceeds the limit (4300 digits)"),
        ('{"x": 1}', 'expected an object with "input" or "source", got {"x": 1}; `columns` names other keys'),
        ("[" * 100_000, f"expected {JSON}: maximum recursion depth exceeded"),
        ('{"input": [1], "id": [1e999]}', "expected finite numbers and at most 100 nested lists in further"),
        ('{"input": [1], "id": ' + "[" * 200 + "]" * 200 + "}", "expected finite numbers and at most 100 "),
    ]:
        (number, error), last = rows_of(read(tmp_path, f"{line}\n[3]\n", "in.jsonl"))
        assert error.startswith(message)
        assert (number, last) == (1, (2, ([3], None)))


def test_pairs_of_a_file(tmp_path):
    for name, content, pairs in [
        ("a.csv", "a,b\nc,d\n", [("a", "b"), ("c", "d")]),
        ("b.jsonl", '{"input": [3, 1], "output": "a"}\n{"input": [2], "output": ""}\n', [([3, 1], "a"), ([2], "")]),
        ("c.tsv", "3 1\t4\n2,5\t6\n", [([3, 1], [4]), ([2, 5], [6])]),
    ]:
        (tmp_path / name).write_text(content)
        assert read_pairs(tmp_path / name) == pairs
    assert read_pairs(tmp_path / "a.csv", columns="2,1") == [("b", "a"), ("d", "c")]
    for given in ({"columns": "1,2,3"}, {"header": 0}):
        with pytest.raises(UsageError, match=r"^expected `columns` SOURCE,TARGET.*, got '1,2,3'|or False, got 0"):
            read_pairs(tmp_path / "a.csv", **given)
    (tmp_path / "d.tsv").write_text("a\tb\nc\n")
    with pytest.raises(InputError, match=r"d\.tsv, line 2: expected a target, after"):
        read_pairs(tmp_path / "d.tsv")
    for format, error in (("xlsx", UsageError), ("json", InputError)):
        with pytest.raises(error, match=r"^unknown `format` 'xlsx'|a\.csv, line 1: expected JSON"):
            read_pairs(tmp_path / "a.csv", format=format)


# ---- Typed and streamed sources ----


def test_typed_words():
    for line, values in [("3 0 12", "3 0 12"), ("3, 0 ,12", "3, 0 ,12"), ("[3, 0]", [3, 0]), ("1.5", "1.5")]:
        assert read_words(line.split()) == Record(Place("input"), values)
    assert str(read_words(["[1,"]).error).startswith(f"input: expected {JSON}: ")


def test_tables_cannot_be_streamed(tmp_path):
    (tmp_path / "in.csv").write_text("a,b\n")
    for given in (InputFormat(), InputFormat(format="text", header=True), InputFormat(format="tsv")):
        with pytest.raises(InputError, match="`line_buffered` needs lines of text or JSON, got a table"):
            next(stream_file(str(tmp_path / "in.csv"), given))


# ---- Python objects; `Frame` and `Column` have the methods of pandas that are used ----


class Column(list):
    dtype = "object"


class Frame(dict):
    def __init__(self, repeats=(), **columns):
        super().__init__(columns)
        self.columns = Column([*columns, *repeats])


NA = type("NAType", (), {})  # as in pandas, which the tests do not install
PAIRS = [("ab", "XX Y"), ("b", "Y XX"), ("a", "")]
REPEATED = Frame(source=["a"], target=["x"], repeats=["target"])
SPELLINGS, SOUNDS = zip(*PAIRS, strict=True)


def test_rows_of_pairs():
    expected = pair_task(PAIRS, validation=PAIRS)
    for rows in [
        Frame(word=SPELLINGS, ipa=SOUNDS),
        Frame(id=[3, 4, 5], target=SOUNDS, source=SPELLINGS),
        [{"input": source, "output": target, "id": 7} for source, target in PAIRS],
        [{"input": np.array([*source]), "output": tuple(target.split())} for source, target in PAIRS],
    ]:
        task = pair_task(rows, validation=rows)
        assert task.digest == expected.digest
        assert task.vocabularies.tokens == expected.vocabularies.tokens == ("characters", "words")


def test_numbers_of_a_column_or_beside_strings_are_strings():
    for years in ([1987.0, np.float64(19)], [1987, 19]):
        for rows in (Frame(year=years, roman=["M", "XIX"]), [*zip(years, ["M", "XIX"], strict=True)]):
            assert pair_task(rows).vocabularies.source.symbols == ("1", "7", "8", "9")
    assert pair_task([([3.0, np.float32(1)], np.array([2.0]))] * 2).pairs.sources.rows() == [[3, 1]] * 2


def test_invalid_rows():
    for rows, message in [
        (Frame(a=[], b=[], c=[]), 'DataFrame with columns source and target, or `columns` to .*, got "a", "b", "c"'),
        (Frame(source=["a", "b"], target=["x", float("nan")]), r"row 1: expected a pair .*, got \('b', nan\)"),
        ([("a", "b"), (NA(), "c")], r"pairs, row 1: expected a pair \(source, target\), got \("),
        ([{"input": "a", "output": "b"}, {"sauce": "a"}], 'row 1: expected an object with "input" or "source", got {'),
        ([{"input": "a", "outptu": "b"}] * 2, 'row 0: expected a target, after a tab .*, got only "a"'),
        (REPEATED, 'expected a DataFrame with .*, got "source", "target", "target"'),
        ([([1], [3]), ([4, 5], 6)], "^pairs, row 1, output: expected a list of integers, got 6"),
        ([([1], [3]), (np.ma.array([4, 5], mask=[0, 1]), [6])], "^pairs, row 1: expected integers .*, got null"),
        (7, "pairs: expected pairs of a source and a target, got 7"),
    ]:
        with pytest.raises(InputError, match=message):
            pair_task(rows)


def test_columns_of_a_frame_and_keys_of_dictionaries():
    expected, frame = pair_task(PAIRS), Frame(n=[0] * 3, ipa=SOUNDS, word=SPELLINGS)
    objects = [{"n": 0, "ipa": sound, "word": spelling} for spelling, sound in PAIRS]
    for rows in frame, objects:
        assert pair_task(rows, file_format=InputFormat(columns=("word", "ipa"))).digest == expected.digest
    with pytest.raises(InputError, match=r'expected a DataFrame with columns "word", "sound", got "n", "ipa", "word"'):
        pair_task(frame, file_format=InputFormat(columns=("word", "sound")))


def test_sources():
    for sources, values in [
        (Column(["ab", 12]), ["ab", "12"]),
        (Frame(ipa=SOUNDS, word=SPELLINGS), [*SPELLINGS]),
        (Frame(german=SPELLINGS), [*SPELLINGS]),
        ([{"input": "ab", "id": 1}, "b", np.array([1, 2])], ["ab", "b", [1, 2]]),
        ([{"source": "ab", "score": float("nan")}], ["ab"]),
    ]:
        assert [record.values for record in python_records(sources, "sources", is_paired=False)] == values
    with pytest.raises(InputError, match='sources: expected a DataFrame with a column source, or one column, got "a"'):
        next(python_records(Frame(a=SPELLINGS, b=SOUNDS), "sources", is_paired=False))
