"""`patterns` lists the patterns, or checks one with -p; `networks` lists the bundled networks."""

import json
from collections.abc import Mapping
from typing import Any

from seq2seq_demo.commands.options import NetworksOptions, PatternsOptions
from seq2seq_demo.console import print_result, table
from seq2seq_demo.data.pattern_task import EXAMPLE
from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.trained import loading
from seq2seq_demo.trained.predictions import as_text

HEADING = "Exact match is measured free-running on the validation data."


def patterns(options: PatternsOptions) -> None:
    """Print a row (with --json, a JSON object) for each pattern, or only for the -p pattern."""
    selected = [options.pattern_task] if options.pattern_task else PATTERNS.values()
    found = {pattern.name: pattern.facts() for pattern in selected}
    if options.json:
        _print_json(found)
        return
    rows = [[name, as_text(facts["example"]["target"]), facts["description"]] for name, facts in found.items()]
    print_result(table(["pattern", f"{as_text(EXAMPLE)} becomes", ""], rows, str.ljust))


def _print_json(found: Mapping[str, dict[str, Any]]) -> None:
    print_result("\n".join(json.dumps({"name": name} | facts) for name, facts in found.items()))


def networks(options: NetworksOptions) -> None:
    """Print a row (with --json, a JSON object) for each network."""
    found = loading.networks()
    if options.json:
        _print_json(found)
        return
    rows = []
    for name, facts in found.items():
        lengths = "{}-{}".format(*facts["lengths"])
        rows.append([name, lengths, f"{facts['weights']:9,}", f"{facts['exact_match']:.4f}", facts["description"]])
    header = ["network", "lengths", f"{'weights':>9}", "exact match", ""]
    print_result(f"{HEADING}\n\n{table(header, rows, str.ljust)}")
