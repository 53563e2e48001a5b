import json
import os
import pty
import re
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import ATTENTION, REAL_PROGRAM, environment, line_of, prediction_of, save_random, save_texts, wait_for

from seq2seq_demo.commands.predict import json_line, withhold
from seq2seq_demo.data.records import Place, Record
from seq2seq_demo.trained import plots

SOURCE = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3]


def test_an_untrained_length_is_reported_once(run):
    save_random("w", in_len=4, out_len=3)
    messages = "Using weights w\nThe network was trained on length 4, so its answers at length 2 may be wrong\n"
    Path("in.jsonl").write_text("[3, 1]\n" * 3)
    for words in ("3 1", "--from-file in.jsonl", "3 1 --json", "3 1 --in-len 2"):
        out, err = run.ok(f"predict -i w {words}")
        assert ("trained on" in out, err) == (False, messages)
    for words in ("", "--in-len 4"):
        assert run.ok(f"predict -i w 1 2 3 4 {words}")[1] == "Using weights w\n"
    run.refuses("predict -i w 3 1 --in-len 3", "input: expected 3 symbols because of --in-len, got 2", 1)


def test_keep_going_skips_bad_lines(run):
    """A network that does not end its answers takes sources of any length, too."""
    network = save_random("w", ATTENTION, in_len=3, out_len=3)
    lines = ["3 1 2", "[1]", "nonsense", "[3, 1, 2]", "[0, 1, true]", "4 x 6", '{"input": [1, 2, 3], "output": [4]}']
    Path("in").write_text("\n".join([*lines, "3, 1, 2"]))
    good = line_of(network, [3, 1, 2], "2 1 3", out_len=3)
    answers = [good, line_of(network, [1], "1", out_len=1), good, line_of(network, [1, 2, 3], "4", out_len=3), good]
    status, out, err = run("predict -i w --from-file in --keep-going")
    assert (status, out) == (1, "".join(answers))
    places = ["in, line 3, word 1", "in, line 5", "in, line 6, word 2"]
    assert [line.split(":")[0] for line in err.splitlines() if line.startswith("in,")] == places
    assert err.endswith("skipped 3 sequences that the network cannot read\n")
    status, out, err = run("predict -i w --from-file in")  # the lines before a bad one are answered
    assert (status, out) == (1, "".join(answers[:2]))
    assert err.endswith("error: in, line 3, word 1: expected an integer, got 'nonsense'\n")


def start_predict(folder, *options, stdin=subprocess.PIPE):
    """Start `predict` with the network w and piped output; return the process."""
    pipe, argv = subprocess.PIPE, [*REAL_PROGRAM, "predict", "-i", "w", *options]
    return subprocess.Popen(argv, cwd=folder, stdin=stdin, stdout=pipe, stderr=pipe, text=True, env=environment())


@pytest.mark.slow
def test_each_line_on_standard_input_is_answered_by_a_line(tmp_path):
    save_texts(tmp_path / "w", ("characters", ("a", "b", "c")), ("characters", ("x", "y")))
    lines = {'{"input": "ab"': None, '{"input": "ab"}': "ab", "": None, '["b"]': "b"}
    with start_predict(tmp_path, "--from-file", "-", "--line-buffered", "--json", "--format", "json") as process:
        for number, (line, source) in enumerate(lines.items(), start=1):
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            facts = json.loads(process.stdout.readline())
            assert (facts["line"], facts["prediction"] is None) == (number, source is None)
            assert facts["source"] == source or facts["error"]
        rest, err = process.communicate()
    assert (rest, process.returncode) == ("", 1)
    assert err == "Using weights w\nseq2seq-demo: error: skipped 2 sequences that the network cannot read\n"


@pytest.mark.slow
def test_ctrl_c_ends_without_a_traceback(tmp_path):
    save_random(tmp_path / "w")
    for library in ("libc.so", "numpy"):  # loaded while Python starts, and while it imports modules
        with start_predict(tmp_path, "--from-file", "-") as process:
            wait_for(lambda process=process, name=library: name in Path(f"/proc/{process.pid}/maps").read_text())
            process.send_signal(signal.SIGINT)
            _, err = process.communicate()
        if "Traceback" in err or "import runpy" in err:  # printed by Python, if it is interrupted during startup
            assert {*re.findall(r'seq2seq_demo/(.*?)"', err)} <= {"__init__.py", "__main__.py"}, (library, err)
        else:
            assert process.returncode in (130, -signal.SIGINT), (library, err)
    (tmp_path / "in").write_text("0 1 2 3 4 5 6 7 8 9\n" * 20_000)  # answers that fill the pipe
    for source in ("-", "in"):  # while it waits for input, and while it decodes or writes
        with start_predict(tmp_path, "--from-file", source) as process:
            assert process.stderr.readline() == "Using weights w\n"
            assert source == "-" or process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate()
        assert (process.returncode, err) == (130, "seq2seq-demo: interrupted\n")


