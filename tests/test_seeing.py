"""What the program shows of a network: evaluation, attention, probabilities, probes; and a conversation with it."""

import json
import os
import pty
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from test_cli import imported
from test_commands import SMALL, untrained

from seq2seq_demo import heatmap, weights
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.dataset import drawn_sources, fresh_sources
from seq2seq_demo.evaluation import Evaluation
from seq2seq_demo.numpy_decoder import NumpyNetwork, softmax
from seq2seq_demo.report import evaluation_dict, evaluation_text, lengths_text, probe_line, table

ATTENTION = ModelConfig("embedding_attention", cell_size=7, embedding_size=5)
SOURCE = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3]


def counted(**changes):
    """An evaluation of 10 sequences of 2 symbols, 0 to 2, and GO, that was made up."""
    confusions = Counter({(1, 0): 1, (1, 2): 2, (2, 1): 4, (2, 3): 1})
    values = {"n": 10, "loss": 0.25, "forced_right": np.array([9, 6]), "right": np.array([8, 4])}
    values |= {"forced_exact": 5, "exact": 3, "confusions": confusions}
    values |= {"expected": np.array([5, 6, 9, 0]), "expected_and_right": np.array([5, 3, 4, 0])}
    return Evaluation(**values | changes)


def test_an_evaluation_as_json():
    assert evaluation_dict(counted(), in_len=7) == {
        "n": 10,
        "in_len": 7,
        "out_len": 2,
        "loss": 0.25,
        "forced": {"token_accuracy": 0.75, "exact_match": 0.5},
        "free_running": {"token_accuracy": 0.6, "exact_match": 0.3},
        "gap": {"token_accuracy": pytest.approx(0.15), "exact_match": pytest.approx(0.2)},
        "by_position": {"forced": [0.9, 0.6], "free_running": [0.8, 0.4]},
        "by_symbol": [
            {"symbol": 0, "n": 5, "accuracy": 1.0},
            {"symbol": 1, "n": 6, "accuracy": 0.5},
            {"symbol": 2, "n": 9, "accuracy": pytest.approx(4 / 9)},
        ],
        "confusions": [
            {"expected": 2, "predicted": 1, "times": 4},
            {"expected": 1, "predicted": 2, "times": 2},
            {"expected": 1, "predicted": 0, "times": 1},
            {"expected": 2, "predicted": 3, "times": 1},
        ],
    }


def test_an_evaluation_as_text():
    text = evaluation_text(evaluation_dict(counted(), in_len=7))
    rows = [line.split() for line in text.splitlines()]
    for row in (
        ["token", "accuracy", "0.75000", "0.60000", "+0.15000"],
        ["exact", "match", "0.50000", "0.30000", "+0.20000"],
        ["2", "0.60000", "0.40000"],
        ["1", "6", "0.50000"],
        ["2", "1", "4"],
    ):
        assert row in rows
    perfect = evaluation_dict(counted(confusions=Counter()), 7)
    assert evaluation_text(perfect).endswith("\n\nNo symbol was wrong.")
    shown = lengths_text([evaluation_dict(counted(), in_len) for in_len in (7, 13)])
    assert [line.split() for line in shown.splitlines()[1:]] == [
        ["7", "2", "10", "0.75000", "0.60000", "0.30000"],
        ["13", "2", "10", "0.75000", "0.60000", "0.30000"],
    ]


def test_a_table():
    assert table(["ab", "c"], [["d", "ef"], ["", "ghi"]]) == "ab    c\nd    ef\n    ghi"


def test_a_probe():
    right = "    probe [1, 2], prediction=[2 1]"
    assert probe_line([1, 2], [2, 1], [2, 1], colour=True) == right
    assert probe_line([1, 2], [2, 3], [2, 1], colour=False) == "    probe [1, 2], prediction=[2 3*] (expected=[2 1])"
    red = "    probe [1, 2], prediction=[2 \033[31m3*\033[0m] (expected=[2 1])"
    assert probe_line([1, 2], [2, 3], [2, 1], colour=True) == red


def test_evaluate(run):
    train = TrainConfig(points=400, in_len=4, out_len=3, epochs=0)
    trained = {"start_step": 6, "points": 400, "in_len": 4, "out_len": 3}
    network = untrained("w", model=ATTENTION, in_len=4, out_len=3, trained=trained)
    seen = drawn_sources(ATTENTION, train, 6)
    sources = fresh_sources(5, 600, 4, 9, seen)
    decoder = NumpyNetwork(network.model, network.weights)
    right = decoder.decode(sources, 3).symbols == sources[:, :0:-1]

    status, out, err = run("evaluate", 600, "-i", "w", "--seed", 5, "--json")
    assert (status, err) == (0, "Using weights w\n")
    facts = json.loads(out)
    assert (facts["model"], facts["pattern"], facts["n"]) == ("embedding_attention", "reversed", 600)
    assert (facts["in_len"], facts["out_len"]) == (4, 3)
    assert facts["free_running"]["token_accuracy"] == pytest.approx(right.mean())
    assert facts["by_position"]["free_running"] == pytest.approx(right.mean(axis=0).tolist())
    status, out, _ = run("evaluate", 600, "-i", "w", "--seed", 5)
    assert status == 0
    assert out.startswith("600 fresh sources, pattern 'reversed'\n\n")
    assert f"{right.mean():.5f}" in out


