"""`patterns` and `networks`: list the patterns, or check one with -p; list the networks that come with the program."""

import contextlib

import numpy as np

from seq2seq_demo.commands.options import NetworksOptions, PatternsOptions
from seq2seq_demo.config import ModelConfig, given_values
from seq2seq_demo.console import print_result, table
from seq2seq_demo.data.patterns import PATTERNS, PatternTask
from seq2seq_demo.data.sequences import Sequences
from seq2seq_demo.errors import UsageError
from seq2seq_demo.files.file_names import shipped_networks
from seq2seq_demo.trained_network import TrainedNetwork, load

HEADING = "Exact match is free-running, on the validation data of the training."
DESCRIPTIONS = {
    "dates": "English, German, French, Spanish and Italian dates to ISO 8601.",
    "g2p": "English spelling to pronunciation, in the phones of CMUdict.",
    "long-rnn": "Last symbol first; without attention, for the same lengths as reversed-attention.",
    "numbers": "English words for numbers below a million.",
    "recorded-attention": "Last symbol first; with a recording of its training.",
    "recorded-rnn": "Last symbol first; with a recording of its training.",
}  # the default is the description of the pattern


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
    rows = [_row(name, load(path)) for name, path in shipped_networks().items()]
    print_result(f"{HEADING}\n\n{table(header, rows, str.ljust)}")


def _row(name: str, network: TrainedNetwork) -> list[str]:
    reached = f"{network.validation.exact_match:.4f}" if network.validation else "unknown"
    description = DESCRIPTIONS.get(name) or PATTERNS[network.task or ""].description
    return [name, f"{network.min_in_len}-{network.in_len}", f"{network.n_weights:9,}", reached, description]
