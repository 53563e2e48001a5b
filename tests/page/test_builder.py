"""The page as a file: its content, its security policy, and its size limits."""

import base64
import hashlib
import json
import re

import numpy as np
import pytest
from helpers import random_weights

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.errors import UsageError
from seq2seq_demo.network.parameters import weight_shapes
from seq2seq_demo.page import builder
from seq2seq_demo.page.builder import Example, ShownNetwork, build
from seq2seq_demo.page.gallery import exercises
from seq2seq_demo.page.training import build_training
from seq2seq_demo.trained.trained_network import TrainedNetwork

CONFIG = ModelConfig("embedding_attention", "GRUCell", cell_size=4, embedding_size=3, in_max_int=5, out_max_int=7)
NETWORK = TrainedNetwork(CONFIG, random_weights(CONFIG), task="sorted", in_len=6, out_len=5)
NAME = "$data ${x} $$ </script><img src=x onerror=alert(1)>&\u2028"


def data_in(page):
    """The JSON data in the page."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


def test_the_page_contains_the_network():
    page = build([ShownNetwork(NAME, NETWORK, [Example([1, 0], [0, 1], NAME)])])
    assert page.count("</script>") == 3 and "<img" not in page and "<h1>$data ${x} $$ &lt;/script" in page
    (data,) = data_in(page)["networks"]
    assert data["shapes"] == [[name, list(shape)] for name, shape in weight_shapes(CONFIG).items()]
    numbers = np.concatenate([NETWORK.weights[name].ravel() for name, _ in data["shapes"]])
    integers = np.frombuffer(base64.b64decode(data["weights"]["numbers"]), "<i2")
    scales = np.repeat(data["weights"]["scales"], [np.prod(shape) for _, shape in data["shapes"]])
    assert (np.abs(integers * scales - numbers) <= 0.501 * scales).all()
    parts = np.split(integers, np.flatnonzero(np.diff(scales)) + 1)
    assert {np.abs(part).max() for part in parts} == {2**15 - 1}
    assert data["examples"] == [{"source": [1, 0], "target": [0, 1], "note": NAME}]
    assert (data["name"], data["pattern"], data["ends"], data["config"]["go"]) == (NAME, "sorted", False, 8)


def test_the_policy_allows_only_the_scripts_and_styles_of_the_page():
    page = build([ShownNetwork("name", NETWORK)])
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', page)[1]
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    for name, tag in {"script-src": "script", "style-src": "style"}.items():
        texts = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.S)
        hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts]
        assert directives[name].split() == hashes
        assert hashes
    assert directives["default-src"] == "'none'"
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page)


def test_networks_that_are_too_large_are_refused(monkeypatch):
    monkeypatch.setattr(builder, "MAX_WEIGHTS", 100)
    n = sum(weight.size for weight in NETWORK.weights.values())
    with pytest.raises(UsageError, match=f"^name: expected at most 100 weights, got {n}$"):
        builder.check([ShownNetwork("name", NETWORK)])


ENTRIES = [builder.PAGE, "training.js", "links.js", "theory.js", builder.NETWORK]


def code_of(text):
    """The lines of a module, without block comments, `import` and `export`."""
    text = re.sub(r"/\*.*?\*/ ?|^import .*?;$|^export ", "", text, flags=re.S | re.M)
    return [line for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_script_can_be_read_module_by_module(entry):
    script = builder.join_modules(entry)
    modules = re.split(r"^// ---- (.*) ----\n\n(?=/\* )", script, flags=re.M)[1:]
    assert entry in modules[::2] and len(modules) > 2
    for name, text in zip(modules[::2], modules[1::2], strict=True):
        source = builder.read_asset(name)
        assert code_of(text) == code_of(source)
        assert re.findall(r" // .*", text) == re.findall(r" // .*", source)
        words = re.findall(r"/\*\*? (?!@).*?(?=\n *@|\n* ?\*/)", source, re.S)  # of comments, without types
        assert re.findall(r"/\*.*?(?=\n* ?\*/)", text, re.S) == words


def test_nothing_in_a_module_ends_its_script(monkeypatch):
    read = builder.read_asset
    danger = """\n/* </script><!-- <script> */ const danger = "</SCRIPT>" + `<!--`; // </script>\n"""
    add = {"draw/app.js": danger, "network/trained.js": danger.replace("danger", "other")}
    monkeypatch.setattr(builder, "read_asset", lambda name: read(name) + add.get(name, ""))
    page = build([ShownNetwork("name", NETWORK)])
    (script,) = re.findall("<script>(.*?)</script", page, re.S | re.I)
    assert r'const danger = "<\/SCRIPT>" + `<\!--`; // <\/script>' in script and "const other" in script
    assert "<!--" not in script and page.lower().count("</script") == 3
    for style in map(read, builder.STYLES):
        assert "</" not in style


def test_a_page_has_at_most_350_kb_besides_its_weights():
    page = build([ShownNetwork("name", NETWORK)], index="index.html", exercises=exercises("reversing"))
    assert len(page.encode()) <= 350_000
    assert len(build_training("index.html", exercises("train")).encode()) <= 350_000


@pytest.mark.parametrize("entry", ENTRIES)
def test_no_name_is_declared_in_two_modules(entry):
    """On the page, all modules share one scope."""
    script = builder.join_modules(entry)
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", script, re.M)
    assert sorted(names) == sorted(set(names))
    assert len(names) > 8
