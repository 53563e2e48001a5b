"""Texts on the command line, from pairs in a file to answers."""

import json
import os
import random
from dataclasses import replace

import numpy as np
import pytest
from helpers import SMALL

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary
from seq2seq_demo.errors import UsageError
from seq2seq_demo.trained_network import TrainedNetwork, load, untrained

TOKENS = ["--in-tokens", "characters", "--out-tokens", "words"]
TRAIN = ["train", "--from-file", "train.tsv", *TOKENS, *SMALL, "--batch-size", 16]
LETTERS = "abé가😀"


def rows(n, seed=0):
    """Pairs of a text and its characters backwards, in capitals."""
    rng = random.Random(seed)
    texts = ["".join(rng.choice(LETTERS) for _ in range(rng.randint(1, 4))) for _ in range(n)]
    return [(text, " ".join(reversed(text.upper()))) for text in texts]


def write(name, pairs):
    with open(name, "w") as file:
        file.writelines(f"{source}\t{target}\n" for source, target in pairs)


@pytest.fixture
def text_network(run):
    """A network of texts that has learned nothing, in the file w."""
    write("train.tsv", rows(60))
    status, _, err = run(*TRAIN, "-m", "embedding_attention", "-e", 0, "-o", "w")
    assert status == 0, err
    return load("w")


def test_the_vocabularies_are_those_of_the_data(text_network):
    source, target = text_network.vocabularies
    assert source.symbols == ("a", "b", "é", "가", "😀")
    assert target.symbols == ("A", "B", "É", "가", "😀")
    assert (text_network.model_config.in_max_int, text_network.ends) == (4, True)
    assert (text_network.min_in_len, text_network.in_len, text_network.task) == (1, 4, "train.tsv")


@pytest.mark.slow
def test_train_evaluate_and_predict(run):
    write("train.tsv", rows(900))
    write("dev.tsv", rows(100, 1))
    write("test.tsv", [*rows(100, 2), ("ab", "A A"), ("ab", "B A")])
    settings = [
        "-m",
        "embedding_attention",
        "--cell-size",
        16,
        "-r",
        0.01,
        "--batch-size",
        16,
        "--lr-schedule",
        "cosine",
        "-e",
        6,
    ]
    status, out, err = run(
        *["train", "--from-file", "train.tsv", "--validation-file", "dev.tsv", *TOKENS, *settings],
        *["--bidirectional", "--dropout", 0.05, "--keep-best", "-o", "w"],
    )
    assert status == 0, err
    assert "Training on 900 point dataset (pairs of 'train.tsv', sources of 1-4 symbols), with 6 epochs" in out
    assert "\n900 training points, 100 validation points of the validation file\n" in out
    assert "Sources of 5 characters, targets of 5 words" in out
    assert "different sources for validation are among those to train on" in err
    network = load("w")
    assert network.reached.exact_match > 0.8
    assert network.model_config.bidirectional
    _, out, _ = run("evaluate", "-i", "w", "--from-file", "test.tsv", "-v")
    n = len({source for source, _ in [*rows(100, 2), ("ab", "")]})
    assert out.startswith(f"{n} sources of test.tsv with 102 targets, of which any is right; an answer's end counts")
    *_, total = map(json.loads, run("evaluate", "-i", "w", "--from-file", "test.tsv", "--json")[1].splitlines())
    assert (total["n"], total["n_pairs"], total["in_len"]) == (n, 102, None)
    assert total["word_error_rate"] == pytest.approx(1 - total["free_running"]["exact_match"])
    assert f"word error rate {total['word_error_rate']:.5f}, " in out
    _, out, _ = run("predict", "-i", "w", "abé", "가")
    assert out == "==> For input abé, prediction=É B A\n==> For input 가, prediction=가\n"


def test_predict_as_json(run, text_network):
    _, out, _ = run("predict", "-i", "w", "가b", "--json", "--show-attention")
    facts = json.loads(out)
    assert (facts["input"], facts["input_tokens"]) == ("가b", ["가", "b"])
    assert facts["prediction"] == " ".join(facts["prediction_tokens"])
    n = len(facts["prediction_tokens"]) + facts["ended"]
    assert (len(facts["probabilities"]), np.shape(facts["attention"])) == (n, (n, 2))


def test_forms_of_files(run, text_network):
    _, expected, _ = run("predict", "-i", "w", "ab")
    answer = expected.partition("prediction=")[2].rstrip()
    for name, text in [
        ("in.txt", "ab\r\n"),
        ("in.tsv", "\ufeffab\tB A\n\n"),
        ("in.jsonl", '"ab"\n'),
        ("in.json", '[{"input": ["a", "b"]},\n {"input": "ab"}]'),
        ("in", '{"input": "ab"}\n'),
        ("other", "ab\n"),
    ]:
        with open(name, "w") as file:
            file.write(text)
        status, out, err = run("predict", "-i", "w", "--from-file", name)
        assert status == 0, err
        assert all(f"prediction={answer}" in line for line in out.splitlines()), name
    with open("in", "w") as file:
        file.write('["a"]\n')
    status, out, err = run("predict", "-i", "w", "--from-file", "in", "--format", "text")
    assert 'in, line 1: expected characters that training saw, got "[" as number 1\n' in err


