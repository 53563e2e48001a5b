import csv
import io
import random

import pytest

from seq2seq_demo.data import lines, readers
from seq2seq_demo.data.layout import InputFormat, find_layout, integers_or_text, recognise
from seq2seq_demo.data.readers import read_file
from seq2seq_demo.data.records import Place, Record
from seq2seq_demo.errors import InputError

RNG = random.Random(0)
CELLS = ["a", "", "e\u0301", 'q"q', '"', "x,y", "t\tt", "l\n\n \nl", "r\r\nr", " s ", "{", "\u2028", "1;2"]


def records(path, format=None, columns=(), header=None, is_paired=True, tokens=("characters", "characters")):
    form = InputFormat(tokens, format, tuple(columns), header, is_paired)
    return [row for row in read_file(str(path), form) if row]


def pairs(rows):
    """Return (source, target) of each record, or its error without the name of the file."""
    return [str(row.error).partition(", ")[2] if row.error else (row.values, row.output) for row in rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("block", [5, 100, 2**16])
def test_quotes_are_read_as_the_csv_module_reads_them(tmp_path, monkeypatch, delimiter, block):
    monkeypatch.setattr(lines, "BLOCK_BYTES", block)
    rows = [(f"s{delimiter * (k == 0)}", *RNG.choices(CELLS, k=2)) for k in range(300)]
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
        written = io.StringIO(newline="")
        csv.writer(written, delimiter=delimiter, quoting=quoting).writerows(rows)
        written.write(f'a"b{delimiter}"c"d{delimiter} "e"\n')  # quotation marks that csv.writer would not write
        text = written.getvalue()
        expected = [*csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]
        assert expected[:-1] == [*map(list, rows)]
        (tmp_path / "in").write_bytes(b"\xef\xbb\xbf" + text.encode())
        read = records(tmp_path / "in", "tsv" if delimiter == "\t" else "csv", ("3", "2"), header=False)
        assert pairs(read) == [(target, source) for _, source, target in expected]


CSV_ROWS = "hello,HH AH\nworld,W ER\n"
TEXTS, INTEGERS = ("characters", "characters"), ("integers", "integers")


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.csv", CSV_ROWS, ("csv", None, (0, 1))),
        ("a.csv", CSV_ROWS.replace(",", ";"), ("csv", None, (0, 1))),
        ("a.csv", "hello\nyes, world\n", ("csv", None, (0,))),
        ("a.csv", "Word,IPA\nhello,h\n", ("csv", ("Word", "IPA"), (0, 1))),
        ("a.csv", "target,source\nx,y\n", ("csv", ("target", "source"), (1, 0))),
        ("a.csv", "id,source,n,target\n1,x,2,y\n", ("csv", ("id", "source", "n", "target"), (1, 3))),
        ("a.csv", "word\nhello\n", ("csv", ("word",), (0,))),
        ("a.csv", "word,other\nx,y\n", ("csv", None, (0, 1))),
        ("a.csv", "year,roman\n1,I\n2,II\n3,III\n4,IV\n", ("csv", None, (0, 1))),
        ("a.txt", "source\ttarget\nx\ty\n", ("text", ("source", "target"), (0, 1))),
        ("a.txt", "word\nhello\n", None),
        ("a.txt", CSV_ROWS * 9, None),
        ("a.tsv", CSV_ROWS * 9, None),
    ],
)
def test_the_suffix_decides_and_known_names_are_a_header(name, text, found):
    for tokens, is_paired in ((TEXTS, True), (TEXTS, False), ((None, None), True), (INTEGERS, False)):
        table = find_layout(name, text.encode().splitlines(True), InputFormat(tokens, is_paired=is_paired)).table
        assert (table and (table.format, table.header, table.columns)) == found


def test_json_has_no_columns():
    for name, format, error in (("a.json", None, "a.json"), ("a.csv", "json", "a.csv")):
        for given in ({"header": True}, {"columns": ("1",)}):
            with pytest.raises(InputError, match=f"{error}: expected a table with `columns` or `header`, got JSON"):
                find_layout(name, [b"[]\n"], InputFormat(format=format, **given))


