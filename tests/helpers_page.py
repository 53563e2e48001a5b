"""Shared helpers for the tests of the page: Node, which runs its scripts, and networks to show."""

import atexit
import functools
import itertools
import json
import math
import os
import re
import shutil
import subprocess
import zlib
from dataclasses import replace

import numpy as np
import pytest
from helpers import ROOT, random_weights

from seq2seq_demo import load
from seq2seq_demo.config import ModelConfig
from seq2seq_demo.page import builder
from seq2seq_demo.page.training import training_data
from seq2seq_demo.trained.trained_network import TrainedNetwork

NODE = shutil.which("node")
# The first one does the same with less CPU time: it has no windows.
CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None)
needs_node = pytest.mark.skipif(not NODE and "CI" not in os.environ, reason="node is not installed")
needs_chromium = pytest.mark.skipif(not CHROMIUM and "CI" not in os.environ, reason="chromium is not installed")
TOLERANCE = 1e-3  # absolute, for logits
KINDS = [
    ModelConfig(model, cell, layers, cell_size=7, embedding_size=5, in_max_int=8, out_max_int=6, bidirectional=both)
    for model, cell, layers, both in itertools.product(
        ("embedding_rnn", "embedding_attention"),
        builder.names_in("network/network.js", "EQUATIONS"),
        (1, 2),
        (False, True),
    )
]


def kind_name(config):
    """The name of a case of KINDS."""
    return f"{config.model}-{config.cell_type}-{config.num_layers}-{config.bidirectional}"


@functools.cache
def shipped(model, pattern="reversed"):
    """A bundled network; each file is read only once."""
    return load(ROOT / "trained_weights" / f"ts2s__{model}__{pattern}_1.weights.h5")


def fixed_length(in_len):
    """An untrained network of one length, without END, as in 2016."""
    config = ModelConfig(cell_size=5)
    return TrainedNetwork(config, random_weights(config, seed=0), task="reversed", in_len=in_len, out_len=in_len)


