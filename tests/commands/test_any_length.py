"""Networks for a range of lengths on the command line: training, prediction and evaluation."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import ATTENTION, SMALL, pairs_of, save_random

from seq2seq_demo.trained.trained_network import load
from seq2seq_demo.training.report import probe_pair

pytestmark = pytest.mark.slow


def test_training_and_evaluation_cover_every_length(run, fast_steps):
    out, _ = run.ok("train 60 -p reversed --in-len 1-4 --in-max-int 2 --out-max-int 2 -e 1 -o w", *SMALL)
    assert "60 point dataset (pattern 'reversed', sources of 1-4 symbols), with 1 epoch\n" in out
    network = load("w")
    assert (network.in_len, network.min_in_len, network.out_len) == (4, 1, 4)
    assert run.ok("predict -i w 2 0 1")[0].endswith("(expected=[1 0 2])\n")
    out, _ = run.ok("evaluate -i w 100 --json")
    facts = json.loads(out)
    random = facts["by_kind"]["random"]["by_length"]
    assert {length: row["n"] for length, row in random.items()} == {"1": 3, "2": 9, "3": 27, "4": 81}
    out, _ = run.ok("evaluate -i w 50 --in-len 2-3,6")
    assert [line.split()[0] for line in out.split("\n\n")[2].splitlines()] == ["length", "2", "3", "6", "all"]


def test_mixed_lengths_are_answered_in_input_order(run, monkeypatch, caplog):
    monkeypatch.setattr("seq2seq_demo.commands.predict.BATCH_SIZE", 4)  # sequences per batch
    network = save_random("w", replace(ATTENTION, ends=True), in_len=6, out_len=6, min_in_len=1)
    sources = [np.random.default_rng(n).integers(0, 10, n).tolist() for n in (3, 1, 8, 3, 6, 1, 9)]
    Path("in.jsonl").write_text("".join(f"{source}\n" for source in sources))
    out, err = run.ok("predict -i w --from-file in.jsonl --json")
    assert err.count("trained on length 1-6, so its answers at length 8 may be wrong") == err.count("trained") == 1
    answers = network.predict(sources, details=True)
    assert caplog.messages[-1].endswith("at length 8-9 may be wrong")
    for p, line in zip(answers, map(json.loads, out.splitlines()), strict=True):
        assert (line["source"], line["expected"], line["ended"]) == (p.source, p.source[::-1], p.ended)
        assert (line["prediction"], line["prediction_tokens"]) == (p.prediction, p.prediction_tokens)
        assert len(line["probabilities"]) == len(p.prediction) + p.ended


def test_the_probe_has_the_longest_source_with_more_than_two_symbols():
    pairs = [([1], []), ([2, 3, 4], [4]), ([5, 6], [6]), ([7, 8, 9], [9]), ([1, 1, 1, 1], [1])]
    assert probe_pair(pairs_of(*pairs)) == ([2, 3, 4], [4])
    assert probe_pair(pairs_of(pairs[0], pairs[-1])) == ([1, 1, 1, 1], [1])
