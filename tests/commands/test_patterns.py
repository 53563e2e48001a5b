import json

import pytest

import seq2seq_demo
from seq2seq_demo.data.patterns import PATTERNS


def test_patterns_lists_examples(run):
    outputs = [run(line) for line in ("patterns", "patterns -p added")]
    assert [(status, err) for status, _, err in outputs] == [(0, "")] * 2
    rows, one = ([line.split() for line in out.splitlines()] for _, out, _ in outputs)
    assert rows[0][-7:] == ["3", "1", "4", "1", "5", "9", "becomes"]
    assert ["rotated", *"141593"] == rows[5][:7]
    assert ["added", *"0473"] == rows[7][:5]
    assert [row[0] for row in rows[1:]] == [*PATTERNS]
    assert [row[:5] for row in one[1:]] == [["added", *"0473"]]


@pytest.mark.parametrize("command", ["patterns", "networks"])
def test_json_has_the_facts_that_python_returns(run, command):
    lines = map(json.loads, run.ok(f"{command} --json")[0].splitlines())
    facts = getattr(seq2seq_demo, command)()
    assert {line.pop("name"): line for line in lines} == json.loads(json.dumps(facts))