def test_columns_by_name_and_number(tmp_path):
    (tmp_path / "in.csv").write_text("n,word,2\n7,hello,HH AH\n8,world,W ER\n")
    words, phones = ["hello", "world"], ["HH AH", "W ER"]
    for columns, expected in [
        (("word", "2"), [*zip(words, phones, strict=True)]),  # a name comes before a number
        (("2", "word"), [*zip(phones, words, strict=True)]),
        (("word",), [(word, None) for word in words]),
        (("word", "3"), [*zip(words, phones, strict=True)]),
    ]:
        rows = records(tmp_path / "in.csv", None, columns, is_paired=len(columns) == 2)
        assert pairs(rows) == expected
        assert [row.others["n"] for row in rows] == ["7", "8"]
    rows = records(tmp_path / "in.csv", None, ("3", "1"), header=False)
    assert pairs(rows) == [("2", "n"), ("HH AH", "7"), ("W ER", "8")]
    assert [row.others for row in rows] == [None] * 3
    assert records(tmp_path / "in.csv", None, ("2", "1"), True, tokens=("characters", "integers"))[0].output == [7]
    for columns, message in [
        (("word", "IPA"), 'expected `columns` to be one of "n", "word", "2", or numbers from 1 to 3, got "IPA"'),
        (("1", "4"), 'expected `columns` to be numbers from 1 to 3, got "4"'),
        ((), 'expected two columns, `columns` to select them, or `format` text, got 3 columns: "n", "word", "2"'),
    ]:
        with pytest.raises(InputError, match=f"in.csv: {message}"):
            records(tmp_path / "in.csv", None, columns, header=None if "IPA" in columns else False)


def test_predict_needs_only_the_column_of_sources(tmp_path):
    (tmp_path / "in.csv").write_text("source,n,m\nhello,2,3\n")
    assert pairs(records(tmp_path / "in.csv", header=True, is_paired=False)) == [("hello", None)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\r\nc,d\r\n".encode("utf-16"), "expected UTF-8, got byte 0xff at offset 0; .* `encoding` utf-16"),
        (b"a,b\rc,d\r", r"expected CSV in UTF-8 with lines that end with \\n or \\r\\n, got an invalid line"),
    ],
)
def test_an_invalid_first_row_is_refused(tmp_path, text, message):
    (tmp_path / "in.csv").write_bytes(text)
    with pytest.raises(InputError, match=rf"in\.csv: {message}"):
        records(tmp_path / "in.csv")


def test_a_cell_of_several_lines_is_no_row_of_integers(tmp_path):
    (tmp_path / "in.csv").write_text('1 2,3\n"551\n5",1\n')
    _, record, inside = read_file(str(tmp_path / "in.csv"), InputFormat(format="csv"))
    assert str(record.error) == f'{tmp_path}/in.csv, line 2: expected integers, got a cell with a line break, "551\\n5"'
    assert str(inside.error).endswith("in.csv, line 3: belongs to the invalid row that begins on line 2")


def test_columns_of_text_have_no_quotes(tmp_path):
    (tmp_path / "in.tsv").write_text('"a\tb\t"c"\n"\t"\t\n')
    assert pairs(records(tmp_path / "in.tsv", None, ("1", "3"))) == [('"a', '"c"'), ('"', "")]
    (tmp_path / "in.tsv").write_text('source\ttarget\n"a\tb\n')
    assert pairs(records(tmp_path / "in.tsv")) == [('"a', "b")]
    assert pairs(records(tmp_path / "in.tsv", header=False)) == [("source", "target"), ('"a', "b")]


def test_each_line_of_an_invalid_row_is_an_error(tmp_path):
    text = b'a,b\nc\nd,e,f\n\n \n"\ng",h\n\xff,i\nj,k\rl\nm,n\n"o,p\n\nq,r\n'
    (tmp_path / "in.csv").write_bytes(text)
    columns = "expected as many columns as in the first row, 2, got"
    rows = records(tmp_path / "in.csv")
    carriage_return = pairs(rows)[5]
    assert carriage_return.startswith("line 9: expected CSV: new-line character seen in unquoted field")
    assert pairs(rows) == [
        ("a", "b"),
        f"line 2: {columns} 1",
        f"line 3: {columns} 3",
        ("\ng", "h"),
        "line 8: expected UTF-8, got byte 0xff at offset 0; the file may be in `encoding` cp1252",
        carriage_return,
        ("m", "n"),
        "line 11: expected a second quotation mark, got the end of the file",
        *(f"line {n}: belongs to the invalid row that begins on line 11" for n in (12, 13)),
    ]
    assert [row.place.number for row in rows] == [1, 2, 3, 6, 8, 9, 10, 11, 12, 13]


