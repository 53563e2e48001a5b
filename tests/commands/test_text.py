"""Text on the command line: from pairs in a file to answers."""

import json
import re
from pathlib import Path

import pytest
from helpers import save_texts, write_pairs

LETTERS = "abéか😀"


@pytest.fixture
def text_network(run):
    """A text network of random weights, saved as w."""
    return save_texts("w", ("characters", tuple(sorted(LETTERS))), ("words", tuple(sorted(LETTERS.upper()))))


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


def test_control_characters_in_symbols_are_escaped(run):
    save_texts("w", ("characters", ("\x07", "\t", "\n", "\x1b")), ("words", ("\x1b[2J", "x", "y")))
    save_texts("v", ("characters", ("\x07", "\t", "\n", "\x1b")), ("characters", ("\t", "\x1b")))
    Path("w.jsonl").write_text('{"input": "\\u001b\\n\\u0007\\t", "output": "\\u001b[2J"}\n')
    Path("v.jsonl").write_text('{"input": "\\u001b\\n\\u0007\\t", "output": "\\t"}\n')
    for command in ("predict --show-attention", "predict --beam-size 3 --n-best 3", "evaluate -v"):
        for network in "wv":
            out, err = run.ok(f"{command} -i {network} --from-file {network}.jsonl")
            assert not {"\x07", "\t", "\x1b"} & {*out, *err}
            assert {"\\x1b", "\\t"} <= {*re.findall(r"\\x1b|\\t", out)}