def test_evaluate_at_several_lengths(run):
    untrained("w", model=ATTENTION, in_len=4, out_len=3)
    status, out, _ = run("evaluate", 50, "-i", "w", "--lengths", "4,2,7", "--json")
    assert status == 0
    facts = [json.loads(line) for line in out.splitlines()]
    assert [(f["in_len"], f["out_len"], f["n"]) for f in facts] == [(4, 3, 50), (2, 2, 50), (7, 7, 50)]
    status, out, _ = run("evaluate", 50, "-i", "w", "--lengths", "4,2,7")
    assert [line.split()[:3] for line in out.splitlines()[3:]] == [["4", "3", "50"], ["2", "2", "50"], ["7", "7", "50"]]


def test_evaluate_where_nearly_everything_was_trained_on(run):
    seen = {"start_step": 0, "points": 1000, "in_len": 2, "out_len": 2}
    untrained("w", model=ATTENTION, in_len=2, out_len=2, trained=seen)
    status, out, err = run("evaluate", "-i", "w")
    assert (status, out) == (1, "")
    assert "expected sources of length 2 that were not trained on, but every one was" in err
    untrained("w", model=ATTENTION, in_len=2, out_len=2, trained=seen | {"points": 300})
    left = 100 - len(np.unique(drawn_sources(ATTENTION, TrainConfig(points=300, in_len=2), 0), axis=0))
    status, out, err = run("evaluate", 10**6, "-i", "w")
    assert status == 0
    assert f"Only {out.split()[0]} of 1000000 sources of length 2 were found that were not trained on" in err
    assert 0 < left < 10


def test_evaluate_on_pairs(run):
    network = untrained("w", model=ATTENTION, in_len=3, out_len=2, pattern="pairs.jsonl")
    sources = np.random.default_rng(1).integers(0, 10, (40, 3))
    predicted = NumpyNetwork(network.model, network.weights).decode(sources, 2).symbols
    predicted[:10, 1] = 0
    with open("pairs.jsonl", "w") as file:
        for source, target in zip(sources.tolist(), predicted.tolist(), strict=True):
            print(json.dumps({"input": source, "output": target}), file=file)
    status, out, err = run("evaluate", "-i", "w", "--from-file", "pairs.jsonl", "--json")
    assert status == 0, err
    assert json.loads(out)["by_position"]["free_running"] == [1, pytest.approx(0.75, abs=0.05)]
    status, out, err = run("evaluate", 20, "-i", "w")
    assert (status, out) == (2, "")
    assert "trained on 'pairs.jsonl': expected --from-file with pairs, or -p" in err
    status, out, err = run("evaluate", 50, "-i", "w", "--from-file", "pairs.jsonl")
    assert status == 1
    assert "pairs.jsonl: expected 50 pairs, found 40" in err


def test_predict_json(run):
    network = untrained("w", model=ATTENTION)
    decoded = NumpyNetwork(network.model, network.weights).decode(np.array([SOURCE]), 10)
    status, out, _ = run("predict", "-i", "w", *SOURCE, "--json", "--show-attention")
    assert (status, out.count("\n")) == (0, 1)
    facts = json.loads(out)
    assert facts["input"] == SOURCE
    assert facts["prediction"] == decoded.symbols[0].tolist()
    assert facts["expected"] == SOURCE[::-1]
    assert facts["exact"] is False
    probabilities = softmax(decoded.logits[0])[np.arange(10), decoded.symbols[0]]
    assert facts["probabilities"] == pytest.approx(probabilities.tolist(), abs=1e-6)
    assert np.array(facts["attention"]) == pytest.approx(decoded.attention[0], abs=1e-6)

    pairs = {"input": SOURCE, "output": facts["prediction"]}
    with open("in.jsonl", "w") as file:
        file.write(f"{json.dumps(pairs)}\n{SOURCE}\n")
    status, out, _ = run("predict", "-i", "w", "--from-file", "in.jsonl", "--json", "--engine", "keras")
    first, second = (json.loads(line) for line in out.splitlines())
    assert "attention" not in first
    assert (first["exact"], first["expected"]) == (True, facts["prediction"])
    assert second["expected"] == SOURCE[::-1]
    assert first["probabilities"] == pytest.approx(facts["probabilities"], abs=1e-5)
    untrained("w", model=ATTENTION, pattern="mine:f")
    facts = json.loads(run("predict", "-i", "w", *SOURCE, "--json")[1])
    assert (facts["expected"], facts["exact"]) == (None, None)


