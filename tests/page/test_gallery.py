"""The index of the gallery."""

import functools
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT
from helpers_page import needs_chromium, printed_sizes, violations

from seq2seq_demo import load
from seq2seq_demo.files.atomic_files import is_own
from seq2seq_demo.page import gallery as gallery_pages
from seq2seq_demo.page.builder import Example, ShownNetwork
from seq2seq_demo.page.gallery import GALLERY, INDEX, LINKS, build_documents, build_index

pytestmark = pytest.mark.slow


@functools.cache
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


def test_the_index_starts_a_training():
    section = re.search(r'<section class="entry start">(.*?)</section>', index_page(), re.DOTALL)[1]
    assert re.search(r'Press Train.*?<a class="button" href="train.html#train=now">Train</a>', section)
    assert '<svg class="picture curves"' in section


def test_the_index_links_to_the_repository_its_lesson_and_its_plans():
    repository = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Homepage"]
    links = re.findall(r'href="(https?:.*?)"', index_page())
    assert repository in links and all(link.startswith(repository) for link in links)
    paths = [link.partition("/blob/main/")[2] for link in links if link != repository]
    assert [ROOT / path for path in paths if not (ROOT / path).is_file()] == []
    assert {Path(path).name for path in paths} == {"LESSON.md", "TEACHING.md"}
    (author,) = re.findall(r"Copyright \(c\) \d+ (.*)", (ROOT / "LICENSE").read_text())
    assert author.lower() in index_page().lower()


PANELS = {
    4: "details",
    5: "influence",
    6: "influence",
    8: "forced",
    9: "beam",
    10: "beam",
}  # of the exercises that need one


EXERCISES = [
    (str(one.number), one.title, "short" if one.short else "", one.place(one.question))
    for one in gallery_pages.EXERCISES
]


def page_of(question):
    return re.search(r"(\w+)\.html", question)[1]


def test_the_plans_list_the_exercises_with_their_pages():
    plans = (ROOT / "seq2seq_demo" / "docs" / "TEACHING.md").read_text(encoding="utf-8")
    listed = re.findall(r"\| (\d+)\. (.*?) \| `(\w+)\.html` \| (?:(short) )?\|", plans)
    assert listed == [(number, topic, page_of(question), short) for number, topic, short, question in EXERCISES]


@needs_chromium
def test_the_links_of_the_exercises_lead_to_the_states_that_they_describe(shared_tab, gallery):
    documents = build_documents()
    page = shared_tab.open(gallery / LINKS, reduced_motion="reduce", root=gallery)
    entries = page.locator(".entry").evaluate_all(
        "(all) => all.map((one) => [...one.querySelectorAll('a')].map((link) => link.href))"
    )
    for (number, *_, question), links in zip(EXERCISES, entries, strict=True):
        name = page_of(question)
        sources = [" ".join(one.split()) for one in re.findall("<code>(.*?)</code>", question, re.DOTALL)]
        sources = sources or [None]  # "Your language" has none
        tab = PANELS.get(int(number))
        assert links[0] == f"{links[1]}&view=lecture"  # the heading
        opening = [link for link in links[1:] if not re.search("beam=[23]|forced=", link)]  # the first one of a source
        printed = f"{(gallery / f'{name}.html').as_uri()}#exercise={number}"  # on the worksheet
        for source, link in [*zip(sources, opening, strict=True), (sources[0], printed)]:
            page.goto(link)
            page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")  # after hashchange
            state = page.evaluate("app.state")
            address = page.url.partition("#")[0], source and state["text"], state.get("task") == "pairs"
            assert address == ((gallery / f"{name}.html").as_uri(), source, source is None)
            beam = 1 if tab == "beam" else 3
            assert (state["tab"], state["hidden"], state["beam"]) == (tab, name != "train" and number != "7", beam)
            if source and link != printed:  # only the step is not in each link
                assert page.evaluate("location.hash").count("=") - link.count("=") <= 1
    for frame in re.findall(' src="(.*?)"', documents["theory.html"]):
        page.goto(f"{gallery.as_uri()}/{frame.replace('&amp;', '&').replace('0:7', '0%3A7')}")
        assert page.evaluate("location.href") == page.url
    page.goto(f"{(gallery / 'reversing.html').as_uri()}#view=lecture")
    assert page.locator("#exercises h2").all_text_contents() == [
        f"{number}. {topic} {short}".strip()
        for number, topic, short, question in EXERCISES
        if page_of(question) == "reversing"
    ]
    page.locator("#exercises > details").evaluate("(one) => (one.open = true)")
    page.locator("#exercises p:not(.steps) a").nth(3).click()
    assert page.evaluate("[app.state.text, app.state.lecture]") == ["3 1 4 1 5 9", True]
    page.get_by_role("link", name="Next exercise").click()
    page.wait_for_function("() => document.querySelectorAll('#forced table').length === 1")  # the one with errors
    shared_tab.require_no_errors()


