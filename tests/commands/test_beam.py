"""Beam search on the command line, compared with that of Python, which tests/network/test_beam.py tests."""

import itertools
import json
from pathlib import Path

import pytest
from helpers import save_texts, write_pairs

from seq2seq_demo.commands.predict import answer_lines

SOURCES = ["".join(text) for n in (1, 2, 3) for text in itertools.product("ab", repeat=n)]


@pytest.fixture
def network(run):
    """A text network with random weights, saved as w."""
    Path("in.txt").write_text("".join(f"{source}\n" for source in SOURCES))
    return save_texts("w", ("characters", ("a", "b")), ("words", ("x", "yy")), in_len=3, out_len=3)


def test_predict_prints_the_answers_of_a_beam(run, network):
    argv = ["predict -i w --from-file in.txt --beam-size 9 --n-best 6 --length-penalty 1.5"]
    expected = network.predict(SOURCES, beam_size=9, n_best=6, length_penalty=1.5, details=True)
    printed = [json.loads(line)["n_best"] for line in run.ok(*argv, "--json")[0].splitlines()]
    assert [[x["prediction"] for x in each] for each in printed] == [[x.prediction for x in each] for each in expected]
    lines, second = run.ok(*argv)[0].splitlines(), expected[0][1]
    assert lines == [line for each in expected for line in answer_lines(each)]
    assert lines[1].startswith(f"    2. {second.prediction}") and lines[1].endswith(f" (score {second.score:.4f})")


def test_n_best_implies_a_beam_of_this_size(run, network):
    argv = ["predict", "-i", "w", "--from-file", "in.txt", "--n-best", 3]
    assert run.ok(*argv)[0] == run.ok(*argv, "--beam-size", 3)[0]


def test_evaluate_uses_the_beam(run, network):
    answers = network.predict(SOURCES, beam_size=9)
    write_pairs("best.tsv", zip(SOURCES, answers, strict=True))
    argv = ["evaluate", "-i", "w", "--from-file", "best.tsv", "--json"]
    assert json.loads(run.ok(*argv, "--beam-size", 9)[0])["exact_match"] == 1
    assert json.loads(run.ok(*argv)[0])["exact_match"] < 1
