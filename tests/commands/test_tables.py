"""Tables of pairs on the command line: what is recognised is said, and nothing is lost without a word."""

import csv
import unicodedata
from pathlib import Path

from helpers import SMALL

from seq2seq_demo.trained.loading import load

TRAIN = ["train", *SMALL, "-e", 0, "-o", "w", "--from-file"]


def test_the_counts_of_a_messy_table_add_up(run):
    words = ["ab", "cd", "bc", "\u00e9a", "e\u0301a", '"ba"', "a\tb", "b, a", "ab", '"e\u0301\t, d"', ""]
    rows = [(k, word, "", " ".join(unicodedata.normalize("NFC", word)[:2].upper())) for k, word in enumerate(words)]
    with open("in.csv", "w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows([("id", "Word", "", "IPA"), *rows])
    reading = 'Reading in.csv as CSV with a header: sources are "Word", targets are "IPA", first "ab" → "A B"; if not, '
    err = run.refuses([*TRAIN, "in.csv"], "in.csv, line 12: the source is empty", 1)
    assert f"{reading}give --format, --header or --columns" in err
    _, err = run.ok(*TRAIN, "in.csv", "--keep-going")
    assert "Read 11 records of in.csv: 10 pairs, 1 skipped; the first error: in.csv, line 12: the" in err
    assert "Sources are characters, and targets are words; if not, give --in-tokens and --out-tokens\n" in err
    assert load("w").vocabularies.source.symbols == ("\t", " ", '"', ",", *"abcd", "\u00e9")


def test_tokens_are_recognised_unless_they_are_given(run):
    Path("in.tsv").write_text("3 1 2\t2 1 3\n33 1 2\t2 1 3\n" * 10)
    _, err = run.ok(*TRAIN, "in.tsv")
    assert 'Reading in.tsv as text, first "3 1 2" → "2 1 3"; if not, give' in err
    assert load("w").vocabularies.tokens == ("integers", "integers")
    assert "Sources are" not in err
    _, err = run.ok(*TRAIN, "in.tsv", "--out-tokens", "characters")
    assert "Sources are integers, and targets are characters; if not, give --in-tokens\n" in err
    tokens = ["--in-tokens", "words", "--out-tokens", "characters"]
    _, err = run.ok(*TRAIN, "in.tsv", *tokens, "--validation-file", "in.tsv")
    assert load("w").vocabularies.tokens == ("words", "characters")
    assert "Sources are" not in err


def test_columns_name_keys_of_json(run):
    Path("in.jsonl").write_text('{"raw": "ab", "clean": "A", "n": 1}\n{"raw": "ba", "clean": "A"}\n' * 10)
    run.ok(*TRAIN, "in.jsonl", "--columns", "raw,clean")
    _, out, _ = run("predict -i w --from-file in.jsonl --line-buffered --columns raw --json")
    assert '"record": {"clean": "A", "n": 1}' in out
    error = 'in.jsonl, line 1: expected an object with "row", got {"raw": "ab"'
    run.refuses([*TRAIN, "in.jsonl", "--columns", "row,clean"], error, 1)
