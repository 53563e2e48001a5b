"""Results, messages and training runs when the standard streams are full or unread."""

import os
import re
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from helpers import REAL_PROGRAM, ROOT, SMALL, environment, save_random, save_texts

from seq2seq_demo.trained.loading import load

pytestmark = pytest.mark.slow


def sh(folder, command, program=REAL_PROGRAM, **changes):
    """Run a bash command line in which `demo` runs the program."""
    argv = ["bash", "-c", f'demo() {{ {shlex.join(program)} "$@"; }}; {command}']
    return subprocess.run(argv, capture_output=True, text=True, cwd=folder, env=environment(**changes), check=False)


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
    (tmp_path / "in.jsonl").write_text(f"{list(range(10))}\n" * 2000)
    done = sh(tmp_path, "demo predict -i w --from-file in.jsonl | head -1")
    assert (done.stdout.count("\n"), done.stderr) == (1, "Using weights w\n")


def test_ascii_locales_and_invalid_utf_8_cause_no_traceback(tmp_path):
    # With -S, Python does not read the path of an editable installation, which an ASCII locale may be unable to decode.
    program = [sys.executable, "-S", "-m", "seq2seq_demo"]
    paths = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])
    ascii = {"PYTHONPATH": paths, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    ascii |= {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    save_texts(tmp_path / "w", ("characters", ("a", "é")), ("words", ("X", "Y")))
    (tmp_path / "in").write_text("é\n", encoding="utf-8")
    done = sh(tmp_path, "demo predict -i w --from-file in; demo train -e 0 -o $'w\\xff'", program, **ascii)
    answer, saved = done.stdout.splitlines()
    assert answer.startswith("==> For input \\xe9, prediction=")
    assert (saved, done.stderr) == ("Saved w\\udcff", "Using weights w\n")


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


def test_control_characters_in_symbols_are_escaped(run):
    save_texts("w", ("characters", ("\x07", "\t", "\n", "\x1b")), ("words", ("\x1b[2J", "x", "y")))
    Path("w.jsonl").write_text('{"input": "\\u001b\\n\\u0007\\t", "output": "\\u001b[2J"}\n')
    for command in ("predict --show-attention", "predict --beam-size 3 --n-best 3", "evaluate -v"):
        out, err = run.ok(f"{command} -i w --from-file w.jsonl")
        assert not {"\x07", "\t", "\x1b"} & {*out, *err}
        assert {"\\x1b", "\\t"} <= {*re.findall(r"\\x1b|\\t", out)}


def test_predict_reads_standard_input_unless_it_has_arguments(run):
    run.reads("3 1 2\n2 0\n")
    out, _ = run.ok("predict -p sorted")
    assert [line.split("=")[3] for line in out.splitlines()] == ["[1 2 3] (expected", "[0 2] (expected"]
    run.reads("table\n")
    assert run.ok("predict -i g2p")[0].startswith("==> For input table, prediction=T ")
    assert "[1 2 3]" in run.ok("predict -p sorted 3 1 2")[0]
    run.reads("")
    run.refuses("predict", "standard input is empty", 1)
    run.reads("ab\tba\n")
    run.refuses("train - --validation-file - -o w", "only one file can be - (standard input)", 1)
