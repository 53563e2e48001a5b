"""The index of the gallery."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT
from helpers_page import needs_chromium

from seq2seq_demo import load
from seq2seq_demo.files.atomic_files import is_own
from seq2seq_demo.page.builder import Example, ShownNetwork, build, read_asset
from seq2seq_demo.page.gallery import GALLERY, INDEX, LINKS, build_documents, build_index, exercises
from seq2seq_demo.page.training import build_training

pytestmark = pytest.mark.slow


def index_page():
    examples = [Example([3, 1, 4], None, "")]
    shown = {name: ShownNetwork("n", load(name), examples) for entry in GALLERY.values() for name in entry.networks}
    return build_index({page: [shown[name] for name in entry.networks] for page, entry in GALLERY.items()})


def test_the_index_links_to_every_page_and_asks_no_server():
    index = index_page()
    assert is_own(index.encode(), "a page")
    assert "script-src 'none'" in index and "<script" not in index
    assert '<link rel="icon" href="data:image/svg+xml,' in index and "img-src data:;" in index
    numbered = [(f"{name}.html", str(i)) for i, name in enumerate(GALLERY, 1)]
    assert re.findall(r'<h2><a href="(.*?)">(\d)\.', index) == numbered
    assert "$" not in index


def test_the_index_has_a_picture_of_each_network_with_attention():
    names = [name for entry in GALLERY.values() for name in entry.networks if load(name).model_config.has_attention]
    for name, picture in zip(names, re.findall(r'<svg class="picture".*?</svg>', index_page()), strict=True):
        squares = [*map(float, re.findall(r'fill-opacity="(.*?)"', picture))]
        if name == "reversed-attention":
            assert np.reshape(squares, (4, 3))[:3].argmax(axis=1).tolist() == [2, 1, 0]


def test_the_index_starts_a_training_and_its_curves_are_those_of_exercise_1_and_do_not_tell_which_has_attention():
    index = index_page()
    section = re.search(r'<section class="entry start">(.*?)</section>', index, re.DOTALL)[1]
    assert re.search(r'Press Train.*?<a class="button" href="train.html#train=now">Train</a>', section)
    curves = re.search(r'<svg class="picture curves".*?</svg>', section, re.DOTALL)[0]
    lines = [
        {float(x): float(y) for x, y in re.findall(r"([\d.]+),([\d.]+)", points)}
        for points in re.findall(r'points="(.*?)"', curves)
    ]
    answer = re.search(r"<h2>1\..*?<details>(.*?)</details>", read_asset(LINKS), re.DOTALL)[1]
    rows = re.findall(r"<tr><th.*?>([\d,]+), with.*?</th><td>.*?</td><td>([\d.]+), ", answer)  # 16 units, seed 0
    expected = {(int(samples.replace(",", "")), i % 2): float(exact) for i, (samples, exact) in enumerate(rows)}
    errors = [abs(130 - 1.1 * exact - lines[i][50 + 310 * n / 64_000]) for (n, i), exact in expected.items()]
    assert len(errors) == 4 and max(errors) < 0.06  # rounded
    described = re.sub(r"Which one(</text>\s<text.*?>| )has attention\?", "", curves)
    assert "attention" not in described and "without" not in described
    assert f"{expected[64_000, 1]:g} %" in described


def test_the_index_links_to_the_repository_its_lesson_and_its_plans():
    repository = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Homepage"]
    links = re.findall(r'href="(https?:.*?)"', index_page())
    assert repository in links and all(link.startswith(repository) for link in links)
    paths = [link.partition("/blob/main/")[2] for link in links if link != repository]
    assert [ROOT / path for path in paths if not (ROOT / path).is_file()] == []
    assert {Path(path).name for path in paths} == {"LESSON.md", "TEACHING.md"}
    (author,) = re.findall(r"Copyright \(c\) \d+ (.*)", (ROOT / "LICENSE").read_text())
    assert author.lower() in index_page().lower()


PANELS = {"Influence": "influence", "Beam search": "beam"}
PANELS["Teacher forcing and free-running"] = "forced"


MARKUP = r"[\s`*|-]"
# The number of inputs that can change each output, per network.
INFLUENCES = """app.runs.map(influenceOf).map((trials) => {
    let next = trials.next();
    while (!next.done) next = trials.next();
    return next.value.matrix.map((row) => row.filter((share) => share > 0).length);
})"""


def follow_with_a_clicker(page, folder):
    """Press the keys of a clicker after the last step of a link and at the first one."""
    page.goto(f"{folder}/pronunciation.html#source=massage&place=13&exercise=10&view=lecture&beam=2")
    for key, beam, source in (("Down", 3, "massage"), ("Down", 1, "rendezvous"), ("Up", 3, "massage")):
        page.keyboard.press(f"Page{key}")
        page.wait_for_function(f"() => app.state.beam === {beam} && app.state.text === '{source}'")
    page.goto(f"{folder}/reversing.html#source=1&place=3&exercise=7&view=lecture")
    page.wait_for_function("() => app.state.exercise === 7")
    page.keyboard.press("PageDown")
    page.wait_for_function("() => app.state.exercise === 8")
    assert page.locator("article:visible h2").all_text_contents() == ["8. Exposure bias"]


@needs_chromium
def test_the_exercises_have_the_words_of_teaching_and_links_to_the_states_that_they_describe(shared_tab, tmp_path):
    lesson = " ".join((ROOT / "seq2seq_demo" / "docs" / "TEACHING.md").read_text().split())
    stated = re.findall(
        r"\*\*(\d+)\. ([^*]*) \((\w)\)\*\* (.*?) <details><summary>Answer</summary>(.*?)</details>", lesson
    )
    pages = dict(zip("TRSPDN", re.findall(r"`(\w+)\.html`", lesson.partition("stand for")[2])[:6], strict=True))
    for name in pages.values():
        shown = [ShownNetwork(network, load(network)) for network in GALLERY[name].networks]
        parts = INDEX, exercises(name)
        content = build(shown, GALLERY[name].title, *parts) if shown else build_training(*parts)
        (tmp_path / f"{name}.html").write_text(content, encoding="utf-8")
    documents = build_documents()
    (tmp_path / LINKS).write_text(documents[LINKS], encoding="utf-8")
    page = shared_tab.open(tmp_path / LINKS, "", {"width": 800, "height": 600}, "light", "reduce")
    shared_tab.address = tmp_path.as_uri()
    page.locator(".board").evaluate_all("(all) => all.map((one) => one.remove())")  # tables to fill in
    parts = "(one) => [one.innerText, [...one.querySelectorAll('a')].map((link) => link.href)]"
    entries = page.locator(".entry").evaluate_all(f"(all) => all.map({parts})")
    answers = page.locator(".entry > details").evaluate_all("(all) => all.map((one) => one.textContent)")
    tab = None
    for (number, topic, letter, question, answer), (text, links), shown_answer in zip(
        stated, entries, answers, strict=True
    ):
        name = pages[letter]
        title, words = f"{number}. {topic}", re.sub("[`*]", "", question)
        assert " ".join(text.split()) == f"{title} {words} Prediction: What I saw, and why: Answer"
        assert re.sub(MARKUP, "", shown_answer) == re.sub(MARKUP, "", f"Answer {answer}")
        sources = re.findall("`(.*?)`", question) or [None]  # "Your language" has none
        named = [PANELS[panel] for panel in re.findall('"(.*?)"', question + answer) if panel in PANELS]
        tab = named[0] if named else tab if "panel" in question else None
        assert links[0] == f"{links[1]}&view=lecture"  # the heading
        opening = [link for link in links[1:] if not re.search("beam=[23]", link)]  # without wider beams
        short = f"{(tmp_path / f'{name}.html').as_uri()}#exercise={number}"  # on the worksheet
        for source, link in [*zip(sources, opening, strict=True), (sources[0], short)]:
            page.goto(link)
            page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")  # after hashchange
            state = page.evaluate("app.state")
            address = page.url.partition("#")[0], source and state["text"], state.get("task") == "pairs"
            assert address == ((tmp_path / f"{name}.html").as_uri(), source, source is None)
            beam = 1 if tab == "beam" else 3
            assert (state["tab"], state["hidden"], state["beam"]) == (tab, letter != "T", beam)
            if source and link != short:  # only the step is not in each link
                assert page.evaluate("location.hash").count("=") - link.count("=") <= 1
    page.goto(f"{(tmp_path / 'reversing.html').as_uri()}#source=65058783970083166862")
    n_inputs = page.evaluate(INFLUENCES)
    assert (n_inputs[0], n_inputs[1][7]) == ([1] * 20 + [0], 11) and "the 8th output depends on eleven inputs" in lesson
    for frame in re.findall(' src="(.*?)"', documents["theory.html"]):
        page.goto(f"{tmp_path.as_uri()}/{frame.replace('&amp;', '&').replace('0:7', '0%3A7')}")
        assert page.evaluate("location.href") == page.url
    follow_with_a_clicker(page, tmp_path.as_uri())
    page.goto(f"{(tmp_path / 'reversing.html').as_uri()}#view=lecture")
    assert page.locator("#exercises h2").all_text_contents() == [
        f"{number}. {topic}" for number, topic, letter, *_ in stated if letter == "R"
    ]
    page.locator("#exercises p:not(.steps) a").nth(3).click()
    assert page.evaluate("[app.state.text, app.state.lecture]") == ["3 1 4 1 5 9", True]
    page.get_by_role("link", name="Next exercise").click()
    assert page.locator("#forced table").count() == 1  # only the network that errs
    assert shared_tab.errors == []


@needs_chromium
def test_the_index_and_the_documents_are_accessible_on_a_small_dark_screen(shared_tab, tmp_path):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    for name, content in {INDEX: index_page(), **build_documents()}.items():
        (tmp_path / name).write_text(content.replace(' src="', ' data-src="'), encoding="utf-8")  # empty frames
        page = shared_tab.open(tmp_path / name, "", {"width": 320, "height": 600}, "dark", "reduce")
        page.locator("details").evaluate_all("(all) => all.map((one) => (one.open = true))")
        result = axe.Axe().run(page, options={"iframes": False})
        assert [each["id"] for each in result.response["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        assert page.locator("p").first.evaluate("(one) => getComputedStyle(one).marginTop") != "16px"  # has its style
    assert shared_tab.errors == []
