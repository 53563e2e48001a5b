"""What the tests of the page share: Node, which runs its scripts, and networks to put into a page."""

import atexit
import functools
import json
import os
import shutil
import subprocess

import numpy as np
import pytest
from helpers import ROOT

from seq2seq_demo import load
from seq2seq_demo.page import builder

SCRIPTS = ROOT / "seq2seq_demo" / "page"
NODE = shutil.which("node")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
needs_node = pytest.mark.skipif(not NODE and "CI" not in os.environ, reason="node is not installed")
needs_chromium = pytest.mark.skipif(not CHROMIUM and "CI" not in os.environ, reason="chromium is not installed")
ALLOWED = 1e-3  # of logits


@functools.cache
def shipped(model, pattern="reversed"):
    """A shipped network, read once."""
    return load(ROOT / "trained_weights" / f"ts2s__{model}__{pattern}_1.weights.h5")


@functools.cache
def _node(scripts):
    """A process of Node that has read the scripts in a folder, and runs as long as the tests."""
    command = [NODE or "node", ROOT / "tests" / "page" / "answer.js", scripts]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    atexit.register(process.communicate)
    return process


def ask(*questions, scripts=SCRIPTS):
    """Return Node's answers to questions, each a name and what it is about."""
    process, answers = _node(scripts), []
    for question in questions:
        process.stdin.write(json.dumps(question) + "\n")
        process.stdin.flush()
        answers.append(json.loads(process.stdout.readline()))
    return answers


def run_question(network, source, **settings):
    """The question what a network says to a source."""
    data = builder.network_data(builder.ShownNetwork("name", network))
    return "run", {"network": data, "bits": 32, "source": [*map(int, source)], "forced": [], **settings}


def assert_alike(said, decoded, n_steps):
    """Compare what Node and NumPy said to one source, in the first steps."""
    logits = decoded.logits[0, :n_steps]
    np.testing.assert_allclose(said["logits"], logits, atol=ALLOWED)
    assert np.abs(logits).max() > 100 * ALLOWED  # or the comparison would mean little
    second, best = np.sort(logits, axis=1)[:, -2:].T
    clear = best - second > ALLOWED
    assert clear.mean() > 0.8
    assert np.array(said["symbols"])[clear].tolist() == decoded.symbols[0, :n_steps][clear].tolist()
    if decoded.attention is not None:
        np.testing.assert_allclose(said["alphas"], decoded.attention[0, :n_steps], atol=1e-4)


def prediction(page, network=0):
    """What a page says that its first network, or another, answers."""
    answers = page.locator(f"[data-network='{network}']" if network else "#prediction")
    return answers.first.text_content()


def spaced(symbols):
    """Integers as they are typed into a page."""
    return " ".join(map(str, symbols))