@pytest.mark.parametrize("long", ['"' + "x\n" * 200, "x" * 1000 + "\n", '"a\n",' * 100 + "\n"])
def test_rows_that_are_too_long_are_skipped(tmp_path, monkeypatch, long):
    for module in (lines, readers):
        monkeypatch.setattr(module, "MAX_LINE", 200)
    monkeypatch.setattr(lines, "BLOCK_BYTES", 64)
    (tmp_path / "in.csv").write_text(f'a,b\n{long}"c",d\n')
    first, *errors, last = pairs(records(tmp_path / "in.csv"))
    assert first == ("a", "b")
    assert "expected a line of at most 0 MiB, got a longer one" in errors[0]
    assert last == ("c", "d") or "a" in long
    assert len(errors) == 1 or '"' in long


def test_rows_of_a_pipe_are_read_as_they_arrive(write):
    rows = read_file("-", InputFormat(TEXTS, "csv", header=False))
    write(b'a,"b"\n"c\n')
    assert next(rows)[1:3] == ("a", "b")
    write(b'd",e\nf,g\n')
    assert next(rows)[1:3] == ("c\nd", "e")
    assert next(rows)[1:3] == ("f", "g")
    assert next(rows) is None
    write(None)
    assert [*rows] == []


# ---- Kinds of tokens ----

LEMMAS = ["".join(RNG.choices("abcdefgh", k=7)) for _ in range(1000)]
PHONES = [" ".join(RNG.choices(["AA", "B", "CH", "D"], k=5)) for _ in range(1000)]


def kinds(sources, targets, tokens=(None, None)):
    pairs = zip(sources, targets, strict=True)
    records = [Record(Place("f", "line", n), *pair) for n, pair in enumerate(pairs, start=1)]
    return recognise(tokens, [None, Record(Place("f"), None, error=InputError("unreadable")), *records])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["abc", "de", ""], "characters"),
        (["ab cd", "ab"], "words"),
        (PHONES, "words"),
        ([f"{lemma} V;PST" for lemma in LEMMAS], "characters"),  # each lemma occurs once
        ([f"{n // 60:02}:{n % 60:02} {n % 2}" for n in range(1440)] * 10, "characters"),  # each time occurs 10 times
        (["Rohr, 8,5x60 mm", "Rohr, 8,5x80 mm", "Blech, 8,5x60 mm"] * 9, "characters"),  # digits and punctuation
        (["AH0 B", "B AH0 K", "K IY1"] * 9, "words"),  # phones with stress
        (["ab cd", "ef"], "characters"),  # each word occurs once
        ([["HH", "AH"], ["L"]], "words"),
        ([[3, 1], [4]], "integers"),
        ([[3, 1], "4", "15"], "integers"),
        ([[3, 1], [4, 5], "x 2"], "integers"),  # a typo
        ([[3, 1], "x", "y"], "characters"),
    ],
)
def test_the_kind_of_a_side(values, kind):
    assert kinds(values, ["x"] * len(values)) == (kind, "characters")
    assert kinds(["x"] * len(values), values) == ("characters", kind)
    assert kinds(values, ["x"] * len(values), ("words", None)) == ("words", "characters")


def test_single_numbers_beside_integers_are_integers():
    assert kinds([[3, 1], [2]], ["4", "2"]) == ("integers", "integers")
    assert kinds(["4", "2"], [[3, 1], [2]]) == ("integers", "integers")
    assert kinds([[3, 1], [2]], [None, None]) == ("integers", "integers")  # a pattern may compute the targets


@pytest.mark.parametrize(
    "field", ["3", "007 1", "1,234", "1,234,567", "-1 2", "1.5 2", "3 x", "", ",", "1 " + "9" * 5000, "551\n5"]
)
def test_fields_that_are_text(field):
    assert integers_or_text(field) == field


def test_fields_that_are_integers():
    for field in ("3 1 4", "3,1,4", " 3, 1 ,4, ", "3  1\u00a04"):
        assert integers_or_text(field) == [3, 1, 4]
