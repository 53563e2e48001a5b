"""Results, messages and training runs when the standard streams are full or unread."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers import REAL_PROGRAM, SMALL, environment, save_random, wait_for

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.trained.trained_network import load

pytestmark = pytest.mark.slow


def sh(folder, command, **changes):
    """Run a bash command line in which `demo` runs the program."""
    argv = ["bash", "-c", f'demo() {{ {shlex.join(REAL_PROGRAM)} "$@"; }}; {command}']
    return subprocess.run(
        argv, capture_output=True, text=True, cwd=folder, env=environment(**changes), timeout=100, check=False
    )


def test_training_succeeds_when_its_output_is_lost(run, fast_steps, monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with open("/dev/full", "w") as full, open(writer, "w") as unread:
        for stream, lost in (("stdout", full), ("stderr", unread)):
            with monkeypatch.context() as patch:
                patch.setattr(sys, stream, lost)
                out, _ = run.ok("train 60 -e 1 -o", stream, *SMALL)
            assert load(stream).step == 1
            assert "Exact match" not in out


def test_unwritable_results_are_an_error(tmp_path):
    done = sh(tmp_path, "demo patterns > /dev/full")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "seq2seq-demo: error: cannot write to standard output: no space left on device\n"


def test_a_closed_output_pipe_ends_quietly(tmp_path):
    save_random(tmp_path / "w")
    (tmp_path / "in.jsonl").write_text(f"{list(range(10))}\n" * 5000)
    done = sh(tmp_path, "demo predict -i w --from-file in.jsonl | head -1")
    assert (done.stdout.count("\n"), done.stderr) == (1, "Using weights w\n")


def test_ascii_locales_and_invalid_utf_8_cause_no_traceback(tmp_path):
    ascii = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = sh(tmp_path, "demo train -e 0 -n ü -p copy; demo predict 0 1 2 3 4 5 6 7 8 9 -n ü", **ascii)
    assert "Traceback" not in done.stderr
    done = sh(tmp_path, "demo train -e 0 -n $'\\xff'; demo train -e 0 -o $'w\\xff'")
    assert "Traceback" not in done.stderr
    assert "expected -n/--name to have 1 to 100 printable bytes" in done.stderr
    assert done.stdout == "Saved w\\udcff\n"


def test_control_characters_from_files_are_never_printed(run):
    evil = "\x1b]0;evil\x07\x1b[2J\u202e\u009b31m"
    save_random(f"ts2s__{evil}__copy_1.weights.h5", task=f"mine:{evil}", program=evil)
    save_random("w", task=f"mine:{evil}", run=None)
    Path(f"{evil}.jsonl").write_text('{"input": [1, 2], "output": ["\x1b[2J"]}\n')
    Path("keys.jsonl").write_text('{"input": [1, 2], "\x1b[2J": 1}\n{"\x1b[3J": 1}\n')
    for words in (
        ["predict 0 1 2 3 4 5 6 7 8 9"],
        ["evaluate 20 -i w"],
        ["train --from-file", f"{evil}.jsonl"],
        ["predict -i w --keep-going --from-file keys.jsonl"],
        ["train --resume"],
    ):
        _, out, err = run(*words)
        assert out + err and not re.search("[^\\n -~]", out + err), (words, out, err)


def test_ctrl_c_at_any_time_ends_without_a_traceback(tmp_path):
    save_random(tmp_path / "w", ModelConfig())
    (tmp_path / "in").write_text(f"{list(range(10))}\n" * 100_000)
    # Run without coverage: it slows the startup of Python, during which a signal may be lost.
    plain = {name: value for name, value in environment().items() if not name.startswith("COVERAGE")}
    argv = [*REAL_PROGRAM, "predict", "-i", "w", "--from-file", "in"]
    for delay in (0.03, 0.05, 0.12, 0.4, 0.8):
        process = subprocess.Popen(argv, cwd=tmp_path, env=plain, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_for(lambda process=process: b"predict" in Path(f"/proc/{process.pid}/cmdline").read_bytes())
        time.sleep(delay)  # measured from the start of the program, not of its launcher
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        if b"Traceback" in err or b"import runpy" in err:  # printed by Python, if it is interrupted during startup
            assert set(re.findall(rb"seq2seq_demo/(.*?)\"", err)) <= {b"__init__.py", b"__main__.py"}, (delay, err)
        else:
            assert process.returncode in (130, -signal.SIGINT), (delay, err)


def test_predict_reads_standard_input_unless_it_has_arguments(run):
    run.reads("3 1 2\n2 0\n")
    out, _ = run.ok("predict -p sorted")
    assert [line.split("=")[3] for line in out.splitlines()] == ["[1 2 3] (expected", "[0 2] (expected"]
    run.reads("table\n")
    assert run.ok("predict -i g2p")[0].startswith("==> For input table, prediction=T ")
    run.reads("9 9 9\n")
    assert "[1 2 3]" in run.ok("predict -p sorted 3 1 2")[0]
    run.reads("")
    run.refuses("predict", "standard input is empty", 1)


def test_only_one_input_is_read_from_standard_input(run):
    run.reads("ab\tba\nbc\tcb\n")
    run.refuses("train - --validation-file - -o w", "only one file can be - (standard input)", 1)
