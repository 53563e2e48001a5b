"""Short training runs on texts from the command line."""

import pytest
from helpers import SMALL, SMALL_PAIRS, write_pairs

from seq2seq_demo.trained.trained_network import load

CHARACTERS = ["--in-tokens", "characters", "--out-tokens", "characters"]
FILES = ["--from-file", "train.tsv", "--validation-file", "dev.tsv"]


def test_train_with_keep_going_skips_at_most_a_tenth_of_the_lines(run, tmp_path):
    rows = ["ab\tX", "b\tY", "a\tX Y"] * 6
    (tmp_path / "train.tsv").write_text("\n".join([*rows, "c\tX\tY", "d"]))
    write_pairs(tmp_path / "dev.tsv", [("ab", "X"), ("az", "X"), ("b", "Z"), ("b", "Y")])
    train = ["train", *FILES, "--in-tokens", "characters", "--out-tokens", "words", *SMALL, "-e", 0, "-o", "w"]
    assert run(*train)[0] == 1
    _, err = run.ok(*train, "--keep-going")
    read = "{} records of train.tsv: {} pairs, 2 skipped; the first error: train.tsv, line {}: expected a source, a tab"
    assert f"Read {read.format(20, 18, 19)}" in err
    assert 'Training lacked "z" in sources and "Z" in targets: 2 of 4 pairs, such as dev.tsv, line 2, count' in err
    vocabularies = load("w").vocabularies
    assert (vocabularies.source.symbols, vocabularies.target.symbols) == (("a", "b"), ("X", "Y"))
    (tmp_path / "train.tsv").write_text("\n".join([*rows[1:], "c\tX\tY", "d"]))
    too_many = f"expected to skip at most 10% of the records, got {read.format(19, 17, 18)}"
    run.refuses([*train, "--keep-going", "--force"], too_many, 1)
    (tmp_path / "train.tsv").write_text("z\tX\tX\n")
    none = "expected pairs of a source and a target, got none; the first error: train.tsv, line 1: expected a source"
    run.refuses([*train, "--keep-going", "--force"], none, 1)


@pytest.mark.slow
def test_train_says_why_it_stopped(run, tmp_path):
    write_pairs(tmp_path / "train.tsv", [("ab"[n % 2] * (1 + n % 3), "xy"[n % 2]) for n in range(60)])
    options = "--from-file train.tsv -e 41 -r 0.03 --patience 40 --batch-size 8"
    _, err = run.ok(f"train {options} -o w", *CHARACTERS, *SMALL_PAIRS)
    assert "Stopped early (--patience 40): epoch " in err
    assert "Too few pairs to calibrate: " in err