def test_a_heat_map_lines_up(run, text_network):
    _, out, _ = run("predict", "-i", "w", "a가", "--show-attention")
    _, header, *lines, _ = out.splitlines()
    assert header.endswith("  a 가")
    assert all(line.endswith("|") for line in lines)


def escaping_network() -> TrainedNetwork:
    """A network whose symbols act on a terminal, or would end a line."""
    c = ModelConfig("embedding_attention", cell_size=5, embedding_size=3, in_max_int=2, out_max_int=2, ends=True)
    source, target = Vocabulary("characters", ("\x07", "\n", "\x1b")), Vocabulary("words", ("\x1b[2J", "x", "y"))
    weights = untrained(c, 1).weights
    return TrainedNetwork(c, weights, "t", 3, 3, min_in_len=1, vocabularies=Vocabularies(source, target))


def test_no_symbol_acts_on_a_terminal(run):
    escaping_network().save("w")
    with open("in.jsonl", "w") as file:
        file.write('{"input": "\\u001b\\n\\u0007", "output": "\\u001b[2J"}\n')
    for command in (["predict", "--show-attention"], ["predict", "--beam-size", 3, "--n-best", 3], ["evaluate", "-v"]):
        status, out, err = run(*command, "-i", "w", "--from-file", "in.jsonl")
        assert status == 0, err
        assert "\x07" not in out + err
        assert "\x1b" not in out + err
        assert "\\x1b" in out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["train", 10, "--in-tokens", "words"], "expected --in-tokens words beside --from-file, got it alone"),
        (["train", 10, "--validation-file", "x"], "expected --validation-file beside --from-file, got it alone"),
        (
            ["train", "--from-file", "x", "-p", "sorted", "--out-tokens", "words"],
            "expected -p or --out-tokens words, got both",
        ),
        (["train", "--from-file", "x", *TOKENS, "--in-max-int", 9], "expected --in-max-int or --in-tokens characters"),
        (
            ["train", "--from-file", "x", "--in-tokens", "chars"],
            "unknown --in-tokens 'chars': did you mean characters? expected one of integers",
        ),
        (["train", 10, "--patience", 0], "expected patience to be an integer of at least 1, got 0"),
        (["train", 10, "--dropout", 1], "expected dropout"),
        (["predict", 1, "--beam-size", 2, "--engine", "keras"], "expected --beam-size with --engine numpy, got keras"),
        (["evaluate", "--beam-size", 0], "expected beam-size to be an integer of at least 1, got 0"),
        (["evaluate", "--keep-best"], "--keep-best means nothing to evaluate"),
    ],
)
def test_options_that_mean_nothing(run, argv, message):
    status, out, err = run(*argv)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_what_is_wrong_in_the_data(run):
    for text, message in [
        ("ab\tA\tB\n", "got 2 tabs; of more columns choose two, as with `cut -f1,2`"),
        ("a\tA\nab\n", "train.tsv, line 2: expected a target too, after a tab"),
        ("\tA\n", "train.tsv, line 1: expected a source of some characters, got none"),
        ("a\tA\nb\t\xff\n", None),
    ]:
        with open("train.tsv", "w", encoding="latin-1") as file:
            file.write(text)
        status, _, err = run(*TRAIN, "-e", 0, "-o", "w")
        assert status == 1
        assert (message or "train.tsv, line 2: expected UTF-8, got byte 0xff") in err
    status, _, err = run("train", "--from-file", "train.tsv", "-e", 0)
    assert "expected an integer, got 'a'; texts need --in-tokens or --out-tokens" in err


def test_oddities_are_told(run, monkeypatch):
    monkeypatch.setattr("seq2seq_demo.data.data_warnings.LONG", 8)
    write("train.tsv", [*rows(40), ("ab" * 15, "A"), ("a", "A")])
    write("dev.tsv", [("a", "A"), ("é", "É")])
    status, _, err = run(*TRAIN, "--validation-file", "dev.tsv", "-e", 0, "-o", "w")
    assert status == 0, err
    assert "train.tsv, line 41: the source has 30 symbols, almost all others at most 4" in err
    assert "2 of 2 different sources for validation are among those to train on" in err
    write("train.tsv", [(source, "A") for source, _ in rows(40)])
    assert "Every target is the same" in run(*TRAIN, "-e", 0, "-o", "w2")[2]
    write("dev.tsv", [("a", "A"), ("x", "A")])
    _, _, err = run(*TRAIN, "--validation-file", "dev.tsv", "-e", 0, "-o", "w3")
    assert 'dev.tsv, line 2: expected characters that training saw, got "x" as number 1' in err


