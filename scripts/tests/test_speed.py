"""The scripts that measure speed compare equal networks on equal pairs, and count padding correctly."""

from types import SimpleNamespace

import numpy as np
import page_pairs
import page_speed
import pytest
from helpers import ragged, random_weights
from helpers_page import needs_chromium
from speed import measuring, real_work

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.page.training import build_training
from seq2seq_demo.trained.trained_network import TrainedNetwork

SIZES = {"cell_size": 6, "embedding_size": 5, "in_max_int": 8, "out_max_int": 7}


# ---- Plain Keras ----


def dense(name):
    return [f"{name}/kernel", f"{name}/bias"]


def cell(name):
    return [f"{name}/kernel", f"{name}/recurrent_kernel", f"{name}/bias"]


ENCODER = ["encoder/embedding", "decoder/embedding", *cell("encoder/layer_0")]
NAMES = {  # our weights in the order of Keras's `get_weights`
    "embedding_attention": [
        *ENCODER,
        "decoder/attention/key/kernel",
        *dense("decoder/input"),
        *cell("decoder/layer_0"),
        *dense("decoder/attention/query"),
        "decoder/attention/score",
        *dense("decoder/projection"),
        *dense("decoder/output"),
    ],
    "embedding_rnn": [*ENCODER, *cell("decoder/layer_0"), *dense("decoder/projection")],
}


@pytest.mark.parametrize("model", NAMES)
@pytest.mark.slow
def test_plain_keras_gives_the_logits_of_the_numpy_network(model):
    from speed.plain_keras import plain_keras

    model_config = ModelConfig(model, **SIZES)
    weights, network = random_weights(model_config), plain_keras(model_config, 5)
    assert sorted(NAMES[model]) == sorted(weights)
    given = [weights[name] for name in NAMES[model]]
    network.set_weights([w.reshape(ours.shape) for w, ours in zip(given, network.get_weights(), strict=True)])
    sources, decoder_input = np.array([[3, 1, 4, 0, 0], [2, 7, 1, 8, 2]]), np.array([[8, 5, 1, 0, 3], [8, 2, 6, 6, 0]])
    expected = TrainedNetwork(model_config, weights).to_numpy().decode(sources, 5, decoder_input).logits
    assert np.abs(network.predict_on_batch([sources, decoder_input]) - expected).max() < 1e-5


# ---- Padding ----


def test_the_fraction_of_padding_by_hand(monkeypatch):
    monkeypatch.setattr(real_work, "BATCH", 2)
    pairs = ragged([[1], [1, 2], [1, 2, 3], [1, 2, 3]], [[], [1], [1], [1, 2, 3]])
    steps = SimpleNamespace(widths=SimpleNamespace(usual=[(2, 3), (4, 4)]))
    trainer = SimpleNamespace(order=lambda pairs: np.arange(4), steps=steps)
    # 9 source symbols, 5 target symbols and 4 END make 18. The loops compute 2 x (2 + 2) + 2 x (3 + 4) = 22 positions,
    # the other layers 2 x (2 + 3) + 2 x (4 + 4) = 26.
    assert real_work.padding(trainer, pairs) == pytest.approx((1 - 18 / 22, 1 - 18 / 26, 1 - 36 / 48))


def test_a_row_has_the_median_of_the_later_rounds(monkeypatch):
    seconds = iter([9.0, 8.0, 2.0, 10.0, 1.0, 5.0, 4.0, 20.0])
    monkeypatch.setattr(measuring, "seconds", lambda _: next(seconds))
    columns = measuring.speed_columns({"ours": None, "theirs": None}, 1000, 3)
    assert columns == ["500", "100", "5.00", "9.0 s", "8.0 s"]
    assert len(measuring.speed_header(["ours", "theirs"])) == len(columns)


# ---- The page ----


def test_a_key_counts_the_cpu_time_of_its_task_and_of_those_up_to_the_next_frame():
    def events(name, *spans, thread=1):
        shared = {"name": name, "pid": 1, "tid": thread, "args": {"data": {"type": "keydown"}}}
        return [shared | {"ts": 1000 * start, "dur": 1000 * n, "tdur": 500 * n} for start, n in spans]

    frames = events("Layerize", (1, 1), (21, 1), (32, 1), (41, 1)) + events("Layerize", (13, 1), thread=2)
    tasks = [
        events("ThreadControllerImpl::RunTask", (0, 4), (10, 6), (20, 8), (30, 3), (40, 2), thread=t) for t in (1, 2)
    ]
    assert page_speed.key_times([*events("EventDispatch", (12, 3), (31, 1)), *frames, *tasks[0], *tasks[1]]) == [7, 1.5]


@needs_chromium
@pytest.mark.slow
def test_the_row_of_a_file_has_what_the_page_reads_and_reaches(tmp_path, monkeypatch, capsys):
    page, pairs = tmp_path / "train.html", tmp_path / "ones.tsv"
    page.write_text(build_training(), encoding="utf-8")
    pairs.write_text("\n".join(f"{n}\ta" for n in range(100, 140)), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["page_pairs.py", f"{page}", f"{pairs}"])
    page_pairs.main()
    name, read, _, exact, *_ = capsys.readouterr().out.splitlines()[4].split(" | ")
    assert (name, read, exact) == ("| ones", "40", "1.000")
