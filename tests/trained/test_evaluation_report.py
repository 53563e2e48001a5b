import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary
from seq2seq_demo.trained.counts import Counts, Tally
from seq2seq_demo.trained.evaluation_report import MAX_CONFUSIONS, EvaluationRow, summary_of
from seq2seq_demo.trained.predictions import Prediction
from seq2seq_demo.trained.saved_network import SavedNetwork


def network_of(vocabularies, ends=True):
    """The facts of a network with these vocabularies; its target symbols are 0 to 2."""
    config = ModelConfig(ends=ends, in_max_int=3, out_max_int=2)
    return SavedNetwork(config, {}, vocabularies=vocabularies)


def tally(expected, correct):
    return Tally(np.array(expected), np.array(correct))


def counts_of(**changes):
    """Made-up counts of 10 sequences of 2 symbols from 0 to 2."""
    totals = Counts(10, 10, 20, loss_sum=5.0, n_loss=20, forced_exact=5, exact=3, edits=9)
    values = {"forced": tally([10, 10], [9, 6]), "by_position": tally([10, 10], [8, 4])}
    values |= {"by_symbol": tally([5, 6, 0, 9], [5, 3, 0, 4])}
    values |= {"confusions": Counter({(1, 0): 1, (1, 2): 2, (2, 1): 4, (2, 0): 1})}
    return replace(totals, **values | changes)


@pytest.mark.parametrize("ends", [True, False])
def test_an_evaluation_as_json(ends):
    rows = [EvaluationRow(7, counts_of(unended=2, too_long=3), False)]
    e = summary_of(rows, network_of(Vocabularies(), ends), "")
    flat = {"n": 10, "n_pairs": 10, "unseen": 0, "fresh": False, "exact_match": 0.3, "forced_exact_match": 0.5}
    flat |= {"token_accuracy": 0.6, "forced_token_accuracy": 0.75, "symbol_error_rate": 0.45, "loss": 0.25}
    flat |= {"wrong_symbols": 0, "too_short": 0, "too_long": 3, "unended": 2}
    positions = [
        {"position": 1, "token_accuracy": 0.8, "forced_token_accuracy": 0.9},
        {"position": 2, "token_accuracy": 0.4, "forced_token_accuracy": 0.6},
    ]
    symbols = [(0, 5, 1.0), (1, 6, 0.5), ("END" if ends else 3, 9, pytest.approx(4 / 9))]
    confusions = [(2, 1, 4), (1, 2, 2), (1, 0, 1), (2, 0, 1)]
    assert [*e.to_dict().items()] == [
        *flat.items(),
        ("by_length", {"7": flat}),
        ("by_position", positions),
        ("by_symbol", [{"symbol": symbol, "n": n, "token_accuracy": accuracy} for symbol, n, accuracy in symbols]),
        ("confusions", [{"expected": x, "prediction": y, "n": n} for x, y, n in confusions]),
        ("worst", []),
        ("calibration", None),
    ]
    assert json.loads(json.dumps(e.to_dict(), allow_nan=False)) == e.to_dict()
    assert summary_of([EvaluationRow(7, counts_of(n_loss=0))], network_of(Vocabularies()), "").to_dict()["loss"] is None
    metrics = "exact match 0.3000, token accuracy 0.6000 (0.7500 forced), symbol errors 0.4500, loss 0.2500"
    assert repr(e) == f"<Evaluation of 10 sequences: {metrics}>"


def test_figures_at_one_length_have_tables_by_position_and_by_symbol():
    rows = [EvaluationRow(7, counts_of(too_long=3), True)]
    shown = summary_of(rows, network_of(Vocabularies(), ends=False), ", pattern 'f'").report()
    first, errors, lengths, positions, symbols, confusions = shown.split("\n\n")
    assert first == "10 fresh sources, pattern 'f'"
    assert errors == "exact match 0.30000, symbol error rate 0.45000, loss 0.25000 nats per symbol"
    header, row = map(str.split, lengths.splitlines())
    assert header[:6] == ["length", "sequences", "exact", "match", "forced", "token"]
    assert row == ["7", "10", "0.30000", "0.50000", "0.60000", "0.75000", "0.45000", "0", "0", "3", "0"]
    by_position = [line.split() for line in positions.splitlines()[1:]]
    assert by_position == [["1", "0.90000", "0.80000"], ["2", "0.60000", "0.40000"]]
    assert [line.split()[:2] for line in symbols.splitlines()[1:]] == [["0", "5"], ["1", "6"], ["3", "9"]]
    assert confusions.splitlines()[1].split() == ["2", "1", "4"]


