"""A network of every length, from the command line: trained, resumed, asked and measured."""

import json
import os
import signal
import subprocess

import numpy as np
import pytest
from helpers import PROGRAM, SMALL, environment, pairs_of, save_random, snapshot_in, wait_for

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.display.progress import probed
from seq2seq_demo.files.weights_file import TrainingRun
from seq2seq_demo.network.decoding import answer
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.trained_network import load

EASY = ["--in-max-int", 2, "--out-max-int", 2, "--cell-size", 16, "-r", 0.02, "--lr-schedule", "cosine"]
ATTENTION = ModelConfig("embedding_attention", cell_size=7, embedding_size=5, ends=True)
DEDUP = "def unique(sources):\n    return [[*dict.fromkeys(row)] for row in sources.tolist()]\n"


def ending(path="w", **changes):
    """A network that ends its answers, with random weights."""
    changes = {"in_len": 6, "out_len": 6, "min_in_len": 1, "task": "reversed"} | changes
    return save_random(path, ATTENTION, **changes)


@pytest.mark.slow
def test_it_learns_to_end_and_is_measured_at_every_length(run):
    args = ["-p", "reversed", "-m", "embedding_attention", "--in-len", "1-4", *EASY]
    status, out, err = run("train", 8000, *args, "-e", 5, "--batch-size", 32, "-o", "w")
    assert status == 0, err
    assert out.startswith(
        "Training on 8000 point dataset (pattern 'reversed', sources of 1-4 symbols), with 5 epochs\n"
    )
    network = load("w")
    assert (network.in_len, network.min_in_len, network.out_len) == (4, 1, 4)
    assert network.trained.config.few_symbols == 0.25
    status, out, err = run("predict", "-i", "w", 2, 0, 1)
    assert (status, out) == (0, "==> For input [2, 0, 1], prediction=[1 0 2] (expected=[1 0 2])\n")
    status, out, err = run("evaluate", "-i", "w", 100, "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    random = [row for row in rows if row["sources"] == "random"]
    assert [(row["in_len"], row["n"]) for row in random] == [(1, 3), (2, 9), (3, 27), (4, 81)]
    assert min(row["free_running"]["exact_match"] for row in random) > 0.9
    assert {row["sources"] for row in rows} == {"random", "all equal", "two symbols", "ascending", "descending"}
    status, out, err = run("evaluate", "-i", "w", 50, "--lengths", "2-3,6")
    assert status == 0, err
    assert [line.split()[0] for line in out.split("\n\n")[1].splitlines()] == ["length", "2", "3", "6", "all"]
    assert "The network was trained at lengths 1 to 4, so it may well be wrong at length 6\n" in err


def test_sequences_of_any_lengths_are_answered_in_their_order(run):
    network = ending()
    numpy_network = NumpyNetwork(network.model_config, network.weights)
    sources = [np.random.default_rng(n).integers(0, 10, n).tolist() for n in (3, 1, 8, 3, 6, 1)]
    with open("in.jsonl", "w") as file:
        file.writelines(f"{source}\n" for source in sources)
    for engine in ("numpy", "keras"):
        status, out, err = run("predict", "-i", "w", "--from-file", "in.jsonl", "--json", "--engine", engine)
        assert status == 0, err
        assert err.count("trained at lengths 1 to 6, so it may well be wrong at length 8") == 1
        for source, line in zip(sources, map(json.loads, out.splitlines()), strict=True):
            longest = 8 if len(source) == 8 else 6
            answers = answer(numpy_network, np.array([source]), longest)
            (n,), (ended,) = answers.lengths[0], answers.ended[0]
            assert (line["input"], line["expected"]) == (source, source[::-1])
            assert (line["prediction"], line["ended"]) == (answers.symbols[0, 0, :n].tolist(), ended)
            assert len(line["probabilities"]) == n + ended


def test_what_does_not_end_is_shown_and_wrong(run):
    network = ending()
    never = network.weights["decoder/output/bias"]
    never[network.model_config.go] = -100
    network.save("w")
    status, out, _ = run("predict", "-i", "w", 1, 2, "--max-out-len", 3)
    assert status == 0
    (symbols,) = network.predict([[1, 2]], max_out_len=3)
    assert (
        out == f"==> For input [1, 2], prediction=[{' '.join(map(str, symbols))} ...] (did not end) (expected=[2 1])\n"
    )
    status, out, _ = run("predict", "-i", "w", 1, 2, "--json")
    assert json.loads(out)["ended"] is False
    assert json.loads(out)["exact"] is False
    assert len(json.loads(out)["prediction"]) == 6
    status, out, _ = run("evaluate", "-i", "w", 20, "--in-len", 3, "--json")
    assert json.loads(out.splitlines()[0])["unended"] == 20


def test_the_attention_of_end_is_drawn(run):
    network = ending()
    network.weights["decoder/output/bias"][network.model_config.go] = 100
    network.save("w")
    status, out, err = run("predict", "-i", "w", 1, 2, "--show-attention", "--attention-plot", "a.svg")
    assert status == 0, err
    assert out.splitlines()[2].startswith("END |")
    assert "(expected 2)" in out.splitlines()[2]
    assert os.path.getsize("a.svg") > 1000


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (
            ["predict", 1, "-i", "w", "--out-len", 2],
            "this network ends its answers: expected no --out-len, or --max-out-len, got 2",
        ),
        (
            ["predict", *range(10), "-i", "f", "--max-out-len", 2],
            "this network does not end its answers: expected --out",
        ),
        (["predict", 1, "-i", "w", "--in-len", "1-3"], "--in-len A-B means nothing to predict"),
        (["train", 60, "--in-len", "5-3"], "expected in-len from shortest to longest, got 5-3"),
        (["train", 60, "--in-len", "0-3"], "expected the shortest in-len to be an integer of at least 1, got 0"),
        (["train", 60, "--in-len", "1-3", "--out-len", 3], "expected --out-len or a range of --in-len"),
        (["train", 60, "--in-len", "1-2000"], "expected a range of at most 1000 lengths, got --in-len 1-2000"),
        (["train", 60, "--in-len", "1-200000"], "expected sequences of at most 100000 symbols, got 200000"),
        (["train", 60, "--few-symbols", 2], "expected few-symbols from 0 to 1, got 2"),
        (["train", 60, "-p", "added", "--in-len", "3-3"], "does not take sources of 3 symbols"),
        (
            ["evaluate", "--lengths", "1-99999"],
            "expected ranges from shortest to longest, of at most 1000 lengths, got 1-99999",
        ),
    ],
)
def test_what_cannot_be(run, argv, message):
    ending()
    save_random("f")
    status, out, err = run(*argv)
    assert (status, out) == (2, "")
    assert message in err