def test_an_expected_output_of_another_length(run):
    untrained("w", model=ATTENTION, in_len=3, out_len=3)
    with open("in.jsonl", "w") as file:
        file.write('{"input": [1, 2, 3], "output": [4, 5]}\n')
    status, _, err = run("predict", "-i", "w", "--from-file", "in.jsonl")
    assert status == 1
    assert "in.jsonl, line 1: expected an output of 3 integers, got 2; give --out-len 2" in err


def test_attention_in_the_terminal_and_as_a_picture(run):
    network = untrained("w", model=ATTENTION)
    decoded = NumpyNetwork(network.model, network.weights).decode(np.array([SOURCE]), 10)
    drawing = heatmap.draw(SOURCE, decoded.symbols[0].tolist(), SOURCE[::-1], decoded.attention[0], colour=False)
    status, out, err = run("predict", "-i", "w", *SOURCE, "--show-attention", "--attention-plot", "a.svg")
    assert status == 0, err
    assert out.split("\n", 1)[1] == f"{drawing}\n"
    assert os.path.getsize("a.svg") > 1000
    assert err.endswith("Drew a.svg\n")


def test_attention_that_cannot_be_shown(run):
    untrained("w")
    untrained("v", model=ATTENTION)
    for option in (["--show-attention"], ["--attention-plot", "a.png"]):
        status, out, err = run("predict", "-i", "w", *SOURCE, *option)
        assert (status, out) == (2, "")
        assert "embedding_rnn has no attention to show" in err
    status, out, err = run("predict", "-i", "v", *SOURCE, "--attention-plot", "a.jpg")
    assert (status, out) == (2, "")
    with open("in.jsonl", "w") as file:
        file.write(f"{SOURCE}\n" * 17)
    status, _, err = run("predict", "-i", "v", "--from-file", "in.jsonl", "--attention-plot", "a.png")
    assert (status, os.path.exists("a.png")) == (2, False)
    assert "expected at most 16 sequences in a picture, got 17" in err


@pytest.mark.parametrize("argv", [["evaluate", "20", "-p", "copy", "-i", "w"], ["patterns"]])
def test_neither_tensorflow_nor_matplotlib_is_imported(tmp_path, monkeypatch, argv):
    monkeypatch.chdir(tmp_path)
    untrained("w", pattern="copy")
    assert imported(argv, "tensorflow", "keras", "matplotlib") == []


def test_patterns(run):
    status, out, _ = run("patterns")
    rows = [line.split() for line in out.splitlines()]
    assert status == 0
    assert rows[0][-7:] == ["3", "1", "4", "1", "5", "9", "becomes"]
    assert ["rotated", "any", "S", *"141593"] == rows[5][:9]
    assert ["added", "even", "S/2", "+", "1", *"0473"] == rows[7][:9]
    assert len(rows) == 8
    status, out, _ = run("patterns", "--in-len", 3, "--in-max-int", 3, "--out-max-int", 3)
    assert "3 1 0 becomes" in out
    assert "added        even       S/2 + 1  none" in out
    with open("mine.py", "w") as file:
        file.write("def f(sources):\n    '''Half.'''\n    return sources / 2\n")
    status, out, err = run("patterns", "-p", "mine.py:f")
    assert (status, out) == (2, "")
    assert "got float64" in err


def test_history(run):
    args = ["-p", "copy", "-e", 3, *SMALL, "--history", "h.json", "--history-plot", "h.svg", "-o", "w"]
    status, out, err = run("train", 200, *args)
    assert status == 0, err
    with open("h.json") as file:
        history = json.load(file)
    assert [epoch["epoch"] for epoch in history] == [1, 2, 3]
    last = next(line for line in out.splitlines() if line.startswith("Epoch 3/3"))
    assert f"validation loss {history[2]['validation_loss']:.4f}" in last
    assert history[2]["validation_exact_match"] == weights.load("w").reached["exact_match"]
    assert os.path.exists("h.svg")
    os.mkdir("d")
    status, out, err = run("train", 200, "--history", "d")
    assert (status, out) == (1, "")
    assert "d: expected a place for the history, found a directory" in err


def test_a_conversation(tmp_path):
    untrained(tmp_path / "w", model=ATTENTION, in_len=3, out_len=2)
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-m", "seq2seq_demo", "predict", "-i", "w"]
    process = subprocess.Popen(
        argv, cwd=tmp_path, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    os.write(ours, b"3 1 2\n")
    answer = process.stdout.readline()  # before the next line is typed
    assert "==> For input [3, 1, 2], prediction=[" in answer
    os.write(ours, b"3 1\n[4, 5, 99]\n4, 5, 6\n\x04")
    out, err = process.communicate(timeout=30)
    assert "For input [4, 5, 6], prediction=[" in out
    assert process.returncode == 0
    assert "Type 3 integers from 0 to 9; Ctrl-D ends" in err
    assert "line 2: expected 3 integers, got 2" in err
    assert "line 3: expected integers from 0 to 9, got 99" in err
    os.close(ours)
    os.close(theirs)
