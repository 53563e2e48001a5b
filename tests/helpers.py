"""Shared helpers: small networks, weights files, and the program in a subprocess."""

import hashlib
import os
import subprocess
import sys
import time
from dataclasses import astuple, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import seq2seq_demo
from seq2seq_demo.config import INTEGERS, MODELS, CellType, ModelConfig, TrainConfig
from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.data.sequences import Pairs, Sequences
from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary
from seq2seq_demo.files.file_names import shipped_path
from seq2seq_demo.network.numpy_network import sigmoid
from seq2seq_demo.network.parameters import initial_weights
from seq2seq_demo.trained.metrics import Epoch, Metrics
from seq2seq_demo.trained.plots import History
from seq2seq_demo.trained.predictions import Prediction
from seq2seq_demo.trained.saved_network import SavedNetwork, TrainingRun
from seq2seq_demo.trained.trained_network import TrainedNetwork
from seq2seq_demo.training.callbacks import Callback
from seq2seq_demo.training.settings import begin_run
from seq2seq_demo.training.snapshots import Snapshot

ROOT = Path(seq2seq_demo.__file__).parents[1]
PATTERN_NETWORKS = [(name, model) for name in PATTERNS for model in MODELS if shipped_path(name, model).exists()]
REFERENCE_2016 = ROOT.parent / "shared" / "reference_2016"
SNAPSHOT = "s2s_checkpoint__basic__reversed_1.weights.h5"
SMALL = ["--cell-size", "7", "--embedding-size", "5"]
FIXED = ModelConfig("embedding_attention", "GRUCell", cell_size=7, embedding_size=5, in_max_int=8, out_max_int=8)
ENDING = replace(FIXED, ends=True)
ATTENTION = ModelConfig("embedding_attention", cell_size=7, embedding_size=5)
A_B_E, X_Y = Vocabulary("characters", ("a", "b", "\u00e9")), Vocabulary("words", ("X", "Y"))
PYTHON = [sys.executable]
if sys.platform == "linux":
    PYTHON += ["-IS", str(Path(__file__).with_name("fork_server.py"))]  # TensorFlow is already loaded
PROGRAM = [*PYTHON, "-m", "seq2seq_demo"]
REAL_PROGRAM = [sys.executable, "-m", "seq2seq_demo"]  # for tests that depend on how Python starts


def random_weights(model_config: ModelConfig, seed: int = 5) -> dict[str, np.ndarray]:
    """Initial weights plus noise, so that no bias is 0 and swapped gates change the result."""
    rng = np.random.default_rng(seed)
    weights = initial_weights(model_config, seed)
    return {name: (w + rng.normal(0, 0.2, w.shape)).astype(np.float32) for name, w in weights.items()}


def save_random(path, model_config: ModelConfig | None = None, **changes) -> TrainedNetwork:
    """Save a network of random weights whose metadata name the pattern `reversed` and 10 symbols."""
    model_config = model_config or ModelConfig()
    values = {"task": "reversed", "in_len": 10, "out_len": 10} | changes
    network = TrainedNetwork(model_config, random_weights(model_config), **values)
    network.save(path)
    return network


def save_texts(path, source, target, model_config: ModelConfig | None = None, **changes) -> TrainedNetwork:
    """Save a text network with random weights; `source` and `target` are each (tokens, symbols)."""
    sides = Vocabularies(Vocabulary(*source), Vocabulary(*target))
    sizes = {"cell_size": 4, "embedding_size": 3, "ends": True} | sides.largest_symbols()
    model_config = model_config or ModelConfig("embedding_attention", **sizes)
    values = {"task": "t.tsv", "in_len": 5, "out_len": 4, "min_in_len": 1, "vocabularies": sides} | changes
    return save_random(path, model_config, **values)


def finished_snapshot(
    path=SNAPSHOT, fingerprint=None, task="reversed", ends=False, data=None, by_content=None, **changes
):
    """Write the snapshot of a training run that was killed after its last epoch, before its weights were saved."""
    config = TrainConfig(**{"points": 60, "epochs": 1} | changes)
    metrics = Metrics(2.0, 0.1, 0.0, 0.1, 0.0)
    facts = {
        "step": 1,
        "task": task,
        "run": TrainingRun(config, 0, data, fingerprint, by_content),
        "validation": metrics,
        "history": History([Epoch(1, 1, 2.0, 0.1, *astuple(metrics))]),
    }
    snapshot = Snapshot(save_random(path, ModelConfig(ends=ends), **facts))
    Path(path).write_bytes(snapshot.to_bytes())
    return snapshot


TRAINED = {
    "model_config": ModelConfig("embedding_attention", "GRUCell", 2, 7, 5, in_max_int=10, out_max_int=12),
    "task": "reversed",
    "in_len": 11,
    "out_len": 4,
    "run": TrainingRun(TrainConfig(300, 11, 4, learning_rate=0.005, epochs=3, stop_at_exact=0.9), start_step=77),
    "validation": Metrics(
        0.5, forced_token_accuracy=0.9, forced_exact_match=0.875, token_accuracy=0.8125, exact_match=0.75
    ),
}
UNKNOWN = dict.fromkeys(("task", "in_len", "out_len", "run", "validation"))


def trained_network(**changes) -> TrainedNetwork:
    """A small network of random weights whose metadata describe a training run."""
    return TrainedNetwork(**{"weights": random_weights(TRAINED["model_config"])} | TRAINED | changes)


