import json

import pytest

import seq2seq_demo
from seq2seq_demo.data.patterns import PATTERNS


@pytest.fixture
def rows(run):
    """A function that runs `patterns` and returns the words of each output line."""

    def rows(*options):
        status, out, err = run("patterns", *options)
        assert (status, err) == (0, "")
        return [line.split() for line in out.splitlines()]

    return rows


def test_patterns_lists_examples(rows):
    all_rows = rows()
    assert all_rows[0][-7:] == ["3", "1", "4", "1", "5", "9", "becomes"]
    assert ["rotated", *"141593"] == all_rows[5][:7]
    assert ["added", *"0473"] == all_rows[7][:5]
    assert [row[0] for row in all_rows[1:]] == [*PATTERNS]
    assert [row[:5] for row in rows("-p", "added")[1:]] == [["added", *"0473"]]


@pytest.mark.parametrize("command", ["patterns", "networks"])
def test_json_has_the_facts_that_python_returns(run, command):
    lines = map(json.loads, run.ok(f"{command} --json")[0].splitlines())
    facts = getattr(seq2seq_demo, command)()
    assert {line.pop("name"): line for line in lines} == json.loads(json.dumps(facts))