def test_predict_as_json(run):
    (p,) = save_random("w", ATTENTION).predict([SOURCE], details=True)
    known = {"line": None, "expected": SOURCE[::-1], "exact": False, "record": None}
    assert json.loads(run.ok("predict -i w", *SOURCE, "--json", "--show-attention")[0]) == p.to_dict(True) | known

    pairs = {"input": SOURCE, "output": p.prediction}
    Path("in.jsonl").write_text(f"{json.dumps(pairs)}\n{SOURCE}\n")
    first, second = map(json.loads, run.ok("predict -i w --from-file in.jsonl --json")[0].splitlines())
    assert (first["exact"], first["expected"]) == (True, p.prediction)
    assert second["expected"] == SOURCE[::-1]


def test_numbers_in_json_have_six_digits():
    attention = np.array([[0.25, 0.75], [1, 1e-7]])
    p = prediction_of([1, 2], [2, 3], probabilities=[0.5, 1 / 3], attention=attention)
    facts = json.loads(json_line([p], Record(Place("f"), [1, 2]), None, attention=True))
    assert (facts["probability"], facts["probabilities"]) == (0.166667, [0.5, 0.333333])
    assert facts["attention"] == [[0.25, 0.75], [1, 1e-7]]
    facts = json.loads(json_line([p], Record(Place("f"), [1, 2]), 1, attention=False))
    assert facts["n_best"][0]["probability"] == 0.166667
    withheld = json.loads(json_line(withhold([p], 0.5), Record(Place("f"), [1, 2]), 1, attention=False))
    assert withheld == facts | dict.fromkeys(("prediction", "prediction_tokens", "probabilities", "n_best"))


def test_attention_as_text(run):
    (p,) = save_random("w", ATTENTION, task=None).predict([SOURCE], details=True)
    out, _ = run.ok("predict -i w", *SOURCE, "--show-attention")
    assert out.split("\n", 1)[1] == f"{plots.attention_text(p.shown_attention(), colour=False)}\n"


@pytest.mark.slow
def test_an_interactive_session(tmp_path):
    save_random(tmp_path / "w", ATTENTION, in_len=3, out_len=2)
    controller, terminal = pty.openpty()
    process = start_predict(tmp_path, stdin=terminal)
    os.write(controller, b"3 1 2\n")
    answer = process.stdout.readline()  # before the next line is typed
    assert "==> For input [3, 1, 2], prediction=[" in answer
    os.write(controller, b"3 1\n[4, 5, 99]\n4, 5, 6\n\x04")
    out, err = process.communicate()
    assert "For input [4, 5, 6], prediction=[" in out
    assert process.returncode == 0
    assert "Type some integers from 0 to 9; Ctrl-D ends" in err
    assert "line 3: expected integers from 0 to 9, got 99" in err  # line 2 has another length
    os.close(controller)
    os.close(terminal)


def test_mixed_lengths_are_answered_in_input_order(run, monkeypatch, caplog):
    monkeypatch.setattr("seq2seq_demo.commands.predict.BATCH_SIZE", 4)  # sequences per batch
    network = save_random("w", replace(ATTENTION, ends=True), in_len=6, out_len=6, min_in_len=1)
    sources = [np.random.default_rng(n).integers(0, 10, n).tolist() for n in (3, 1, 8, 3, 6, 1, 9)]
    Path("in.jsonl").write_text("".join(f"{source}\n" for source in sources))
    out, err = run.ok("predict -i w --from-file in.jsonl --json")
    assert err.count("trained on length 1-6, so its answers at length 8 may be wrong") == err.count("trained") == 1
    answers = network.predict(sources)
    assert caplog.messages[-1].endswith("at length 8-9 may be wrong")
    lines = map(json.loads, out.splitlines())
    assert [(line["source"], line["prediction"]) for line in lines] == [*zip(sources, answers, strict=True)]


def test_a_source_that_is_a_file_is_answered_with_a_notice(run):
    Path("model").write_text("x")
    out, err = run.ok("predict -i g2p model")
    assert out.startswith("==> For input model, prediction=M ")
    assert "Reading model as a source, although it is a file; -i reads weights, --from-file sources" in err
