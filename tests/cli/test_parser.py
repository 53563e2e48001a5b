import re
from pathlib import Path

import pytest

from seq2seq_demo import __version__, cli
from seq2seq_demo.cli import COMMANDS, make_parser, parse
from seq2seq_demo.commands.options import (
    EvaluateOptions,
    NetworksOptions,
    PageOptions,
    PatternsOptions,
    PredictOptions,
    TrainOptions,
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "d").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def help_of(capsys, monkeypatch):
    """A function that returns the help text of a command line, 80 columns wide."""
    monkeypatch.setenv("COLUMNS", "80")

    def help_of(line):
        with pytest.raises(SystemExit) as exited:
            cli.main(line.split())
        out, err = capsys.readouterr()
        assert (exited.value.code, err) == (0, "")
        return out

    return help_of


def options_in(text):
    """Return the long options at the beginnings of a help text's lines."""
    return set(re.findall(r"^  (?:-\w,? ?(?:[A-Z]+, )?)?(--[\w-]+)", text, re.MULTILINE))


def parsed(line):
    return parse(line.split())


def test_the_order_of_arguments_does_not_matter():
    a = parsed("train 100000 -p reversed -v -L 2")
    for line in (
        "-p reversed train 100000 -v -L 2",
        "-p reversed -v -L 2 train 100000",
        "train -p reversed 100000 -v --num-layers 2",
        "-v train -L 2 100000 --pattern-name=reversed",
    ):
        assert parsed(line) == a
    assert a == TrainOptions(settings={"points": 100_000, "num_layers": 2}, pattern="reversed", verbose=1)
    assert a != TrainOptions(settings={"points": 100_000, "num_layers": 3}, pattern="reversed", verbose=1)
    assert parsed("predict 3 -p sorted 1 -v 2").words == ("3", "1", "2")
    for line in ("-n train predict 3 page", "predict -n train 3 page", "--name train predict 3 page"):
        assert parsed(line) == PredictOptions(name="train", words=("3", "page")), line


def test_each_command_parses_its_options():
    assert parsed("train 7") == TrainOptions(settings={"points": 7})
    lengths = {text: parsed(f"train 7 --in-len {text}").settings["in_len"] for text in ("1-20", "7-7", "7")}
    assert lengths == {"1-20": (1, 20), "7-7": (7, 7), "7": 7}
    assert parsed("predict 3 1 --in-len 2") == PredictOptions(words=("3", "1"), settings={"in_len": 2})
    assert parsed("evaluate") == EvaluateOptions()
    assert parsed("evaluate 50 --lengths 5,10 --json") == EvaluateOptions(points=50, lengths=(5, 10), json=True)
    assert parsed("evaluate --seed 3") == EvaluateOptions(seed=3)
    assert parsed("evaluate --lengths 5,1-3,2").lengths == (5, 1, 2, 3)
    assert parsed("patterns -p added") == PatternsOptions(pattern="added")
    assert parsed("networks -v") == NetworksOptions(verbose=1)
    assert parsed("page -i a -o p.html x -i b") == PageOptions(
        input_weights=(Path("a"), Path("b")), output=Path("p.html"), words=("x",)
    )
    paths = parsed("predict 1 -i w --data-dir d")
    assert (paths.input_weights, paths.data_dir) == ((Path("w"),), Path("d"))


def test_models_and_cells_have_short_names():
    assert parsed("train 9 -m attention --cell-type GRU") == parsed(
        "train 9 -m embedding_attention --cell-type GRUCell"
    )


def test_the_options_of_2016_in_short_and_long_form():
    short = parsed("-v -m embedding_rnn -r 0.1 -e 3 -i a -o b -p sorted -n c -L 2 train 50")
    long = parsed(
        "--verbose --model embedding_rnn --learning-rate 0.1 --epochs 3 --input-weights a --output-weights b "
        "--pattern-name sorted --name c --num-layers 2 train 50"
    )
    assert short == long
    rest = parsed(
        "--in-len 4 --out-len 3 --iter-num 7 --data-dir d --cell-size 5 --cell-type GRUCell --embedding-size 6 "
        "--tensorboard-verbose 3 train 50"
    )
    assert (rest.iter_num, rest.tensorboard_verbose) == (7, 3)
    sizes = {"in_len": 4, "out_len": 3, "cell_size": 5, "cell_type": "GRUCell", "embedding_size": 6}
    assert rest.settings == {"points": 50, **sizes}


def test_the_main_help(help_of):
    text = help_of("--help")
    lines = text.splitlines()
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80
    assert lines[0] == "usage: seq2seq-demo COMMAND [options]"
    for command in COMMANDS:
        assert re.search(rf"^  {command} .*  \w", text, re.MULTILINE), command
    assert options_in(text) == {"--help", "--version", "--verbose"}
    examples = text.partition("\nexamples:\n")[2].splitlines()
    assert len(examples) >= 2
    assert all(example.startswith("  seq2seq-demo ") for example in examples)
    assert help_of("-h") == help_of("-v --help") == text
    assert help_of("--version") == f"seq2seq-demo {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_lists_exactly_its_options(help_of, command):
    text = help_of(f"{command} --help")
    for line in (f"{command} -h", f"-h {command}", f"--help {command}", f"-v -h {command}", f"{command} -v -h"):
        assert help_of(line) == text, line
    assert text.startswith(f"usage: seq2seq-demo {command} ")
    names = {name for action in make_parser(command)._actions for name in action.option_strings if name[:2] == "--"}
    names -= {f"--no-{name[2:]}" for name in names}  # in the same line as the option that they undo
    assert options_in(text) == names - {"--version"}


def test_the_help_groups_the_options(help_of):
    text = help_of("train --help")
    assert len(re.findall("^ +-", text, re.MULTILINE)) <= 51
    first, *_, last = re.findall(r"^(.+):\n((?:  .*\n)+)", text.partition("\nexamples:")[0], re.MULTILINE)
    assert [*re.findall(r"^  (-\w)", first[1], re.MULTILINE)] == ["-p", "-o", "-i"]
    assert [*re.findall(r"^  (-\w)", last[1], re.MULTILINE)] == ["-v", "-h"]
    headings = re.findall(r"^(\w.*):$", text, re.MULTILINE)
    assert headings[1:] == ["task", "weights, data and network", "training", "all commands", "examples"]


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_the_examples_in_the_help_parse(help_of, tmp_path, command):
    examples = help_of(f"{command or ''} --help").partition("\nexamples:\n")[2].splitlines()
    assert examples
    for example in examples:
        program, *argv = example.split()
        assert program == "seq2seq-demo"
        assert type(parse(argv)) is COMMANDS[command or argv[0]].options


def test_the_help_of_an_option_that_two_commands_share_describes_the_output(help_of):
    train, page = (help_of(f"{command} --help") for command in ("train", "page"))
    assert re.search(r"--output-weights FILE\s+where to write weights \(default: a", train)
    assert re.search(r"--output-weights FILE\s+where to write the page, or a module \(FILE.js\)\n", page)
