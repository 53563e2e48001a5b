import re
from pathlib import Path

import pytest

from seq2seq_demo import __version__
from seq2seq_demo.commands import cli
from seq2seq_demo.commands.cli import COMMANDS, make_parser, parse
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


LAYERS = TrainOptions(settings={"points": 100_000, "num_layers": 2}, pattern="reversed", verbose=1)
PARSED = {
    "train -p reversed 100000 -v --num-layers 2": LAYERS,
    "-v train -L 2 100000 --pattern-name=reversed": LAYERS,
    "-n train predict 3 page": PredictOptions(name="train", words=("3", "page")),
    "-nn train 5": TrainOptions(name="n", settings={"points": 5}),
    "train 7 --in-len 1-20": TrainOptions(settings={"points": 7, "in_len": (1, 20)}),
    "train 9 --in-tokens integers": TrainOptions(settings={"points": 9}, in_tokens="integers"),  # a pattern's tokens
    "train 9 --cell-type GRU": TrainOptions(settings={"points": 9, "cell_type": "GRUCell"}),
    "train a.tsv 1000": TrainOptions(settings={"points": 1000}, from_file="a.tsv"),
    "train -": TrainOptions(from_file="-"),
    "predict 3 -p sorted 1 -v 2": PredictOptions(words=("3", "1", "2"), pattern="sorted", verbose=1),
    "predict a.tsv -q --tsv": PredictOptions(words=("a.tsv",), quiet=True, tsv=True),
    "predict -": PredictOptions(from_file="-"),
    "evaluate 50 --in-len 5,10 --json": EvaluateOptions(points=50, lengths=(5, 10), json=True),
    "evaluate --in-len 5,1-3,2": EvaluateOptions(lengths=(5, 1, 2, 3)),
    "evaluate --from-file=a.tsv -v 1000 -v": EvaluateOptions(points=1000, from_file="a.tsv", verbose=2),
    "- evaluate": EvaluateOptions(from_file="-"),
    "page -i a -o p x -i b": PageOptions(input_weights=(Path("a"), Path("b")), output=Path("p"), words=("x",)),
    "patterns -p added": PatternsOptions(pattern="added"),
    "networks -v": NetworksOptions(verbose=1),
}
# Short forms, and the lines of the README of 2016, whose options stood before or after the command.
SHORT = "-v -m embedding_rnn -r 0.1 -e 3 -i a -o b -p sorted -n c -L 2"
OTHERS = """--in-len 4 --out-len 3 --iter-num 7 --cell-size 5 --cell-type GRUCell --embedding-size 6
    --tensorboard-verbose 3"""
WEIGHTS = "-v -v -o weights.tfl -p reversed -m embedding_attention --iter-num=0 -e 10"
SORTED = "-i TRAINED_WEIGHTS/ts2s__attention__sorted_1.tfl -p sorted --in-len=20 --out-len=20 -m embedding_attention"
OF_2016 = {  # by the options, and the command with its arguments
    (SHORT, "train 50"): TrainOptions(
        settings={"model": "embedding_rnn", "learning_rate": 0.1, "epochs": 3, "num_layers": 2, "points": 50},
        **{"verbose": 1, "input_weights": (Path("a"),), "output": Path("b"), "pattern": "sorted", "name": "c"},
    ),
    (OTHERS, "train 50"): TrainOptions(
        settings={"in_len": 4, "out_len": 3, "cell_size": 5, "cell_type": "GRUCell", "embedding_size": 6, "points": 50},
        **{"iter_num": 7, "tensorboard_verbose": 3},
    ),
    (WEIGHTS, "train 100000"): TrainOptions(
        settings={"model": "embedding_attention", "epochs": 10, "points": 100_000},
        **{"verbose": 2, "output": Path("weights.tfl"), "pattern": "reversed", "iter_num": 0},
    ),
    (SORTED, "predict 9 8 7 6 5 4 3 2 1 2 5 1 8 7 7 3 9 1 4 6"): PredictOptions(
        settings={"in_len": 20, "out_len": 20, "model": "embedding_attention"},
        **{"input_weights": (Path(SORTED.split()[1]),), "pattern": "sorted", "words": tuple("98765432125187739146")},
    ),
}
PARSED |= {f"{options} {command}": parsed for (options, command), parsed in OF_2016.items()}
PARSED |= {f"{command} {options}": parsed for (options, command), parsed in OF_2016.items()}


@pytest.mark.parametrize("line", PARSED)
def test_a_line_is_parsed(line):
    assert parse(line.split())[1] == PARSED[line]


def test_the_main_help(help_of):
    text = help_of("--help")
    lines = text.splitlines()
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80
    assert lines[0] == "usage: seq2seq-demo COMMAND [options]"
    for command in COMMANDS:
        assert re.search(rf"^  {command} .*  \w", text, re.MULTILINE), command
    assert options_in(text) == {"--help", "--version", "--verbose", "--quiet"}
    assert help_of("-h") == help_of("-v --help") == help_of("") == text
    assert help_of("-V") == help_of("--version") == f"seq2seq-demo {__version__}\n"


MOST_LISTED = {"train": 51, "predict": 24, "evaluate": 19, "page": 17, "patterns": 9, "networks": 4}
ANSWERED_BY_FILE = {"--in-len", "--in-max-int", "--out-max-int", "--in-tokens", "--out-tokens", "--iter-num", "--model"}
ANSWERED_BY_FILE |= {"--cell-type", "--num-layers", "--cell-size", "--embedding-size", "--bidirectional"}
UNLISTED = {
    "train": {"--from-file"},
    "predict": ANSWERED_BY_FILE,
    "evaluate": ANSWERED_BY_FILE - {"--in-len"} | {"--from-file"},
    "page": ANSWERED_BY_FILE | {"--out-len"},
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_lists_its_options_but_those_that_a_file_answers(help_of, command):
    text = help_of(f"{command} --help")
    for line in (f"{command} -h", f"-h {command}", f"--help {command}", f"-v -h {command}", f"{command} -v -h"):
        assert help_of(line) == text, line
    assert text.startswith(f"usage: seq2seq-demo {command} ")
    names = {name for action in make_parser(command)._actions for name in action.option_strings if name[:2] == "--"}
    names -= {f"--no-{name[2:]}" for name in names}  # in the same line as the option that they undo
    assert options_in(text) == names - {"--version"} - UNLISTED.get(command, set())
    listed = text.partition("\nexamples:\n")[0]
    assert len(re.findall("^ +-", listed, re.MULTILINE)) <= MOST_LISTED[command]


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_the_examples_in_the_help_parse(help_of, tmp_path, command):
    text = help_of(f"{command or ''} --help").replace(" \\\n      ", " ")
    examples = text.partition("\nexamples:\n")[2].splitlines()
    assert examples
    for example in examples:
        program, *argv = example.split()
        assert program == "seq2seq-demo"
        parsed, options = parse(argv)
        assert parsed == (command or argv[0])
        assert type(options) is COMMANDS[parsed].options
