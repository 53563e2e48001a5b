"""A JavaScript module with a network, in a web page of one's own: the example of DEPLOY.md."""

import functools
import re
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from helpers import ROOT, save_texts
from helpers_page import needs_chromium

from seq2seq_demo import __version__

PAGE = ROOT / "seq2seq_demo" / "docs" / "DEPLOY.md"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def address(tmp_path):
    """The address of a web server of the temporary folder."""
    server = ThreadingHTTPServer(("localhost", 0), functools.partial(Quiet, directory=tmp_path))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
@needs_chromium
def test_the_example_answers_like_predict(run, browser, address):
    run.ok("page -i g2p -o g2p.js")
    (html,) = re.findall(r"^```html\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    Path("index.html").write_text(html)
    page = browser.new_page()
    try:
        page.goto(address)
        for text, answer in {
            "hello": "HH EH L OW",  # as in README.md
            "Through": "TH R UW",
            "naïve": "“ï” is not in the vocabulary",
            "": "The source is empty",
        }.items():
            page.fill("input", text)
            assert page.text_content("output") == answer
    finally:
        page.close()


def test_a_module_has_one_network_and_no_examples(run):
    save_texts("w.h5", ("characters", ("a", "b")), ("words", ("X", "Y")))
    run.ok("page -i w.h5 -o w.js")
    run.ok("page -i w.h5 -o w.js")  # replaces its own file
    assert Path("w.js").read_text().startswith(f'// A network of seq2seq-demo, version {__version__}: "w"\n')
    for name in ("W.JS", "w.mjs"):
        run.ok(f"page -i w.h5 -o {name}")
        assert Path(name).read_text() == Path("w.js").read_text()
