"""`patterns` and `networks`: list the patterns, or check one with -p; list the networks that come with the program."""

import contextlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from seq2seq_demo import shipped_networks
from seq2seq_demo.commands.options import NetworksOptions, PatternsOptions
from seq2seq_demo.config import ModelConfig, given_values
from seq2seq_demo.console import print_result, table
from seq2seq_demo.data.patterns import PATTERNS, PatternTask
from seq2seq_demo.data.sequences import Sequences
from seq2seq_demo.errors import UsageError

HEADING = "Exact match is free-running, on the validation data of the training."


def patterns(options: PatternsOptions) -> None:
    """Print a row for each pattern, or only for the pattern of -p."""
    model_config = ModelConfig(**given_values(ModelConfig, options.settings))
    digits = [digit % (model_config.in_max_int + 1) for digit in (3, 1, 4, 1, 5, 9, 2, 6, 5, 3)]
    source = np.resize(digits, options.in_len or 6)
    rows = []
    selected = options.pattern_task
    for pattern in [selected] if selected else PATTERNS.values():
        example = "none"
        with contextlib.nullcontext() if selected else contextlib.suppress(UsageError):
            example = _example(pattern, source, options.out_len, model_config)
        rows.append([pattern.name, example, pattern.description])
    header = ["pattern", f"{' '.join(map(str, source))} becomes", ""]
    print_result(table(header, rows, str.ljust))


def _example(pattern: PatternTask, source: np.ndarray, out_len: int | None, model_config: ModelConfig) -> str:
    """Return the target of a source `[S]` as text, cut to `out_len` symbols."""
    pattern.check(len(source), out_len, model_config.in_max_int, model_config.out_max_int, ends=out_len is None)
    (target,) = pattern.targets_of(Sequences.of_array(source[None]), model_config.out_max_int).rows()
    return " ".join(map(str, target[:out_len]))


def networks(_: NetworksOptions) -> None:
    """Print a row for each network."""
    header = ["network", "lengths", f"{'weights':>9}", "exact match", ""]
    rows = [_row(name, facts) for name, facts in shipped_networks.networks().items()]
    print_result(f"{HEADING}\n\n{table(header, rows, str.ljust)}")


def _row(name: str, facts: Mapping[str, Any]) -> list[str]:
    shortest, longest = facts["lengths"]
    reached = "unknown" if facts["exact_match"] is None else f"{facts['exact_match']:.4f}"
    return [name, f"{shortest}-{longest}", f"{facts['weights']:9,}", reached, facts["description"]]
