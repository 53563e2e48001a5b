"""The page that trains, and the page of a trained network, in Debian's Firefox."""

import itertools
import json
import os
import shutil
import subprocess

import pytest
from helpers import ROOT
from helpers_page import NODE

from seq2seq_demo import load
from seq2seq_demo.page.builder import ShownNetwork, build
from seq2seq_demo.page.training import build_training

PROJECT = ROOT / ".ci" / "page"
FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
HAS_ALL = NODE and FIREFOX and (PROJECT / "node_modules" / "puppeteer-core").exists()


@pytest.mark.slow
@pytest.mark.skipif(not HAS_ALL and "CI" not in os.environ, reason="firefox or puppeteer-core is not installed")
def test_networks_learn_patterns_and_pairs_and_a_trained_one_answers(tmp_path):
    g2p = load("g2p")
    for name, page in (("train", build_training()), ("g2p", build([ShownNetwork("g2p", g2p)]))):
        (tmp_path / f"{name}.html").write_text(page, encoding="utf-8")
    sources = ["".join(source) for n in range(1, 5) for source in itertools.product("abc", repeat=n)][:60]
    pairs = "\n".join(f"{source}\t{source[::-1]}" for source in sources)
    command = [NODE, PROJECT / "firefox.js", tmp_path / "train.html", tmp_path / "g2p.html", pairs]
    shown = json.loads(subprocess.check_output(command, env=os.environ | {"FIREFOX": FIREFOX}))
    assert shown["errors"] == []
    samples, exact = shown["trained"].split(": ")
    assert samples == "1920" and float(exact.partition(",")[0]) >= 0.8
    untrained, learned, forced = shown["untrained"][1], shown["learned"][1], shown["forced"].split()
    assert untrained == shown["kept"] != learned == "2 7 9"
    assert forced[0] == "5"
    own = shown["pairs"]
    assert own["verdict"] == "All held-out pairs are right." and own["kept"].endswith(": 1")
    assert own["learned"] == own["opened"] and own["learned"][1] == "acba"
    source, answer, sentence = shown["answered"]
    assert [answer] == g2p.predict([source]) and sentence.startswith("Reading 1 of ")
