"""Train and measure the networks of the README's table of accuracy, and print it: about four minutes.

.venv/bin/python scripts/accuracy.py
"""

import numpy as np

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.dataset import Pairs, random_sources
from seq2seq_demo.evaluation import evaluate
from seq2seq_demo.numpy_decoder import NumpyNetwork
from seq2seq_demo.patterns import find_pattern
from seq2seq_demo.training import train

RATES = {"embedding_attention": 0.005, "embedding_rnn": 0.01}
OF_2016 = [("reversed", "embedding_attention", TrainConfig(seed=seed)) for seed in (1, 2, 3)]
COSINE = [
    (pattern, model, TrainConfig(learning_rate=RATES[model], lr_schedule="cosine", epochs=epochs))
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
    for name, model, config in OF_2016 + COSINE:
        pattern = find_pattern(name)
        network = train(pattern, config, ModelConfig(model))
        figures = evaluate(
            NumpyNetwork(network.model, network.weights), Pairs(sources, pattern.targets(sources, None, 9))
        )
        settings = f"{config.learning_rate} | {config.lr_schedule} | {config.epochs} | {config.seed}"
        print(f"| {name} | {model} | {settings} | {figures.exact_match:.4f} |", flush=True)


if __name__ == "__main__":
    main()
