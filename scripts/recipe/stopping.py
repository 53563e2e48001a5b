"""Measure what early stopping costs and saves: exact match and CPU time of the recipe with and without patience.

    .venv/bin/python scripts/recipe/stopping.py SETS [--sets dates romaji] [--n-pairs 500 3000]

The script trains on each set once without patience, on the first N pairs of train.tsv, and holds out a tenth of them
for validation. Patience changes nothing before the epoch at which it ends the training, so this one run also gives
the results with patience.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from measure import read_pairs, tokens_of

N_TEST = 500  # pairs of test.tsv that are answered after each epoch


def epochs_of(folder: Path, n_pairs: int) -> tuple[Any, list[tuple[float, float]]]:
    """Train for all epochs; return the network, and the CPU seconds and the exact match on test pairs of each epoch."""
    from seq2seq_demo import Callback, train
    from seq2seq_demo.data.pair_task import pair_task
    from seq2seq_demo.training.settings import resolve

    start, measured, test = time.process_time(), list[tuple[float, float]](), read_pairs(folder, "test")[:N_TEST]

    class OnTest(Callback):
        seconds = 0.0  # spent on test pairs

        def on_epoch_end(self, state: Any) -> None:
            began = time.process_time()
            exact_match = state.network.evaluate(test).exact_match
            self.seconds += time.process_time() - began
            measured.append((time.process_time() - start - self.seconds, exact_match))

    in_tokens, out_tokens = tokens_of(folder)
    pairs: Any = read_pairs(folder, "train")[:n_pairs]
    _, config = resolve(pair_task(pairs, kinds=(in_tokens, out_tokens), holds_out=True), {})
    settings: dict[str, Any] = {"in_tokens": in_tokens, "out_tokens": out_tokens, "keep_best": True}
    settings["epochs"] = config.epochs  # an explicit number switches off the recipe's patience
    return train(pairs, callbacks=[OnTest()], **settings), measured


def main() -> None:
    """Print a row per set, and the means."""
    parser = argparse.ArgumentParser(description="Measure early stopping on sets of pairs.")
    parser.add_argument("folder", type=Path, help="the folder of the sets")
    parser.add_argument("--sets", nargs="+", metavar="SET", help="sets to measure (default: all)")
    parser.add_argument("--n-pairs", nargs="+", type=int, default=[500, 3000], metavar="N", help="training pairs")
    options = parser.parse_args()
    names = options.sets or sorted(file.parent.name for file in options.folder.glob("*/tokens.txt"))
    print("| set | pairs | epochs | validation | test | epochs with patience | validation | test | time |")
    print("|---|---|---|---|---|---|---|---|---|")
    rows = []
    for n_pairs in options.n_pairs:
        for name in names:
            network, measured = epochs_of(options.folder / name, n_pairs)
            from seq2seq_demo.training.recipe import patience_of
            from seq2seq_demo.training.validation import best_epoch, stop_after

            history, config = network.history, network.run.config
            config = replace(config, patience=patience_of(config.epochs))
            stop = next((n for n in range(1, len(history)) if stop_after(history[:n], config)), len(history))
            cells: list[float] = []
            for n in (len(history), stop):
                best = best_epoch(history[:n])
                cells += [n, 100 * best.validation_exact_match, 100 * measured[best.epoch - 1][1]]
            rows.append([*cells, measured[stop - 1][0] / measured[-1][0]])
            print(f"| {name} | {n_pairs} | {' | '.join(f'{x:.4g}' for x in rows[-1])} |", flush=True)
    print("| mean | | " + " | ".join(f"{sum(column) / len(rows):.4g}" for column in zip(*rows, strict=True)) + " |")


if __name__ == "__main__":
    main()
