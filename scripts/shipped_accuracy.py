"""Print the exact match of a pattern's network, as three cells of the table in docs/NETWORKS.md.

.venv/bin/python scripts/shipped_accuracy.py WEIGHTS

The cells are the exact match on 20,000 random sources of each length, at the worst length, and on the worst special
kind of sources (1,000 of each kind and length). People often type sources of these kinds, which are rare among random
sources.
"""

import operator
import sys
from collections.abc import Callable, Iterator

import numpy as np

from seq2seq_demo import TrainedNetwork, load
from seq2seq_demo.data.sampling import random_sources
from seq2seq_demo.data.sequences import Sequences

N_RANDOM, N_SPECIAL = 20_000, 1000  # sources of each length


def two_symbols(rng: np.random.Generator, n: int, in_len: int, in_max_int: int) -> np.ndarray:
    """Draw sources `[n, in_len]` of at most two different symbols."""
    pairs = random_sources(rng, n, 2, in_max_int)
    return np.take_along_axis(pairs, rng.integers(0, 2, (n, in_len)), axis=1)


# Functions from (rng, N, S, in_max_int) to sources `[N, S]`
SPECIAL_KINDS: dict[str, Callable[[np.random.Generator, int, int, int], np.ndarray]] = {
    "all equal": lambda rng, n, in_len, in_max_int: np.repeat(random_sources(rng, n, 1, in_max_int), in_len, axis=1),
    "two symbols": two_symbols,
    "ascending": lambda *arguments: np.sort(random_sources(*arguments), axis=1),
    "descending": lambda *arguments: np.sort(random_sources(*arguments), axis=1)[:, ::-1],
}


def special_exact_match(network: TrainedNetwork, n: int, seed: int = 0) -> Iterator[tuple[float, int, str]]:
    """Yield the exact match on n sources of each special kind and length, the length and the kind."""
    task, (in_max_int, out_max_int) = network.pattern_task, network.model_config.largest
    assert task
    for number, (kind, draw) in enumerate(SPECIAL_KINDS.items()):
        for in_len in task.lengths_taken(network.model_config, network.trained_lengths):
            sources = draw(np.random.default_rng([seed, 4, number, in_len]), n, in_len, in_max_int)
            targets = task.targets_of(Sequences.of_array(sources), out_max_int).rows()
            n_right = sum(map(operator.eq, network.predict(sources), targets))
            yield n_right / n, in_len, kind


def main() -> None:
    """Print the cells."""
    network = load(sys.argv[1])
    random = network.evaluate(n=N_RANDOM)
    worst_length = min(each.exact_match for each in random.by_length.values())
    exact_match, in_len, kind = min(special_exact_match(network, N_SPECIAL))
    place = "" if exact_match == 1 else f" ({kind}, {in_len})"
    print(f"{random.exact_match:.5f} | {worst_length:.5f} | {exact_match:.3f}{place}")


if __name__ == "__main__":
    main()
