import math
import re

import pytest
from helpers import PATTERN_NETWORKS, ROOT
from shipped_accuracy import special_exact_match

from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.files.file_names import shipped_path
from seq2seq_demo.trained.loading import load

ROW = r"^\| (\w+) \| (embedding_\w+) \| (\d+)-(\d+) \| `.*?` \| ([\d.]+) \| ([\d.]+) \| ([\d.]+)"
TABLE = (ROOT / "seq2seq_demo" / "docs" / "NETWORKS.md").read_text()
ROWS = {row[:2]: row[2:] for row in re.findall(ROW, TABLE, re.MULTILINE)}

N = 25  # sources of each length and kind


def least(exact_match, n):
    """The least exact match on n sources: with three standard errors, or one more wrong answer."""
    return exact_match - max(3 * math.sqrt(exact_match * (1 - exact_match) / n), 1 / n)


@pytest.mark.slow
@pytest.mark.parametrize(("pattern", "model"), PATTERN_NETWORKS)
def test_shipped_weights_are_as_exact_as_their_row_in_the_table(pattern, model):
    network = load(shipped_path(pattern, model))
    assert (network.task, network.model_config.model, network.model_config.num_layers) == (pattern, model, 1)
    lengths, (exact, *worst) = [*map(int, ROWS[pattern, model][:2])], map(float, ROWS[pattern, model][2:])
    assert [network.min_in_len, network.in_len] == lengths
    assert network.model_config.cell_size <= (64 if network.model_config.has_attention else 128)
    e = network.evaluate_task(find_pattern(pattern), n=N, lengths=lengths, seed=2016)
    assert [*e.by_length] == lengths
    assert all(each.exact_match >= least(min(worst), N) for each in e.by_length.values())
    for exact_match, *place in special_exact_match(network, N, seed=2016):
        assert exact_match >= least(min(worst), N), place
    assert e.exact_match >= least(exact, N * len(lengths))
    # All answers to the few short sources are right.
    assert all(each.exact_match == 1 for in_len, each in e.by_length.items() if in_len <= 2)


def test_long_sources_use_a_network_with_attention(run):
    of_2016 = [9, 8, 7, 6, 5, 4, 3, 2, 1, 2, 5, 1, 8, 7, 7, 3, 9, 1, 4, 6]  # the README of 2016 showed a wrong answer
    out, err = run.ok("predict", *of_2016)
    assert err.startswith("Using the bundled network sorted-attention: ")
    answer = "1 1 1 2 2 3 3 4 4 5 5 6 6 7 7 7 8 8 9 9"
    assert out.endswith(f"prediction=[{answer}] (expected=[{answer}])\n")