COUPLED = CellType(gates=("f", "candidate", "o"), states=("c", "h"), gates_with_bias_1=("f",))


def numpy_coupled(projected, state, U):
    """One step of an LSTM whose input gate is 1 − f (Greff et al. 2017). The program lacks this cell."""
    c, h = state
    f, candidate, o = np.split(projected + h @ U, 3, axis=1)
    c = sigmoid(f) * c + (1 - sigmoid(f)) * np.tanh(candidate)
    return c, sigmoid(o) * np.tanh(c)


def write_pairs(path, pairs):
    """Write pairs of strings to a file of tab-separated lines."""
    Path(path).write_text("".join(f"{source}\t{target}\n" for source, target in pairs))


def line_of(network: TrainedNetwork, source: list[int], expected: str, out_len: int = 10) -> str:
    """The line that `predict` prints for a source; `expected` is the target as printed."""
    predicted = network.to_numpy().decode(np.array([source]), out_len).symbols[0]
    return f"==> For input {source}, prediction=[{' '.join(map(str, predicted))}] (expected=[{expected}])\n"


def prediction_of(source, answer, expected=None, tokens=(INTEGERS, INTEGERS), calibration=None, **facts) -> Prediction:
    """The prediction of an answer whose symbols are integers, characters or words."""
    characters = tuple(map(chr, range(256)))
    sides = Vocabularies(*(Vocabulary(kind, () if kind == INTEGERS else characters) for kind in tokens))
    return Prediction.of_numbers(
        SavedNetwork(ModelConfig(), {}, vocabularies=sides, calibration=calibration),
        source=sides.source.to_numbers(source),
        answer=sides.target.to_numbers(answer),
        expected=expected and sides.target.to_numbers(expected),
        **facts,
    )


def source_hash(text: str) -> int:
    """The hash that decides whether a source is held out, from 0 to 2**64 - 1."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def ragged(sources, targets=None):
    """Pairs with these sources; the default target is the row number."""
    targets = [[n] for n in range(len(sources))] if targets is None else targets
    return pairs_of(*zip(sources, targets, strict=True))


def pairs_of(*rows) -> Pairs:
    """Pairs from rows (source, target)."""
    return Pairs(*map(Sequences.of_rows, zip(*rows, strict=True)))


def largest_difference(a: TrainedNetwork, b: TrainedNetwork) -> float:
    """The largest absolute difference between two networks' weights."""
    return max(np.abs(a.weights[name] - b.weights[name]).max() for name in a.weights)


def same_arrays(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    """Whether two dictionaries contain equal arrays under equal names."""
    return a.keys() == b.keys() and all((array == b[name]).all() for name, array in a.items())


def pairs_of_arrays(sources: np.ndarray, targets: np.ndarray) -> Pairs:
    """Pairs of sources [N, S] and targets [N, T]."""
    return Pairs(Sequences.of_array(sources), Sequences.of_array(targets))


def begun(network, config) -> Snapshot:
    """A training run of a network before its first step, on unknown data."""
    return Snapshot(replace(network, run=TrainingRun(config, network.step)))


def fit(task, config, start, *args, **how) -> TrainedNetwork:
    """Train a network, or continue from a snapshot, without the checks of `train`."""
    from seq2seq_demo.training import trainer  # loads TensorFlow

    snapshot = start if isinstance(start, Snapshot) else Snapshot(begin_run(start, task, config))
    return trainer.fit(task, snapshot, *args, **how)


class Watcher(Callback):
    """A callback that records the states of all calls, and the network after each epoch."""

    def __init__(self):
        self.begin, self.steps, self.end, self.networks = [], [], [], []
        self.on_epoch_begin, self.on_steps_end = self.begin.append, self.steps.append

    def on_epoch_end(self, state):
        self.end.append(state)
        self.networks.append(state.network)


def environment(**changes) -> dict[str, str]:
    """An environment in which a subprocess can import this package from any directory."""
    return os.environ | {"PYTHONPATH": str(ROOT)} | changes


def end(process) -> tuple[int, str]:
    """Wait until a process ends; return its exit status and stderr."""
    _, err = process.communicate()
    return process.returncode, err


def snapshots_in_memory(kept):
    """Snapshots in the dictionary `kept`, keyed by step, instead of in files."""

    def keep(_, step, snapshot):
        kept[step] = snapshot()

    return SimpleNamespace(after_steps=keep, after_epoch=lambda *_: None)


def wait_for(condition):
    """Poll until `condition()` is true; only the time limit of the test ends this."""
    while not condition():
        time.sleep(0.01)


def run_fast_steps(steps, data, rows, learning_rates):
    """A replacement for `Steps._run` that adds to the weights and the moments."""
    import tensorflow as tf

    n_steps = (rows - 1) // steps.batch_rows + 1
    steps.adam.iterations.assign_add(tf.cast(n_steps, tf.int64))
    for vector in (steps.adam.weights, steps.adam.m, steps.adam.v):
        vector.assign_add(tf.fill(vector.shape, 0.01 * tf.cast(n_steps, tf.float32)))
    return tf.cast(n_steps, tf.float32), tf.zeros(())


def imported(lines, *modules) -> list[str]:
    """Run command lines in one subprocess; return the names in `modules` that it imported."""
    code = f"""
import contextlib, sys
from seq2seq_demo.commands import cli
for line in {lines!r}:
    with contextlib.suppress(SystemExit):
        cli.main(line.split())
print([name for name in {modules!r} if name in sys.modules], file=sys.stderr)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    return eval(result.stderr.splitlines()[-1])
