"""Links to a page: each valid field of the address takes effect, and the page marks each forced symbol."""

import random
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from helpers import random_weights
from helpers_page import fixed_length, needs_chromium, training_settings

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary
from seq2seq_demo.page.builder import ShownNetwork
from seq2seq_demo.trained.trained_network import TrainedNetwork

pytestmark = [pytest.mark.slow, needs_chromium]
FORCED = "00:3|0:00|-0:3|0.5:3|0:1e0|0x0:3|٠:3|__proto__:1|length:1|0:3,| 0:3|0|0:|0:3:1|0:3;1:2|0:3,0:2|1:3,0:3|0:11"
UNITS = "0|1|0:0|0:0:0|0:0:0:03|0:0:0:3:0|2:0:0:0|0:2:0:0|0:0:2:0|0:0:0:64"
# Values that a page would write if it has them, and others.
FIELDS = {
    "source": ("3 1 2|7|1 2|b", "1" * 10_001),
    "target": ("1|2 1 3|b", "1" * 10_001),
    "place": ("0|2|4|99", "02|-1|2:3|2,3|<b>"),
    "forced": ("0:3|0:0,1:2|0:10,1:2|2:1|0:3,99:1", FORCED),
    "replace": ("0:3|2:1|3:1", "0:10|0:01|.5:1|0:1:2|3"),
    "unit": ("0:0:0:3|1:0:0:3|0:1:0:5|0:0:1:2|0:0:0:12|0:0:0:32", UNITS),
    "beam": ("1|2|4|5", "0|3|6"),
    "tab": ("details|forced|beam|influence|inside", "tour|main"),
    "view": ("lecture|embed", "full"),
    "answer": ("hidden", "shown"),
    "exercise": ("1", "2|01|main"),
    "moment": ("", "0|3"),
}
TRAINING = {
    "task": ("reversed|sorted|copy", "constructor|<img src=x>"),
    "length": ("3|3|1-3|10", "0|10-1|5-1|05"),
    "units": ("8|8|8|8|16", "1e1|016|"),
    "cell": ("GRU|RNN", "__proto__|lstm"),
    "rate": ("0.1|1", "-1|0.010"),
    "feed": ("own|expected", "own2|"),
    "seed": ("7|99", "-1|100"),
    "samples": ("32|640", "0|33|99999999"),
}
FIRST = ["unit=0", "source=3 1 2&replace=3:1&tab=influence", "units=64&unit=0:0:0:40"]
FIRST += ["source=3 1 4 1 5 9 2 6 5 3&length=3&units=8", "source=" + (" " * 30).join("3" * 60)]
FOLLOW = Path(__file__).with_name("follow.js").read_text(encoding="utf-8")


def random_link(rng, fields):
    """The fields of a link as (name, value, whether a page that has the value would write it)."""
    link = []
    for name in rng.sample([*fields], rng.choice((1, 1, 2, 3, 5, 8))):
        valid, others = (values.split("|") for values in fields[name])
        is_valid = valid != [""] and rng.random() < 0.75
        link.append((name, rng.choice(valid if is_valid else others), is_valid))
    return [(name, value, False) for name, value, _ in link * 2] if rng.random() < 0.03 else link  # named twice


def check(link, page, settings):
    """Require that a page shows the valid fields of a link, and keeps the settings that the link lacks."""
    fields = {name: value for name, value, is_valid in link if is_valid}
    settings |= {name: value for name, value in fields.items() if name in settings}
    if not page["S"]:  # the page waits for a valid source, and writes no address
        assert page["source"] == fields.get("source", page["source"]) in ("", "b")
        return
    unit, (s, *_) = (map(int, fields.get(name, "0").split(":")) for name in ("unit", "replace"))
    pairs = re.findall(r"(\d+):(\d+)", fields.get("forced", ""))
    for length, shown, count in page["runs"]:  # the symbols that are forced or marked, and their number in the note
        assert (shown, count) == ([f"{t}:{symbol}" for t, symbol in pairs if int(t) < length], len(shown))
    forced = [f"{t}:{symbol}" for t, symbol in pairs if int(t) < page["T"]]
    has = {"unit": all(map(int.__lt__, unit, page["limits"])), "replace": s < page["S"], "forced": forced}
    fields = settings | {name: value for name, value in fields.items() if has.get(name, True)}
    place = min(int(fields.get("place", page["fields"]["place"])), page["S"] + page["T"])
    written = {"source": page["source"]} | fields | {"place": str(place), "forced": ",".join(forced)}
    assert page["fields"] == {name: value for name, value in written.items() if value}, link
    chosen = [f"tab-{fields.get('tab', 'forced' if settings else 'details')}"] + ["exercise-1"] * ("exercise" in fields)
    assert (sorted(page["chosen"]), page["source"]) == (sorted(chosen), written["source"])
    assert page["has"] == ["view" in fields, "answer" in fields]
    assert (page["goal"], page["moment"]) == (fields.get("samples", ""), None)


CONFIG = ModelConfig("embedding_attention", "GRUCell", 2, 6, 4, bidirectional=True, ends=True)
DEEP = TrainedNetwork(CONFIG, random_weights(CONFIG), task="reversed", in_len=3, out_len=3, min_in_len=1)
DIGITS = Vocabulary("words", tuple("0123456789"))
WORDS = replace(DEEP, vocabularies=Vocabularies(DIGITS, DIGITS))
PAGES = {"one": ([DEEP], 200), "two": ([DEEP, fixed_length(3)], 60), "words": ([WORDS], 60), "training": ([], 20)}


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_shows_each_valid_field_of_an_address_and_ignores_all_else(opened, kind):
    networks, n = PAGES[kind]
    shown = [ShownNetwork(f"network {i}", network) for i, network in enumerate(networks)]
    fields = FIELDS | {name: ("", valid) if networks else (valid, others) for name, (valid, others) in TRAINING.items()}
    if not networks:
        fields["tab"] = ("forced|beam|influence|inside", "details|tour")
    first = [[tuple(part.split("=")) for part in link.split("&")] for link in FIRST]
    links = [[(name, value, value != "0" and fields[name][0] != "") for name, value in link] for link in first]
    own = {"one": FIELDS, "training": TRAINING}.get(kind, {})  # each value once on one of the pages
    values = [(name, value, i == 0) for name in own for i in (0, 1) for value in fields[name][i].split("|")]
    links += [[each] for each in values if each[1:] != ("", True)]
    rng = random.Random(n)
    links += [random_link(rng, fields) for _ in range(n)]
    addresses = ["#" + urlencode([part[:2] for part in link]) for link in links]
    for link, address in zip(links, addresses[: 2 if networks else 4], strict=False):
        page = opened(*shown, fragment=address)
        settings = {} if networks else {name: default for name, (default, _) in training_settings().items()}
        check(link, *page.evaluate(FOLLOW, [""]), settings)
    page.evaluate("byId('exercises').append(h('article', { id: 'exercise-1' }))")
    for link, followed in zip(links, page.evaluate(FOLLOW, addresses), strict=True):
        check(link, followed, settings)
