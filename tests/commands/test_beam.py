"""Beam search on the command line, compared with an exhaustive search that uses teacher forcing."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from helpers import random_weights

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary
from seq2seq_demo.trained_network import TrainedNetwork

LONGEST = 3  # symbols in an answer
SIZES = {"cell_size": 7, "embedding_size": 5, "in_max_int": 1, "out_max_int": 1, "ends": True}
TEXT = ModelConfig("embedding_attention", "GRUCell", **SIZES)
SIDES = Vocabularies(Vocabulary("characters", ("a", "b")), Vocabulary("words", ("x", "yy")))
SOURCES = ["".join(text) for n in (1, 2, 3) for text in itertools.product("ab", repeat=n)]
EXHAUSTIVE = 3 ** (LONGEST + 1)  # a beam size that keeps every hypothesis


@pytest.fixture
def network(run):
    """A network of texts with random weights, saved as w; answers have up to three words, from a vocabulary of two."""
    network = TrainedNetwork(TEXT, random_weights(TEXT, 3), "t", 3, LONGEST, min_in_len=1, vocabularies=SIDES)
    network.save("w")
    Path("in.txt").write_text("".join(f"{source}\n" for source in SOURCES))
    return network


def log_p(network, source, symbols):
    """Return the log probability of these symbols with teacher forcing."""
    decoder_input = np.array([[network.model_config.go, *symbols[:-1]]])
    logits = network.to_numpy().decode(np.array([source]), len(symbols), decoder_input).logits[0].astype(float)
    return (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))[np.arange(len(symbols)), symbols].sum()


def exhaustive_search(network, text, penalty):
    """Return all answers that end, with their scores, best first."""
    source, end = ["ab".index(character) for character in text], network.model_config.go
    answers = [answer for n in range(LONGEST + 1) for answer in itertools.product(range(end), repeat=n)]
    scored = [(log_p(network, source, [*answer, end]) / (len(answer) + 1) ** penalty, answer) for answer in answers]
    return [(" ".join(SIDES.target.to_symbols(answer)), score) for score, answer in sorted(scored, reverse=True)]


def json_lines(out):
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize("penalty", [0, 1.5])
def test_a_large_beam_finds_the_best_answers_and_scores(run, network, penalty):
    argv = ["predict", "-i", "w", "--from-file", "in.txt", "--beam-size", EXHAUSTIVE, "--n-best", 6]
    argv += ["--length-penalty", penalty] if penalty else []
    expected = {text: exhaustive_search(network, text, penalty)[:6] for text in SOURCES}
    _, out, _ = run(*argv, "--json")
    for text, facts in zip(SOURCES, json_lines(out), strict=True):
        answers = facts["n_best"]
        assert [answer["prediction"] for answer in answers] == [answer for answer, _ in expected[text]]
        assert [answer["score"] for answer in answers] == pytest.approx(
            [score for _, score in expected[text]], abs=1e-5
        )
        assert all(answer["ended"] for answer in answers)
        assert {name: facts[name] for name in answers[0]} == answers[0]
        assert facts["input"] == text
    _, out, _ = run(*argv)
    lines = iter(out.splitlines())
    for text in SOURCES:
        for n, (answer, score) in enumerate(expected[text], start=1):
            start = f"==> For input {text}, prediction=" if n == 1 else f"    {n}. "
            line = next(lines)
            assert line.startswith(f"{start}{answer} (score -")
            assert float(line.rpartition("(score ")[2].rstrip(")")) == pytest.approx(score, abs=1e-4)
    assert list(lines) == []


def test_evaluate_uses_the_beam(run, network):
    best = [exhaustive_search(network, text, 0)[0][0] for text in SOURCES]
    Path("best.tsv").write_text("".join(f"{text}\t{answer}\n" for text, answer in zip(SOURCES, best, strict=True)))
    argv = ["evaluate", "-i", "w", "--from-file", "best.tsv", "--json"]
    assert json_lines(run(*argv, "--beam-size", EXHAUSTIVE)[1])[-1]["free_running"]["exact_match"] == 1
    assert json_lines(run(*argv)[1])[-1]["free_running"]["exact_match"] < 1
