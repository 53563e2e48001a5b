import re
from collections import namedtuple
from xml.etree import ElementTree

import pytest
from helpers import ROOT

SVG = "{http://www.w3.org/2000/svg}"
RECORDED = ROOT / ".github" / "terminal.svg"
Cell = namedtuple("Cell", "data fg bg reverse", defaults=("default", "default", False))


@pytest.fixture
def script(script):
    return script("record_terminal")


def texts(tree):
    return ["".join(text.itertext()) for text in tree.iter(f"{SVG}text")]


def test_a_line_is_split_into_runs_of_one_style(script):
    cells = [Cell(" "), Cell("a"), Cell(" "), Cell("b"), Cell(" "), Cell("c", fg="red"), Cell(" ", bg="0000d7")]
    assert script.to_runs(cells) == (
        script.Run(1, "a b"),
        script.Run(5, "c", script.COLOURS["red"]),
        script.Run(6, " ", background="#0000d7"),
    )
    assert script.to_runs([Cell(" ")] * 3) == ()


def test_each_line_is_visible_from_its_first_frame_to_its_last(script):
    one, two, three = ((script.Run(0, text, background="#123456"),) for text in ("one", "<two>", "three"))
    frames = [script.Frame(0, (one, ())), script.Frame(2, (one, two)), script.Frame(5, (three, two))]
    text = script.svg(frames, 8, "how it came")
    tree = ElementTree.fromstring(text)
    assert sorted(texts(tree)) == ["<two>", "how it came", "one", "three"]
    moments = {}
    for group in tree.iter(f"{SVG}g"):
        name = group.get("style").removeprefix("animation-name:")
        rule = re.search(rf"@keyframes {name}{{(.*)}}\n", text)[1]
        moments[texts(group)[0]] = re.findall(r"([\d.]+)%{visibility:(\w+)}", rule), group.get("visibility")
    assert moments == {
        "one": ([("0.00", "visible"), ("62.50", "hidden")], "hidden"),
        "<two>": ([("0", "hidden"), ("25.00", "visible")], None),  # in the last frame: visible without animation
        "three": ([("0", "hidden"), ("62.50", "visible")], None),
    }


def test_text_is_as_wide_as_its_characters_in_a_terminal(script):
    text = script.svg([script.Frame(0, ((script.Run(3, "four"),),))], 1)
    (run, _caption) = ElementTree.fromstring(text).iter(f"{SVG}text")
    assert float(run.get("x")) == script.MARGIN + 3 * script.WIDTH
    assert float(run.get("textLength")) == 4 * script.WIDTH


def test_the_recording_is_self_contained_and_shows_the_commands(script):
    text = RECORDED.read_text()
    tree = ElementTree.fromstring(text)
    assert len(text) < 150_000
    assert "<script" not in text
    assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"href|url\(|@import", text)
    last = "\n".join(t for g in tree.iter(f"{SVG}g") if g.get("visibility") is None for t in texts(g))
    assert all(command in last for command in script.COMMANDS)
    assert "prediction=[1 2 3] (expected=[1 2 3])" in last
    assert script.CAPTION in texts(tree)