def test_a_network_of_texts_and_other_options(run, text_network):
    _, _, err = run("predict", "-i", "w", "a", "--in-tokens", "words")
    assert "w has in-tokens characters, but the options ask for words" in err
    _, _, err = run("train", "-i", "w", "--from-file", "train.tsv", "--in-len", 5, "-e", 0)
    assert "expected no --in-len: texts have lengths of their own" in err
    write("more.tsv", [("a", "A"), ("z", "A")])
    _, _, err = run("train", "-i", "w", "--from-file", "more.tsv", "-e", 1)
    assert 'more.tsv, line 2: expected characters that training saw, got "z" as number 1\n' in err
    status, out, err = run("predict", "-i", "w", "a", "z", "b", "--keep-going")
    assert (status, out.count("\n")) == (1, 2)
    assert "skipped 1 that are not" in err


@pytest.mark.parametrize("command", [["predict", "a"], ["evaluate", "--from-file", "train.tsv"]])
def test_a_network_of_texts_has_no_pattern_and_takes_any_length(run, text_network, command):
    for options, message in (
        (["-p", "sorted"], "w has characters and words, but patterns (-p) are of integers"),
        (["--in-len", 1], "expected no --in-len: w is of texts, which have lengths of their own"),
    ):
        status, out, err = run(*command, "-i", "w", *options)
        assert (status, out) == (2, "")
        assert message in err


@pytest.mark.parametrize("file", ["sorted.tsv", "sorted"])
def test_a_file_called_as_a_pattern_is_not_that_pattern(run, file):
    write(file, [("a", "A"), ("b", "B"), ("ab", "B A")])
    texts = ["train", "--from-file", file, *TOKENS, *SMALL, "-e", 0]
    for n in (1, 2):
        status, out, err = run(*texts)
        assert status == 0, err
        assert f"_{n}.weights.h5" in out
    path = out.split()[-1]
    assert load(path).pattern is None
    status, out, err = run("predict", "-i", path, "ab")
    assert (status, "expected" in out) == (0, False), err
    status, out, err = run("predict", "-p", "sorted", 3, 1, 2)
    assert (status, "prediction=[1 2 3] (expected=[1 2 3])" in out) == (0, True), err
    assert "as none in . fit" in err
    status, out, err = run(*texts, "--iter-num", 2)
    assert status == 0, err
    assert out.endswith("_3.weights.h5\n")
    assert "starting afresh" not in err
    status, _, err = run("train", 60, "-i", path, "-e", 0, "-o", "x")
    assert status == 2
    assert "expected --from-file again" in err


def test_texts_under_the_name_of_a_pattern_are_passed_over(run, text_network):
    """An earlier program, or a stranger, may have called them so."""
    named = replace(text_network, task="sorted")
    named.save("ts2s__basic__sorted_1.weights.h5")
    status, out, err = run("predict", "-p", "sorted", 3, 1, 2)
    assert (status, "(expected=[1 2 3])" in out) == (0, True), err
    status, out, err = run("predict", "a")
    assert (status, "expected" in out) == (0, False), err
    assert named.pattern is None
    with pytest.raises(UsageError, match="expected a task to evaluate it on"):
        named.evaluate()


def test_integers_of_a_file_called_as_a_pattern(run):
    with open("reversed", "w") as file:
        file.writelines("1 2 3\t7\n" for _ in range(4))
    assert run("train", "--from-file", "reversed", *SMALL, "-e", 0, "-o", "w")[0] == 0
    _, out, _ = run("predict", "-i", "w", 1, 2, 3)
    assert "expected" not in out


@pytest.mark.parametrize("resume", [[], ["--resume"]])
def test_data_that_are_refused_are_not_called_odd(run, resume):
    write("train.tsv", [("a", "A"), ("b", "A"), ("a", "A")])
    write("dev.tsv", [("a", "A")])
    odd = [*TRAIN, "--validation-file", "dev.tsv", "-e", 0, "-o", "w", *resume]
    status, _, err = run(*odd)
    assert (status, err.count("\n")) == (0, 2 + len(resume)), err
    assert "Every target is the same" in err
    assert "1 of 1 different sources for validation are among those to train on" in err
    os.remove("w")
    for refused in (["--in-len", "2-3"], ["--in-len", 3], ["--out-len", 2]):
        status, _, err = run(*odd, *refused)
        assert (status, err.count("\n")) == (2, 1 + len(resume)), err
    write("train.tsv", [("a", "A")])
    status, _, err = run(*[word for word in odd if word not in ("--validation-file", "dev.tsv")])
    assert (status, err.count("\n")) == (1, 1 + len(resume)), err


