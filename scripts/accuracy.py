"""Train and evaluate the networks in the accuracy table of seq2seq_demo/docs/TRAINING.md; print that table.

.venv/bin/python scripts/accuracy.py  # about four minutes
"""

import numpy as np

from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.data.sampling import random_sources
from seq2seq_demo.data.sequences import Sequences
from seq2seq_demo.training.settings import new_run
from seq2seq_demo.training.trainer import fit

RATES = {"embedding_attention": 0.005, "embedding_rnn": 0.01}
DEFAULT_RUNS = [("reversed", "embedding_attention", 0.0001, "constant", 10, seed) for seed in (1, 2, 3)]
COSINE_RUNS = [
    (pattern, model, RATES[model], "cosine", epochs, 0)
    for pattern, model, epochs in (
        ("sorted", "embedding_attention", 5),
        ("reversed", "embedding_attention", 5),
        ("maxmin_dup", "embedding_attention", 5),
        ("reversed", "embedding_rnn", 10),
    )
]


def main() -> None:
    """Train each network and print its row."""
    sources = Sequences.of_array(random_sources(np.random.default_rng(987), 10_000, 10, 9))
    print("| pattern | model | learning rate | schedule | epochs | seed | exact match |")
    print("|---|---|---|---|---|---|---|")
    for pattern, model, rate, schedule, epochs, seed in DEFAULT_RUNS + COSINE_RUNS:
        task, settings = find_pattern(pattern), {"model": model, "learning_rate": rate, "lr_schedule": schedule}
        begun = new_run(task, settings | {"epochs": epochs, "seed": seed})  # as at the command line
        network = fit(task, begun)
        targets = task.targets_of(sources, 9)
        exact_match = network.evaluate(zip(sources.rows(), targets.rows(), strict=True)).exact_match
        print(f"| {pattern} | {model} | {rate} | {schedule} | {epochs} | {seed} | {exact_match:.4f} |", flush=True)


if __name__ == "__main__":
    main()
