"""Tables of pairs on the command line: what is recognised is said, and nothing is lost without a word."""

import csv
import gzip
import json
import random
import unicodedata
from pathlib import Path

import pytest
from helpers import SMALL

from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary
from seq2seq_demo.trained.trained_network import load

TRAIN = ["train", *SMALL, "-e", 0, "-o", "w", "--from-file"]


def write_messy(path, n=1200):
    """Write a CSV file of `n` records; every 20th has no source. Return the pairs of all other records."""
    rng, rows = random.Random(0), []
    for k in range(n):
        text = "".join(rng.choice("abcdé") for _ in range(rng.randint(2, 4))) if k % 20 else ""
        decorated = [text, unicodedata.normalize("NFD", text), f'"{text}"', f"{text}\t{text}", f"{text}, {text}"]
        source = decorated[k % 5] if text else ""
        rows.append((source, " ".join(text.upper())))
    rows[7:9] = [rows[7]] * 2  # duplicates
    with open(path, "w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows([("id", "Word", "", "IPA"), *((k, a, "", b) for k, (a, b) in enumerate(rows))])
    return [row for row in rows if row[0]]


def test_the_counts_of_a_messy_table_add_up(run):
    pairs = write_messy("in.csv")
    reading = 'Reading in.csv as CSV with a header: sources are "Word", targets are "IPA", first "" → ""; if not, '
    err = run.refuses([*TRAIN, "in.csv"], "in.csv, line 2: the source is empty", 1)
    assert f"{reading}give --format, --header or --columns" in err
    _, err = run.ok(*TRAIN, "in.csv", "--keep-going")
    assert "Read 1,200 records of in.csv: 1,140 pairs, 60 skipped; the first error: in.csv, line 2: the" in err
    assert "Sources are characters, and targets are words; if not, give --in-tokens and --out-tokens\n" in err
    sources, targets = ({*unicodedata.normalize("NFC", "".join(side))} for side in zip(*pairs, strict=True))
    vocabularies = Vocabulary("characters", tuple(sorted(sources))), Vocabulary("words", tuple(sorted(targets - {" "})))
    assert load("w").vocabularies == Vocabularies(*vocabularies)

    Path("in.csv.gz").write_bytes(gzip.compress(Path("in.csv").read_bytes()))
    status, out, _ = run("predict -i w --from-file in.csv.gz --columns Word,IPA --json --keep-going")
    records = [json.loads(line) for line in out.splitlines()]
    answers = [record for record in records if record["error"] is None]
    assert (status, len(answers), out.count("the source is empty")) == (1, 1140, 60)
    assert [int(answer["record"]["id"]) for answer in answers] == [k for k in range(1200) if k % 20]
    assert (answers[6]["line"], answers[6]["expected"]) == (9, pairs[6][1])


@pytest.mark.parametrize(("row", "tokens"), [("3 1 2\t2 1 3", "integers"), ("12\tXII", "characters")])
def test_tokens_are_recognised_unless_they_are_given(run, row, tokens):
    Path("in.tsv").write_text(f"{row}\n{row[0]}{row}\n" * 10)
    _, err = run.ok(*TRAIN, "in.tsv")
    assert 'Reading in.tsv as text, first "{}" → "{}"; if not, give'.format(*row.split("\t")) in err
    assert load("w").vocabularies.tokens == (tokens, tokens)
    assert ("Sources are characters" in err) == (tokens == "characters")
    _, err = run.ok(*TRAIN, "in.tsv", "--out-tokens", "characters")
    assert f"Sources are {tokens}, and targets are characters; if not, give --in-tokens\n" in err
    words = ["--in-tokens", "words", "--out-tokens", "characters", "--validation-file", "in.tsv"]
    _, err = run.ok(*TRAIN, "in.tsv", *words)
    assert load("w").vocabularies.tokens == ("words", "characters")
    assert "Sources are" not in err


def test_columns_name_keys_of_json(run):
    Path("in.jsonl").write_text('{"raw": "ab", "clean": "A", "n": 1}\n{"raw": "ba", "clean": "A"}\n' * 10)
    err = run.ok(*TRAIN, "in.jsonl", "--columns", "raw,clean")[1]
    assert 'Reading in.jsonl as JSON, first "ab" → "A"; if not, give' in err
    _, out, _ = run("predict -i w --from-file in.jsonl --line-buffered --columns raw --json")
    assert '"record": {"clean": "A", "n": 1}' in out
    error = 'in.jsonl, line 1: expected an object with "row", got {"raw": "ab"'
    run.refuses([*TRAIN, "in.jsonl", "--columns", "row,clean"], error, 1)