@functools.cache
def _node(script):
    """A Node process that has run a script of the page; it runs until the tests end."""
    command = [NODE or "node", ROOT / "tests" / "page" / "answer.js"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    atexit.register(process.communicate)
    process.stdin.write(json.dumps(script) + "\n")
    return process


def on_page(network):
    """A network with the weights of 16 bits that its page has, as `decodeWeights` in network.js decodes them."""
    scaled = {name: builder._scaled(array) for name, array in network.weights.items()}
    weights = {
        name: np.multiply(numbers, scale, dtype=np.float64).astype(np.float32)
        for name, (numbers, scale) in scaled.items()
    }
    return replace(network, weights=weights)


def ask(*questions, module="draw/tree.js"):
    """Return Node's answers to questions (name, argument) about a module of the page and those that it imports."""
    process, answers = _node(builder.join_modules(module)), []
    for question in questions:
        process.stdin.write(json.dumps(question) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert "thrown" not in answer, answer["thrown"]
        answers.append(answer["value"])
    return answers


def run_question(network, source, **settings):
    """A question that has Node run a network on a source."""
    data = builder.network_data(builder.ShownNetwork("name", network))
    return "run", {"network": data, "source": [*map(int, source)], "forced": [], **settings}


def assert_alike(result, decoded, n_steps):
    """Require that Node's result for one source equals NumPy's in the first `n_steps` steps."""
    logits = decoded.logits[0, :n_steps]
    np.testing.assert_allclose(result["logits"], logits, atol=TOLERANCE)
    assert np.abs(logits).max() > 100 * TOLERANCE  # otherwise the tolerance would hide differences
    second, best = np.sort(logits, axis=1)[:, -2:].T
    clear = best - second > TOLERANCE
    assert clear.mean() > 0.8
    assert np.array(result["symbols"])[clear].tolist() == decoded.symbols[0, :n_steps][clear].tolist()
    if decoded.attention is not None:
        np.testing.assert_allclose(result["alphas"], decoded.attention[0, :n_steps], atol=1e-4)


def draw_trials(S, outputs, largest=9):
    """The random sources of trials.js and what the decoder is fed: the reversed sources with wrong symbols."""
    state = 0

    def random(n):
        nonlocal state
        state = (state * 1664525 + 1013904223) % 2**32
        return n * state // 2**32

    sources, fed = [], []
    for _ in range(1000):
        sources.append([random(10) for _ in range(S)])
        wrong = sources[-1][::-1]
        for t in outputs:
            wrong[t] = (wrong[t] + 1 + random(largest)) % (largest + 1)
        fed.append(wrong)
    return np.array(sources), np.array(fed)


def prediction(page, network=0):
    """The answer that a page shows for one of its networks."""
    answers = page.locator(f"[data-network='{network}']" if network else "#prediction")
    return answers.first.text_content()


def paste(page, text):
    """Replace the user's own pairs in a page that trains, at once."""
    page.evaluate("(text) => { byId('pairs').value = text; byId('pairs').onchange(); }", text)


def train(page):
    """Press Train, and train to the end at once; return the samples and the exact match of each network."""
    page.click("#train")
    page.evaluate("app.isTraining && trainUntil(Infinity)")
    samples, exact = page.evaluate("[...Object.values(byId('training').dataset)]")
    return int(samples), [float(one) for one in exact.split(",")]


def train_until(page, condition):
    """Train frame by frame, as the browser does, until a condition in JavaScript holds."""
    page.evaluate(f"() => {{ while (!({condition})) trainFrame(); }}")


def step(page, n):
    """Train for some steps at once."""
    page.evaluate(f"for (let i = 0; i < {n}; i++) course.step(); course.measure(); show();")


def violations(page, part=None):
    """The rules that a page, or a part of it, breaks according to axe, with the elements."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page, context=part, options={"iframes": False}).response["violations"]
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]


def spaced(symbols):
    """Integers as a user types them into a page."""
    return " ".join(map(str, symbols))


@functools.cache
def training_settings():
    """The default of each setting in training.html, and its options by their values: the text and a task's settings."""
    page, settings = builder.read_asset("run/training.html"), {}
    for name, options in re.findall(r'<select name="(\w+)">(.*?)</select>', page, re.DOTALL):
        choices = {}
        for attributes, text in re.findall(r"<option([^>]*)>([^<\n]*)", options):
            value = re.search(r'value="(.*?)"', attributes)
            own = dict(re.findall(r'data-(\w+)="(.*?)"', attributes))
            choices[value[1] if value else text] = text, own
            if attributes.endswith("selected"):
                default = [*choices][-1]
        settings[name] = default, choices
    return settings


def run_course(steps=0, text="", bidirectional=False, alone=False, **settings):
    """Run a course of the page that trains for some steps in Node, of a pattern or of the pairs in a string.

    Both networks train or, with `alone`, the one with attention.
    """
    defaults = {name: default for name, (default, _) in training_settings().items()}
    question = {"training": training_data(), "settings": defaults | settings, "steps": steps}
    question |= {"text": text, "bidirectional": bidirectional, "alone": alone}
    return ask(("course", question), module="run/pairs.js")[0]


def printed_sizes(pdf):
    """Return the sizes in points of the words on each sheet of a PDF from Chromium, without those in groups."""
    sheets = []
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        try:
            lines = zlib.decompress(stream).decode("latin-1").splitlines()
        except zlib.error:
            continue  # not compressed
        if not lines or not re.match(r"\.2[34]\d* 0 0 -\.2[34]\d* 0 [\d.]+ cm", lines[0]):
            continue  # not the content of a sheet
        scales, sizes = [1.0], []
        for line in lines:
            *operands, operator = line.split() or [""]
            if operator == "q":
                scales.append(scales[-1])
            elif operator == "Q":
                scales.pop()
            elif operator == "cm":
                scales[-1] *= math.hypot(*map(float, operands[2:4]))
            elif operator == "Tf":
                sizes.append(round(float(operands[-1]) * scales[-1], 2))
        sheets.append(sizes)
    return sheets


def wait_for_layout(page):
    """Wait until the page is laid out and its ResizeObservers have run."""
    page.evaluate("new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))")