def test_own_pairs_of_different_lengths(run):
    with open("pairs.jsonl", "w") as file:
        for k in range(40):
            source = [k % 3, 1, 2][: 1 + k % 3]
            file.write(json.dumps({"input": source, "output": source[1:]}) + "\n")
    status, _, err = run("train", "--from-file", "pairs.jsonl", "-e", 1, *SMALL, "-o", "w", "--batch-size", 7)
    assert status == 0, err
    network = load("w")
    assert (network.min_in_len, network.in_len, network.out_len, network.task) == (1, 3, 2, "pairs.jsonl")
    assert (network.model_config.in_max_int, network.trained.config.points) == (2, 40)
    status, out, err = run("evaluate", "-i", "w", "--from-file", "pairs.jsonl", "--json")
    assert status == 0, err
    assert [(row["in_len"], row["n"], row["n_pairs"]) for row in map(json.loads, out.splitlines())] == [
        (1, 1, 14),
        (2, 1, 13),
        (3, 1, 13),
        (None, 3, 40),
    ]
    status, out, err = run("predict", "-i", "w", "--from-file", "pairs.jsonl")
    assert (status, out.count("\n"), out.count("expected=")) == (0, 40, 40)
    for in_len in ("2-3", "3"):
        status, _, err = run("train", "--from-file", "pairs.jsonl", "--in-len", in_len, "-e", 0)
        assert status == 2
        assert f"expected in-len 1-3, as of the pairs, got {in_len}\n" in err


def test_a_pattern_whose_targets_have_different_lengths(run):
    with open("mine.py", "w") as file:
        file.write(DEDUP)
    status, _, err = run("train", 60, "-p", "mine.py:unique", "-e", 0, *SMALL)
    assert status == 2
    assert "where they differ, train with a range of lengths, as in --in-len 1-10" in err
    status, out, err = run("train", 60, "-p", "mine.py:unique", "--in-len", "2-5", "-e", 1, *SMALL, "-o", "w")
    assert status == 0, err
    status, out, err = run("predict", "-i", "w", "-p", "mine.py:unique", 3, 1, 3, 1)
    assert out.endswith("(expected=[3 1])\n")


@pytest.mark.slow
def test_continuing_keeps_what_a_network_is(run):
    ending()
    save_random("f")
    for argv, lengths in (
        (["-i", "w"], (1, 6)),
        (["-i", "w", "--in-len", "2-8"], (2, 8)),
        (["-i", "w", "--in-len", 5], (5, 5)),
        (["-i", "f"], (None, 10)),
        (["-i", "f", "--in-len", "1-3"], (1, 3)),
    ):
        status, _, err = run("train", 60, *argv, "-p", "reversed", "-e", 1, "-o", "next")
        assert status == 0, err
        assert (load("next").min_in_len, load("next").in_len) == lengths


@pytest.mark.slow
def test_a_killed_training_ends_with_the_same_bits(tmp_path):
    argv = ["train", "2000", "-p", "added", "-e", "6", "--batch-size", "16", "--in-len", "1-6", *map(str, SMALL)]
    kept = {}
    for name in ("left alone", "interrupted"):
        folder = tmp_path / name
        folder.mkdir()
        start = [*PROGRAM, *argv, "-o", "w"]
        process = subprocess.Popen(start, cwd=folder, env=environment())
        if name == "interrupted":
            wait_for(lambda folder=folder: snapshot_in(folder) and load(snapshot_in(folder)).step > 0)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
            process = subprocess.Popen([*PROGRAM, "train", "--resume"], cwd=folder, env=environment())
        assert process.wait(60) == 0
        kept[name] = (folder / "w").read_bytes()
    assert kept["interrupted"] == kept["left alone"]


def test_a_file_says_that_its_network_ends(tmp_path):
    network = ending(tmp_path / "w", trained=TrainingRun(TrainConfig(60, 6, 6, min_in_len=1, few_symbols=0.5), 0))
    assert load(tmp_path / "w").ends
    assert load(tmp_path / "w").trained == network.trained
    assert not save_random(tmp_path / "f").ends


def test_the_probe_is_a_long_one():
    pairs = pairs_of(([1], []), ([2, 3, 4], [4]), ([5, 6], [6]), ([7, 8, 9], [9]))
    assert probed(pairs) == ([2, 3, 4], [4])