@needs_chromium
def test_the_index_and_the_documents_are_accessible_on_a_small_dark_screen(shared_tab, tmp_path):
    for name, content in {INDEX: index_page(), **build_documents()}.items():
        (tmp_path / name).write_text(content.replace(' src="', ' data-src="'), encoding="utf-8")  # empty frames
        page = shared_tab.open(tmp_path / name, "", {"width": 320, "height": 600}, "dark", "reduce")
        page.locator("details").evaluate_all("(all) => all.map((one) => (one.open = true))")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        assert page.locator("p").first.evaluate("(one) => getComputedStyle(one).marginTop") != "16px"  # has its style
    shared_tab.require_no_errors()


SHEET = 186, 255.4  # mm, within the margins of A4, which is narrower than Letter, and of Letter, which is lower
# Of each element: its left and right edge and its height, in px.
EDGES = (
    """(all) => all.map((one) => one.getBoundingClientRect()).map(({ left, right, height }) => [left, right, height])"""
)


@needs_chromium
def test_the_worksheet_prints_within_the_margins_with_room_to_write_and_the_theory_with_whole_frames(
    shared_tab, gallery, tmp_path
):
    for name, content in {**build_documents(), "reversing.html": (gallery / "reversing.html").read_text()}.items():
        (tmp_path / name).write_text(content.replace(' loading="lazy"', ""), encoding="utf-8")
    short, long = (round(mm / 25.4 * 96) for mm in SHEET)
    size = {"width": short, "height": long}
    page = shared_tab.open(tmp_path / LINKS, "", size, reduced_motion="reduce", root=tmp_path)
    page.evaluate("""document.querySelector(".board td").append(document.createElement("input"));
        document.querySelector(".note").innerHTML = "<input><input type=radio>";""")
    page.emulate_media(media="print")
    entries = page.locator(".entry").evaluate_all(EDGES)
    (name,) = page.locator(".student").evaluate_all(EDGES)
    assert name[0] == entries[0][0] == 0 and name[1] <= entries[0][1] == short
    assert max(height for *_, height in entries) < long / 2
    assert {*page.locator(".entry").evaluate_all("(all) => all.map((one) => getComputedStyle(one).breakInside)")} == {
        "avoid"
    }
    cells = page.locator(".board td").evaluate_all(EDGES)
    assert min(min(right - left, height) for left, right, height in cells) >= 7 / 25.4 * 96
    borders = "(one) => ['Top', 'Bottom'].map((side) => getComputedStyle(one)[`border${side}Width`])"
    assert page.locator(".board input").first.evaluate(borders) == ["0px", "0px"]
    line = page.locator(".note input").first
    assert line.evaluate(borders) == ["0px", "1px"] and line.bounding_box()["width"] > 4 / 2.54 * 96
    assert (
        page.locator(".note input[type=radio]").first.evaluate("(one) => getComputedStyle(one).borderRadius") == "50%"
    )
    page.emulate_media(media="null")
    assert len(printed_sizes(page.pdf(format="Letter"))) <= 5
    page.set_viewport_size({"width": long, "height": short})
    page.goto((tmp_path / "theory.html").as_uri())
    for frame in page.frames[1:]:
        frame.wait_for_selector(".diagram")
    sheets = printed_sizes(page.pdf(format="A4"))
    assert len(sheets) == 5 and min(map(min, sheets)) >= 9
    page.emulate_media(media="print")
    for frame in page.frames[1:]:
        frame.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert frame.evaluate("document.querySelector('#stage').getBoundingClientRect().bottom <= innerHeight")
    page.emulate_media(media="null")
    shared_tab.require_no_errors()
