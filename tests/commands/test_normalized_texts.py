"""`--lowercase` and the normal form of a file, from training to every place where the network reads."""

import json
from dataclasses import replace
from pathlib import Path

from helpers import SMALL, write_pairs

from seq2seq_demo import load
from seq2seq_demo.data.pair_task import pair_task
from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary
from seq2seq_demo.training.settings import new_run

TRAIN = ["train", "--from-file", "train.tsv", "--in-tokens", "characters", "--out-tokens", "words", *SMALL, "-e", 0]
PAIRS = [("\u00c9a", "\u00c9"), ("eA", "E\u0301"), ("a", "b"), ("e", "b")]


def test_all_that_the_network_reads_is_normalised(run):
    """A file of an earlier version may have another form than NFC."""
    write_pairs("train.tsv", PAIRS)
    run.ok(*TRAIN, "--lowercase", "-o", "u")
    network = load("u")
    assert network.vocabularies.source == Vocabulary("characters", ("a", "e", "\u00e9"), lowercase=True)
    assert network.vocabularies.target.symbols == ("b", "\u00c9")  # targets keep their case
    source = Vocabulary("characters", ("a", "e", "\u0301"), form="NFD", lowercase=True)
    earlier = replace(network, vocabularies=Vocabularies(source, Vocabulary("words", ("E\u0301", "b"), form="NFD")))
    earlier.save("w")
    write_pairs("in.tsv", [("\u00c9A", "\u00c9")])
    for argument in ("\u00c9A", "E\u0301a"):
        assert json.loads(run.ok("predict -i w --json", argument)[0])["source"] == "e\u0301a"
    facts = json.loads(run.ok("predict -i w --json --from-file in.tsv")[0])
    assert (facts["source"], facts["expected"]) == ("e\u0301a", "E\u0301")
    run.ok(*TRAIN, "-i", "w", "--validation-file", "in.tsv", "-o", "v")  # a continued network keeps its own
    assert load("v").vocabularies == earlier.vocabularies
    run.ok("page -i w -o w.html", "\u00c9A")
    assert '"form":"NFD","lowercase":true' in Path("w.html").read_text()


def test_hangul_is_read_and_written_as_letters():
    """Only the side with Hangul has form D; words stay as they are."""
    pairs = [(text, text[::-1]) for text in ("한글", "가나", "다라", "라다", "나라", "각", "\u1100\u1161", "é")]
    network = new_run(pair_task(pairs, kinds=("characters", "characters"), holds_out=True), {"cell_size": 4}).network
    assert all("\u1100" <= symbol <= "\u11ff" or symbol in "e\u0301" for symbol in network.vocabularies.source.symbols)
    (answer,) = network.predict(["한글"], details=True)
    assert (answer.source, answer.source_tokens) == ("한글", [*"\u1112\u1161\u11ab\u1100\u1173\u11af"])
    vocabulary = network.vocabularies.target
    assert vocabulary.to_value(vocabulary.to_numbers([*"\u1112\u1161\u11ab"])) == "한"
    assert vocabulary.to_value(vocabulary.to_numbers([*"e\u0301"])) == "é"
    in_words = pair_task([(source, "한글") for source, _ in pairs], kinds=("characters", "words"))
    assert [side.form for side in in_words.vocabularies] == ["NFD", "NFC"]