def test_sources_are_fresh_only_if_no_run_used_them():
    for fresh, name in ([True, True], "fresh source"), ([True, None], "source"), ([None, False], "source"):
        rows = [EvaluationRow(7 + n, counts_of(), each) for n, each in enumerate(fresh)]
        assert report_on(rows, Vocabularies()).startswith(f"20 {name}s; ")


# ---- Given pairs ----

TEXTS = Vocabularies(Vocabulary("characters", (" ", "a", "\u00e9", "한")), Vocabulary("words", ("AH", "B", "한국")))


def pair_rows(vocabularies=TEXTS, **changes):
    """Made-up rows of two lengths: 4 sources with 6 targets, and 6 sources with 6 targets."""
    answer = {"answer": [2, 1, 1], "ended": False, "probabilities": [0.5, 0.5]}
    wrong = Prediction.of_numbers(network_of(vocabularies), source=[1, 0, 3], expected=[0, 2], **answer)
    confusions = Counter({(0, 1): 2, (None, 1): 5, (2, None): 2, (2, 0): 2, (1, 0): 1})
    values = {"forced": tally([12, 8], [10, 5]), "by_position": tally([12, 8], [10, 3]), "forced_exact": 3, "exact": 1}
    values |= {"wrong_symbols": 1, "too_short": 1, "unended": 1, "edits": 10, "confusions": confusions}
    first = Counts(4, 6, 16, loss_sum=5.0, n_loss=20, **values | {"wrong": (wrong,)} | changes)
    right = {"forced": tally([20], [0]), "by_position": tally([20], [20]), "exact": 6}
    second = Counts(6, 6, 14, loss_sum=3.0, n_loss=20, **right)
    return [EvaluationRow(2, first), EvaluationRow(3, second)]


def report_on(rows, vocabularies=TEXTS, origin="", verbose=False):
    return summary_of(rows, network_of(vocabularies), origin).report(verbose)


def test_given_texts_as_json():
    e = summary_of(pair_rows(), network_of(TEXTS), "")
    assert (e.n, e.n_pairs, e.exact_match, e.symbol_error_rate) == (10, 12, 0.7, pytest.approx(1 / 3))
    counts = [(None, "B", 5), ("AH", "B", 2), ("한국", None, 2), ("한국", "AH", 2), ("B", "AH", 1)]
    assert [tuple(row.values()) for row in e.confusions] == counts
    (worst,) = e.worst
    assert (worst.ended, worst.edits, worst.probability) == (False, 4, 0.0)  # a missing END is an edit
    assert e.to_dict()["worst"] == [worst.to_dict() | {"edits": 4}]
    assert set(e.by_length) == {2, 3} and e.by_length[2].worst == e.worst


def test_given_texts_as_tables():
    *tables, worst = report_on(pair_rows(), origin=" of dev.tsv", verbose=True).split("\n\n")
    assert report_on(pair_rows(), origin=" of dev.tsv").split("\n\n") == tables
    first, errors, lengths, confusions = tables
    assert first == "10 sources of dev.tsv with 12 targets, any of which is right; an answer without END is wrong"
    assert errors == "exact match 0.70000, symbol error rate 0.33333, loss 0.20000 nats per symbol"
    rows = [line.split()[:3] for line in lengths.splitlines()[1:]]
    assert rows == [["2", "4", "0.25000"], ["3", "6", "1.00000"], ["all", "10", "0.70000"]]
    assert confusions.splitlines() == [
        "expected  prediction  times",
        "nothing            B      5",
        "AH                 B      2",
        "한국         nothing      2",
        "한국              AH      2",
        "B                 AH      1",
    ]
    assert worst.splitlines() == [
        "Wrong answers with the most edits:",
        "source  expected  prediction    edits  probability",
        "a 한    AH 한국   한국 B B ...  4      0.0000",
    ]
    right = pair_rows(exact=4, confusions=Counter(), wrong=())
    assert report_on(right, verbose=True).endswith("\n\nNo symbol was wrong.")


def test_the_most_frequent_confusions_with_visible_symbols():
    vocabularies = Vocabularies(target=Vocabulary("characters", (" ", "\u00a0", *"abcdefghijkl")))
    many = pair_rows(confusions=Counter({(0, n): 20 - n for n in range(1, 14)}))
    lines = report_on(many, vocabularies).split("\n\n")[-1].splitlines()
    assert len(lines) == 1 + MAX_CONFUSIONS
    assert [line.split() for line in lines[1:3]] == [["\u2423", "\u237d", "19"], ["\u2423", "a", "18"]]
    assert len(summary_of(many, network_of(vocabularies), "").confusions) == 13
