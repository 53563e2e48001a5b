import json
import re

import pytest
from helpers import ATTENTION, save_random, save_texts, write_pairs

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.trained.saved_network import TrainingRun


def test_evaluate_prints_the_evaluation_that_python_returns(run):
    config = TrainConfig(points=400, in_len=6, out_len=3)
    network = save_random("w", ATTENTION, in_len=6, out_len=3, run=TrainingRun(config, 0))
    status, out, err = run("evaluate 600 -i w --seed 5 --json")
    assert (status, err) == (0, "Using weights w\n")
    facts = json.loads(out)
    assert (facts["n"], facts["fresh"], [*facts["by_length"]]) == (600, True, ["6"])
    assert facts == network.evaluate("reversed", 600, seed=5).to_dict()
    out, _ = run.ok("evaluate 600 -i w --seed 5")
    assert out == f"{network.evaluate(n=600, seed=5).report()}\n"
    assert out.startswith("600 fresh sources, pattern 'reversed'\n\n")
    assert f"exact match {facts['exact_match']:.5f}, " in out
    _, err = run.ok("evaluate 20 -i w --in-len 7,4,2,7")
    assert err.endswith("The network was trained on length 6, so its answers at length 2, 4, 7 may be wrong\n")


# ---- Pairs of a user ----


@pytest.fixture
def text_network(run):
    """A text network of random weights, saved as w."""
    return save_texts("w", ("characters", ("a", "b")), ("words", ("A", "B")))


def test_evaluate_with_keep_going_skips_lines_and_exits_1(run, text_network):
    write_pairs("test.tsv", [("ab", "A B"), ("z", "A"), ("b", "B"), ("a", "Z"), ("a", "A\tB"), ("b", "A\t")])
    run.refuses("evaluate -i w --from-file test.tsv", "test.tsv, line 5: expected a source, a tab and a target", 1)
    for n, n_skipped in (([], "2 invalid records"), ([4], "")):
        status, out, err = run("evaluate -i w --from-file test.tsv --keep-going --json", *n)
        facts = json.loads(out.splitlines()[-1])
        assert (status, facts["n"], facts["unseen"]) == (bool(n_skipped), 4, 2)
        lacked = 'Training lacked "z" in sources and "Z" in targets, so the answers to 2 of 4 pairs, such as test.tsv'
        assert err.count(f"{lacked}, line 2, count as wrong;") == 1
        read = "Read 6 records of test.tsv: 4 pairs, 2 skipped; the first error: test.tsv, line 5"
        assert (read in err) == bool(n_skipped)
        assert err.endswith(f"error: skipped {n_skipped}\n" if n_skipped else "omits them\n")


def test_unseen_symbols_are_shown_among_the_confusions_and_wrong_answers(run, text_network):
    write_pairs("test.tsv", [("az", "A B"), ("ab", "A Ö"), ("ay", "A B")])
    out, _ = run.ok("evaluate -i w --from-file test.tsv -v")
    assert "3 sources of test.tsv" in out
    assert "exact match 0.00000" in out
    assert re.search(r"^a\ufffd +A B +\.\.\. +3$", out, re.MULTILINE)  # without a probability
    assert re.search(r"^unseen +\S+ +1$", out, re.MULTILINE)
