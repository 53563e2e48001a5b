import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from helpers import Watcher, fit

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.data.sequences import shift_right
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.network.parameters import weight_shapes
from seq2seq_demo.trained.counts import cross_entropy
from seq2seq_demo.trained.trained_network import untrained
from seq2seq_demo.training.run_files import TensorBoard

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fast_steps")]

MODEL = ModelConfig("embedding_attention", cell_size=7, embedding_size=6, in_max_int=10, out_max_int=12)
# 130 validation pairs (the logs use the first 128), and 19 steps per epoch.
CONFIG = TrainConfig(1300, in_len=5, out_len=4, epochs=2, batch_size=64)


def read(log_dir: Path) -> dict[tuple[str, str], list[tuple[int, np.ndarray]]]:
    """Read a directory's events: (plugin, tag) → the steps and values, in the order of writing."""
    events = {}
    for path in sorted(log_dir.iterdir()):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                key = value.metadata.plugin_data.plugin_name, value.tag
                events.setdefault(key, []).append((event.step, tf.make_ndarray(value.tensor)))
    return events


def check_histogram(buckets, array, tolerance=1e-5):
    """Check that buckets `[K, 3]` are a histogram of an array whose elements may differ by the tolerance."""
    left, right, counts = buckets.T
    assert (buckets.dtype, len(buckets)) == (np.float64, 30)
    assert left[0] == pytest.approx(array.min(), abs=tolerance)
    assert right[-1] == pytest.approx(array.max(), abs=tolerance)
    assert (left[1:] == right[:-1]).all()
    assert counts.sum() == array.size
    for edge, below in zip(right, counts.cumsum(), strict=True):
        assert (array < edge - tolerance).sum() <= below <= (array <= edge + tolerance).sum()


def check_tags(logs_by_level):
    names = list(weight_shapes(MODEL))
    metrics = ("loss", "forced_token_accuracy", "forced_exact_match", "token_accuracy", "exact_match")
    levels = [{f"train/{name}" for name in metrics[:2]} | {f"validation/{name}" for name in metrics} | {"probe/answer"}]
    levels.append({"gradients/global_norm"} | {f"gradients/{name}" for name in names})
    levels.append({f"weights/{name}" for name in names})
    levels.append({"activations/memory", "activations/logits", "activations/attention"})
    expected = set()
    for level, more in enumerate(levels):
        expected |= more
        assert {tag for _, tag in logs_by_level[level]} == expected
        for (plugin, tag), values in logs_by_level[level].items():
            scalar = tag.startswith(("train", "validation")) or tag == "gradients/global_norm"
            assert plugin == ("scalars" if scalar else "text" if tag == "probe/answer" else "histograms")
            if not tag.startswith("train"):
                assert [step for step, _ in values] == [19, 38]


def check_scalars(logs_by_level, watcher):
    calls = [values for kind, *values in watcher.calls if kind == "steps"]
    steps, _, losses, accuracies = zip(*calls, strict=True)
    assert steps == (8, 19, 38)
    for logs in logs_by_level:
        for name, values in (("loss", losses), ("forced_token_accuracy", accuracies)):
            assert logs["scalars", f"train/{name}"] == list(zip(steps, np.float32(values), strict=True))
        for (plugin, tag), values in logs.items():
            if tag.startswith("validation/"):
                name = tag.removeprefix("validation/")
                assert plugin == "scalars"
                metrics = [(epoch.step, getattr(epoch.validation, name)) for epoch in watcher.history]
                assert values == [(step, np.float32(metric)) for step, metric in metrics]


def check_gradients(buckets, network, probes, name):
    """Compare with finite differences."""
    weights = {name: weight.astype(float) for name, weight in network.weights.items()}
    sources, targets = probes.sources.array(), probes.targets.array()
    decoder_input = shift_right(targets, MODEL.go)

    def difference(index):
        weight, losses = weights[name], []
        value = weight[index]
        for weight[index] in (value + 1e-4, value - 1e-4):
            logits = NumpyNetwork(MODEL, weights).decode(sources, 4, decoder_input).logits
            losses.append(cross_entropy(logits, targets).mean())
        weight[index] = value
        return (losses[0] - losses[1]) / 2e-4

    gradient = np.array([difference(index) for index in np.ndindex(weights[name].shape)])
    check_histogram(buckets, gradient, 1e-6)


def check_activations(logs, network, sources):
    """Compare with the NumPy network."""
    memory, _ = network.encode(sources)
    decoded = network.decode(sources, 4)
    assert memory.shape == (128, 5, 7)
    for name, array in (("memory", memory), ("logits", decoded.logits), ("attention", decoded.attention)):
        check_histogram(logs["histograms", f"activations/{name}"][-1][1], array)


def test_the_logs_of_every_level_match_the_training(tmp_path):
    folders, watcher = [tmp_path / str(level) for level in range(4)], Watcher()
    boards = [TensorBoard(folder, level) for level, folder in enumerate(folders)]
    fit(find_pattern("reversed"), CONFIG, untrained(MODEL, 0), [watcher, *boards])
    logs_by_level = [read(folder) for folder in folders]
    check_tags(logs_by_level)
    check_scalars(logs_by_level, watcher)
    network, probes = watcher.networks[-1], watcher.state._pairs[:128]
    for name in ("decoder/layer_0/bias", "decoder/attention/score"):
        check_gradients(logs_by_level[1]["histograms", f"gradients/{name}"][-1][1], network, probes, name)
    check_activations(logs_by_level[3], network.to_numpy(), probes.sources.array())


TRAIN = ["train", 100, "-p", "reversed", "-e", 1, "--cell-size", 7, "-o", "w"]


def test_train_writes_logs_on_request_and_prints_their_directory(run, temporary):
    groups, before = {"train", "validation", "probe"}, {*os.listdir(temporary)}
    assert "Log directory" not in run.ok(*TRAIN)[0]
    assert {*os.listdir(temporary)} == before
    out, _ = run.ok(*TRAIN, "--tensorboard-verbose", 2)
    log_dir = Path(out.splitlines()[2].removeprefix("Log directory: "))
    assert (log_dir.parent, log_dir.name.rpartition("-")[0]) == (temporary, "seq2seq_demo_logs")
    assert {tag.partition("/")[0] for _, tag in read(log_dir)} == groups | {"gradients", "weights"}
    out, _ = run.ok("--log-dir a/b", *TRAIN)
    assert out.splitlines()[2] == "Log directory: a/b"
    assert {tag.partition("/")[0] for _, tag in read(Path("a/b"))} == groups
    run.refuses([*TRAIN, "--log-dir", "w/logs"], "w/logs: not a directory\n", 1)
