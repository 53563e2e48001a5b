import subprocess
import sys

import pytest

from seq2seq_demo import __version__, cli
from seq2seq_demo.errors import UsageError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "d").mkdir()
    monkeypatch.chdir(tmp_path)


def parse(line):
    options = vars(cli.parse(line.split()))
    return {name: value for name, value in options.items() if value is not None}


def test_options_stand_anywhere_and_mean_the_same():
    a = parse("train 100000 -p reversed -v -L 2")
    for line in (
        "-p reversed train 100000 -v -L 2",
        "-p reversed -v -L 2 train 100000",
        "train -p reversed 100000 -v --num-layers 2",
        "-v train -L 2 100000 --pattern-name=reversed",
    ):
        assert parse(line) == a
    assert a["pattern"] == "reversed"
    assert a["num_layers"] == 2
    assert parse("predict 3 -p sorted 1 -v 2")["values"] == ["3", "1", "2"]


@pytest.mark.parametrize(
    "line", ["-v -v train 9", "-vv train 9", "train 9 -vv", "-v train 9 -v", "--verbose train -v 9"]
)
def test_v_counts_in_any_spelling(line):
    assert parse(line)["verbose"] == 2


def test_every_letter_and_name_of_2016():
    short = parse("-v -m embedding_rnn -r 0.1 -e 3 -i a -o b -p sorted -n c -L 2 train 50")
    long = parse(
        "--verbose --model embedding_rnn --learning-rate 0.1 --epochs 3 --input-weights a --output-weights b "
        "--pattern-name sorted --name c --num-layers 2 train 50"
    )
    assert short == long
    rest = parse(
        "--in-len 4 --out-len 3 --iter-num 7 --data-dir d --cell-size 5 --cell-type GRUCell --embedding-size 6 "
        "--tensorboard-verbose 3 train 50"
    )
    assert (rest["in_len"], rest["iter_num"], rest["tensorboard_verbose"], rest["cell_type"]) == (4, 7, 3, "GRUCell")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "expected a command, one of train, predict, evaluate, patterns"),
        ("trian 100", "unknown command 'trian': did you mean train"),
        ("train", "train expects the number of points, as in `train 100000`, or --from-file, got none"),
        ("train 5 6", "got 5 6"),
        ("train 1e5", "as an integer, got '1e5'"),
        ("train 0", "expected points to be an integer of at least 2, got 0"),
        ("train -5", "at least 2, got -5"),
        ("train 1", "at least 2, got 1"),
        ("train 50 -e -1", "expected epochs to be an integer of at least 0, got -1"),
        ("train 50 -e 1.5", "expected an integer, got '1.5'"),
        ("train 50 -r 0", "a finite number above 0, got 0.0"),
        ("train 50 -r nan", "got nan"),
        ("train 50 -r inf", "got inf"),
        ("train 50 -r fast", "expected a number, got 'fast'"),
        ("train 50 -L 0", "expected num-layers to be an integer of at least 1, got 0"),
        ("train 50 --cell-size -3", "at least 1, got -3"),
        ("train 50 --in-len 0", "at least 1, got 0"),
        ("train 50 --batch-size 0", "at least 1, got 0"),
        ("train 50 --lr-schedule linear", "expected one of constant, cosine"),
        ("train 50 --stop-at-exact 2", "at most 1, got 2.0"),
        ("train 50 --tensorboard-verbose 4", "4"),
        ("train 50 -p sort", "did you mean sorted"),
        ("train 50 -m embeding_rnn", "did you mean embedding_rnn"),
        ("train 50 --cell-type LSTM", "did you mean LSTMCell"),
        ("train 50 -n a/b", "expected -n/--name to be part of a file name, up to 100 bytes, got 'a/b'"),
        (f"train 50 -n {'n' * 101}", "up to 100 bytes, got 'nnn"),
        ("train 50 --data-dir none", "expected --data-dir to be a directory, got 'none'"),
        ("train 50 -L 101", "expected num-layers of at most 100, got 101"),
        ("predict 1 --input-weights=", "expected the name of a file or directory, got ''"),
        ("train " + "9" * 5000, "as an integer, got '9999"),
        ("train 50 --iter-num -1", "at least 0, got -1"),
        ("train 50 --iter-num 1 -i w", "each names the weights to start from"),
        ("train 50 --json", "--json means nothing to train: it is an option of predict and evaluate"),
        ("train 50 --lengths 5", "--lengths means nothing to train: it is an option of evaluate"),
        ("patterns 5", "patterns expects nothing after it, got 5"),
        ("patterns -m embedding_rnn", "-m/--model means nothing to patterns"),
        ("evaluate 5 6", "as in `evaluate 10000`, got 5 6"),
        ("evaluate 0", "expected the number of sources to be an integer of at least 1, got 0"),
        ("evaluate x", "as an integer, got 'x'"),
        ("evaluate --lengths 5,x", "expected an integer, got 'x'"),
        ("evaluate --lengths 5,0", "expected lengths to be an integer of at least 1, got 0"),
        ("evaluate --lengths 5 --in-len 5", "expected --lengths, or --from-file or --in-len, got both"),
        ("evaluate --seed -1", "expected seed to be an integer of at least 0, got -1"),
        ("evaluate --engine keras", "--engine means nothing to evaluate"),
        ("predict 1 --seed 3", "--seed means nothing to predict: it is an option of train and evaluate"),
        ("predict", "predict expects integers, as in `predict 3 1 2`, or --from-file, got none, nor a terminal to ask"),
        ("predict 1 --from-file f", "got both"),
        ("predict 1 -e 5", "-e/--epochs means nothing to predict: it is an option of train"),
        ("predict 1 -o w", "-o/--output-weights means nothing to predict"),
        ("predict 1 --log-dir d", "--log-dir means nothing to predict"),
        ("predict 1 --out-len 0", "at least 1, got 0"),
        ("predict 1 --engine jax", "jax"),
        ("train 50 --no-such", "--no-such"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(run, line, message):
    status, out, err = run(*line.split())
    assert (status, out) == (2, "")
    assert err.startswith("seq2seq-demo: error: ")
    assert message in err
    assert err.count("\n") == 1


def test_parse_raises():
    with pytest.raises(UsageError):
        cli.parse(["train"])


def test_version_and_help(shell):
    assert shell("--version").stdout == f"seq2seq-demo {__version__}\n"
    shown = shell("train", "--help")
    assert shown.returncode == 0
    assert "--stop-at-exact" in shown.stdout


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["train", "-1"], ["predict", "x", "-p", "nope"]])
def test_nothing_heavy_is_imported_for_help_and_wrong_usage(argv):
    assert imported(argv, "tensorflow", "keras", "numpy", "h5py") == []


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("", {"train", "predict", "evaluate", "patterns"}),
        ("tr", {"train"}),
        ("train -p r", {"reversed", "rotated", "running_sum"}),
        ("-m embedding_a", {"embedding_attention"}),
        ("train 100 --lr-schedule ", {"constant", "cosine"}),
        ("predict --engine ", {"numpy", "keras"}),
        ("evaluate --l", {"--lengths"}),
        ("predict --l", set()),
        ("train --l", {"--learning-rate", "--lr-schedule", "--log-dir"}),
    ],
)
def test_what_the_shell_completes(shell, tmp_path, typed, offered):
    line = f"seq2seq-demo {typed}"
    asked = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "COMP_TYPE": "9"}
    asked |= {"_ARGCOMPLETE_IFS": "\n", "_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "offered")}
    shell(**asked)
    got = {word.strip() for word in (tmp_path / "offered").read_text().split("\n")}
    assert {word for word in got if typed or not word.startswith("-")} == (offered or {""})


def imported(argv, *modules):
    """Run the command line in a process of its own; return which of the modules it imported."""
    code = f"""
import sys
from seq2seq_demo import cli
try:
    cli.main({argv!r})
except SystemExit:
    pass
print([name for name in {modules!r} if name in sys.modules], file=sys.stderr)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return eval(ran.stderr.splitlines()[-1])