def test_a_tab_stays_in_its_line(run):
    c = ModelConfig("embedding_attention", cell_size=5, embedding_size=3, in_max_int=1, out_max_int=1, ends=True)
    sides = Vocabularies(Vocabulary("characters", ("\t", "a")), Vocabulary("characters", ("\t", "b")))
    TrainedNetwork(c, untrained(c, 1).weights, "t", 3, 3, min_in_len=1, vocabularies=sides).save("w")
    with open("in.jsonl", "w") as file:
        file.write('{"input": "a\\ta", "output": "\\tb"}\n')
    for command in (["predict", "--show-attention"], ["predict", "--beam-size", 3, "--n-best", 3], ["evaluate", "-v"]):
        status, out, err = run(*command, "-i", "w", "--from-file", "in.jsonl")
        assert status == 0, err
        assert "\t" not in out + err
        assert "\\t" in out


def test_evaluate_keeps_going_over_lines_that_it_leaves_out_and_exits_1(run, text_network):
    write("test.tsv", [("ab", "A B"), ("z", "A"), ("b", "B"), ("a", "Z")])
    with open("test.tsv", "a") as file:
        file.write("a\tA\tB\n")
    _, expected, _ = run("evaluate", "-i", "w", "--from-file", "test.tsv", "--json", 1)
    for n in ([], [2]):
        status, out, err = run("evaluate", "-i", "w", "--from-file", "test.tsv", "--keep-going", "--json", *n)
        assert (status, json.loads(out.splitlines()[-1])["n"]) == (1, 2)
        assert out != expected
        n_left_out = 1 if n else 3
        assert f"Left out {n_left_out} pair{'' if n else 's'} that the network cannot read" in err
        last = f"error: expected pairs that the network can read, left out {n_left_out} that are not\n"
        assert err.endswith(last)
        assert 'test.tsv, line 2: expected characters that training saw, got "z"' in err
    write("test.tsv", [("ab", "A B")])
    assert run("evaluate", "-i", "w", "--from-file", "test.tsv", "--keep-going")[0] == 0


def test_a_quoted_argument_is_a_text_of_its_own(run):
    c = ModelConfig("embedding_attention", cell_size=5, embedding_size=3, in_max_int=3, out_max_int=1, ends=True)
    target = Vocabulary("characters", ("x", "y"))
    sides = {
        "words": Vocabulary("words", ("jump", "left", "twice", "walk")),
        "spaced": Vocabulary("characters", (" ", "a", "b", "c")),
        "unspaced": Vocabulary("characters", ("a", "b", "c", "d")),
    }
    for name, source in sides.items():
        vocabularies = Vocabularies(source, target)
        TrainedNetwork(c, untrained(c, 1).weights, "t", 3, 3, min_in_len=1, vocabularies=vocabularies).save(name)

    def inputs(*argv):
        status, out, err = run("predict", "-i", *argv, "--json")
        assert status == 0, err
        return [json.loads(line)["input"] for line in out.splitlines()]

    assert inputs("words", "jump", "twice") == ["jump twice"]
    assert inputs("words", "jump twice", "walk left") == ["jump twice", "walk left"]
    assert inputs("words", "walk", "left", "jump twice", "left") == ["walk left", "jump twice", "left"]
    assert inputs("spaced", "a", "b") == ["a b"]
    assert inputs("spaced", "a b", " c", "ab") == ["a b", " c", "ab"]
    assert inputs("unspaced", "ab", "c") == ["ab", "c"]
    assert 'got " " as number 2' in run("predict", "-i", "unspaced", "a b")[2]


def test_a_text_for_a_network_of_integers(run):
    c = ModelConfig(cell_size=5, embedding_size=3)
    TrainedNetwork(c, untrained(c, 1).weights, "sorted", 3, 3).save("mine.h5")
    begin, way_on = "seq2seq-demo: error: input 1: expected an integer, got ", "given with -i, as `-i g2p`\n"
    taken = "the network taken, is of integers: one of texts is"
    assert run("predict", "hello") == (1, "", f"{begin}'hello'; sorted-rnn, {taken} {way_on}")
    assert run("predict", "hello", "-i", "mine.h5") == (1, "", f"{begin}'hello'; mine.h5, {taken} {way_on}")
    assert run("predict", "mine.h5", "hello", "-p", "copy")[2] == f"{begin}'mine.h5'; did you mean -i mine.h5?\n"
    write("g.tsv", [("a", "b")])
    assert run("predict", "g.tsv", "-p", "copy")[2] == f"{begin}'g.tsv'; copy-rnn, {taken} {way_on}"
