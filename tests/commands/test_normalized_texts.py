"""`--normalize` and `--lowercase`, from training to every place where the network reads."""

import json
from pathlib import Path

import pytest
from helpers import SMALL, write_pairs

from seq2seq_demo import UsageError, load, train
from seq2seq_demo.data.vocabulary import Vocabulary

TRAIN = ["train", "--from-file", "train.tsv", "--in-tokens", "characters", "--out-tokens", "words", *SMALL, "-e", 0]
PAIRS = [("\u00c9a", "\u00c9"), ("eA", "E\u0301"), ("a", "b")]


@pytest.fixture
def normalized(run):
    """An untrained network whose sources are in lower case and form NFD, saved as w."""
    write_pairs("train.tsv", PAIRS)
    run.ok(*TRAIN, "--normalize", "nfd", "--lowercase", "-o", "w")
    return load("w")


def test_all_that_the_network_reads_is_normalised(run, normalized):
    source, target = normalized.vocabularies
    assert source == Vocabulary("characters", ("a", "e", "\u0301"), form="NFD", lowercase=True)
    assert target == Vocabulary("words", ("E\u0301", "b"), form="NFD")  # targets keep their case
    write_pairs("in.tsv", [("\u00c9A", "\u00c9")])
    for argument in ("\u00c9A", "E\u0301a"):
        assert json.loads(run.ok("predict -i w --json", argument)[0])["input"] == "e\u0301a"
    facts = json.loads(run.ok("predict -i w --json --from-file in.tsv")[0])
    assert (facts["input"], facts["expected"]) == ("e\u0301a", "E\u0301")
    assert "1 source of in.tsv" in run.ok("evaluate -i w --from-file in.tsv")[0]
    (answer,) = normalized.predict(["\u00c9A"], details=True)
    assert answer.source_text == "e\u0301a"
    assert normalized.evaluate([("\u00c9A", "\u00c9")]).n == 1
    run.ok(*TRAIN, "-i", "w", "--validation-file", "in.tsv", "-o", "v")  # a continued network keeps its own
    assert load("v").vocabularies == normalized.vocabularies
    run.ok("page -i w -o w.html", "\u00c9A")
    assert '"form":"NFD","lowercase":true' in Path("w.html").read_text()
    write_pairs("train.tsv", [("a", "B")])
    message = 'train.tsv, line 1, output: expected words seen in training, got "B" at position 1'
    run.refuses([*TRAIN, "-i", "w", "-o", "v"], message, 1)


def test_options_that_contradict_the_network_are_refused(run, normalized):
    message = "expected --normalize as in the network's training, nfd, got nfc"
    run.refuses([*TRAIN, "-i", "w", "--normalize", "nfc"], message)


def test_normalised_texts_in_python():
    texts = {"in_tokens": "characters", "out_tokens": "words", "epochs": 0, "cell_size": 4}
    network = train(PAIRS, normalize="nfkd", lowercase=True, **texts)
    assert network.vocabularies.source == Vocabulary("characters", ("a", "e", "\u0301"), form="NFKD", lowercase=True)
    assert len(network.predict(["\u00c9A", "\uff21"])) == 2  # the second is a wide A
    assert train([("AE", "b")], start=network, epochs=0, validation=PAIRS).vocabularies
    with pytest.raises(UsageError, match="expected `normalize` as in the network's training, nfkd, got nfd"):
        train(PAIRS, start=network, normalize="nfd")
    with pytest.raises(UsageError, match=r"expected pairs with .*`lowercase`, got 'sorted'"):
        train("sorted", lowercase=True)
