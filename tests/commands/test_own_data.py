"""User patterns and user data, from training to prediction."""

import json
import random

import numpy as np
import pytest
from helpers import SMALL, SMALL_PAIRS

from seq2seq_demo.trained.trained_network import load

pytestmark = pytest.mark.slow

PATTERN = "def f(source):\n    return [(a + b) % 10 for a, b in zip(source, source[1:])]\n"


@pytest.fixture
def sources(tmp_path):
    """Write a file with a pattern, one with pairs, and one with inputs only."""
    (tmp_path / "mine.py").write_text(PATTERN)
    rng = random.Random(1)
    sources = [[rng.randrange(7) for _ in range(4)] for _ in range(120)]
    pairs = [{"input": source, "output": [max(source), sum(source)]} for source in sources]
    (tmp_path / "pairs.jsonl").write_text("".join(f"{json.dumps(pair)}\n" for pair in pairs))
    (tmp_path / "inputs.json").write_text(json.dumps(sources))
    return sources


def test_a_user_pattern(sources, run, fast_steps):
    out, err = run.ok("train 100 -e 1 -p mine.py:f --in-len 5", *SMALL)
    assert "(pattern 'mine:f')" in out
    path = "ts2s__basic__mine.f_1.weights.h5"
    assert f"\nSaved {path}: epoch 1 of 1, " in out
    network = load(path)
    assert (network.task, network.in_len, network.out_len) == ("mine:f", 5, 4)

    # The weights name the pattern, but prediction does not import it.
    status, out, err = run("predict 1 2 3 4 9")
    assert (status, err) == (0, f"Using weights {path}\n")
    assert "expected" not in out
    status, out, _ = run("predict 1 2 3 4 9 -p mine.py:f")
    assert out.endswith("(expected=[3 5 7 3])\n")
    run.refuses(f"predict 1 2 3 4 9 -i {path} -p sorted", f"{path} has pattern mine:f, but the options ask for sorted")
    _, err = run.ok(f"train 100 -i {path} -p mine.py:f -e 1 -o v")
    assert "training on sources of 5 and targets of 4 symbols" in err  # the file's lengths are the defaults


def test_a_pattern_makes_the_targets_of_given_inputs(sources, run, fast_steps):
    out, _ = run.ok("train --from-file inputs.json -p running_sum -e 1 -o w", *SMALL_PAIRS)
    assert "\nSettings for 107 pairs: embedding_rnn, 1 x " in out
    network = load("w")
    assert (network.task, network.in_len, network.out_len, network.ends) == ("running_sum", 4, 4, True)
    assert (network.model_config.in_max_int, network.model_config.out_max_int) == (6, 6)
    source = [6, 6, 6, 6]
    _, out, _ = run("predict -i w", *source)
    assert out.endswith(f"(expected=[{' '.join(map(str, np.cumsum(source) % 7))}])\n")
    run.refuses("train --from-file inputs.json", "inputs.json, sequence 0: expected a target, after", 1)
