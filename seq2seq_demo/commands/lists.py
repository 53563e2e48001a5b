"""`patterns` and `networks`: list the patterns, or check one with -p; list the networks that come with the program."""

import contextlib
import json
from collections.abc import Iterable

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
    """Print a row or, with --json, an object for each pattern, or only for the pattern of -p."""
    model_config = ModelConfig(**given_values(ModelConfig, options.settings))
    digits = [digit % (model_config.in_max_int + 1) for digit in (3, 1, 4, 1, 5, 9, 2, 6, 5, 3)]
    source, selected = np.resize(digits, options.in_len or 6), options.pattern_task
    targets: dict[PatternTask, list[int] | None] = {}
    for pattern in [selected] if selected else PATTERNS.values():
        targets[pattern] = None
        with contextlib.nullcontext() if selected else contextlib.suppress(UsageError):
            targets[pattern] = _target(pattern, source, options.out_len, model_config)
    if options.json:
        for pattern, target in targets.items():
            example = {"source": source.tolist(), "target": target}
            print_result(json.dumps({"name": pattern.name, "description": pattern.description, "example": example}))
        return
    rows = [[each.name, _text(target) if target else "none", each.description] for each, target in targets.items()]
    print_result(table(["pattern", f"{_text(source)} becomes", ""], rows, str.ljust))


def _target(pattern: PatternTask, source: np.ndarray, out_len: int | None, model_config: ModelConfig) -> list[int]:
    """Return the target of a source `[S]`, cut to `out_len` symbols."""
    pattern.check(len(source), out_len, model_config.in_max_int, model_config.out_max_int, ends=out_len is None)
    (target,) = pattern.targets_of(Sequences.of_array(source[None]), model_config.out_max_int).rows()
    return target[:out_len]


def _text(symbols: Iterable[int]) -> str:
    return " ".join(map(str, symbols))


def networks(options: NetworksOptions) -> None:
    """Print a row or, with --json, an object for each network."""
    found = [{"name": name} | facts for name, facts in shipped_networks.networks().items()]
    if options.json:
        print_result("\n".join(map(json.dumps, found)))
        return
    rows = []
    for facts in found:
        reached = "unknown" if facts["exact_match"] is None else f"{facts['exact_match']:.4f}"
        lengths = "{}-{}".format(*facts["lengths"])
        rows.append([facts["name"], lengths, f"{facts['weights']:9,}", reached, facts["description"]])
    header = ["network", "lengths", f"{'weights':>9}", "exact match", ""]
    print_result(f"{HEADING}\n\n{table(header, rows, str.ljust)}")
