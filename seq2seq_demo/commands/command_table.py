"""The table of commands, with the groups of options in their help; `cli.py` turns it into parsers."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from seq2seq_demo.commands.options import (
    ANSWER_LEN,
    MODEL,
    TRAINING,
    AnswerOptions,
    EvaluateOptions,
    NetworksOptions,
    Options,
    PageOptions,
    PatternsOptions,
    PredictOptions,
    TrainOptions,
)
from seq2seq_demo.config import ModelConfig
from seq2seq_demo.declarations import Setting, declared_options


class Command(NamedTuple):
    """A command: its options and its help."""

    options: type[Options]
    arguments: str  # [N] stands for the field `points`, [FILE] for `from_file`, [X ...] for `words`
    summary: str
    # The names of the options by heading, in the order of --help. An option in no group is accepted but not listed.
    groups: Mapping[str, Sequence[str]]
    settings: Mapping[str, Setting] = MappingProxyType({})  # the accepted settings of a network and its training
    module: str = ""  # its module in `commands`; empty means the name of the command

    @property
    def declared(self) -> dict[str, Setting]:
        """The declarations of all options, by name."""
        return {**self.settings, **declared_options(self.options)}


def own_options(options: type[Options], grouped: Collection[str] = ()) -> list[str]:
    """Return the names of the options that a class adds to its base class, in order, except the `grouped` ones."""
    return [name for name in declared_options(options) if name in options.__annotations__ and name not in grouped]


MAIN, DATA, ALL = "options, before or after the command", "weights, data and network", "all commands"
FILES = ("format", "encoding", "columns", "header")
COMMANDS = {
    "train": Command(
        TrainOptions,
        "[N] [FILE]",
        "train a network on N points or a file of pairs",
        groups={
            MAIN: ["pattern", "output", "input_weights"],
            DATA: ["name", "iter_num", "data_dir", *FILES, "in_tokens", "out_tokens", *MODEL],
            "training": [*TRAINING, *own_options(TrainOptions, ["output"])],
        },
        settings=MODEL | TRAINING | {"in_len": MODEL["in_len"]._replace(kind=int | tuple[int, int])},
    ),
    "predict": Command(
        PredictOptions,
        "[X ...]",
        "decode one sequence, a file or typed input",
        groups={
            MAIN: ["pattern", "input_weights"],
            DATA: ["name", "data_dir", "from_file", *FILES, "out_len"],
            "decoding": own_options(AnswerOptions) + own_options(PredictOptions),
        },
        settings=MODEL | {"out_len": ANSWER_LEN},
    ),
    "evaluate": Command(
        EvaluateOptions,
        "[N] [FILE]",
        "test a network on N sources or a file of pairs",
        groups={
            MAIN: ["pattern", "input_weights"],
            DATA: ["name", "data_dir", *FILES, "out_len"],
            "decoding": own_options(AnswerOptions) + own_options(EvaluateOptions),
        },
        settings=declared_options(ModelConfig) | {"out_len": ANSWER_LEN},  # its own --in-len sets `lengths`
    ),
    "page": Command(
        PageOptions,
        "[X ...]",
        "write an HTML page that runs networks",
        groups={
            MAIN: ["pattern", "output", "input_weights"],
            DATA: ["name", "data_dir", "from_file", *FILES],
            "page": own_options(PageOptions, ["output"]),
        },
        settings=MODEL,
    ),
    "patterns": Command(
        PatternsOptions,
        "",
        "list the patterns, or check one (-p)",
        groups={MAIN: ["pattern"], "task": ["json"]},
        module="lists",
    ),
    "networks": Command(NetworksOptions, "", "list the bundled networks", groups={ALL: ["json"]}, module="lists"),
}
