import subprocess
from unittest.mock import Mock

import pytest
from helpers import REAL_PROGRAM, environment, imported, save_random

from seq2seq_demo.commands import predict
from seq2seq_demo.config import ModelConfig

pytestmark = pytest.mark.slow

# The error of a lock that Ctrl-C interrupted.
INTERRUPTED_LOCK = RuntimeError("release unlocked lock")
INTERRUPTED_LOCK.__context__ = KeyboardInterrupt()


def test_any_exception_becomes_one_line_and_a_status(run, monkeypatch):
    for exception, status, message in [
        (INTERRUPTED_LOCK, 130, "seq2seq-demo: interrupted\n"),
        (OSError(13, "Permission denied", "w"), 1, "error: w: permission denied\n"),
        (ZeroDivisionError("two\nlines"), 1, "error: unexpected ZeroDivisionError: two lines\n"),
    ]:
        monkeypatch.setattr(predict, "predict", Mock(side_effect=exception))
        got, out, err = run("predict 1")
        assert (got, out, err.count("\n")) == (status, "", 1)
        assert err.endswith(message)


def test_tracebacks_are_printed_only_with_vv(run):
    with open("w", "w") as file:
        file.write("no weights")
    for flags, traceback in ([], False), (["-v"], False), (["-v", "-v"], True), (["-vv"], True):
        status, _, err = run("predict 1 -i w", *flags)
        assert status == 1
        assert ("Traceback" in err) == traceback
        assert "neither a weights file" in err.splitlines()[-1]


def test_help_and_usage_errors_import_nothing_heavy():
    lines = ["--help", "train --help", "--version", "train -1", "predict x --format nope", "evaluate --in-len 0"]
    assert imported(lines, "tensorflow", "keras", "numpy", "h5py") == []


def test_numpy_commands_import_neither_tensorflow_nor_matplotlib_nor_rich(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_random("w", ModelConfig("embedding_attention"), task="copy", in_len=4, out_len=4)
    lines = ["predict -i w 0 1 2 3", "evaluate 20 -p copy -i w", "page -i w -o w.html", "patterns", "networks"]
    assert imported(lines, "tensorflow", "keras", "matplotlib", "h5py", "rich") == []


def test_shell_completion(tmp_path):
    for typed, completions in {
        "": {"train", "predict", "evaluate", "page", "patterns", "networks"},
        "train 100 --lr-schedule ": {"constant", "cosine", "adaptive"},
        "train --l": {"--label-smoothing", "--learning-rate", "--lr-schedule", "--log-dir", "--lowercase"},
    }.items():
        line = f"seq2seq-demo {typed}"
        variables = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "COMP_TYPE": "9"}
        variables |= {"_ARGCOMPLETE_IFS": "\n", "_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "completions")}
        subprocess.run(REAL_PROGRAM, env=environment(**variables), check=True)
        assert {word.strip() for word in (tmp_path / "completions").read_text().split("\n")} == completions
