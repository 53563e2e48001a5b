"""The page that trains, and the pages of the gallery, in Debian's Firefox."""

import json
import os
import shutil
import subprocess

import pytest
from helpers import ROOT
from helpers_page import NODE

from seq2seq_demo import load
from seq2seq_demo.page.gallery import GALLERY

PROJECT = ROOT / ".ci" / "page"
FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
HAS_ALL = NODE and FIREFOX and (PROJECT / "node_modules" / "puppeteer-core").exists()


@pytest.mark.slow
@pytest.mark.skipif(not HAS_ALL and "CI" not in os.environ, reason="firefox or puppeteer-core is not installed")
@pytest.mark.filterwarnings("ignore:The network was trained on length")
def test_two_networks_learn_and_every_page_of_the_gallery_answers(run, tmp_path):
    run.ok("page --gallery pages")
    pages = [tmp_path / "pages" / f"{name}.html" for name in GALLERY]
    command, environment = [NODE, PROJECT / "firefox.js", *pages], os.environ | {"FIREFOX": FIREFOX}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    shown = json.loads(done.stdout)
    assert shown["errors"] == []
    assert shown["paused"] == shown["later"]
    samples, exact = shown["trained"].split(": ")
    assert samples == "1920" and float(exact.partition(",")[0]) >= 0.8
    untrained, learned, forced = shown["untrained"][1], shown["learned"][1], shown["forced"].split()
    assert untrained == shown["kept"] != learned == "2 7 9"
    assert forced[0] == "5"
    for entry, (source, answer, sentence) in zip([*GALLERY.values()][1:], shown["looks"], strict=True):
        (expected,) = load(entry.networks[0]).predict([source])
        assert answer == (expected if isinstance(expected, str) else " ".join(map(str, expected)))
        assert sentence.startswith("Reading 1 of ")
