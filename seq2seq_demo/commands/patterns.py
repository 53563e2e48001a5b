"""`patterns`: list the patterns with an example each; or check and show the one of -p."""

import numpy as np

from seq2seq_demo.commands.options import PatternsOptions, fields_for
from seq2seq_demo.config import ModelConfig
from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.data.sequence_pattern import SequencePattern, find_pattern
from seq2seq_demo.display.console import table
from seq2seq_demo.errors import UsageError


def patterns(options: PatternsOptions) -> None:
    """Print a row for each pattern."""
    model_config = ModelConfig(**fields_for(options, ModelConfig))
    digits = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3]) % (model_config.in_max_int + 1)
    source = np.resize(digits, options.in_len or 6)
    rows = []
    for name in [options.pattern] if options.pattern else PATTERNS:
        pattern = find_pattern(name)
        try:
            example = _example(pattern, source, options.out_len, model_config)
        except UsageError:
            if options.pattern:
                raise
            example = "none"
        description = (pattern.function.__doc__ or "").strip().partition("\n")[0]
        rows.append([pattern.name, pattern.lengths, pattern.target_len, example, description])
    header = ["pattern", "length S", "target", f"{' '.join(map(str, source))} becomes", ""]
    print(table(header, rows, str.ljust))


def _example(pattern: SequencePattern, source: np.ndarray, out_len: int | None, model_config: ModelConfig) -> str:
    """Return what the pattern makes of a source `[S]`."""
    pattern.check(len(source), out_len, model_config.in_max_int, model_config.out_max_int)
    (target,) = pattern.targets(source[None], out_len, model_config.out_max_int)
    return " ".join(map(str, target))
