"""Train and measure the networks of the table in seq2seq_demo/docs/TRAINING.md, and print it: about four minutes.

.venv/bin/python scripts/accuracy.py
"""

import numpy as np

from seq2seq_demo import Pairs, TrainConfig, find_pattern, train
from seq2seq_demo.data.sampling import random_sources

D = TrainConfig()  # the defaults of 2016
RATES = {"embedding_attention": 0.005, "embedding_rnn": 0.01}
OF_2016 = [("reversed", "embedding_attention", D.learning_rate, D.lr_schedule, D.epochs, seed) for seed in (1, 2, 3)]
COSINE = [
    (pattern, model, RATES[model], "cosine", epochs, 0)
    for pattern, model, epochs in (
        ("sorted", "embedding_attention", 5),
        ("reversed", "embedding_attention", 5),
        ("maxmin_dup", "embedding_attention", 5),
        ("reversed", "embedding_rnn", 10),
    )
]


def main() -> None:
    """Print a row for each training."""
    sources = random_sources(np.random.default_rng(987), 10_000, 10, 9)
    print("| pattern | model | learning rate | schedule | epochs | seed | exact match |")
    print("|---|---|---|---|---|---|---|")
    for pattern, model, rate, schedule, epochs, seed in OF_2016 + COSINE:
        network = train(pattern, model=model, learning_rate=rate, lr_schedule=schedule, epochs=epochs, seed=seed)
        pairs = Pairs.of_arrays(sources, find_pattern(pattern).targets(sources, None, 9))
        exact_match = network.evaluate(pairs).exact_match
        print(f"| {pattern} | {model} | {rate} | {schedule} | {epochs} | {seed} | {exact_match:.4f} |", flush=True)


if __name__ == "__main__":
    main()
